//! Opens the content of a path or a block of memory: identifies the container, finds its streams, and applies the
//! limits.
//!
//! Invariant: a demuxer that may read files other than its own never runs.

use std::{
    fs::File,
    io::{Cursor, Read, Seek},
    path::Path,
    sync::Arc,
};

use trix_av::{
    AvError, ability,
    input::{Input, InputBounds, OpenError, Stated},
    io::{IoState, ReadSeek},
    log::Sink,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::vvc;
use trix_model::{
    control::cancel::Cancel,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
};

use super::{
    Origin, Source,
    clock::Clock,
    edits,
    further::Further,
    joints::Joints,
    open_ended,
    parts::Parts,
    reference,
    selection::Selection,
    sequence::{self, Files, Sequence},
    split::watched,
    window::Window,
};
use crate::{
    extent::Extent,
    spec::{
        job::SourceSettings,
        source::{Limits, Reading},
    },
};

/// The demuxers that may run, by FFmpeg's names: containers and elementary streams that contain their own data.
pub(super) const ALLOWED: &[&str] = &[
    "aac",
    "ac3",
    "aiff",
    "asf",
    "au",
    "av1",
    "avi",
    "caf",
    "dnxhd",
    "dts",
    "dv",
    "eac3",
    "flac",
    "flv",
    "gxf",
    "h261",
    "h263",
    "h264",
    "hevc",
    "ivf",
    "m4v",
    "matroska,webm",
    "mjpeg",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "mp3",
    "mpeg",
    "mpegts",
    "mpegvideo",
    "mxf",
    "nut",
    "obu",
    "ogg",
    "vc1",
    "vvc",
    "w64",
    "wav",
    "yuv4mpegpipe",
];

/// Demuxers that read files or addresses other than the one they were given.
const POINTING: &[&str] =
    &["applehttp", "hls", "concat", "dash", "sdp", "rtsp", "imf", "webm_dash_manifest", "image2", "smil", "redir"];

impl Source {
    pub(super) fn from_origin(
        origin: &Origin,
        reading: &Reading,
        frame_bytes: Option<u64>,
        cancel: &Cancel,
    ) -> Result<Self> {
        let named = |error: Error| match origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => error.in_file(path),
            Origin::Memory(_) | Origin::Given(_) => error,
        };
        if reading.raw.is_none() {
            refuse_reference(origin).map_err(named)?;
        }
        let mut opened = Self::at_first_look(origin, reading, frame_bytes)?;
        opened.cancel = cancel.clone();
        let is_plain = opened.sequence.is_none() && reading.raw.is_none() && !opened.is_given();
        let mut further = if is_plain { Further::look(&opened) } else { Further::default() };
        if cancel.is_cancelled() {
            return Err(named(Error::cancelled(Stage::Source)));
        }
        for (index, facts) in std::mem::take(&mut further.streams) {
            match opened.streams.get_mut(index) {
                Some(known) => *known = facts,
                None => opened.streams.push(facts),
            }
        }
        check_limits(&opened.streams, &reading.limits).map_err(named)?;
        opened.watch_clock();
        opened.joints = Joints::new(&opened, &further);
        opened.selection = Arc::new(Selection::choose(&opened, &further).map_err(named)?);
        opened.decisions.extend(opened.selection.decisions.iter().cloned());
        Ok(opened)
    }

    /// Opens `origin` and runs libavformat's first probe.
    pub(super) fn at_first_look(origin: &Origin, reading: &Reading, frame_bytes: Option<u64>) -> Result<Self> {
        let state = Arc::new(IoState::default());
        let mut opened = match origin {
            Origin::File { path, store, content, edits } => {
                let (reader, mark) = store.marked_reader(Some(Arc::clone(&state)));
                let reader = edits::patched(limited(reader, *content), edits);
                let unreadable = |error| Error::io(Stage::Source, path, "cannot be read", error);
                let (reader, split) = watched(reader, 0).map_err(unreadable)?;
                let mut opened =
                    Self::from_reader(reader, state, origin, reading, ALLOWED).map_err(|error| error.in_file(path))?;
                opened.mark = Some(mark);
                opened.parts = Parts::new(split);
                for facts in &mut opened.streams {
                    let gaps = edits.gaps(facts);
                    facts.duration = facts.duration.map(|duration| duration.saturating_add(gaps));
                }
                opened
            }
            Origin::Sequence { path, files } => {
                Self::from_sequence(files, state, origin, reading).map_err(|error| error.in_file(path))?
            }
            Origin::Memory(bytes) => {
                let unreadable = |error| Error::io(Stage::Source, Path::new("(memory)"), "cannot be read", error);
                let (reader, split) = watched(Box::new(Cursor::new(Arc::clone(bytes))), 0).map_err(unreadable)?;
                let mut opened = Self::from_reader(reader, state, origin, reading, ALLOWED)?;
                opened.parts = Parts::new(split);
                opened
            }
            Origin::Given(shape) => Self::from_shape(shape, reading)?,
        };
        opened.frame_bytes = frame_bytes;
        Ok(opened)
    }

    /// Opens an image sequence. The properties of the first image apply to all images until a decoder finds otherwise.
    pub(super) fn from_sequence(
        files: &Arc<Files>,
        state: Arc<IoState>,
        origin: &Origin,
        reading: &Reading,
    ) -> Result<Self> {
        let sequence = Sequence::new(Arc::clone(files));
        let first = files.first_path();
        let unreadable = |error| Error::io(Stage::Source, &first, "cannot be read", error);
        let mut reader = files.first_reader().map_err(unreadable)?;
        let mut head = Vec::new();
        // The headers of a DPX file have 2048 bytes (SMPTE ST 268-1).
        reader.by_ref().take(2048).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        if head.is_empty() {
            return Err(empty().in_file(&first));
        }
        let mut opened = Self::from_reader(reader, state, origin, reading, sequence::IMAGES)
            .map_err(|error| error.in_file(&first))?;
        let (rate, why) = match (reading.rate, sequence::dpx_rate(&head)) {
            (Some(rate), _) => (rate, None),
            (None, Some(rate)) => (rate, Some("the header of the first frame says so")),
            (None, None) => (sequence::DEFAULT_RATE, Some("images carry no rate, and none is given")),
        };
        let what = format!("the sequence is read at {rate} frames a second");
        opened.decisions.extend(why.map(|why| Decision::new(what, why)));
        for facts in &mut opened.streams {
            facts.time_base = rate.inverse();
            (facts.average_rate, facts.base_rate) = (rate, rate);
            facts.start = Some(0);
            facts.duration = i64::try_from(sequence.span()).ok();
            facts.declared_frames = Some(sequence.len());
            facts.bit_rate = None;
            facts.is_sequence = true;
        }
        opened.extent = Extent { size: sequence.bytes(), declared: None };
        opened.sequence = Some(sequence);
        Ok(opened)
    }

    pub(super) fn from_reader(
        mut reader: Box<dyn ReadSeek>,
        state: Arc<IoState>,
        origin: &Origin,
        reading: &Reading,
        demuxers: &[&str],
    ) -> Result<Self> {
        let limits = reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        let unreadable = |error: std::io::Error| {
            Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
        };
        let mut extent = Extent::of(&mut reader).map_err(unreadable)?;
        let mut head = Vec::new();
        // Tags may precede the headers of audio files.
        reader.by_ref().take(64 * 1024).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        let patches = if reading.raw.is_some() { Vec::new() } else { open_ended::patches(&head, extent.size) };
        let is_open_ended = !patches.is_empty();
        if is_open_ended {
            reader = Box::new(open_ended::Patched::new(reader, patches));
            extent.declared = None;
        }
        let sink = Sink::new();
        let mut input = open_input(reader, &state, &sink, origin, reading, demuxers)?;
        input
            .find_streams(bounds)
            .map_err(|code| failure(&state, &sink, &limits, code, "its streams cannot be made out"))?;
        if let Some(error) = state.take_error() {
            return Err(unreadable(error));
        }
        let mut streams = input.streams();
        // In other containers, libavformat infers durations from the frame rate.
        let tells_durations = matches!(input.demuxer().as_str(), "mov,mp4,m4a,3gp,3g2,mj2" | "matroska,webm");
        streams.iter_mut().for_each(|facts| facts.tells_durations = tells_durations);
        // libavcodec drops the size of frames that are too large for it, and logs that.
        let said = sink.take().0;
        // libavformat reads the samples of only one codec of such a track, and gives no other sign than this message.
        let skips_samples = said.iter().any(|line| line.text.contains("multiple fourcc not supported"));
        if let Some(line) = said.iter().find(|line| line.text.contains("exceeds specified max pixel count")) {
            let size = line.text.split_whitespace().find(|word| word.contains('x')).unwrap_or("unknown size");
            let detail =
                format!("frames of {size}; the limit is {} on a side and {} in all", limits.side, limits.pixels);
            return Err(Error::new(ErrorKind::Limit, Stage::Source, detail));
        }
        check_limits(&streams, &limits)?;
        let reading = reading.clone();
        Ok(Source {
            clock: Clock::of(&input, &streams),
            failed: None,
            input,
            sequence: None,
            mark: None,
            origin: origin.clone(),
            reading,
            streams,
            extent,
            frame_bytes: None,
            is_open_ended,
            skips_samples,
            decisions: is_open_ended.then(open_ended::decision).into_iter().collect(),
            selection: Arc::default(),
            joints: Joints::default(),
            parts: Parts::default(),
            cancel: Cancel::default(),
        })
    }
}

