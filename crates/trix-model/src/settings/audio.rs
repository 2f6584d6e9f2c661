//! How the audio is written.
//!
//! Invariant: a codec has the same name on the command line (`CODEC[:BITRATE]`) and in a job.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::track::LoudnessTarget;
use crate::mistake::hint;

/// How the audio is written. All tracks of the source are treated alike and keep their language and title.
///
/// `kbps` is the bitrate of each track in kbit/s (thousands of bits per second). Without it, the bitrate depends on the
/// codec and the number of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum AudioSettings {
    /// Copies the compressed audio if the container can hold it and can mark a cut in it to the sample. Otherwise
    /// encodes in the same codec, or losslessly, or in the codec of the container that loses least.
    #[default]
    Auto,
    /// Copies the compressed audio.
    Copy,
    /// Leaves the audio out.
    None,
    /// AAC-LC.
    Aac {
        /// Thousands of bits per second. Default: 64 for each channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 16, max = 1024))]
        kbps: Option<u32>,
    },
    /// Opus, always at 48 kHz.
    Opus {
        /// Thousands of bits per second. Default: 64 for each channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 6, max = 2048))]
        kbps: Option<u32>,
    },
    /// AC-3 (Dolby Digital), up to 5.1.
    Ac3 {
        /// Thousands of bits per second. Default: 192 for stereo, 448 for 5.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kbps: Option<u32>,
    },
    /// E-AC-3 (Dolby Digital Plus), up to 5.1.
    Eac3 {
        /// Thousands of bits per second. Default: 192 for stereo, 448 for 5.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 32, max = 1024))]
        kbps: Option<u32>,
    },
    /// FLAC: lossless, 16 or 24 bits.
    Flac,
    /// ALAC: lossless, 16 or 24 bits.
    Alac,
    /// PCM at the source's depth: 16, 24 or 32 bits, or 32-bit floating point.
    Pcm,
    /// PCM of 16 bits.
    Pcm16,
    /// PCM of 24 bits.
    Pcm24,
    /// PCM of 32 bits.
    Pcm32,
    /// PCM of 32-bit floating point.
    Pcmf32,
}

/// The codecs by their names, each without a bitrate.
const CODECS: [(&str, AudioSettings); 14] = [
    ("aac", AudioSettings::Aac { kbps: None }),
    ("opus", AudioSettings::Opus { kbps: None }),
    ("ac3", AudioSettings::Ac3 { kbps: None }),
    ("eac3", AudioSettings::Eac3 { kbps: None }),
    ("flac", AudioSettings::Flac),
    ("alac", AudioSettings::Alac),
    ("pcm", AudioSettings::Pcm),
    ("pcm16", AudioSettings::Pcm16),
    ("pcm24", AudioSettings::Pcm24),
    ("pcm32", AudioSettings::Pcm32),
    ("pcmf32", AudioSettings::Pcmf32),
    ("auto", AudioSettings::Auto),
    ("copy", AudioSettings::Copy),
    ("none", AudioSettings::None),
];

impl AudioSettings {
    /// What was asked for in thousands of bits in a second.
    pub fn kbps(self) -> Option<u32> {
        match self {
            AudioSettings::Aac { kbps }
            | AudioSettings::Opus { kbps }
            | AudioSettings::Ac3 { kbps }
            | AudioSettings::Eac3 { kbps } => kbps,
            _ => None,
        }
    }

    /// True if it names a codec, so that audio is decoded and encoded again.
    pub fn encodes(self) -> bool {
        !matches!(self, AudioSettings::Auto | AudioSettings::Copy | AudioSettings::None)
    }

    #[doc(hidden)]
    pub fn with_kbps(self, rate: u32) -> Option<Self> {
        let kbps = Some(rate);
        match self {
            AudioSettings::Aac { .. } => Some(AudioSettings::Aac { kbps }),
            AudioSettings::Opus { .. } => Some(AudioSettings::Opus { kbps }),
            AudioSettings::Ac3 { .. } => Some(AudioSettings::Ac3 { kbps }),
            AudioSettings::Eac3 { .. } => Some(AudioSettings::Eac3 { kbps }),
            _ => None,
        }
    }
}

impl FromStr for AudioSettings {
    type Err = String;

    /// Reads `CODEC[:BITRATE]`, `auto`, `copy` or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rate) = match text.split_once(':') {
            Some((name, rate)) => (name, Some(rate)),
            None => (text, None),
        };
        let Some((_, settings)) = CODECS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = CODECS.iter().map(|(name, _)| *name).collect();
            let hint = hint(name, &known);
            return Err(format!("'{name}' is not an audio codec; {hint}known are {}", known.join(", ")));
        };
        let Some(rate) = rate else { return Ok(*settings) };
        let digits = rate.strip_suffix(['k', 'K']).unwrap_or(rate);
        let kbps = digits.parse().map_err(|_| format!("'{rate}' is not a bit rate in kbit/s such as 192k"))?;
        settings.with_kbps(kbps).ok_or_else(|| format!("{name} takes no bit rate"))
    }
}

impl fmt::Display for AudioSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_same = |known: &AudioSettings| std::mem::discriminant(known) == std::mem::discriminant(self);
        let name = CODECS.iter().find(|(_, known)| is_same(known)).map_or("", |(name, _)| *name);
        match self.kbps() {
            Some(kbps) => write!(f, "{name}:{kbps}k"),
            None => f.write_str(name),
        }
    }
}

/// Format of encoded audio, where it differs from the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AudioShape {
    /// Channel layout by FFmpeg's name: `mono`, `stereo`, `5.1`, `7.1` and so on. Channels of another layout are mixed
    /// with the coefficients of ITU-R BS.775, scaled so that nothing clips, unless there is a matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Sample rate in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000, max = 768_000))]
    pub sample_rate: Option<u32>,
    /// Mix matrix: one row for each channel of the output, with one factor for each channel of the source. The factors
    /// are not scaled; values beyond the range of a sample are clipped. Empty: the standard mix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matrix: Vec<Vec<f64>>,
    /// Target loudness of tracks without a target of their own. Each such track is read once more beforehand, to
    /// measure it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loudness: Option<LoudnessTarget>,
}

/// How to correct audio whose timestamps and sample count drift apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AudioDrift {
    /// Whenever the two are more than 40 ms apart, silence is inserted or samples are cut.
    #[default]
    Fill,
    /// The drift is measured beforehand, which reads the track once more. The audio is then resampled by that amount.
    Stretch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for text in
            ["auto", "copy", "none", "aac", "aac:192k", "opus:96k", "ac3:448k", "eac3", "flac", "alac", "pcm", "pcmf32"]
        {
            assert_eq!(text.parse::<AudioSettings>().unwrap().to_string(), text);
        }
        assert_eq!("aac:128".parse(), Ok(AudioSettings::Aac { kbps: Some(128) }));
        for text in ["mp3", "flac:1", "pcm16:1", "aac:", "aac:x", ""] {
            assert!(text.parse::<AudioSettings>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_codec_has_one_name_in_jobs_and_on_the_command_line() {
        for (name, settings) in CODECS {
            let json = serde_json::to_value(settings).unwrap();
            assert_eq!(json["type"], name);
        }
    }
}
