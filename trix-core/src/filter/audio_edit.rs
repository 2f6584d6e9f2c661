//! The filters that change the gain of an audio track, and limit its peaks.

use super::resampler::{INSIDE, options};
use crate::{plan::Resampler, settings::audio_edit::AudioEdit};

/// Margin in dB between the limiter's threshold and the limit. The filter that converts its output back to the track's
/// rate can raise peaks between samples by this much.
const LIMITER_MARGIN_DB: f64 = 0.2;

/// The filter that applies the gain.
pub(super) fn amplify(edit: &AudioEdit) -> Option<String> {
    let factor = 10f64.powf(edit.gain_db / 20.0);
    (edit.gain_db != 0.0).then(|| format!("aformat=sample_fmts=dblp,volume=volume={factor:.15}:precision=double"))
}

/// The filters that keep true peaks below the limit, for audio of `sample_rate`. They work at 192 kHz or more, as
/// ITU-R BS.1770-5, annex 2, requires, and output 64-bit floating point.
pub(super) fn limiter(edit: &AudioEdit, sample_rate: u32, resampler: Resampler) -> Option<String> {
    let limit = 10f64.powf((edit.limit_dbtp? - LIMITER_MARGIN_DB) / 20.0);
    // The limiter accepts limits from -24 dB on. A programme below that would be inaudible.
    let limit = limit.clamp(0.0625, 1.0);
    let fine = sample_rate.saturating_mul(oversampling(sample_rate));
    let options = options(resampler);
    Some(format!(
        "aresample=osr={fine}:osf=dbl:{INSIDE}:{options},\
         alimiter=limit={limit:.15}:level=disabled:attack=5:release=100:latency=1,\
         aresample=osr={sample_rate}:osf=dblp:{INSIDE}:{options}"
    ))
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

    #[test]
    fn this_build_has_the_filters() {
        let edit = AudioEdit { gain_db: -1.0, limit_dbtp: Some(-1.0), ..Default::default() };
        let parts = [amplify(&edit), limiter(&edit, 48_000, Resampler::Swr)];
        assert!(parts.into_iter().flatten().all(|chain| Graph::takes_audio_chain(&chain)));
    }
}
