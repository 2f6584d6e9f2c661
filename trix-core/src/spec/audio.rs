//! What becomes of the sound.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What becomes of the sound. Every track of the source is treated alike and keeps its language and title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum AudioSettings {
    /// The compressed sound as it is.
    #[default]
    Copy,
    /// Left out.
    None,
    /// AAC-LC.
    Aac {
        /// Thousands of bits in a second for each track. Default: 64 for each channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kbps: Option<u32>,
    },
    /// FLAC: lossless.
    Flac,
    /// PCM at the source's depth: 16, 24 or 32 bits, or 32-bit floating point.
    Pcm,
}

impl FromStr for AudioSettings {
    type Err = String;

    /// Reads `CODEC[:BITRATE]`, `copy` or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (codec, rate) = match text.split_once(':') {
            Some((codec, rate)) => (codec, Some(rate)),
            None => (text, None),
        };
        let kbps = match rate {
            None => None,
            Some(rate) => {
                let digits = rate.strip_suffix(['k', 'K']).unwrap_or(rate);
                Some(digits.parse().map_err(|_| format!("'{rate}' is not a bit rate in kbit/s such as 192k"))?)
            }
        };
        let settings = match codec {
            "copy" => AudioSettings::Copy,
            "none" => AudioSettings::None,
            "aac" => AudioSettings::Aac { kbps },
            "flac" => AudioSettings::Flac,
            "pcm" => AudioSettings::Pcm,
            _ => return Err(format!("'{codec}' is not an audio codec; known are aac, flac, pcm, copy and none")),
        };
        if rate.is_some() && !matches!(settings, AudioSettings::Aac { .. }) {
            return Err(format!("{codec} takes no bit rate"));
        }
        Ok(settings)
    }
}

impl fmt::Display for AudioSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AudioSettings::Copy => f.write_str("copy"),
            AudioSettings::None => f.write_str("none"),
            AudioSettings::Aac { kbps: None } => f.write_str("aac"),
            AudioSettings::Aac { kbps: Some(kbps) } => write!(f, "aac:{kbps}k"),
            AudioSettings::Flac => f.write_str("flac"),
            AudioSettings::Pcm => f.write_str("pcm"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for text in ["copy", "none", "aac", "aac:192k", "flac", "pcm"] {
            assert_eq!(text.parse::<AudioSettings>().unwrap().to_string(), text);
        }
        assert_eq!("aac:128".parse(), Ok(AudioSettings::Aac { kbps: Some(128) }));
        for text in ["mp3", "flac:1", "aac:", "aac:x", ""] {
            assert!(text.parse::<AudioSettings>().is_err(), "{text}");
        }
    }
}
