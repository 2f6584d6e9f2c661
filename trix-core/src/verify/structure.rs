//! Compares the file with the output of the encoders: streams, packets, times, packet bytes, colour.

use std::path::Path;

use trix_av::stream::{StreamFacts, StreamKind};
use trix_bitstream::nal::NalCodec;
use trix_model::{
    check::Check,
    color::{Color, Range},
    control::cancel::Token,
    error::{Error, ErrorKind, Result, Stage},
    extras::ExtrasCount,
    format::{Chroma, FrameFormat},
    time::{Rational, TimeBase, Timestamp},
};

use super::{display, metadata};
use crate::{
    mux::record::{TrackRecord, TrackRecorder},
    plan::{OutputPlan, VideoPlan},
    settings::{container::Container, video::Encoder},
    source::Source,
    verify::checks::Checks,
};

/// The result of reading the file back.
pub struct Structure {
    /// All comparisons.
    pub checks: Vec<Check>,
    /// Packets of the video track.
    pub frames: Option<u64>,
    /// Seconds by which audio ends after the video.
    pub drift_seconds: Option<f64>,
    /// SHA-256 of the file, if requested: 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// The difference between the clock of the file and that of the output.
    pub(crate) clock: Clock,
}

impl Structure {
    /// # Errors
    /// `Verification` with every failed check.
    pub fn hold(&self, path: &Path) -> Result<()> {
        match Check::failed(&self.checks) {
            Some(failed) => Err(Error::new(ErrorKind::Verification, Stage::Verify, failed).in_file(path)),
            None => Ok(()),
        }
    }
}

/// A file that was read back, with the records of its tracks.
pub(crate) struct BackRead {
    pub(crate) source: Source,
    pub(crate) found: Vec<TrackRecord>,
    pub(crate) sha256: Option<String>,
}

