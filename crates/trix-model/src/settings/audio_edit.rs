//! Changes to an audio track other than its format.
//!
//! Invariant: the position of a source sample in the output is computed with ratios and rounded once.

use serde::{Deserialize, Serialize};

use crate::time::{Rational, TimeBase, Timestamp};

/// What happens to the pitch when the tempo changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pitch {
    /// The pitch rises with the tempo, as on a tape that runs faster. Every sample has its exact place. 25/24 raises
    /// the pitch by 0.7 semitones.
    #[default]
    Follow,
    /// The pitch stays. Pieces of 40 ms are overlapped where they are similar: each lies within 10 ms of its exact
    /// place, and errors do not add up. Audio after silence lies at its exact place.
    Keep,
}

/// An exact number of samples of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExactLength {
    /// Samples, counted from the start of the output.
    pub samples: u64,
    /// True if silence follows shorter audio.
    pub pad: bool,
    /// True if the end of longer audio is cut.
    pub trim: bool,
}

/// Changes to an audio track other than its format. Audio of source time `t` plays `(t - origin) / tempo + offset`
/// after the start of the output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioEdit {
    /// How much later the audio plays. Negative: earlier, and audio before the start is left out.
    pub offset: Timestamp,
    /// The speed as a factor, above zero.
    pub tempo: Rational,
    /// What the tempo does to the pitch.
    pub pitch: Pitch,
    /// The duration by the timestamps of the source, divided by the duration by its samples. The samples are resampled
    /// by this factor. 1 if the two agree, or if drift is not corrected.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub drift: Rational,
    /// Gain in dB; every sample is multiplied by `10^(gain / 20)`.
    pub gain_db: f64,
    /// The limit for the true peak after the gain, in dBTP, which a limiter enforces. Without it, there is no limiter.
    pub limit_dbtp: Option<f64>,
    /// The length, if it differs from the source's.
    pub length: Option<ExactLength>,
}

impl Default for AudioEdit {
    fn default() -> Self {
        AudioEdit {
            offset: Timestamp::new(0, Rational::new(1, 1)),
            tempo: Rational::new(1, 1),
            pitch: Pitch::Follow,
            drift: Rational::new(1, 1),
            gain_db: 0.0,
            limit_dbtp: None,
            length: None,
        }
    }
}

impl AudioEdit {
    /// True if output samples have other values than source samples, so that rounding to integers loses information.
    pub fn changes_values(&self) -> bool {
        self.changes_tempo() || self.drift != Rational::new(1, 1) || self.gain_db != 0.0 || self.limit_dbtp.is_some()
    }

    /// True if the audio plays at another speed.
    pub(crate) fn changes_tempo(&self) -> bool {
        self.tempo != Rational::new(1, 1)
    }

    /// Position in the output of the audio at source time `time`, in samples of `sample_rate`. `origin` is the source
    /// time that is placed at `offset`. Rounded once, to the nearest sample.
    pub fn place(&self, time: Timestamp, origin: Timestamp, sample_rate: u32) -> i64 {
        let back = Timestamp::new(origin.ticks.saturating_neg(), origin.base);
        let since = slowed(time.plus(back), self.tempo);
        since.plus(self.offset).rescale(TimeBase::new(1, i64::from(sample_rate)))
    }

    /// Playback speed of the samples relative to the source's declared rate.
    #[doc(hidden)]
    pub fn speed(&self) -> Rational {
        let (a, b) = (Rational::new(self.tempo.num, self.drift.num), Rational::new(self.drift.den, self.tempo.den));
        match a.num.checked_mul(b.num).zip(a.den.checked_mul(b.den)) {
            Some((num, den)) => Rational::new(num, den),
            None => self.tempo,
        }
    }

    /// True if the tempo changes and the pitch does not.
    #[doc(hidden)]
    pub fn keeps_pitch(&self) -> bool {
        self.changes_tempo() && self.pitch == Pitch::Keep
    }

    /// Two sample rates that change the speed of audio by their ratio: the rate to declare for the source, and the rate
    /// to resample to. `from` is the rate of the source and `to` the rate of the output. `None` if the speed does not
    /// change, or if the time stretch changes it and the pitch stays.
    #[doc(hidden)]
    pub fn declared_rates(&self, from: u32, to: u32) -> Option<(i64, i64)> {
        // If the pitch stays, the time stretch also compensates the drift.
        if self.keeps_pitch() || self.speed() == Rational::new(1, 1) {
            return None;
        }
        let speed = self.speed();
        let num = i64::from(from).checked_mul(speed.num)?;
        let den = i64::from(to).checked_mul(speed.den)?;
        let ratio = Rational::new(num, den).nearest_within(i64::from(i32::MAX));
        // Multiply both terms to come close to the real rates, because these terms size the filters' buffers.
        let times = (i64::from(to) / ratio.den).max(1);
        let fits = |rate: i64| rate.checked_mul(times).filter(|rate| *rate <= i64::from(i32::MAX));
        Some((fits(ratio.num).unwrap_or(ratio.num), fits(ratio.den).unwrap_or(ratio.den)))
    }
}

