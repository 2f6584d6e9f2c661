//! Reads packets, and detects when a source ends too early.
//!
//! Invariant: a source that is shorter than its container declares is never reported as complete.

mod entering;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use trix_av::{
    AvError,
    container::DurationMethod,
    io::IoState,
    packet::{CodecChange, Packet},
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    damage::{DamageKind, DamageLog},
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, Timestamp},
};

use self::entering::enter;
pub(crate) use self::entering::{Needed, Others};
use crate::{
    index::{self, Begin, Known},
    integrity::{Integrity, next_recording},
    source::{Appeared, Discontinuity, Source, foreign_samples},
};

/// Reads the packets of a source.
pub struct Demuxer {
    source: Source,
    label: PathBuf,
    packet_limit: u64,
    damage: Arc<DamageLog>,
    seen: Vec<Seen>,
    integrity: Option<Integrity>,
    /// Codec changes in tracks from which libavformat drops samples: stream, time of the first sample of another codec,
    /// and that codec.
    changes: Vec<(usize, Timestamp, String)>,
    started: bool,
    ended: bool,
    /// A stream with its own reader, if decoding starts in mid-file.
    film: Option<Film>,
    /// The index of that stream, if no other stream is read.
    alone: Option<usize>,
    /// The index of that stream, if the number of packets before its first one is unknown.
    uncounted: Option<usize>,
    /// True if the source is not read from its start.
    is_landed: bool,
    /// Packets that were read and are next.
    ready: VecDeque<Packet>,
    /// The next packet of the other streams, while a packet of the film comes first.
    other: Option<Packet>,
    others_ended: bool,
}

/// A stream that a second reader of the source reads, from one of its packets on.
struct Film {
    index: usize,
    source: Source,
    next: Option<Packet>,
    ended: bool,
    /// The packets from the next one on, if all were read before.
    known: Option<Known>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    packets: usize,
    end: Option<Timestamp>,
    /// Like `end`, but without packets that an edit list hides.
    shown_end: Option<Timestamp>,
    /// The longest packet duration, in ticks.
    longest: i64,
    /// The start of the last packet, in ticks.
    begin: Option<i64>,
    last_byte: Option<u64>,
}

/// Number of consecutive read errors after which the source counts as unreadable.
const FAILURES: u32 = 64;

impl Demuxer {
    /// Reads from the start of `source`, and reports damage to `damage`.
    pub fn new(mut source: Source, damage: Arc<DamageLog>) -> Self {
        source.goes_through();
        let seen = vec![Seen::default(); source.streams().len()];
        Demuxer {
            label: source.label(),
            packet_limit: source.limits().packet_bytes,
            seen,
            damage,
            source,
            integrity: None,
            changes: Vec::new(),
            started: false,
            ended: false,
            film: None,
            alone: None,
            uncounted: None,
            is_landed: false,
            ready: VecDeque::new(),
            other: None,
            others_ended: false,
        }
    }

    /// Reads stream `index` from the packet at which `begin` starts, if the file can be entered there or its header lists
    /// the packets of that stream. The packets before it are not read.
    ///
    /// # Errors
    /// As for opening the source. `MalformedInput` if it no longer holds that packet.
    pub(crate) fn beginning_at(
        mut self,
        index: usize,
        begin: &Begin,
        mut others: Others,
        needed: Needed<'_>,
    ) -> Result<Self> {
        let alone = others == Others::Unread;
        if let Some(landing) = begin.landing() {
            let enter = |others: Others| {
                let landed = self.source.landed(index, &landing.way, landing.ticks)?;
                landed.map(|landed| enter(landed, index, begin, others, needed)).transpose().map(Option::flatten)
            };
            let mut found = enter(others)?;
            let is_whole = |packets: &VecDeque<Packet>| needed.are_in(packets, &self.source, index, &begin.packet());
            if others == Others::Near && !found.as_ref().is_some_and(|(_, packets)| is_whole(packets)) {
                others = Others::FromStart;
                found = enter(others)?;
            }
            if let Some((mut landed, mut before)) = found {
                self.seen[index].packets = begin.packets_passed();
                self.uncounted = begin.known_from().map(|_| index);
                if others == Others::FromStart {
                    self.source.discard(index);
                    self.film =
                        Some(Film { index, source: landed, next: before.pop_back(), ended: false, known: None });
                } else {
                    landed.goes_through();
                    (self.source, self.ready, self.is_landed) = (landed, before, true);
                }
                return Ok(self);
            }
            // The index begins near the cut, so that the packet cannot be found by counting from the start.
            if begin.known_from().is_some() {
                let detail = "the source changed while it was read: a keyframe is no longer where it was";
                let packet = begin.packet();
                let base = self.source.streams().get(index).map(|facts| facts.time_base);
                let time = packet.pts.or(packet.dts).zip(base).map(|(ticks, base)| Timestamp::new(ticks, base));
                let error = Error::new(ErrorKind::MalformedInput, Stage::Demux, detail).in_stream(index).at(time);
                return Err(error.in_file(&self.label));
            }
        }
        let reached = if self.source.lists_packets(index) {
            index::reach(&self.source, index, &begin.packet())?.map(|(source, packet)| (source, packet, None))
        } else if alone {
            let reached = index::reach_known(&self.source, index, begin)?;
            reached.map(|(source, packet, known)| (source, packet, Some(known)))
        } else {
            None
        };
        if let Some((source, packet, known)) = reached {
            self.source.discard(index);
            self.seen[index].packets = begin.packets_passed();
            self.film = Some(Film { index, source, next: Some(packet), ended: false, known });
            self.alone = alone.then_some(index);
            self.others_ended = alone;
        }
        Ok(self)
    }