/// Reads every packet of `path` and records its tracks. With `hash`, hashes the bytes during the same reading.
pub(crate) fn read_back(path: &Path, hash: bool, token: &Token) -> Result<BackRead> {
    let mut source = Source::open(path)?.with_own_times();
    let hasher = hash.then(|| source.hash_source());
    source.goes_through();
    let mut record: Vec<TrackRecorder> =
        source.streams().iter().map(|stream| TrackRecorder::new(&stream.parameters, stream.time_base)).collect();
    loop {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        match source.read() {
            Ok(Some(packet)) => {
                if let Some(record) = record.get_mut(packet.stream()) {
                    record.enter(&packet);
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
    let fixity = hasher.map(|hasher| hasher.finish(token.caller())).transpose();
    let sha256 = fixity.map_err(|error| not_hashed(path, error))?.map(|fixity| fixity.sha256);
    Ok(BackRead { source, found: record.into_iter().map(TrackRecorder::close).collect(), sha256 })
}

/// The error for a file that was just written and cannot be hashed.
fn not_hashed(path: &Path, error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::Cancelled => return Error::cancelled(Stage::Verify),
        ErrorKind::Io => ErrorKind::Io,
        _ => ErrorKind::Verification,
    };
    Error::new(kind, Stage::Verify, format!("cannot be hashed: {error}")).in_file(path).caused_by(error)
}

/// Compares the file at `path` with `plan` and with the records of what was written. With `hash`, also hashes it.
///
/// # Errors
/// Errors of opening and reading. A difference is no error, but a failed check.
pub(crate) fn compare(
    path: &Path,
    plan: &OutputPlan,
    written: &[TrackRecord],
    hash: bool,
    token: &Token,
) -> Result<Structure> {
    let BackRead { source, found, sha256 } = read_back(path, hash, token)?;
    let streams = source.streams();
    let mut checks = Checks::default();
    let is_track = |stream: &StreamFacts| match stream.kind {
        StreamKind::Video => !stream.is_attached_picture,
        StreamKind::Audio | StreamKind::Subtitle => true,
        // MP4 and MOV store time code and chapters as data streams. Attachments are compared separately.
        StreamKind::Data | StreamKind::Attachment => false,
    };
    let media: Vec<(&StreamFacts, &TrackRecord)> =
        streams.iter().zip(&found).filter(|(stream, _)| is_track(stream)).collect();
    checks.equal("tracks", written.len(), media.len());
    let clock = own_clock(plan.container, written, &media);
    let mut frames = None;
    let mut ends: Vec<(StreamKind, Timestamp)> = Vec::new();
    for (index, (expected, (facts, found))) in written.iter().zip(&media).enumerate() {
        let name = |what: &str| format!("track {index} {what}");
        checks.equal(&name("codec"), written_as(plan.container, &expected.codec), &found.codec);
        checks.equal(&name("essence"), &expected.essence, &found.essence);
        let counted = match facts.kind {
            StreamKind::Video => {
                frames = Some(found.packets);
                checks.equal(&name("keyframes"), expected.keyframes, found.keyframes);
                // A player would begin after the hidden frames.
                checks.equal(&name("frames that an edit list hides"), 0, found.hidden);
                let (wanted, seen) = (expected.extras, found.extras);
                if wanted != ExtrasCount::default() {
                    checks.equal(&name("frames with captions"), wanted.captions, seen.captions);
                    checks.equal(&name("frames with Dolby Vision"), wanted.dolby_vision, seen.dolby_vision);
                    checks.equal(&name("frames with HDR10+"), wanted.hdr10_plus, seen.hdr10_plus);
                }
                // A file that states Dolby Vision without its units would be shown with wrong colours.
                if plan.video.as_ref().is_some_and(|video| video.dolby_vision.is_some()) {
                    let found = seen.dolby_vision.to_string();
                    checks.judged(&name("units of Dolby Vision"), "some".to_owned(), found, seen.dolby_vision > 0);
                }
                if plan.container.is_matroska() {
                    checks.equal(&name("frames with alpha"), wanted.alpha_layer, seen.alpha_layer);
                }
                Some("frames")
            }
            StreamKind::Subtitle => Some("subtitles"),
            // PCM has no packets of its own: each container cuts it in its own way.
            _ => (!expected.codec.starts_with("pcm_")).then_some("packets"),
        };
        if let Some(what) = counted {
            checks.equal(&name(what), expected.packets, found.packets);
        }
        if facts.kind != StreamKind::Audio {
            checks.equal(&name("presentation times"), &expected.times, &found.times);
        }
        let micros = tolerance(plan.container, facts);
        let shifted = |time: Option<Timestamp>| time.map(|time| clock.apply(time));
        checks.near(&name("first packet"), expected.start, shifted(found.start), micros);
        checks.near(&name("last packet"), expected.last, shifted(found.last), micros);
        if facts.kind == StreamKind::Subtitle && !expected.codec.starts_with("dvb_") {
            checks.near(&name("end"), expected.end, shifted(found.end), micros);
        }
        ends.extend(end_of(expected, found).map(|end| (facts.kind, end)));
        if let Some(video) = plan.video.as_ref().filter(|_| facts.kind == StreamKind::Video) {
            check_video(&mut checks, &name, video, plan.container, facts);
            display::check(&mut checks, &name, video, plan.container, &source, facts);
        }
        let place = media[..index].iter().filter(|(other, _)| other.kind == facts.kind).count();
        if let Some(audio) = plan.audio.get(place).filter(|_| facts.kind == StreamKind::Audio) {
            checks.equal(&name("sample rate"), audio.sample_rate, facts.sample_rate);
        }
        if let Some(tags) = metadata::source_of(plan, facts.kind, place).map(|stream| plan.tags(stream)) {
            metadata::check_tags(&mut checks, &name, plan.container, &tags, facts);
        }
    }
    metadata::check(&mut checks, plan, &source);
    let last = |kind| ends.iter().filter(|(of, _)| *of == kind).map(|(_, end)| *end).max();
    let drift_seconds = last(StreamKind::Audio)
        .zip(last(StreamKind::Video))
        .map(|(audio, video)| (audio.micros() - video.micros()) as f64 / 1e6);
    Ok(Structure { checks: checks.0, frames, drift_seconds, sha256, clock })
}

/// The name that libavformat reads back for a codec: MP4 and MOV have one name for layers II and III of MPEG audio
/// (ISO/IEC 14496-1, object types 0x69 and 0x6b).
fn written_as(container: Container, codec: &str) -> &str {
    if codec == "mp2" && container == Container::Mp4 { "mp3" } else { codec }
}

/// The difference between the clock of a file and that of the output. A transport stream starts its clock where its
/// buffer allows, and no decoding time may be below zero. One difference applies to all tracks, so they stay
/// synchronous.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    ahead: Timestamp,
}

impl Clock {
    /// Converts a time of the file to the clock of the output.
    pub(crate) fn apply(&self, time: Timestamp) -> Timestamp {
        Timestamp::new(time.ticks.saturating_sub(self.ahead.rescale(time.base)), time.base)
    }
}

fn own_clock(container: Container, written: &[TrackRecord], found: &[(&StreamFacts, &TrackRecord)]) -> Clock {
    let first = written.first().and_then(|track| track.start).zip(found.first().and_then(|(_, track)| track.start));
    let ahead = match first.filter(|_| container.is_transport_stream() || container == Container::Mxf) {
        Some((written, found)) => Timestamp::new(found.ticks.saturating_sub(written.rescale(found.base)), found.base),
        None => Timestamp::new(0, TimeBase::new(1, 1)),
    };
    Clock { ahead }
}

/// The end of a track: the found time of its last packet, plus the written duration. libavformat's MP4 reader reports
/// another duration for a last packet that starts late or was reordered.
fn end_of(written: &TrackRecord, found: &TrackRecord) -> Option<Timestamp> {
    let (end, last, found) = (written.end?, written.last?, found.last?);
    let micro = TimeBase::new(1, 1_000_000);
    Some(Timestamp::new(found.rescale(micro) + end.rescale(micro) - last.rescale(micro), micro))
}

/// The tolerance of times in microseconds. Video and subtitles are exact in the ticks of their container. Matroska
/// rounds audio times to milliseconds, and MPEG-TS states only the time of the first frame in a packet. PCM has no
/// packets of its own, so a container may end with a packet of another size.
fn tolerance(container: Container, facts: &StreamFacts) -> i64 {
    match facts.kind {
        _ if facts.codec.starts_with("pcm_") => 100_000,
        StreamKind::Video | StreamKind::Subtitle if container.is_transport_stream() => 12,
        StreamKind::Video | StreamKind::Subtitle => 0,
        _ => 2000,
    }
}

fn check_video(
    checks: &mut Checks,
    name: &dyn Fn(&str) -> String,
    plan: &VideoPlan,
    container: Container,
    found: &StreamFacts,
) {
    checks.equal(&name("size"), format!("{}x{}", plan.width, plan.height), format!("{}x{}", found.width, found.height));
    let format = trix_av::pixel::PixelFormat::from_raw(found.format);
    let mut frame = format.and_then(|format| format.samples());
    if plan.encoder == Encoder::X264 && plan.format.chroma == Chroma::C400 {
        // libavcodec's H.264 decoder yields grey chroma for frames without chroma.
        frame = frame.map(|found| FrameFormat { chroma: Chroma::C400, ..found });
    }
    if plan.encoder == Encoder::Prores {
        // The decoder yields 10-bit samples as 12 bits, and alpha as 16 bits.
        frame = frame.map(|found| FrameFormat { depth: plan.format.depth, ..found });
    }
    let expected = plan.format.to_string();
    checks.equal(&name("format"), expected, frame.map_or_else(|| "unknown".to_owned(), |found| found.to_string()));
    if NalCodec::from_name(&found.codec).is_some() {
        let color = Color { range: limited(plan.color.range), ..plan.color };
        let mut seen = Color { range: limited(found.color.range), ..found.color };
        if !color.chroma_location.eq(&seen.chroma_location) && color.chroma_location == Default::default() {
            // Decoders use the default of the standard if the stream states nothing.
            seen.chroma_location = color.chroma_location;
        }
        checks.equal(&name("colour"), describe(&color), describe(&seen));
    }
    let square = |aspect: Rational| if aspect.is_positive() { aspect } else { Rational::new(1, 1) };
    let (expected, seen) = (square(plan.sample_aspect), square(found.sample_aspect));
    // Matroska's display size has integers. libavformat reports their ratio with numbers up to 255.
    let rounded = container.rounds_aspect(plan.width, plan.height, expected).unwrap_or(expected);
    let near = container.is_matroska() && (seen.to_f64() / rounded.to_f64() - 1.0).abs() <= 1.0 / 200.0;
    checks.judged(&name("sample aspect"), expected, seen, near || expected == seen);
}

/// Without a stated range, a stream is read as limited.
fn limited(range: Range) -> Range {
    if range == Range::Full { Range::Full } else { Range::Limited }
}

fn describe(color: &Color) -> String {
    let Color { primaries, transfer, matrix, range, chroma_location } = color;
    format!("{primaries}/{transfer}/{matrix}, {range}, {chroma_location}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sha256_of_file;
    use trix_fixtures::Clip;
    use trix_model::control::cancel::Cancel;

    #[test]
    fn books_and_hash_come_from_one_reading() {
        // Longer than the part of a file that a source keeps in memory.
        let clip = Clip { width: 640, height: 360, frames: 120, ..Clip::default() };
        for (options, extension) in
            [("-c:v ffv1 -level 3", "mkv"), ("-c:v rawvideo", "mov"), ("-c:v mpeg2video -q:v 1", "mxf")]
        {
            let file = clip.encoded(options, extension);
            let bytes = std::fs::metadata(&file).unwrap().len();
            let cancel = Cancel::default();
            let read = read_back(&file, true, &Token::new(&cancel)).unwrap();
            assert_eq!(read.sha256, Some(sha256_of_file(&file, &cancel).unwrap()), "{extension}");
            assert_eq!(read.found[0].packets, 120, "{extension}");
            assert_eq!(read.source.disk_bytes(), bytes, "{extension}");
            assert_eq!(read_back(&file, false, &Token::new(&cancel)).unwrap().sha256, None);
        }
    }
}
