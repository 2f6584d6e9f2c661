//! The stages of pictures: decode, filter, encode.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use super::{ForMuxer, Shared};
use crate::{
    decode::{
        reader::{Cut, Verdict},
        video::{Picture, VideoDecoder},
    },
    encode::{
        timeline::Timeline,
        video::{Encoded, VideoEncoder},
    },
    error::{Result, Stage},
    filter::convert::Converter,
    media::{
        packet::Packet,
        time::{TimeBase, Timestamp},
    },
    pipeline::{
        progress::Counters,
        stage::{Receiver, Sender},
    },
};

/// Decodes, and keeps the pictures of the cut.
pub(super) fn decode_pictures(
    mut decoder: VideoDecoder,
    input: Receiver<Packet>,
    output: Sender<Picture>,
    cut: Cut,
    base: TimeBase,
    shared: &Shared,
) -> Result<()> {
    let mut kept = 0;
    let mut finished = false;
    while !finished {
        let packet = input.receive(Stage::Decode)?;
        finished = packet.is_none();
        decoder.push(packet.as_ref())?;
        while let Some(picture) = decoder.receive()? {
            shared.decoded.fetch_add(1, Ordering::Relaxed);
            match cut.judge(Timestamp::new(picture.pts, base), kept) {
                Verdict::Before => {
                    shared.before.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::After => {
                    shared.after.fetch_add(1, Ordering::Relaxed);
                    finished = true;
                    break;
                }
                Verdict::Keep => {
                    kept += 1;
                    output.send(picture, Stage::Decode)?;
                }
            }
        }
    }
    shared.repaired.store(decoder.repaired(), Ordering::Relaxed);
    Ok(())
}

/// Converts.
pub(super) fn filter_pictures(
    mut converter: Converter,
    input: Receiver<Picture>,
    output: Sender<Picture>,
) -> Result<()> {
    while let Some(picture) = input.receive(Stage::Filter)? {
        output.send(converter.convert(picture)?, Stage::Filter)?;
    }
    Ok(())
}

/// Encodes, and puts the times back on.
pub(super) struct EncodeStage {
    pub(super) encoder: Box<dyn VideoEncoder>,
    pub(super) timeline: Timeline,
    pub(super) origin: i64,
    /// Seconds in a tick of the pictures' times.
    pub(super) time_base: TimeBase,
    /// Times from the origin at which keyframes are forced: at the first picture that is not before each.
    pub(super) keyframes: Vec<Timestamp>,
    /// Goes before the first picture.
    pub(super) info: Vec<u8>,
    /// Absent in a first pass.
    pub(super) output: Option<Sender<ForMuxer>>,
    pub(super) counters: Arc<Counters>,
    pub(super) shared: Arc<Shared>,
    pub(super) first_seen: bool,
}

impl EncodeStage {
    pub(super) fn run(mut self, input: Receiver<Picture>) -> Result<()> {
        self.keyframes.sort();
        let mut forced = std::mem::take(&mut self.keyframes).into_iter().peekable();
        while let Some(picture) = input.receive(Stage::Encode)? {
            let pts = picture.pts.saturating_sub(self.origin);
            let mut force = false;
            let shown = Timestamp::new(pts, self.time_base);
            while forced.next_if(|time| *time <= shown).is_some() {
                force = true;
            }
            let number = self.timeline.push(pts);
            self.shared.encoded.fetch_add(1, Ordering::Relaxed);
            if let Some(encoded) = self.encoder.push(&picture.frame, number, force)? {
                self.emit(encoded)?;
            }
        }
        while let Some(encoded) = self.encoder.finish()? {
            self.emit(encoded)?;
        }
        *self.shared.warnings.lock().unwrap_or_else(PoisonError::into_inner) = self.encoder.complaints();
        Ok(())
    }

    fn emit(&mut self, encoded: Encoded) -> Result<()> {
        let times = self.timeline.pop(&encoded)?;
        self.shared.emitted.fetch_add(1, Ordering::Relaxed);
        self.counters.add_frame();
        let Some(output) = &self.output else { return Ok(()) };
        let mut packet = if self.first_seen || self.info.is_empty() {
            Packet::copy_of(&encoded.data)
        } else {
            Packet::copy_of(&[self.info.as_slice(), &encoded.data].concat())
        };
        self.first_seen = true;
        packet.set_times(Some(times.pts), Some(times.dts), times.duration);
        packet.set_key(encoded.key);
        output.send(ForMuxer { track: 0, packet }, Stage::Encode).map(drop)
    }
}
