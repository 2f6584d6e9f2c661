//! The buffer of a decoder that takes the joined stream in at a constant rate.
//!
//! Each chunk is encoded for a buffer that is as full as at the start of a film. Where the chunks before it have left less and that is
//! too little, it is encoded once more, for the buffer as it is.
//!
//! Invariant: a chunk for which the buffer is too empty is encoded again, or named in a warning.

use trix_model::{plan::VideoPlan, time::Rational};

use super::record::ChunkRecord;

/// How full a buffer is when a film starts, in thousandths: `vbv-init` of x264 and x265.
const AT_START: u32 = 900;

/// The least with which an encoder is asked to begin, in thousandths.
const LEAST: u32 = 50;

/// A buffer that is filled at a constant rate. Each frame empties it by its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    /// In bits.
    size: f64,
    /// Bits that come in a second.
    rate: f64,
    /// Bits that come while one frame is shown.
    step: f64,
    /// Bits in it.
    bits: f64,
    /// How full it is when the film starts, in thousandths.
    pub(super) at_start: u32,
}

impl Buffer {
    /// The buffer that the options of an encode state, if they do.
    pub(super) fn of(video: &VideoPlan) -> Option<Self> {
        let option = |name: &str| {
            let own = video.options.iter().rev().find(|(option, _)| option == name);
            own.and_then(|(_, value)| value.parse::<f64>().ok()).filter(|value| *value > 0.0)
        };
        let Rational { num, den } = video.rate;
        let (rate, size) = (option("vbv-maxrate")? * 1000.0, option("vbv-bufsize")? * 1000.0);
        // More than 1 is a number of kbit.
        let share = option("vbv-init").map(|init| if init > 1.0 { init * 1000.0 / size } else { init });
        let at_start = share.map_or(AT_START, |share| (share.min(1.0) * 1000.0) as u32);
        let step = rate * den as f64 / (num as f64).max(1.0);
        Some(Buffer { size, rate, step, bits: size * f64::from(at_start) / 1000.0, at_start })
    }

    /// The rate at which it is filled, in kbit/s.
    pub(super) fn kbps(&self) -> f64 {
        self.rate / 1000.0
    }

    /// What an encoder is told about the buffer, in thousandths of its size: how full it is, less `slack` bits.
    pub(super) fn fullness(&self, slack: f64) -> u32 {
        (((self.bits - slack) / self.size * 1000.0).max(0.0) as u32).clamp(LEAST, 1000)
    }

    /// Takes what stands before the first frame of a film out.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.bits -= bytes as f64 * 8.0;
    }

    /// Takes the frames of a chunk out, one after the other. Returns the bits that were lacking at most.
    pub(super) fn take(&mut self, chunk: &ChunkRecord) -> f64 {
        let mut lacking: f64 = 0.0;
        for packet in &chunk.packets {
            self.bits -= packet.bytes as f64 * 8.0;
            lacking = lacking.max(-self.bits);
            self.bits = (self.bits.max(0.0) + self.step).min(self.size);
        }
        lacking
    }
}
