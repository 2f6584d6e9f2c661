//! Arguments of the commands that plan and run jobs.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser},
};
use trix_core::{
    Machine,
    media::path_text,
    settings::{audio_tracks::AudioTracks, track::TrackSettings},
};

use super::{
    encode::{ChunkRun, ChunksChoice, DamageChoice, DriftChoice, ProgressChoice},
    records::Records,
};

/// Arguments of `trix ingest`.
#[derive(Args)]
pub struct Ingest {
    /// Media files, folders with media files, or patterns ("*.mxf")
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// The output folder; it is created if it does not exist
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Also take the media files of subfolders; the output folder gets the same subfolders
    #[arg(short, long)]
    pub recursive: bool,
    /// Leave out masters whose copies are complete and unchanged, by the hashes in their manifests
    #[arg(long)]
    pub skip_existing: bool,
    /// A profile, by name or file; may be repeated to make the products of all of them
    #[arg(long, value_name = "NAME|FILE", value_parser = super::suggested::profile(), hide_possible_values = true, value_delimiter = ',', default_value = "archive")]
    pub profile: Vec<String>,
    /// An external audio track; may be repeated. Options follow the file:
    /// FILE:lang=rus,title=Dub,offset=-40ms,tempo=25/24,map=5.1,length=fit
    #[arg(long, value_name = "FILE[:OPTIONS]", value_parser = track())]
    pub audio: Vec<TrackSettings>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub streams: Streams,
    /// What to do if the source is damaged
    #[arg(long, value_name = "WHAT")]
    pub on_damage: Option<DamageChoice>,
    /// What is done if the audio's timestamps drift away from its samples
    #[arg(long, value_name = "WHAT")]
    pub audio_drift: Option<DriftChoice>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub setting: Setting,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub running: Running,
}

/// Arguments of `trix run`.
#[derive(Args)]
pub struct Run {
    /// The job file: .toml, .yaml or .json; or a plan from `trix plan --json`
    pub job: PathBuf,
    /// The folder for outputs with relative names [default: the current one]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub setting: Setting,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub running: Running,
}

/// Arguments of `trix plan`.
#[derive(Args)]
pub struct Plan {
    /// The job file; with --profile, a media file
    pub job: PathBuf,
    /// A profile, by name or file, for the media file
    #[arg(long, value_name = "NAME|FILE", value_parser = super::suggested::profile(), hide_possible_values = true, value_delimiter = ',')]
    pub profile: Vec<String>,
    /// An external audio track, as for `trix ingest`
    #[arg(long, value_name = "FILE[:OPTIONS]", value_parser = track(), requires = "profile")]
    pub audio: Vec<TrackSettings>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub streams: Streams,
    /// The folder for outputs with relative names [default: the current one]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub setting: Setting,
    /// Encode the first seconds to estimate how long the job will take on this machine
    #[arg(long, conflicts_with_all = ["json", "machine"])]
    pub time: bool,
    /// The machine to plan for: its cores, and its memory (16 or 16,64GiB) [default: this machine]
    #[arg(long, value_name = "CORES[,MEMORY]")]
    pub machine: Option<Machine>,
    /// Print JSON (see `trix schema plan`)
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trix profiles`.
#[derive(Args)]
pub struct Profiles {
    /// The profile to show; with --resolved, also a file
    #[arg(value_parser = super::suggested::profile(), hide_possible_values = true)]
    pub name: Option<String>,
    /// Show the profile with everything that it inherits, as one document
    #[arg(long, requires = "name")]
    pub resolved: bool,
    /// Check a profile file, and run nothing
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub check: Option<PathBuf>,
}

/// Parses a track. Its file names may contain any bytes.
fn track() -> impl TypedValueParser<Value = TrackSettings> {
    OsStringValueParser::new().try_map(|text| path_text::to_text(text).parse::<TrackSettings>())
}

/// The streams of the source to use.
#[derive(Args)]
pub struct Streams {
    /// The video stream to encode, by its number in `trix probe` [default: the main video]
    #[arg(long, value_name = "N")]
    pub video_stream: Option<usize>,
    /// Audio tracks of the source: all, none, or numbers (from 0) and languages, separated by commas [default: those of
    /// the programme of the video]
    #[arg(long, value_name = "TRACK,...", value_parser = super::suggested::audio_tracks(), hide_possible_values = true)]
    pub audio_tracks: Option<AudioTracks>,
}

impl Streams {
    /// The job settings of these arguments, as paths and values.
    pub fn set(&self) -> impl Iterator<Item = (String, String)> {
        let video = self.video_stream.map(|stream| ("source.video_stream".to_owned(), stream.to_string()));
        let audio = self.audio_tracks.as_ref().map(|tracks| ("source.audio_tracks".to_owned(), tracks.to_string()));
        video.into_iter().chain(audio)
    }
}

/// Settings from the command line.
#[derive(Args)]
pub struct Setting {
    /// Set a variable of the job, or one of its keys (source.frames=100); may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::encode::key_value)]
    pub set: Vec<(String, String)>,
    /// Encode in chunks, which are kept if the job is killed: auto (films longer than ten minutes), on or off
    #[arg(long, value_name = "WHEN")]
    pub chunks: Option<ChunksChoice>,
}

impl Setting {
    /// The settings as keys and values.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let chunks = self.chunks.map(|choice| ("chunks".to_owned(), choice.word().to_owned()));
        self.set.iter().cloned().chain(chunks).collect()
    }
}

/// How a job runs.
#[derive(Args)]
pub struct Running {
    /// Replace existing files with the outputs' names
    #[arg(long)]
    pub overwrite: bool,
    /// How progress is shown on standard error
    #[arg(long, default_value = "auto")]
    pub progress: ProgressChoice,
    /// Print the report as JSON on standard output (see `trix schema report`)
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub chunk_run: ChunkRun,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub records: Records,
}
