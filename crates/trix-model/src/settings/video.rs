//! Settings for the video of an output.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{format::Chroma, mistake::Mistake, time::Timestamp};

pub use crate::settings::size::Size;

/// Settings for the video of an output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum VideoSettings {
    /// H.264 through libx264; the compressed frames as they are where the container cannot hold H.264; nothing where
    /// the source has no video.
    #[default]
    Auto,
    /// H.264 through libx264.
    X264(EncodeSettings),
    /// HEVC through libx265.
    X265(EncodeSettings),
    /// FFV1 version 3 through libavcodec: lossless, every frame by itself, a checksum in every slice.
    Ffv1(Ffv1Settings),
    /// Apple ProRes through libavcodec: every frame by itself.
    Prores(ProresSettings),
    /// The compressed frames as they are.
    Copy,
    /// Left out.
    None,
}

impl VideoSettings {
    /// Takes the settings of `encoder` from `settings`, where a user gave settings by name. Returns a mistake for each
    /// setting that the encoder does not have.
    pub fn of(encoder: Encoder, settings: EncodeSettings) -> (Self, Vec<Mistake>) {
        let lacking = lacking(encoder, &settings);
        let video = match encoder {
            Encoder::X264 => VideoSettings::X264(settings),
            Encoder::X265 => VideoSettings::X265(settings),
            Encoder::Ffv1 => {
                let EncodeSettings { depth, chroma, chroma_is_fixed, params, .. } = settings;
                let rate = settings.rate.and_then(Ffv1Rate::of);
                VideoSettings::Ffv1(Ffv1Settings { depth, chroma, chroma_is_fixed, rate, params })
            }
            Encoder::Prores => {
                let EncodeSettings { depth, chroma, chroma_is_fixed, profile, params, .. } = settings;
                VideoSettings::Prores(ProresSettings { depth, chroma, chroma_is_fixed, profile, params })
            }
        };
        (video, lacking)
    }

    /// The encoder, where frames are encoded.
    pub fn encoder(&self) -> Option<Encoder> {
        match self {
            VideoSettings::X264(_) => Some(Encoder::X264),
            VideoSettings::X265(_) => Some(Encoder::X265),
            VideoSettings::Ffv1(_) => Some(Encoder::Ffv1),
            VideoSettings::Prores(_) => Some(Encoder::Prores),
            VideoSettings::Auto | VideoSettings::Copy | VideoSettings::None => None,
        }
    }

    /// x264 or x265 with its settings. `None` for other encoders, and where frames are not encoded.
    pub fn encode(&self) -> Option<(Encoder, &EncodeSettings)> {
        match self {
            VideoSettings::X264(settings) => Some((Encoder::X264, settings)),
            VideoSettings::X265(settings) => Some((Encoder::X265, settings)),
            _ => None,
        }
    }

    /// As [`Self::encode`], to change the settings.
    pub fn encode_mut(&mut self) -> Option<&mut EncodeSettings> {
        match self {
            VideoSettings::X264(settings) | VideoSettings::X265(settings) => Some(settings),
            _ => None,
        }
    }

    /// The frames that the encoder gets, where frames are encoded.
    pub fn frames(&self) -> Option<FrameSettings> {
        Some(match *self {
            VideoSettings::X264(EncodeSettings { depth, chroma, chroma_is_fixed, .. })
            | VideoSettings::X265(EncodeSettings { depth, chroma, chroma_is_fixed, .. })
            | VideoSettings::Ffv1(Ffv1Settings { depth, chroma, chroma_is_fixed, .. })
            | VideoSettings::Prores(ProresSettings { depth, chroma, chroma_is_fixed, .. }) => {
                FrameSettings { depth, chroma, chroma_is_fixed }
            }
            VideoSettings::Auto | VideoSettings::Copy | VideoSettings::None => return None,
        })
    }
}

/// The settings that every encoder has: those of the frames that it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameSettings {
    /// Bits in a sample. Default: the source's, or the nearest that the encoder has.
    pub depth: Option<u32>,
    /// Chroma subsampling. Default: the source's.
    pub chroma: Option<Chroma>,
    /// As [`EncodeSettings::chroma_is_fixed`].
    pub chroma_is_fixed: bool,
}

/// An encoder of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoder {
    /// libx264.
    X264,
    /// libx265.
    X265,
    /// libavcodec's FFV1.
    Ffv1,
    /// libavcodec's ProRes (`prores_ks`).
    Prores,
}

impl Encoder {
    /// All encoders.
    pub const ALL: [Encoder; 4] = [Encoder::X264, Encoder::X265, Encoder::Ffv1, Encoder::Prores];

    /// Says what the encoder lacks, where `key` is a setting of other encoders only, and names those.
    pub fn lacks(self, key: &str) -> Option<String> {
        let reason = self.reason(key)?;
        let takers = Encoder::ALL.into_iter().filter(|other| other.reason(key).is_none());
        let takers: Vec<String> = takers.map(|other| other.to_string()).collect();
        Some(format!("{self} {reason}; {key} is a setting of {}", takers.join(", ")))
    }

