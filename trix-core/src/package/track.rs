//! The renditions of a package while they are written.
//!
//! Invariant: the segments of a rendition follow each other without gaps: each begins where the previous one ends. The
//! times of samples equal those of the packets exactly, in ticks.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use trix_av::{packet::Packet, stream::StreamKind};
use trix_bitstream::{
    cmaf::{
        boundaries::Boundaries,
        codecs, fragment,
        header::{self, Header},
        rates,
        samples::SampleForm,
    },
    manifest::{
        MediaRendition, SegmentPlace, Storage,
        names::{self, HEADER, MEDIA_SEGMENT, SINGLE},
    },
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    describe, language,
    rendition::{Rendition, RenditionRecord},
    sample_description,
};
use crate::{
    mux::{TrackSpec, record::TrackRecorder},
    settings::package::Layout,
};

/// The name of the segments of a single file until the end. The index before them has a length that depends on their
/// number.
const UNINDEXED: &str = "segments.part";

/// Writes `parts` one after the other. Only small parts are copied on the way.
fn write_parts<'a>(file: &mut File, mut parts: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut to = BufWriter::new(file);
    parts.try_for_each(|part| to.write_all(part))?;
    to.flush()
}

/// A packet that waits for the end of its segment.
struct Pending {
    pts: i64,
    duration: i64,
    key: bool,
    packet: Packet,
}

/// A video or audio rendition.
pub(super) struct MediaTrack {
    id: String,
    spec: TrackSpec,
    path: PathBuf,
    layout: Layout,
    form: SampleForm,
    timescale: u32,
    pending: Vec<Pending>,
    /// Number of boundaries already passed.
    passed: usize,
    /// Offset in ticks between media times and presentation times. Audio: the duration of the priming samples. Video:
    /// the reordering delay of the first frame.
    shift: i64,
    header: Option<Header>,
    file: Option<File>,
    at: u64,
    segments: Vec<SegmentPlace>,
    /// Required start of the next segment.
    end: Option<i64>,
    record: TrackRecorder,
}

impl MediaTrack {
    pub(super) fn new(rendition: Rendition, path: PathBuf, layout: Layout) -> Result<Self> {
        let Rendition { id, track: spec } = rendition;
        let mut timescale = u32::try_from(spec.time_base.den).unwrap_or(1);
        // Ticks of one frame each are too coarse for the calculations of players.
        while spec.parameters.kind() == StreamKind::Video && timescale < 10_000 {
            timescale *= 2;
        }
        let record = TrackRecorder::new(&spec.parameters, TimeBase::new(1, timescale.into()));
        let form = SampleForm::of(&spec.parameters.codec_name(), spec.parameters.extradata());
        let (pending, segments) = (Vec::new(), Vec::new());
        Ok(MediaTrack {
            id,
            spec,
            path,
            layout,
            form,
            timescale,
            pending,
            passed: 0,
            shift: 0,
            header: None,
            file: None,
            at: 0,
            segments,
            end: None,
            record,
        })
    }

    fn base(&self) -> TimeBase {
        TimeBase::new(1, self.timescale.into())
    }

    fn time(&self, ticks: i64) -> Timestamp {
        Timestamp::new(ticks, self.base())
    }

    fn fail(&self, kind: ErrorKind, ticks: i64, detail: &str) -> Error {
        Error::new(kind, Stage::Mux, format!("rendition {}: {detail}", self.id)).at(Some(self.time(ticks)))
    }