    /// The next packet of the source. With two readers, their packets are merged by decoding time.
    fn read(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        if let Some(packet) = self.ready.pop_front() {
            return Ok(Some(packet));
        }
        let Some(film) = &mut self.film else { return self.source.read() };
        if film.next.is_none() && !film.ended {
            if self.source.input.io_state().is_cancelled() {
                return Err(AvError::EXIT);
            }
            film.next = film.source.read()?;
            if let Some((packet, known)) = film.next.as_mut().zip(film.known.as_mut()) {
                known.settle(packet);
            }
            film.ended = film.next.is_none();
        }
        while self.other.is_none() && !self.others_ended {
            self.other = self.source.read()?;
            self.others_ended = self.other.is_none();
            // libavformat still delivers the packets that it read to probe the source.
            self.other.take_if(|packet| packet.stream() == film.index);
        }
        let time = |packet: &Packet| {
            let base = self.source.streams().get(packet.stream()).map(|facts| facts.time_base);
            packet.dts().or(packet.pts()).zip(base).map(|(ticks, base)| Timestamp::new(ticks, base))
        };
        let is_later = |other: &Packet| film.next.as_ref().is_some_and(|next| time(next) <= time(other));
        match self.other.take_if(|other| !is_later(other)) {
            Some(other) => Ok(Some(other)),
            None => Ok(film.next.take()),
        }
    }

    /// The state shared with the I/O layer of the demuxer. Its cancel flag ends a read in progress of any reader of the
    /// source.
    pub(crate) fn io_state(&self) -> &Arc<IoState> {
        self.source.input.io_state()
    }

    /// True if all streams are read from mid-file.
    pub(crate) fn is_landed(&self) -> bool {
        self.is_landed
    }

    /// Collects the messages about streams that appear in mid-file.
    pub(crate) fn appeared(&self) -> Appeared {
        self.source.appeared()
    }

    /// The source's streams.
    pub(crate) fn streams(&self) -> &[StreamFacts] {
        self.source.streams()
    }

    /// A summary of what was read of each stream.
    pub(crate) fn walked(&self) -> Walked {
        let presented = |(facts, seen): (&StreamFacts, &Seen)| {
            // Without packet durations, the end of the stream is unknown.
            if seen.longest <= 0 {
                return None;
            }
            // Decoders of Windows Media Audio overlap blocks, and end with one that has no packet of its own.
            let packets = if facts.codec.starts_with("wma") { 2 } else { 1 };
            let grain = Timestamp::new(seen.longest.saturating_mul(packets), facts.time_base);
            let grain = Some(grain).filter(|_| facts.kind == StreamKind::Audio);
            Some((facts.index, Presented { end: seen.shown_end?, grain, is_whole: self.ended }))
        };
        let streams = self.source.streams().iter().zip(&self.seen).filter_map(presented);
        Walked { discontinuities: self.source.discontinuities().to_vec(), streams: streams.collect() }
    }

    /// Reports a track that ends in mid-file as damage, if `is_wanted` returns true for its stream.
    ///
    /// # Errors
    /// `MalformedInput` if damage is not tolerated.
    pub(crate) fn check_breaks(&self, is_wanted: impl Fn(usize) -> bool) -> Result<()> {
        for broken in self.source.breaks().into_iter().filter(|broken| is_wanted(broken.stream)) {
            self.damage
                .add(DamageKind::Container, Stage::Demux, Some(broken.stream), broken.at, broken.detail)
                .map_err(|error| error.in_file(&self.label))?;
        }
        Ok(())
    }

