//! Reads a package again: every playlist, every segment, every packet.
//!
//! Invariant: verification reads what a player would read: the segments in the playlists, by their byte ranges, in
//! order. It reads each of them once. The records of these packets are made by the same code as those of the writer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use trix_av::{
    input::{Input, InputBounds, OpenError},
    io::{IoState, ReadSeek},
    log::Sink,
    stream::StreamKind,
};
use trix_bitstream::{
    cmaf::{codecs, fragment, header},
    hls,
    manifest::names::{MANIFEST, MASTER, PLAYLIST, WHOLE_TEXT},
    webvtt,
};
use trix_model::{
    check::Check,
    control::cancel::Token,
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    parts::{Part, Parts},
    rendition::RenditionRecord,
};
use crate::{
    mux::record::{TrackRecord, TrackRecorder},
    settings::source::Limits,
};

/// Content of a playlist, with the files that it names.
struct Playlist {
    header: Option<Part>,
    segments: Vec<(Part, Timestamp)>,
    target: i64,
    is_ended: bool,
}

/// What reading a package again has found.
#[derive(Default)]
pub struct Verified {
    /// The comparisons with the records.
    pub checks: Vec<Check>,
    /// SHA-256 of the files of video and audio, by their paths, if they were asked for.
    pub hashes: BTreeMap<PathBuf, String>,
}

/// Reads the package in `folder` and compares it with `records`.
///
/// # Errors
/// `Io` if a file is missing or cannot be read, `Verification` if a file is not a valid playlist or segment. A
/// difference from the records is not an error but a failed check.
pub fn verify(folder: &Path, records: &[RenditionRecord], hash: bool, token: &Token) -> Result<Verified> {
    let mut verified = Verified::default();
    let master = text_of(&folder.join(MASTER))?;
    let manifest = text_of(&folder.join(MANIFEST))?;
    for record in records {
        let address = format!("{}/{PLAYLIST}", record.id);
        let named = master.lines().any(|line| line == address || line.contains(&format!("URI=\"{address}\"")));
        verified.checks.push(Check::equal(format!("{}: in the playlist of all", record.id), true, named));
        let named = manifest.contains(&format!("<Representation id=\"{}\"", record.id));
        verified.checks.push(Check::equal(format!("{}: in the manifest", record.id), true, named));
        let playlist = read_playlist(&folder.join(&record.id))?;
        verified.checks.push(Check::equal(
            format!("{}: segments", record.id),
            record.segments,
            playlist.segments.len() as u64,
        ));
        verified.checks.push(Check::equal(format!("{}: playlist is complete", record.id), true, playlist.is_ended));
        let micros: i64 = playlist.segments.iter().map(|(_, duration)| duration.ticks).sum();
        verified.checks.push(Check::equal(
            format!("{}: duration in microseconds", record.id),
            record.duration.micros(),
            micros,
        ));
        let second = TimeBase::new(1, 1);
        let longest = playlist.segments.iter().map(|(_, duration)| duration.rescale(second)).max().unwrap_or(0);
        let holds = longest <= playlist.target;
        verified.checks.push(Check {
            name: format!("{}: longest segment", record.id),
            expected: format!("{} s at the most", playlist.target),
            found: format!("{longest} s"),
            ok: holds,
        });
        let found = match record.track.kind {
            StreamKind::Subtitle => texts(folder, record, &playlist, &mut verified.checks)?,
            _ => media(record, &playlist, &mut verified, hash, token)?,
        };
        compare(record, &found, &mut verified.checks);
    }
    Ok(verified)
}

fn compare(record: &RenditionRecord, found: &TrackRecord, checks: &mut Vec<Check>) {
    let expected = &record.track;
    let mut equal = |what: &str, expected: &dyn ToString, found: &dyn ToString| {
        checks.push(Check::equal(format!("{}: {what}", record.id), expected.to_string(), found.to_string()));
    };
    let micros = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| time.micros().to_string());
    equal("codec", &expected.codec, &found.codec);
    equal("packets", &expected.packets, &found.packets);
    equal("essence", &expected.essence, &found.essence);
    equal("presentation times", &expected.times, &found.times);
    equal("first packet", &micros(expected.start), &micros(found.start));
    equal("last packet", &micros(expected.last), &micros(found.last));
    if expected.kind == StreamKind::Video {
        equal("keyframes", &expected.keyframes, &found.keyframes);
        equal("frames with captions", &expected.extras.captions, &found.extras.captions);
        equal("frames with Dolby Vision", &expected.extras.dolby_vision, &found.extras.dolby_vision);
        equal("frames with HDR10+", &expected.extras.hdr10_plus, &found.extras.hdr10_plus);
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |error| Error::io(Stage::Verify, path, "cannot be read back", error)
}

fn wrong(path: &Path, detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(path)
}

fn text_of(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(unreadable(path))
}

/// Reads the playlist of a rendition.
fn read_playlist(folder: &Path) -> Result<Playlist> {
    let path = folder.join(PLAYLIST);
    let text = text_of(&path)?;
    let read = hls::read::playlist(&text);
    let read = read.map_err(|line| wrong(&path, format!("the line '{line}' makes no sense")))?;
    let part = |part: hls::read::Part<'_>| -> Result<Part> {
        let file = folder.join(part.name);
        let size = fs::metadata(&file).map_err(unreadable(&file))?.len();
        let Some(range) = part.range else { return Ok(Part { path: file, from: 0, length: size }) };
        let (length, from) = (range.length, range.from);
        match range.end() {
            Some(end) if end <= size => Ok(Part { path: file, from, length }),
            _ => Err(wrong(&file, format!("has {size} bytes; a playlist names {length} from {from}"))),
        }
    };
    let segments = read.segments.into_iter().map(|(segment, duration)| Ok((part(segment)?, duration)));
    Ok(Playlist {
        header: read.header.map(part).transpose()?,
        segments: segments.collect::<Result<_>>()?,
        target: read.target,
        is_ended: read.is_ended,
    })
}

