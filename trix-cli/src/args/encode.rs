//! Arguments of `trix encode`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use trix_core::{
    ChunkControl,
    media::{color::Standard, format::Chroma, time::Timestamp},
    settings::{
        audio::AudioSettings,
        audio_tracks::AudioTracks,
        job::Chunks,
        picture::{ColorOverride, Crop, FrameRate},
        subtitle::SubtitleSettings,
        video::{Size, TargetMetric},
    },
};

use super::{reading::Reading, records::Records};

/// Arguments of `trix encode`.
#[derive(Args)]
pub struct Encode {
    /// A local media file
    pub source: PathBuf,
    /// The file to write: .mp4, .m4v, .mov, .mkv, .webm, .ts, .m2ts, .mts or .mxf
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    /// How the video is written
    #[arg(long, default_value = "auto", help_heading = "Video")]
    pub video: VideoChoice,
    /// Bits per sample: 8, 10 (x264); 8, 10, 12 (x265); keep [default: the source's, or the next lower; in MP4 at most 8
    /// (x264) or 10 (x265), which most players decode]
    #[arg(long, value_name = "N|keep", value_parser = super::suggested::words(depth, &["8", "10", "12", "keep"]), hide_possible_values = true, help_heading = "Video")]
    pub depth: Option<Kept<u32>>,
    /// Chroma subsampling [default: keep; in MP4 420, which most players decode]
    #[arg(long, value_name = "400|420|422|444|keep", value_parser = super::suggested::words(chroma, &["400", "420", "422", "444", "keep"]), hide_possible_values = true, help_heading = "Video")]
    pub chroma: Option<Kept<Chroma>>,
    /// Size; -2 keeps the aspect ratio (1280x-2)
    #[arg(long, value_name = "WxH", allow_hyphen_values = true, help_heading = "Video")]
    pub size: Option<Size>,
    /// Scaling filter
    #[arg(long, default_value = "lanczos", help_heading = "Video")]
    pub resampler: ResamplerChoice,
    /// Preset, by the encoder's names: speed against compression [default: medium]
    #[arg(long, value_parser = super::suggested::preset(), help_heading = "Video")]
    pub preset: Option<String>,
    /// Tune for a kind of material, by the encoder's names
    #[arg(long, value_parser = super::suggested::tune(), hide_possible_values = true, help_heading = "Video")]
    pub tune: Option<String>,
    /// Profile, by the encoder's names
    #[arg(long, value_parser = super::suggested::encoder_profile(), hide_possible_values = true, help_heading = "Video")]
    pub profile: Option<String>,
    /// Level, e.g. 4.1
    #[arg(long, help_heading = "Video")]
    pub level: Option<String>,
    /// Maximum GOP length in frames, 1 or more
    #[arg(long, value_name = "N", help_heading = "Video")]
    pub gop: Option<u32>,
    /// Allow references across keyframes (open GOPs)
    #[arg(long, help_heading = "Video")]
    pub open_gop: bool,
    /// Allow no references across keyframes (closed GOPs)
    #[arg(long, conflicts_with = "open_gop", help_heading = "Video")]
    pub closed_gop: bool,
    /// Times of forced keyframes, counted from the start of the output
    #[arg(long, value_name = "TIME,...", value_delimiter = ',', help_heading = "Video")]
    pub force_keyframes: Vec<Timestamp>,
    /// Any other option of the encoder, by its own name; may be repeated
    #[arg(long, value_name = "K=V", value_parser = key_value, help_heading = "Video")]
    pub param: Vec<(String, String)>,

