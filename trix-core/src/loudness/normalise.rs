//! Computes a gain from a measurement and a target.
//!
//! Invariant: a linear gain is one number for the whole track, and never raises the measured true peak above the limit.

use crate::{
    plan::{Loudness, Normalisation},
    settings::track::{LoudnessMode, LoudnessTarget},
};

/// Computes the gain from the loudness `measured` to `target`. Silence is left unchanged.
pub fn normalise(measured: &Loudness, target: &LoudnessTarget) -> Normalisation {
    let wanted = measured.integrated_lufs.map_or(0.0, |loudness| target.integrated_lufs - loudness);
    // The gain that brings the highest peak to the limit. Negative if the peak is already above it.
    let room = measured.true_peak_dbtp.map_or(f64::INFINITY, |peak| target.true_peak_dbtp - peak);
    let limited = measured.integrated_lufs.is_some() && wanted > room;
    let (gain_db, limit_dbtp) = match target.mode {
        LoudnessMode::Linear => (if limited { room } else { wanted }, None),
        LoudnessMode::Dynamic => (wanted, limited.then_some(target.true_peak_dbtp)),
    };
    let peak = measured.true_peak_dbtp.map(|peak| peak + gain_db);
    Normalisation {
        gain_db,
        wanted_gain_db: wanted,
        limited,
        limit_dbtp,
        expected_lufs: measured.integrated_lufs.map(|loudness| loudness + gain_db),
        expected_true_peak_dbtp: peak.map(|peak| limit_dbtp.map_or(peak, |limit| peak.min(limit))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(lufs: f64, peak: f64) -> Loudness {
        Loudness {
            integrated_lufs: Some(lufs),
            range_lu: Some(5.0),
            true_peak_dbtp: Some(peak),
            true_peaks_dbtp: vec![Some(peak)],
            sample_peak_dbfs: Some(peak - 0.1),
            max_momentary_lufs: Some(lufs),
            max_short_term_lufs: Some(lufs),
            samples: 480_000,
            sample_rate: 48_000,
            weights: vec![1.0],
        }
    }

    fn target(mode: LoudnessMode) -> LoudnessTarget {
        LoudnessTarget { integrated_lufs: -16.0, true_peak_dbtp: -1.0, mode }
    }

    #[test]
    fn a_gain_stops_at_the_limit_and_says_so() {
        let free = normalise(&measured(-23.0, -10.0), &target(LoudnessMode::Linear));
        assert_eq!((free.gain_db, free.limited, free.expected_true_peak_dbtp), (7.0, false, Some(-3.0)));
        let held = normalise(&measured(-23.0, -5.0), &target(LoudnessMode::Linear));
        assert_eq!((held.gain_db, held.wanted_gain_db, held.limited), (4.0, 7.0, true));
        assert_eq!((held.expected_lufs, held.expected_true_peak_dbtp), (Some(-19.0), Some(-1.0)));
        let dynamic = normalise(&measured(-23.0, -5.0), &target(LoudnessMode::Dynamic));
        assert_eq!((dynamic.gain_db, dynamic.limit_dbtp, dynamic.limited), (7.0, Some(-1.0), true));
        // A peak above the limit is reduced, even if the loudness would allow more gain.
        let loud = normalise(&measured(-16.0, 1.5), &target(LoudnessMode::Linear));
        assert_eq!((loud.gain_db, loud.limited), (-2.5, true));
    }

    #[test]
    fn silence_is_left_alone() {
        let silent = Loudness { integrated_lufs: None, true_peak_dbtp: None, ..measured(0.0, 0.0) };
        let found = normalise(&silent, &target(LoudnessMode::Linear));
        assert_eq!((found.gain_db, found.limited, found.expected_lufs), (0.0, false, None));
    }
}
