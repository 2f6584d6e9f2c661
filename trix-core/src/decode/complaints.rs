//! Turns the messages and errors of a decoder into damage.
//!
//! Invariant: a message is taken from its decoder once, so that it counts as one sign of damage.

use trix_av::{AvError, codec::Decoder};
use trix_model::{
    damage::DamageKind,
    error::{Error, ErrorKind, Result, Stage},
};

/// The kind of a sign of damage, and its description.
pub(super) type Sign = (DamageKind, String);

/// The first error that `decoder` has logged since the last call.
pub(super) fn first(decoder: &Decoder) -> Option<String> {
    let (lines, _) = decoder.complaints();
    lines.into_iter().find(|line| line.is_error).map(|line| line.text)
}

/// The damage in what `decoder` has logged since the last call. Errors that `is_explained` accepts are none.
pub(super) fn reported(decoder: &Decoder, is_explained: impl Fn(&str) -> bool) -> Option<Sign> {
    let (lines, errors) = decoder.complaints();
    let mut texts = lines.into_iter().filter(|line| line.is_error).map(|line| line.text);
    let text = texts.find(|text| !is_explained(text))?;
    let more = if errors > 1 { format!(" (and {} more)", errors - 1) } else { String::new() };
    Some((DamageKind::of_message(&text, DamageKind::Frame), format!("the decoder reports: {text}{more}")))
}

/// The damage of a packet that `decoder` refuses with `code`, in the words of the decoder.
///
/// # Errors
/// `Codec` if memory is missing. That is a problem of the machine. A packet can cause every other error.
pub(super) fn undecodable(decoder: &Decoder, code: AvError) -> Result<Sign> {
    let said = first(decoder);
    let reason = said.as_ref().map_or_else(String::new, |said| format!(" ({said})"));
    if code.io().is_some_and(|error| error.kind() == std::io::ErrorKind::OutOfMemory) {
        let detail = format!("the decoder failed: {code}{reason}");
        return Err(Error::new(ErrorKind::Codec, Stage::Decode, detail).caused_by(code));
    }
    // With several threads, the message may arrive before the packet's error or together with it.
    let detail = match said {
        Some(said) => format!("the decoder reports: {said}"),
        None => format!("a packet cannot be decoded: {code}"),
    };
    Ok((DamageKind::of_message(&reason, DamageKind::Undecodable), detail))
}
