//! The order of the steps of a run: plan, chunks side by side, finish, publish.
//!
//! Invariant: what comes next depends on the ends of the steps alone, so that an engine can repeat it from its records.

use std::{cell::Cell, future::Future};

use serde::{Deserialize, Serialize};
use trix_core::ErrorDetail;

use super::{Step, StepEnd};

/// The most chunks that wait for workers at the same time.
const LANES: usize = 256;
/// Chunks after which the record of the engine begins anew.
pub const CHUNKS_A_RECORD: usize = 1000;

/// What does the steps.
pub trait Host {
    /// Has a step done, with as many attempts as it takes. `None` if the run was cancelled.
    fn step(&self, step: Step) -> impl Future<Output = Option<StepEnd>>;

    /// Cancels the steps that have not ended, because one has failed.
    fn give_up(&self);

    /// Waits for all of `futures`, which go on side by side.
    fn all<F: Future>(&self, futures: Vec<F>) -> impl Future<Output = Vec<F::Output>>;
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Number of chunks, once the job is planned.
    pub chunks: Option<usize>,
    /// The next chunk.
    pub next: usize,
}

/// How a run goes on after [`ingest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Copies have their names.
    Done,
    /// A step has failed.
    Failed(Box<ErrorDetail>),
    /// A user has cancelled it.
    Cancelled,
    /// It goes on from here, with a new record.
    GoOn(Position),
}

/// Does the steps of a run from `position` on.
pub async fn ingest(host: &impl Host, mut position: Position) -> Next {
    let chunks = match position.chunks {
        Some(chunks) => chunks,
        None => match host.step(Step::Plan).await {
            Some(StepEnd::Planned { chunks }) => *position.chunks.insert(chunks),
            other => return ended(other),
        },
    };
    let end = chunks.min(position.next + CHUNKS_A_RECORD);
    if let Err(next) = encode(host, position.next, end).await {
        return next;
    }
    if end < chunks {
        return Next::GoOn(Position { next: end, ..position });
    }
    let attempt = match host.step(Step::Finish).await {
        Some(StepEnd::Finished { attempt }) => attempt,
        other => return ended(other),
    };
    match host.step(Step::Publish { attempt }).await {
        Some(StepEnd::Published) => Next::Done,
        other => ended(other),
    }
}

/// Encodes the chunks `begin..end`. After one that has failed, no other begins, and those that have begun are cancelled.
async fn encode(host: &impl Host, begin: usize, end: usize) -> Result<(), Next> {
    let (next, failed) = (Cell::new(begin), Cell::new(None));
    let lane = || async {
        while next.get() < end {
            let number = next.replace(next.get() + 1);
            match host.step(Step::Chunk { number }).await {
                Some(StepEnd::Encoded) => {}
                other => {
                    next.set(end);
                    host.give_up();
                    // The first failure says more than those that follow.
                    failed.set(failed.take().or(Some(ended(other))));
                }
            }
        }
    };
    host.all((0..LANES.min(end - begin)).map(|_| lane()).collect()).await;
    failed.take().map_or(Ok(()), Err)
}

/// How a run goes on after a step that ended in another way than it should.
fn ended(end: Option<StepEnd>) -> Next {
    match end {
        None => Next::Cancelled,
        Some(StepEnd::Failed { error }) => Next::Failed(error),
        Some(other) => {
            let detail = format!("a step ended as {other:?}");
            let error = trix_core::Error::new(trix_core::ErrorKind::Bug, trix_core::Stage::Plan, detail);
            Next::Failed(Box::new((&error).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Answers at once, and notes what it was asked.
    struct Answers {
        chunks: usize,
        broken: Option<usize>,
        asked: RefCell<Vec<String>>,
    }

    impl Host for Answers {
        async fn step(&self, step: Step) -> Option<StepEnd> {
            self.asked.borrow_mut().push(step.to_string());
            let error = trix_core::Error::new(trix_core::ErrorKind::Codec, trix_core::Stage::Encode, "it crashed");
            Some(match step {
                Step::Plan => StepEnd::Planned { chunks: self.chunks },
                Step::Chunk { number } if self.broken == Some(number) => {
                    StepEnd::Failed { error: Box::new((&error).into()) }
                }
                Step::Chunk { .. } => StepEnd::Encoded,
                Step::Finish => StepEnd::Finished { attempt: "one".into() },
                Step::Publish { attempt } if attempt == "one" => StepEnd::Published,
                Step::Publish { .. } => return None,
            })
        }

        fn give_up(&self) {}

        async fn all<F: Future>(&self, futures: Vec<F>) -> Vec<F::Output> {
            futures_util::future::join_all(futures).await
        }
    }

    async fn walked(chunks: usize, broken: Option<usize>) -> (Vec<String>, Vec<Next>) {
        let host = Answers { chunks, broken, asked: RefCell::default() };
        let (mut position, mut ends) = (Position::default(), Vec::new());
        loop {
            let next = ingest(&host, position).await;
            ends.push(next.clone());
            match next {
                Next::GoOn(further) => position = further,
                _ => return (host.asked.into_inner(), ends),
            }
        }
    }

    #[tokio::test]
    async fn every_chunk_is_encoded_once_then_the_copies_get_their_names() {
        for chunks in [0, 1, 3, 999, 1000, 1001, 2500] {
            let (asked, ends) = walked(chunks, None).await;
            let mut numbers: Vec<usize> =
                asked.iter().filter_map(|step| step.strip_prefix("chunk ")?.parse().ok()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..chunks).collect::<Vec<_>>());
            assert_eq!(
                (asked[0].as_str(), &asked[asked.len() - 2..]),
                ("plan", &["finish".to_owned(), "publish".to_owned()][..])
            );
            assert_eq!((ends.len(), ends.last()), (chunks.div_ceil(CHUNKS_A_RECORD).max(1), Some(&Next::Done)));
        }
    }

    #[tokio::test]
    async fn after_a_failure_no_other_chunk_begins() {
        let (asked, ends) = walked(900, Some(5)).await;
        assert!(asked.len() <= 1 + LANES && !asked.iter().any(|step| step == "finish"), "{}", asked.len());
        assert!(matches!(ends.last(), Some(Next::Failed(error)) if error.message.contains("it crashed")), "{ends:?}");
    }
}