/// Rejects a movie whose media are in other files.
fn refuse_reference(origin: &Origin) -> Result<()> {
    let files = match origin {
        Origin::File { store, .. } => reference::named_files(&mut store.reader(None)),
        Origin::Memory(bytes) => reference::named_files(&mut Cursor::new(bytes)),
        Origin::Sequence { .. } | Origin::Given(_) => Vec::new(),
    };
    if files.is_empty() {
        return Ok(());
    }
    const SHOWN: usize = 5;
    let more = files.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = files.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let detail = format!(
        "is a QuickTime reference movie: its media lie in other files ({names}{more}), and a source is one local file"
    );
    Err(Error::new(ErrorKind::Unsupported, Stage::Source, detail))
}

/// Opens the container in `reader` and reads its header.
pub(super) fn open_input(
    mut reader: Box<dyn ReadSeek>,
    state: &Arc<IoState>,
    sink: &Arc<Sink>,
    origin: &Origin,
    reading: &Reading,
    demuxers: &[&str],
) -> Result<Input> {
    let limits = reading.limits;
    let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
    let name = match origin {
        // The extension helps to distinguish elementary streams. The folder does not help. Image files get no name,
        // because libavformat would take their names for image sequences of its own.
        Origin::File { path, .. } => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Origin::Sequence { .. } | Origin::Memory(_) | Origin::Given(_) => String::new(),
    };
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
    };
    let stated = reading.raw.as_ref().map(|raw| Stated {
        demuxer: "rawvideo",
        options: vec![
            ("video_size", format!("{}x{}", raw.width, raw.height)),
            ("pixel_format", raw.pixel_format.clone()),
            ("framerate", raw.rate.to_string()),
        ],
    });
    if stated.is_none() {
        let mut head = Vec::new();
        reader.by_ref().take(4096).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        // Newer releases of libavformat identify a playlist by its name too, and this file may have another name.
        if head.starts_with(b"#EXTM3U") {
            return Err(refusal("hls"));
        }
        if vvc::is_byte_stream(&head) && !ability::reads_vvc() {
            let detail = "is H.266 (VVC), which this build of FFmpeg neither reads nor decodes";
            return Err(Error::new(ErrorKind::Unsupported, Stage::Source, detail));
        }
    }
    let opened = Input::open(reader, Arc::clone(state), Arc::clone(sink), &name, bounds, stated.as_ref(), |demuxer| {
        demuxers.contains(&demuxer)
    });
    opened.map_err(|error| match error {
        OpenError::Unrecognised => {
            Error::new(ErrorKind::MalformedInput, Stage::Source, "is not a container or stream that Trix knows")
        }
        OpenError::Refused(demuxer) => refusal(&demuxer),
        OpenError::Failed(code) => failure(state, sink, &limits, code, "its header cannot be read"),
    })
}