/// The audio track that is made of stems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StemTarget {
    /// FFmpeg's name of the layout.
    pub layout: String,
    /// For each channel of the layout, the number of an input channel. Input channels are counted through all inputs,
    /// from zero. Empty: the order of the inputs.
    pub order: Vec<usize>,
    /// Sample rate in Hz; `None`: the highest of the inputs.
    pub sample_rate: Option<u32>,
}

fn one() -> Rational {
    Rational::new(1, 1)
}

fn is_one(ratio: &Rational) -> bool {
    *ratio == Rational::new(1, 1)
}

/// `time` divided by `tempo`: exact if its ticks fit, otherwise rounded to the nanosecond.
#[doc(hidden)]
pub fn slowed(time: Timestamp, tempo: Rational) -> Timestamp {
    let by = tempo.inverse();
    let exact = |time: Timestamp| {
        // Reduce crosswise first, so that only irreducible ratios can overflow.
        let (a, b) = (Rational::new(time.base.num, by.den), Rational::new(by.num, time.base.den));
        let base = Rational::new(a.num.checked_mul(b.num)?, a.den.checked_mul(b.den)?);
        (base != Rational::ZERO).then(|| Timestamp::new(time.ticks, base))
    };
    let nano = Rational::new(1, 1_000_000_000);
    exact(time)
        .or_else(|| exact(Timestamp::new(time.rescale(nano), nano)))
        .unwrap_or_else(|| Timestamp::new(time.rescale(nano), nano))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(tempo: (i64, i64), offset: (i64, i64)) -> AudioEdit {
        let offset = Timestamp::new(offset.0, Rational::new(1, offset.1));
        AudioEdit { tempo: Rational::new(tempo.0, tempo.1), offset, ..Default::default() }
    }

    #[test]
    fn places_are_exact_for_hours() {
        let at = |ticks, den| Timestamp::new(ticks, Rational::new(1, den));
        let zero = at(0, 1);
        assert_eq!(edit((1, 1), (0, 1)).place(at(1, 1), zero, 48_000), 48_000);
        assert_eq!(edit((1, 1), (-40, 1000)).place(at(1, 1), zero, 48_000), 46_080);
        assert_eq!(edit((25, 24), (0, 1)).place(at(10, 1), zero, 48_000), 460_800);
        // Ten hours of 24000/1001 at 25 frames a second.
        assert_eq!(edit((1001, 960), (1, 48_000)).place(at(36_036, 1), zero, 48_000), 36_036 * 48_000 / 1001 * 960 + 1);
        // A 90 kHz clock and an origin in milliseconds: 1/3 of a sample is not lost twice.
        assert_eq!(edit((1, 1), (0, 1)).place(at(90_001, 90_000), at(1, 1000), 48_000), 47_953);
        // Nanosecond ticks, and a tempo whose terms have no common factor with them.
        let odd = edit((99_991, 99_989), (0, 1)).place(at(3_600_000_000_000, 1_000_000_000), zero, 48_000);
        assert_eq!(odd, (3600.0 * 48_000.0 * 99_989.0f64 / 99_991.0).round() as i64);
    }

    #[test]
    fn declared_rates_have_the_ratio_of_the_tempo() {
        for (from, to, tempo) in [
            (48_000, 48_000, (25, 24)),
            (44_100, 48_000, (1001, 960)),
            (44_100, 44_100, (1000, 1001)),
            (8000, 96_000, (24, 25)),
        ] {
            let (a, b) = edit(tempo, (0, 1)).declared_rates(from, to).expect("rates");
            assert_eq!(
                i128::from(a) * i128::from(to) * i128::from(tempo.1),
                i128::from(b) * i128::from(from) * i128::from(tempo.0)
            );
            assert!((to as i64 / 4..=to as i64 * 4).contains(&b), "{a} to {b}");
        }
        assert_eq!(edit((1, 1), (0, 1)).declared_rates(44_100, 48_000), None);
    }
}
