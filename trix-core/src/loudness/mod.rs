//! Measures how loud sound is, and says what brings it to a target.
//!
//! Invariant: what is measured is what is heard: the samples that an encoder would take in, every one of them once.

pub mod meter;
pub mod normalise;
pub mod waveform;

pub use self::{
    meter::{Loudness, Meter},
    normalise::{Normalisation, normalise},
};
use crate::{
    decode::{damage::OnDamage, sound_reader::SoundReader},
    error::{Error, ErrorKind, Result, Stage},
    pipeline::cancel::Cancel,
    source::Source,
};

/// Measures stream `stream` of `source` as it is; `None`: the first sound stream.
///
/// # Errors
/// Those of [`SoundReader::new`] and of [`measure_sound`].
pub fn measure(source: Source, stream: Option<usize>, on_damage: OnDamage, cancel: &Cancel) -> Result<Loudness> {
    measure_sound(&mut SoundReader::new(source, stream, on_damage)?, cancel)
}

/// Measures what `sound` yields, to its end: also what a mix, an edit or stems make of files.
///
/// # Errors
/// Those of reading and decoding; `MalformedInput` when there is no sound, `Unsupported` when its shape changes or cannot
/// be measured, `Cancelled`.
pub fn measure_sound(sound: &mut SoundReader, cancel: &Cancel) -> Result<Loudness> {
    let mut meter: Option<Meter> = None;
    while let Some(frame) = sound.next_block()? {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Decode));
        }
        if meter.is_none() {
            meter = Some(Meter::for_sound_like(&frame)?);
        }
        if let Some(meter) = &mut meter {
            meter.push(&frame)?;
        }
    }
    let none = || {
        Error::new(ErrorKind::MalformedInput, Stage::Decode, "the track has no decodable sound")
            .in_stream(sound.stream())
    };
    Ok(meter.ok_or_else(none)?.finish())
}
