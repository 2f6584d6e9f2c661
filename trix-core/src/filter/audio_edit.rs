//! Edits of an audio track beside its format: offset, tempo, gain and length.
//!
//! Invariant: the position of a source sample in the output is computed with ratios and rounded once.

use trix_model::time::{Rational, TimeBase, Timestamp};

use crate::{
    plan::Resampler,
    spec::audio_edit::{AudioEdit, Pitch},
};

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

/// Margin in dB between the limiter's threshold and the limit. The filter that converts its output back to the track's
/// rate can raise peaks between samples by this much.
const LIMITER_MARGIN_DB: f64 = 0.2;

impl AudioEdit {
    /// True if output samples have other values than source samples, so that rounding to integers loses information.
    pub fn changes_values(&self) -> bool {
        self.changes_tempo() || self.drift != Rational::new(1, 1) || self.gain_db != 0.0 || self.limit_dbtp.is_some()
    }

    pub(super) fn changes_tempo(&self) -> bool {
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
    pub(super) fn speed(&self) -> Rational {
        let (a, b) = (Rational::new(self.tempo.num, self.drift.num), Rational::new(self.drift.den, self.tempo.den));
        match a.num.checked_mul(b.num).zip(a.den.checked_mul(b.den)) {
            Some((num, den)) => Rational::new(num, den),
            None => self.tempo,
        }
    }

    /// True if the tempo changes and the pitch does not.
    pub(super) fn keeps_pitch(&self) -> bool {
        self.changes_tempo() && self.pitch == Pitch::Keep
    }

    /// The filter that applies the gain.
    pub(super) fn amplify(&self) -> Option<String> {
        let factor = 10f64.powf(self.gain_db / 20.0);
        (self.gain_db != 0.0).then(|| format!("aformat=sample_fmts=dblp,volume=volume={factor:.15}:precision=double"))
    }

    /// The filters that keep true peaks below the limit, for audio of `sample_rate`. They work at 192 kHz or more, as
    /// ITU-R BS.1770-5, annex 2, requires, and output 64-bit floating point.
    pub(super) fn limiter(&self, sample_rate: u32, resampler: Resampler) -> Option<String> {
        let limit = 10f64.powf((self.limit_dbtp? - LIMITER_MARGIN_DB) / 20.0);
        // The limiter accepts limits from -24 dB on. A programme below that would be inaudible.
        let limit = limit.clamp(0.0625, 1.0);
        let fine = sample_rate.saturating_mul(oversampling(sample_rate));
        let options = resampler.options();
        Some(format!(
            "aresample=osr={fine}:osf=dbl:{options},\
             alimiter=limit={limit:.15}:level=disabled:attack=5:release=100:latency=1,\
             aresample=osr={sample_rate}:isf=dbl:osf=dblp:{options}"
        ))
    }

    /// Two sample rates that change the speed of audio by their ratio: the rate to declare for the source, and the rate
    /// to resample to. `from` is the rate of the source and `to` the rate of the output. `None` if the speed does not
    /// change, or if the time stretch changes it and the pitch stays.
    pub(super) fn declared_rates(&self, from: u32, to: u32) -> Option<(i64, i64)> {
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

/// `time` divided by `tempo`: exact if its ticks fit, otherwise rounded to the nanosecond.
pub(super) fn slowed(time: Timestamp, tempo: Rational) -> Timestamp {
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

/// Oversampling factor of the limiter.
fn oversampling(sample_rate: u32) -> u32 {
    match sample_rate {
        0..96_000 => 4,
        96_000..192_000 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use trix_av::graph::Graph;

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

    #[test]
    fn this_build_has_the_filters() {
        let edit = AudioEdit { gain_db: -1.0, limit_dbtp: Some(-1.0), ..Default::default() };
        let parts = [edit.amplify(), edit.limiter(48_000, Resampler::Swr)];
        assert!(parts.into_iter().flatten().all(|chain| Graph::takes_audio_chain(&chain)));
    }
}
