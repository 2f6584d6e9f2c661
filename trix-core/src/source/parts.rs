//! Reads a file in several parts if one demuxer cannot read all of it. A table of a transport stream may assign another
//! codec to a stream identifier, or a second recording with its own header may follow the first.
//!
//! Invariant: packets leave in file order, with the stream numbers of the source and their byte positions in the whole
//! file. A packet marks a change of the codec of its stream. A recording whose streams do not match those of the first
//! is not read, and the demuxer reports it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::c_int,
    io::Cursor,
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
use trix_model::error::{Error, Result, Stage};

use super::{
    Origin, Source,
    open::{ALLOWED, open_input},
    split::{Split, watched},
    window::Window,
};
use crate::integrity::next_recording;

/// Maximum number of parts to read from one file.
const MOST: usize = 1000;

/// Codecs whose decoders accept a new configuration in mid-stream, either in the packets or as side data.
const RECONFIGURABLE: [&str; 6] = ["h264", "hevc", "mpeg1video", "mpeg2video", "aac", "flac"];

/// The reading position among the parts of a file.
#[derive(Default)]
pub(super) struct Parts {
    /// Finds the end of the first part.
    split: Option<Arc<Split>>,
    begun: bool,
    /// The current part, unless that is the first part as it was opened.
    current: Option<Part>,
    count: usize,
    /// The identifier and kind of each stream, by number.
    streams: Vec<(i32, StreamKind)>,
    /// The number of each stream of the first part. `codecs` holds the current codec of each stream.
    numbers: Vec<Option<usize>>,
    codecs: BTreeMap<usize, c_int>,
    /// The current configuration of each stream, if it differs from the initial one.
    configurations: BTreeMap<usize, Vec<u8>>,
    /// The end of the last packet so far, as a byte position.
    reached: u64,
}

/// A part of a file, with its own demuxer.
struct Part {
    input: Input,
    split: Option<Arc<Split>>,
    /// The byte position in the file at which the part starts.
    start: u64,
    /// The number of each of its streams, or `None` for streams that are left out.
    numbers: Vec<Option<usize>>,
    /// Streams with a new configuration, until their first packet.
    reconfigured: BTreeSet<usize>,
}

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

/// The streams of the current part, by their numbers in the source.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    input: &'a Input,
    numbers: &'a [Option<usize>],
}

impl Here<'_> {
    fn own(self, number: usize) -> Option<usize> {
        self.numbers.iter().position(|own| *own == Some(number))
    }

    /// The current properties of stream `number`.
    pub(super) fn stream(self, number: usize) -> Option<StreamFacts> {
        let facts = self.input.stream(self.own(number)?)?;
        Some(StreamFacts { index: number, ..facts })
    }

    /// The numbers of the programmes that list stream `number` at this point of the file.
    pub(super) fn programs_of(self, number: usize) -> Vec<i32> {
        self.own(number).map_or_else(Vec::new, |own| self.input.programs_of(own))
    }
}

impl Parts {
    /// The state before the first read. `split` finds the end of the first part.
    pub(super) fn new(split: Option<Arc<Split>>) -> Self {
        Parts { split, ..Parts::default() }
    }

    /// True if the file is known to have more than one part.
    pub(super) fn are_several(&self) -> bool {
        self.current.is_some() || self.split.as_ref().is_some_and(|split| split.border().is_some())
    }

    /// Discards the current part, because reading continues at another position.
    pub(super) fn restart(&mut self) {
        self.current = None;
        self.count = 0;
        self.reached = 0;
        self.codecs.clear();
        self.configurations.clear();
    }

    /// The streams of the current part. `first` is the demuxer of the first part.
    pub(super) fn here<'a>(&'a self, first: &'a Input) -> Here<'a> {
        match &self.current {
            Some(part) => Here { input: &part.input, numbers: &part.numbers },
            None => Here { input: first, numbers: &self.numbers },
        }
    }

    fn number(&mut self, facts: &StreamFacts) -> usize {
        let known = self.streams.iter().position(|known| *known == (facts.id, facts.kind));
        known.unwrap_or_else(|| {
            self.streams.push((facts.id, facts.kind));
            self.streams.len() - 1
        })
    }
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
                let reader = self.reader().map_err(|_| AvError::INVALID)?;
                let next = next_recording(&self.input.demuxer(), reader, self.parts.reached);
                match next.map_err(|_| AvError::INVALID)? {
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
        // Messages from probing a part are dropped. They were logged for the whole file, or will be when the packets of
        // the part are read.
        let sink = Arc::clone(self.input.sink());
        let said = sink.take();
        let opened = self.opened_part(start);
        sink.take();
        sink.put_back(said);
        let (input, split) = opened.map_err(|_| AvError::INVALID)?;
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
            Origin::Sequence { .. } => return Err(Error::bug(Stage::Source, "a sequence has no parts")),
        };
        let (reader, split) = watched(reader, start).map_err(unreadable)?;
        if let Some(split) = &split {
            split.arm();
        }
        let mut input = open_input(reader, state, self.input.sink(), &self.origin, &self.reading, ALLOWED)?;
        let limits = self.reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        input.find_streams(bounds).map_err(|code| {
            Error::new(trix_model::error::ErrorKind::MalformedInput, Stage::Source, code.to_string()).caused_by(code)
        })?;
        Ok((input, split))
    }
}
