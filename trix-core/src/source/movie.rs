//! Reads the parts of an MP4 or MOV header that libavformat does not expose: edit lists, track headers, the index.
//!
//! Invariant: each length is checked against the enclosing box, and each table against a limit. A header that makes no
//! sense yields less data, never an error. Sources: ISO/IEC 14496-12:2020, QuickTime File Format (Apple, 2016).

use std::io::{Read, Seek};

use serde::{Deserialize, Serialize};
use trix_av::stream::StreamFacts;
use trix_bitstream::{
    boxes::{u32_at, u64_at},
    sample_entry::{aperture, bit_rates, joint_objects},
};
use trix_model::{
    intervals::Intervals,
    time::{Rational, Timestamp},
};

use super::boxes::{self, BoxRange, SIBLINGS, bytes, content, inside, times};

/// The header of the file as a whole.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Movie {
    /// The duration according to the movie header.
    pub(crate) duration: Option<Timestamp>,
    /// True if fragments with more frames follow. This index does not list those frames.
    pub(crate) is_fragmented: bool,
    /// The tracks, in file order.
    pub(crate) tracks: Vec<Track>,
}

/// The header of one track.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Track {
    /// The track number.
    pub(crate) id: u32,
    /// Display width and height before rotation, in 65536ths.
    pub(crate) shown: Option<(u32, u32)>,
    /// The duration according to the track header.
    pub(crate) duration: Option<Timestamp>,
    /// The duration according to the media header.
    pub(crate) media_duration: Option<Timestamp>,
    /// The edit list.
    pub(crate) edits: Vec<EditInfo>,
    /// Ticks of the media per second.
    scale: u32,
    /// Runs of samples with the same duration: number of samples, and ticks per sample.
    durations: Vec<(u32, u32)>,
    /// Runs of samples with the same offset from decoding to presentation time.
    offsets: Vec<(u32, i32)>,
    /// The codec of each sample entry.
    codecs: Vec<[u8; 4]>,
    /// Runs of chunks with the same number of samples of one sample entry: the number of the first chunk, the number of
    /// samples in each chunk, and the number of the sample entry. Chunks and entries are numbered from one.
    chunks: Vec<(u32, u32, u32)>,
    /// The clean aperture of the frame (`clap`).
    pub(crate) clean_aperture: Option<(Rational, Rational)>,
    /// For E-AC-3: the number of objects of its joint object coding, if it has any.
    pub(crate) joint_objects: Option<u8>,
    /// The largest and the average bit rate in bits per second, as the decoder configuration of MPEG-4 audio states
    /// them (ISO/IEC 14496-1, 7.2.6.6).
    pub(crate) bit_rates: Option<(u32, u32)>,
}

/// Maximum size of one table in bytes: two million entries, more than a day of video needs.
const TABLE: u64 = 16 << 20;
/// Maximum number of tracks. The limit for libavformat is lower.
const TRACKS: usize = 1024;
/// Maximum number of samples whose times are measured: nine hours at 120 frames per second.
const SAMPLES: u64 = 4 << 20;

/// Reads the header of the file in `reader`. Returns `None` if there is none.
pub(crate) fn read(reader: &mut (impl Read + Seek)) -> Option<Movie> {
    let moov = boxes::moov(reader)?;
    let mut movie = Movie::default();
    let boxes = inside(reader, moov);
    let header = boxes.iter().find(|place| &place.kind == b"mvhd").and_then(|place| whole(reader, *place));
    let (scale, duration) = header.as_deref().and_then(times).unwrap_or_default();
    movie.duration = duration.and_then(|ticks| time(ticks, scale));
    for place in boxes {
        match &place.kind {
            b"trak" if movie.tracks.len() < TRACKS => movie.tracks.push(track(reader, place, scale)),
            b"mvex" => movie.is_fragmented = true,
            _ => {}
        }
    }
    Some(movie)
}

