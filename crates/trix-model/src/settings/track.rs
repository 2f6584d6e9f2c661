//! An external audio track: its files, names, time, speed and loudness.
//!
//! Invariant: settings on the command line (see [`super::track_text`]) and in a job mean the same.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::language;
use crate::{
    layout::Loudspeakers,
    mistake::Mistake,
    settings::audio_edit::{AudioEdit, ExactLength, Pitch, StemTarget},
    time::{Rational, TimeBase, Timestamp},
};

/// Numbers of channels in a map are below this number. No file has nearly as many channels.
pub(super) const CHANNELS: usize = 1024;

/// An external audio track. Unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrackSettings {
    /// A file. Its first audio stream is used unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(with = "crate::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub path: Option<PathBuf>,
    /// Instead of `path`: streams and channels of one or more files, which are combined channel by channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<TrackInput>,
    /// FFmpeg's name of the channel layout of the track. The channels are in its order (5.1: FL FR FC LFE BL BR),
    /// unless there is a map. Default: the layout of a single input; mono for one channel and stereo for two channels
    /// of several inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// The input channel of each loudspeaker: FFmpeg's abbreviation, and the number of the channel, counted through all
    /// inputs from zero. Not together with `layout`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, usize>,
    /// Language: ISO 639-1, -2 or -3, or a BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The title of the track in players.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The purposes of the track.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disposition: Vec<Disposition>,
    /// How much later the track plays; negative: earlier, and its beginning is left out. A time such as `1.5` or
    /// `-00:00:02`, or with a unit: `-40ms`, `20us`, `2s`, `-1920/48000`.
    #[serde(skip_serializing_if = "Option::is_none", with = "moment")]
    #[schemars(with = "Option<String>", extend("format" = MOMENT))]
    pub offset: Option<Timestamp>,
    /// The speed of the track as a factor.
    #[serde(skip_serializing_if = "Tempo::is_one")]
    pub tempo: Tempo,
    /// What happens to the pitch when the tempo changes.
    #[serde(skip_serializing_if = "is_default")]
    pub pitch: Pitch,
    /// What is done to a track that is shorter or longer than the video.
    #[serde(skip_serializing_if = "is_default")]
    pub length: LengthPolicy,
    /// The largest difference between the lengths of track and video with the length `fail`. Default: 40 ms; beyond it,
    /// EBU R 37 regards audio as out of sync.
    #[serde(skip_serializing_if = "Option::is_none", with = "moment")]
    #[schemars(with = "Option<String>", extend("format" = MOMENT))]
    pub tolerance: Option<Timestamp>,
    /// Gain in dB, -60 to 60. Not together with `loudness`.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(range(min = -60, max = 60))]
    pub gain: f64,
    /// The target loudness of the track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loudness: Option<LoudnessTarget>,
}

/// The source of channels of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrackInput {
    /// The file.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Index of the stream in the file. Default: the first audio stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<usize>,
    /// Number of the channel in the stream, from zero. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<usize>,
}

/// The purpose of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Players select it by default.
    Default,
    /// In another language than the original.
    Dub,
    /// In the language of the original.
    Original,
    /// Commentary.
    Comment,
    /// Players select it even if they are set to show none.
    Forced,
    /// For the hearing impaired.
    HearingImpaired,
    /// For the visually impaired: audio description.
    VisualImpaired,
    /// Music and effects, without voices.
    CleanEffects,
    /// Song lyrics.
    Lyrics,
    /// Songs without the singing.
    Karaoke,
}

impl Disposition {
    /// Every purpose.
    pub const ALL: [Disposition; 10] = [
        Disposition::Default,
        Disposition::Dub,
        Disposition::Original,
        Disposition::Comment,
        Disposition::Forced,
        Disposition::HearingImpaired,
        Disposition::VisualImpaired,
        Disposition::CleanEffects,
        Disposition::Lyrics,
        Disposition::Karaoke,
    ];

    /// FFmpeg's name, which is also the one in jobs.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Default => "default",
            Disposition::Dub => "dub",
            Disposition::Original => "original",
            Disposition::Comment => "comment",
            Disposition::Forced => "forced",
            Disposition::HearingImpaired => "hearing_impaired",
            Disposition::VisualImpaired => "visual_impaired",
            Disposition::CleanEffects => "clean_effects",
            Disposition::Lyrics => "lyrics",
            Disposition::Karaoke => "karaoke",
        }
    }
}

/// The speed of a track as a factor: a ratio (`25/24`), or two frame rates (`24000/1001->25`), from the rate that it
/// was made for to the rate that it must fit. `23.976`, `29.97`, `47.952`, `59.94` and `119.88` stand for the exact
/// rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tempo(pub Rational);

