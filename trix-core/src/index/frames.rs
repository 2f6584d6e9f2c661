//! Lists every coded frame of a stream, and finds where decoding must start so that a frame is the same as in a decode
//! from the start.
//!
//! Invariant: each frame that is shown has its own time, and a decode that starts at an entry needs no earlier data.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use trix_model::time::{TimeBase, Timestamp};

use super::from_start::FromStart;
use crate::source::Way;

/// A packet of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coded {
    pub(crate) pts: Option<i64>,
    pub(crate) dts: Option<i64>,
    /// Duration in ticks; 0 if the container does not state it.
    pub(crate) duration: i64,
    pub(crate) bytes: u32,
    /// Where the packet lies in the file, as libavformat says it.
    pub(crate) position: Option<u64>,
    /// True if decoding can start here.
    pub(crate) is_entry: bool,
    /// True if a frame that starts with this packet is shown.
    pub(crate) is_shown: bool,
}

impl Coded {
    /// True if a packet with these times and this size is the same packet.
    pub(crate) fn is(&self, pts: Option<i64>, dts: Option<i64>, bytes: usize) -> bool {
        (self.pts, self.dts, self.bytes as usize) == (pts, dts, bytes)
    }
}

/// The frames of a video stream, according to its packets.
#[derive(Debug)]
pub struct FrameIndex {
    time_base: TimeBase,
    /// The packets in stream order.
    packets: Vec<Coded>,
    /// The packets of the frames that are shown, in presentation order.
    shown: Vec<u32>,
    /// The packets at which decoding can start, in stream order: all earlier packets are presented earlier. Frames that follow but are
    /// presented earlier are not complete.
    starts: Vec<u32>,
    /// The time up to which all frames are known, in ticks; `None` if all frames of the stream are known.
    until: Option<i64>,
    /// The reason why every decode must begin at the start of the stream.
    trouble: Option<FromStart>,
    /// True if the index was made from a header. A header can be wrong about where decoding can start.
    is_listed: bool,
    /// True if the packets begin in mid-stream.
    is_window: bool,
    /// The packets of which it was verified that decoding can start there, if the index was made from a header.
    verified: Mutex<BTreeSet<usize>>,
}

impl FrameIndex {
    /// The packets, and the trouble with them, if all packets of the stream were read for this index.
    pub(super) fn read_packets(&self) -> Option<(&[Coded], Option<FromStart>)> {
        let is_whole = !self.is_listed && !self.is_window && self.until.is_none() && !self.packets.is_empty();
        is_whole.then_some((self.packets.as_slice(), self.trouble))
    }

    /// Makes an index of the packets of a stream, given in stream order. `until` is the time up to which they include
    /// all frames, or `None` if they include all frames of the stream.
    pub(super) fn new(
        time_base: TimeBase,
        mut packets: Vec<Coded>,
        until: Option<i64>,
        trouble: Option<FromStart>,
    ) -> Self {
        packets.shrink_to_fit();
        let mut shown: Vec<u32> = (0..packets.len() as u32).filter(|at| packets[*at as usize].is_shown).collect();
        shown.sort_by_key(|at| packets[*at as usize].pts);
        let pts = |at: &u32| packets[*at as usize].pts;
        let is_even =
            shown.windows(2).all(|two| pts(&two[0]) < pts(&two[1])) && shown.iter().all(|at| pts(at).is_some());
        let trouble = trouble.or((!is_even).then_some(FromStart::Times)).or_else(|| head_trouble(&packets));
        let (starts, verified) = (starts(&packets), Mutex::default());
        FrameIndex { time_base, packets, shown, starts, until, trouble, is_listed: false, is_window: false, verified }
    }

    /// Makes an index of packets from mid-stream, which include all frames up to `until` from the first entry on.
    pub(super) fn window(time_base: TimeBase, packets: Vec<Coded>, until: Option<i64>) -> Self {
        let first = packets.iter().position(|packet| packet.is_entry).unwrap_or(packets.len());
        let whole: Vec<Coded> = packets[first..].to_vec();
        let index = FrameIndex::new(time_base, whole, until, None);
        // What refers to frames before the window is not known, and not wanted.
        let trouble = index.trouble.filter(|trouble| *trouble != FromStart::MidGroup);
        FrameIndex { trouble, is_window: true, ..index }
    }

