//! Compares the file with what the encoders emitted: streams, packets, times, compressed bytes, colour.

use std::path::Path;

use super::display;
use crate::{
    encode::nal::NalCodec,
    error::{Error, ErrorKind, Result, Stage},
    ffi::stream::{StreamFacts, StreamKind},
    media::{
        color::{Color, Range},
        extras::ExtrasCount,
        format::{Chroma, PictureFormat},
        time::{Rational, TimeBase, Timestamp},
    },
    mux::record::{Bookkeeper, TrackRecord},
    pipeline::cancel::Token,
    report::Check,
    source::{Limits, Source},
    spec::{
        job::Container,
        plan::{Plan, VideoPlan},
        video::Encoder,
    },
};

/// What reading the file again gave.
pub struct Structure {
    /// Everything that was compared.
    pub checks: Vec<Check>,
    /// Packets of the picture track.
    pub pictures: Option<u64>,
    /// Seconds by which sound ends after the picture.
    pub drift_seconds: Option<f64>,
}

impl Structure {
    /// # Errors
    /// `Verification` with every check that failed.
    pub fn hold(&self, path: &Path) -> Result<()> {
        let failed: Vec<String> = self
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| format!("{}: expected {}, found {}", check.name, check.expected, check.found))
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Verification, Stage::Verify, failed.join("; ")).in_file(path))
    }
}

/// Reads every packet of `path` and keeps its books.
pub(crate) fn read_back(path: &Path, token: &Token) -> Result<(Vec<StreamFacts>, Vec<TrackRecord>)> {
    let mut source = Source::open(path, Limits::default())?;
    let streams = source.streams().to_vec();
    let mut books: Vec<Bookkeeper> =
        streams.iter().map(|stream| Bookkeeper::new(&stream.parameters, stream.time_base)).collect();
    loop {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        match source.read() {
            Ok(Some(packet)) => {
                if let Some(books) = books.get_mut(packet.stream()) {
                    books.enter(&packet);
                }
            }
            Ok(None) => break,
            Err(code) => {
                return Err(Error::new(ErrorKind::Verification, Stage::Verify, format!("cannot be read back: {code}"))
                    .in_file(path)
                    .caused_by(code));
            }
        }
    }
    Ok((streams, books.into_iter().map(Bookkeeper::close).collect()))
}

/// Compares the file at `path` with `plan` and with the books of what was written.
///
/// # Errors
/// Those of opening and reading; a difference is not an error here but a check that does not hold.
pub(crate) fn compare(path: &Path, plan: &Plan, written: &[TrackRecord], token: &Token) -> Result<Structure> {
    let (streams, found) = read_back(path, token)?;
    let file = Source::open(path, Limits::default())?;
    let mut checks = Checks::default();
    // Movie containers keep what they cannot place as data streams (a timecode track, say); only A/V tracks count.
    let media: Vec<(&StreamFacts, &TrackRecord)> = streams
        .iter()
        .zip(&found)
        .filter(|(stream, _)| matches!(stream.kind, StreamKind::Video | StreamKind::Audio))
        .collect();
    checks.equal("tracks", written.len(), media.len());
    let mut pictures = None;
    let mut ends: Vec<(StreamKind, Timestamp)> = Vec::new();
    for (index, (expected, (facts, found))) in written.iter().zip(&media).enumerate() {
        let name = |what: &str| format!("track {index} {what}");
        checks.equal(&name("codec"), &expected.codec, &found.codec);
        checks.equal(&name("essence"), &expected.essence, &found.essence);
        if facts.kind == StreamKind::Video {
            pictures = Some(found.packets);
            checks.equal(&name("pictures"), expected.packets, found.packets);
            checks.equal(&name("keyframes"), expected.keyframes, found.keyframes);
            // A player would start after them.
            checks.equal(&name("pictures that an edit list hides"), 0, found.hidden);
            checks.equal(&name("presentation times"), &expected.times, &found.times);
            let (extras, carried) = (expected.extras, found.extras);
            if extras != ExtrasCount::default() {
                checks.equal(&name("pictures with captions"), extras.captions, carried.captions);
                checks.equal(&name("pictures with Dolby Vision"), extras.dolby_vision, carried.dolby_vision);
                checks.equal(&name("pictures with HDR10+"), extras.hdr10_plus, carried.hdr10_plus);
            }
        } else if !expected.codec.starts_with("pcm_") {
            // PCM has no packets of its own: a container cuts it as it likes.
            checks.equal(&name("packets"), expected.packets, found.packets);
        }
        let millis = tolerance(plan.container, facts);
        checks.near(&name("first packet"), expected.start, found.start, millis);
        checks.near(&name("last packet"), expected.last, found.last, millis);
        ends.extend(end_of(expected, found).map(|end| (facts.kind, end)));
        if let Some(video) = plan.video.as_ref().filter(|_| facts.kind == StreamKind::Video) {
            check_video(&mut checks, &name, video, facts);
            display::check(&mut checks, &name, video, plan.container, &file, facts);
        }
        if let Some(audio) = plan.audio.get(index.wrapping_sub(written.len() - plan.audio.len())) {
            checks.equal(&name("sample rate"), audio.sample_rate, facts.sample_rate);
            let language = facts.metadata.iter().find(|(key, _)| key == "language").map(|(_, value)| value.as_str());
            let language = language.filter(|language| *language != "und");
            // MP4 and MOV hold three letters; a longer tag (en-GB) is not theirs to keep.
            if audio.language.as_ref().is_some_and(|language| language.len() == 3) {
                checks.equal(&name("language"), audio.language.as_deref().unwrap_or(""), language.unwrap_or(""));
            }
        }
    }
    let last = |kind| ends.iter().filter(|(of, _)| *of == kind).map(|(_, end)| *end).max();
    let drift_seconds = last(StreamKind::Audio)
        .zip(last(StreamKind::Video))
        .map(|(audio, video)| (audio.micros() - video.micros()) as f64 / 1e6);
    Ok(Structure { checks: checks.0, pictures, drift_seconds })
}

