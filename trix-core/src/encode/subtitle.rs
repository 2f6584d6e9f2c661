//! Copies subtitles, or converts them from one text format to another.
//!
//! Invariant: within the span of the output, an event starts and ends at the same tick as in the source. No text event
//! is lost, except those outside the span and those of a packet without a time. Where events cannot overlap, an event is
//! also lost if it comes after the time of its end was written.

use std::path::PathBuf;

use trix_av::{
    codec::DecoderError,
    packet::Packet,
    stream::{CodecParameters, StreamFacts},
    subtitle::{SubtitleDecoder, SubtitleEncoder},
};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::plan::SubtitlePlan;

/// The part of the source in the output, in the source's time.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The source time of the output's time zero.
    pub origin: Timestamp,
    /// The end of the output, if it is before the end of the source.
    pub end: Option<Timestamp>,
}

/// One subtitle track from packet to packet.
pub struct SubtitleTrack {
    label: PathBuf,
    stream: usize,
    codec: String,
    time_base: TimeBase,
    origin: i64,
    end: Option<i64>,
    converter: Option<Converter>,
    parameters: CodecParameters,
}

struct Converter {
    decoder: SubtitleDecoder,
    encoder: SubtitleEncoder,
    /// An event without a duration, which waits for the next event.
    open: Option<Event>,
    /// Set for a codec whose events cannot overlap.
    layers: Option<Layers>,
}

#[derive(Clone, Debug, PartialEq)]
struct Event {
    start: i64,
    end: i64,
    lines: Vec<String>,
}

/// Duration in seconds of an event whose end is not known from itself or from another event.
const UNKNOWN_LENGTH: i64 = 5;

impl SubtitleTrack {
    /// Opens a track for the stream that `facts` describe, in the format of `plan`.
    ///
    /// # Errors
    /// `Unsupported` if there is no decoder or encoder; `MalformedInput` if the stream's header makes no sense.
    pub fn open(label: PathBuf, facts: &StreamFacts, plan: &SubtitlePlan, span: Span) -> Result<Self> {
        let fail =
            |kind, detail: String| Error::new(kind, Stage::Decode, detail).in_file(&label).in_stream(facts.index);
        let mut parameters = facts.parameters.clone();
        let mut converter = None;
        if !plan.copied {
            let decoder = SubtitleDecoder::open(&facts.parameters, facts.time_base).map_err(|error| match error {
                DecoderError::Missing => fail(ErrorKind::Unsupported, format!("no decoder for {}", facts.codec)),
                DecoderError::Refused(code) => {
                    fail(ErrorKind::MalformedInput, format!("{} cannot be decoded: {code}", facts.codec))
                        .caused_by(code)
                }
            })?;
            let encoder = SubtitleEncoder::open(&plan.codec, &decoder.header()).map_err(|code| {
                fail(ErrorKind::Unsupported, format!("{} cannot be encoded: {code}", plan.codec)).caused_by(code)
            })?;
            parameters = encoder.parameters().map_err(|code| {
                fail(ErrorKind::Codec, format!("the subtitle encoder failed: {code}")).caused_by(code)
            })?;
            let layers = (plan.codec == "mov_text").then(Layers::default);
            converter = Some(Converter { decoder, encoder, open: None, layers });
        }
        // The tag of the 3GPP text sample. In MOV, libavformat would select QuickTime's tag, which has a different
        // sample description.
        parameters.set_tag(if plan.codec == "mov_text" { *b"tx3g" } else { [0; 4] });
        Ok(SubtitleTrack {
            stream: facts.index,
            codec: facts.codec.clone(),
            time_base: facts.time_base,
            origin: span.origin.rescale(facts.time_base),
            end: span.end.map(|end| end.rescale(facts.time_base)),
            converter,
            parameters,
            label,
        })
    }

    /// The stream parameters for the muxer.
    pub fn parameters(&self) -> &CodecParameters {
        &self.parameters
    }

    /// Takes a packet of the source and returns the packets to write, with times relative to the origin.
    ///
    /// # Errors
    /// `MalformedInput` for text that cannot be decoded, `Codec` if it cannot be encoded.
    pub fn push(&mut self, packet: Packet) -> Result<Vec<Packet>> {
        let Some(start) = packet.pts().or(packet.dts()) else { return Ok(Vec::new()) };
        let Some(converter) = &mut self.converter else {
            return Ok(self.copied(packet, start).into_iter().collect());
        };
        let decoded = converter.decoder.decode(&packet).map_err(|code| {
            let said = converter.decoder.complaints().join("; ");
            let detail = format!("a subtitle cannot be decoded: {code} ({said})");
            Error::new(ErrorKind::MalformedInput, Stage::Decode, detail)
                .in_file(&self.label)
                .in_stream(self.stream)
                .at(Some(Timestamp::new(start, self.time_base)))
                .caused_by(code)
        })?;
        let mut events = Vec::new();
        if let Some(mut event) = converter.open.take() {
            event.end = start;
            events.push(event);
        }
        if !decoded.events.is_empty() {
            let duration = Some(packet.duration()).filter(|ticks| *ticks > 0).or_else(|| {
                let millis = i64::from(decoded.millis?);
                Some(Timestamp::new(millis, TimeBase::new(1, 1000)).rescale(self.time_base))
            });
            let event = Event { start, end: start.saturating_add(duration.unwrap_or(0)), lines: decoded.events };
            match duration {
                Some(_) => events.push(event),
                None => converter.open = Some(event),
            }
        }
        self.convert(events, false)
    }

