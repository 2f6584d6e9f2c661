//! Decodes frames and gives each its number and its time.
//!
//! Invariant: numbers start at zero and increase by one with every frame that leaves the decoder. Times strictly
//! increase.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use trix_av::{
    AvError,
    codec::{Decoder, Output},
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    stream::StreamFacts,
};
use trix_model::{
    damage::{DamageKind, DamageLog},
    error::{Error, ErrorKind, Result, Stage},
    extras::Extras,
    time::{TimeBase, Timestamp},
    timecode::Timecode,
};

pub use super::placement::DecodedFrame;
use super::{
    complaints, depth,
    dynamic::DynamicHdr,
    opening::{open, refuse_change},
    placement::Placement,
    start::{Start, Turn},
    timing::TimingReport,
    wanted::{Lead, Skips},
};
use crate::index::Begin;

/// Decodes one video stream.
pub(crate) struct VideoDecoder {
    decoder: Decoder,
    /// True if samples can be above the bit depth.
    checks_depth: bool,
    label: PathBuf,
    stream: usize,
    time_base: TimeBase,
    damage: Arc<DamageLog>,
    placement: Placement,
    /// The required size and pixel format of every frame of an image sequence: those of the first.
    shape: Option<(usize, usize, Option<PixelFormat>)>,
    is_sequence: bool,
    /// Number of packets so far, if each packet is one frame.
    packets: Option<u64>,
    last_packet: Option<Timestamp>,
    /// Finds the first decodable packet, for codecs that mark it.
    start: Option<Start>,
    /// Packets that wait for the decoder.
    waiting: VecDeque<Packet>,
    /// True if the end follows these packets.
    ends: bool,
    left_out: u64,
    ended: bool,
    codec: String,
    lead: Option<Lead>,
    skips: Skips,
    /// Finds dynamic HDR metadata, if the codec can have it.
    dynamic: Option<DynamicHdr>,
}

impl VideoDecoder {
    /// Opens a decoder for the stream that `facts` describe, with `threads` threads (0: one for each core).
    ///
    /// # Errors
    /// `Unsupported` if there is no decoder, `MalformedInput` if it rejects the stream's parameters.
    pub(crate) fn new(
        label: PathBuf,
        facts: &StreamFacts,
        threads: u32,
        pixels: u64,
        damage: Arc<DamageLog>,
    ) -> Result<Self> {
        let decoder = open(&label, facts, threads, pixels)?;
        let checks_depth = !decoder.name().is_some_and(|name| depth::is_limited_by(&name));
        Ok(VideoDecoder {
            decoder,
            checks_depth,
            label,
            stream: facts.index,
            time_base: facts.time_base,
            damage,
            placement: Placement::new(facts),
            shape: None,
            is_sequence: facts.is_sequence,
            packets: matches!(facts.codec.as_str(), "mpeg1video" | "mpeg2video").then_some(0),
            last_packet: None,
            start: Start::new(facts),
            waiting: VecDeque::new(),
            ends: false,
            left_out: 0,
            ended: false,
            codec: facts.codec.clone(),
            lead: None,
            skips: Skips::default(),
            dynamic: DynamicHdr::new(&facts.parameters),
        })
    }

    /// Starts at `begin`: packets before it are ignored, and the frames before it count as if they had been decoded.
    pub(crate) fn beginning_at(mut self, begin: &Begin) -> Self {
        for (pts, duration) in begin.frames_before() {
            self.placement.pass(pts, duration);
        }
        self.packets = self.packets.map(|_| begin.packets_before());
        self.start = self.start.map(Start::sought);
        self.lead = Some(Lead { packet: Some(begin.packet()), first: begin.first(), failed: None });
        self
    }

    /// Leaves out frames before `time`, in ticks, if no other frame refers to them. They count as if they had been decoded. The
    /// packets of the stream must have times.
    pub(crate) fn skip_until(&mut self, time: i64) {
        self.skips.until = Some(time);
    }

