//! An engine without records, for tests: its runs end with the process.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{
    Engine, Run, Step, StepEnd,
    flow::{Host, Next, Position, ingest},
};
use crate::{catalogue::Catalogue, error::Result};

/// Does a step of a run, with as many attempts as it takes. `None` if it was cancelled.
#[async_trait]
pub trait Doer: Send + Sync {
    /// Does the step.
    async fn step(&self, run: &Run, step: Step, cancel: &CancellationToken) -> Option<StepEnd>;
}

/// An engine without records.
pub struct Memory {
    catalogue: Catalogue,
    doer: Arc<dyn Doer>,
    runs: Mutex<BTreeMap<(String, i64), CancellationToken>>,
}

impl Memory {
    /// An engine whose steps `doer` does.
    pub fn new(catalogue: Catalogue, doer: Arc<dyn Doer>) -> Self {
        Memory { catalogue, doer, runs: Mutex::default() }
    }
}

struct Here<'a> {
    run: &'a Run,
    doer: &'a dyn Doer,
    cancel: CancellationToken,
}

impl Host for Here<'_> {
    async fn step(&self, step: Step) -> Option<StepEnd> {
        if self.cancel.is_cancelled() { None } else { self.doer.step(self.run, step, &self.cancel).await }
    }

    fn give_up(&self) {
        self.cancel.cancel();
    }

    async fn all<F: Future>(&self, futures: Vec<F>) -> Vec<F::Output> {
        futures_util::future::join_all(futures).await
    }
}

#[async_trait]
impl Engine for Memory {
    async fn start(&self, run: &Run) -> Result<()> {
        let cancel = CancellationToken::new();
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.contains_key(&(run.job.clone(), run.run)) {
            return Ok(());
        }
        runs.insert((run.job.clone(), run.run), cancel.clone());
        drop(runs);
        let (run, doer, catalogue) = (run.clone(), Arc::clone(&self.doer), self.catalogue.clone());
        // The futures of a workflow stay on one thread.
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                let mut position = Position::default();
                loop {
                    let here = Here { run: &run, doer: &*doer, cancel: cancel.child_token() };
                    let error = match ingest(&here, position).await {
                        Next::GoOn(further) => {
                            position = further;
                            continue;
                        }
                        Next::Done => return,
                        Next::Failed(error) => Some(error),
                        Next::Cancelled => None,
                    };
                    let _ = catalogue.run_ends(&run.job, run.run, error.as_deref(), "engine").await;
                    return;
                }
            });
        });
        Ok(())
    }

    async fn cancel(&self, job: &str, run: i64) -> Result<bool> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let found = runs.get(&(job.to_owned(), run));
        found.into_iter().for_each(CancellationToken::cancel);
        Ok(found.is_some())
    }

    async fn set_priority(&self, _job: &str, _run: i64, _priority: u32) -> Result<()> {
        // Steps start at once here, so that priorities have no effect.
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}