    /// The reason why the encoder does not have the setting `key` of another encoder.
    fn reason(self, key: &str) -> Option<&'static str> {
        if !self.is_mezzanine() {
            return None;
        }
        Some(match key {
            "rate" | "maxrate" | "bufsize" => "has no rate control",
            "preset" => "has no presets",
            "tune" => "has no tunes",
            "level" => "has no levels",
            "gop" | "open_gop" | "keyframes" | "key_interval" => "codes every frame by itself",
            "profile" if self == Encoder::Ffv1 => "has no profiles",
            _ => return None,
        })
    }

    /// Depths that the codec's profiles and the encoder know; a build of the library may lack some.
    pub fn depths(self) -> &'static [u32] {
        match self {
            Encoder::X264 => &[8, 10],
            Encoder::X265 => &[8, 10, 12],
            Encoder::Ffv1 => &[8, 10, 12, 16],
            Encoder::Prores => &[10],
        }
    }

    /// The largest constant quantiser that the encoder takes. Those of x264 above 51 are beyond the standard at 8 bits.
    pub fn most_qp(self) -> u32 {
        match self {
            Encoder::X264 => 69,
            Encoder::X265 | Encoder::Ffv1 | Encoder::Prores => 51,
        }
    }

    /// True if frames are coded independently and only the frame decides about its quality and size.
    pub fn is_mezzanine(self) -> bool {
        matches!(self, Encoder::Ffv1 | Encoder::Prores)
    }
}

impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoder::X264 => "x264",
            Encoder::X265 => "x265",
            Encoder::Ffv1 => "ffv1",
            Encoder::Prores => "prores",
        })
    }
}

/// How x264 and x265 encode frames. `None` stands for the default of the encoder, or for the property of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncodeSettings {
    /// Bits in a sample: 8 or 10 (x264), 8, 10 or 12 (x265). Default: the source's, or the nearest lower one.
    pub depth: Option<u32>,
    /// Chroma subsampling. Default: the source's.
    pub chroma: Option<Chroma>,
    /// True if the user set `chroma`. Then an odd size that it does not allow is an error. Otherwise the size is
    /// cropped by one.
    #[serde(skip)]
    pub chroma_is_fixed: bool,
    /// Preset by the encoder's name.
    pub preset: Option<String>,
    /// Tune by the encoder's name.
    pub tune: Option<String>,
    /// Profile by the encoder's name.
    pub profile: Option<String>,
    /// Level, e.g. `4.1`.
    pub level: Option<String>,
    /// Control of rate and quality. Default: the constant rate factor of the encoder.
    pub rate: Option<RateControl>,
    /// Maximum rate at which the buffer of the decoder is filled, in kbit/s.
    #[schemars(range(min = 1, max = 4_000_000))]
    pub maxrate: Option<u32>,
    /// Size of the buffer of the decoder, in kbit.
    #[schemars(range(min = 1, max = 4_000_000))]
    pub bufsize: Option<u32>,
    /// Maximum number of frames from one keyframe to the next.
    #[schemars(range(min = 1))]
    pub gop: Option<u32>,
    /// True if frames may refer across a keyframe.
    pub open_gop: Option<bool>,
    /// Times, counted from the start of the output, at which a keyframe is forced.
    #[serde(serialize_with = "as_texts")]
    pub keyframes: Vec<Timestamp>,
    /// A keyframe is forced at every multiple of this time.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub key_interval: Option<Timestamp>,
    /// Any other option of the encoder, by the name and value that its own program takes.
    pub params: BTreeMap<String, String>,
}

/// How FFV1 encodes frames. `None` stands for the property of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ffv1Settings {
    /// Bits in a sample: 8, 10, 12 or 16. Default: the source's, or the nearest higher one.
    pub depth: Option<u32>,
    /// Chroma subsampling. Default: the source's.
    pub chroma: Option<Chroma>,
    /// As [`EncodeSettings::chroma_is_fixed`].
    #[serde(skip)]
    pub chroma_is_fixed: bool,
    /// FFV1 is always lossless. A job may say so.
    pub rate: Option<Ffv1Rate>,
    /// Options by FFmpeg's names: `coder`, `context`, `slices` (1 to 1024).
    pub params: BTreeMap<String, String>,
}

/// The only rate of FFV1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ffv1Rate {
    /// Every sample comes back as it went in.
    Lossless,
}

impl Ffv1Rate {
    fn of(rate: RateControl) -> Option<Self> {
        (rate == RateControl::Lossless).then_some(Ffv1Rate::Lossless)
    }
}