    /// Returns the remaining packets after the last one.
    ///
    /// # Errors
    /// Those of [`Self::push`].
    pub fn finish(&mut self) -> Result<Vec<Packet>> {
        let Some(converter) = &mut self.converter else { return Ok(Vec::new()) };
        let open = converter.open.take().map(|event| {
            let length = Timestamp::new(UNKNOWN_LENGTH, TimeBase::new(1, 1)).rescale(self.time_base);
            Event { end: event.start.saturating_add(length), ..event }
        });
        self.convert(open.into_iter().collect(), true)
    }

    /// Trims events to the span, merges overlapping ones if the codec requires it, and encodes them.
    fn convert(&mut self, events: Vec<Event>, last: bool) -> Result<Vec<Packet>> {
        let (origin, limit) = (self.origin, self.end);
        let Some(Converter { encoder, layers, .. }) = &mut self.converter else { return Ok(Vec::new()) };
        let mut shown = Vec::new();
        for event in events {
            let start = event.start.max(origin) - origin;
            let end = limit.map_or(event.end, |limit| event.end.min(limit)) - origin;
            if end > start {
                let event = Event { start, end, ..event };
                match layers {
                    Some(layers) => layers.push(event, &mut shown),
                    None => shown.push(event),
                }
            }
        }
        if let Some(layers) = layers.as_mut().filter(|_| last) {
            layers.advance(i64::MAX, &mut shown);
        }
        let mut packets = Vec::new();
        for Event { start, end, lines } in shown {
            let millis = Timestamp::new(end - start, self.time_base).rescale(TimeBase::new(1, 1000));
            let millis = u32::try_from(millis).unwrap_or(u32::MAX - 1);
            let data = encoder.encode(&lines, millis).map_err(|code| {
                Error::new(ErrorKind::Codec, Stage::Encode, format!("a subtitle cannot be encoded: {code}"))
                    .in_file(&self.label)
                    .in_stream(self.stream)
                    .at(Some(Timestamp::new(start, self.time_base)))
                    .caused_by(code)
            })?;
            let mut packet = Packet::copy_of(data);
            packet.set_times(Some(start), Some(start), end - start);
            packet.set_key(true);
            packets.push(packet);
        }
        Ok(packets)
    }

    fn copied(&self, mut packet: Packet, start: i64) -> Option<Packet> {
        // A sample without text fills a gap. The MP4 muxer makes its own.
        if self.codec == "mov_text" && packet.data().starts_with(&[0, 0]) {
            return None;
        }
        let duration = packet.duration();
        let end = start.saturating_add(duration);
        let is_bitmap = !SubtitleDecoder::is_text(&self.parameters);
        // Bitmap subtitles build on earlier ones and state their own end. Only text can be shortened.
        if self.end.is_some_and(|limit| start >= limit) || (is_bitmap && start < self.origin) {
            return None;
        }
        let (from, to) = match is_bitmap {
            true => (start, end),
            false => (start.max(self.origin), self.end.map_or(end, |limit| end.min(limit))),
        };
        if !is_bitmap && duration > 0 && to <= from {
            return None;
        }
        packet.set_times(Some(from - self.origin), Some(from - self.origin), (to - from).max(0));
        Some(packet)
    }
}

/// Merges events that are shown at the same time into one event with all their lines.
#[derive(Default)]
struct Layers {
    active: Vec<Event>,
    from: i64,
}

impl Layers {
    fn push(&mut self, event: Event, shown: &mut Vec<Event>) {
        self.advance(event.start, shown);
        if self.active.is_empty() {
            self.from = event.start;
        }
        // Events arrive in the order of their starts. One that starts earlier is shown from the current position on, if
        // it does not end before.
        self.active.push(Event { start: event.start.max(self.from), ..event });
    }

    /// Emits the active events up to `to`.
    fn advance(&mut self, to: i64, shown: &mut Vec<Event>) {
        while let Some(end) = self.active.iter().map(|event| event.end).min() {
            if self.from >= to {
                return;
            }
            let end = end.min(to);
            if end > self.from {
                let lines = self.active.iter().flat_map(|event| &event.lines);
                shown.push(Event { start: self.from, end, lines: joined(lines) });
                self.from = end;
            }
            self.active.retain(|event| event.end > end);
        }
    }
}

/// Merges several ASS events into one: the fields of the first, and the text of each on its own line. Text is the ninth
/// field.
fn joined<'a>(mut lines: impl Iterator<Item = &'a String>) -> Vec<String> {
    let Some(first) = lines.next() else { return Vec::new() };
    let mut whole = first.clone();
    for line in lines {
        if let Some(text) = line.splitn(9, ',').nth(8) {
            // A style set in one text must not continue into the next.
            whole.push_str("\\N{\\r}");
            whole.push_str(text);
        }
    }
    vec![whole]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(start: i64, end: i64, text: &str) -> Event {
        Event { start, end, lines: vec![format!("0,0,Default,,0,0,0,,{text}")] }
    }

    #[test]
    fn events_that_overlap_are_shown_together() {
        let mut layers = Layers::default();
        let mut shown = Vec::new();
        for next in [event(0, 4, "a, b"), event(2, 6, "c"), event(8, 9, "d"), event(8, 9, "e")] {
            layers.push(next, &mut shown);
        }
        layers.advance(i64::MAX, &mut shown);
        let expected = [event(0, 2, "a, b"), event(2, 4, "a, b\\N{\\r}c"), event(4, 6, "c"), event(8, 9, "d\\N{\\r}e")];
        assert_eq!(shown, expected);
    }
}
