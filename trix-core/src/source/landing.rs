//! Continues a source in mid-file.
//!
//! Invariant: packets that are read from there have the times and streams that they have when the file is read from its
//! start. Where the container cannot show that, there is no way into the file. The index of Matroska lists only some
//! packets: clocks that go back, missing blocks and changed parameter sets between them would not be seen.

use std::{io::Read, sync::Arc};

use trix_av::{io::IoState, stream::StreamKind};
use trix_bitstream::steady::{State, Steady};
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{essence::Counted, opened::Source, origin::Origin};

/// How a file is entered.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// By the sample tables of MP4 and MOV, without fragments.
    Index,
    /// For each frame of the stream: its decoding time in ticks, and the byte position of the packet in which it begins.
    Bytes(Vec<(u64, u64)>),
    /// By the index of MXF, compared with the packets that were counted from the start.
    Counted(Arc<Counted>),
}

/// The tick of times in a transport stream.
const TICK: TimeBase = TimeBase::new(1, 90_000);
/// Bytes per read of the file.
const PIECE: usize = 1 << 20;

impl Source {
    /// The way to packets of stream `index` up to `until`. `None` if only a read from the start gives their times.
    ///
    /// # Errors
    /// `Io` if the source cannot be read, `Cancelled`.
    pub(crate) fn way(&self, index: usize, until: Timestamp) -> Result<Option<Way>> {
        if !self.is_single_file() {
            return Ok(None);
        }
        Ok(match self.input.demuxer().as_str() {
            demuxer if demuxer.starts_with("mov,") && !self.is_fragmented() => Some(Way::Index),
            "mpegts" => self.steady_until(index, until)?.map(Way::Bytes),
            "mxf" => self.counted(index, until)?.map(|counted| Way::Counted(Arc::new(counted))),
            _ => None,
        })
    }

    /// The name of the demuxer in libavformat.
    pub(crate) fn demuxer(&self) -> String {
        self.input.demuxer()
    }

    /// The state shared with the I/O layer, which can cancel a read.
    pub(crate) fn io_state(&self) -> &IoState {
        self.input.io_state()
    }

    /// True if the source is a file of one container, from which it takes the packets as they are.
    pub(crate) fn is_single_file(&self) -> bool {
        let is_file = matches!(self.origin, Origin::File { .. });
        let is_changed = self.is_plain() || self.skips_samples || self.joints.are_joined() || self.parts.are_several();
        is_file && !is_changed
    }

    /// Opens the source once more, at the last place from which stream `index` can be read that is not after `ticks`.
    /// `None` if there is none.
    ///
    /// # Errors
    /// As for opening the source.
    pub(crate) fn landed(&self, index: usize, way: &Way, ticks: i64) -> Result<Option<Source>> {
        let mut again = self.reopen()?;
        again.joints.report_to(&self.joints);
        if again.parts.are_several() {
            return Ok(None);
        }
        let is_there = match way {
            Way::Index => again.seek(index, ticks).is_ok(),
            Way::Counted(counted) => self.enter_counted(&mut again, counted, index, ticks)?,
            Way::Bytes(places) => {
                let wanted = u64::try_from(ticks).unwrap_or(0);
                let after = places.partition_point(|(time, _)| *time <= wanted);
                let place = after.checked_sub(1).and_then(|at| places.get(at));
                place.is_some_and(|(_, position)| again.seek_byte(*position).is_ok())
            }
        };
        Ok(is_there.then_some(again))
    }

    /// The places of the frames of stream `index` of a transport stream up to `until`, if nothing before that changes the
    /// times of later packets.
    fn steady_until(&self, index: usize, until: Timestamp) -> Result<Option<Vec<(u64, u64)>>> {
        let pid = |id: i32| u16::try_from(id).ok();
        let media = self.streams.iter().filter(|facts| matches!(facts.kind, StreamKind::Video | StreamKind::Audio));
        let all: Vec<u16> = media.filter_map(|facts| pid(facts.id)).collect();
        let film = self.streams.get(index).and_then(|facts| pid(facts.id));
        let until = u64::try_from(until.rescale(TICK)).ok();
        let Some((film, until)) = film.zip(until) else { return Ok(None) };
        let mut steady = Steady::new(film, all, until);
        let unreadable = |error| match self.is_cancelled() {
            true => Error::cancelled(Stage::Source),
            false => Error::io(Stage::Source, &self.label(), "cannot be read", error),
        };
        let mut reader = self.reader().map_err(unreadable)?;
        let mut piece = vec![0; PIECE];
        loop {
            if self.is_cancelled() {
                return Err(Error::cancelled(Stage::Source));
            }
            let count = match reader.read(&mut piece) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(unreadable)?,
            };
            match steady.feed(&piece[..count]) {
                State::Open if count > 0 => {}
                State::Open | State::Reached => break,
                State::Uneven => return Ok(None),
            }
        }
        Ok(Some(steady.places()))
    }
}
