//! Collects what the planner reports besides the plan: mistakes of the job, its own decisions, and notes.

use trix_av::stream::StreamFacts;
use trix_model::{decision::Decision, mistake::Mistake};

use crate::settings::container::Container;

/// Collects what the planner finds.
pub(super) struct Diagnostics<'a> {
    pub(super) mistakes: &'a mut Vec<Mistake>,
    pub(super) decisions: &'a mut Vec<Decision>,
    pub(super) notes: &'a mut Vec<String>,
}

impl Diagnostics<'_> {
    pub(super) fn decide(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.decisions.push(Decision::new(what, why));
    }

    pub(super) fn mistake(&mut self, place: &str, value: impl ToString, problem: impl Into<String>) {
        self.mistakes.push(Mistake::new(place, value, problem));
    }
}

/// Collects what the planner finds about one audio stream.
pub(super) struct StreamDiagnostics<'a> {
    pub(super) stream: &'a StreamFacts,
    pub(super) container: Container,
    pub(super) mistakes: &'a mut Vec<Mistake>,
    pub(super) decisions: &'a mut Vec<Decision>,
    pub(super) notes: &'a mut Vec<String>,
}

impl StreamDiagnostics<'_> {
    pub(super) fn decide(&mut self, what: String, why: String) {
        self.decisions.push(Decision::new(format!("stream {}: {what}", self.stream.index), why));
    }

    pub(super) fn note(&mut self, what: &str) {
        self.notes.push(format!("stream {}: {what}", self.stream.index));
    }
}