    /// Constant rate factor, 0 to 51; lower is better
    #[arg(long, value_name = "F", group = "rate", help_heading = "Rate control")]
    pub crf: Option<f64>,
    /// Constant quantiser, 0 to 69 (x264) or 51 (x265)
    #[arg(long, value_name = "N", group = "rate", help_heading = "Rate control")]
    pub qp: Option<u32>,
    /// Average bitrate in kbit/s, 1 to 2000000 (4500, 4500k, 12M)
    #[arg(long, value_name = "KBPS", group = "rate", value_parser = kbps, help_heading = "Rate control")]
    pub bitrate: Option<u32>,
    /// Score that the output reaches against its source: psnr=DB, ssim=0.5..0.9999 or vmaf=20..99; parts of the film are encoded first, to
    /// find the rate factor
    #[arg(long, value_name = "METRIC=SCORE", group = "rate", value_parser = target, help_heading = "Rate control")]
    pub target: Option<(TargetMetric, f64)>,
    /// Encode without loss: every decoded sample equals the encoded one
    #[arg(long, group = "rate", help_heading = "Rate control")]
    pub lossless: bool,
    /// Number of passes, 1 or 2, with --bitrate [default: 1]
    #[arg(long, value_name = "N", requires = "bitrate", help_heading = "Rate control")]
    pub passes: Option<u32>,
    /// Maximum bitrate in kbit/s into the decoder's buffer, 1 to 4000000
    #[arg(long, value_name = "KBPS", value_parser = kbps, help_heading = "Rate control")]
    pub maxrate: Option<u32>,
    /// Size of the decoder's buffer in kbit, 1 to 4000000
    #[arg(long, value_name = "KBIT", value_parser = kbps, help_heading = "Rate control")]
    pub bufsize: Option<u32>,

    /// What is done to interlaced frames
    #[arg(long, default_value = "auto", help_heading = "Picture")]
    pub deinterlace: DeinterlaceChoice,
    /// Inverse telecine: restore film at 23.976 frames per second from 29.97 interlaced frames per second
    #[arg(long, help_heading = "Picture")]
    pub inverse_telecine: bool,
    /// Crop to this part: auto (without black borders, which are measured), vbi (without the VBI lines of D-10), none or
    /// WxH+LEFT+TOP
    #[arg(long, default_value = "none", value_name = "WxH+X+Y", help_heading = "Picture")]
    pub crop: Crop,
    /// Rotate and mirror frames as the container specifies
    #[arg(long, default_value = "auto", help_heading = "Picture")]
    pub rotate: RotateChoice,
    /// Centre frames in a black frame of this size
    #[arg(long, value_name = "WxH", help_heading = "Picture")]
    pub pad: Option<Size>,
    /// Frames per second (25, 24000/1001); frames are repeated or dropped
    #[arg(long, value_name = "RATE", help_heading = "Picture")]
    pub fps: Option<FrameRate>,
    /// How high dynamic range is converted to standard dynamic range; auto: mobius for 8 bits
    #[arg(long, default_value = "auto", help_heading = "Picture")]
    pub tonemap: TonemapChoice,
    /// Colour of the source, if it states none or a wrong one: bt709, bt601-525, bt601-625, bt2020, pq, hlg, or
    /// primaries=, transfer=, matrix=, range=
    #[arg(long, value_name = "COLOR,...", help_heading = "Picture")]
    pub color_override: Option<ColorOverride>,
    /// Convert colour: bt709, bt601-525, bt601-625, bt2020, pq, hlg
    #[arg(long, value_name = "COLOR", help_heading = "Picture")]
    pub color: Option<Standard>,
    /// Convert the range of values
    #[arg(long, help_heading = "Picture")]
    pub range: Option<RangeChoice>,
    /// What is done to an alpha channel
    #[arg(long, default_value = "auto", help_heading = "Picture")]
    pub alpha: AlphaChoice,
    /// What is done to HDR10+ and Dolby Vision metadata
    #[arg(long, default_value = "carry", help_heading = "Picture")]
    pub dynamic_hdr: DynamicHdrChoice,
    /// What is done when the source changes its size or format
    #[arg(long, default_value = "scale", help_heading = "Picture")]
    pub on_change: ChangeChoice,

    /// The video stream to encode, by its number in `trix probe` [default: the main video]
    #[arg(long, value_name = "N", help_heading = "Video")]
    pub video_stream: Option<usize>,

