//! A job: one source, its outputs, and the settings of each.
//!
//! Invariant: a job that is written and read again is the same job, in every language of documents.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    audio::{AudioDrift, AudioSettings, AudioShape},
    audio_tracks::AudioTracks,
    package::PackageJob,
    picture::PictureSettings,
    still::StillSettings,
    subtitle::SubtitleSettings,
    track::TrackSettings,
    video::{RateControl, VideoSettings},
};
pub use super::{byte_size::ByteSize, container::Container, memory_limit::MemoryLimit};
use crate::{
    damage::OnDamage,
    decision::Decision,
    settings::source::{Limits, RawGeometry, Reading},
    time::{Rational, Timestamp},
};

/// All settings that determine the bytes of the outputs. Unknown keys are refused.
///
/// ```
/// use trix_model::settings::job::Job;
/// let job: Job = serde_json::from_str(
///     r#"{ "source": { "path": "master.mov" },
///          "outputs": [ { "path": "copy.mp4", "video": { "type": "x265", "depth": 10, "rate": { "type": "crf", "value": 20 } } } ] }"#,
/// )?;
/// assert_eq!(job, serde_json::from_str(&serde_json::to_string(&job)?)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Job {
    /// The source.
    pub source: SourceSettings,
    /// External audio tracks. They come after the tracks of the source in every output that does not list its tracks.
    pub tracks: Vec<TrackSettings>,
    /// Output files, all of them from one decode.
    pub outputs: Vec<OutputSettings>,
    /// Packages for streaming, from the same decode.
    pub packages: Vec<PackageJob>,
    /// Still images, from the same decode.
    pub stills: Vec<StillSettings>,
    /// True if existing files with the names of stills may be replaced.
    pub overwrite_stills: bool,
    /// True if the loudness of every audio track that is kept is measured (EBU R 128).
    pub measure_loudness: bool,
    /// True if source and outputs are hashed (SHA-256). The source is hashed from the data that the job reads anyway.
    pub hash: bool,
    /// True if a smaller size may be scaled from the next larger one of the same frames instead of from the frames of
    /// the source. Default: false, because scaling twice is not quite the same as scaling once. It is meant for
    /// ladders, and not for archive copies.
    ///
    /// For a ladder of 1080, 720, 480 and 360 rows on two cores, it saves a third of the processor time of scaling: 1 %
    /// of the job with x264 veryfast at 8 bits, 10 % if 10 bits become 8 and x264 runs ultrafast, and 34 % if high
    /// dynamic range is tone mapped, which is then done once for all sizes. Compared with direct scaling, the frames of
    /// 360 rows have a PSNR of 59 dB and an SSIM of 0.9995; tone mapped, 45 dB and 0.995, because they are then tone
    /// mapped before they are scaled.
    pub scale_from_larger: bool,
    /// Whether HEVC outputs of the same frames share one analysis: one of them leads, and the others follow its decisions, at any bit
    /// depth. It saves processor time and costs some quality. Outputs share if they agree in all settings but depth and quality;
    /// the decisions of the plan name those that do not, and why. Default: `off`.
    #[serde(skip_serializing_if = "ShareAnalysis::is_off")]
    pub share_analysis: ShareAnalysis,
    /// What happens to the outputs that follow the analysis of another one when its encoder fails.
    #[serde(skip_serializing_if = "OnLeadFailure::is_fail")]
    pub on_lead_failure: OnLeadFailure,
    /// Threads that the decoder, the filters and each encoder may use. `None`: for one output the number that the libraries choose
    /// on the machine that the job is planned for; for several a share of its cores. The plan shows the numbers. They are
    /// part of the job, because x264 and x265 write different streams with different numbers of threads.
    #[schemars(range(min = 1, max = 128))]
    pub threads: Option<u32>,
    /// The most memory that the job may use, such as `4 GiB`. To keep within it, queues between stages get shorter, fewer frames
    /// are converted at once, and fewer chunks or outputs are encoded at once. Nothing that determines the bytes of outputs
    /// changes. A job that needs more is refused before anything is decoded. Default: `auto`. Then chunks take four fifths of
    /// the memory that is free, and Trix warns if a job may need more memory than the machine has.
    #[serde(skip_serializing_if = "MemoryLimit::is_auto")]
    pub memory: MemoryLimit,
    /// Whether the film is encoded in chunks. A job that was killed then goes on with the chunks that are missing. Default:
    /// `auto`, for films that are longer than ten minutes.
    #[serde(skip_serializing_if = "Chunks::is_auto")]
    pub chunks: Chunks,
    /// What happens to the other outputs when one fails.
    pub on_output_failure: OnOutputFailure,
    /// What happened when documents were merged into this job. A plan lists it with its own decisions.
    #[serde(skip)]
    pub merging: Vec<Decision>,
}

