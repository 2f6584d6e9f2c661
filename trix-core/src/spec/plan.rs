//! Job and source together: every default resolved, or every mistake at once.
//!
//! Invariant: what a plan says is what runs; a job that cannot work is refused before a picture is decoded.

use serde::Serialize;

use super::{
    audio::AudioSettings,
    job::{Container, Job, VerifyLevel},
    options,
    video::{EncodeSettings, Encoder, RateControl, VideoSettings},
};
use crate::{
    decode::video::frame_rate,
    error::{Error, ErrorKind, Result, Stage},
    ffi::{
        output::muxer_holds,
        pixel::PixelFormat,
        stream::{StreamFacts, StreamKind},
    },
    filter::convert::{Target, zimg_is_there},
    media::{
        color::Color,
        format::{Chroma, PictureFormat},
        time::{Rational, TimeBase, Timestamp},
    },
    source::Source,
};

/// One thing that is wrong with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where in the job, e.g. `video.depth`.
    pub place: String,
    /// What stands there.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Mistake {
    pub(crate) fn new(place: impl Into<String>, value: impl ToString, problem: impl Into<String>) -> Self {
        Mistake { place: place.into(), value: value.to_string(), problem: problem.into() }
    }

    fn into_error(mut list: Vec<Mistake>) -> Error {
        // Several tracks can make the same mistake.
        let mut told = Vec::new();
        list.retain(|mistake| {
            let new = !told.contains(mistake);
            if new {
                told.push(mistake.clone());
            }
            new
        });
        let lines: Vec<String> = list
            .iter()
            .map(|mistake| match mistake.value.as_str() {
                "" => format!("{}: {}", mistake.place, mistake.problem),
                value => format!("{} = {value}: {}", mistake.place, mistake.problem),
            })
            .collect();
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, lines.join("\n"))
    }
}

/// What will run.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// Container of the output.
    pub container: Container,
    /// What is encoded of the pictures; `None` when they are copied or left out.
    pub video: Option<VideoPlan>,
    /// Index of the picture stream that is copied.
    pub video_copy: Option<usize>,
    /// The sound tracks, in the order in which they are written.
    pub audio: Vec<AudioPlan>,
    /// What is presented at time zero of the output, in the source's time.
    pub origin: Timestamp,
    /// Where the output begins, in the source's time.
    pub start: Option<Timestamp>,
    /// Where it ends, in the source's time.
    pub end: Option<Timestamp>,
    /// Most pictures.
    pub frames: Option<u64>,
    /// What was decided without being asked, and what the source has that the output will not.
    pub notes: Vec<String>,
}

/// How pictures are encoded.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct VideoPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// Which encoder.
    pub encoder: Encoder,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Chroma and depth.
    pub format: PictureFormat,
    /// Whether the filter stage changes the pictures.
    pub converted: bool,
    /// Pictures in a second, for rate control and headers; times are the source's.
    pub rate: Rational,
    /// Whether the source declares that its pictures are evenly spaced.
    pub constant_rate: bool,
    /// Shape of a sample, as written.
    pub sample_aspect: Rational,
    /// Colour, as written.
    pub color: Color,
    /// 1 or 2.
    pub passes: u32,
    /// Whether every sample must come back as it went in.
    pub lossless: bool,
    /// Preset; the encoder's `medium` where none was named.
    pub preset: String,
    /// The encoder's options in the order in which they are set.
    pub options: Vec<(String, String)>,
}

impl VideoPlan {
    pub(crate) fn target(&self, settings: &EncodeSettings) -> Target {
        Target { width: self.width, height: self.height, format: self.format, resampler: settings.resampler }
    }
}

/// How a sound track comes to be.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AudioPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// Whether compressed sound is copied.
    pub copied: bool,
    /// FFmpeg's name of the sample format that the encoder takes.
    pub sample_format: Option<String>,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Channels, as FFmpeg describes them.
    pub layout: String,
    /// Bits in a second, for lossy codecs.
    pub bit_rate: Option<u64>,
    /// ISO 639 code from the source.
    pub language: Option<String>,
    /// Title from the source.
    pub title: Option<String>,
    /// Whether players pick it by default.
    pub is_default: bool,
}

