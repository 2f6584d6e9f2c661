//! Reads the packets of an open source, one after the other.
//!
//! Invariant: a packet leaves with the stream that it continues, with the time according to its edit list, and on a
//! continuous clock.

use std::sync::Arc;

use trix_av::{
    AvError,
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, Timestamp},
};

use super::{
    clock::{Clock, Discontinuity},
    edits::Edits,
    handover::SecondLook,
    opened::Source,
    origin::Origin,
    window::limited,
};
use crate::integrity::Integrity;

impl Source {
    /// Reads the file a second time to check what libavformat does not check.
    pub(crate) fn integrity(&self) -> std::io::Result<Option<Integrity>> {
        Integrity::of(&self.input.demuxer(), || match &self.origin {
            Origin::File { store, content, .. } => {
                let (reader, mark) = store.marked_reader(Some(Arc::clone(self.input.io_state())));
                mark.goes_through();
                Ok(limited(reader, *content))
            }
            Origin::Sequence { .. } | Origin::Memory(_) | Origin::Given(_) => self.reader(),
        })
    }

    /// Declares that this reader goes from the start of the source to its end. Data that it has passed need not stay in
    /// memory for it.
    pub(crate) fn goes_through(&mut self) {
        if let Some(mark) = &self.mark {
            mark.goes_through();
        }
        if let Some(sequence) = &mut self.sequence {
            sequence.goes_through();
        }
    }

    /// Starts a new clock for all streams known so far.
    pub(super) fn watch_clock(&mut self) {
        if self.sequence.is_none() {
            self.clock = Clock::of(&self.input, &self.streams);
        }
    }

    /// The next packet of any stream, or `None` at the end. An I/O error is stored in the input's
    /// [`trix_av::io::IoState`].
    pub(crate) fn read(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        let read = self.read_next();
        if let Ok(Some(position)) = read.as_ref().map(|packet| packet.as_ref().and_then(Packet::position)) {
            self.place.set(position);
        }
        read
    }

