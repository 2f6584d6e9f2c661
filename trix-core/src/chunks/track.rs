//! An encoder that runs in a unit, and what becomes of its packets.
//!
//! Invariant: it keeps the packets of the frames of its chunk, and none of those after it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use trix_model::{
    error::{Error, Result, Stage},
    plan::FrameRange,
    time::TimeBase,
};

use super::{
    buffer::Buffer,
    first_pass::Scratch,
    record::{ChunkRecord, FrameTime, PacketEntry},
    setup::ChunkTask,
    store::{ChunkKey, ChunkWriter, Store},
};
use crate::{
    decode::video::DecodedFrame,
    encode::{
        coder::Coder,
        shared::Queues,
        video::{self, Encoded, Headers},
    },
    plan::VideoEncode,
    settings::video::Encoder,
};

/// What a unit tells while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    /// It has taken one more frame of the source.
    Frame,
    /// An encoder has given one more frame.
    Packet,
}

/// An encoder that runs.
pub(super) struct Track {
    coder: Coder,
    headers: Headers,
    /// The last frame that came: the next one tells whether it is the last of the range.
    held: Option<DecodedFrame>,
    /// True if all frames of the range have come.
    is_past: bool,
    /// True if the encoder gets frames after the range, because it looks ahead at them.
    looks_past: bool,
    /// True if it looks ahead at them for the buffer of a decoder, even if a scene begins after the range.
    has_buffer: bool,
    frames: Vec<FrameTime>,
    packets: Vec<PacketEntry>,
    product: Product,
}

/// What an encoder tells about its frames.
pub(super) struct TrackAccount {
    pub(super) parameter_sets: Vec<u8>,
    pub(super) info: usize,
    pub(super) frames: Vec<FrameTime>,
    pub(super) packets: Vec<PacketEntry>,
    pub(super) warnings: Vec<String>,
}

/// What an encoder is run for.
enum Product {
    /// Its packets, which become a chunk. A second pass reads statistics meanwhile.
    Chunk(ChunkWriter, ChunkKey, Option<Scratch>),
    /// The statistics of a first pass, which are kept under this key.
    Statistics(Scratch, ChunkKey),
}

impl Track {
    /// Opens the encoder of a task. Its frames have times in `time_base`.
    ///
    /// # Errors
    /// Those of opening it; `Io`.
    pub(super) fn open(
        own: &VideoEncode,
        task: &ChunkTask,
        store: &Store,
        time_base: TimeBase,
        queues: &mut Queues,
    ) -> Result<Self> {
        let video = task.setup.video(&own.video)?;
        let link = queues.link(task.id, own.sharing.as_ref())?;
        let open = |pass: Option<(u32, &Path)>| video::open_linked(&video, Some(own.threads), pass, link);
        let (mut encoder, product) = match &task.first_pass {
            None => (open(None)?, Product::Chunk(store.write(&task.key)?, task.key.clone(), None)),
            Some(_) if task.setup.is_first_pass() => {
                let scratch = Scratch::new(store)?;
                (open(Some((1, &scratch.path())))?, Product::Statistics(scratch, task.key.clone()))
            }
            Some(first_pass) => {
                let scratch = Scratch::new(store)?;
                let frames = scratch.fill(first_pass, store)?;
                // Encoders refuse statistics of no frames.
                let encoder = open((frames > 0).then_some((2, scratch.path().as_path())))?;
                (encoder, Product::Chunk(store.write(&task.key)?, task.key.clone(), Some(scratch)))
            }
        };
        let headers = encoder.headers()?;
        let coder = Coder::new(own, encoder, &headers, time_base);
        let has_buffer = Buffer::of(&own.video).is_some();
        let looks_past = match (own.video.encoder, &product) {
            // It reads what another pass found out.
            (_, Product::Chunk(_, _, Some(_))) => false,
            // The last frame of the range has a type that is set. x265 looks no further than that; x264 does.
            (encoder, _) => encoder == Encoder::X264 || has_buffer,
        };
        let (held, is_past, frames, packets) = (None, false, Vec::new(), Vec::new());
        Ok(Track { coder, headers, held, is_past, looks_past, has_buffer, frames, packets, product })
    }