impl Plan {
    /// Resolves `job` against its source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job, a line each; `Unsupported` when the job is sound and the source
    /// has something that cannot be done.
    pub fn new(job: &Job, source: &Source) -> Result<Plan> {
        let mut mistakes = Vec::new();
        let container = Container::from_path(&job.output.path).unwrap_or_else(|| {
            mistakes.push(Mistake::new(
                "output.path",
                job.output.path.display(),
                "the extension names no container; known are .mp4, .m4v, .mov and .mkv",
            ));
            Container::Matroska
        });
        check_numbers(job, &mut mistakes);
        let mut notes = Vec::new();
        let (video, video_copy) = plan_video(job, source, container, &mut mistakes, &mut notes)?;
        let audio = plan_audio(job, source, container, &mut mistakes)?;
        if !mistakes.is_empty() {
            return Err(Mistake::into_error(mistakes));
        }
        if video.is_none() && video_copy.is_none() && audio.is_empty() {
            let detail = "nothing would be written: the source has no stream that the job keeps";
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
        }
        for stream in source.streams() {
            let kept = video.as_ref().is_some_and(|video| video.stream == stream.index)
                || video_copy == Some(stream.index)
                || audio.iter().any(|audio| audio.stream == stream.index);
            let asked_away = match stream.kind {
                StreamKind::Audio => job.output.audio == AudioSettings::None,
                StreamKind::Video => job.output.video == VideoSettings::None,
                StreamKind::Subtitle | StreamKind::Data => false,
            };
            if !kept && !asked_away {
                notes.push(format!("stream {} ({}) is not carried over", stream.index, stream.codec));
            }
        }
        let origin = origin(source, video.as_ref().map(|video| video.stream).or(video_copy), &audio);
        let offset = |time: Timestamp| {
            let nano = TimeBase::new(1, 1_000_000_000);
            Timestamp::new(origin.rescale(nano).saturating_add(time.rescale(nano)), nano)
        };
        let start = job.source.start.map(offset);
        let end = job.source.duration.map(|duration| {
            let nano = TimeBase::new(1, 1_000_000_000);
            let from = start.unwrap_or(origin).rescale(nano);
            Timestamp::new(from.saturating_add(duration.rescale(nano)), nano)
        });
        let origin = start.unwrap_or(origin);
        Ok(Plan { container, video, video_copy, audio, origin, start, end, frames: job.source.frames, notes })
    }
}

/// Whether only a part of the source is asked for.
fn is_cut(job: &Job) -> bool {
    job.source.start.is_some() || job.source.duration.is_some() || job.source.frames.is_some()
}