/// The checks of segments, in their order.
struct Segments {
    is_video: bool,
    shift: u64,
    /// The tick at which the next segment begins.
    next: Option<u64>,
}

impl Segments {
    fn check(&mut self, index: usize, part: &Part, bytes: &[u8]) -> Result<()> {
        let facts = fragment::read(bytes).ok_or_else(|| wrong(&part.path, "is no whole segment"))?;
        if facts.sequence as usize != index + 1 {
            return Err(wrong(&part.path, format!("is segment {}, not {}", facts.sequence, index + 1)));
        }
        if let Some(expected) = self.next.filter(|expected| *expected != facts.decode_time) {
            let detail = format!("begins at tick {}; the one before ends at {expected}", facts.decode_time);
            return Err(wrong(&part.path, detail));
        }
        if !facts.starts_with_sync {
            return Err(wrong(&part.path, "does not begin with a keyframe"));
        }
        if self.is_video && u64::try_from(facts.earliest).ok() != facts.decode_time.checked_add(self.shift) {
            return Err(wrong(&part.path, "shows a frame before it begins, or none when it begins"));
        }
        self.next = facts.decode_time.checked_add(facts.duration);
        Ok(())
    }
}

/// Reads all packets of a rendition, and checks its segments on the way.
fn media(
    record: &RenditionRecord,
    playlist: &Playlist,
    verified: &mut Verified,
    hash: bool,
    token: &Token,
) -> Result<TrackRecord> {
    let Some(init) = &playlist.header else {
        return Err(Error::new(ErrorKind::Verification, Stage::Verify, format!("{}: no header", record.id)));
    };
    let codecs_found = Arc::new(Mutex::new(String::new()));
    let found = Arc::clone(&codecs_found);
    let is_video = record.track.kind == StreamKind::Video;
    let mut segments = Segments { is_video, shift: 0, next: None };
    let check = move |index: usize, part: &Part, bytes: &[u8]| match index {
        0 => {
            segments.shift = u64::from(header::shift_of(bytes));
            *found.lock().unwrap_or_else(PoisonError::into_inner) = codecs::in_header(bytes).unwrap_or_default();
            Ok(())
        }
        _ => segments.check(index - 1, part, bytes),
    };
    let parts = std::iter::once(init.clone()).chain(playlist.segments.iter().map(|(part, _)| part.clone()));
    let parts = Parts::new(parts.collect(), hash, token, Box::new(check));
    let packets = read_packets(Box::new(parts.clone()), "mov,mp4,m4a,3gp,3g2,mj2", &init.path);
    // A wrong segment is the cause of an error of the demuxer.
    verified.hashes.extend(parts.finish(|path, error| unreadable(path)(error))?);
    let name = codecs_found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected = record.codecs.clone().unwrap_or_default();
    verified.checks.push(Check::equal(format!("{}: codecs", record.id), expected, name));
    packets
}

/// Reads the complete text file, and compares it with the cues in the segments.
fn texts(folder: &Path, record: &RenditionRecord, playlist: &Playlist, checks: &mut Vec<Check>) -> Result<TrackRecord> {
    let path = folder.join(&record.id).join(WHOLE_TEXT);
    let cues = |text: &str| -> BTreeSet<String> { webvtt::blocks(text).map(str::to_owned).collect() };
    let whole = cues(&text_of(&path)?);
    let mut parts = BTreeSet::new();
    for (part, _) in &playlist.segments {
        parts.extend(cues(&text_of(&part.path)?));
    }
    checks.push(Check::equal(format!("{}: cues in segments", record.id), whole.len(), parts.len()));
    checks.push(Check::equal(format!("{}: equal cues in segments", record.id), true, whole == parts));
    let file = File::open(&path).map_err(unreadable(&path))?;
    read_packets(Box::new(file), "webvtt", &path)
}

/// Makes the record of the single stream in `reader`.
fn read_packets(reader: Box<dyn ReadSeek>, demuxer: &str, path: &Path) -> Result<TrackRecord> {
    let limits = Limits::default();
    let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
    let (state, sink) = (Arc::new(IoState::default()), Sink::new());
    let opened = Input::open(reader, Arc::clone(&state), sink, "", bounds, None, |name| name == demuxer);
    let mut input = opened.map_err(|error| match error {
        OpenError::Failed(code) => wrong(path, format!("cannot be read back: {code}")),
        OpenError::Unrecognised | OpenError::Refused(_) => wrong(path, "is not recognised any more"),
    })?;
    let failed = |code| wrong(path, format!("cannot be read back: {code}")).caused_by(code);
    input.find_streams(bounds).map_err(failed)?;
    let streams = input.streams();
    let [facts] = streams.as_slice() else {
        return Err(wrong(path, format!("holds {} streams, not one", streams.len())));
    };
    let mut record = TrackRecorder::new(&facts.parameters, facts.time_base);
    while let Some(packet) = input.read().map_err(failed)? {
        record.enter(&packet);
    }
    state.take_error().map_or(Ok(()), |error| Err(unreadable(path)(error)))?;
    Ok(record.close())
}
