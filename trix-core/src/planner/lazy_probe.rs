//! Measurements of a source that only some jobs need.
//!
//! A measurement is made when the first output needs it. All later outputs share the result.

use std::cell::OnceCell;

use trix_av::stream::StreamFacts;
use trix_model::time::Rational;

use crate::{
    decode::forms::Forms,
    reading::{
        bitstream_facts::{self, BitstreamFacts},
        field_detection::{self, FieldDetection},
    },
    source::Source,
};

/// Measurements of one source, made on demand and shared by all outputs of a job.
#[derive(Default)]
pub(super) struct LazyProbe {
    bitstream_facts: OnceCell<BitstreamFacts>,
    field_detection: OnceCell<FieldDetection>,
    forms: OnceCell<Forms>,
}

impl LazyProbe {
    /// Facts from the bitstream of the first frames.
    pub(super) fn bitstream_facts(&self, source: &Source, stream: &StreamFacts) -> &BitstreamFacts {
        // Enough frames to see the headers of a GOP.
        const FRAMES: u64 = 8;
        self.bitstream_facts.get_or_init(|| bitstream_facts::at_most(source, stream, FRAMES).unwrap_or_default())
    }

    /// Field order and black borders, measured at several places of the source.
    pub(super) fn field_detection(&self, source: &Source, stream: &StreamFacts, rate: Rational) -> FieldDetection {
        *self.field_detection.get_or_init(|| field_detection::field_detection(source, stream, rate).unwrap_or_default())
    }

    /// Where audio streams change their codec, rate or channels.
    pub(super) fn forms(&self, source: &Source) -> &Forms {
        self.forms.get_or_init(|| Forms::of(source))
    }
}