impl Job {
    /// The keys whose values are lists of tables. Their elements can have an `id`, conditions and cases in a document.
    #[doc(hidden)]
    pub const LISTS: [&str; 4] = ["outputs", "packages", "stills", "tracks"];

    /// Makes a job with default settings from one file to another.
    pub fn new(source: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Job {
            source: SourceSettings { path: source.into(), ..Default::default() },
            outputs: vec![OutputSettings { path: output.into(), ..Default::default() }],
            ..Default::default()
        }
    }

    /// Puts outputs whose names are relative into `folder`.
    pub fn write_into(&mut self, folder: &Path) {
        let own = |path: &mut PathBuf| *path = folder.join(&*path);
        self.outputs.iter_mut().for_each(|output| own(&mut output.path));
        self.packages.iter_mut().for_each(|package| own(&mut package.path));
        self.stills.iter_mut().for_each(|still| still.paths_mut().into_iter().for_each(own));
    }

    /// The files and folders that the job makes, and whether each may replace what has its name.
    pub fn products(&self) -> Vec<(PathBuf, bool)> {
        let files = self.outputs.iter().map(|output| (output.path.clone(), output.overwrite));
        let packages = self.packages.iter().map(|package| (package.path.clone(), package.overwrite));
        let stills = self.stills.iter().flat_map(|still| still.paths());
        files.chain(packages).chain(stills.map(|path| (path, self.overwrite_stills))).collect()
    }

    /// Allows to replace whatever has the name of something that is made.
    pub fn overwrite(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.overwrite = true);
        self.packages.iter_mut().for_each(|package| package.overwrite = true);
        self.overwrite_stills = true;
    }

    /// The places of rates that are targets of quality, such as `outputs[0].video.rate`. Their factors have to be found before the job
    /// can be planned.
    pub fn open_targets(&self) -> Vec<String> {
        let is_open = |video: &VideoSettings| {
            video.encode().is_some_and(|(_, own)| matches!(own.rate, Some(RateControl::Target { .. })))
        };
        let outputs = self.outputs.iter().enumerate().filter(|(_, own)| is_open(&own.video));
        let mut places: Vec<_> = outputs.map(|(number, _)| format!("outputs[{number}].video.rate")).collect();
        for (number, package) in self.packages.iter().enumerate() {
            let rungs = package.ladder.iter().enumerate().filter(|(_, own)| is_open(&own.video));
            places.extend(rungs.map(|(rung, _)| format!("packages[{number}].ladder[{rung}].video.rate")));
        }
        places
    }

    /// The job with the default factors of its encoders in place of targets of quality, for estimates.
    #[must_use]
    pub fn with_default_rates(mut self) -> Self {
        let rungs = self.packages.iter_mut().flat_map(|package| &mut package.ladder).map(|rung| &mut rung.video);
        for video in self.outputs.iter_mut().map(|output| &mut output.video).chain(rungs) {
            if let Some(own) = video.encode_mut().filter(|own| matches!(own.rate, Some(RateControl::Target { .. }))) {
                own.rate = None;
            }
        }
        self
    }

    /// Sets `compatible` of each output that is an MP4 whose video is not lossless: such a file is made to be played.
    pub fn make_for_players(&mut self) {
        for output in &mut self.outputs {
            let video = output.video.encode();
            let is_lossless = video.is_some_and(|(_, settings)| settings.rate == Some(RateControl::Lossless));
            output.compatible |= Container::from_path(&output.path) == Some(Container::Mp4) && !is_lossless;
        }
    }
}

/// Whether HEVC outputs of the same frames share one analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShareAnalysis {
    /// Each output is analysed for itself.
    #[default]
    Off,
    /// Followers keep the division of frames into blocks, and choose modes and motion anew.
    Balanced,
    /// Followers keep everything that the lead has decided, except intra modes.
    Fast,
}

impl ShareAnalysis {
    fn is_off(&self) -> bool {
        *self == ShareAnalysis::Off
    }
}

/// Whether a film is encoded in chunks: ranges of frames that are encoded one by one, and kept until the job is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Chunks {
    /// If it is longer than ten minutes.
    #[default]
    Auto,
    /// Always, if it can be divided.
    On,
    /// Never.
    Off,
}

