//! The ledger of every audio sample of an encoded track.
//!
//! Invariant: decoded + filled = cut + converted. The output of a conversion equals its input at the stated ratio. The
//! output of all conversions + added = cut + encoded. Otherwise the job fails.

use serde::{Deserialize, Serialize};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, Timestamp},
};

/// The ledger of the audio samples of one track. All numbers count samples of each channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioLedger {
    /// Number of the track among the audio tracks of the output.
    pub track: usize,
    /// Samples from the decoder for this track.
    pub decoded: u64,
    /// Silence in gaps of the source, at its sample rate.
    pub filled_gaps: Moved,
    /// Samples that overlapped earlier ones and were cut, at the sample rate of the source.
    pub cut_overlaps: Moved,
    /// Decoded samples after the requested end.
    pub left_after_end: u64,
    /// Conversions to one format before a time stretch, if the tempo changes and the pitch stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brought: Vec<Conversion>,
    /// The time stretch, if the tempo changes and the pitch stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stretched: Option<Conversion>,
    /// Conversions to the format of the track, one for each format of the source.
    pub converted: Vec<Conversion>,
    /// Samples cut before the start of the output.
    pub cut_before_start: u64,
    /// Samples cut after the end of the output.
    pub cut_after_end: u64,
    /// Silence before audio that begins later than the output.
    pub silence_before: u64,
    /// Silence after audio that is shorter than requested.
    pub silence_after: u64,
    /// Silence that the encoder needs before the first sample and after the last one.
    pub encoder_padding: u64,
    /// Samples given to the encoder.
    pub encoded: u64,
}

/// Filled or cut samples, and the first places where this happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Moved {
    /// Number of samples.
    pub samples: u64,
    /// The first places, in order of occurrence.
    pub places: Vec<Place>,
    /// True if the last place is in the list.
    #[serde(skip)]
    listed: bool,
}

/// A place where samples were filled or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Place {
    /// Time in the source.
    pub time: Timestamp,
    /// Number of samples.
    pub samples: u64,
}

/// A conversion of samples to another format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Conversion {
    /// Input samples.
    pub taken: u64,
    /// Output samples.
    pub given: u64,
    /// Output samples per input sample.
    pub ratio: Rational,
}

/// Maximum number of listed places.
const LISTED: usize = 20;

/// Rounding error of a resampler at the end of its input, in samples.
const ROUNDING: u64 = 2;

impl Moved {
    /// Counts `samples` at a new place `time`.
    pub(crate) fn add(&mut self, time: Timestamp, samples: u64) {
        self.samples += samples;
        self.listed = self.places.len() < LISTED;
        if self.listed {
            self.places.push(Place { time, samples });
        }
    }

    /// Counts `samples` that directly follow those of the last place.
    pub(crate) fn add_on(&mut self, samples: u64) {
        self.samples += samples;
        if let Some(last) = self.places.last_mut().filter(|_| self.listed) {
            last.samples += samples;
        }
    }

    /// Removes `samples` that were counted but not needed.
    pub(crate) fn take_back(&mut self, samples: u64) {
        self.samples = self.samples.saturating_sub(samples);
        if let Some(last) = self.places.last_mut() {
            last.samples = last.samples.saturating_sub(samples);
        }
        self.places.retain(|place| place.samples > 0);
    }
}

impl AudioLedger {
    /// Checks that the sums agree.
    ///
    /// # Errors
    /// `Verification` with the sums that do not agree.
    pub fn balance(&self) -> Result<()> {
        let wrong = |what: String| {
            let detail = format!("the audio ledger of track {} does not add up: {what}", self.track);
            Err(Error::new(ErrorKind::Verification, Stage::Verify, detail))
        };
        let sum = |list: &[Conversion]| {
            list.iter().fold((0, 0), |(taken, given), one| (taken + one.taken, given + one.given))
        };
        let (mut taken, given) = sum(&self.converted);
        if let Some(stretched) = &self.stretched {
            let (brought, into) = sum(&self.brought);
            if into != stretched.taken || stretched.given != taken {
                let Conversion { taken: from, given: to, .. } = stretched;
                return wrong(format!(
                    "{into} samples brought to one form, {from} stretched to {to}, {taken} converted"
                ));
            }
            taken = brought;
        }
        let (decoded, filled, cut) = (self.decoded, self.filled_gaps.samples, self.cut_overlaps.samples);
        if decoded + filled != cut + self.left_after_end + taken {
            let left = self.left_after_end;
            return wrong(format!(
                "{decoded} samples decoded and {filled} filled; {taken} converted, {cut} cut, {left} left after the end"
            ));
        }
        for Conversion { taken, given, ratio } in self.brought.iter().chain(&self.stretched).chain(&self.converted) {
            let exact = i128::from(*taken) * i128::from(ratio.num);
            let off = (i128::from(*given) * i128::from(ratio.den) - exact).unsigned_abs();
            let is_same = *ratio == Rational::new(1, 1);
            let allowed = if is_same { 0 } else { u128::from(ROUNDING) * u128::from(ratio.den.unsigned_abs()) };
            if off > allowed {
                return wrong(format!("{taken} samples became {given} at a ratio of {ratio}"));
            }
        }
        let added = self.silence_before + self.silence_after + self.encoder_padding;
        let cut = self.cut_before_start + self.cut_after_end;
        if given + added != cut + self.encoded {
            let encoded = self.encoded;
            return wrong(format!("{given} samples converted and {added} added; {cut} cut, {encoded} encoded"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_that_is_missing_is_found() {
        let moved = |samples| Moved { samples, ..Moved::default() };
        let good = AudioLedger {
            track: 0,
            decoded: 1000,
            filled_gaps: moved(50),
            cut_overlaps: moved(20),
            left_after_end: 30,
            brought: Vec::new(),
            stretched: None,
            converted: vec![
                Conversion { taken: 600, given: 600, ratio: Rational::new(1, 1) },
                Conversion { taken: 400, given: 801, ratio: Rational::new(2, 1) },
            ],
            cut_before_start: 1,
            cut_after_end: 10,
            silence_before: 5,
            silence_after: 5,
            encoder_padding: 0,
            encoded: 1400,
        };
        good.balance().unwrap();
        let mut doubled = good.clone();
        doubled.converted[0].given += 1;
        doubled.encoded += 1;
        let mut resampled = good.clone();
        resampled.converted[1].given += 20;
        resampled.encoded += 20;
        for bad in [
            AudioLedger { decoded: 1001, ..good.clone() },
            AudioLedger { filled_gaps: moved(49), ..good.clone() },
            AudioLedger { cut_overlaps: moved(0), ..good.clone() },
            AudioLedger { left_after_end: 0, ..good.clone() },
            AudioLedger { silence_before: 4, ..good.clone() },
            AudioLedger { cut_after_end: 9, ..good.clone() },
            AudioLedger { encoded: 1399, ..good.clone() },
            doubled,
            resampled,
        ] {
            assert_eq!(bad.balance().unwrap_err().kind(), ErrorKind::Verification);
        }
    }
}
