//! Values that completions suggest.
//!
//! Invariant: a suggestion is no limit. What is legal, and what is nearest to a wrong word, the reader of the value says.

use std::{collections::BTreeSet, ffi::OsStr, fmt::Display, str::FromStr, sync::Arc};

use clap::{
    Arg, Command, CommandFactory, Error,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use trix_core::{
    document::{PROFILES, user_profiles},
    encode::{PRESETS, profiles, tunes},
    settings::{audio::AudioSettings, audio_tracks::AudioTracks, video::Encoder},
};

use super::Cli;

/// Reads a value with `P`, and suggests words.
#[derive(Clone)]
pub struct Suggested<P> {
    parser: P,
    words: Words,
}

/// Makes the words when they are asked for: some of them are read from disk.
type Words = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

impl<P: TypedValueParser> TypedValueParser for Suggested<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let mut seen = BTreeSet::new();
        let words = (self.words)().into_iter().filter(move |word| seen.insert(word.clone()));
        Some(Box::new(words.map(PossibleValue::new)))
    }
}

/// Suggests each of `words` once.
fn suggested<P: TypedValueParser, W: IntoIterator<Item = impl Into<String>>>(
    parser: P,
    words: impl Fn() -> W + Send + Sync + 'static,
) -> Suggested<P> {
    Suggested { parser, words: Arc::new(move || words().into_iter().map(Into::into).collect()) }
}

/// Reads a value as its type does.
fn read<T: FromStr<Err: Display> + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    StringValueParser::new().try_map(|text| text.parse::<T>().map_err(|error| error.to_string()))
}

/// Presets of x264 and x265.
pub fn preset() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), || PRESETS.iter().copied())
}

/// Tunes of x264 and x265.
pub fn tune() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), || Encoder::ALL.into_iter().flat_map(tunes).copied())
}

/// Profiles of the encoders.
pub fn encoder_profile() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), || Encoder::ALL.into_iter().flat_map(profiles).copied())
}

/// The profiles that come with Trix, and those of the user.
pub fn profile() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), || {
        let own = user_profiles().into_iter().map(|(name, _)| name);
        PROFILES.iter().map(|profile| profile.name.to_owned()).chain(own)
    })
}

/// The commands.
pub fn command() -> impl TypedValueParser<Value = String> {
    suggested(StringValueParser::new(), || {
        let cli = Cli::command();
        cli.get_subcommands().filter(|own| !own.is_hide_set()).map(|own| own.get_name().to_owned()).collect::<Vec<_>>()
    })
}

/// Codecs of audio.
pub fn audio() -> impl TypedValueParser<Value = AudioSettings> {
    let words = [
        "auto", "copy", "none", "aac", "aac:128k", "opus", "ac3", "eac3", "flac", "alac", "pcm", "pcm16", "pcm24",
        "pcm32", "pcmf32",
    ];
    suggested(read::<AudioSettings>(), move || words)
}

/// Audio tracks: words, and codes of languages with the most speakers (ISO 639-2).
pub fn audio_tracks() -> impl TypedValueParser<Value = AudioTracks> {
    let words = [
        "all", "none", "ara", "ben", "bul", "cat", "ces", "dan", "deu", "ell", "eng", "est", "fas", "fin", "fra",
        "heb", "hin", "hrv", "hun", "ind", "isl", "ita", "jpn", "kat", "kaz", "kor", "lav", "lit", "msa", "nld", "nor",
        "pol", "por", "ron", "rus", "slk", "slv", "spa", "srp", "swe", "tam", "tel", "tha", "tur", "ukr", "urd", "uzb",
        "vie", "zho",
    ];
    suggested(read::<AudioTracks>(), move || words)
}

/// A value that `read` reads, with `words` to suggest.
pub fn words<T: Clone + Send + Sync + 'static>(
    read: impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    suggested(StringValueParser::new().try_map(move |text| read(&text)), move || words.iter().copied())
}