    /// The next packet of any stream that was known when the source was opened, or `None` at the end.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `Limit` for a packet that is too large, and `MalformedInput` for damage if
    /// damage is not tolerated.
    pub fn next_packet(&mut self) -> Result<Option<Packet>> {
        let found = self.find_packet();
        // A read that is cut off looks like damage, or like the end of the source.
        match self.io_state().is_cancelled() {
            true => Err(Error::cancelled(Stage::Demux)),
            false => found,
        }
    }

    fn find_packet(&mut self) -> Result<Option<Packet>> {
        if !self.started {
            self.started = true;
            if self.source.skips_samples() {
                self.changes = foreign_samples(&self.source);
            }
            // These checks read the source from its start.
            let is_partial = self.film.as_ref().is_some_and(|film| film.known.is_some());
            if !self.is_landed && !is_partial {
                self.integrity = self.source.integrity().map_err(|error| self.unreadable(error))?;
            }
        }
        let mut failures = 0;
        while !self.ended {
            match self.read() {
                Ok(Some(mut packet)) => {
                    self.check_complaints()?;
                    self.check_integrity(packet.position().unwrap_or(0))?;
                    self.note_change(&mut packet);
                    if self.accept(&packet)? {
                        return Ok(Some(packet));
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    self.check_io()?;
                    self.source.notes().into_iter().for_each(|note| self.damage.note(note));
                    self.check_complaints()?;
                    self.check_integrity(u64::MAX)?;
                    self.check_end().map_err(|error| error.in_file(&self.label))?;
                }
                Err(code) => {
                    self.check_io()?;
                    // The caller reports the cancellation.
                    if self.io_state().is_cancelled() {
                        return Ok(None);
                    }
                    failures += 1;
                    // A demuxer that cannot continue returns EIO or repeats the error. The rest of the file is then
                    // lost.
                    let over = failures >= FAILURES || code.io().is_some();
                    self.ended = over;
                    if over {
                        self.check_integrity(u64::MAX)?;
                    }
                    let detail = format!("the container is damaged: {code}{}", self.said());
                    let detail = if over { format!("{detail}; nothing after this can be read") } else { detail };
                    let place = self.latest();
                    self.damage
                        .add(DamageKind::Container, Stage::Demux, None, place, detail)
                        .map_err(|error| error.in_file(&self.label).caused_by(code))?;
                }
            }
        }
        Ok(self.last_change())
    }

    /// Marks the first packet after samples that libavformat drops with the codec of those samples.
    fn note_change(&mut self, packet: &mut Packet) {
        let index = packet.stream();
        let base = self.source.streams().get(index).map(|facts| facts.time_base);
        let time = packet.pts().zip(base).map(|(pts, base)| Timestamp::new(pts, base));
        let is_due = |at: &Timestamp| time.is_none_or(|time| time >= *at);
        let place = self.changes.iter().position(|(stream, at, _)| *stream == index && is_due(at));
        if let Some(place) = place {
            let (_, time, to) = self.changes.remove(place);
            packet.set_change(CodecChange { to, time: Some(time), parameters: None });
        }
    }

    /// Returns a packet without content that reports a codec change of a stream, if no packet of that stream came after
    /// the change.
    fn last_change(&mut self) -> Option<Packet> {
        let (stream, time, to) = self.changes.pop()?;
        let mut packet = Packet::new();
        packet.set_stream(stream);
        packet.set_change(CodecChange { to, time: Some(time), parameters: None });
        Some(packet)
    }

    fn accept(&mut self, packet: &Packet) -> Result<bool> {
        let index = packet.stream();
        // No output uses a stream that appears in mid-file.
        let (Some(facts), Some(seen)) = (self.source.streams().get(index), self.seen.get_mut(index)) else {
            return Ok(false);
        };
        let time = |ticks: i64| Timestamp::new(ticks, facts.time_base);
        seen.packets += 1;
        // The time of a frame of an image sequence is its number. A jump means that files are missing.
        if let (Some(sequence), Some(end), Some(pts)) = (self.source.sequence(), seen.end, packet.pts())
            && end.ticks < pts
        {
            let (first, last) = (sequence.name_at(end.ticks), sequence.name_at(pts - 1));
            let which = if first == last { first } else { format!("{first} to {last}") };
            let detail = format!("{} of the sequence are missing: {which}", pts - end.ticks);
            self.damage
                .add(DamageKind::MissingFile, Stage::Demux, Some(index), Some(end), detail)
                .map_err(|error| error.in_file(&self.label))?;
        }
        let end = packet.pts().or(packet.dts()).map(|ticks| time(ticks.saturating_add(packet.duration())));
        seen.end = seen.end.max(end);
        if !packet.is_discarded() {
            let begin = packet.pts().or(packet.dts());
            // An audio packet without a duration counts as long as the one before it.
            let usual = begin.zip(seen.begin).map_or(0, |(begin, before)| begin.saturating_sub(before).max(0));
            let is_silent = packet.duration() <= 0 && facts.kind == StreamKind::Audio;
            let lasts = if is_silent { usual } else { packet.duration() };
            seen.shown_end = seen.shown_end.max(begin.map(|ticks| time(ticks.saturating_add(lasts))));
            seen.longest = seen.longest.max(lasts);
            seen.begin = begin;
        }
        let last_byte = packet.position().map(|start| start + packet.data().len() as u64);
        seen.last_byte = seen.last_byte.max(last_byte);
        let place = packet.pts().or(packet.dts()).map(time);
        if packet.data().len() as u64 > self.packet_limit {
            let detail = format!("a packet of {} bytes; the limit is {}", packet.data().len(), self.packet_limit);
            return Err(Error::new(ErrorKind::Limit, Stage::Demux, detail)
                .in_file(&self.label)
                .in_stream(index)
                .at(place));
        }
        let read = packet.data().len() as u64;
        if let Some(whole) = self.source.frame_bytes().filter(|whole| read < *whole) {
            let detail = format!("the source is cut short: its last frame has {read} of {whole} bytes");
            self.damage
                .add(DamageKind::Truncated, Stage::Demux, Some(index), place, detail)
                .map_err(|error| error.in_file(&self.label))?;
            return Ok(false);
        }
        // In a file with unknown audio length, the last block may be shorter than the others.
        let end = packet.position().map(|start| start + read);
        let is_last = self.source.is_open_ended() && end == Some(self.source.extent().size);
        if packet.is_corrupt() && !is_last {
            self.damage
                .add(DamageKind::Packet, Stage::Demux, Some(index), place, "a packet is incomplete or corrupt".into())
                .map_err(|error| error.in_file(&self.label))?;
        }
        Ok(true)
    }

    fn check_io(&self) -> Result<()> {
        let film = self.film.as_ref().and_then(|film| film.source.input.io_state().take_error());
        film.or(self.io_state().take_error()).map_or(Ok(()), |error| Err(self.unreadable(error)))
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        Error::io(Stage::Demux, &self.label, "cannot be read", error)
    }

    /// Reports errors of the demuxer as damage: a demuxer that logs an error and continues has dropped something.
    fn check_complaints(&mut self) -> Result<()> {
        let (mut lines, mut errors) = self.source.input.sink().take();
        if let Some(film) = &self.film {
            let (more, count) = film.source.input.sink().take();
            lines.extend(more);
            errors += count;
        }
        let Some(line) = lines.into_iter().find(|line| line.is_error && errors > 0) else { return Ok(()) };
        let more = if errors > 1 { format!(" (and {} more)", errors - 1) } else { String::new() };
        // Messages from below or after the demuxer, mostly from a parser, concern packets in any container.
        let (who, what) = if line.is_own { ("demuxer", DamageKind::Container) } else { ("reader", DamageKind::Packet) };
        let kind = DamageKind::of_message(&line.text, what);
        let detail = format!("the {who} reports: {}{more}", line.text);
        let place = self.latest();
        self.damage.add(kind, Stage::Demux, None, place, detail).map_err(|error| error.in_file(&self.label))
    }

    /// Checks the file up to byte `target` against what its container states about its completeness.
    fn check_integrity(&mut self, target: u64) -> Result<()> {
        let Some(integrity) = &mut self.integrity else { return Ok(()) };
        let target = target.max(if integrity.leads() { self.source.reached() } else { 0 });
        let signs = integrity.advance(target, self.source.input.io_state());
        for sign in signs.map_err(|error| self.unreadable(error))? {
            // A check without times of its own is at most one piece ahead.
            let time = sign.time.or(self.latest());
            self.damage
                .add(sign.kind, Stage::Demux, None, time, sign.detail)
                .map_err(|error| error.in_file(&self.label))?;
        }
        Ok(())
    }

    fn said(&self) -> String {
        let (lines, _) = self.source.input.sink().take();
        lines.into_iter().next_back().map_or_else(String::new, |line| format!(" ({})", line.text))
    }

    fn latest(&self) -> Option<Timestamp> {
        self.seen.iter().filter_map(|seen| seen.end).max()
    }

    /// Compares what was read with what the container declared.
    fn check_end(&self) -> Result<()> {
        let cut = |detail: String| {
            let detail = format!("the source is cut short: {detail}");
            self.damage.add(DamageKind::Truncated, Stage::Demux, None, self.latest(), detail)
        };
        let extent = self.source.extent();
        if let (Some(missing), Some(declared)) = (extent.missing(), extent.declared) {
            return cut(format!("the container says that it has {declared} bytes, and {missing} of them are missing"));
        }
        if let Some(end) = self.seen.iter().filter_map(|seen| seen.last_byte).max()
            && self.source.sequence().is_none()
        {
            let next =
                self.source.reader().and_then(|reader| next_recording(&self.source.input.demuxer(), reader, end));
            if let Some(at) = next.map_err(|error| self.unreadable(error))? {
                let detail = format!("another recording begins at byte {at}, and its packets cannot be read");
                self.damage.add(DamageKind::Container, Stage::Demux, None, self.latest(), detail)?;
            }
        }
        // These two formats consist of pieces of one size only. The remainder is an incomplete piece.
        let rest = match self.source.input.demuxer().as_str() {
            "yuv4mpegpipe" => {
                self.seen.iter().filter_map(|seen| seen.last_byte).max().map(|end| extent.size.saturating_sub(end))
            }
            "mpegts" => [188, 192, 204].into_iter().map(|packet| extent.size % packet).min(),
            _ => None,
        };
        if let Some(rest) = rest.filter(|rest| *rest > 0) {
            return cut(format!("{rest} bytes at the end belong to a piece that is not whole"));
        }
        // The index of an MP4 or MOV file lists every packet before the first is read. No other container is as exact.
        if self.source.input.demuxer().starts_with("mov,") {
            if self.is_landed {
                return Ok(());
            }
            for (facts, seen) in self.source.streams().iter().zip(&self.seen) {
                // Chapter tracks are read with the header and yield no packets.
                let is_left = self.alone.is_some_and(|film| film != facts.index);
                let is_counted = !is_left && self.uncounted != Some(facts.index);
                let is_media = matches!(facts.kind, StreamKind::Video | StreamKind::Audio);
                if is_media && is_counted && seen.packets < facts.indexed_packets {
                    let detail = format!(
                        "the source is cut short: the container lists {} packets and {} could be read",
                        facts.indexed_packets, seen.packets
                    );
                    self.damage.add(DamageKind::Truncated, Stage::Demux, Some(facts.index), seen.end, detail)?;
                }
            }
            return Ok(());
        }
        // A duration that libavformat measures at the end of the file declares nothing, and is wrong if the clock
        // restarts.
        if self.source.input.duration_method() == DurationMethod::Times {
            return Ok(());
        }
        let (Some(declared), Some(end)) = (self.source.input.declared_duration(), self.latest()) else {
            return Ok(());
        };
        let micro = Rational::new(1, 1_000_000);
        let start = self.source.input.start().unwrap_or(0);
        // Matroska does not define the start of a duration, and FFmpeg counts from zero (RFC 9559, 5.1.2.10).
        let from = if self.source.input.demuxer() == "matroska,webm" { start.min(0) } else { start };
        let found = end.micros().saturating_sub(from);
        // Declared durations are rounded, and some end at the start of the last frame.
        let tolerance = 500_000.max(declared / 100);
        if found.saturating_add(tolerance) < declared {
            let detail = format!(
                "the source is cut short: the container declares {}, and the last packet ends at {}",
                Timestamp::new(declared, micro),
                Timestamp::new(found, micro)
            );
            self.damage.add(DamageKind::Truncated, Stage::Demux, None, Some(end), detail)?;
        }
        Ok(())
    }
}

/// The result of reading the source to its end, by stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walked {
    /// Discontinuities of the source's clock.
    pub(crate) discontinuities: Vec<Discontinuity>,
    /// The streams, by index. Empty if the source was not read to its end.
    pub(crate) streams: BTreeMap<usize, Presented>,
}

/// The presentation of a stream, according to its packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented {
    /// The end of the last packet.
    pub(crate) end: Timestamp,
    /// The tolerance of `end`: one audio packet, or two for codecs that yield one block more than the container lists.
    pub(crate) grain: Option<Timestamp>,
    /// True if the stream was read to its end.
    pub(crate) is_whole: bool,
}

#[cfg(test)]
mod tests;
