//! Opens a source: one local file (or a block of memory), recognised by its content and held to limits.
//!
//! Invariant: nothing but the bytes of that one file is ever read. Playlists, scripts and manifests that point
//! elsewhere are refused by name, and a demuxer cannot open a second file.

use std::{
    fs::File,
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    extent::Extent,
    ffi::{
        input::{Input, InputBounds, OpenError},
        io::{IoState, ReadSeek},
        log::Sink,
        stream::{StreamFacts, StreamKind},
    },
};

/// How large a source may be in each respect; beyond it stands an error of kind `Limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Streams in the file. Default 256: a feature with every language stays far below.
    pub streams: u32,
    /// Samples in a row, or rows, of a picture. Default 16384, the most that HEVC level 6.2 implementations take.
    pub side: u32,
    /// Samples of a picture. Default 71 303 168, twice 8192x4320 (full-size DCI 8K).
    pub pixels: u64,
    /// Bytes of one compressed picture or block of sound. Default 512 MiB.
    pub packet_bytes: u64,
    /// Bytes that may be read to find out what the streams are. Default 64 MiB.
    pub probe_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { streams: 256, side: 16_384, pixels: 71_303_168, packet_bytes: 512 << 20, probe_bytes: 64 << 20 }
    }
}

/// The demuxers that may run, by FFmpeg's names: containers and elementary streams that hold their own data.
const ALLOWED: &[&str] = &[
    "aac",
    "ac3",
    "aiff",
    "asf",
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
    "w64",
    "wav",
    "yuv4mpegpipe",
];

/// Demuxers that read other files or addresses than the one they were given.
const POINTING: &[&str] =
    &["applehttp", "hls", "concat", "dash", "sdp", "rtsp", "imf", "webm_dash_manifest", "image2", "smil", "redir"];

/// An open source whose streams are known.
pub struct Source {
    pub(crate) input: Input,
    origin: Origin,
    limits: Limits,
    streams: Vec<StreamFacts>,
    extent: Extent,
}

#[derive(Clone)]
enum Origin {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Source {
    /// Opens a local file.
    ///
    /// # Errors
    /// `Io` when it cannot be read or is no regular file; `MalformedInput` when it is not media, is cut off in its
    /// header, or holds no stream; `Unsupported` for containers that are not read, playlists among them; `Limit` when
    /// a stream is larger than `limits` allow.
    pub fn open(path: &Path, limits: Limits) -> Result<Self> {
        let io = |doing: &str, error| Error::io(Stage::Source, path, doing, error);
        // Looked at before it is opened: opening a pipe that nobody writes to would wait for ever.
        let metadata = std::fs::metadata(path).map_err(|error| io("cannot be opened", error))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "is a directory" } else { "is no regular file" };
            return Err(
                Error::new(ErrorKind::Io, Stage::Source, format!("{what}; a source is one local file")).in_file(path)
            );
        }
        let file = File::open(path).map_err(|error| io("cannot be opened", error))?;
        if metadata.len() == 0 {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "the file is empty").in_file(path));
        }
        Self::from_reader(Box::new(file), Origin::File(path.to_owned()), limits).map_err(|error| error.in_file(path))
    }

    /// Opens a block of memory; what a fuzzer or a test has.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Self> {
        let bytes = bytes.into();
        Self::from_reader(Box::new(Cursor::new(Arc::clone(&bytes))), Origin::Memory(bytes), limits)
    }

    /// Opens the same source once more, for a second reading beside the first.
    pub(crate) fn reopen(&self) -> Result<Self> {
        match &self.origin {
            Origin::File(path) => Self::open(path, self.limits),
            Origin::Memory(bytes) => Self::from_bytes(Arc::clone(bytes), self.limits),
        }
    }

    fn from_reader(mut reader: Box<dyn ReadSeek>, origin: Origin, limits: Limits) -> Result<Self> {
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        let name = match &origin {
            // The extension helps to tell elementary streams apart; the folder says nothing about the content.
            Origin::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Origin::Memory(_) => String::new(),
        };
        let extent = Extent::of(&mut reader).map_err(|error| {
            Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
        })?;
        let state = Arc::new(IoState::default());
        let sink = Sink::new();
        let allowed = |demuxer: &str| ALLOWED.contains(&demuxer);
        let opened = Input::open(reader, Arc::clone(&state), Arc::clone(&sink), &name, bounds, allowed);
        let mut input = opened.map_err(|error| match error {
            OpenError::Unrecognised => {
                Error::new(ErrorKind::MalformedInput, Stage::Source, "is not a container or stream that Trix knows")
            }
            OpenError::Refused(demuxer) => refusal(&demuxer),
            OpenError::Failed(code) => failure(&state, &sink, code, "its header cannot be read"),
        })?;
        input.find_streams(bounds).map_err(|code| failure(&state, &sink, code, "its streams cannot be made out"))?;
        if let Some(error) = state.take_error() {
            return Err(Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error));
        }
        let streams = input.streams();
        // libavcodec drops the size of pictures that are too large for it, and says so.
        let said = sink.take().0;
        if let Some(line) = said.iter().find(|line| line.text.contains("exceeds specified max pixel count")) {
            let size = line.text.split_whitespace().find(|word| word.contains('x')).unwrap_or("unknown size");
            let detail =
                format!("pictures of {size}; the limit is {} on a side and {} in all", limits.side, limits.pixels);
            return Err(Error::new(ErrorKind::Limit, Stage::Source, detail));
        }
        check_limits(&streams, &limits)?;
        Ok(Source { input, origin, limits, streams, extent })
    }

    /// The path, where the source is a file.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::Memory(_) => None,
        }
    }

    /// What errors call the source.
    pub(crate) fn label(&self) -> PathBuf {
        self.path().map_or_else(|| PathBuf::from("(memory)"), Path::to_owned)
    }

    /// How large the file is, and says it is.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn streams(&self) -> &[StreamFacts] {
        &self.streams
    }

    /// The earliest presentation time among the first packets of stream `index`, in its ticks, without pictures that an
    /// edit list hides; absent when they carry none, or the file cannot be opened once more.
    pub(crate) fn earliest(&self, index: usize) -> Option<i64> {
        // More than any codec reorders (H.264 and HEVC: 16), and no more of the file than was read to recognise it.
        const PACKETS: usize = 32;
        let limit = self.limits.probe_bytes;
        let is_sound = self.streams.get(index).is_some_and(|stream| stream.kind == StreamKind::Audio);
        let mut again = self.reopen().ok()?;
        let (mut seen, mut bytes, mut earliest) = (0, 0, None::<i64>);
        while seen < PACKETS && bytes < limit {
            let Ok(Some(packet)) = again.input.read() else { break };
            bytes += packet.data().len() as u64;
            if packet.stream() == index && (is_sound || !packet.is_discarded()) {
                seen += 1;
                earliest = [earliest, packet.pts()].into_iter().flatten().min();
            }
        }
        earliest
    }

    /// The picture stream that is encoded: the first that is no cover picture.
    pub(crate) fn video(&self) -> Option<&StreamFacts> {
        self.streams.iter().find(|stream| stream.kind == StreamKind::Video && !stream.is_attached_picture)
    }

    /// The sound streams, in file order.
    pub(crate) fn audio(&self) -> impl Iterator<Item = &StreamFacts> {
        self.streams.iter().filter(|stream| stream.kind == StreamKind::Audio)
    }
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

