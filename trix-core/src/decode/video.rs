//! Decodes frames and gives each its number and its time.
//!
//! Invariant: numbers start at zero and increase by one with every frame that leaves the decoder. Times strictly
//! increase.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use trix_av::{
    AvError,
    codec::{Decoder, DecoderError, Output},
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    stream::{CodecParameters, StreamFacts},
};
use trix_model::{
    damage::{DamageKind, DamageLog},
    error::{Error, ErrorKind, Result, Stage},
    extras::Extras,
    time::{Rational, TimeBase, Timestamp},
    timecode::Timecode,
};

use super::{
    complaints, depth,
    start::{Start, Turn},
    timing::{FrameTimes, TimingReport},
};
use crate::index::{Begin, Coded};

/// A decoded frame with its position in the source.
#[derive(Clone)]
pub struct DecodedFrame {
    /// The samples.
    pub frame: Frame,
    /// The number of the frame in the decoder's output, from zero.
    pub number: u64,
    /// Presentation time in ticks of the source's stream.
    pub pts: i64,
    /// Duration in the same ticks, if the container states one for each packet. It matters only for the last frame:
    /// every other frame is shown until the next.
    pub duration: Option<i64>,
    /// The side data of the frame.
    pub extras: Extras,
}

/// Decodes one video stream.
pub(crate) struct VideoDecoder {
    decoder: Decoder,
    /// True if samples can be above the bit depth.
    checks_depth: bool,
    label: PathBuf,
    stream: usize,
    time_base: TimeBase,
    frame_ticks: i64,
    damage: Arc<DamageLog>,
    next_number: u64,
    last_pts: Option<i64>,
    times: FrameTimes,
    /// Durations of the frames inside the decoder, by presentation time. `None` if the container does not state
    /// durations.
    durations: Option<BTreeMap<i64, i64>>,
    /// Number of frames whose duration matched the container's, minus the number of those that did not.
    agreeing: i64,
    last_duration: Option<i64>,
    /// The decoding time of the first packet, if the container stores only decoding times. The first frame is presented
    /// at that time.
    first_decoded: Option<i64>,
    /// Maximum delay, in ticks, that a reordering decoder adds to the time of the first frame.
    most_late: i64,
    late: i64,
    /// The required size and pixel format of every frame of an image sequence: those of the first.
    shape: Option<(usize, usize, Option<PixelFormat>)>,
    is_sequence: bool,
    /// Number of packets so far, if each packet is one frame.
    packets: Option<u64>,
    last_packet: Option<Timestamp>,
    repaired: u64,
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
}

/// Maximum number of durations that are kept: more than there are packets in a decoder and before its first frame.
const DURATIONS: usize = 4096;

/// The state of a decode that starts in mid-stream, up to its first frame.
struct Lead {
    /// The first packet to decode, until it arrives.
    packet: Option<Coded>,
    /// The time of the first complete frame. Earlier frames are dropped.
    first: i64,
    /// The first packet that could not be decoded. It counts only if the first complete frame is missing.
    failed: Option<(DamageKind, Option<Timestamp>, String)>,
}

/// Frames that nobody wants: the decoder leaves them out if no other frame refers to them.
#[derive(Default)]
struct Skips {
    /// The time from which frames are wanted.
    until: Option<i64>,
    /// Times of the packets whose frames may be left out, and did not come yet.
    sent: BTreeSet<i64>,
    has_begun: bool,
}

impl Skips {
    /// Decides if the frame of a packet with the time `pts` may be left out. Frames before `first` are not counted.
    fn takes(&mut self, pts: Option<i64>, first: Option<i64>) -> bool {
        let Some(pts) = pts.filter(|pts| self.until.is_some_and(|until| *pts < until)) else { return false };
        if first.is_none_or(|first| pts >= first) {
            self.sent.insert(pts);
        }
        self.has_begun = true;
        true
    }

