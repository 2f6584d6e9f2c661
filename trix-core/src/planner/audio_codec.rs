//! The limits of each audio codec, and the codecs that each container can hold.
//!
//! Invariant: whatever an encoder would refuse is refused here, before the job runs, with the legal values.

use crate::settings::{audio::AudioSettings, job::Container};

/// The limits of an audio encoder.
pub(super) struct AudioCodec {
    /// FFmpeg's name of the codec.
    pub(super) name: &'static str,
    /// Sample rates in Hz, ascending; empty for any.
    pub(super) rates: &'static [u32],
    /// Channel layouts by FFmpeg's names; empty for any.
    pub(super) layouts: &'static [&'static str],
    /// Highest number of channels.
    pub(super) channels: u32,
}

/// ISO 14496-3, table 1.18. Layouts: channel configurations 1 to 7 of table 1.19, as libavcodec's encoder writes them.
const AAC: AudioCodec = AudioCodec {
    name: "aac",
    rates: &[7350, 8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000],
    layouts: &["mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"],
    channels: 8,
};

/// A decoder of Opus always yields 48 kHz (RFC 7845, 5.1). Lower rates only set the bandwidth, which the encoder
/// chooses by the bit rate. Layouts: RFC 7845, 5.1.1.2.
const OPUS: AudioCodec = AudioCodec {
    name: "opus",
    rates: &[48_000],
    layouts: &["mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"],
    channels: 8,
};

/// Rates and layouts of AC-3: ATSC A/52, tables 5.6 and 5.8, without layouts that exist only by a mix level in the
/// bitstream.
const AC3_RATES: &[u32] = &[32_000, 44_100, 48_000];
const AC3_LAYOUTS: &[&str] = &[
    "mono",
    "stereo",
    "3.0",
    "3.0(back)",
    "4.0",
    "quad",
    "quad(side)",
    "5.0",
    "5.0(side)",
    "2.1",
    "3.1",
    "4.1",
    "5.1",
    "5.1(side)",
];
const AC3: AudioCodec = AudioCodec { name: "ac3", rates: AC3_RATES, layouts: AC3_LAYOUTS, channels: 6 };
const EAC3: AudioCodec = AudioCodec { name: "eac3", rates: AC3_RATES, layouts: AC3_LAYOUTS, channels: 6 };

/// RFC 9639, 9.1.3: up to eight channels. A comment holds the mask of layouts that are not in its table.
const FLAC: AudioCodec = AudioCodec { name: "flac", rates: &[], layouts: &[], channels: 8 };

/// The layouts of Apple's reference (ALACAudioTypes.h), under the names of libavcodec's encoder.
const ALAC: AudioCodec = AudioCodec {
    name: "alac",
    rates: &[],
    layouts: &["mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1(back)", "7.1(wide)"],
    channels: 8,
};

const PCM: AudioCodec = AudioCodec { name: "pcm", rates: &[], layouts: &[], channels: 64 };