fn track(reader: &mut (impl Read + Seek), trak: BoxRange, movie_scale: u32) -> Track {
    let mut track = Track::default();
    let mut stack = vec![trak];
    // A track is a tree of known shape. The budget guards against one that repeats itself.
    let mut budget = SIBLINGS;
    while let Some(parent) = stack.pop() {
        for place in inside(reader, parent) {
            budget = budget.saturating_sub(1);
            if budget == 0 {
                return track;
            }
            match &place.kind {
                b"mdia" | b"minf" | b"stbl" | b"edts" => stack.push(place),
                b"tkhd" => header(whole(reader, place), movie_scale, &mut track),
                b"mdhd" => {
                    let (scale, duration) = whole(reader, place).as_deref().and_then(times).unwrap_or_default();
                    track.scale = scale;
                    track.media_duration = duration.and_then(|ticks| time(ticks, scale));
                }
                b"elst" => track.edits = edits(&whole(reader, place).unwrap_or_default(), movie_scale),
                b"stts" => track.durations = runs(&whole(reader, place).unwrap_or_default()),
                b"ctts" => {
                    let runs = runs(&whole(reader, place).unwrap_or_default());
                    // In version 0 these offsets are unsigned, but writers store negative ones there all the same.
                    track.offsets = runs.into_iter().map(|(count, offset)| (count, offset as i32)).collect();
                }
                b"stsd" => entries(reader, place, &mut track),
                b"stsc" => track.chunks = triples(&whole(reader, place).unwrap_or_default()),
                _ => {}
            }
        }
    }
    // The media times of edits are in ticks of the media, whose header may follow the edits.
    for edit in &mut track.edits {
        edit.media_start = edit.media_start.and_then(|start| time(u64::try_from(start.ticks).ok()?, track.scale));
    }
    track
}

/// The content of a box, if it does not exceed the size limit of tables.
fn whole(reader: &mut (impl Read + Seek), place: BoxRange) -> Option<Vec<u8>> {
    (place.end.checked_sub(place.start)? <= TABLE).then(|| content(reader, place, TABLE)).flatten()
}

/// A time of `ticks`, with `scale` ticks per second.
fn time(ticks: u64, scale: u32) -> Option<Timestamp> {
    let ticks = i64::try_from(ticks).ok()?;
    (scale > 0).then(|| Timestamp::new(ticks, Rational::new(1, scale.into())))
}

fn header(content: Option<Vec<u8>>, movie_scale: u32, track: &mut Track) {
    let Some(header) = content else { return };
    let is_long = header.first() == Some(&1);
    let (id, duration, size) = if is_long {
        (u32_at(&header, 20), u64_at(&header, 28).filter(|ticks| *ticks != u64::MAX), 88)
    } else {
        let duration = u32_at(&header, 20).filter(|ticks| *ticks != u32::MAX);
        (u32_at(&header, 12), duration.map(u64::from), 76)
    };
    track.id = id.unwrap_or(0);
    track.duration = duration.filter(|ticks| *ticks > 0).and_then(|ticks| time(ticks, movie_scale));
    let size = u32_at(&header, size).zip(u32_at(&header, size + 4));
    track.shown = size.filter(|(width, height)| *width > 0 && *height > 0);
}

/// Parses an edit list (8.6.6). Each entry has a duration in movie ticks, a media start time (all ones: empty edit) and
/// a rate.
fn edits(table: &[u8], movie_scale: u32) -> Vec<EditInfo> {
    // More entries than any editor writes. Longer lists are hostile, and the rest is dropped.
    const EDITS: usize = 4096;
    let is_long = table.first() == Some(&1);
    let count = u32_at(table, 4).unwrap_or(0) as usize;
    let size = if is_long { 20 } else { 12 };
    let entries = table.get(8..).unwrap_or_default().chunks_exact(size).take(count.min(EDITS));
    let edit = |entry: &[u8]| {
        let (duration, start) = if is_long {
            (u64_at(entry, 0)?, u64_at(entry, 8)? as i64)
        } else {
            (u32_at(entry, 0)?.into(), i64::from(u32_at(entry, 4)? as i32))
        };
        let speed = i64::from(u32_at(entry, size - 4)? as i32);
        Some(EditInfo {
            duration: time(duration, movie_scale)?,
            media_start: (start >= 0).then(|| Timestamp::new(start, Rational::new(1, 1))),
            speed: Rational::new(speed, 1 << 16),
        })
    };
    entries.filter_map(edit).collect()
}

/// Parses pairs of a count and a value, the format of the duration and offset tables.
fn runs(table: &[u8]) -> Vec<(u32, u32)> {
    let count = u32_at(table, 4).unwrap_or(0) as usize;
    let entries = table.get(8..).unwrap_or_default().chunks_exact(8).take(count);
    entries.filter_map(|entry| u32_at(entry, 0).zip(u32_at(entry, 4))).collect()
}