    /// Marks the index as made from a header.
    pub(super) fn listed(self) -> Self {
        FrameIndex { is_listed: true, ..self }
    }

    /// Returns the same index, except that decoding cannot start at the packet of `begin`.
    pub(super) fn without(&self, begin: &Begin) -> Self {
        let mut packets = self.packets.clone();
        packets[begin.packet].is_entry = false;
        let FrameIndex { time_base, until, trouble, is_listed, is_window, .. } = *self;
        let (shown, starts, verified) = (self.shown.clone(), starts(&packets), Mutex::new(self.verified().clone()));
        FrameIndex { time_base, packets, shown, starts, until, trouble, is_listed, is_window, verified }
    }

    /// True if the entries come from a header and must still be verified.
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    fn verified(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if it was verified before that decoding can start at `begin`.
    pub(super) fn is_verified(&self, begin: &Begin) -> bool {
        self.verified().contains(&begin.packet)
    }

    /// Remembers that decoding can start at `begin`.
    pub(super) fn verify(&self, begin: &Begin) {
        self.verified().insert(begin.packet);
    }

    /// The index of a source whose packets do not identify frames.
    pub(super) fn plain(time_base: TimeBase) -> Self {
        FrameIndex::new(time_base, Vec::new(), None, Some(FromStart::Plain))
    }

    /// Number of frames that are shown, as far as they are known.
    pub fn len(&self) -> u64 {
        self.shown.len() as u64
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The presentation time of frame `number`.
    pub fn time(&self, number: u64) -> Option<Timestamp> {
        Some(Timestamp::new(self.pts(usize::try_from(number).ok()?)?, self.time_base))
    }

    /// The number of the first frame presented at `time` or later; [`Self::len`] if there is none.
    pub(crate) fn number_at(&self, time: Timestamp) -> u64 {
        let is_before = |at: &u32| {
            let pts = self.packets[*at as usize].pts;
            pts.is_some_and(|pts| Timestamp::new(pts, self.time_base) < time)
        };
        self.shown.partition_point(is_before) as u64
    }

    /// The frame on screen at `time`: the last one presented at `time` or earlier.
    pub(crate) fn number_showing(&self, time: Timestamp) -> Option<u64> {
        let next = self.number_at(time);
        if self.time(next) == Some(time) { Some(next) } else { next.checked_sub(1) }
    }

    /// The number of frames that must be decoded before frame `number`.
    ///
    /// # Errors
    /// The reason why decoding must begin at the start of the stream.
    pub fn lead_in(&self, number: u64) -> Result<u64, FromStart> {
        let packet = self.entry(self.time_of(number))?;
        let first = self.packets[packet].pts;
        let before = self.shown.partition_point(|at| self.packets[*at as usize].pts < first) as u64;
        Ok(number.min(self.len()).saturating_sub(before))
    }

    /// The reason why every decode must begin at the start of the stream, if that applies to all frames.
    pub fn trouble(&self) -> Option<FromStart> {
        self.trouble
    }

    /// True if the index contains all frames up to `until`, or to the end if `until` is `None`.
    pub(super) fn reaches(&self, until: Option<i64>) -> bool {
        self.until.is_none_or(|known| until.is_some_and(|until| until <= known))
    }

    /// The greatest position of a packet of the frames before frame `end`. `None` if positions are unknown.
    pub(crate) fn end_position(&self, end: u64) -> Option<u64> {
        let frames = self.shown.len().min(usize::try_from(end).unwrap_or(usize::MAX));
        self.shown[..frames].iter().filter_map(|at| self.packets[*at as usize].position).max()
    }

    /// Packet number `at`, in stream order.
    pub(super) fn coded(&self, at: usize) -> Option<Coded> {
        self.packets.get(at).copied()
    }

    pub(super) fn packets(&self) -> usize {
        self.packets.len()
    }

    fn pts(&self, number: usize) -> Option<i64> {
        self.packets[*self.shown.get(number)? as usize].pts
    }

    /// The time of frame `number`, or a time after the last frame if there is no such frame.
    fn time_of(&self, number: u64) -> i64 {
        usize::try_from(number).ok().and_then(|number| self.pts(number)).unwrap_or(i64::MAX)
    }

    /// The last packet at which decoding can start for a frame presented at `ticks`.
    fn entry(&self, ticks: i64) -> Result<usize, FromStart> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let passed = self.starts.partition_point(|at| self.packets[*at as usize].pts <= Some(ticks));
        let found = passed.checked_sub(1).map(|last| self.starts[last] as usize);
        found.filter(|at| *at > 0).ok_or(FromStart::NoEntry)
    }

    /// The numbers of the frames at which decoding can start, ascending.
    pub(crate) fn starts(&self) -> impl Iterator<Item = u64> + '_ {
        let number = |pts| self.shown.partition_point(|at| self.packets[*at as usize].pts < pts) as u64;
        self.starts.iter().map(move |at| number(self.packets[*at as usize].pts))
    }