/// Limits `reader` to the bytes before `content`, if that is set.
pub(super) fn limited(reader: impl ReadSeek + 'static, content: Option<u64>) -> Box<dyn ReadSeek> {
    match content {
        Some(content) => Box::new(Window::new(reader, 0..content)),
        None => Box::new(reader),
    }
}

/// Opens the file that `metadata` describes, if it is a regular file and not empty.
pub(super) fn regular_file(path: &Path, metadata: &std::fs::Metadata) -> Result<File> {
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "is a directory" } else { "is no regular file" };
        return Err(
            Error::new(ErrorKind::Io, Stage::Source, format!("{what}; a source is one local file")).in_file(path)
        );
    }
    if metadata.len() == 0 {
        return Err(empty().in_file(path));
    }
    File::open(path).map_err(|error| Error::io(Stage::Source, path, "cannot be opened", error))
}

pub(super) fn empty() -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Source, "the file is empty")
}

fn refusal(demuxer: &str) -> Error {
    let pointing = POINTING.iter().any(|name| demuxer.split(',').any(|part| part == *name));
    let detail = if pointing {
        format!("is a playlist or script ({demuxer}) that points at other files; a source is one local file")
    } else {
        format!("is {demuxer}, which is not among the containers and streams that Trix reads")
    };
    Error::new(ErrorKind::Unsupported, Stage::Source, detail)
}