impl Chunks {
    /// True for the default.
    fn is_auto(&self) -> bool {
        *self == Chunks::Auto
    }
}

/// What happens to the other outputs when one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOutputFailure {
    /// The job fails, and no output gets its name.
    #[default]
    Fail,
    /// The other outputs are finished. The report names the failed one and the reason.
    Continue,
}

/// What happens to the outputs that follow the analysis of another one when its encoder fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnLeadFailure {
    /// They fail with it.
    #[default]
    Fail,
    /// The job begins anew, and each output is analysed for itself. The report says so.
    Alone,
}

impl OnLeadFailure {
    /// True for the default.
    #[doc(hidden)]
    pub fn is_fail(&self) -> bool {
        *self == OnLeadFailure::Fail
    }
}

/// The source and the part of it to read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// A local file, or a pattern for the numbered files of an image sequence in one folder: `shot.%04d.dpx`.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The frame format of a file of raw frames without a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawGeometry>,
    /// Frames per second of an image sequence; `None`: the rate in the headers, else 25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rational>,
    /// The video stream to encode, by its index in the file. Default: the main video. It is not a cover, not a still
    /// image, and not a stream without the default flag if another stream has that flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_stream: Option<usize>,
    /// The audio tracks for outputs that do not list their own: `all`, `none`, or numbers from 0 and languages.
    /// Default: every track of the programme of the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_tracks: Option<AudioTracks>,
    /// The start of the output, counted from the start of the source. Frames before it are dropped.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub start: Option<Timestamp>,
    /// The duration of the output.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub duration: Option<Timestamp>,
    /// The largest number of frames of the output.
    #[schemars(range(min = 1))]
    pub frames: Option<u64>,
    /// What to do if the source is damaged.
    pub on_damage: OnDamage,
    /// What to do if the audio's timestamps drift away from its samples.
    pub audio_drift: AudioDrift,
    /// The limits of the source.
    pub limits: Limits,
}

impl SourceSettings {
    /// How a job reads its source.
    pub fn reading(&self) -> Reading {
        Reading {
            limits: self.limits,
            raw: self.raw.clone(),
            rate: self.rate,
            video_stream: self.video_stream,
            audio_tracks: self.audio_tracks.clone(),
            reads_on: true,
        }
    }
}

/// An output file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputSettings {
    /// The file name. Its extension decides the container: `.mp4` `.m4v`, `.mov`, `.mkv`, `.webm`, `.ts`, `.m2ts`,
    /// `.mts`, `.mxf`.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Threads for the video encoder. Default: a share of the job's threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub threads: Option<u32>,
    /// How the video is written.
    pub video: VideoSettings,
    /// True if common players and browsers have to decode the output. With x264 and x265, `chroma` that is not set is 4:2:0.
    /// `depth` that is not set is at most 8 bits of H.264, or 10 bits of HEVC. A `profile` or a lossless encode leaves both as
    /// they are. Audio that is `auto` becomes AAC in an MP4 or MOV if few players decode it there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub compatible: bool,
    /// What is done to frames before they are encoded.
    pub picture: PictureSettings,
    /// How the audio is written.
    pub audio: AudioSettings,
    /// Channel layout and sample rate of encoded audio. Default: those of the source.
    pub audio_shape: AudioShape,
    /// The audio tracks, by number from zero: all tracks of the source first, then the external ones. Default: those
    /// that `source.audio_tracks` selects, and all external ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracks: Option<Vec<usize>>,
    /// How subtitles are written.
    pub subtitles: SubtitleSettings,
    /// Tags of the whole file. They are added to those of the source or replace them; an empty value removes a tag.
    pub metadata: BTreeMap<String, String>,
    /// How the output is verified before it gets its name.
    pub verify: VerifyLevel,
    /// True if an existing file with this name may be replaced.
    pub overwrite: bool,
}

/// How an output is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerifyLevel {
    /// The output is not verified.
    Off,
    /// Streams, counts, times and compressed bytes are read back and compared with what the encoders emitted.
    #[default]
    Structure,
    /// The output is also decoded and scored against the frames that were encoded. A lossless encode must equal them.
    Full,
}

/// Writes a time in the form in which a job is read.
fn as_text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match time {
        None => serializer.serialize_none(),
        Some(time) => serializer.serialize_str(&time.as_spec()),
    }
}
