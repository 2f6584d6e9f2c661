//! Edit lists of MP4 and MOV (ISO/IEC 14496-12, 8.6.6): the parts that libavformat does not follow correctly.
//!
//! libavformat follows edits at normal speed, and empty edits at the start. It treats an empty edit after those as one
//! that presents the start of the media again. This module therefore removes such empty edits from the header that
//! libavformat reads, and delays the packets after them by the length of the empty edit. An edit that cannot be
//! followed is reported with its time. A list with more edits than are examined is reported as a whole.
//!
//! Invariant: each length is checked against the enclosing box. A header that makes no sense stays unchanged.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_av::{
    io::ReadSeek,
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::boxes::{u32_at, u64_at};
use trix_model::time::{Rational, TimeBase, Timestamp};

use super::boxes::{self, BoxRange, content, inside, times};

/// Maximum number of edits in a track to examine.
const EDITS: usize = 4096;

/// The edit lists of a file, as far as they need handling here.
#[derive(Default)]
pub(super) struct Edits {
    tracks: Vec<EditedTrack>,
    /// Bytes that replace those of the file's header, with their positions.
    patches: Vec<(u64, Vec<u8>)>,
}

/// The edit list of one track.
#[derive(Default)]
struct EditedTrack {
    id: u32,
    /// Empty edits after the first edit with media, in order.
    gaps: Vec<Gap>,
    /// The first edit that cannot be followed: its presentation time and the reason.
    trouble: Option<(Timestamp, String)>,
    /// Number of edits that present media.
    shown: usize,
    /// The end times of the edits with media, on the clock without gaps.
    ends: Vec<Timestamp>,
    /// Notes on differences between the presentation and the edit list.
    notes: Vec<String>,
}

/// A gap: nothing is presented for a while.
#[derive(Clone, Copy)]
struct Gap {
    /// The time of the gap on the clock without gaps.
    at: Timestamp,
    /// The presentation time of the gap.
    start: Timestamp,
    length: Timestamp,
}

#[derive(Clone, Copy)]
struct Edit {
    duration: u64,
    media: i64,
    /// The rate in 65536ths.
    rate: i32,
}

