//! The items in the channels of a pass, and their weights.

use trix_av::{frame::Frame, packet::Packet};
use trix_model::{
    error::Result,
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::{audio_start::Passed, video::DecodedFrame},
    pipeline::channel::Weight,
    plan::PACKETS,
};

impl Weight for Packet {
    fn weight(&self) -> usize {
        // The approximate size of the struct and the bookkeeping of its buffer.
        self.data().len() + 256
    }
}

impl Weight for DecodedFrame {
    fn weight(&self) -> usize {
        self.frame.bytes()
    }
}

/// A packet or block on its way to an audio decoder or encoder. Its weight is its size in bytes, or its share of the
/// time by which a stage may run ahead, whichever is larger. With sizes alone, audio of few bytes would be encoded
/// minutes before its video. The muxer does not wait that long, so the order of packets would depend on the load of the
/// machine.
#[derive(Clone)]
pub(super) struct Queued<T> {
    pub(super) item: T,
    pub(super) weight: usize,
    /// The samples before the first block of a decode that began in mid-stream.
    pub(super) passed: Option<Passed>,
}

impl<T> Queued<T> {
    /// An item of `bytes` that lasts for `ticks` of `base`.
    fn lasting(item: T, bytes: usize, ticks: i64, base: TimeBase) -> Self {
        /// Two seconds fill the channel.
        const AHEAD: i64 = 2_000_000;
        let micros = Timestamp::new(ticks, base).micros().clamp(0, AHEAD);
        Queued { item, weight: bytes.max((micros * PACKETS as i64 / AHEAD) as usize), passed: None }
    }
}

impl Queued<Packet> {
    pub(super) fn packet(packet: Packet, base: TimeBase) -> Self {
        let (bytes, ticks) = (packet.weight(), packet.duration());
        Queued::lasting(packet, bytes, ticks, base)
    }
}

impl Queued<Frame> {
    pub(super) fn audio(frame: Frame) -> Self {
        let (bytes, samples, rate) = (frame.bytes(), frame.samples() as i64, i64::from(frame.sample_rate().max(1)));
        Queued::lasting(frame, bytes, samples, TimeBase::new(1, rate))
    }

    /// The same block, with the samples before it.
    pub(super) fn after(self, passed: Option<Passed>) -> Self {
        Queued { passed, ..self }
    }
}

impl<T> Weight for Queued<T> {
    fn weight(&self) -> usize {
        self.weight
    }
}

/// A packet on its way to the muxer, or the error instead of it. `None` is the end of the track.
pub(super) struct ForMuxer {
    pub(super) track: usize,
    pub(super) packet: Result<Option<Packet>>,
}

impl ForMuxer {
    pub(super) fn packet(track: usize, packet: Packet) -> Self {
        ForMuxer { track, packet: Ok(Some(packet)) }
    }

    /// The end of a track. The muxer may need it before the other tracks end.
    pub(super) fn end(track: usize) -> Self {
        ForMuxer { track, packet: Ok(None) }
    }
}

impl Weight for ForMuxer {
    fn weight(&self) -> usize {
        self.packet.iter().flatten().map(Weight::weight).sum()
    }
}
