//! Reads a file in several parts if one demuxer cannot read all of it. A table of a transport stream may assign another
//! codec to a stream identifier, or a second recording with its own header may follow the first.
//!
//! Invariant: packets leave in file order, with the stream numbers of the source and their byte positions in the whole
//! file. A packet marks a change of the codec of its stream. A recording whose streams do not match those of the first
//! is not read, and the demuxer reports it.

use std::{
    collections::BTreeSet,
    io::{self, Cursor},
    sync::Arc,
};

use trix_av::{
    AvError,
    input::{Input, InputBounds},
    io::ReadSeek,
    packet::{CodecChange, Packet},
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::{audio_header, checks::TableChange};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    container::{ALLOWED, open_input},
    opened::Source,
    origin::Origin,
    parts::Part,
    split::{Split, watched},
    window::Window,
};
use crate::integrity::next_recording;

/// Maximum number of parts to read from one file.
const MOST: usize = 1000;

/// Codecs whose decoders accept a new configuration in mid-stream, either in the packets or as side data.
const RECONFIGURABLE: [&str; 6] = ["h264", "hevc", "mpeg1video", "mpeg2video", "aac", "flac"];

/// How the streams of a part map to those of the source.
#[derive(Clone, Copy)]
enum Likeness {
    /// The streams are the same: this is the first part.
    Same,
    /// By stream identifiers.
    Identifier,
    /// By order, and only if all streams are present.
    Order,
}

fn is_media(facts: &StreamFacts) -> bool {
    matches!(facts.kind, StreamKind::Video | StreamKind::Audio | StreamKind::Subtitle) && !facts.is_attached_picture
}

/// True if a decoder for the stream `known` can decode `facts`.
fn can_go_on(known: &StreamFacts, facts: &StreamFacts) -> bool {
    let codec = facts.codec.as_str();
    let frame = |facts: &StreamFacts| (facts.width, facts.height);
    let samples = |facts: &StreamFacts| (facts.sample_rate, facts.channels, facts.raw_bits, facts.block_samples);
    let is_like = known.parameters.extradata() == facts.parameters.extradata()
        && (known.format, frame(known), samples(known)) == (facts.format, frame(facts), samples(facts));
    codec == known.codec && (is_like || RECONFIGURABLE.contains(&codec) || audio_header::describes_itself(codec))
}

impl Source {
    /// The byte position up to which the demuxer has read, including data that it has buffered but not parsed.
    pub(crate) fn reached(&self) -> u64 {
        self.parts.current.as_ref().map_or_else(|| self.input.reached(), |part| part.start + part.input.reached())
    }

    /// The next packet of the file.
    pub(super) fn read_part(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        if !self.parts.begun {
            self.begin_parts()?;
        }
        loop {
            let input = self.parts.current.as_mut().map_or(&mut self.input, |part| &mut part.input);
            match input.read()? {
                Some(packet) => {
                    if let Some(packet) = self.place(packet)? {
                        return Ok(Some(packet));
                    }
                }
                None if self.next_part()? => {}
                None => return Ok(None),
            }
        }
    }

    fn begin_parts(&mut self) -> std::result::Result<(), AvError> {
        self.parts.begun = true;
        self.parts.streams = self.streams.iter().map(|facts| (facts.id, facts.kind)).collect();
        self.parts.numbers = (0..self.input.stream_count().min(self.streams.len())).map(Some).collect();
        let Some(split) = self.parts.split.clone() else { return Ok(()) };
        split.arm();
        // The first probe read past the first part, with a demuxer that did not know of the border.
        if let Some(border) = split.border() {
            let likeness = if border.change.is_some() { Likeness::Identifier } else { Likeness::Same };
            // The demuxer of the first part probes the same bytes again.
            self.input.sink().take();
            self.parts.current = self.open_part(0, likeness)?;
        }
        Ok(())
    }

