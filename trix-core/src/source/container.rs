//! Opens a container: identifies it, and checks the limits on its streams.
//!
//! Invariant: a demuxer that may read files other than its own never runs.

use std::{
    io::{Read, Seek},
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
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::origin::Origin;
use crate::settings::source::{Limits, Reading};

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

fn refusal(demuxer: &str) -> Error {
    let pointing = POINTING.iter().any(|name| demuxer.split(',').any(|part| part == *name));
    let detail = if pointing {
        format!("is a playlist or script ({demuxer}) that points at other files; a source is one local file")
    } else {
        format!("is {demuxer}, which is not among the containers and streams that Trix reads")
    };
    Error::new(ErrorKind::Unsupported, Stage::Source, detail)
}

pub(super) fn failure(state: &IoState, sink: &Sink, limits: &Limits, code: AvError, what: &str) -> Error {
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

pub(super) fn check_limits(streams: &[StreamFacts], limits: &Limits) -> Result<()> {
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