impl Default for Tempo {
    fn default() -> Self {
        Tempo(Rational::new(1, 1))
    }
}

impl Tempo {
    pub(super) fn is_one(&self) -> bool {
        *self == Tempo::default()
    }
}

impl Serialize for Tempo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tempo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Tempo {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tempo".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "How many times as fast: a ratio such as 25/24, or two rates of frames: 24000/1001->25"
        })
    }
}

/// What is done to a track that is shorter or longer than the video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LengthPolicy {
    /// The track keeps its length. In a lossy codec, an excess of less than a frame beyond the end of the video is cut.
    #[default]
    AsIs,
    /// Silence follows a shorter track.
    Pad,
    /// The end of a longer track is cut.
    Trim,
    /// Both, so that the track is exactly as long as the video, to the sample.
    Fit,
    /// The job fails if the difference exceeds the tolerance.
    Fail,
}

impl LengthPolicy {
    /// Every policy.
    pub const ALL: [LengthPolicy; 5] =
        [LengthPolicy::AsIs, LengthPolicy::Pad, LengthPolicy::Trim, LengthPolicy::Fit, LengthPolicy::Fail];

    /// Its name in jobs.
    pub fn name(self) -> &'static str {
        match self {
            LengthPolicy::AsIs => "as_is",
            LengthPolicy::Pad => "pad",
            LengthPolicy::Trim => "trim",
            LengthPolicy::Fit => "fit",
            LengthPolicy::Fail => "fail",
        }
    }

    /// What the filter does to the track if the video ends after `samples` samples of it.
    pub fn towards(self, samples: u64) -> Option<ExactLength> {
        let length = |pad, trim| Some(ExactLength { samples, pad, trim });
        match self {
            LengthPolicy::AsIs | LengthPolicy::Fail => None,
            LengthPolicy::Pad => length(true, false),
            LengthPolicy::Trim => length(false, true),
            LengthPolicy::Fit => length(true, true),
        }
    }

    /// True if a track that ends at sample `end` violates this policy. The video ends after `samples`.
    pub fn is_broken(self, end: i64, samples: u64, tolerance: Timestamp, sample_rate: u32) -> bool {
        let most = tolerance.rescale(TimeBase::new(1, i64::from(sample_rate))).unsigned_abs();
        let wanted = i64::try_from(samples).unwrap_or(i64::MAX);
        self == LengthPolicy::Fail && end.abs_diff(wanted) > most
    }
}

/// A target loudness. The track is measured first; then a gain is applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoudnessTarget {
    /// Gated loudness of the whole track, in LUFS, -70 to 0. Default: -23, that of EBU R 128.
    #[schemars(range(min = -70, max = 0))]
    pub integrated_lufs: f64,
    /// The limit of the true peak, in dBTP, -20 to 0. Default: -1, that of EBU R 128. A lossy codec can exceed it.
    #[schemars(range(min = -20, max = 0))]
    pub true_peak_dbtp: f64,
    /// What to give up if the loudness and the peak limit exclude each other.
    pub mode: LoudnessMode,
}

impl LoudnessTarget {
    /// The values that are not legal, each with its key and the legal range.
    #[doc(hidden)]
    pub fn mistakes(&self) -> Vec<(&'static str, f64, &'static str)> {
        let loudness = ("loudness.integrated_lufs", self.integrated_lufs, "must be -70 to 0 LUFS");
        let peak = ("loudness.true_peak_dbtp", self.true_peak_dbtp, "must be -20 to 0 dBTP");
        let is_wrong = [!(-70.0..=0.0).contains(&self.integrated_lufs), !(-20.0..=0.0).contains(&self.true_peak_dbtp)];
        [loudness, peak].into_iter().zip(is_wrong).filter_map(|(value, is_wrong)| is_wrong.then_some(value)).collect()
    }
}

impl Default for LoudnessTarget {
    fn default() -> Self {
        LoudnessTarget { integrated_lufs: -23.0, true_peak_dbtp: -1.0, mode: LoudnessMode::Linear }
    }
}

/// What to give up if the target loudness needs peaks above the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoudnessMode {
    /// The loudness: the gain is one number for the whole track, as high as the peaks allow.
    #[default]
    Linear,
    /// The peaks: those above the limit are attenuated for some milliseconds (libavfilter's alimiter at 192 kHz).
    Dynamic,
}

/// The format, in the schema, of times with units.
#[doc(hidden)]
pub const MOMENT: &str = "moment";

/// The limit of an offset: a day.
const LONGEST: Timestamp = Timestamp::new(24 * 3600, Rational { num: 1, den: 1 });