fn failure(state: &IoState, sink: &Sink, limits: &Limits, code: AvError, what: &str) -> Error {
    if let Some(error) = state.take_error() {
        return Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error);
    }
    let said = sink.take().0.into_iter().map(|line| line.text).next_back();
    let detail = match said {
        Some(said) => format!("{what}: {code} ({said})"),
        None => format!("{what}: {code}"),
    };
    if detail.contains("max_streams") {
        return Error::new(ErrorKind::Limit, Stage::Source, too_many_streams(limits)).caused_by(code);
    }
    // libavformat returns ENOMEM if a hostile header requests an absurd allocation.
    Error::new(ErrorKind::MalformedInput, Stage::Source, detail).caused_by(code)
}

fn too_many_streams(limits: &Limits) -> String {
    format!("more than {} streams, which is the limit", limits.streams)
}

fn check_limits(streams: &[StreamFacts], limits: &Limits) -> Result<()> {
    if streams.is_empty() {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no stream"));
    }
    // A file name alone can make libavformat report a stream. Only content gives the stream a size or a sample rate.
    let shapeless = |stream: &StreamFacts| match stream.kind {
        StreamKind::Video => stream.width == 0 || stream.height == 0,
        StreamKind::Audio => stream.sample_rate == 0 || stream.channels == 0,
        StreamKind::Subtitle | StreamKind::Data | StreamKind::Attachment => true,
    };
    if streams.iter().all(shapeless) {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no video or audio stream"));
    }
    let limit = |detail: String| Error::new(ErrorKind::Limit, Stage::Source, detail);
    if streams.len() > limits.streams as usize {
        return Err(limit(too_many_streams(limits)));
    }
    for stream in streams.iter().filter(|stream| stream.kind == StreamKind::Video) {
        let (width, height) = (stream.width as u64, stream.height as u64);
        let side = u64::from(limits.side);
        if width > side || height > side || width * height > limits.pixels {
            let detail =
                format!("frames of {width}x{height}; the limit is {side} on a side and {} in all", limits.pixels);
            return Err(limit(detail).in_stream(stream.index));
        }
    }
    Ok(())
}

impl SourceSettings {
    /// Opens the source.
    ///
    /// # Errors
    /// Those of [`Source::open_as`].
    pub fn open(&self) -> Result<Source> {
        self.open_until(&Cancel::default())
    }

    /// Opens the source like [`SourceSettings::open`]. `cancel` stops long reads.
    ///
    /// # Errors
    /// Those of [`Source::open_until`].
    pub fn open_until(&self, cancel: &Cancel) -> Result<Source> {
        Source::open_until(&self.path, &self.reading(), cancel)
    }

    /// How a job reads its source.
    pub(crate) fn reading(&self) -> Reading {
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