    /// Audio tracks of the source: all, none, or numbers (from 0) and languages, separated by commas [default: those of
    /// the programme of the video]
    #[arg(long, value_parser = super::suggested::audio_tracks(), hide_possible_values = true, value_name = "TRACK,...", help_heading = "Audio")]
    pub audio_tracks: Option<AudioTracks>,
    /// Codec of every track: aac, opus, ac3 or eac3, each alone or with :KBPS; flac, alac; pcm at the source's depth,
    /// pcm16, pcm24, pcm32 or pcmf32; copy; none; auto copies if the container can hold and cut the audio, else encodes
    /// with the least loss
    #[arg(long, value_parser = super::suggested::audio(), hide_possible_values = true, default_value = "auto", value_name = "CODEC[:BITRATE]", help_heading = "Audio")]
    pub audio: AudioSettings,
    /// Channel layout: mono, stereo, 5.1, 7.1 and so on [default: the source's]
    #[arg(long, value_name = "LAYOUT", help_heading = "Audio")]
    pub audio_layout: Option<String>,
    /// Sample rate in Hz, 1000 to 768000 [default: the source's, or the nearest that the codec has]
    #[arg(long, value_name = "HZ", help_heading = "Audio")]
    pub audio_rate: Option<u32>,
    /// Mix matrix: for each channel of the output, factors for the channels of the source ("1,0,.7;0,1,.7")
    #[arg(long, value_name = "ROW;...", value_parser = matrix, allow_hyphen_values = true, help_heading = "Audio")]
    pub audio_matrix: Option<Matrix>,
    /// What is done if the audio's timestamps drift away from its samples
    #[arg(long, default_value = "fill", help_heading = "Audio")]
    pub audio_drift: DriftChoice,

    /// Codec of every subtitle track: copy, none, subrip, mov_text, ass or webvtt; copy converts text if the container
    /// needs it
    #[arg(long, default_value = "copy", value_name = "copy|none|CODEC", help_heading = "Tracks")]
    pub subtitles: SubtitleSettings,
    /// A tag of the whole file, in place of the source's; an empty value removes the tag; may be repeated
    #[arg(long, value_name = "K=V", value_parser = tag, help_heading = "Tracks")]
    pub metadata: Vec<(String, String)>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    /// Start of the output (12.5, 01:30, 00:01:30.040)
    #[arg(long, value_name = "TIME", help_heading = "Source")]
    pub start: Option<Timestamp>,
    /// Duration of the output
    #[arg(long, value_name = "TIME", help_heading = "Source")]
    pub duration: Option<Timestamp>,
    /// Maximum number of frames, 1 or more
    #[arg(long, value_name = "N", help_heading = "Source")]
    pub frames: Option<u64>,
    /// What to do if the source is damaged
    #[arg(long, default_value = "fail", help_heading = "Source")]
    pub on_damage: DamageChoice,

    /// Threads that each decoder and encoder may use, 1 to 128 [default: their own choice]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub threads: Option<u32>,
    /// Encode in chunks, which are kept if the job is killed
    #[arg(long, default_value = "auto", help_heading = "Run")]
    pub chunks: ChunksChoice,
    #[command(flatten, next_help_heading = "Run")]
    #[allow(missing_docs)]
    pub chunk_run: ChunkRun,
    /// How the output is verified before it gets its name
    #[arg(long, default_value = "structure", help_heading = "Run")]
    pub verify: VerifyChoice,
    /// Replace an existing file with the output's name
    #[arg(long, help_heading = "Run")]
    pub overwrite: bool,
    /// How progress is shown on standard error
    #[arg(long, default_value = "auto", help_heading = "Run")]
    pub progress: ProgressChoice,
    /// Print the report as JSON on standard output (see `trix schema report`)
    #[arg(long, help_heading = "Run")]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub records: Records,
}

/// How the video is written.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum VideoChoice {
    /// x264; copies the video if the container cannot hold H.264
    Auto,
    /// H.264
    X264,
    /// HEVC
    X265,
    /// FFV1: lossless
    Ffv1,
    /// ProRes
    Prores,
    /// Copies the compressed video
    Copy,
    /// Leaves the video out
    None,
}

/// How the chunks of a film are encoded on this machine.
#[derive(Args)]
pub struct ChunkRun {
    /// Encode chunks in processes of their own, so that a codec that crashes ends one chunk only
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub isolate: IsolateChoice,
    /// How often a chunk that failed is tried again
    #[arg(long, default_value_t = ChunkControl::default().retries, value_name = "N")]
    pub chunk_retries: u32,
    /// A chunk of which no frame was encoded for so many seconds has failed
    #[arg(long, default_value_t = ChunkControl::default().patience.as_secs(), value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub chunk_patience: u64,
}

impl ChunkRun {
    /// The settings that the library takes.
    pub fn control(&self) -> ChunkControl {
        ChunkControl {
            isolate: self.isolate.into(),
            retries: self.chunk_retries,
            patience: Duration::from_secs(self.chunk_patience),
            ..ChunkControl::default()
        }
    }
}

/// Which chunks are encoded in processes of their own.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum IsolateChoice {
    /// Those of sources whose container and streams disagree
    Auto,
    /// All
    On,
    /// None
    Off,
}

