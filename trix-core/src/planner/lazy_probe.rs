//! Measurements of a source that only some jobs need.
//!
//! A measurement is made when the first output needs it. All later outputs share the result. Facts of the first frames are
//! kept for later readings of the same file.

use std::{
    cell::OnceCell,
    sync::{Mutex, PoisonError},
};

use trix_av::stream::StreamFacts;
use trix_model::time::Rational;

use crate::{
    decode::forms::Forms,
    reading::{
        bitstream_facts::{self, BitstreamFacts},
        field_detection::{self, FieldDetection},
    },
    source::{Source, SourceKey},
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
        self.bitstream_facts.get_or_init(|| first_frames(source, stream))
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

/// The facts of the streams that were examined last, by their files and indexes. The newest is last.
static KEPT: Mutex<Vec<(SourceKey, usize, BitstreamFacts)>> = Mutex::new(Vec::new());

/// Facts from the bitstream of the first frames. A program that reads frames of a file again and again pays for them once.
fn first_frames(source: &Source, stream: &StreamFacts) -> BitstreamFacts {
    // Enough frames to see the headers of a GOP.
    const FRAMES: u64 = 8;
    // Files whose facts are kept.
    const MOST: usize = 16;
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = source.key();
    let is_own =
        |(file, index, _): &&(SourceKey, usize, BitstreamFacts)| Some(file) == key.as_ref() && *index == stream.index;
    if let Some((.., known)) = kept().iter().find(is_own) {
        return known.clone();
    }
    let found = bitstream_facts::at_most(source, stream, FRAMES);
    if let Some((key, found)) = key.zip(found.as_ref()).filter(|_| !source.is_cancelled()) {
        let mut kept = kept();
        kept.push((key, stream.index, found.clone()));
        let surplus = kept.len().saturating_sub(MOST);
        kept.drain(..surplus);
    }
    found.unwrap_or_default()
}