    /// Sets the stream number and the file position of a packet. Returns `None` if its stream is left out.
    fn place(&mut self, mut packet: Packet) -> std::result::Result<Option<Packet>, AvError> {
        let own = packet.stream();
        let Source { parts, input, streams, .. } = self;
        let (input, start) = parts.current.as_ref().map_or((&*input, 0), |part| (&part.input, part.start));
        let known = parts.current.as_ref().map_or(&parts.numbers, |part| &part.numbers).len();
        let appeared: Vec<StreamFacts> = (known..=own).filter_map(|own| input.stream(own)).collect();
        let base = input.stream(own).map(|facts| facts.time_base);
        let numbers: Vec<usize> = appeared.iter().map(|facts| parts.number(facts)).collect();
        let all = parts.current.as_mut().map_or(&mut parts.numbers, |part| &mut part.numbers);
        all.extend(numbers.into_iter().map(Some));
        let Some(number) = all.get(own).copied().flatten() else { return Ok(None) };
        packet.set_stream(number);
        packet.move_position(start);
        if let Some(position) = packet.position() {
            parts.reached = parts.reached.max(position + packet.data().len() as u64);
        }
        let facts = streams.get(number);
        if let Some((from, facts)) = base.zip(facts).filter(|(from, facts)| *from != facts.time_base) {
            packet.rescale(from, facts.time_base);
        }
        let is_new = parts.current.as_mut().is_some_and(|part| part.reconfigured.remove(&number));
        if let Some(configuration) = parts.configurations.get(&number).filter(|_| is_new) {
            packet.set_new_extradata(configuration)?;
        }
        self.note_change(own, number, &mut packet);
        Ok(Some(packet))
    }

    /// Marks a packet as the first one with a new codec, if the codec of its stream has changed.
    fn note_change(&mut self, own: usize, number: usize, packet: &mut Packet) {
        let Source { parts, input, streams, .. } = self;
        let input = parts.current.as_ref().map_or(&*input, |part| &part.input);
        let facts = streams.get(number);
        let Some(known) = facts.map(|facts| facts.parameters.codec_number()) else { return };
        let known = *parts.codecs.entry(number).or_insert(known);
        let Some(parameters) = input.change_of(own, known) else { return };
        // Frame headers take precedence over the table, which does not distinguish the layers of MPEG audio.
        let is_as_before = facts.filter(|facts| facts.parameters.codec_number() == known).is_some_and(|facts| {
            audio_header::read(&facts.codec, packet.data()).is_some_and(|header| header.codec == facts.codec)
        });
        if !is_as_before {
            parts.codecs.insert(number, parameters.codec_number());
            packet.set_change(CodecChange { to: parameters.codec_name(), time: None, parameters: Some(parameters) });
        }
    }

    /// Opens the part after the current one. Returns false if there is none, or if it cannot follow.
    fn next_part(&mut self) -> std::result::Result<bool, AvError> {
        let split = self.parts.current.as_ref().map_or(&self.parts.split, |part| &part.split);
        let border = split.as_ref().and_then(|split| split.border());
        let (at, likeness) = match border {
            Some(border) if border.change.is_some() => (border.at, Likeness::Identifier),
            Some(border) => (border.at, Likeness::Order),
            // The demuxer reads the first recording and ignores the others without a message.
            None if self.input.demuxer() == "asf" => {
                let reached = self.parts.reached;
                let next = self.reader().and_then(|reader| next_recording(&self.input.demuxer(), reader, reached));
                match next.map_err(|error| self.unreadable(error))? {
                    Some(at) => (at, Likeness::Order),
                    None => return Ok(false),
                }
            }
            None => return Ok(false),
        };
        self.parts.count += 1;
        if self.parts.count > MOST {
            return Err(AvError::INVALID);
        }
        let Some(part) = self.open_part(at, likeness)? else { return Ok(false) };
        self.parts.current = Some(part);
        self.parts.reached = self.parts.reached.max(at);
        if let Some(change) = border.and_then(|border| border.change) {
            self.check_change(change);
        }
        Ok(true)
    }

    /// Ends a track if its identifier continues with a stream of another kind.
    fn check_change(&mut self, change: TableChange) {
        let is_changed = |(id, kind): &(i32, StreamKind)| {
            *id == i32::from(change.pid) && matches!(kind, StreamKind::Video | StreamKind::Audio)
        };
        let Some(stream) = self.parts.streams.iter().position(is_changed) else { return };
        if self.parts.here(&self.input).stream(stream).is_none() {
            let detail =
                format!("stream {stream} ends: its identifier goes on with {}, and the track cannot", change.to);
            self.joints.break_off(stream, detail);
        }
    }