/// What can be judged without knowing the source.
fn check_numbers(job: &Job, mistakes: &mut Vec<Mistake>) {
    let zero = Timestamp::new(0, Rational::new(1, 1));
    if let Some(start) = job.source.start.filter(|start| *start < zero) {
        mistakes.push(Mistake::new("source.start", start, "is before the source; from 0 on"));
    }
    if let Some(duration) = job.source.duration.filter(|duration| *duration <= zero) {
        mistakes.push(Mistake::new("source.duration", duration, "must be above 0"));
    }
    if job.source.frames == Some(0) {
        mistakes.push(Mistake::new("source.frames", 0, "must be above 0"));
    }
    if job.output.video == VideoSettings::None && job.output.audio == AudioSettings::None {
        mistakes.push(Mistake::new("video", "none", "with audio = none, nothing would be written"));
    }
    if let Some(threads) = job.threads.filter(|threads| !(1..=128).contains(threads)) {
        mistakes.push(Mistake::new("threads", threads, "1 to 128"));
    }
    if is_cut(job) && job.output.video == VideoSettings::Copy {
        mistakes.push(Mistake::new("video", "copy", "cannot be cut to --start, --duration or --frames; encode it"));
    }
    if let AudioSettings::Aac { kbps: Some(kbps) } = job.output.audio
        && !(16..=1024).contains(&kbps)
    {
        mistakes.push(Mistake::new("audio.kbps", kbps, "16 to 1024 kbit/s"));
    }
    let Some((encoder, settings)) = job.output.video.encode() else { return };
    if let Some(depth) = settings.depth.filter(|depth| !encoder.depths().contains(depth)) {
        let known: Vec<String> = encoder.depths().iter().map(u32::to_string).collect();
        mistakes.push(Mistake::new("video.depth", depth, format!("{encoder} encodes {} bits", known.join(", "))));
    }
    match settings.rate {
        Some(RateControl::Crf { value }) if !(0.0..=51.0).contains(&value) => {
            mistakes.push(Mistake::new("video.rate.crf", value, "0 to 51"));
        }
        Some(RateControl::Qp { value }) if value > 69 => {
            mistakes.push(Mistake::new("video.rate.qp", value, "0 to 51, with more bits up to 69"));
        }
        Some(RateControl::Bitrate { kbps, passes }) => {
            if !(1..=2_000_000).contains(&kbps) {
                mistakes.push(Mistake::new("video.rate.kbps", kbps, "1 to 2000000 kbit/s"));
            }
            if !(1..=2).contains(&passes) {
                mistakes.push(Mistake::new("video.rate.passes", passes, "1 or 2"));
            }
        }
        _ => {}
    }
    if settings.maxrate.is_some() != settings.bufsize.is_some() {
        let (name, value) = match (settings.maxrate, settings.bufsize) {
            (Some(rate), _) => ("video.maxrate", rate),
            (_, size) => ("video.bufsize", size.unwrap_or(0)),
        };
        mistakes.push(Mistake::new(name, value, "maxrate and bufsize only work together"));
    }
    for (name, value) in [("video.maxrate", settings.maxrate), ("video.bufsize", settings.bufsize)] {
        if value.is_some_and(|value| !(1..=4_000_000).contains(&value)) {
            mistakes.push(Mistake::new(name, value.unwrap_or(0), "1 to 4000000"));
        }
    }
    if settings.gop == Some(0) {
        mistakes.push(Mistake::new("video.gop", 0, "must be above 0"));
    }
    let lossless = settings.rate == Some(RateControl::Lossless);
    if lossless && encoder == Encoder::X264 && settings.profile.as_deref().is_some_and(|name| name != "high444") {
        mistakes.push(Mistake::new(
            "video.profile",
            settings.profile.as_deref().unwrap_or(""),
            "lossless H.264 only exists in profile high444",
        ));
    }
    let depth = settings.depth.filter(|depth| encoder.depths().contains(depth)).unwrap_or(8);
    mistakes.extend(options::mistakes(encoder, settings, depth, job.threads));
}

