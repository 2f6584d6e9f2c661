//! What waits in the channels of a pass, and how much it weighs.

use trix_av::{frame::Frame, packet::Packet};
use trix_model::{
    error::Result,
    time::{TimeBase, Timestamp},
};

use crate::{decode::video::Picture, pipeline::stage::Weight, plan::PACKETS};

impl Weight for Packet {
    fn weight(&self) -> usize {
        // The struct itself, with its buffer's book-keeping, is about this much.
        self.data().len() + 256
    }
}

impl Weight for Picture {
    fn weight(&self) -> usize {
        self.frame.bytes()
    }
}

/// Something on its way to a decoder or an encoder of sound. It weighs as much as its bytes, or as its part of the time
/// for which a stage may run ahead of another: else the sound of a source of few bytes would be encoded minutes before
/// its pictures, and the muxer, which waits for neither for long, would write them in an order that depends on the
/// machine's load.
#[derive(Clone)]
pub(super) struct Queued<T> {
    pub(super) item: T,
    pub(super) weight: usize,
}

impl<T> Queued<T> {
    /// An item of so many bytes that lasts for `ticks` of `base`.
    fn lasting(item: T, bytes: usize, ticks: i64, base: TimeBase) -> Self {
        /// Two seconds fill the channel.
        const AHEAD: i64 = 2_000_000;
        let micros = Timestamp::new(ticks, base).micros().clamp(0, AHEAD);
        Queued { item, weight: bytes.max((micros * PACKETS as i64 / AHEAD) as usize) }
    }
}

impl Queued<Packet> {
    pub(super) fn packet(packet: Packet, base: TimeBase) -> Self {
        let (bytes, ticks) = (packet.weight(), packet.duration());
        Queued::lasting(packet, bytes, ticks, base)
    }
}

impl Queued<Frame> {
    pub(super) fn sound(frame: Frame) -> Self {
        let (bytes, samples, rate) = (frame.bytes(), frame.samples() as i64, i64::from(frame.sample_rate().max(1)));
        Queued::lasting(frame, bytes, samples, TimeBase::new(1, rate))
    }
}

impl<T> Weight for Queued<T> {
    fn weight(&self) -> usize {
        self.weight
    }
}

/// A packet on its way to the muxer, or why there is none.
pub(super) struct ForMuxer {
    pub(super) track: usize,
    pub(super) packet: Result<Packet>,
}

impl Weight for ForMuxer {
    fn weight(&self) -> usize {
        self.packet.as_ref().map_or(0, Weight::weight)
    }
}