/// Parses triples, the format of the chunk table.
fn triples(table: &[u8]) -> Vec<(u32, u32, u32)> {
    let count = u32_at(table, 4).unwrap_or(0) as usize;
    let entries = table.get(8..).unwrap_or_default().chunks_exact(12).take(count);
    entries.filter_map(|entry| Some((u32_at(entry, 0)?, u32_at(entry, 4)?, u32_at(entry, 8)?))).collect()
}

/// Reads from the first sample entry what libavformat does not expose.
fn entries(reader: &mut (impl Read + Seek), stsd: BoxRange, track: &mut Track) {
    let all = inside(reader, stsd.after(8));
    track.codecs = all.iter().map(|entry| entry.kind).collect();
    let Some(entry) = all.into_iter().next() else { return };
    if entry.kind == *b"mp4a" {
        let fixed = audio_fields(reader, stsd, entry);
        track.bit_rates = elementary_stream(reader, entry.after(fixed)).as_deref().and_then(bit_rates);
        return;
    }
    // In an entry for video, 78 bytes of fixed fields precede the boxes (12.1.3).
    let is_audio = entry.kind == *b"ec-3";
    let fixed = if is_audio { audio_fields(reader, stsd, entry) } else { 78 };
    for place in inside(reader, entry.after(fixed)) {
        match &place.kind {
            b"clap" if !is_audio => track.clean_aperture = whole(reader, place).as_deref().and_then(aperture),
            b"dec3" if is_audio => track.joint_objects = whole(reader, place).as_deref().and_then(joint_objects),
            _ => {}
        }
    }
}

/// Number of bytes of fixed fields that precede the boxes in a sample entry for audio: 28 (12.2.3). QuickTime has
/// versions 1 and 2 with more of them (Sound Sample Descriptions). MP4 also has entries of version 1, without more
/// fields, but only in a sample description of version 1.
fn audio_fields(reader: &mut (impl Read + Seek), stsd: BoxRange, entry: BoxRange) -> u64 {
    let description = bytes(reader, stsd.start, 1).unwrap_or_default();
    let version = bytes(reader, entry.start.saturating_add(8), 2).unwrap_or_default();
    match (&description[..], &version[..]) {
        ([0], [0, 1]) => 44,
        ([0], [0, 2]) => 64,
        _ => 28,
    }
}

/// The descriptor of MPEG-4 audio among the boxes of its sample entry. In QuickTime, it is in a box of its own.
fn elementary_stream(reader: &mut (impl Read + Seek), boxes: BoxRange) -> Option<Vec<u8>> {
    let mut found = inside(reader, boxes);
    if let Some(wave) = found.iter().find(|place| place.kind == *b"wave") {
        found.extend(inside(reader, *wave));
    }
    let esds = found.into_iter().find(|place| place.kind == *b"esds")?;
    whole(reader, esds)
}

impl Track {
    /// The first sample whose codec differs from that of the first sample entry: its decoding time and its codec.
    pub(crate) fn foreign(&self) -> Option<(Timestamp, [u8; 4])> {
        let first = *self.codecs.first()?;
        let mut samples = 0u64;
        for (run, (chunk, each, entry)) in self.chunks.iter().enumerate() {
            let own = *self.codecs.get((*entry as usize).checked_sub(1)?)?;
            if own != first {
                let mut ticks = 0u64;
                for (count, duration) in &self.durations {
                    let now = samples.min(u64::from(*count));
                    ticks = ticks.checked_add(now.checked_mul(u64::from(*duration))?)?;
                    samples -= now;
                }
                return Some((time(ticks, self.scale)?, own));
            }
            let next = self.chunks.get(run + 1).map_or(*chunk, |(next, ..)| *next);
            samples = samples.checked_add(u64::from(next.checked_sub(*chunk)?).checked_mul(u64::from(*each))?)?;
        }
        None
    }

    /// Number of samples in the index.
    pub(crate) fn samples(&self) -> u64 {
        self.durations.iter().fold(0, |sum, (count, _)| sum.saturating_add(u64::from(*count)))
    }

    /// The total duration of all samples in the index.
    pub(crate) fn indexed_duration(&self) -> Option<Timestamp> {
        let total = self.durations.iter().fold(0u64, |sum, (count, ticks)| {
            // Some writers set the highest bit to mean a negative duration. No writer presents one sample for a day.
            sum.saturating_add(u64::from(*count).saturating_mul(u64::from(*ticks)))
        });
        time(total, self.scale).filter(|total| total.ticks > 0)
    }

