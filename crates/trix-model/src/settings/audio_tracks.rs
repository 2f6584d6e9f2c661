//! The choice of audio tracks of the source.
//!
//! Invariant: a choice that is written and read again is the same choice.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::language::three_letters;

/// The choice of audio tracks of the source: `all`, `none`, or numbers and languages, separated by commas.
///
/// ```
/// use trix_model::settings::audio_tracks::{AudioTracks, TrackName};
/// let named = AudioTracks::Named(vec![TrackName::Number(0), TrackName::Language("deu".to_owned())]);
/// assert_eq!("0,ger".parse(), Ok(named));
/// assert_eq!("all".parse(), Ok(AudioTracks::All));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioTracks {
    /// Every track of every programme.
    All,
    /// No track of the source; external audio tracks stay.
    None,
    /// The named tracks.
    Named(Vec<TrackName>),
}

/// One or more audio tracks, as a job names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackName {
    /// The number among the audio tracks of the source, from 0.
    Number(usize),
    /// All tracks of this language, as a code of three letters.
    Language(String),
}

impl FromStr for TrackName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(TrackName::Number).map_err(|_| format!("'{text}' is too large a number"));
        }
        if matches!(text, "all" | "none") {
            return Err(format!("'{text}' stands alone"));
        }
        match three_letters(text) {
            Ok(code) => Ok(TrackName::Language(code)),
            Err(_) => Err(format!("'{text}' is neither all, none, the number of an audio track, nor a language")),
        }
    }
}

impl fmt::Display for TrackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrackName::Number(number) => write!(f, "{number}"),
            TrackName::Language(code) => f.write_str(code),
        }
    }
}

impl FromStr for AudioTracks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(AudioTracks::All),
            "none" => Ok(AudioTracks::None),
            text => text.split(',').map(TrackName::from_str).collect::<Result<_, _>>().map(AudioTracks::Named),
        }
    }
}

impl fmt::Display for AudioTracks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AudioTracks::All => f.write_str("all"),
            AudioTracks::None => f.write_str("none"),
            AudioTracks::Named(names) => {
                let names: Vec<String> = names.iter().map(TrackName::to_string).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl Serialize for AudioTracks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AudioTracks {
    /// Reads a number, text as for [`FromStr`], or a list of both.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Word {
            Number(usize),
            Text(String),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(Word),
            List(Vec<Word>),
        }
        let expected =
            || serde::de::Error::custom("all, none, or numbers and languages of audio tracks, such as 0 or \"eng\"");
        let words = match Written::deserialize(deserializer).map_err(|_| expected())? {
            Written::One(Word::Text(text)) => return text.parse().map_err(serde::de::Error::custom),
            Written::One(word) => vec![word],
            Written::List(words) => words,
        };
        if words.is_empty() {
            return Ok(AudioTracks::None);
        }
        let name = |word: Word| match word {
            Word::Number(number) => Ok(TrackName::Number(number)),
            Word::Text(text) => text.parse(),
        };
        let names: Result<Vec<TrackName>, String> = words.into_iter().map(name).collect();
        names.map(AudioTracks::Named).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for AudioTracks {
    fn schema_name() -> Cow<'static, str> {
        "AudioTracks".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer", "array"],
            "minimum": 0,
            "items": { "type": ["string", "integer"], "minimum": 0 },
            "description": "Audio tracks of the source: all, none, or numbers (from 0 on) and languages: 1, \"eng\", \
                            \"0,eng\", [0, \"eng\"]"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_written() {
        for text in ["all", "none", "0", "0,2", "eng", "1,deu,fra"] {
            assert_eq!(text.parse::<AudioTracks>().unwrap().to_string(), text);
            let json = serde_json::to_string(&text.parse::<AudioTracks>().unwrap()).unwrap();
            assert_eq!(serde_json::from_str::<AudioTracks>(&json).unwrap().to_string(), text);
        }
        assert_eq!("en, ger".parse::<AudioTracks>().unwrap().to_string(), "eng,deu");
        let read = |json: &str| serde_json::from_str::<AudioTracks>(json).map(|tracks| tracks.to_string());
        assert_eq!(read("1").unwrap(), "1");
        assert_eq!(read("[0, \"en\"]").unwrap(), "0,eng");
        assert_eq!(read("[]").unwrap(), "none");
        for text in ["", "english", "-1", "1;2", "0,all", "99999999999999999999999"] {
            assert!(text.parse::<AudioTracks>().is_err(), "{text}");
        }
        assert!(read("true").unwrap_err().to_string().contains("all, none"));
    }
}