impl From<IsolateChoice> for trix_core::Isolate {
    fn from(choice: IsolateChoice) -> Self {
        match choice {
            IsolateChoice::Auto => trix_core::Isolate::Auto,
            IsolateChoice::On => trix_core::Isolate::On,
            IsolateChoice::Off => trix_core::Isolate::Off,
        }
    }
}

/// Whether the film is encoded in chunks.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum ChunksChoice {
    /// If it is longer than ten minutes
    Auto,
    /// Always, if it can be divided
    On,
    /// Never
    Off,
}

impl ChunksChoice {
    /// The word in a job.
    pub fn word(self) -> &'static str {
        match self {
            ChunksChoice::Auto => "auto",
            ChunksChoice::On => "on",
            ChunksChoice::Off => "off",
        }
    }
}

impl From<ChunksChoice> for Chunks {
    fn from(choice: ChunksChoice) -> Self {
        match choice {
            ChunksChoice::Auto => Chunks::Auto,
            ChunksChoice::On => Chunks::On,
            ChunksChoice::Off => Chunks::Off,
        }
    }
}

/// What is done if the audio's timestamps drift away from its samples.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum DriftChoice {
    /// Inserts silence into gaps and cuts overlaps
    Fill,
    /// Measures the drift and resamples the audio by it
    Stretch,
}

/// The scaling filter.
#[derive(Clone, Copy, ValueEnum)]
pub enum ResamplerChoice {
    /// Sharp
    Lanczos,
    /// Between lanczos and bilinear
    Bicubic,
    /// Soft, fast
    Bilinear,
}

/// What is done to interlaced frames.
#[derive(Clone, Copy, ValueEnum)]
pub enum DeinterlaceChoice {
    /// Decides by the flags, and by a measurement if they indicate fields
    Auto,
    /// One frame from each frame
    On,
    /// One frame from each field
    Fields,
    /// Keeps the fields
    Off,
}

/// Whether frames are rotated.
#[derive(Clone, Copy, ValueEnum)]
pub enum RotateChoice {
    /// As the container specifies
    Auto,
    /// Frames are not rotated
    Off,
}

/// How high dynamic range is converted to standard dynamic range.
#[derive(Clone, Copy, ValueEnum)]
pub enum TonemapChoice {
    /// mobius for 8 bits
    Auto,
    /// Keeps high dynamic range
    Off,
    /// Keeps midtones
    Mobius,
    /// Film-like, darker
    Hable,
    /// x / (x + 1)
    Reinhard,
}

/// Which code values are black and white.
#[derive(Clone, Copy, ValueEnum)]
pub enum RangeChoice {
    /// 16 to 235 at 8 bits
    Limited,
    /// 0 to 255 at 8 bits
    Full,
}

/// What is done to an alpha channel.
#[derive(Clone, Copy, ValueEnum)]
pub enum AlphaChoice {
    /// Kept in FFV1 and ProRes 4444, else composited on black
    Auto,
    /// Composited on black
    Black,
    /// Refuses the job
    Refuse,
}

/// What is done to HDR10+ and Dolby Vision metadata.
#[derive(Clone, Copy, ValueEnum)]
pub enum DynamicHdrChoice {
    /// Carried into HEVC, unless a transform makes it wrong
    Carry,
    /// Left out
    Drop,
    /// Carried, or the job is refused
    Require,
}

/// What is done when the source changes its size or format.
#[derive(Clone, Copy, ValueEnum)]
pub enum ChangeChoice {
    /// Scales to the size of the first frame
    Scale,
    /// Fails the job
    Refuse,
}

/// What to do if the source is damaged.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum DamageChoice {
    /// Stops and reports the place
    Fail,
    /// Continues, and counts and reports the damage
    Conceal,
}