    /// The frames in the order in which they are decoded: their numbers and their sizes in bytes. Two fields are one frame.
    pub(crate) fn coded_frames(&self) -> Vec<(u64, u64)> {
        let mut numbers = vec![None; self.packets.len()];
        for (number, at) in self.shown.iter().enumerate() {
            numbers[*at as usize] = Some(number as u64);
        }
        let mut frames: Vec<(u64, u64)> = Vec::with_capacity(self.shown.len());
        for (packet, number) in self.packets.iter().zip(numbers) {
            let bytes = u64::from(packet.bytes);
            match (number, frames.last_mut()) {
                (Some(number), _) => frames.push((number, bytes)),
                (None, Some((_, frame))) => *frame += bytes,
                (None, None) => {}
            }
        }
        frames
    }

    /// The position at which to start decoding for the frame with this number.
    pub(crate) fn begin(self: &Arc<Self>, number: u64) -> Result<Begin, FromStart> {
        let packet = self.entry(self.time_of(number))?;
        let first = self.packets[packet].pts.ok_or(FromStart::Times)?;
        let passed = self.shown.partition_point(|at| self.packets[*at as usize].pts < Some(first));
        Ok(Begin { index: Arc::clone(self), packet, first, passed, landing: None, is_checked: false })
    }
}

/// The packets at which decoding can start.
fn starts(packets: &[Coded]) -> Vec<u32> {
    let (mut starts, mut latest) = (Vec::new(), None);
    for (at, packet) in packets.iter().enumerate().filter(|(_, packet)| packet.pts.is_some()) {
        if packet.is_entry && latest < packet.pts {
            starts.push(at as u32);
        }
        if packet.is_shown {
            latest = latest.max(packet.pts);
        }
    }
    starts
}

/// Returns a reason if the first frames of a stream cannot be decoded without earlier data.
fn head_trouble(packets: &[Coded]) -> Option<FromStart> {
    let first = packets.first()?;
    if !first.is_entry {
        return Some(FromStart::MidGroup);
    }
    let group = packets.iter().skip(1).take_while(|packet| !packet.is_entry);
    let is_leading = |packet: &Coded| packet.is_shown && packet.pts < first.pts;
    group.into_iter().any(is_leading).then_some(FromStart::MidGroup)
}

/// The start of a decode in mid-stream.
#[derive(Clone, Debug)]
pub(crate) struct Begin {
    index: Arc<FrameIndex>,
    /// The first packet to decode.
    packet: usize,
    /// The time of its frame, the first frame that is certainly complete.
    first: i64,
    /// Number of frames presented before that time.
    passed: usize,
    /// How the file is entered near that packet, if it can be.
    landing: Option<Landing>,
    /// True if what comes before need not be read to find damage.
    is_checked: bool,
}

/// The place at which a file is entered.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    pub(crate) way: Arc<Way>,
    /// The time to go to, in ticks.
    pub(crate) ticks: i64,
}

impl Begin {
    /// The same start, reached by `landing`.
    pub(super) fn landing_at(self, landing: Landing) -> Self {
        Begin { landing: Some(landing), ..self }
    }

    /// How the file is entered near the first packet to decode, if it can be.
    pub(crate) fn landing(&self) -> Option<&Landing> {
        self.landing.as_ref()
    }

    /// The time from which packets are known, if those before it were not read.
    pub(crate) fn known_from(&self) -> Option<Timestamp> {
        let first = self.index.pts(0).filter(|_| self.index.is_window)?;
        Some(Timestamp::new(first, self.index.time_base))
    }

