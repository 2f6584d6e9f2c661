//! Decodes pictures and gives each its number and its time.
//!
//! Invariant: numbers count up by one from zero with every frame that leaves the decoder; times strictly increase.

use std::{
    collections::{BTreeMap, VecDeque},
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
    start::{Start, Turn},
    timing::{PictureTimes, TimingReport},
};
use crate::index::{Begin, Coded};

/// A decoded picture with its place in the source.
#[derive(Clone)]
pub struct Picture {
    /// The samples.
    pub frame: Frame,
    /// Which frame of the decoder's output this is, from zero.
    pub number: u64,
    /// Presentation time in ticks of the source's stream.
    pub pts: i64,
    /// How long it is shown, in the same ticks, where the container says so of each packet. It counts for the last frame
    /// alone: every other is shown until the next.
    pub duration: Option<i64>,
    /// What travels with it beside its samples.
    pub extras: Extras,
}

/// Decodes one picture stream.
pub struct VideoDecoder {
    decoder: Decoder,
    label: PathBuf,
    stream: usize,
    time_base: TimeBase,
    frame_ticks: i64,
    damage: Arc<DamageLog>,
    next_number: u64,
    last_pts: Option<i64>,
    times: PictureTimes,
    /// How long frames that are inside the decoder are shown, by their times; absent where the container does not say.
    durations: Option<BTreeMap<i64, i64>>,
    /// How many frames were shown as long as the container says, less those that were not.
    agreeing: i64,
    last_duration: Option<i64>,
    /// Where the container tells decoding times alone, that of the first packet: the first frame is shown then.
    first_decoded: Option<i64>,
    /// Ticks by which a decoder that reorders frames takes the first of them to be later.
    most_late: i64,
    late: i64,
    /// Size and format that every picture must have: those of the first, where pictures are single files.
    shape: Option<(usize, usize, Option<PixelFormat>)>,
    is_sequence: bool,
    /// Packets so far, where each is a picture.
    packets: Option<u64>,
    last_packet: Option<Timestamp>,
    repaired: u64,
    /// Finds where decoding can start, for codecs that say so.
    start: Option<Start>,
    /// Packets that wait for the decoder.
    waiting: VecDeque<Packet>,
    /// After these, the end.
    ends: bool,
    left_out: u64,
    ended: bool,
    codec: String,
    lead: Option<Lead>,
}

/// The first packets and frames of a decode that begins in mid-stream.
struct Lead {
    /// The first packet that is decoded, until it came.
    packet: Option<Coded>,
    /// The time of the first frame that is whole; earlier ones are not given.
    first: i64,
}

/// Opens a decoder, or says why there is none.
pub(crate) fn open(label: &std::path::Path, facts: &StreamFacts, threads: u32, pixels: u64) -> Result<Decoder> {
    open_parameters(&facts.parameters, facts.time_base, threads, pixels, facts.alpha_layer)
        .map_err(|error| error.in_file(label).in_stream(facts.index))
}

/// Opens a decoder for `parameters`, or says why there is none.
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

/// That the codec of a stream changes in mid-stream, where that cannot be followed.
pub(crate) fn refuse_change(kind: &str, from: &str, to: &str, stage: Stage, place: Option<Timestamp>) -> Error {
    let detail = format!("the codec of the {kind} changes from {from} to {to} in mid-stream");
    Error::new(ErrorKind::Unsupported, stage, detail).at(place)
}

/// The rate at which pictures are counted where times are missing: the average, else the base rate, else 25.
pub(crate) fn frame_rate(facts: &StreamFacts) -> Rational {
    let usable = |rate: &Rational| rate.is_positive() && *rate < Rational::new(1000, 1);
    [facts.average_rate, facts.base_rate].into_iter().find(usable).unwrap_or(Rational::new(25, 1))
}

/// Whether the container's own figures say that pictures are not evenly spaced. Interlaced material may count fields.
pub(crate) fn is_uneven(facts: &StreamFacts) -> bool {
    let (average, base) = (facts.average_rate, facts.base_rate);
    average.is_positive()
        && base.is_positive()
        && base != average
        && base != Rational::new(2 * average.num, average.den)
}

impl VideoDecoder {
    /// A decoder for the stream that `facts` describe, with `threads` threads (0: one for each core).
    ///
    /// # Errors
    /// `Unsupported` without a decoder, `MalformedInput` when it refuses the stream's parameters.
    pub(crate) fn new(
        label: PathBuf,
        facts: &StreamFacts,
        threads: u32,
        pixels: u64,
        damage: Arc<DamageLog>,
    ) -> Result<Self> {
        let frame_ticks = Timestamp::new(1, frame_rate(facts).inverse()).rescale(facts.time_base).max(1);
        Ok(VideoDecoder {
            decoder: open(&label, facts, threads, pixels)?,
            label,
            stream: facts.index,
            time_base: facts.time_base,
            frame_ticks,
            damage,
            next_number: 0,
            last_pts: None,
            times: PictureTimes::new(facts.time_base, frame_ticks),
            durations: facts.tells_durations.then(BTreeMap::new),
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
        })
    }

