//! Hands runs to the engine, and decides with its workflows what comes next. Several can run at once.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use temporalio_sdk::{Runtime, Worker as Poller, WorkerOptions};
use tokio_util::sync::CancellationToken;

use super::pause;
use crate::{
    catalogue::{Catalogue, Change, soon},
    config::Config,
    engine::{
        Engine, Run,
        temporal::{Ends, IngestWorkflow, Temporal, control_queue},
    },
    error::{Error, Result},
    retention,
    watch::Watcher,
};

/// Runs that are handed over at a time, side by side.
const BATCH: i64 = 8;
/// Runs that the engine gets beyond two for each worker.
const SPARE: i64 = 50;

/// Runs a dispatcher until `end`.
pub(super) async fn run(config: &Config, end: &CancellationToken) -> Result<()> {
    let catalogue = Catalogue::open(&config.catalogue).await?;
    let engine: Arc<dyn Engine> = Arc::new(Temporal::new(config));
    let handing = tokio::spawn(hand_over(catalogue.clone(), engine, end.clone()));
    let watcher = Watcher::new(config, catalogue.clone())?;
    let ending = end.clone();
    let watching = tokio::spawn(async move { watcher.run(&ending).await });
    let following = tokio::spawn(follow(catalogue.clone(), end.clone()));
    let keeping = tokio::spawn(keep(config.clone(), catalogue.clone(), end.clone()));
    let runtime = Runtime::from_current_tokio(Default::default()).map_err(|error| Error::Bug(error.to_string()))?;
    while !end.is_cancelled() {
        let client = match Temporal::connect(&config.engine, &format!("dispatcher-{}", std::process::id())).await {
            Ok(client) => client,
            Err(error) => {
                tracing::warn!(%error, "waits for the engine");
                pause(1.0, end).await;
                continue;
            }
        };
        let options = WorkerOptions::new(control_queue(&config.engine))
            .register_workflow::<IngestWorkflow>()
            .map_err(|error| Error::Bug(error.to_string()))?
            .register_activities(Ends { catalogue: catalogue.clone() })
            .graceful_shutdown_period(Duration::from_secs(2))
            .build();
        let mut poller = Poller::new(&runtime, client, options).map_err(|error| Error::Bug(error.to_string()))?;
        let shutdown = poller.shutdown_handle();
        let ending = end.clone();
        let watch = tokio::spawn(async move {
            ending.cancelled().await;
            shutdown();
        });
        if let Err(error) = poller.run().await {
            tracing::warn!(%error, "the engine is away");
            pause(1.0, end).await;
        }
        watch.abort();
    }
    let _ = tokio::join!(handing, watching, following, keeping);
    Ok(())
}

/// Logs every change of the catalogue, whoever made it.
async fn follow(catalogue: Catalogue, end: CancellationToken) {
    let mut known = None;
    while pause(1.0, &end).await {
        let Ok(last) = catalogue.last_change().await else { continue };
        let mut from = *known.get_or_insert(last);
        while from < last {
            let Ok(changes) = catalogue.changes_after(from, 500).await else { break };
            let Some(newest) = changes.last().map(|change| change.number) else { break };
            for change in &changes {
                let Change { number, what, job, who, detail, .. } = change;
                tracing::info!(number, what, job, who, %detail, "change");
            }
            from = newest;
        }
        known = Some(from);
    }
}

/// Removes every hour what the settings do not keep.
async fn keep(config: Config, catalogue: Catalogue, end: CancellationToken) {
    loop {
        match retention::keep(&config, &catalogue).await {
            Ok(0) => {}
            Ok(folders) => tracing::info!(folders, "scratch files of jobs that are over are removed"),
            Err(error) => tracing::warn!(%error, "what is old cannot be removed"),
        }
        if !pause(3600.0, &end).await {
            return;
        }
    }
}

async fn hand_over(catalogue: Catalogue, engine: Arc<dyn Engine>, end: CancellationToken) {
    loop {
        let seconds = match soon(dispatch(&catalogue, &*engine)).await {
            Ok(true) => 0.0,
            Ok(false) => 0.25,
            Err(error) => {
                tracing::warn!(%error, "catalogue or engine is away");
                1.0
            }
        };
        if !pause(seconds, &end).await {
            return;
        }
    }
}

/// Hands new runs to the engine, and tells it whose priority has changed, and which are cancelled.
///
/// Returns true if more runs wait. The engine gets about as many runs as the workers can take up, so that an urgent one does not come
/// after thousands of others.
///
/// # Errors
/// If catalogue or engine are away. Doing it again does no harm.
pub async fn dispatch(catalogue: &Catalogue, engine: &dyn Engine) -> Result<bool> {
    catalogue.check().await?;
    // What users no longer want comes first. One run that the engine refuses holds up no other.
    let cancelled = catalogue.runs_to_cancel(BATCH).await?;
    let all = cancelled.iter().map(async |job| {
        if !engine.cancel(&job.id, job.run).await? {
            // The engine never had it, or has ended it without telling.
            catalogue.run_ends(&job.id, job.run, None, "dispatcher").await?;
        }
        Ok(())
    });
    let mut ends: Vec<Result<()>> = join_all(all).await;
    let hurried = catalogue.runs_to_hurry(BATCH).await?;
    let all = hurried.iter().map(async |job| {
        engine.set_priority(&job.id, job.run, job.priority.clamp(1, 5) as u32).await?;
        catalogue.hurried(&job.id, job.priority).await
    });
    ends.extend(join_all(all).await);
    let (runs, workers) = catalogue.runs_and_workers().await?;
    let jobs = catalogue.runs_to_hand(SPARE + 2 * workers - runs, BATCH).await?;
    let is_more = jobs.len() as i64 == BATCH;
    let all = jobs.iter().map(async |job| {
        let run = Run {
            job: job.id.clone(),
            run: job.run,
            priority: job.priority.clamp(1, 5) as u32,
            submitter: job.submitter.clone(),
        };
        engine.start(&run).await?;
        catalogue.handed(&job.id, job.run, job.priority).await?;
        tracing::info!(job = job.id, run = job.run, "handed over");
        Ok(())
    });
    ends.extend(join_all(all).await);
    ends.into_iter().collect::<Result<()>>()?;
    Ok(is_more)
}