fn failure(state: &IoState, sink: &Sink, code: crate::ffi::AvError, what: &str) -> Error {
    if let Some(error) = state.take_error() {
        return Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error);
    }
    let said = sink.take().0.into_iter().map(|line| line.text).next_back();
    let detail = match said {
        Some(said) => format!("{what}: {code} ({said})"),
        None => format!("{what}: {code}"),
    };
    if detail.contains("max_streams") {
        return Error::new(ErrorKind::Limit, Stage::Source, detail).caused_by(code);
    }
    // libavformat says ENOMEM when a hostile header asks for an absurd allocation.
    Error::new(ErrorKind::MalformedInput, Stage::Source, detail).caused_by(code)
}

fn check_limits(streams: &[StreamFacts], limits: &Limits) -> Result<()> {
    if streams.is_empty() {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no stream"));
    }
    // A file name alone can make libavformat believe in a stream; only content gives it a shape.
    let shapeless = |stream: &StreamFacts| match stream.kind {
        StreamKind::Video => stream.width == 0 || stream.height == 0,
        StreamKind::Audio => stream.sample_rate == 0 || stream.channels == 0,
        StreamKind::Subtitle | StreamKind::Data | StreamKind::Attachment => true,
    };
    if streams.iter().all(shapeless) {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no stream of pictures or sound"));
    }
    let limit = |detail: String| Error::new(ErrorKind::Limit, Stage::Source, detail);
    if streams.len() > limits.streams as usize {
        return Err(limit(format!("{} streams; the limit is {}", streams.len(), limits.streams)));
    }
    for stream in streams.iter().filter(|stream| stream.kind == StreamKind::Video) {
        let (width, height) = (stream.width as u64, stream.height as u64);
        let side = u64::from(limits.side);
        if width > side || height > side || width * height > limits.pixels {
            let detail =
                format!("pictures of {width}x{height}; the limit is {side} on a side and {} in all", limits.pixels);
            return Err(limit(detail).in_stream(stream.index));
        }
    }
    Ok(())
}