    /// The same, beginning at `begin`: packets before it are left aside, and the frames in front of it count as if they
    /// had been decoded.
    pub(crate) fn beginning_at(mut self, begin: &Begin) -> Self {
        for (pts, duration) in begin.frames_before() {
            if let Some(durations) = self.durations.as_mut().filter(|_| duration > 0) {
                durations.insert(pts, duration);
            }
            self.account(Some(pts));
        }
        self.packets = self.packets.map(|_| begin.packets_before());
        self.start = self.start.map(Start::sought);
        self.lead = Some(Lead { packet: Some(begin.packet()), first: begin.first() });
        self
    }

    /// Whether `packet` lies in front of the first that is decoded.
    ///
    /// # Errors
    /// `MalformedInput` when that packet never came.
    fn is_passed(&mut self, packet: &Packet) -> Result<bool> {
        let Some(lead) = self.lead.as_mut() else { return Ok(false) };
        let Some(first) = &lead.packet else { return Ok(false) };
        if first.is(packet.pts(), packet.dts(), packet.data().len()) {
            lead.packet = None;
            return Ok(false);
        }
        if packet.dts().zip(first.dts).is_some_and(|(dts, first)| dts > first) {
            let detail = "the source changed while it was read: a keyframe is no longer where it was";
            let time = packet.dts().map(|ticks| Timestamp::new(ticks, self.time_base));
            let error = Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).at(time);
            return Err(error.in_file(&self.label).in_stream(self.stream));
        }
        Ok(true)
    }

    /// Puts a packet in; `None` announces the end. All pictures must have been taken out before.
    ///
    /// # Errors
    /// `MalformedInput` for damage, when damage is not tolerated; `Codec` when the decoder itself fails.
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
        match self.decoder.send(packet) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => self.undecodable(code),
        }
    }

    /// Takes a picture out; `None` when more has to be put in, or after the end.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn receive(&mut self) -> Result<Option<Picture>> {
        while !self.ended {
            match self.decoder.receive() {
                Ok(Output::Item(frame)) => {
                    if let Some(lead) = &self.lead {
                        if frame.pts().is_some_and(|pts| pts < lead.first) {
                            self.complaint();
                            continue;
                        }
                        self.lead = None;
                    }
                    let mut picture = self.place(frame);
                    self.check(&picture)?;
                    if picture.frame.exceeds_depth() {
                        let time = Some(Timestamp::new(picture.pts, self.time_base));
                        self.add(DamageKind::Frame, time, "samples are higher than their depth allows".into())?;
                        picture.frame = picture.frame.clamped_to_depth();
                    }
                    if let Some(count) = self.start.as_mut().and_then(|start| start.shown(Some(picture.pts))) {
                        self.leave_out(count, Some(picture.pts));
                    }
                    return Ok(Some(picture));
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

    /// Pictures so far.
    pub fn decoded(&self) -> u64 {
        self.next_number
    }

    /// Pictures so far whose time was missing or did not increase, and was set one frame after the one before.
    pub fn repaired(&self) -> u64 {
        self.repaired
    }

    /// Gaps and repeats in the times so far.
    pub fn timing(&self) -> TimingReport {
        TimingReport { skipped: self.left_out, ..self.times.report() }
    }

    /// Frames so far that were left out because they refer to frames that the source does not have.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Names the time code in the bitstream of `frame`, the first, as one that no output has. Zero is where encoders begin
    /// that know none.
    pub(crate) fn name_timecode(&self, frame: &Frame) {
        self.timecode_note(frame).into_iter().for_each(|note| self.damage.note(note));
    }

    /// What is said of that time code, where there is one.
    pub(crate) fn timecode_note(&self, frame: &Frame) -> Option<String> {
        let rate = self.decoder.bitstream_rate();
        let smpte = frame.smpte_timecode().map(|bits| Timecode::from_smpte(bits, rate));
        let found = smpte.or_else(|| frame.gop_timecode().map(Timecode::from_gop));
        let is_told = |code: &Timecode| (code.hours, code.minutes, code.seconds, code.frames) != (0, 0, 0, 0);
        found.filter(is_told).map(|code| {
            format!(
                "stream {}: the time code {code} in the bitstream is not carried over; --metadata timecode={code} sets it",
                self.stream
            )
        })
    }

    /// Counts and names frames that were left out before the one at `first`.
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

    /// Gives a picture its number, and its time by three rules. The time is what the container says of the packet; where
    /// it says nothing (AVI, raw streams), what the decoder makes of the decoding times. A time that is missing, or not
    /// after the one before, becomes that of one frame after the one before. Nothing else is changed: where a stream
    /// starts, gaps and uneven distances are the source's own.
    fn place(&mut self, frame: Frame) -> Picture {
        if let (0, Some(first), Some(pts)) = (self.next_number, self.first_decoded, frame.pts()) {
            self.late = pts.saturating_sub(first).clamp(0, self.most_late);
        }
        let number = self.next_number;
        let pts = self.account(frame.pts().map(|pts| pts.saturating_sub(self.late)));
        let duration = self.last_duration.filter(|_| self.agreeing >= 0);
        Picture { frame, number, pts, duration, extras: Extras::default() }
    }

    /// Counts the next frame, whose own time is `own`, and gives its time.
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
        // Some containers say of every frame that it lasts a tick; what they say of the last is worth as much.
        if let (Some(last), Some(duration)) = (self.last_pts, self.last_duration) {
            let step = pts.saturating_sub(last);
            self.agreeing +=
                if step.saturating_sub(duration).saturating_abs().saturating_mul(4) <= step { 1 } else { -1 };
        }
        self.last_pts = Some(pts);
        self.last_duration = self.durations.as_mut().and_then(|durations| {
            let own = durations.remove(&pts);
            // What is left of earlier times belongs to packets that gave no frame.
            *durations = durations.split_off(&pts);
            own
        });
        self.next_number += 1;
        pts
    }

    fn check(&mut self, picture: &Picture) -> Result<()> {
        let time = Some(Timestamp::new(picture.pts, self.time_base));
        self.check_shape(picture, time)?;
        match picture.frame.damage() {
            Some(damage) => {
                let said = self.complaint().map_or_else(String::new, |said| format!(" ({said})"));
                let kind = DamageKind::of_message(&format!("{damage}{said}"), DamageKind::Frame);
                self.add(kind, time, format!("{damage}{said}"))
            }
            None => self.check_complaints(time),
        }
    }

    /// A film may change its shape; one file of a sequence that has another is a file of something else.
    fn check_shape(&mut self, picture: &Picture, time: Option<Timestamp>) -> Result<()> {
        if !self.is_sequence {
            return Ok(());
        }
        let frame = &picture.frame;
        let shape = (frame.width(), frame.height(), frame.pixel_format());
        let first = *self.shape.get_or_insert(shape);
        if shape == first {
            return Ok(());
        }
        let named = |(width, height, format): (usize, usize, Option<PixelFormat>)| {
            format!("{width}x{height} {}", format.map_or("in an unknown format".into(), PixelFormat::name))
        };
        let detail = format!("a picture of the sequence is {}; the first is {}", named(shape), named(first));
        self.add(DamageKind::Shape, time, detail)
    }

    /// A decoder that reports an error and puts a frame out all the same has still not decoded the stream.
    fn check_complaints(&mut self, time: Option<Timestamp>) -> Result<()> {
        let (lines, errors) = self.decoder.complaints();
        let mut lines = lines.into_iter().filter(|line| line.is_error).map(|line| line.text).peekable();
        if errors == 0 || lines.peek().is_none() {
            return Ok(());
        }
        let explained = |text: &String| self.start.as_ref().is_some_and(|start| start.explains(text));
        let Some(text) = lines.find(|text| !explained(text)) else { return Ok(()) };
        let more = if errors > 1 { format!(" (and {} more)", errors - 1) } else { String::new() };
        let kind = DamageKind::of_message(&text, DamageKind::Frame);
        self.add(kind, time.or(self.last_packet), format!("the decoder reports: {text}{more}"))
    }

    fn undecodable(&mut self, code: AvError) -> Result<()> {
        let said = self.complaint();
        // Frames that need what lies before the place at which decoding began are not wanted.
        if self.lead.is_some() && code.io().is_none() {
            return Ok(());
        }
        let told = said.as_ref().map_or_else(String::new, |said| format!(" ({said})"));
        // Out of memory is the machine's trouble and not the file's; everything else a packet can cause.
        if code.io().is_some_and(|error| error.kind() == std::io::ErrorKind::OutOfMemory) {
            return Err(Error::new(ErrorKind::Codec, Stage::Decode, format!("the decoder failed: {code}{told}"))
                .in_file(&self.label)
                .in_stream(self.stream)
                .at(self.last_packet)
                .caused_by(code));
        }
        let kind = DamageKind::of_message(&told, DamageKind::Undecodable);
        // With several threads, the message may arrive before its packet is given back or together with it.
        let detail = match said {
            Some(said) => format!("the decoder reports: {said}"),
            None => format!("a packet cannot be decoded: {code}"),
        };
        self.add(kind, self.last_packet, detail)
    }

    /// The decoder's first complaint since it was last asked.
    fn complaint(&self) -> Option<String> {
        let (lines, _) = self.decoder.complaints();
        lines.into_iter().find(|line| line.is_error).map(|line| line.text)
    }

    fn add(&self, kind: DamageKind, time: Option<Timestamp>, detail: String) -> Result<()> {
        self.damage
            .add(kind, Stage::Decode, Some(self.stream), time, detail)
            .map_err(|error| error.in_file(&self.label))
    }
}