    /// The time of the next frame that was left out before the frame at `pts`.
    fn next_before(&mut self, pts: Option<i64>) -> Option<i64> {
        let (pts, first) = (pts?, *self.sent.first()?);
        if first <= pts {
            self.sent.pop_first();
        }
        (first < pts).then_some(first)
    }
}

/// Opens a decoder, or returns the reason why there is none.
pub(crate) fn open(label: &std::path::Path, facts: &StreamFacts, threads: u32, pixels: u64) -> Result<Decoder> {
    open_parameters(&facts.parameters, facts.time_base, threads, pixels, facts.alpha_layer)
        .map_err(|error| error.in_file(label).in_stream(facts.index))
}

/// Opens a decoder for `parameters`, or returns the reason why there is none.
pub(crate) fn open_parameters(
    parameters: &CodecParameters,
    time_base: TimeBase,
    threads: u32,
    pixels: u64,
    alpha_layer: bool,
) -> Result<Decoder> {
    let codec = parameters.codec_or_tag();
    Decoder::open(parameters, time_base, threads, pixels, alpha_layer).map_err(|error| match error {
        DecoderError::Missing => Error::new(
            ErrorKind::Unsupported,
            Stage::Decode,
            format!("this build of libavcodec has no decoder for {codec}"),
        ),
        DecoderError::Refused(code) => Error::new(
            ErrorKind::MalformedInput,
            Stage::Decode,
            format!("the {codec} decoder refuses the stream: {code}"),
        )
        .caused_by(code),
    })
}

/// The error for a codec change in mid-stream that cannot be followed.
pub(crate) fn refuse_change(kind: &str, from: &str, to: &str, stage: Stage, place: Option<Timestamp>) -> Error {
    let detail = format!("the codec of the {kind} changes from {from} to {to} in mid-stream");
    Error::new(ErrorKind::Unsupported, stage, detail).at(place)
}

/// The frame rate for frames without times: the average rate, else the base rate, else 25.
pub(crate) fn frame_rate(facts: &StreamFacts) -> Rational {
    let usable = |rate: &Rational| rate.is_positive() && *rate < Rational::new(1000, 1);
    [facts.average_rate, facts.base_rate].into_iter().find(usable).unwrap_or(Rational::new(25, 1))
}