/// A track as data and as text:
///
/// ```
/// use trix_model::settings::track::TrackSettings;
/// let track: TrackSettings = serde_json::from_str(
///     r#"{ "inputs": [{ "path": "L.wav" }, { "path": "R.wav" }], "layout": "stereo",
///          "language": "rus", "offset": "-40ms", "tempo": "25/24", "pitch": "keep", "length": "fit" }"#,
/// )?;
/// assert_eq!(track.to_string(), "L.wav+R.wav:map=stereo,lang=rus,offset=-40ms,tempo=25/24,pitch=keep,length=fit");
/// assert_eq!(track.to_string().parse(), Ok(track));
/// # Ok::<(), serde_json::Error>(())
/// ```
impl TrackSettings {
    /// The inputs, or the path as the only input.
    pub fn all_inputs(&self) -> Vec<TrackInput> {
        let from_path = self.path.iter().map(|path| TrackInput { path: path.clone(), ..Default::default() });
        from_path.chain(self.inputs.iter().cloned()).collect()
    }

    /// Returns all mistakes that can be found without the files. `place` is the place of the track, such as
    /// `tracks[0]`.
    pub fn check(&self, place: &str) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut wrong = |key: &str, value: &dyn std::fmt::Display, problem: String| {
            mistakes.push(Mistake::new(format!("{place}.{key}"), value, problem));
        };
        match (&self.path, self.inputs.len()) {
            (None, 0) => wrong("path", &"", "a track needs a path, or inputs".into()),
            (Some(path), 1..) => wrong("path", &path.display(), "either a path or inputs".into()),
            _ => {}
        }
        for (at, input) in self.all_inputs().iter().enumerate().filter(|(_, input)| input.path.as_os_str().is_empty()) {
            let key = if self.path.is_some() { "path".into() } else { format!("inputs[{at}].path") };
            wrong(&key, &input.path.display(), "a name of a file is missing".into());
        }
        if let Some(name) = &self.layout {
            if !self.map.is_empty() {
                wrong("layout", name, "either a layout or a map, whose loudspeakers make one".into());
            }
            match Loudspeakers::from_text(name) {
                None => wrong("layout", name, "is no channel layout; mono, stereo, 5.1 and 7.1 are some".into()),
                // Inputs without a channel can have several.
                Some(layout) if self.inputs.len() > layout.count() => {
                    wrong("layout", name, format!("{} inputs are more than its channels", self.inputs.len()));
                }
                Some(_) => {}
            }
        }
        if !self.map.is_empty()
            && let Err((value, problem)) = self.mapped()
        {
            wrong("map", &value, problem);
        }
        if let Some(tag) = &self.language
            && let Err(problem) = language::three_letters(tag)
        {
            wrong("language", tag, problem);
        }
        if let Some(title) = self.title.as_ref().filter(|title| title.is_empty() || title.contains('\0')) {
            wrong("title", title, "must not be empty or contain NUL".into());
        }
        for (at, disposition) in self.disposition.iter().enumerate() {
            if self.disposition[..at].contains(disposition) {
                wrong("disposition", &disposition.name(), "occurs twice".into());
            }
        }
        let negative = Timestamp::new(-LONGEST.ticks, LONGEST.base);
        if let Some(offset) = self.offset.filter(|offset| *offset > LONGEST || *offset < negative) {
            wrong("offset", &offset.as_spec(), "is more than a day".into());
        }
        let (half, double, most) = (Rational::new(1, 2), Rational::new(2, 1), 1_000_000);
        let tempo = self.tempo.0;
        if tempo < half || tempo > double || tempo.num > most || tempo.den > most {
            let problem = format!("must be 1/2 to 2, as a ratio of numbers up to {most}");
            wrong("tempo", &self.tempo, problem);
        }
        if self.pitch == Pitch::Keep && self.tempo.is_one() {
            wrong("pitch", &"keep", "has no effect without a tempo".into());
        }
        if let Some(tolerance) = self.tolerance {
            if tolerance.ticks < 0 || tolerance > LONGEST {
                wrong("tolerance", &tolerance.as_spec(), "must be 0 to a day".into());
            }
            if self.length != LengthPolicy::Fail {
                wrong("tolerance", &tolerance.as_spec(), "has no effect without length = fail".into());
            }
        }
        if !(-60.0..=60.0).contains(&self.gain) {
            wrong("gain", &self.gain, "must be -60 to 60 dB".into());
        }
        if let Some(target) = &self.loudness {
            if self.gain != 0.0 {
                wrong("gain", &self.gain, "either a gain or a loudness".into());
            }
            target.mistakes().into_iter().for_each(|(field, value, problem)| wrong(field, &value, problem.into()));
        }
        mistakes
    }

    /// The target of several inputs that have `channels` channels together. `None` if one whole stream is used
    /// unchanged.
    ///
    /// # Errors
    /// The mistake, if channels and layout do not match.
    pub fn stems(&self, channels: usize, place: &str) -> Result<Option<StemTarget>, Mistake> {
        let target = |layout: &str, order| StemTarget { layout: layout.to_owned(), order, sample_rate: None };
        if !self.map.is_empty() {
            let (layout, order) =
                self.mapped().map_err(|(value, problem)| Mistake::new(format!("{place}.map"), value, problem))?;
            return match order.iter().find(|number| **number >= channels) {
                Some(number) => {
                    let problem = format!("the inputs have {channels} channels, counted from 0");
                    Err(Mistake::new(format!("{place}.map"), number, problem))
                }
                None => Ok(Some(target(&layout, order))),
            };
        }
        if let Some(name) = &self.layout {
            let count = Loudspeakers::from_text(name).map_or(0, Loudspeakers::count);
            if count != channels {
                let problem = format!("has {count} channels, the inputs have {channels}");
                return Err(Mistake::new(format!("{place}.layout"), name, problem));
            }
            return Ok(Some(target(name, Vec::new())));
        }
        match (self.all_inputs().as_slice(), channels) {
            ([one], _) if one.channel.is_none() => Ok(None),
            (_, 1) => Ok(Some(target("mono", Vec::new()))),
            (_, 2) => Ok(Some(target("stereo", Vec::new()))),
            _ => {
                let problem = format!("{channels} channels need a layout, or a map");
                Err(Mistake::new(format!("{place}.layout"), "", problem))
            }
        }
    }

    /// True if the audio of the track is changed.
    pub fn changes(&self) -> bool {
        self.edit(None) != AudioEdit::default()
            || self.loudness.is_some()
            || !matches!(self.length, LengthPolicy::AsIs | LengthPolicy::Fail)
    }

    /// The changes to the audio, if the video ends after `samples` samples of the output.
    pub fn edit(&self, samples: Option<u64>) -> AudioEdit {
        AudioEdit {
            offset: self.offset.unwrap_or(Timestamp::new(0, Rational::new(1, 1))),
            tempo: self.tempo.0,
            pitch: self.pitch,
            drift: Rational::new(1, 1),
            gain_db: self.gain,
            limit_dbtp: None,
            length: samples.and_then(|samples| self.length.towards(samples)),
        }
    }

    /// The tolerance, or its default.
    pub fn tolerance(&self) -> Timestamp {
        self.tolerance.unwrap_or(Timestamp::new(40, TimeBase::new(1, 1000)))
    }

    /// The layout of the map, and the input channel of each of its loudspeakers. The error is a part and its problem.
    fn mapped(&self) -> Result<(String, Vec<usize>), (String, String)> {
        let names: Vec<&str> = self.map.keys().map(String::as_str).collect();
        // Each name is checked by itself, because a layout has its loudspeakers only in their own order.
        if let Some(name) = names.iter().find(|name| speaker(name).is_none()) {
            let problem = "is not a loudspeaker; examples are FL, FR, FC, LFE, BL, BR, SL and SR".to_owned();
            return Err(((*name).to_owned(), problem));
        }
        if let Some(number) = self.map.values().find(|number| **number >= CHANNELS) {
            return Err((number.to_string(), format!("channels are numbered from 0 to {}", CHANNELS - 1)));
        }
        let mut sorted: Vec<(&str, usize)> = self.map.iter().map(|(name, number)| (name.as_str(), *number)).collect();
        sorted.sort_by_key(|(name, _)| speaker(name));
        let joined: Vec<&str> = sorted.iter().map(|(name, _)| *name).collect();
        let layout = Loudspeakers::from_text(&joined.join("+"))
            .ok_or_else(|| (joined.join("+"), "makes no channel layout".to_owned()))?;
        Ok((layout.to_string(), sorted.into_iter().map(|(_, number)| number).collect()))
    }
}

/// The place of a loudspeaker in the order of FFmpeg and WAVE (dwChannelMask).
pub(super) fn speaker(name: &str) -> Option<usize> {
    const ORDER: [&str; 18] = [
        "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC",
        "TBR",
    ];
    ORDER.iter().position(|known| *known == name)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Times in jobs: read with units, and written in the form in which they are read.
mod moment {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::settings::moment::{read_moment, write_moment};
    use crate::time::Timestamp;

    pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            None => serializer.serialize_none(),
            Some(time) => serializer.serialize_str(&write_moment(*time)),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| read_moment(&text).map_err(serde::de::Error::custom)).transpose()
    }
}