    /// The presentation times of the samples in the index, before edits, in ascending order, and whether these are all
    /// of them.
    fn times(&self) -> (Vec<i64>, bool) {
        let most = self.samples().min(SAMPLES);
        let mut offsets = self.offsets.iter().flat_map(|(count, offset)| std::iter::repeat_n(*offset, *count as usize));
        let durations = self.durations.iter().flat_map(|(count, ticks)| std::iter::repeat_n(*ticks, *count as usize));
        let mut decoded = 0i64;
        let mut times: Vec<i64> = Vec::with_capacity(most as usize);
        for ticks in durations.take(most as usize) {
            times.push(decoded.saturating_add(offsets.next().unwrap_or(0).into()));
            decoded = decoded.saturating_add(ticks.into());
        }
        times.sort_unstable();
        (times, most == self.samples())
    }

    /// The earliest presentation time of a sample in the index, before edits.
    pub(crate) fn earliest(&self) -> Option<Timestamp> {
        let first = *self.times().0.first()?;
        (self.scale > 0).then(|| Timestamp::new(first, Rational::new(1, self.scale.into())))
    }

    /// The intervals between the samples in the index, without samples that the edit list removes. `None` if there are
    /// too many samples to measure.
    pub(crate) fn intervals(&self) -> Option<Intervals> {
        let (times, true) = self.times() else { return None };
        let base = Rational::new(1, self.scale.into());
        let span = |(start, end): (Timestamp, Option<Timestamp>)| (start.ticks, end.map_or(i64::MAX, |end| end.ticks));
        let mut spans: Vec<(i64, i64)> = self.edits.iter().filter_map(EditInfo::span).map(span).collect();
        spans.sort_unstable();
        // Times and spans are both sorted, so each span is passed once.
        let mut spans = spans.into_iter().peekable();
        let mut is_shown = |time: i64| {
            while spans.next_if(|(_, end)| *end <= time).is_some() {}
            self.edits.is_empty() || spans.peek().is_some_and(|(start, _)| *start <= time)
        };
        let mut intervals = Intervals::new(base);
        times.into_iter().filter(|time| is_shown(*time)).for_each(|time| intervals.push(time));
        (self.scale > 0).then_some(intervals)
    }

    /// True if the edit list has no effect: no edits, or one edit that presents the whole media from its start at
    /// normal speed.
    pub(crate) fn shows_all(&self) -> bool {
        let [edit] = &self.edits[..] else { return self.edits.is_empty() };
        let from_start = edit.media_start.is_some_and(|start| start.ticks == 0);
        // Both durations are rounded, to different clocks.
        let whole = self.media_duration.is_some_and(|media| media.micros().abs_diff(edit.duration.micros()) <= 2000);
        from_start && edit.speed == Rational::new(1, 1) && (whole || edit.duration.ticks == 0)
    }
}

/// An entry of an edit list: a span of the media that is shown, or a span of nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EditInfo {
    /// How long it is presented; zero stands for "to the end".
    pub duration: Timestamp,
    /// Where in the media it starts; absent for an empty edit, which shows nothing.
    pub media_start: Option<Timestamp>,
    /// How fast the media plays; zero shows one frame for the whole span.
    pub speed: Rational,
}

impl EditInfo {
    /// The part of the media that the edit presents: its start, and its end if the edit has one.
    pub(crate) fn span(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        let start = self.media_start?;
        let length = self.duration.rescale(start.base);
        let end = Timestamp::new(start.ticks.saturating_add(length), start.base);
        Some((start, (self.duration.ticks > 0).then_some(end)))
    }
}

/// True if an MP4 or MOV file lists its packets in fragments. Reads no table.
pub(crate) fn is_fragmented(reader: &mut (impl Read + Seek)) -> bool {
    boxes::moov(reader).is_some_and(|moov| inside(reader, moov).iter().any(|place| &place.kind == b"mvex"))
}

/// The track of a stream, found by its number. A broken file may give the same number to several tracks.
pub(crate) fn track_of<'a>(movie: &'a Movie, facts: &StreamFacts) -> Option<&'a Track> {
    let id = u32::try_from(facts.id).ok()?;
    movie.tracks.iter().find(|track| track.id == id)
}

#[cfg(test)]
mod tests;