    /// Opens the part that starts at byte `start`. Returns `None` if its streams cannot continue those of the source.
    fn open_part(&mut self, start: u64, likeness: Likeness) -> std::result::Result<Option<Part>, AvError> {
        let sink = Arc::clone(self.input.sink());
        let said = sink.take();
        let opened = self.opened_part(start);
        let (said_of_part, _) = sink.take();
        if opened.is_ok() {
            sink.put_back_own_errors(said_of_part);
        }
        sink.put_back(said);
        let (input, split) = opened.map_err(|error| self.cannot_open(error))?;
        let mut part = Part { input, split, start, numbers: Vec::new(), reconfigured: BTreeSet::new() };
        let found = part.input.streams();
        match likeness {
            Likeness::Same => part.numbers = (0..found.len()).map(Some).collect(),
            Likeness::Identifier => part.numbers = found.iter().map(|facts| Some(self.parts.number(facts))).collect(),
            Likeness::Order => {
                let first: Vec<&StreamFacts> = self.streams.iter().filter(|facts| is_media(facts)).collect();
                let of_kind =
                    |kind: StreamKind| found.iter().filter(move |facts| is_media(facts) && facts.kind == kind);
                let configurations = &mut self.parts.configurations;
                let mut changed = Vec::new();
                part.numbers = vec![None; found.len()];
                for kind in [StreamKind::Video, StreamKind::Audio, StreamKind::Subtitle] {
                    let known = first.iter().filter(|facts| facts.kind == kind);
                    if known.clone().count() != of_kind(kind).count() {
                        return Ok(None);
                    }
                    for (known, facts) in known.zip(of_kind(kind)) {
                        if !can_go_on(known, facts) {
                            return Ok(None);
                        }
                        part.numbers[facts.index] = Some(known.index);
                        let configuration = facts.parameters.extradata();
                        let before = configurations.get(&known.index).map(Vec::as_slice);
                        if configuration != before.unwrap_or(known.parameters.extradata()) {
                            changed.push((known.index, configuration.to_vec()));
                        }
                    }
                }
                part.reconfigured = changed.iter().map(|(number, _)| *number).collect();
                configurations.extend(changed);
            }
        }
        Ok(Some(part))
    }

    /// Keeps an error of the operating system for the caller, who asks for it after each failed read.
    fn unreadable(&self, error: io::Error) -> AvError {
        self.input.io_state().fail(error);
        AvError::INVALID
    }

    /// Like [`Self::unreadable`], for the reason why a part cannot be opened.
    fn cannot_open(&self, error: Error) -> AvError {
        if error.kind() != ErrorKind::Io {
            return AvError::INVALID;
        }
        let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
        self.unreadable(match cause {
            Some(cause) => match cause.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(cause.kind(), cause.to_string()),
            },
            None => io::Error::other(error.to_string()),
        })
    }

    fn opened_part(&self, start: u64) -> Result<(Input, Option<Arc<Split>>)> {
        let state = self.input.io_state();
        let unreadable = |error| Error::io(Stage::Source, &self.label(), "cannot be read", error);
        let reader: Box<dyn ReadSeek> = match &self.origin {
            Origin::File { store, content, .. } => {
                let end = content.unwrap_or_else(|| store.bytes());
                let reader = store.reader_with(self.mark.as_ref(), Some(Arc::clone(state)));
                Box::new(Window::new(reader, start..end))
            }
            Origin::Memory(bytes) => Box::new(Window::new(Cursor::new(Arc::clone(bytes)), start..bytes.len() as u64)),
            Origin::Sequence { .. } | Origin::Given(_) => {
                return Err(Error::bug(Stage::Source, "a source without a container has no parts"));
            }
        };
        let (reader, split) = watched(reader, start).map_err(unreadable)?;
        if let Some(split) = &split {
            split.arm();
        }
        let mut input = open_input(reader, state, self.input.sink(), &self.origin, &self.reading, ALLOWED)?;
        // As for the whole file, only messages about packets count.
        self.input.sink().take();
        let limits = self.reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        input
            .find_streams(bounds)
            .map_err(|code| Error::new(ErrorKind::MalformedInput, Stage::Source, code.to_string()).caused_by(code))?;
        Ok((input, split))
    }
}