fn plan_video(
    job: &Job,
    source: &Source,
    container: Container,
    mistakes: &mut Vec<Mistake>,
    notes: &mut Vec<String>,
) -> Result<(Option<VideoPlan>, Option<usize>)> {
    let Some(stream) = source.video() else {
        if job.output.video != VideoSettings::None {
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, "the source has no picture stream")
                .in_file(&source.label()));
        }
        return Ok((None, None));
    };
    let Some((encoder, settings)) = job.output.video.encode() else {
        if job.output.video == VideoSettings::None {
            return Ok((None, None));
        }
        if let Err(problem) = muxer_holds(container.muxer(), &stream.parameters, stream.time_base) {
            mistakes.push(Mistake::new("video", "copy", problem));
        }
        return Ok((None, Some(stream.index)));
    };
    let unsupported = |detail: String| {
        Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()).in_stream(stream.index))
    };
    let Some(pixel) = PixelFormat::from_raw(stream.format) else {
        return unsupported(format!("the picture format of this {} stream is not known", stream.codec));
    };
    if stream.width == 0 || stream.height == 0 {
        return unsupported("the picture has no size".into());
    }
    if pixel.has_alpha() || pixel.is_hardware() {
        return unsupported(format!("{pixel} pictures have an alpha channel, which no output here can carry"));
    }
    let Some(own_chroma) = pixel.chroma() else {
        return unsupported(format!("{pixel} pictures are not YCbCr, and RGB is not converted"));
    };
    let depth = settings.depth.unwrap_or_else(|| {
        let fits = |depth: &&u32| **depth <= pixel.depth();
        *encoder.depths().iter().rev().find(fits).unwrap_or(&8)
    });
    let format = PictureFormat { chroma: settings.chroma.unwrap_or(own_chroma), depth };
    let (width, height) = match settings.size {
        None => (stream.width, stream.height),
        Some(size) => match size.resolve(stream.width, stream.height) {
            Some(size) => size,
            None => {
                let value = format!("{}x{}", size.width, size.height);
                mistakes.push(Mistake::new("video.size", value, "positive numbers, one of which may be -2"));
                (stream.width, stream.height)
            }
        },
    };
    let (x, y) = format.chroma.shift();
    if width % (1 << x) != 0 || height % (1 << y) != 0 {
        mistakes.push(Mistake::new("video.size", format!("{width}x{height}"), {
            let (w, h) = ((width >> x << x).max(1 << x), (height >> y << y).max(1 << y));
            let what = if y > 0 { "an even width and height" } else { "an even width" };
            format!("{} needs {what}; use --size {w}x{h} or --chroma 444", format.chroma)
        }));
    }
    // x265 takes no picture below one coding tree unit, of 64 samples unless told otherwise; told otherwise, 3.5 writes
    // past the end of its own memory for pictures of 48 samples.
    let least = if encoder == Encoder::X264 { 1 } else { 64 };
    if width < least || height < least {
        mistakes.push(Mistake::new(
            "video.size",
            format!("{width}x{height}"),
            format!("{encoder} needs {least}x{least}"),
        ));
    }
    if width > 16_384 || height > 16_384 {
        mistakes.push(Mistake::new("video.size", format!("{width}x{height}"), "at most 16384 on a side"));
    }
    let scaled = (width, height) != (stream.width, stream.height);
    let sample_aspect = if scaled {
        // The picture keeps its shape on the screen.
        let aspect = if stream.sample_aspect.is_positive() { stream.sample_aspect } else { Rational::new(1, 1) };
        let aspect = aspect.nearest_within(u16::MAX.into());
        let num = aspect.num * stream.width as i64 * height as i64;
        let den = aspect.den * stream.height as i64 * width as i64;
        nearly_square(Rational::new(num, den))
    } else {
        stream.sample_aspect
    };
    // H.264 and HEVC say both parts in 16 bits each (E.2.1, E.3.1).
    let exact = sample_aspect;
    let sample_aspect = exact.nearest_within(u16::MAX.into());
    if sample_aspect != exact {
        notes.push(format!("sample aspect {exact} is written as {sample_aspect}, the nearest that fits"));
    }
    let mut color = stream.color;
    if pixel.is_full_range_variant() {
        color.range = crate::media::color::Range::Full;
    }
    if format.chroma != Chroma::C420 {
        // Only 4:2:0 has a place for chroma that is not fixed (H.264 E.2.1, H.265 E.3.1).
        color.chroma_location = Default::default();
    }
    for extra in &stream.extras {
        notes.push(format!("not carried over: {extra}"));
    }
    if !matches!(stream.field_order, "progressive" | "unknown") {
        notes.push(format!("the source is interlaced ({}); its frames are encoded as progressive", stream.field_order));
    }
    if !zimg_is_there() && (scaled || pixel.picture() != Some(format)) {
        notes.push("libavfilter has no zimg; swscale converts".into());
    }
    let passes = match settings.rate {
        Some(RateControl::Bitrate { passes, .. }) => passes,
        _ => 1,
    };
    let plan = VideoPlan {
        stream: stream.index,
        encoder,
        width,
        height,
        format,
        converted: scaled || pixel.picture() != Some(format),
        rate: frame_rate(stream),
        constant_rate: stream.average_rate == stream.base_rate,
        sample_aspect,
        color,
        passes,
        lossless: settings.rate == Some(RateControl::Lossless),
        preset: settings.preset.clone().unwrap_or_else(|| "medium".into()),
        options: options::list(encoder, settings, job.threads, None),
    };
    if job.output.verify == VerifyLevel::Full && plan.lossless && plan.converted {
        notes.push("lossless is proved against the frames after conversion".into());
    }
    Ok((Some(plan), None))
}

/// A sample aspect within half a percent of square comes from rounding a size, not from a wish.
fn nearly_square(aspect: Rational) -> Rational {
    let off = (aspect.to_f64() - 1.0).abs();
    if off < 0.005 { Rational::new(1, 1) } else { aspect }
}