/// True if the container's own figures indicate unevenly spaced frames. Interlaced material may count fields.
pub(crate) fn is_uneven(facts: &StreamFacts) -> bool {
    let (average, base) = (facts.average_rate, facts.base_rate);
    average.is_positive()
        && base.is_positive()
        && base != average
        && base != Rational::new(2 * average.num, average.den)
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
        let frame_ticks = Timestamp::new(1, frame_rate(facts).inverse()).rescale(facts.time_base).max(1);
        let decoder = open(&label, facts, threads, pixels)?;
        let checks_depth = !decoder.name().is_some_and(|name| depth::is_limited_by(&name));
        Ok(VideoDecoder {
            decoder,
            checks_depth,
            label,
            stream: facts.index,
            time_base: facts.time_base,
            frame_ticks,
            damage,
            next_number: 0,
            last_pts: None,
            times: FrameTimes::new(facts.time_base, frame_ticks),
            durations: facts.states_durations.then(BTreeMap::new),
            agreeing: 0,
            last_duration: None,
            first_decoded: None,
            most_late: frame_ticks.saturating_mul(facts.parameters.reordering() as i64),
            late: 0,
            shape: None,
            is_sequence: facts.is_sequence,
            packets: matches!(facts.codec.as_str(), "mpeg1video" | "mpeg2video").then_some(0),
            last_packet: None,
            repaired: 0,
            start: Start::new(facts),
            waiting: VecDeque::new(),
            ends: false,
            left_out: 0,
            ended: false,
            codec: facts.codec.clone(),
            lead: None,
            skips: Skips::default(),
        })
    }

    /// Starts at `begin`: packets before it are ignored, and the frames before it count as if they had been decoded.
    pub(crate) fn beginning_at(mut self, begin: &Begin) -> Self {
        for (pts, duration) in begin.frames_before() {
            if let Some(durations) = self.durations.as_mut().filter(|_| duration > 0) {
                durations.insert(pts, duration);
            }
            self.account(Some(pts));
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
                self.first_decoded = packet.dts();
            }
            let ticks = packet.pts().or(packet.dts());
            self.last_packet = ticks.map(|ticks| Timestamp::new(ticks, self.time_base)).or(self.last_packet);
            if let Some(changed) = packet.change() {
                let place = changed.time.or(self.last_packet);
                let error = refuse_change("video", &self.codec, &changed.to, Stage::Decode, place);
                return Err(error.in_file(&self.label).in_stream(self.stream));
            }
            if let (Some(durations), Some(pts)) = (&mut self.durations, packet.pts())
                && packet.duration() > 0
                && !packet.is_discarded()
            {
                durations.insert(pts, packet.duration());
                // Packets that yield no frame leave their durations behind.
                if durations.len() > DURATIONS {
                    durations.pop_first();
                }
            }
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
        match self.decoder.send(packet) {
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
                Ok(Output::Item(frame)) => {
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
                        self.account(Some(pts));
                    }
                    let mut decoded = self.place(frame);
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
                    let lost = self.packets.map_or(0, |packets| packets.saturating_sub(self.next_number));
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
        self.next_number
    }

    /// Number of frames so far whose time was missing or did not increase. Each was set one frame after its
    /// predecessor.
    pub fn repaired(&self) -> u64 {
        self.repaired
    }

    /// Gaps and repeats in the times so far.
    pub fn timing(&self) -> TimingReport {
        TimingReport { skipped: self.left_out, ..self.times.report() }
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

    /// Sets the number of a frame, and its time by three rules. The time is that of the packet in the container. If the
    /// container stores none (AVI, raw streams), the decoder derives it from the decoding times. A time that is
    /// missing, or not later than the previous one, becomes one frame after the previous time. Nothing else changes:
    /// the start time, gaps and uneven distances stay as in the source.
    fn place(&mut self, frame: Frame) -> DecodedFrame {
        if let (0, Some(first), Some(pts)) = (self.next_number, self.first_decoded, frame.pts()) {
            self.late = pts.saturating_sub(first).clamp(0, self.most_late);
        }
        let number = self.next_number;
        let pts = self.account(frame.pts().map(|pts| pts.saturating_sub(self.late)));
        let duration = self.last_duration.filter(|_| self.agreeing >= 0);
        DecodedFrame { frame, number, pts, duration, extras: Extras::default() }
    }

    /// Counts the next frame, whose original time is `own`, and returns its final time.
    fn account(&mut self, own: Option<i64>) -> i64 {
        self.times.push(own);
        let step = self.times.usual().unwrap_or(self.frame_ticks);
        let after_last = self.last_pts.map_or(0, |last| last.saturating_add(step));
        let pts = match own {
            Some(pts) if self.last_pts.is_none_or(|last| pts > last) => pts,
            _ => {
                self.repaired += 1;
                after_last
            }
        };
        // Some containers give every frame a duration of one tick. Their duration of the last frame is then worthless
        // too.
        if let (Some(last), Some(duration)) = (self.last_pts, self.last_duration) {
            let step = pts.saturating_sub(last);
            self.agreeing +=
                if step.saturating_sub(duration).saturating_abs().saturating_mul(4) <= step { 1 } else { -1 };
        }
        self.last_pts = Some(pts);
        self.last_duration = self.durations.as_mut().and_then(|durations| {
            let own = durations.remove(&pts);
            // Entries with earlier times belong to packets that yielded no frame.
            *durations = durations.split_off(&pts);
            own
        });
        self.next_number += 1;
        pts
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