    /// The same start in a file whose container was checked, so that what comes before is not read to find damage.
    pub(crate) fn in_checked_file(self) -> Self {
        Begin { is_checked: true, ..self }
    }

    /// The index, if all packets of the stream were read for it, and the container was checked.
    pub(super) fn known_packets(&self) -> Option<&Arc<FrameIndex>> {
        self.index.read_packets().filter(|_| self.is_checked).map(|_| &self.index)
    }

    /// The first packet to decode.
    pub(crate) fn packet(&self) -> Coded {
        self.index.packets[self.packet]
    }

    /// The time, in ticks, from which frames are complete.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// Number of packets before the first packet to decode.
    pub(crate) fn packets_passed(&self) -> usize {
        self.packet
    }

    /// Number of frames presented before `first`.
    pub(crate) fn passed(&self) -> u64 {
        self.passed as u64
    }

    /// Number of packets before the first packet to decode whose frames are shown.
    pub(crate) fn packets_before(&self) -> u64 {
        self.index.packets[..self.packet].iter().filter(|packet| packet.is_shown).count() as u64
    }

    /// The times of the frames presented before `first`, and their durations according to the container.
    pub(crate) fn frames_before(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let packet = |at: &u32| &self.index.packets[*at as usize];
        self.index.shown[..self.passed].iter().map(packet).filter_map(|packet| Some((packet.pts?, packet.duration)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: TimeBase = TimeBase::new(1, 25);

    /// Frames in stream order: their times, and whether decoding can start at them.
    fn index(frames: &[(i64, bool)]) -> Arc<FrameIndex> {
        let packet = |(number, (pts, is_entry)): (usize, &(i64, bool))| Coded {
            pts: Some(*pts),
            dts: Some(number as i64 - 2),
            duration: 1,
            bytes: 1,
            position: None,
            is_entry: *is_entry,
            is_shown: true,
        };
        Arc::new(FrameIndex::new(BASE, frames.iter().enumerate().map(packet).collect(), None, None))
    }

    #[test]
    fn leading_frames_of_an_open_group_need_the_group_before() {
        // I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8
        let times = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
        let open = index(&times.map(|pts| (pts, pts == 0 || pts == 6)));
        for number in 0..6 {
            assert_eq!(open.begin(number).err(), Some(FromStart::NoEntry), "{number}");
        }
        for number in 6..12 {
            let begin = open.begin(number).expect("an entry");
            assert_eq!((begin.packet, begin.first(), begin.passed(), begin.packets_before()), (4, 6, 6, 4), "{number}");
        }
        assert_eq!(open.lead_in(8), Ok(2));
        let times: Vec<i64> = open.begin(8).expect("an entry").frames_before().map(|(pts, _)| pts).collect();
        assert_eq!(times, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn frames_are_found_by_time() {
        let even = index(&[(0, true), (2, true), (1, false), (3, true)]);
        let at = |num, den| Timestamp::new(num, TimeBase::new(1, den));
        assert_eq!((even.number_at(at(0, 1)), even.number_at(at(1, 25)), even.number_at(at(1, 24))), (0, 1, 2));
        assert_eq!((even.number_at(at(9, 1)), even.number_at(at(-9, 1))), (4, 0));
        assert_eq!((even.number_showing(at(1, 24)), even.number_showing(at(1, 25))), (Some(1), Some(1)));
        assert_eq!((even.number_showing(at(-1, 1)), even.number_showing(at(9, 1))), (None, Some(3)));
        assert_eq!(even.time(3), Some(Timestamp::new(3, BASE)));
    }

    #[test]
    fn what_is_unclear_begins_at_the_start() {
        assert_eq!(index(&[(0, true), (1, true), (1, true)]).trouble(), Some(FromStart::Times));
        assert_eq!(index(&[(0, false), (1, true)]).trouble(), Some(FromStart::MidGroup));
        assert_eq!(index(&[(2, true), (0, false), (1, false), (3, true)]).trouble(), Some(FromStart::MidGroup));
        // A frame that an earlier part of an edit list presents later is not lost.
        let back = index(&[(0, true), (5, true), (3, true), (6, true)]);
        assert_eq!(back.begin(2).map(|begin| begin.packet), Ok(1));
        assert_eq!(back.begin(3).map(|begin| begin.packet), Ok(3));
    }
}