impl Edits {
    /// Reads the edit lists of the file in `reader`, and rewinds `reader`.
    pub(super) fn of(reader: &mut dyn ReadSeek) -> Result<Edits> {
        let mut head = [0; 8];
        reader.rewind()?;
        let is_movie = reader.read_exact(&mut head).is_ok()
            && matches!(&head[4..], b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" | b"styp");
        let mut edits = Edits::default();
        if is_movie {
            boxes::moov(reader).into_iter().for_each(|moov| edits.read(reader, moov));
        }
        reader.rewind()?;
        Ok(edits)
    }

    fn read(&mut self, reader: &mut dyn ReadSeek, moov: BoxRange) {
        let boxes = inside(reader, moov);
        let find = |kind: &[u8; 4]| boxes.iter().find(|place| &place.kind == kind);
        let Some((scale, _)) = find(b"mvhd").and_then(|place| clock(reader, *place)) else { return };
        let is_fragmented = find(b"mvex").is_some();
        for trak in boxes.iter().filter(|place| &place.kind == b"trak") {
            let parts = inside(reader, *trak);
            let part = |kind: &[u8; 4]| parts.iter().find(|place| &place.kind == kind).copied();
            let id = part(b"tkhd").and_then(|place| {
                let content = content(reader, place, 32)?;
                u32_at(&content, if content.first() == Some(&1) { 20 } else { 12 })
            });
            let mdhd =
                part(b"mdia").and_then(|mdia| inside(reader, mdia).into_iter().find(|place| &place.kind == b"mdhd"));
            let list =
                part(b"edts").and_then(|edts| inside(reader, edts).into_iter().find(|place| &place.kind == b"elst"));
            let (Some(id), Some(list)) = (id, list) else { continue };
            let media = mdhd.and_then(|mdhd| clock(reader, mdhd));
            let Some(table) = content(reader, list, 8 + 20 * EDITS as u64) else { continue };
            let mut track = EditedTrack { id, ..EditedTrack::default() };
            let edits = edits_in(&table, list);
            if edits > EDITS as u64 {
                let why = format!("the edit list has {edits} edits, more than {EDITS}");
                track.trouble = Some((Timestamp::new(0, TimeBase::new(1, scale.into())), why));
                self.tracks.push(track);
                continue;
            }
            self.tracks.push(track.filled(&entries(&table), scale, media, is_fragmented));
            let patch = without_gaps(&table, list.end.saturating_sub(list.head));
            self.patches.extend(patch.map(|bytes| (list.head, bytes)));
        }
    }

    /// True if libavformat reads the header unchanged.
    fn is_plain(&self) -> bool {
        self.patches.is_empty()
    }

    fn track(&self, facts: &StreamFacts) -> Option<&EditedTrack> {
        let id = u32::try_from(facts.id).ok()?;
        self.tracks.iter().find(|track| track.id == id)
    }

    /// The time of the first edit of a stream that cannot be followed, and the reason.
    pub(super) fn trouble(&self, facts: &StreamFacts) -> Option<(Timestamp, &str)> {
        self.track(facts)?.trouble.as_ref().map(|(time, why)| (*time, why.as_str()))
    }

    /// True if a stream consists of several parts of its media, or has gaps.
    pub(super) fn is_composed(&self, facts: &StreamFacts) -> bool {
        self.track(facts).is_some_and(|track| track.shown > 1 || !track.gaps.is_empty())
    }

    /// Notes on the edit list of a stream, for the report.
    pub(super) fn notes(&self, facts: &StreamFacts) -> Vec<String> {
        let Some(track) = self.track(facts) else { return Vec::new() };
        let message = |gap: &Gap| {
            let end = gap.start.plus(gap.length);
            format!("stream {}: the edit list presents nothing from {} to {end}", facts.index, gap.start)
        };
        let others = track.notes.iter().map(|note| format!("stream {}: {note}", facts.index));
        track.gaps.iter().take(20).map(message).chain(others).collect()
    }

    /// The total length of the gaps of a stream.
    pub(super) fn gaps(&self, facts: &StreamFacts) -> i64 {
        let gaps = self.track(facts).map(|track| track.gaps.as_slice()).unwrap_or_default();
        gaps.iter().map(|gap| gap.length.rescale(facts.time_base)).fold(0, i64::saturating_add)
    }

    /// Delays a packet by the gaps before it. Trims audio at the end of its edit, because libavformat delivers whole
    /// packets.
    pub(super) fn place(&self, facts: &StreamFacts, packet: &mut Packet) {
        let Some(track) = self.track(facts).filter(|_| self.is_composed(facts)) else { return };
        let Some(shown) = packet.pts().or(packet.dts()) else { return };
        if facts.kind == StreamKind::Audio && facts.sample_rate > 0 {
            let samples = TimeBase::new(1, facts.sample_rate.into());
            let after = shown.saturating_add(packet.duration());
            let mut ends = track.ends.iter().map(|end| end.rescale(facts.time_base));
            if let Some(end) = ends.find(|end| shown < *end && *end < after) {
                let beyond = Timestamp::new(after - end, facts.time_base).rescale(samples);
                packet.set_padding(u32::try_from(beyond).unwrap_or(0));
            }
        }
        let gaps = &track.gaps;
        // Both clocks round. No frame is shorter than this margin.
        let margin = Timestamp::new(1, TimeBase::new(1, 1000)).rescale(facts.time_base);
        let before = gaps.iter().filter(|gap| gap.at.rescale(facts.time_base) <= shown.saturating_add(margin));
        let moved = before.map(|gap| gap.length.rescale(facts.time_base)).fold(0, i64::saturating_add);
        let later = |ticks: i64| ticks.saturating_add(moved);
        packet.set_times(packet.pts().map(later), packet.dts().map(later), packet.duration());
    }

    /// Converts the presentation time `ticks` to libavformat's clock, which has no gaps.
    pub(super) fn without_gaps(&self, facts: &StreamFacts, ticks: i64) -> i64 {
        let gaps = self.track(facts).map(|track| track.gaps.as_slice()).unwrap_or_default();
        let passed = gaps.iter().map(|gap| {
            let (start, length) = (gap.start.rescale(facts.time_base), gap.length.rescale(facts.time_base));
            ticks.saturating_sub(start).clamp(0, length.max(0))
        });
        ticks.saturating_sub(passed.fold(0, i64::saturating_add))
    }
}

impl EditedTrack {
    /// Returns the track with the result of these edits. `media` holds the clock and the length of the track's media.
    fn filled(mut self, edits: &[Edit], scale: u32, media: Option<(u32, Option<u64>)>, is_fragmented: bool) -> Self {
        let base = TimeBase::new(1, scale.into());
        let time = |ticks: u64| Timestamp::new(i64::try_from(ticks).unwrap_or(i64::MAX), base);
        let (mut now, mut standing) = (0u64, 0u64);
        for edit in edits {
            if edit.media < 0 {
                if self.shown > 0 && edit.duration > 0 {
                    self.gaps.push(Gap { at: time(standing), start: time(now), length: time(edit.duration) });
                } else {
                    standing = standing.saturating_add(edit.duration);
                }
                now = now.saturating_add(edit.duration);
                continue;
            }
            self.shown += 1;
            let normal = edit.rate == 1 << 16;
            if !normal && self.trouble.is_none() {
                let why = match edit.rate {
                    0 => "the edit list holds one place of the media for a while (media rate 0)".to_owned(),
                    rate => {
                        let rate = Rational::new(rate.into(), 1 << 16).to_f64();
                        format!("the edit list plays the media at {rate} times its speed")
                    }
                };
                self.trouble = Some((time(now), why));
            }
            if let Some((clock, Some(length))) = media.filter(|(clock, _)| *clock > 0 && !is_fragmented) {
                let clock = TimeBase::new(1, clock.into());
                let (from, end) = (Timestamp::new(edit.media, clock), Timestamp::new(length as i64, clock));
                let missing = from.plus(time(edit.duration)).micros().saturating_sub(end.micros());
                // Writers round: a shorter shortfall does not count as missing media.
                if missing > 500_000 {
                    let missing = Timestamp::new(missing, TimeBase::new(1, 1_000_000));
                    let place = time(now);
                    self.notes.push(format!(
                        "the edit at {place} reaches beyond the end of the media: nothing is presented for its last \
                         {missing}"
                    ));
                }
            }
            now = now.saturating_add(edit.duration);
            standing = standing.saturating_add(edit.duration);
            self.ends.push(time(standing));
        }
        if is_fragmented && (self.shown > 1 || !self.gaps.is_empty()) && self.trouble.is_none() {
            let why = "an edit list of several edits in a file of fragments cannot be followed".to_owned();
            self.trouble = Some((time(0), why));
        }
        self
    }
}

/// Bytes per edit in an edit list that starts with `table`.
fn edit_size(table: &[u8]) -> usize {
    if table.first() == Some(&1) { 20 } else { 12 }
}

/// Number of edits in the box `list`, which starts with `table`. Edits that the box has no space for do not count.
fn edits_in(table: &[u8], list: BoxRange) -> u64 {
    let space = list.end.saturating_sub(list.start).saturating_sub(8) / edit_size(table) as u64;
    u64::from(u32_at(table, 4).unwrap_or(0)).min(space)
}

fn entries(table: &[u8]) -> Vec<Edit> {
    let is_long = table.first() == Some(&1);
    let count = u32_at(table, 4).unwrap_or(0) as usize;
    let size = edit_size(table);
    let read = |entry: &[u8]| {
        let (duration, media) = if is_long {
            (u64_at(entry, 0)?, u64_at(entry, 8)? as i64)
        } else {
            (u32_at(entry, 0)?.into(), i64::from(u32_at(entry, 4)? as i32))
        };
        Some(Edit { duration, media, rate: u32_at(entry, size - 4)? as i32 })
    };
    let entries = table.get(8..).unwrap_or_default().chunks_exact(size);
    entries.take(count.min(EDITS)).filter_map(read).collect()
}

/// Rewrites the start of an `elst` box of `room` bytes, whose content starts with `table`, without the empty edits that
/// follow edits with media. A `free` box takes the rest of the room. Returns `None` if there are no such edits.
fn without_gaps(table: &[u8], room: u64) -> Option<Vec<u8>> {
    let size = edit_size(table);
    let edits = entries(table);
    let first = edits.iter().position(|edit| edit.media >= 0)?;
    let kept: Vec<usize> = (0..edits.len()).filter(|number| *number < first || edits[*number].media >= 0).collect();
    if kept.len() == edits.len() {
        return None;
    }
    let mut content = table.get(..4)?.to_vec();
    content.extend(u32::try_from(kept.len()).ok()?.to_be_bytes());
    for number in kept {
        content.extend(table.get(8 + number * size..8 + (number + 1) * size)?);
    }
    let length = content.len() as u32 + 8;
    let rest = u32::try_from(room.checked_sub(u64::from(length))?).ok().filter(|rest| *rest >= 8)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(b"elst");
    bytes.extend(content);
    bytes.extend(rest.to_be_bytes());
    bytes.extend(b"free");
    bytes.resize(table.len() + 8, 0);
    Some(bytes)
}

/// Ticks per second of a movie or media header, and the duration if it is known.
fn clock(reader: &mut dyn ReadSeek, place: BoxRange) -> Option<(u32, Option<u64>)> {
    times(&content(reader, place, 36)?)
}

/// A reader that replaces some bytes of the inner reader.
struct Patched<R> {
    inner: R,
    patches: Vec<(u64, Vec<u8>)>,
    at: u64,
}

/// Returns `reader` as libavformat must see it.
pub(super) fn patched(reader: Box<dyn ReadSeek>, edits: &Edits) -> Box<dyn ReadSeek> {
    if edits.is_plain() {
        return reader;
    }
    Box::new(Patched { inner: reader, patches: edits.patches.clone(), at: 0 })
}

impl<R: Read> Read for Patched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer)?;
        let (from, to) = (self.at, self.at + read as u64);
        for (start, bytes) in &self.patches {
            let (begin, end) = (from.max(*start), to.min(start + bytes.len() as u64));
            if begin < end {
                let [into, of] = [from, *start].map(|zero| (begin - zero) as usize..(end - zero) as usize);
                buffer[into].copy_from_slice(&bytes[of]);
            }
        }
        self.at = to;
        Ok(read)
    }
}

impl<R: Seek> Seek for Patched<R> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests;
