//! Values that completions suggest.
//!
//! Invariant: a suggestion is no limit. What is legal, and what is nearest to a wrong word, the reader of the value says.

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use std::{ffi::OsStr, fmt::Display, str::FromStr};
use trix_core::{
    document::{PROFILES, user_profiles},
    encode::{PRESETS, profiles, tunes},
    settings::{audio::AudioSettings, audio_tracks::AudioTracks, video::Encoder},
};

/// Reads a value with `P`, and suggests words.
#[derive(Clone)]
pub struct Suggested<P> {
    parser: P,
    words: Vec<String>,
}

impl<P: TypedValueParser> TypedValueParser for Suggested<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().cloned().map(PossibleValue::new)))
    }
}

/// Suggests each of `words` once.
fn suggested<P: TypedValueParser>(parser: P, words: impl IntoIterator<Item = impl Into<String>>) -> Suggested<P> {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        let word = word.into();
        if !all.contains(&word) {
            all.push(word);
        }
    }
    Suggested { parser, words: all }
}

/// Reads a value as its type does.
fn read<T: FromStr<Err: Display> + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    StringValueParser::new().try_map(|text| text.parse::<T>().map_err(|error| error.to_string()))
}

/// Presets of x264 and x265.
pub fn preset() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), PRESETS.iter().copied())
}

/// Tunes of x264 and x265.
pub fn tune() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), Encoder::ALL.into_iter().flat_map(tunes).copied())
}

/// Profiles of the encoders.
pub fn encoder_profile() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), Encoder::ALL.into_iter().flat_map(profiles).copied())
}

/// The profiles that come with Trix, and those of the user.
pub fn profile() -> impl TypedValueParser<Value = String> {
    let own = user_profiles().into_iter().map(|(name, _)| name);
    suggested(StringValueParser::new(), PROFILES.iter().map(|profile| profile.name.to_owned()).chain(own))
}

/// Codecs of audio.
pub fn audio() -> impl TypedValueParser<Value = AudioSettings> {
    let words = [
        "auto", "copy", "none", "aac", "aac:128k", "opus", "ac3", "eac3", "flac", "alac", "pcm", "pcm16", "pcm24",
        "pcm32", "pcmf32",
    ];
    suggested(read::<AudioSettings>(), words)
}

/// Audio tracks: words, and codes of languages with the most speakers (ISO 639-2).
pub fn audio_tracks() -> impl TypedValueParser<Value = AudioTracks> {
    let words = [
        "all", "none", "ara", "ben", "bul", "cat", "ces", "dan", "deu", "ell", "eng", "est", "fas", "fin", "fra",
        "heb", "hin", "hrv", "hun", "ind", "isl", "ita", "jpn", "kat", "kaz", "kor", "lav", "lit", "msa", "nld", "nor",
        "pol", "por", "ron", "rus", "slk", "slv", "spa", "srp", "swe", "tam", "tel", "tha", "tur", "ukr", "urd", "uzb",
        "vie", "zho",
    ];
    suggested(read::<AudioTracks>(), words)
}

/// A value that `read` reads, with `words` to suggest.
pub fn words<T: Clone + Send + Sync + 'static>(
    read: impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
    words: &[&str],
) -> impl TypedValueParser<Value = T> {
    suggested(StringValueParser::new().try_map(move |text| read(&text)), words.iter().copied())
}