/// How ProRes encodes frames. `None` stands for the property of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProresSettings {
    /// Bits in a sample: 10.
    pub depth: Option<u32>,
    /// Chroma subsampling: 4:2:2 or 4:4:4. Default: that of the profile.
    pub chroma: Option<Chroma>,
    /// As [`EncodeSettings::chroma_is_fixed`].
    #[serde(skip)]
    pub chroma_is_fixed: bool,
    /// Profile: proxy, lt, standard, hq (default for 4:2:0 and 4:2:2 without alpha), 4444 (default otherwise), 4444xq.
    pub profile: Option<String>,
    /// Options by FFmpeg's names: `alpha_bits`, `bits_per_mb`, `mbs_per_slice`, `quant_mat`, `vendor`.
    pub params: BTreeMap<String, String>,
}

/// A mistake for each of the `settings` that `encoder` does not have.
fn lacking(encoder: Encoder, settings: &EncodeSettings) -> Vec<Mistake> {
    let rate = settings.rate.filter(|rate| encoder != Encoder::Ffv1 || Ffv1Rate::of(*rate).is_none());
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let set = [
        ("rate", rate.map(|_| String::new())),
        ("maxrate", number(settings.maxrate)),
        ("bufsize", number(settings.bufsize)),
        ("preset", settings.preset.clone()),
        ("tune", settings.tune.clone()),
        ("profile", settings.profile.clone()),
        ("level", settings.level.clone()),
        ("gop", number(settings.gop)),
        ("open_gop", settings.open_gop.map(|open| open.to_string())),
        ("keyframes", settings.keyframes.first().map(|time| time.as_spec())),
        ("key_interval", settings.key_interval.map(|time| time.as_spec())),
    ];
    let wrong = set.into_iter().filter_map(|(key, value)| Some((key, value?, encoder.lacks(key)?)));
    wrong.map(|(key, value, problem)| Mistake::new(format!("video.{key}"), value, problem)).collect()
}

/// Control of rate and quality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum RateControl {
    /// Constant rate factor: 0 to 51; lower is better.
    Crf {
        /// The factor.
        #[schemars(range(min = 0, max = 51))]
        value: f64,
    },
    /// Constant quantiser: 0 to 69 of x264, 0 to 51 of x265; lower is better.
    Qp {
        /// The quantiser of P frames.
        #[schemars(range(min = 0, max = 69))]
        value: u32,
    },
    /// Every sample comes back as it went in.
    Lossless,
    /// An average bit rate.
    Bitrate {
        /// Thousands of bits in a second.
        #[schemars(range(min = 1, max = 2_000_000))]
        kbps: u32,
        /// 1, or 2: the first reads the whole source to learn where bits are needed.
        #[schemars(range(min = 1, max = 2))]
        #[serde(default = "one_pass")]
        passes: u32,
    },
    /// The constant rate factor with which the output reaches a score. It is found before the job is planned, by encodes of parts of the
    /// film.
    Target {
        /// What is measured.
        metric: TargetMetric,
        /// The score against the frames that the encoder gets: `psnr` in decibels, 20 to 80; `ssim` 0.5 to 0.9999; `vmaf` 20 to 99.
        value: f64,
    },
}

/// A measure of quality that an encode can aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetMetric {
    /// Peak signal-to-noise ratio over all planes, in decibels.
    Psnr,
    /// Structural similarity over all planes, up to 1.
    Ssim,
    /// VMAF of luma, 0 to 100, in builds that have it.
    Vmaf,
}

impl TargetMetric {
    /// All of them.
    pub const ALL: [TargetMetric; 3] = [TargetMetric::Psnr, TargetMetric::Ssim, TargetMetric::Vmaf];

    /// The lowest and the highest score that an encode can aim at.
    pub fn range(self) -> (f64, f64) {
        match self {
            TargetMetric::Psnr => (20.0, 80.0),
            TargetMetric::Ssim => (0.5, 0.9999),
            TargetMetric::Vmaf => (20.0, 99.0),
        }
    }
}

impl fmt::Display for TargetMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TargetMetric::Psnr => "psnr",
            TargetMetric::Ssim => "ssim",
            TargetMetric::Vmaf => "vmaf",
        })
    }
}

fn one_pass() -> u32 {
    1
}

fn as_text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        None => serializer.serialize_none(),
        Some(time) => serializer.serialize_str(&time.as_spec()),
    }
}

fn as_texts<S: serde::Serializer>(times: &[Timestamp], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(|time| time.as_spec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_keeps_the_ratio_with_even_numbers() {
        let resolve = |text: &str, w, h| text.parse::<Size>().unwrap().resolve(w, h);
        assert_eq!(resolve("1280x-2", 1920, 1080), Some((1280, 720)));
        assert_eq!(resolve("-2x360", 1920, 800), Some((864, 360)));
        assert_eq!(resolve("100x-2", 300, 100), Some((100, 34)));
        assert_eq!(resolve("2x-2", 9000, 1), Some((2, 2)));
        for text in ["", "x", "0x0", "-1x5", "-2x-2", "12", "1x2x3"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
