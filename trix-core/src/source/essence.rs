//! Counts the packets of an MXF file up to a cut, and compares what is read near the cut with these counts.
//!
//! Invariant: a read near the cut is only accepted if its first packets have the times that they have in a read from the
//! start of the file. In MXF, libavformat counts frames and samples from there, so later packets agree too.

use std::collections::{BTreeMap, HashMap, VecDeque};

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::essence::{Element, HEAD, Walk};
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{opened::Source, origin::Origin};

/// Video codecs whose keyframes need nothing that came before them.
const ALONE: [&str; 7] = ["mpeg2video", "prores", "dnxhd", "mjpeg", "jpeg2000", "dvvideo", "rawvideo"];

/// Frames before the cut whose packets are kept: 64 seconds of 60 frames, the farthest place at which reading starts.
const KEPT: usize = 4096;

/// The largest number of packets that are kept.
const MOST: usize = 400_000;

/// The largest number of packets that are read to find one of each stream.
const FIRST: usize = 1000;

/// Frames near the cut whose times are compared.
const COMPARED: usize = 16;

/// The packets before a cut, by their position in the file.
#[derive(Debug)]
pub(crate) struct Counted {
    elements: HashMap<u64, Element>,
    streams: BTreeMap<usize, Begun>,
}

/// The start of a stream.
#[derive(Debug)]
struct Begun {
    position: u64,
    /// The time of the first packet, in ticks.
    first: i64,
    /// For audio: bytes of one sample of all channels.
    block: Option<u64>,
    /// The track of the first packet, once the walk has come to it.
    track: Option<u32>,
}

impl Counted {
    /// True if `packet` has the time that follows from the packets before it.
    fn holds(&self, packet: &Packet) -> bool {
        let Some(begun) = self.streams.get(&packet.stream()) else { return false };
        let Some(element) = packet.position().and_then(|position| self.elements.get(&position)) else { return false };
        let passed = match begun.block {
            None => Some(element.before),
            Some(block) => (element.bytes % block == 0).then_some(element.bytes / block),
        };
        let expected = passed.and_then(|passed| begun.first.checked_add(i64::try_from(passed).ok()?));
        begun.track == Some(element.track) && expected.is_some() && packet.dts() == expected
    }
}

impl Source {
    /// Counts the packets of an MXF file up to the frame of stream `index` at `until`. `None` if the file holds anything
    /// whose times do not follow from such a count.
    ///
    /// # Errors
    /// `Io` if the source cannot be read, `Cancelled`.
    pub(super) fn counted(&self, index: usize, until: Timestamp) -> Result<Option<Counted>> {
        let Origin::File { store, .. } = &self.origin else { return Ok(None) };
        let Some(mut streams) = self.begun(index)? else { return Ok(None) };
        let (Some(film), Some(facts)) = (streams.get(&index), self.streams.get(index)) else { return Ok(None) };
        let frames = until.rescale(facts.time_base).saturating_sub(film.first).saturating_add(1);
        let frames = u64::try_from(frames).unwrap_or(0);
        let first = streams.values().map(|begun| begun.position).min().unwrap_or(0);
        let mut walk = Walk::new(first);
        // The track of the frames, once it is known, and the number of its packets among those that are kept.
        let (mut track, mut held) = (None, 0);
        let mut kept = VecDeque::new();
        let mut head = [0; HEAD];
        loop {
            if self.is_cancelled() {
                return Err(Error::cancelled(Stage::Source));
            }
            let at = walk.at();
            let count = store
                .read_past(&mut head, at)
                .map_err(|error| Error::io(Stage::Source, &self.label(), "cannot be read", error))?;
            if count == 0 {
                break;
            }
            let Ok(element) = walk.step(&head[..count]) else { return Ok(None) };
            let Some(element) = element else { continue };
            if element.before == 0 {
                streams
                    .values_mut()
                    .filter(|begun| begun.position == at)
                    .for_each(|begun| begun.track = Some(element.track));
                track = streams.get(&index).and_then(|film| film.track);
            }
            kept.push_back((at, element));
            held += usize::from(Some(element.track) == track);
            while held > KEPT {
                let Some((_, old)) = kept.pop_front() else { break };
                held -= usize::from(Some(old.track) == track);
            }
            if kept.len() > MOST {
                return Ok(None);
            }
            if Some(element.track) == track && element.before >= frames {
                break;
            }
        }
        Ok(Some(Counted { elements: kept.into_iter().collect(), streams }))
    }

    /// The start of stream `index` and of each audio stream. `None` if one of them cannot be counted.
    fn begun(&self, index: usize) -> Result<Option<BTreeMap<usize, Begun>>> {
        let is_counted = |facts: &&StreamFacts| facts.index == index || facts.kind == StreamKind::Audio;
        let mut blocks = BTreeMap::new();
        for facts in self.streams.iter().filter(is_counted) {
            let block = match facts.kind {
                StreamKind::Audio => {
                    let pcm = facts.parameters.pcm_block();
                    let pcm = pcm.filter(|(rate, _)| facts.time_base == TimeBase::new(1, i64::from(*rate)));
                    let Some((_, block)) = pcm else { return Ok(None) };
                    Some(block as u64)
                }
                _ if ALONE.contains(&facts.codec.as_str()) => None,
                _ => return Ok(None),
            };
            blocks.insert(facts.index, block);
        }
        let mut again = self.reopen()?;
        again.keep(|stream| blocks.contains_key(&stream));
        let mut streams = BTreeMap::new();
        for _ in 0..FIRST {
            if streams.len() == blocks.len() {
                return Ok(Some(streams));
            }
            let Some(packet) = again.packet(Stage::Source)? else { break };
            let (Some(position), Some(first)) = (packet.position(), packet.dts()) else { return Ok(None) };
            let Some(block) = blocks.get(&packet.stream()) else { continue };
            streams.entry(packet.stream()).or_insert(Begun { position, first, block: *block, track: None });
        }
        Ok(None)
    }

    /// Seeks `again` to the last keyframe of stream `index` at or before `ticks`. True if the packets from there on have the
    /// times of a read from the start.
    ///
    /// # Errors
    /// As for reading the source.
    pub(super) fn enter_counted(
        &self,
        again: &mut Source,
        counted: &Counted,
        index: usize,
        ticks: i64,
    ) -> Result<bool> {
        let mut look = self.reopen()?;
        look.keep(|stream| counted.streams.contains_key(&stream));
        if look.seek(index, ticks).is_err() {
            return Ok(false);
        }
        let mut open: BTreeMap<usize, usize> =
            counted.streams.keys().map(|stream| (*stream, if *stream == index { COMPARED } else { 1 })).collect();
        let mut is_first_wrong = false;
        for number in 0..FIRST {
            if open.is_empty() {
                if is_first_wrong {
                    // `look` read only these streams when the wrong packet came first. Otherwise, a packet of another
                    // stream would be left out in its place.
                    again.keep(|stream| counted.streams.contains_key(&stream));
                }
                let is_there = again.seek(index, ticks).is_ok();
                return Ok(is_there && (!is_first_wrong || again.packet(Stage::Source)?.is_some()));
            }
            let Some(packet) = look.packet(Stage::Source)? else { break };
            let Some(left) = open.get_mut(&packet.stream()) else { continue };
            if !counted.holds(&packet) {
                // Where the file states no times, libavformat does not know how many frames come before the keyframe.
                is_first_wrong = number == 0 && packet.stream() == index;
                if !is_first_wrong {
                    return Ok(false);
                }
                continue;
            }
            *left -= 1;
            if *left == 0 {
                open.remove(&packet.stream());
            }
        }
        Ok(false)
    }
}