    fn read_next(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        if let Some(sequence) = &mut self.sequence {
            return sequence.read(self.input.io_state());
        }
        loop {
            if let Some(packet) = self.clock.as_mut().and_then(Clock::next) {
                return Ok(Some(packet));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let packet = self.read_file();
            let Some(clock) = &mut self.clock else { return packet };
            match packet {
                Ok(Some(packet)) => clock.push(packet),
                Ok(None) => {
                    if !clock.finish() {
                        return Ok(None);
                    }
                }
                // Packets that were read before the error come first.
                Err(error) => {
                    self.failed = Some(error);
                    clock.finish();
                }
            }
        }
    }

    /// The next packet of the file, assigned to the stream that it continues, with the time according to its edit list.
    pub(super) fn read_file(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        let mut packet = loop {
            if let Some(packet) = self.joints.next() {
                break packet;
            }
            let Some(packet) = self.read_part()? else { return Ok(None) };
            let look = SecondLook { origin: &self.origin, reading: &self.reading };
            self.joints.push(packet, self.parts.here(&self.input), look);
        };
        if let Some((edits, facts)) = self.edits().zip(self.streams.get(packet.stream())) {
            edits.place(facts, &mut packet);
        }
        Ok(Some(packet))
    }

    /// The earliest presentation time among the first packets of stream `index`, in ticks of the stream. Frames that an
    /// edit list hides do not count. `None` if the packets carry no times, or if the file cannot be opened once more.
    pub(crate) fn earliest(&self, index: usize) -> Option<i64> {
        // More packets than any codec reorders (H.264 and HEVC: 16), and at most as many bytes as the probe.
        const PACKETS: usize = 32;
        let limit = self.reading.limits.probe_bytes;
        let is_audio = self.streams.get(index).is_some_and(|stream| stream.kind == StreamKind::Audio);
        let mut again = self.reopen().ok()?;
        let (mut seen, mut bytes, mut earliest) = (0, 0, None::<i64>);
        while seen < PACKETS && bytes < limit {
            let Ok(Some(packet)) = again.read() else { break };
            bytes += packet.data().len() as u64;
            if packet.stream() == index && (is_audio || !packet.is_discarded()) {
                seen += 1;
                earliest = [earliest, packet.pts()].into_iter().flatten().min();
            }
        }
        earliest
    }

    /// Number of samples that an edit list hides at the start of an audio track: the priming samples of its encoder.
    pub(crate) fn run_in(&self, facts: &StreamFacts) -> usize {
        // Packets of known codecs last at most 46 ms at usual rates. More hidden samples are no priming.
        const MOST: usize = 4096;
        let hidden =
            facts.start.zip(self.earliest(facts.index)).map_or(0, |(start, earliest)| start.saturating_sub(earliest));
        let rate = Rational::new(1, i64::from(facts.sample_rate.max(1)));
        let samples = Timestamp::new(hidden, facts.time_base).rescale(rate);
        usize::try_from(samples).ok().filter(|samples| *samples <= MOST).unwrap_or(0)
    }

    /// The discontinuities of the file's clock, as far as the file was read.
    pub(crate) fn discontinuities(&self) -> &[Discontinuity] {
        self.clock.as_ref().map_or(&[], Clock::joints)
    }

    /// Continues at byte `position`, for containers that can be read from any position.
    pub(crate) fn seek_byte(&mut self, position: u64) -> std::result::Result<(), AvError> {
        if let Some(clock) = &mut self.clock {
            clock.restart();
        }
        self.joints.restart();
        self.parts.restart();
        let done = self.input.seek_byte(position);
        self.drop_complaints();
        done
    }

    /// The next packet, for a reader that only looks at some packets. `None` at the end, and where nothing can be read.
    ///
    /// # Errors
    /// `Io` if the disk fails, `Cancelled` with `stage`. A read that is cut off looks like damage, or like the end.
    pub(crate) fn packet(&mut self, stage: Stage) -> Result<Option<Packet>> {
        let found = self.read();
        if self.is_cancelled() {
            return Err(Error::cancelled(stage));
        }
        match found {
            Ok(packet) => Ok(packet),
            Err(_) => self.io_error().map_or(Ok(None), Err),
        }
    }

    /// Drops the messages about packets that a seek has passed, and about the place to which it led.
    fn drop_complaints(&self) {
        self.input.sink().take();
    }

    /// Continues at the last keyframe of stream `index` at or before `ticks`, as precisely as the container allows.
    pub(crate) fn seek(&mut self, index: usize, ticks: i64) -> std::result::Result<(), AvError> {
        if let Some(clock) = &mut self.clock {
            clock.restart();
        }
        self.joints.restart();
        self.parts.restart();
        let place = self.edits().zip(self.streams.get(index));
        let ticks = place.map_or(ticks, |(edits, facts)| edits.without_gaps(facts, ticks));
        let done = self.input.seek(index, ticks);
        self.drop_complaints();
        done
    }

    pub(super) fn edits(&self) -> Option<&Edits> {
        match &self.origin {
            Origin::File { edits, .. } => Some(edits),
            Origin::Sequence { .. } | Origin::Memory(_) | Origin::Given(_) => None,
        }
    }

    /// True if the edit list of stream `index` combines several parts of its media, or leaves gaps. Packets alone do
    /// not show that.
    pub(crate) fn is_composed(&self, index: usize) -> bool {
        self.edits().zip(self.streams.get(index)).is_some_and(|(edits, facts)| edits.is_composed(facts))
    }

    /// Checks that stream `index` can be presented as its edit list requires.
    ///
    /// # Errors
    /// `Unsupported` with the time of the edit that cannot be followed.
    pub(crate) fn refuse_edits(&self, index: usize) -> Result<()> {
        let found = self.edits().zip(self.streams.get(index)).and_then(|(edits, facts)| edits.trouble(facts));
        found.map_or(Ok(()), |(time, why)| {
            let error = Error::new(ErrorKind::Unsupported, Stage::Source, format!("{why}, which cannot be followed"));
            Err(error.in_file(&self.label()).in_stream(index).at(Some(time)))
        })
    }
}
