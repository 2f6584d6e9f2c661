//! How subtitles are written.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::mistake::hint;

/// How subtitles are written. All tracks of the source are treated alike and keep their language, title and purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SubtitleSettings {
    /// Copied if the container can hold them. Other text subtitles are converted to the text codec of the container.
    /// The report names bitmap subtitles that the container cannot hold.
    #[default]
    Copy,
    /// Left out.
    None,
    /// SubRip.
    Subrip,
    /// 3GPP timed text (ETSI TS 126 245), the text of MP4 and MOV.
    MovText,
    /// Advanced SubStation Alpha.
    Ass,
    /// WebVTT.
    Webvtt,
}

impl SubtitleSettings {
    /// FFmpeg's name of the requested text codec, if there is one.
    pub fn codec(self) -> Option<&'static str> {
        match self {
            SubtitleSettings::Copy | SubtitleSettings::None => None,
            SubtitleSettings::Subrip => Some("subrip"),
            SubtitleSettings::MovText => Some("mov_text"),
            SubtitleSettings::Ass => Some("ass"),
            SubtitleSettings::Webvtt => Some("webvtt"),
        }
    }
}

impl FromStr for SubtitleSettings {
    type Err = String;

    /// Reads a codec, `copy` or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "copy" => SubtitleSettings::Copy,
            "none" => SubtitleSettings::None,
            "subrip" | "srt" => SubtitleSettings::Subrip,
            "mov_text" => SubtitleSettings::MovText,
            "ass" => SubtitleSettings::Ass,
            "webvtt" | "vtt" => SubtitleSettings::Webvtt,
            _ => {
                let known = ["subrip", "mov_text", "ass", "webvtt", "copy", "none"];
                let (hint, known) = (hint(text, &known), known.join(", "));
                return Err(format!("'{text}' is not a codec of subtitles; {hint}known are {known}"));
            }
        })
    }
}

impl fmt::Display for SubtitleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubtitleSettings::None => "none",
            settings => settings.codec().unwrap_or("copy"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for text in ["copy", "none", "subrip", "mov_text", "ass", "webvtt"] {
            let settings: SubtitleSettings = text.parse().unwrap();
            assert_eq!(settings.to_string(), text);
            let json = format!(r#"{{"type":"{text}"}}"#);
            assert_eq!(serde_json::to_string(&settings).unwrap(), json);
            assert_eq!(serde_json::from_str::<SubtitleSettings>(&json).unwrap(), settings);
        }
        for text in ["", "sub", "pgs"] {
            assert!(text.parse::<SubtitleSettings>().is_err(), "{text}");
        }
    }
}
