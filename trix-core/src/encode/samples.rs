//! Counts and hashes the samples of an audio track, either those sent to an encoder or those from a decoder, so that
//! both sides can be compared.
//!
//! Invariant: both sides use the same code. The result does not depend on sample packing or block size, and its memory
//! does not grow with the duration.

use serde::{Deserialize, Serialize};
use trix_av::frame::Frame;
use xxhash_rust::xxh3::Xxh3;

/// What went into an encoder, or came out of a decoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SampleRecord {
    /// Samples in each channel, from time zero on.
    pub samples: i64,
    /// XXH3 over the samples of each channel, in hexadecimal.
    pub channels: Vec<String>,
}

/// Counts and hashes the samples of one track.
pub struct SampleRecorder {
    bits: Option<u32>,
    samples: i64,
    channels: Vec<Xxh3>,
}

impl SampleRecorder {
    /// Starts a record of samples with `bits` significant bits; `None` means all bits.
    pub fn new(bits: Option<u32>) -> Self {
        SampleRecorder { bits, samples: 0, channels: Vec::new() }
    }

    /// Adds a block.
    pub fn enter(&mut self, frame: &Frame) {
        self.samples += frame.samples() as i64;
        if self.channels.is_empty() {
            self.channels = vec![Xxh3::new(); frame.channels()];
        }
        for (index, hash) in self.channels.iter_mut().enumerate() {
            let mut bytes = frame.channel(index);
            if self.bits == Some(24) {
                // The upper 24 of 32 bits.
                bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|[lowest, ..]| *lowest = 0);
            }
            hash.update(&bytes);
        }
    }

    /// Returns the finished record.
    pub fn close(self) -> SampleRecord {
        let channels = self.channels.iter().map(|hash| format!("{:016x}", hash.digest())).collect();
        SampleRecord { samples: self.samples, channels }
    }
}