fn plan_audio(job: &Job, source: &Source, container: Container, mistakes: &mut Vec<Mistake>) -> Result<Vec<AudioPlan>> {
    let settings = job.output.audio;
    if settings == AudioSettings::None {
        return Ok(Vec::new());
    }
    let mut list = Vec::new();
    for stream in source.audio() {
        let named = |key: &str| {
            let entry = stream.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty() && value != "und")
        };
        let layout = if stream.layout.is_empty() || stream.layout.contains("channels") {
            format!("{}c", stream.channels)
        } else {
            stream.layout.clone()
        };
        let (codec, sample_format, bit_rate) = match settings {
            AudioSettings::None => continue,
            AudioSettings::Copy => {
                if is_cut(job) && job.output.video != VideoSettings::Copy {
                    let problem = "cannot be cut to --start, --duration or --frames at the sample; \
                                   use aac, flac, pcm or none";
                    mistakes.push(Mistake::new("audio", "copy", problem));
                }
                if let Err(problem) = muxer_holds(container.muxer(), &stream.parameters, stream.time_base) {
                    let instead = if container == Container::Mov { "aac or pcm" } else { "aac or flac" };
                    mistakes.push(Mistake::new("audio", "copy", format!("{problem}; use {instead}")));
                }
                (stream.codec.clone(), None, stream.bit_rate)
            }
            AudioSettings::Aac { kbps } => {
                let rate = kbps.map_or(u64::from(stream.channels) * 64_000, |kbps| u64::from(kbps) * 1000);
                ("aac".to_owned(), Some("fltp"), Some(rate))
            }
            AudioSettings::Flac => {
                if container == Container::Mov {
                    mistakes.push(Mistake::new("audio", "flac", "mov cannot hold flac; use .mp4 or .mkv, or pcm"));
                }
                ("flac".to_owned(), Some(if bits(stream) > 16 { "s32" } else { "s16" }), None)
            }
            AudioSettings::Pcm => {
                if container == Container::Mp4 {
                    mistakes.push(Mistake::new("audio", "pcm", "mp4 cannot hold pcm; use .mov or .mkv, or flac"));
                }
                let (codec, format) = pcm(stream);
                (codec.to_owned(), Some(format), None)
            }
        };
        if settings != AudioSettings::Copy && (stream.sample_rate == 0 || stream.channels == 0) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Plan, "a sound stream without rate or channels")
                .in_file(&source.label())
                .in_stream(stream.index));
        }
        list.push(AudioPlan {
            stream: stream.index,
            codec,
            copied: settings == AudioSettings::Copy,
            sample_format: sample_format.map(str::to_owned),
            sample_rate: stream.sample_rate,
            layout,
            bit_rate,
            language: named("language"),
            title: named("title"),
            is_default: stream.is_default,
        });
    }
    Ok(list)
}

fn is_float(stream: &StreamFacts) -> bool {
    // AV_SAMPLE_FMT_FLT, _DBL and their planar kin.
    stream.codec.contains("pcm_f") || stream.codec.contains("pcm_d")
}

/// Significant bits of a sample.
pub(crate) fn bits(stream: &StreamFacts) -> u32 {
    match stream.raw_bits {
        0 => {
            // A lossy codec has no depth of its own; what it decodes to carries 24 good bits.
            if matches!(stream.codec.as_str(), "mp1" | "mp2" | "mp3") { 16 } else { 24 }
        }
        bits => bits.min(32),
    }
}

fn pcm(stream: &StreamFacts) -> (&'static str, &'static str) {
    match bits(stream) {
        _ if is_float(stream) => ("pcm_f32le", "flt"),
        0..=16 => ("pcm_s16le", "s16"),
        17..=24 => ("pcm_s24le", "s32"),
        _ => ("pcm_s32le", "s32"),
    }
}

/// Time zero of the output: the first picture, or the first sound where that begins earlier.
///
/// Sound that leads by less than 50 ms is an encoder's priming, which players skip; it does not move the picture.
fn origin(source: &Source, video: Option<usize>, audio: &[AudioPlan]) -> Timestamp {
    let micro = TimeBase::new(1, 1_000_000);
    let start_of = |index: usize| {
        let stream = source.streams().get(index)?;
        // In a transport stream the first picture to be read need not be the first to be shown.
        let first = [stream.start, source.earliest(index)].into_iter().flatten().min();
        first.map(|ticks| Timestamp::new(ticks, stream.time_base))
    };
    let sound = audio.iter().filter_map(|plan| start_of(plan.stream)).min();
    match (video.and_then(start_of), sound) {
        (Some(video), Some(sound)) if sound.rescale(micro) + 50_000 < video.rescale(micro) => sound,
        (Some(video), _) => video,
        (None, Some(sound)) if video.is_none() => sound,
        _ => Timestamp::new(0, micro),
    }
}
