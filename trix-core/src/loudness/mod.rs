//! Measures the loudness of audio, and computes the gain to a target.
//!
//! Invariant: the meter receives each sample that an encoder would receive, exactly once.

mod meter;
mod normalise;

use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
};

pub use self::meter::Meter;
pub(crate) use self::normalise::normalise;
pub use crate::plan::{Loudness, Normalisation};
use crate::{
    plan::Settled,
    reading::audio_reader::AudioReader,
    settings::{audio_edit::AudioEdit, track::LoudnessTarget},
    source::Source,
};

/// Measures stream `stream` of `source` without changes. `None` selects the first audio stream.
///
/// # Errors
/// Those of [`AudioReader::new`] and of [`measure_audio`].
pub fn measure(source: Source, stream: Option<usize>, on_damage: OnDamage, cancel: &Cancel) -> Result<Loudness> {
    measure_audio(&mut AudioReader::new(source, stream, on_damage)?, cancel)
}

/// Measures everything that `audio` yields, including the result of a mix, an edit or stems.
///
/// # Errors
/// Those of reading and decoding. `MalformedInput` if there is no audio, `Unsupported` if its format changes or cannot
/// be measured, `Cancelled`.
pub fn measure_audio(audio: &mut AudioReader, cancel: &Cancel) -> Result<Loudness> {
    let mut meter: Option<Meter> = None;
    while let Some(frame) = audio.next_block()? {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Decode));
        }
        if meter.is_none() {
            meter = Some(Meter::for_audio_like(&frame)?);
        }
        if let Some(meter) = &mut meter {
            meter.push(&frame)?;
        }
    }
    let none = || {
        Error::new(ErrorKind::MalformedInput, Stage::Decode, "the track has no decodable audio")
            .in_stream(audio.stream())
    };
    Ok(meter.ok_or_else(none)?.finish())
}

/// Maximum number of measurements with a limiter. Each one corrects the gain by the remaining difference.
const ROUNDS: usize = 4;

/// Tolerance in LU for a target with a limiter. EBU R 128 requires 0.5. A plain gain is exact.
const CLOSE: f64 = 0.05;

/// Measures audio with `edit`, and computes the normalisation to `target`. `audio` opens the audio again with a given
/// edit. The audio is read once, and a few times more if a limiter is needed.
///
/// # Errors
/// Those of `audio` and of [`measure_audio`].
pub fn settle(
    mut audio: impl FnMut(AudioEdit) -> Result<AudioReader>,
    edit: AudioEdit,
    target: &LoudnessTarget,
    cancel: &Cancel,
) -> Result<Settled> {
    let measured = measure_audio(&mut audio(edit)?, cancel)?;
    let mut normalisation = normalise(&measured, target);
    if normalisation.limit_dbtp.is_none() {
        return Ok(Settled { measured, normalisation, limited: None });
    }
    let mut round = 0;
    loop {
        let found = measure_audio(&mut audio(normalisation.applied_to(edit))?, cancel)?;
        round += 1;
        normalisation.expected_lufs = found.integrated_lufs;
        normalisation.expected_true_peak_dbtp = found.true_peak_dbtp;
        let missing = found.integrated_lufs.map_or(0.0, |loudness| target.integrated_lufs - loudness);
        if missing.abs() <= CLOSE || round == ROUNDS {
            return Ok(Settled { measured, normalisation, limited: Some(found) });
        }
        normalisation.gain_db += missing;
    }
}