/// When a track ends: the last packet as it was found, for as long as it was written. The length of a last packet that
/// starts late or was reordered is not what libavformat's MP4 reader tells.
fn end_of(written: &TrackRecord, found: &TrackRecord) -> Option<Timestamp> {
    let (end, last, found) = (written.end?, written.last?, found.last?);
    let micro = TimeBase::new(1, 1_000_000);
    Some(Timestamp::new(found.rescale(micro) + end.rescale(micro) - last.rescale(micro), micro))
}

/// Milliseconds that a time may be off: Matroska counts milliseconds, and PCM has no packets of its own, so that a
/// container may end with another piece of it.
fn tolerance(container: Container, facts: &StreamFacts) -> i64 {
    const PIECE: i64 = 100;
    match facts.kind {
        _ if facts.codec.starts_with("pcm_") => PIECE,
        StreamKind::Video if container != Container::Matroska => 0,
        StreamKind::Video => 1,
        _ => 2,
    }
}

fn check_video(checks: &mut Checks, name: &dyn Fn(&str) -> String, plan: &VideoPlan, found: &StreamFacts) {
    checks.equal(&name("size"), format!("{}x{}", plan.width, plan.height), format!("{}x{}", found.width, found.height));
    let format = crate::ffi::pixel::PixelFormat::from_raw(found.format);
    let mut picture = format.and_then(|format| format.samples());
    if plan.encoder == Encoder::X264 && plan.format.chroma == Chroma::C400 {
        // libavcodec's H.264 decoder shows a picture without chroma as one with grey chroma.
        picture = picture.map(|found| PictureFormat { chroma: Chroma::C400, ..found });
    }
    if plan.encoder == Encoder::Prores {
        // The decoder gives the 10 bits that went in 12 bits to live in, and alpha 16.
        picture = picture.map(|found| PictureFormat { depth: plan.format.depth, ..found });
    }
    let expected = plan.format.to_string();
    checks.equal(&name("format"), expected, picture.map_or_else(|| "unknown".to_owned(), |found| found.to_string()));
    if NalCodec::from_name(&found.codec).is_some() {
        let color = Color { range: limited(plan.color.range), ..plan.color };
        let mut seen = Color { range: limited(found.color.range), ..found.color };
        if !color.chroma_location.eq(&seen.chroma_location) && color.chroma_location == Default::default() {
            // Decoders fill in the standard's default where the stream says nothing.
            seen.chroma_location = color.chroma_location;
        }
        checks.equal(&name("colour"), describe(&color), describe(&seen));
    }
    let square = |aspect: Rational| if aspect.is_positive() { aspect } else { Rational::new(1, 1) };
    checks.equal(&name("sample aspect"), square(plan.sample_aspect), square(found.sample_aspect));
}

/// A stream that says nothing about its range is read as limited.
fn limited(range: Range) -> Range {
    if range == Range::Full { Range::Full } else { Range::Limited }
}

fn describe(color: &Color) -> String {
    let Color { primaries, transfer, matrix, range, chroma_location } = color;
    format!("{primaries}/{transfer}/{matrix}, {range}, {chroma_location}")
}

/// What was compared so far.
#[derive(Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    pub(super) fn equal<T: ToString>(&mut self, name: &str, expected: T, found: T) {
        self.0.push(Check::equal(name, expected, found));
    }

    fn near(&mut self, name: &str, expected: Option<Timestamp>, found: Option<Timestamp>, millis: i64) {
        let text = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| time.to_string());
        let ok = match (expected, found) {
            (Some(expected), Some(found)) => {
                let micro = TimeBase::new(1, 1_000_000);
                (expected.rescale(micro) - found.rescale(micro)).abs() <= millis * 1000
            }
            (None, None) => true,
            _ => false,
        };
        self.0.push(Check { name: name.to_owned(), expected: text(expected), found: text(found), ok });
    }
}
