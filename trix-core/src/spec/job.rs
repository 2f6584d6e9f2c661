//! A job: one source, the outputs that are made of it, and how the one becomes the others.
//!
//! Invariant: a job that is written and read again is the same job, in every language that it can be written in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use trix_model::{
    damage::OnDamage,
    time::{Rational, Timestamp},
};

use super::{
    audio::{AudioDrift, AudioSettings, AudioShape},
    audio_tracks::AudioTracks,
    package::PackageJob,
    picture::PictureSettings,
    still::StillSettings,
    subtitle::SubtitleSettings,
    track::TrackSettings,
    video::VideoSettings,
};
pub use super::{byte_size::ByteSize, container::Container};
use crate::{spec::source::Limits, spec::source::RawGeometry};

/// Everything that decides about the bytes of the outputs. Unknown keys are refused.
///
/// ```
/// use trix_core::spec::job::Job;
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
    /// What is read.
    pub source: SourceSettings,
    /// Audio tracks from beside the source. They come after those of the source, in every output that does not say
    /// which it takes.
    pub tracks: Vec<TrackSettings>,
    /// Files that are written, all of them from one decode.
    pub outputs: Vec<OutputSettings>,
    /// Packages for streaming that are written, from the same decode.
    pub packages: Vec<PackageJob>,
    /// Still images that are made, from the same decode.
    pub stills: Vec<StillSettings>,
    /// Whether files that have the names of stills already may be replaced.
    pub overwrite_stills: bool,
    /// Whether the loudness of every audio track that is kept is measured (EBU R 128).
    pub measure_loudness: bool,
    /// Whether source and outputs are hashed (SHA-256). The source is hashed by what is read anyway.
    pub hash: bool,
    /// Whether a smaller size may be scaled from the next larger one of the same frames instead of from those of the
    /// source. Off by default: what is scaled twice is not quite what is scaled once. It is for ladders, and not for
    /// copies that are kept.
    ///
    /// Of a ladder of 1080, 720, 480 and 360 rows, on two cores, it takes a third of the processor time that scaling
    /// itself needs: 1 % of the job with x264 veryfast at 8 bits, 10 % where 10 bits become 8 and x264 runs ultrafast,
    /// 34 % where high dynamic range is tone mapped, which is then done once for all sizes. Against direct scaling, the
    /// frames of 360 rows have a PSNR of 59 dB and an SSIM of 0.9995; tone mapped, 45 dB and 0.995, since then they
    /// are bent before they are scaled.
    pub scale_from_larger: bool,
    /// Threads that the decoder and each encoder may use; `None`: for one output what the libraries choose for this
    /// machine, for several a share of its cores that the plan shows. The number belongs to the job, because x264 and
    /// x265 give other streams with other numbers of threads.
    pub threads: Option<u32>,
    /// Most memory that the job may take, such as `4 GiB`; `None`: whatever it needs. Queues between stages get shorter
    /// to keep within it; nothing that decides about the bytes of outputs is changed for it, and a job that would need
    /// more is refused before anything is decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// What becomes of the other outputs when one fails.
    pub on_output_failure: OnOutputFailure,
}

impl Job {
    /// The keys whose values are lists of tables. In a document, their elements can have an `id`, conditions and cases.
    pub(crate) const LISTS: [&str; 4] = ["outputs", "packages", "stills", "tracks"];

    /// A job with default settings from one file to another.
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

    /// Allows to replace whatever has the name of something that is made.
    pub fn overwrite(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.overwrite = true);
        self.packages.iter_mut().for_each(|package| package.overwrite = true);
        self.overwrite_stills = true;
    }
}

/// What becomes of the other outputs when one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOutputFailure {
    /// The job fails, and no output gets its name.
    #[default]
    Fail,
    /// They are finished; the report names the one that failed, and why.
    Continue,
}

/// A source and which part of it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// A local file, or a pattern for numbered frames of a folder: `shot.%04d.dpx`.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The shape of frames in a file of planes without a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawGeometry>,
    /// Frames in a second of numbered frames; `None`: what their headers say, else 25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rational>,
    /// The video stream that is encoded, by its index in the file. Default: the film, as a person means it: no cover, no
    /// still image, no stream that is flagged as not default beside one that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_stream: Option<usize>,
    /// The audio tracks that are taken where an output does not name its own: `all`, `none`, or numbers from 0 on and
    /// languages. Default: every track of the programme that the film belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_tracks: Option<AudioTracks>,
    /// Where the output begins, counted from the start of the source; frames before it are dropped.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub start: Option<Timestamp>,
    /// How long the output is.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub duration: Option<Timestamp>,
    /// How many frames the output has at the most.
    pub frames: Option<u64>,
    /// What to do when the source is damaged.
    pub on_damage: OnDamage,
    /// What is done where the times of its audio run away from its samples.
    pub audio_drift: AudioDrift,
    /// How large it may be.
    pub limits: Limits,
}

/// An output file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputSettings {
    /// Its name; the extension decides the container: `.mp4` `.m4v`, `.mov`, `.mkv`, `.webm`, `.ts`,
    /// `.m2ts` `.mts`, `.mxf`.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Threads for the encoder of its frames, where they are not to be a share of the job's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// What becomes of the frames.
    pub video: VideoSettings,
    /// What is done to frames before they are encoded.
    pub picture: PictureSettings,
    /// What becomes of the audio.
    pub audio: AudioSettings,
    /// Layout and rate of encoded audio, where they are not to be the source's.
    pub audio_shape: AudioShape,
    /// Which audio tracks, by number from zero: all those of the source, then those beside it. Default: those that
    /// `source.audio_tracks` takes, and all beside the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracks: Option<Vec<usize>>,
    /// What becomes of subtitles.
    pub subtitles: SubtitleSettings,
    /// Tags about the whole file, beside and instead of those of the source; an empty value takes one away.
    pub metadata: BTreeMap<String, String>,
    /// How the output is checked before it gets its name.
    pub verify: VerifyLevel,
    /// Whether a file that has this name already may be replaced.
    pub overwrite: bool,
}

/// How an output is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerifyLevel {
    /// Not at all.
    Off,
    /// Streams, counts, times and compressed bytes are read back and compared with what the encoders emitted.
    #[default]
    Structure,
    /// Also decoded, and scored against the frames that went in; a lossless encode must be equal to them.
    Full,
}

/// Writes a time the way a job is read, so that a job survives a round trip.
fn as_text<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match time {
        None => serializer.serialize_none(),
        Some(time) => serializer.serialize_str(&time.as_spec()),
    }
}