/// How the output is verified.
#[derive(Clone, Copy, ValueEnum)]
pub enum VerifyChoice {
    /// No verification
    Off,
    /// Reads back counts, times and compressed bytes
    Structure,
    /// Also decodes, and compares with the frames that were encoded
    Full,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum ProgressChoice {
    /// Lines that change, on a terminal; else nothing
    Auto,
    /// One JSON object per line, five times a second (see `trix schema progress`); a line that does not begin with { is a
    /// message
    Json,
    /// Nothing
    None,
}

/// A property of the frames.
#[derive(Clone, Copy)]
pub enum Kept<T> {
    /// As the source has it.
    Keep,
    /// This one.
    Set(T),
}

impl<T> Kept<T> {
    /// The value that is set.
    pub fn value(self) -> Option<T> {
        match self {
            Kept::Keep => None,
            Kept::Set(value) => Some(value),
        }
    }
}

fn chroma(text: &str) -> Result<Kept<Chroma>, String> {
    if text == "keep" { Ok(Kept::Keep) } else { text.parse().map(Kept::Set) }
}

fn depth(text: &str) -> Result<Kept<u32>, String> {
    let wrong = |_| format!("'{text}' is not keep or a number of bits such as 10");
    if text == "keep" { Ok(Kept::Keep) } else { text.parse().map(Kept::Set).map_err(wrong) }
}

/// Rows of mix factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix(pub Vec<Vec<f64>>);

fn matrix(text: &str) -> Result<Matrix, String> {
    let factor = |text: &str| text.trim().parse().map_err(|_| format!("'{text}' is not a factor such as 0.7"));
    let row = |row: &str| row.split(',').map(factor).collect();
    text.split(';').map(row).collect::<Result<_, _>>().map(Matrix)
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not KEY=VALUE"))?;
    Ok((key.trim_start_matches('-').to_owned(), value.to_owned()))
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Parses kbit/s, plain or with a suffix `k` or `M`.
fn kbps(text: &str) -> Result<u32, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1000)),
    };
    let wrong = || format!("'{text}' is not a rate in kbit/s such as 4500, 4500k or 12M");
    digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

/// A metric and a score.
fn target(text: &str) -> Result<(TargetMetric, f64), String> {
    let wrong = || format!("'{text}' is not a metric and a score such as psnr=42, ssim=0.985 or vmaf=95");
    let (name, score) = text.split_once('=').ok_or_else(wrong)?;
    let metric = TargetMetric::ALL.into_iter().find(|metric| metric.to_string() == name).ok_or_else(wrong)?;
    Ok((metric, score.parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use trix_core::document::{Document, Language, Traits, key_table};

    use super::*;
    use crate::args::Cli;

    #[test]
    fn a_job_has_a_key_of_the_name_of_each_option_or_says_where_it_has_it() {
        // A job has its output as a table. The others are about the run, and not about what is made.
        let of_the_run = [
            "help",
            "output",
            "progress",
            "json",
            "report",
            "verbose",
            "log",
            "isolate",
            "chunk-retries",
            "chunk-patience",
        ];
        let (cli, table) = (Cli::command(), key_table());
        let encode = cli.find_subcommand("encode").expect("a command");
        let options = encode.get_arguments().filter_map(|own| own.get_long()).filter(|name| !of_the_run.contains(name));
        let (mut keys, mut said) = (0, Vec::new());
        for option in options {
            let key = option.replace('-', "_");
            if table.contains(&format!("| `{key}`")) {
                keys += 1;
                continue;
            }
            let answer = |of_job: &str, of_output: &str| {
                let text =
                    format!("{of_job}\n[source]\npath = \"a.mov\"\n[[outputs]]\npath = \"a.mkv\"\n{of_output}\n");
                let job = Document::parse(&text, Language::Toml, &[]).and_then(|own| own.job(&Traits::default()));
                job.expect_err("an unknown key").to_string()
            };
            let line = format!("{key} = 1");
            let answers = [answer(&line, ""), answer("", &line)];
            assert!(answers.iter().any(|answer| answer.contains("; write ")), "--{option}: {answers:?}");
            said.push(key);
        }
        assert!(keys > 45, "{keys}");
        assert_eq!(said, ["closed_gop", "param", "audio_layout", "audio_rate", "audio_matrix", "source_rate"]);
    }

    #[test]
    fn a_matrix_is_read_row_by_row() {
        assert_eq!(matrix("1,0,.7; 0,1,-.7"), Ok(Matrix(vec![vec![1.0, 0.0, 0.7], vec![0.0, 1.0, -0.7]])));
        assert!(matrix("1,x").is_err());
        assert!(matrix("").is_err());
    }

    #[test]
    fn rates_are_read_in_kbit_and_mbit() {
        assert_eq!(kbps("4500"), Ok(4500));
        assert_eq!(kbps("4500k"), Ok(4500));
        assert_eq!(kbps("12M"), Ok(12_000));
        assert!(kbps("5000000M").is_err());
        assert!(kbps("fast").is_err());
    }
}
