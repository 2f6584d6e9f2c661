//! Cancellation: the caller asks for it, or a stage failed.
//!
//! Invariant: every wait in the pipeline checks its token at least twenty times a second. Only the wait for a conversion lasts until
//! the frame is there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The longest time that a stage waits for its neighbour before it checks its token again.
pub const LOOK: Duration = Duration::from_millis(50);

/// A caller's handle on a job. To cancel it ends the job with an error of kind `Cancelled`.
///
/// ```
/// let cancel = trix_model::control::cancel::Cancel::default();
/// let in_another_thread = cancel.clone();
/// in_another_thread.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    above: Option<Arc<Cancel>>,
}

impl Cancel {
    /// Asks the job to stop. Returns at once. Safe in a signal handler.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    /// True if the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Relaxed) || self.above.as_ref().is_some_and(|above| above.is_cancelled())
    }

    /// A handle for a part of the work. To cancel this handle cancels the part too. To cancel the part leaves this
    /// handle as it is.
    pub fn child(&self) -> Cancel {
        Cancel { own: Arc::default(), above: Some(Arc::new(self.clone())) }
    }
}

/// The stop flags that the stages of one pass check: the caller's request, the failure of the whole job, and the
/// failure of the outputs that a stage works for.
#[derive(Clone)]
pub struct Token {
    caller: Cancel,
    failed: Arc<AtomicBool>,
    outputs: Arc<[Output]>,
}

/// An output that a stage works for.
#[derive(Clone)]
struct Output {
    number: usize,
    failed: Arc<AtomicBool>,
}

impl Token {
    /// A token for stages that work for the whole job.
    pub fn new(caller: &Cancel) -> Self {
        Token { caller: caller.clone(), failed: Arc::default(), outputs: Arc::new([]) }
    }

    /// Creates `count` tokens, one for the stages of each output.
    pub fn of_outputs(&self, count: usize) -> Vec<Token> {
        (0..count)
            .map(|number| Token { outputs: Arc::new([Output { number, failed: Arc::default() }]), ..self.clone() })
            .collect()
    }

    /// Creates a token for a stage that works for all the outputs of `tokens`. The stage goes on while at least one of
    /// them needs it.
    pub fn joined<'a>(tokens: impl IntoIterator<Item = &'a Token>) -> Option<Token> {
        let mut tokens = tokens.into_iter();
        let first = tokens.next()?.clone();
        let mut outputs: Vec<Output> = first.outputs.to_vec();
        for output in tokens.flat_map(|token| token.outputs.iter()) {
            if outputs.iter().all(|known| known.number != output.number) {
                outputs.push(output.clone());
            }
        }
        Some(Token { outputs: outputs.into(), ..first })
    }

    /// Numbers of the outputs that a stage with this token works for. Empty if it works for the whole job.
    pub fn outputs(&self) -> Vec<usize> {
        self.outputs.iter().map(|output| output.number).collect()
    }

    /// Stops the outputs of this token. If the token has none, stops the whole job.
    pub fn fail(&self) {
        if self.outputs.is_empty() {
            self.fail_job();
        }
        self.outputs.iter().for_each(|output| output.failed.store(true, Ordering::Relaxed));
    }

    /// Stops every stage.
    pub fn fail_job(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// The caller's handle on the job.
    pub fn caller(&self) -> &Cancel {
        &self.caller
    }

    /// True if the whole job must stop.
    pub fn job_is_set(&self) -> bool {
        self.caller.is_cancelled() || self.failed.load(Ordering::Relaxed)
    }

    /// True if the stage must stop: the job stops, or every output of this token has failed.
    pub fn is_set(&self) -> bool {
        let over = |output: &Output| output.failed.load(Ordering::Relaxed);
        self.job_is_set() || (!self.outputs.is_empty() && self.outputs.iter().all(over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_stage_goes_on_while_one_output_needs_it() {
        let job = Token::new(&Cancel::default());
        let outputs = job.of_outputs(3);
        let shared = Token::joined(&outputs[..2]).unwrap();
        outputs[0].fail();
        assert!(outputs[0].is_set() && !shared.is_set() && !job.is_set());
        outputs[1].fail();
        assert!(shared.is_set() && !outputs[2].is_set() && !shared.job_is_set());
        job.fail();
        assert!(outputs[2].is_set());
        assert_eq!((job.outputs(), shared.outputs()), (vec![], vec![0, 1]));
    }

    #[test]
    fn a_part_is_cancelled_with_the_whole_and_not_the_whole_with_a_part() {
        let whole = Cancel::default();
        let (one, other) = (whole.child(), whole.child());
        let below = one.clone().child();
        one.cancel();
        assert_eq!([&whole, &one, &other, &below].map(Cancel::is_cancelled), [false, true, false, true]);
        whole.cancel();
        assert!(other.is_cancelled());
    }

    #[test]
    fn a_shared_stage_that_fails_takes_its_outputs_along() {
        let outputs = Token::new(&Cancel::default()).of_outputs(3);
        Token::joined(&outputs[1..]).unwrap().fail();
        assert!(!outputs[0].is_set() && outputs[1].is_set() && outputs[2].is_set());
    }
}