/// Bit rates of AC-3 in kbit/s: ATSC A/52, table 5.18.
pub(crate) const AC3_KBPS: [u32; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

impl AudioCodec {
    /// The codec of `settings`; `None` for audio that is not encoded.
    pub(super) fn of(settings: AudioSettings) -> Option<&'static AudioCodec> {
        match settings {
            AudioSettings::Auto | AudioSettings::Copy | AudioSettings::None => None,
            AudioSettings::Aac { .. } => Some(&AAC),
            AudioSettings::Opus { .. } => Some(&OPUS),
            AudioSettings::Ac3 { .. } => Some(&AC3),
            AudioSettings::Eac3 { .. } => Some(&EAC3),
            AudioSettings::Flac => Some(&FLAC),
            AudioSettings::Alac => Some(&ALAC),
            AudioSettings::Pcm
            | AudioSettings::Pcm16
            | AudioSettings::Pcm24
            | AudioSettings::Pcm32
            | AudioSettings::Pcmf32 => Some(&PCM),
        }
    }

    /// Returns `settings` if they encode, or else the settings for this codec.
    pub(super) fn or(&self, settings: AudioSettings) -> AudioSettings {
        match (settings.encodes(), self.name) {
            (true, _) => settings,
            (false, "flac") => AudioSettings::Flac,
            (false, _) => AudioSettings::Pcm,
        }
    }

    /// True if decoded samples differ from the encoded ones.
    pub(super) fn is_lossy(&self) -> bool {
        !matches!(self.name, "flac" | "alac" | "pcm")
    }

    /// The legal rate that loses least: the next at or above `rate`, or else the highest.
    pub(super) fn nearest_rate(&self, rate: u32) -> u32 {
        match self.rates {
            [] => rate,
            rates => rates.iter().copied().find(|legal| *legal >= rate).unwrap_or(rates[rates.len() - 1]),
        }
    }

    /// The layout as this codec writes it: the same, or the layout with the same speakers under another name.
    pub(super) fn layout(&self, layout: &str) -> Option<String> {
        let takes = |name: &str| self.layouts.is_empty() || self.layouts.contains(&name);
        // Codecs with one surround pair treat side and back speakers as the same.
        let other = layout.strip_suffix("(side)").unwrap_or(layout);
        [layout, other].into_iter().find(|name| takes(name)).map(str::to_owned)
    }

    /// The default bit rate in bits a second. AAC and Opus: 64 kbit/s for each channel, at which listeners in public
    /// tests find it hard to tell both from the source (Xiph's recommended settings for Opus: 128 for stereo). AC-3 and
    /// E-AC-3: libavcodec's default for the number of full-range channels, in the range that DVDs and broadcasts use
    /// for AC-3.
    pub(super) fn default_rate(&self, channels: u32, layout: &str) -> Option<u64> {
        match self.name {
            "aac" | "opus" => Some(u64::from(channels) * 64_000),
            "ac3" | "eac3" => {
                let full_range = channels - u32::from(layout.contains(".1"));
                Some(match full_range {
                    0 | 1 => 96_000,
                    2 => 192_000,
                    3 => 320_000,
                    4 => 384_000,
                    _ => 448_000,
                })
            }
            _ => None,
        }
    }

    /// The mistake in a bit rate, whatever the source.
    pub(super) fn refuses_kbps(&self, kbps: u32) -> Option<String> {
        match self.name {
            "aac" if !(16..=1024).contains(&kbps) => Some("16 to 1024 kbit/s".to_owned()),
            // RFC 6716, 2.1.1, for each channel, as libopus accepts it.
            "opus" if !(6..=2048).contains(&kbps) => Some("6 to 2048 kbit/s".to_owned()),
            "ac3" if !AC3_KBPS.contains(&kbps) => {
                let legal: Vec<String> = AC3_KBPS.iter().map(u32::to_string).collect();
                Some(format!("AC-3 has {} kbit/s", legal.join(", ")))
            }
            // ETSI TS 102 366, annex E: 2048 words of 16 bits in a frame of 1536 samples.
            "eac3" if !(32..=1024).contains(&kbps) => Some("32 to 1024 kbit/s".to_owned()),
            _ => None,
        }
    }

    /// The highest bit rate in kbit/s for so many channels at this sample rate.
    pub(super) fn most_kbps(&self, channels: u32, rate: u32) -> u32 {
        match self.name {
            // ISO 14496-3, 4.5.3.1: 6144 bits for each channel in a block of 1024 samples.
            "aac" => (u64::from(channels) * 6144 * u64::from(rate) / 1024 / 1000) as u32,
            "opus" => channels * 256,
            "eac3" => (u64::from(rate) * 2048 * 16 / 1536 / 1000) as u32,
            _ => u32::MAX,
        }
    }
}

/// The lossless codec for `container`.
pub(super) fn lossless(container: Container) -> Option<&'static AudioCodec> {
    let held = held_by(container);
    [&FLAC, &PCM].into_iter().find(|codec| held.contains(&codec.name))
}

/// The codecs that `container` holds, by their names in settings.
pub(super) fn held_by(container: Container) -> &'static [&'static str] {
    match container {
        // ISO 14496-12 and -14, ETSI TS 102 366 annex F, the mappings of Opus and FLAC to ISO BMFF, Apple's mapping of
        // ALAC.
        Container::Mp4 => &["aac", "ac3", "eac3", "opus", "flac", "alac"],
        Container::Mov => &["aac", "ac3", "eac3", "alac", "pcm"],
        Container::Matroska => &["aac", "ac3", "eac3", "opus", "flac", "alac", "pcm"],
        Container::WebM => &["opus"],
        // ETSI TS 101 154; Blu-ray has no AAC. SMPTE ST 382.
        Container::MpegTs => &["aac", "ac3", "eac3"],
        Container::M2ts => &["ac3", "eac3"],
        Container::Mxf => &["pcm"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_lose_as_little_as_the_codec_allows() {
        for (codec, rate, expected) in [
            (&OPUS, 44_100, 48_000),
            (&OPUS, 96_000, 48_000),
            (&AC3, 22_050, 32_000),
            (&AC3, 44_100, 44_100),
            (&AC3, 96_000, 48_000),
            (&AAC, 192_000, 96_000),
            (&AAC, 37_800, 44_100),
            (&FLAC, 37_800, 37_800),
        ] {
            assert_eq!(codec.nearest_rate(rate), expected, "{} at {rate}", codec.name);
        }
    }

    #[test]
    fn surround_at_the_side_is_written_where_a_codec_has_one_pair() {
        let written = |codec: &AudioCodec, layout: &str| codec.layout(layout);
        assert_eq!(written(&AAC, "5.1(side)").as_deref(), Some("5.1"));
        assert_eq!(written(&AC3, "5.1(side)").as_deref(), Some("5.1(side)"));
        assert_eq!(written(&AC3, "7.1"), None);
        assert_eq!(written(&ALAC, "7.1"), None);
        assert_eq!(written(&FLAC, "7.1(wide)").as_deref(), Some("7.1(wide)"));
    }
}