    /// Notes that a scene begins after the range.
    pub(super) fn end_scene(&mut self) {
        self.looks_past &= self.has_buffer;
    }

    /// Takes a frame of the range, or one after it. An encoder that looks ahead at those chooses the quality of the last frames of
    /// the range as it does inside a film.
    pub(super) fn push(&mut self, frame: DecodedFrame, range: FrameRange) -> Result<()> {
        let is_past = !range.contains(frame.number);
        match self.held.replace(frame) {
            Some(held) => self.encode(held, range, is_past),
            None => Ok(()),
        }
    }

    /// Encodes the frame before one that is past the range or not.
    fn encode(&mut self, frame: DecodedFrame, range: FrameRange, is_past: bool) -> Result<()> {
        let is_own = range.contains(frame.number);
        if is_own {
            self.frames.push(FrameTime(self.coder.ticks(&frame), frame.duration));
        }
        self.is_past |= !is_own;
        if !self.is_whole() && (is_own || self.looks_past) {
            let encoded = self.coder.push(frame, is_own && is_past)?;
            encoded.map_or(Ok(()), |encoded| self.keep(&encoded))?;
        }
        self.is_past |= is_past;
        if self.is_past && !self.looks_past { self.drain(&|_| ()) } else { Ok(()) }
    }

    /// Takes what is still inside the encoder after the last frame.
    ///
    /// # Errors
    /// `Codec`; `Io`.
    pub(super) fn end(&mut self, range: FrameRange, tell: &dyn Fn(Sign)) -> Result<()> {
        if let Some(held) = self.held.take() {
            self.encode(held, range, false)?;
        }
        self.is_past = true;
        self.drain(tell)
    }

    /// Takes the frames that are still inside the encoder. One that follows another gives those that the other has given.
    pub(super) fn drain(&mut self, tell: &dyn Fn(Sign)) -> Result<()> {
        while !self.is_whole()
            && let Some(encoded) = self.coder.finish()?
        {
            self.keep(&encoded)?;
            tell(Sign::Packet);
        }
        Ok(())
    }

    /// True if all frames of the range have come out. The encoder codes them before those after the range.
    pub(super) fn is_whole(&self) -> bool {
        self.is_past && self.packets.len() == self.frames.len()
    }

    fn keep(&mut self, encoded: &Encoded) -> Result<()> {
        let bytes = encoded.packet.data();
        let Encoded { pts: frame, dts: position, key, samples, .. } = *encoded;
        self.packets.push(PacketEntry { frame, position, key, bytes: bytes.len(), samples });
        match &mut self.product {
            Product::Chunk(chunk, ..) => chunk.add(bytes)?,
            Product::Statistics(..) => {}
        }
        if self.is_whole() {
            self.coder.release_followers();
        }
        Ok(())
    }

    /// Keeps what was made.
    pub(super) fn finish(self, store: &Store, record: impl FnOnce(TrackAccount) -> ChunkRecord) -> Result<()> {
        if !self.is_whole() {
            let detail = format!("{} of {} frames came out", self.packets.len(), self.frames.len());
            return Err(Error::bug(Stage::Encode, detail));
        }
        let Track { coder, headers, frames, packets, product, .. } = self;
        match product {
            Product::Chunk(chunk, key, _) => {
                if let Some(seconds) = coder.cpu_seconds() {
                    store.keep_cpu_seconds(&key, seconds);
                }
                let Headers { parameter_sets, info } = headers;
                let (info, warnings) = (info.len(), coder.complaints());
                chunk.finish(&record(TrackAccount { parameter_sets, info, frames, packets, warnings }))
            }
            Product::Statistics(scratch, key) => {
                // The encoder writes them when it is closed.
                drop(coder);
                scratch.keep(frames.len(), &key, store)
            }
        }
    }
}