    /// True if frames may have been left out, so that a complaint of the decoder may be no damage.
    pub(crate) fn skips(&self) -> bool {
        self.skips.has_begun
    }

    /// True if `packet` precedes the first packet to decode.
    ///
    /// # Errors
    /// `MalformedInput` if that first packet never came.
    fn is_passed(&mut self, packet: &Packet) -> Result<bool> {
        let Some(lead) = self.lead.as_mut() else { return Ok(false) };
        let Some(first) = &lead.packet else { return Ok(false) };
        if first.is(packet.pts(), packet.dts(), packet.data().len()) {
            lead.packet = None;
            return Ok(false);
        }
        if packet.dts().zip(first.dts).is_some_and(|(dts, first)| dts > first) {
            return Err(self.without_start(packet.dts()));
        }
        Ok(true)
    }

    /// The error if the first packet to decode does not come. `ticks` is the time at which that is known.
    fn without_start(&self, ticks: Option<i64>) -> Error {
        let detail = "the source changed while it was read: a keyframe is no longer where it was";
        let time = ticks.map(|ticks| Timestamp::new(ticks, self.time_base));
        let error = Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).at(time);
        error.in_file(&self.label).in_stream(self.stream)
    }

    /// Sends a packet to the decoder; `None` marks the end. All frames must have been received before.
    ///
    /// # Errors
    /// `MalformedInput` for damage, if damage is not tolerated; `Codec` if the decoder itself fails.
    pub fn push(&mut self, packet: Option<&Packet>) -> Result<()> {
        if let Some(packet) = packet {
            if self.is_passed(packet)? {
                return Ok(());
            }
            if let Some(packets) = self.packets.as_mut().filter(|_| !packet.is_discarded()) {
                *packets += 1;
            }
            if self.last_packet.is_none() && packet.pts().is_none() {
                self.placement.begin_decoding(packet.dts());
            }
            let ticks = packet.pts().or(packet.dts());
            self.last_packet = ticks.map(|ticks| Timestamp::new(ticks, self.time_base)).or(self.last_packet);
            if let Some(changed) = packet.change() {
                let place = changed.time.or(self.last_packet);
                let error = refuse_change("video", &self.codec, &changed.to, Stage::Decode, place);
                return Err(error.in_file(&self.label).in_stream(self.stream));
            }
            self.placement.arrive(packet);
        }
        match (&mut self.start, packet) {
            (Some(start), Some(packet)) => match start.judge(packet) {
                Turn::Send => {}
                Turn::Hold => return Ok(()),
                Turn::Release => {
                    self.waiting = start.release();
                    self.waiting.push_back(packet.clone());
                    return Ok(());
                }
            },
            (Some(start), None) => {
                self.waiting.append(&mut start.release());
                if !self.waiting.is_empty() {
                    self.ends = true;
                    return Ok(());
                }
            }
            (None, _) => {}
        }
        self.send(packet)
    }

    fn send(&mut self, packet: Option<&Packet>) -> Result<()> {
        let is_running = self.start.as_ref().is_some_and(Start::is_running);
        let first = self.lead.as_ref().map(|lead| lead.first);
        let skips = is_running && packet.is_some_and(|packet| self.skips.takes(packet.pts(), first));
        self.decoder.skip_unreferenced(skips);
        let numbered = self.dynamic.as_mut().zip(packet).and_then(|(dynamic, packet)| dynamic.push(packet));
        match self.decoder.send(numbered.as_ref().or(packet)) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => self.undecodable(code),
        }
    }

    /// Receives a frame. Returns `None` if more packets are needed, or after the end.
    ///
    /// # Errors
    /// Those of [`Self::push`].
    pub fn receive(&mut self) -> Result<Option<DecodedFrame>> {
        while !self.ended {
            match self.decoder.receive() {
                Ok(Output::Item(mut frame)) => {
                    let found = self.dynamic.as_mut().map(|dynamic| dynamic.take(&mut frame)).unwrap_or_default();
                    if self.lead.as_ref().is_some_and(|lead| frame.pts().is_some_and(|pts| pts < lead.first)) {
                        // What the decoder logged about a frame before the first is no damage of this decode.
                        complaints::first(&self.decoder);
                        continue;
                    }
                    if let Some(lead) = self.lead.take()
                        && frame.pts().is_some_and(|pts| pts > lead.first)
                    {
                        self.lost(lead)?;
                    }
                    while let Some(pts) = self.skips.next_before(frame.pts()) {
                        self.placement.account(Some(pts));
                    }
                    let captions = frame.captions().map(<[u8]>::to_vec).unwrap_or_default();
                    let extras = Extras { captions, ..found };
                    let mut decoded = DecodedFrame { extras, ..self.placement.place(frame) };
                    self.check(&decoded)?;
                    if self.checks_depth && decoded.frame.exceeds_depth() {
                        let time = Some(Timestamp::new(decoded.pts, self.time_base));
                        self.add(DamageKind::Frame, time, "samples are higher than their depth allows".into())?;
                        decoded.frame = decoded.frame.clamped_to_depth();
                    }
                    if let Some(count) = self.start.as_mut().and_then(|start| start.shown(Some(decoded.pts))) {
                        self.leave_out(count, Some(decoded.pts));
                    }
                    return Ok(Some(decoded));
                }
                Ok(Output::Hungry) => {
                    self.check_complaints(None)?;
                    match self.waiting.pop_front() {
                        Some(packet) => self.send(Some(&packet))?,
                        None if std::mem::take(&mut self.ends) => self.send(None)?,
                        None => return Ok(None),
                    }
                }
                Ok(Output::End) => {
                    self.ended = true;
                    self.check_complaints(None)?;
                    if let Some(lead) = self.lead.take() {
                        if let Some(first) = &lead.packet {
                            return Err(self.without_start(first.pts.or(first.dts)));
                        }
                        self.lost(lead)?;
                    }
                    let lost = self.packets.map_or(0, |packets| packets.saturating_sub(self.placement.count()));
                    if lost > 0 {
                        self.leave_out(lost, None);
                    }
                    if let Some(count) = self.start.as_ref().and_then(Start::unfinished) {
                        let detail = format!(
                            "none of {count} frames can be decoded: the stream begins in mid-group and ends before it \
                             has recovered"
                        );
                        self.add(DamageKind::MissingReference, self.last_packet, detail)?;
                    }
                }
                Err(code) => self.undecodable(code)?,
            }
        }
        Ok(None)
    }

    /// Index of the stream in its source.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Number of frames so far.
    pub fn decoded(&self) -> u64 {
        self.placement.count()
    }

    /// Number of frames so far whose time was missing or did not increase. Each was set one frame after its
    /// predecessor.
    pub fn repaired(&self) -> u64 {
        self.placement.repaired()
    }

    /// Gaps and repeats in the times so far.
    pub fn timing(&self) -> TimingReport {
        TimingReport { skipped: self.left_out, ..self.placement.timing() }
    }

    /// Number of frames so far that were dropped because they refer to frames that the source does not contain.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Adds a note on the time code in the bitstream of `frame`, the first frame, because no output carries it over.
    /// Encoders without a time code start at zero, so zero is not reported.
    pub(crate) fn name_timecode(&self, frame: &Frame) {
        self.timecode_note(frame).into_iter().for_each(|note| self.damage.note(note));
    }

    /// The text of that note, if the frame has a time code.
    pub(crate) fn timecode_note(&self, frame: &Frame) -> Option<String> {
        let rate = self.decoder.bitstream_rate();
        let smpte = frame.smpte_timecode().map(|bits| Timecode::from_smpte(bits, rate));
        let found = smpte.or_else(|| frame.gop_timecode().map(Timecode::from_gop));
        let is_set = |code: &Timecode| (code.hours, code.minutes, code.seconds, code.frames) != (0, 0, 0, 0);
        found.filter(is_set).map(|code| {
            format!(
                "stream {}: the time code {code} in the bitstream is not carried over; --metadata timecode={code} sets it",
                self.stream
            )
        })
    }

    /// Counts the frames that were dropped before the one at `first`, and adds a note on them.
    fn leave_out(&mut self, count: u64, first: Option<i64>) {
        self.left_out += count;
        let (frames, are) = if count == 1 { ("frame", "is") } else { ("frames", "are") };
        let place = match first {
            Some(first) => format!("before the first one that is whole, at {},", Timestamp::new(first, self.time_base)),
            None => "before a keyframe".to_owned(),
        };
        self.damage.note(format!(
            "stream {}: {count} {frames} {place} {are} left out: the source begins in mid-group, and what they refer to \
             is not there",
            self.stream
        ));
    }

    fn check(&mut self, decoded: &DecodedFrame) -> Result<()> {
        let time = Some(Timestamp::new(decoded.pts, self.time_base));
        self.check_shape(decoded, time)?;
        match decoded.frame.damage() {
            Some(damage) => {
                let said = complaints::first(&self.decoder).map_or_else(String::new, |said| format!(" ({said})"));
                let kind = DamageKind::of_message(&format!("{damage}{said}"), DamageKind::Frame);
                self.add(kind, time, format!("{damage}{said}"))
            }
            None => self.check_complaints(time),
        }
    }

    /// A video stream may change its size or format. In an image sequence, a different image does not belong to it.
    fn check_shape(&mut self, decoded: &DecodedFrame, time: Option<Timestamp>) -> Result<()> {
        if !self.is_sequence {
            return Ok(());
        }
        let frame = &decoded.frame;
        let shape = (frame.width(), frame.height(), frame.pixel_format());
        let first = *self.shape.get_or_insert(shape);
        if shape == first {
            return Ok(());
        }
        let named = |(width, height, format): (usize, usize, Option<PixelFormat>)| {
            format!("{width}x{height} {}", format.map_or("in an unknown format".into(), PixelFormat::name))
        };
        let detail = format!("a frame of the sequence is {}; the first is {}", named(shape), named(first));
        self.add(DamageKind::Shape, time, detail)
    }

    /// A decoder that reports an error but still yields a frame has not decoded the stream correctly.
    fn check_complaints(&mut self, time: Option<Timestamp>) -> Result<()> {
        let is_explained = |text: &str| self.start.as_ref().is_some_and(|start| start.explains(text));
        let Some((kind, detail)) = complaints::reported(&self.decoder, is_explained) else { return Ok(()) };
        self.add(kind, time.or(self.last_packet), detail)
    }

    fn undecodable(&mut self, code: AvError) -> Result<()> {
        let (kind, detail) = complaints::undecodable(&self.decoder, code)
            .map_err(|error| error.in_file(&self.label).in_stream(self.stream).at(self.last_packet))?;
        // Frames that depend on data before the start of decoding are not wanted.
        if let Some(lead) = self.lead.as_mut().filter(|_| code.io().is_none()) {
            lead.failed.get_or_insert((kind, self.last_packet, detail));
            return Ok(());
        }
        self.add(kind, self.last_packet, detail)
    }

    /// Reports why the first wanted frame is missing, if a packet before it could not be decoded.
    fn lost(&self, lead: Lead) -> Result<()> {
        lead.failed.map_or(Ok(()), |(kind, time, detail)| self.add(kind, time, detail))
    }

    fn add(&self, kind: DamageKind, time: Option<Timestamp>, detail: String) -> Result<()> {
        self.damage
            .add(kind, Stage::Decode, Some(self.stream), time, detail)
            .map_err(|error| error.in_file(&self.label))
    }
}

#[cfg(test)]
mod tests;