    pub(super) fn is_video(&self) -> bool {
        self.spec.parameters.kind() == StreamKind::Video
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Takes a packet. Returns its time if a segment can begin with it.
    pub(super) fn push(&mut self, mut packet: Packet) -> Result<Option<Timestamp>> {
        if packet.data().is_empty() {
            return Ok(None);
        }
        packet.rescale(self.spec.time_base, self.base());
        let is_video = self.is_video();
        let before = self.pending.last().map(|last| last.pts);
        let Some(pts) = packet.pts() else {
            let detail = "a packet has no time";
            return Err(self.fail(ErrorKind::MalformedInput, before.unwrap_or(0), detail));
        };
        let key = packet.is_key() || !is_video;
        if self.pending.is_empty() && self.segments.is_empty() {
            if is_video && (pts < 0 || !key) {
                let detail = "the first frame is no keyframe at or after zero";
                return Err(self.fail(ErrorKind::Unsupported, pts, detail));
            }
            self.shift = match is_video {
                true => packet.dts().map_or(0, |dts| pts.saturating_sub(dts)).max(0),
                false => pts.saturating_neg().max(0),
            };
        }
        if !is_video && before.is_some_and(|before| pts <= before) {
            return Err(self.fail(ErrorKind::MalformedInput, pts, "its times do not increase"));
        }
        self.record.enter(&packet);
        self.pending.push(Pending { pts, duration: packet.duration(), key, packet });
        Ok(key.then(|| self.time(pts)))
    }

    /// End of the last packet so far.
    pub(super) fn end(&self) -> Option<Timestamp> {
        Some(self.time(self.end_of_pending()?))
    }

    fn end_of_pending(&self) -> Option<i64> {
        let last = self.pending.iter().max_by_key(|pending| pending.pts)?;
        if last.duration > 0 {
            return last.pts.checked_add(last.duration);
        }
        // If the last packet has no duration, use one frame at the track's rate, or else the previous interval.
        let rate = self.spec.rate.filter(|rate| rate.is_positive());
        let by_rate = rate.map(|rate| Timestamp::new(1, rate.inverse()).rescale(self.base()));
        let before = self.pending.iter().map(|pending| pending.pts).filter(|pts| *pts < last.pts).max();
        Some(last.pts + by_rate.or(before.map(|before| last.pts - before)).unwrap_or(1).max(1))
    }

    /// Writes all segments whose end is known.
    pub(super) fn cut(&mut self, boundaries: &Boundaries) -> Result<()> {
        while let Some(boundary) = self.next_boundary(boundaries) {
            let ticks = boundary.rescale(self.base());
            let index = match self.is_video() {
                true => {
                    let keys = self.pending.iter().enumerate().skip(1);
                    let found = keys.into_iter().find(|(_, pending)| pending.key && pending.pts >= ticks);
                    let Some((index, key)) = found else { return Ok(()) };
                    if self.time(key.pts) != boundary {
                        return Err(self.misaligned(boundary));
                    }
                    index
                }
                false => {
                    // The first frame whose middle is at or after the boundary, that is, the frame that begins nearest
                    // to it.
                    let after = |pending: &Pending| {
                        2 * i128::from(pending.pts) + i128::from(pending.duration) >= 2 * i128::from(ticks)
                    };
                    let last = self.pending.last();
                    if !last.is_some_and(after) {
                        return Ok(());
                    }
                    self.pending.partition_point(|pending| !after(pending))
                }
            };
            // Audio that begins later has no samples for the first segments.
            if index > 0 {
                let end = self.pending[index].pts;
                self.write(index, end)?;
            }
            self.passed += 1;
        }
        Ok(())
    }

    fn next_boundary(&self, boundaries: &Boundaries) -> Option<Timestamp> {
        if self.is_video() {
            return boundaries.get(self.passed);
        }
        // The packets of audio come in the order of their times.
        let last = self.pending.last()?;
        boundaries.of_audio(self.passed, self.time(last.pts.saturating_add(last.duration)))
    }

    fn misaligned(&self, boundary: Timestamp) -> Error {
        let detail = format!(
            "rendition {} has no keyframe at {boundary}, where a segment of the first rendition begins; all of them need \
             keyframes at the same times",
            self.id
        );
        Error::new(ErrorKind::Verification, Stage::Mux, detail).at(Some(boundary))
    }

    /// Writes the first `count` pending packets as a segment that ends at `end`.
    fn write(&mut self, count: usize, end: i64) -> Result<()> {
        let rest = self.pending.split_off(count);
        let pending = std::mem::replace(&mut self.pending, rest);
        let mut shown: Vec<i64> = pending.iter().map(|pending| pending.pts).collect();
        shown.sort_unstable();
        let start = shown[0];
        if start != pending[0].pts || shown.last().is_some_and(|last| *last >= end) {
            let place = if start == pending[0].pts { end } else { start };
            let detail = "a frame is shown on the other side of the keyframe at which its segment begins or ends; \
                          segments need closed groups of pictures";
            return Err(self.fail(ErrorKind::Verification, place, detail));
        }
        if self.end.is_some_and(|end| end != start) {
            return Err(Error::bug(Stage::Mux, format!("rendition {}: a segment begins elsewhere", self.id)));
        }
        if self.header.is_none() {
            if self.is_video() {
                let early = pending.iter().zip(&shown).map(|(pending, decoded)| decoded - pending.pts);
                self.shift = self.shift.max(early.max().unwrap_or(0));
            }
            self.begin(&pending)?;
        }
        // Audio is decoded when it is presented. Video is presented later than it is decoded.
        let (early, late) = if self.is_video() { (0, self.shift) } else { (self.shift, 0) };
        let mut samples = Vec::with_capacity(pending.len());
        for (index, pending) in pending.iter().enumerate() {
            // The n-th packet in decoding order gets the n-th presentation time as its decoding time.
            let decoded = shown[index];
            let until = shown.get(index + 1).copied().unwrap_or(end);
            let [duration, offset] = [until - decoded, pending.pts - decoded + late];
            let (Ok(duration), Ok(offset)) = (u32::try_from(duration), i32::try_from(offset)) else {
                return Err(self.fail(ErrorKind::Unsupported, decoded, "a gap is longer than MP4 can state"));
            };
            if duration == 0 {
                return Err(self.fail(ErrorKind::Verification, decoded, "two frames have the same time"));
            }
            let data = self.form.sample(pending.packet.data());
            let data = data.map_err(|why| self.fail(ErrorKind::Unsupported, pending.pts, why))?;
            samples.push(fragment::Sample { data, duration, offset, sync: pending.key });
        }
        let sequence = u32::try_from(self.segments.len() + 1).unwrap_or(u32::MAX);
        let decode_time = u64::try_from(start + early).unwrap_or(0);
        let fragment::Segment { head, bytes, first_sample_end } = fragment::write(sequence, decode_time, &samples)?;
        let data = samples.iter().flat_map(|sample| &sample.data).map(AsRef::as_ref);
        let parts = std::iter::once(&head[..]).chain(data);
        let at = match &mut self.file {
            Some(file) => {
                write_parts(file, parts).map_err(|error| unwritable(&self.path, error))?;
                self.at
            }
            None => {
                let path = self.path.join(names::segment(self.segments.len(), MEDIA_SEGMENT));
                let written = File::create(&path).and_then(|mut file| write_parts(&mut file, parts));
                written.map_err(|error| unwritable(&path, error))?;
                0
            }
        };
        self.at += bytes;
        let presented = start.max(0);
        let duration = u64::try_from(end - presented).unwrap_or(0);
        self.segments.push(SegmentPlace { start: presented, duration, at, bytes, key_bytes: first_sample_end });
        self.end = Some(end);
        Ok(())
    }

    /// Writes the header, with the sample description from the first segment.
    fn begin(&mut self, pending: &[Pending]) -> Result<()> {
        let unshifted = |_| self.fail(ErrorKind::Unsupported, -self.shift, "it begins too long before zero");
        let shift = u32::try_from(self.shift).map_err(unshifted)?;
        // One second is enough for every codec whose frames contain its description.
        let enough = pending.partition_point(|one| one.pts < pending[0].pts + i64::from(self.timescale)).max(1);
        let shared = |pending: &Pending| pending.packet.shared();
        let first: Vec<Packet> = pending[..enough.min(pending.len())]
            .iter()
            .map(shared)
            .collect::<std::result::Result<_, _>>()
            .map_err(|code| Error::bug(Stage::Mux, format!("no memory for a packet: {code}")))?;
        let content = describe::content(&self.spec);
        let header = sample_description::of(&self.spec, &first).and_then(|description| {
            Header::new(&header::Track {
                content: &content,
                timescale: self.timescale,
                shift,
                language: &language::three_letters(&self.spec),
                description: &description,
            })
        });
        let header = header.map_err(|error| error.at(Some(self.time(pending[0].pts))))?;
        if self.layout == Layout::Single {
            let path = self.path.join(UNINDEXED);
            self.file = Some(File::create_new(&path).map_err(|error| unwritable(&path, error))?);
        }
        self.header = Some(header);
        Ok(())
    }

    /// Writes the last segment.
    pub(super) fn finish(mut self: Box<Self>, boundaries: &Boundaries) -> Result<Box<Self>> {
        if let Some(boundary) = boundaries.get(self.passed).filter(|_| self.is_video()) {
            return Err(self.misaligned(boundary));
        }
        if let Some(end) = self.end_of_pending() {
            self.write(self.pending.len(), end)?;
        }
        if self.segments.is_empty() {
            let detail = format!("rendition {}: there is nothing in it", self.id);
            return Err(Error::new(ErrorKind::Verification, Stage::Mux, detail));
        }
        Ok(self)
    }

    /// The start times of all segments, and the end of the last.
    pub(super) fn edges(&self) -> Vec<Timestamp> {
        let starts = self.segments.iter().map(|segment| self.time(segment.start));
        starts.chain(self.end.map(|end| self.time(end))).collect()
    }

    /// The duration of each segment.
    pub(super) fn durations(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.segments.iter().map(|segment| self.time(i64::try_from(segment.duration).unwrap_or(i64::MAX)))
    }

    /// Writes the single file: header, index, segments.
    fn join(&mut self, header: &[u8]) -> Result<()> {
        let index = fragment::index(&self.segments, self.timescale)?;
        let (from, path) = (self.path.join(UNINDEXED), self.path.join(SINGLE));
        let copy = || {
            let mut file = File::create_new(&path)?;
            file.write_all(header)?;
            file.write_all(&index)?;
            io::copy(&mut File::open(&from)?, &mut file)?;
            fs::remove_file(&from)
        };
        copy().map_err(|error| unwritable(&path, error))?;
        let before = (header.len() + index.len()) as u64;
        self.segments.iter_mut().for_each(|segment| segment.at += before);
        Ok(())
    }

    /// Enters the final values into the header. `target` is the target duration in seconds.
    pub(super) fn complete(self: Box<Self>, target: u64) -> Result<(RenditionRecord, MediaRendition)> {
        let mut this = *self;
        let weights: Vec<rates::Weight> =
            this.segments.iter().map(|segment| (segment.bytes, segment.duration)).collect();
        let average = rates::average(&weights, this.timescale);
        let peak = rates::peak(&weights, this.timescale, target);
        let bug = || Error::bug(Stage::Mux, "a rendition without a header");
        let mut header = this.header.take().ok_or_else(bug)?;
        let (start, end) = (this.segments[0].start, this.end.unwrap_or(0));
        let millis = this.time(end).rescale(TimeBase::new(1, 1000));
        header.complete(u64::try_from(millis).unwrap_or(0), average, peak);
        match this.layout {
            Layout::Files => {
                let path = this.path.join(HEADER);
                fs::write(&path, header.bytes()).map_err(|error| unwritable(&path, error))?;
            }
            Layout::Single => this.join(header.bytes())?,
        }
        let codecs = codecs::name(header.entry()).ok_or_else(|| {
            let detail = format!("rendition {}: its codec has no name in playlists", this.id);
            Error::new(ErrorKind::Unsupported, Stage::Mux, detail)
        })?;
        let base = this.base();
        let record = RenditionRecord {
            id: this.id,
            codecs: Some(codecs.clone()),
            segments: this.segments.len() as u64,
            start: Timestamp::new(start, base),
            duration: Timestamp::new(end - start, base),
            peak_bit_rate: peak,
            average_bit_rate: average,
            track: this.record.close(),
        };
        let rendition = MediaRendition {
            description: describe::description(&this.spec, &record),
            content: describe::content(&this.spec),
            codecs,
            has_captions: record.track.extras.captions > 0,
            storage: match this.layout {
                Layout::Files => Storage::Files,
                Layout::Single => Storage::Single { header_bytes: header.bytes().len() as u64 },
            },
            timescale: this.timescale,
            segments: this.segments,
        };
        Ok((record, rendition))
    }
}

/// Checks that all video renditions have equal segment boundaries.
///
/// # Errors
/// `Verification` with the first rendition that differs.
pub(super) fn check_alignment(tracks: &[Box<MediaTrack>]) -> Result<()> {
    let mut frames = tracks.iter().filter(|track| track.is_video());
    let Some(lead) = frames.next() else { return Ok(()) };
    for other in frames {
        for (ours, theirs) in lead.edges().into_iter().zip(other.edges()) {
            if ours != theirs {
                let detail = format!("rendition {} has {theirs} where {} has {ours}", other.id, lead.id);
                return Err(Error::new(ErrorKind::Verification, Stage::Mux, detail).at(Some(theirs)));
            }
        }
    }
    Ok(())
}

/// An error of writing.
pub(super) fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::io(Stage::Mux, path, "cannot be written", error)
}
