//! Opens a source: one local file (or a block of memory), recognised by its content and held to limits; or numbered
//! pictures of one folder; or planes without a header, whose shape the job states.
//!
//! Invariant: nothing but the bytes that the job names is ever read. Playlists, scripts and manifests that point
//! elsewhere are refused by name, and a demuxer cannot open a second file.

mod clock;
mod editions;
mod edits;
mod fixity;
mod further;
mod joints;
mod open_ended;
mod padding;
mod raw;
mod reference;
pub(crate) mod selection;
mod sequence;
mod shelf;
mod store;
mod vvc;

use std::{
    fs::File,
    io::{Cursor, Read, Seek},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::{
    clock::Clock,
    edits::Edits,
    further::Further,
    joints::Joints,
    padding::Limited,
    selection::Selection,
    sequence::{Files, Sequence},
    store::{LocalFile, Mark, Store},
};
pub use self::{
    clock::Discontinuity,
    fixity::{FileFixity, Fixity, FixityKeeper},
    raw::RawGeometry,
    store::{Stamp, Storage},
};
pub(crate) use self::{
    fixity::sha256_of_file,
    joints::{Appeared, Break},
    shelf::STORE,
};
use crate::{
    error::{Error, ErrorKind, Result, Stage},
    extent::Extent,
    ffi::{
        AvError, ability,
        input::{Input, InputBounds, OpenError, Stated},
        io::{IoState, ReadSeek},
        log::Sink,
        packet::Packet,
        stream::{StreamFacts, StreamKind},
    },
    integrity::Integrity,
    media::time::{Rational, Timestamp},
    spec::{
        audio_tracks::AudioTracks,
        plan::{Decision, Mistake},
    },
};

/// How large a source may be in each respect; beyond it stands an error of kind `Limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Streams in the file. Default 256: a feature with every language stays far below.
    pub streams: u32,
    /// Samples in a row, or rows, of a picture. Default 16384, the most that HEVC level 6.2 implementations take.
    pub side: u32,
    /// Samples of a picture. Default 71 303 168, twice 8192x4320 (full-size DCI 8K).
    pub pixels: u64,
    /// Bytes of one compressed picture or block of sound. Default 512 MiB.
    pub packet_bytes: u64,
    /// Bytes that may be read to find out what the streams are. Default 64 MiB.
    pub probe_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { streams: 256, side: 16_384, pixels: 71_303_168, packet_bytes: 512 << 20, probe_bytes: 64 << 20 }
    }
}

/// The demuxers that may run, by FFmpeg's names: containers and elementary streams that hold their own data.
const ALLOWED: &[&str] = &[
    "aac",
    "ac3",
    "aiff",
    "asf",
    "au",
    "av1",
    "avi",
    "caf",
    "dnxhd",
    "dts",
    "dv",
    "eac3",
    "flac",
    "flv",
    "gxf",
    "h261",
    "h263",
    "h264",
    "hevc",
    "ivf",
    "m4v",
    "matroska,webm",
    "mjpeg",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "mp3",
    "mpeg",
    "mpegts",
    "mpegvideo",
    "mxf",
    "nut",
    "obu",
    "ogg",
    "vc1",
    "vvc",
    "w64",
    "wav",
    "yuv4mpegpipe",
];

/// Demuxers that read other files or addresses than the one they were given.
const POINTING: &[&str] =
    &["applehttp", "hls", "concat", "dash", "sdp", "rtsp", "imf", "webm_dash_manifest", "image2", "smil", "redir"];

/// How a source is to be read, as far as it does not say so itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// How large it may be.
    pub limits: Limits,
    /// The shape of planes that have no header.
    pub raw: Option<RawGeometry>,
    /// Pictures in a second of a sequence of files; `None`: what the first of them says, else 25.
    pub rate: Option<Rational>,
    /// The film, by the index of its stream; `None`: the video stream that a person means.
    pub video_stream: Option<usize>,
    /// The audio tracks that are taken; `None`: those of the film's programme.
    pub audio_tracks: Option<AudioTracks>,
    /// Whether the source is read to its end where that is needed to find the first packet of a track. Otherwise the
    /// limit for probing holds.
    pub reads_on: bool,
}

impl From<Limits> for Reading {
    fn from(limits: Limits) -> Self {
        Reading { limits, ..Reading::default() }
    }
}

/// An open source whose streams are known.
pub struct Source {
    pub(crate) input: Input,
    /// Where packets come from when the source is more than one file; `input` has read the first of them then.
    sequence: Option<Sequence>,
    /// Puts recordings behind each other whose clocks do not go on; for containers that may hold such.
    clock: Option<Clock>,
    /// Why reading ended, told after the packets that were read before.
    failed: Option<AvError>,
    /// Where the reader under `input` is, in a file.
    mark: Option<Arc<Mark>>,
    origin: Origin,
    reading: Reading,
    streams: Vec<StreamFacts>,
    extent: Extent,
    /// Bytes of a picture, where pictures are all that there is.
    picture_bytes: Option<u64>,
    is_open_ended: bool,
    /// Whether libavformat leaves samples out, because a track has several codecs.
    skips_samples: bool,
    decisions: Vec<Decision>,
    /// Which streams are meant.
    selection: Arc<Selection>,
    /// Which streams go on in others.
    joints: Joints,
}

#[derive(Clone)]
enum Origin {
    /// A file, and its bytes as all who read it share them.
    File {
        path: PathBuf,
        store: Arc<Store>,
        /// Where the content ends, where there are zeros behind it.
        content: Option<u64>,
        /// What libavformat is not shown of the edit lists.
        edits: Arc<Edits>,
    },
    /// A pattern that stands for several files.
    Sequence {
        path: PathBuf,
        files: Arc<Files>,
    },
    Memory(Arc<[u8]>),
}

impl Source {
    /// Opens a local file that says itself what it holds.
    ///
    /// # Errors
    /// `Io` when it cannot be read or is no regular file; `MalformedInput` when it is not media, is cut off in its
    /// header, or holds no stream; `Unsupported` for containers that are not read, playlists among them; `Limit` when
    /// a stream is larger than `limits` allow.
    pub fn open(path: &Path, limits: Limits) -> Result<Self> {
        Self::open_as(path, &limits.into())
    }

    /// Opens a local file, or the files that a pattern such as `shot.%04d.dpx` stands for, unless a file has that very
    /// name.
    ///
    /// # Errors
    /// As [`Source::open`], and `InvalidSpec` when `reading` is wrong in itself or does not fit the source.
    pub fn open_as(path: &Path, reading: &Reading) -> Result<Self> {
        Self::open_path(path, reading).map_err(|error| error.in_file(path))
    }

    fn open_path(path: &Path, reading: &Reading) -> Result<Self> {
        let mut mistakes = Vec::new();
        let picture_bytes = match reading.raw.as_ref().map(RawGeometry::check) {
            Some(Err(wrong)) => {
                mistakes.extend(wrong);
                None
            }
            Some(Ok(bytes)) => Some(bytes),
            None => None,
        };
        if let Some(rate) = reading.rate {
            mistakes.extend(raw::check_rate("source.rate", rate));
            if reading.raw.is_some() {
                mistakes.push(Mistake::new("source.rate", rate, "source.raw states a rate already"));
            }
        }
        if !mistakes.is_empty() {
            return Err(Mistake::into_error(mistakes));
        }
        let io = |error| Error::io(Stage::Source, path, "cannot be opened", error);
        // Looked at before it is opened: opening a pipe that nobody writes to would wait for ever.
        let metadata = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let files = Files::find(path, reading.limits.packet_bytes).map_err(io)?.ok_or_else(|| io(error))?;
                let origin = Origin::Sequence { path: path.to_owned(), files: Arc::new(files) };
                return Self::from_origin(&origin, reading, None);
            }
            other => other.map_err(io)?,
        };
        if let Some(rate) = reading.rate {
            let problem = "is for sequences of pictures; a file states its own times";
            return Err(Mistake::into_error(vec![Mistake::new("source.rate", rate, problem)]));
        }
        let file = regular_file(path, &metadata)?;
        let stamp = file.metadata().map(|metadata| Stamp::of(&metadata)).map_err(io)?;
        let local = LocalFile { file, path: path.to_owned() };
        let store = Store::new(Box::new(local), stamp);
        let content = match reading.raw {
            None => padding::content_end(&mut store.reader(None))
                .map_err(|error| Error::io(Stage::Source, path, "cannot be read", error))?,
            Some(_) => None,
        };
        let edits = match reading.raw {
            None => Edits::of(&mut store.reader(None))
                .map_err(|error| Error::io(Stage::Source, path, "cannot be read", error))?,
            Some(_) => Edits::default(),
        };
        let origin = Origin::File { path: path.to_owned(), store, content, edits: Arc::new(edits) };
        Self::from_origin(&origin, reading, picture_bytes)
    }

    /// Opens what holds bytes as a file does but is none, such as an object that is read over a network. Errors call it
    /// `name`, whose extension helps to recognise elementary streams; nothing is opened by that name.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_storage(storage: Box<dyn Storage>, name: &Path, limits: Limits) -> Result<Self> {
        let stamp = storage.stamp().map_err(|error| Error::io(Stage::Source, name, "cannot be opened", error))?;
        if stamp.bytes == 0 {
            return Err(empty().in_file(name));
        }
        let store = Store::new(storage, stamp);
        let edits = Edits::of(&mut store.reader(None))
            .map_err(|error| Error::io(Stage::Source, name, "cannot be read", error))?;
        let origin = Origin::File { path: name.to_owned(), store, content: None, edits: Arc::new(edits) };
        Self::from_origin(&origin, &limits.into(), None)
    }

    /// Opens a block of memory; what a fuzzer or a test has.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Self> {
        Self::from_origin(&Origin::Memory(bytes.into()), &limits.into(), None)
    }

    /// The same, with the times of packets as the file tells them, whatever its clock does.
    pub(crate) fn with_own_times(mut self) -> Self {
        self.clock = None;
        self
    }

    /// Samples that an edit list hides at the start of a sound track: what its encoder needed to run in.
    pub(crate) fn run_in(&self, facts: &StreamFacts) -> usize {
        // Packets of known codecs last 46 ms at the most at usual rates; more is no run-in.
        const MOST: usize = 4096;
        let hidden = facts.start.zip(self.earliest(facts.index)).map_or(0, |(start, earliest)| start - earliest);
        let rate = Rational::new(1, i64::from(facts.sample_rate.max(1)));
        let samples = Timestamp::new(hidden, facts.time_base).rescale(rate);
        usize::try_from(samples).ok().filter(|samples| *samples <= MOST).unwrap_or(0)
    }

    /// Opens the same source once more, for a second reading beside the first.
    pub(crate) fn reopen(&self) -> Result<Self> {
        let mut again = Self::at_first_look(&self.origin, &self.reading, self.picture_bytes)?;
        again.streams.clone_from(&self.streams);
        again.selection = Arc::clone(&self.selection);
        again.joints = self.joints.at_start();
        again.watch_clock();
        Ok(again)
    }

    fn from_origin(origin: &Origin, reading: &Reading, picture_bytes: Option<u64>) -> Result<Self> {
        let named = |error: Error| match origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => error.in_file(path),
            Origin::Memory(_) => error,
        };
        if reading.raw.is_none() {
            refuse_reference(origin).map_err(named)?;
        }
        let mut opened = Self::at_first_look(origin, reading, picture_bytes)?;
        let is_plain = opened.sequence.is_none() && reading.raw.is_none();
        let mut further = if is_plain { Further::look(&opened) } else { Further::default() };
        for (index, facts) in std::mem::take(&mut further.streams) {
            match opened.streams.get_mut(index) {
                Some(known) => *known = facts,
                None => opened.streams.push(facts),
            }
        }
        check_limits(&opened.streams, &reading.limits).map_err(named)?;
        opened.watch_clock();
        opened.joints = Joints::new(&opened, &further);
        opened.selection = Arc::new(Selection::choose(&opened, &further).map_err(named)?);
        opened.decisions.extend(opened.selection.decisions.iter().cloned());
        Ok(opened)
    }

    /// Opens `origin` and looks at as much of it as libavformat needs.
    fn at_first_look(origin: &Origin, reading: &Reading, picture_bytes: Option<u64>) -> Result<Self> {
        let state = Arc::new(IoState::default());
        let mut opened = match origin {
            Origin::File { path, store, content, edits } => {
                let (reader, mark) = store.marked_reader(Some(Arc::clone(&state)));
                let reader = edits::patched(limited(reader, *content), edits);
                let mut opened =
                    Self::from_reader(reader, state, origin, reading, ALLOWED).map_err(|error| error.in_file(path))?;
                opened.mark = Some(mark);
                for facts in &mut opened.streams {
                    let gaps = edits.gaps(facts);
                    facts.duration = facts.duration.map(|duration| duration.saturating_add(gaps));
                }
                opened
            }
            Origin::Sequence { path, files } => {
                Self::from_sequence(files, state, origin, reading).map_err(|error| error.in_file(path))?
            }
            Origin::Memory(bytes) => {
                Self::from_reader(Box::new(Cursor::new(Arc::clone(bytes))), state, origin, reading, ALLOWED)?
            }
        };
        opened.picture_bytes = picture_bytes;
        Ok(opened)
    }

    /// Follows the clock of all streams that are known by now.
    fn watch_clock(&mut self) {
        if self.sequence.is_none() {
            self.clock = Clock::of(&self.input, &self.streams);
        }
    }

    /// The same source with nothing but its header read.
    fn bare(&self) -> Result<Input> {
        let state = Arc::new(IoState::default());
        let reader: Box<dyn ReadSeek> = match &self.origin {
            Origin::File { store, content, edits, .. } => {
                edits::patched(limited(store.reader(Some(Arc::clone(&state))), *content), edits)
            }
            Origin::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Origin::Sequence { .. } => return Err(Error::bug(Stage::Source, "a sequence has no container")),
        };
        open_input(reader, &state, &Sink::new(), &self.origin, &self.reading, ALLOWED)
    }

    /// The ordered chapters of a Matroska file, where it has such.
    pub(crate) fn ordered_chapters(&self) -> Option<editions::Ordered> {
        let is_matroska = self.input.demuxer() == "matroska,webm";
        editions::ordered(&mut self.reader().ok().filter(|_| is_matroska)?)
    }

    /// Whether the packets of an MP4 or MOV file are listed in fragments, and not all of them in the header.
    fn is_fragmented(&self) -> bool {
        self.reader().is_ok_and(|mut reader| crate::probe::is_fragmented(&mut reader))
    }

    /// What the first file says of its one picture holds for all of them, until a decoder finds otherwise.
    fn from_sequence(files: &Arc<Files>, state: Arc<IoState>, origin: &Origin, reading: &Reading) -> Result<Self> {
        let sequence = Sequence::new(Arc::clone(files));
        let first = files.first_path();
        let unreadable = |error| Error::io(Stage::Source, &first, "cannot be read", error);
        let mut reader = files.first_reader().map_err(unreadable)?;
        let mut head = Vec::new();
        // The headers of a DPX picture are 2048 bytes (SMPTE ST 268-1).
        reader.by_ref().take(2048).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        if head.is_empty() {
            return Err(empty().in_file(&first));
        }
        let mut opened = Self::from_reader(reader, state, origin, reading, sequence::IMAGES)
            .map_err(|error| error.in_file(&first))?;
        let (rate, why) = match (reading.rate, sequence::dpx_rate(&head)) {
            (Some(rate), _) => (rate, None),
            (None, Some(rate)) => (rate, Some("the header of the first picture says so")),
            (None, None) => (sequence::DEFAULT_RATE, Some("images carry no rate, and none is given")),
        };
        let what = format!("the sequence is read at {rate} pictures a second");
        opened.decisions.extend(why.map(|why| Decision::new(what, why)));
        for facts in &mut opened.streams {
            facts.time_base = rate.inverse();
            (facts.average_rate, facts.base_rate) = (rate, rate);
            facts.start = Some(0);
            facts.duration = i64::try_from(sequence.span()).ok();
            facts.declared_frames = Some(sequence.len());
            facts.bit_rate = None;
            facts.is_sequence = true;
        }
        opened.extent = Extent { size: sequence.bytes(), declared: None };
        opened.sequence = Some(sequence);
        Ok(opened)
    }

    fn from_reader(
        mut reader: Box<dyn ReadSeek>,
        state: Arc<IoState>,
        origin: &Origin,
        reading: &Reading,
        demuxers: &[&str],
    ) -> Result<Self> {
        let limits = reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        let unreadable = |error: std::io::Error| {
            Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
        };
        let mut extent = Extent::of(&mut reader).map_err(unreadable)?;
        let mut head = Vec::new();
        // Headers of audio files stand in front of a few tags.
        reader.by_ref().take(64 * 1024).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        let patches = if reading.raw.is_some() { Vec::new() } else { open_ended::patches(&head, extent.size) };
        let is_open_ended = !patches.is_empty();
        if is_open_ended {
            reader = Box::new(open_ended::Patched::new(reader, patches));
            extent.declared = None;
        }
        let sink = Sink::new();
        let mut input = open_input(reader, &state, &sink, origin, reading, demuxers)?;
        input.find_streams(bounds).map_err(|code| failure(&state, &sink, code, "its streams cannot be made out"))?;
        if let Some(error) = state.take_error() {
            return Err(unreadable(error));
        }
        let mut streams = input.streams();
        // In others, libavformat infers durations from the frame rate.
        let tells_durations = matches!(input.demuxer().as_str(), "mov,mp4,m4a,3gp,3g2,mj2" | "matroska,webm");
        streams.iter_mut().for_each(|facts| facts.tells_durations = tells_durations);
        // libavcodec drops the size of pictures that are too large for it, and says so.
        let said = sink.take().0;
        // It reads the samples of one codec of a track, and says no more.
        let skips_samples = said.iter().any(|line| line.text.contains("multiple fourcc not supported"));
        if let Some(line) = said.iter().find(|line| line.text.contains("exceeds specified max pixel count")) {
            let size = line.text.split_whitespace().find(|word| word.contains('x')).unwrap_or("unknown size");
            let detail =
                format!("pictures of {size}; the limit is {} on a side and {} in all", limits.side, limits.pixels);
            return Err(Error::new(ErrorKind::Limit, Stage::Source, detail));
        }
        check_limits(&streams, &limits)?;
        let reading = reading.clone();
        Ok(Source {
            clock: Clock::of(&input, &streams),
            failed: None,
            input,
            sequence: None,
            mark: None,
            origin: origin.clone(),
            reading,
            streams,
            extent,
            picture_bytes: None,
            is_open_ended,
            skips_samples,
            decisions: is_open_ended.then(open_ended::decision).into_iter().collect(),
            selection: Arc::default(),
            joints: Joints::default(),
        })
    }

    /// Whether libavformat leaves samples out, because a track has several codecs.
    pub(crate) fn skips_samples(&self) -> bool {
        self.skips_samples
    }

    /// Whether the header does not say how long the audio is, so that it ends where the file ends.
    pub(crate) fn is_open_ended(&self) -> bool {
        self.is_open_ended
    }

    /// The bytes of the source, for those who read a header themselves; of several files, those of the first.
    pub(crate) fn reader(&self) -> std::io::Result<Box<dyn ReadSeek>> {
        Ok(match &self.origin {
            Origin::File { store, content, .. } => {
                limited(store.reader(Some(Arc::clone(self.input.io_state()))), *content)
            }
            Origin::Sequence { files, .. } => files.first_reader()?,
            Origin::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// A second reading of the file, which looks for what libavformat does not look at.
    pub(crate) fn integrity(&self) -> std::io::Result<Option<Integrity>> {
        Integrity::of(&self.input.demuxer(), || match &self.origin {
            Origin::File { store, content, .. } => {
                let (reader, mark) = store.marked_reader(Some(Arc::clone(self.input.io_state())));
                mark.goes_through();
                Ok(limited(reader, *content))
            }
            Origin::Sequence { .. } | Origin::Memory(_) => self.reader(),
        })
    }

    /// What should be known of the source and is no damage, as far as it was read.
    pub(crate) fn notes(&self) -> Vec<String> {
        match &self.origin {
            Origin::File { store, content, edits, .. } => {
                let zeros = content.map(|content| {
                    let zeros = store.bytes() - content;
                    format!("{zeros} zero bytes stand behind the recording, from byte {content} on; they are left out")
                });
                zeros.into_iter().chain(self.streams.iter().flat_map(|facts| edits.notes(facts))).collect()
            }
            Origin::Sequence { files, .. } => files.grown().into_iter().collect(),
            Origin::Memory(_) => Vec::new(),
        }
    }

    /// From now on, this reading of the source goes from its start to its end: what it has passed need not be kept in
    /// memory for it.
    pub(crate) fn goes_through(&mut self) {
        if let Some(mark) = &self.mark {
            mark.goes_through();
        }
        if let Some(sequence) = &mut self.sequence {
            sequence.goes_through();
        }
    }

    /// The next packet of any stream; `None` at the end. An error of the operating system is left with the input's
    /// [`IoState`].
    pub(crate) fn read(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        if let Some(sequence) = &mut self.sequence {
            return sequence.read(self.input.io_state());
        }
        loop {
            if let Some(packet) = self.clock.as_mut().and_then(Clock::next) {
                return Ok(Some(packet));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let packet = self.read_file();
            let Some(clock) = &mut self.clock else { return packet };
            match packet {
                Ok(Some(packet)) => clock.push(packet),
                Ok(None) => {
                    if !clock.finish() {
                        return Ok(None);
                    }
                }
                // What was read before comes first.
                Err(error) => {
                    self.failed = Some(error);
                    clock.finish();
                }
            }
        }
    }

    /// The next packet of the file, with the stream that it continues and the time that its edit list gives it.
    fn read_file(&mut self) -> std::result::Result<Option<Packet>, AvError> {
        let Some(mut packet) = self.input.read()? else { return Ok(None) };
        self.joints.route(&mut packet, &self.input);
        if let Some((edits, facts)) = self.edits().zip(self.streams.get(packet.stream())) {
            edits.place(facts, &mut packet);
        }
        Ok(Some(packet))
    }

    /// Where the clock of the file did not go on, as far as it was read.
    pub(crate) fn discontinuities(&self) -> &[Discontinuity] {
        self.clock.as_ref().map_or(&[], Clock::joints)
    }

    /// Goes on reading at the last keyframe of stream `index` at or before `ticks`, as near as the container can tell.
    pub(crate) fn seek(&mut self, index: usize, ticks: i64) -> std::result::Result<(), AvError> {
        if let Some(clock) = &mut self.clock {
            clock.restart();
        }
        let place = self.edits().zip(self.streams.get(index));
        let ticks = place.map_or(ticks, |(edits, facts)| edits.without_gaps(facts, ticks));
        self.input.seek(index, ticks)
    }

    fn edits(&self) -> Option<&Edits> {
        match &self.origin {
            Origin::File { edits, .. } => Some(edits),
            Origin::Sequence { .. } | Origin::Memory(_) => None,
        }
    }

    /// Whether the edit list of stream `index` puts it together from several parts of its media, or leaves gaps: packets
    /// alone do not tell that.
    pub(crate) fn is_composed(&self, index: usize) -> bool {
        self.edits().zip(self.streams.get(index)).is_some_and(|(edits, facts)| edits.is_composed(facts))
    }

    /// Whether stream `index` can be presented as its container asks.
    ///
    /// # Errors
    /// `Unsupported` with the place in its edit list that cannot be followed.
    pub(crate) fn refuse_edits(&self, index: usize) -> Result<()> {
        let found = self.edits().zip(self.streams.get(index)).and_then(|(edits, facts)| edits.trouble(facts));
        found.map_or(Ok(()), |(time, why)| {
            let error = Error::new(ErrorKind::Unsupported, Stage::Source, format!("{why}, which cannot be followed"));
            Err(error.in_file(&self.label()).in_stream(index).at(Some(time)))
        })
    }

    /// The files, where the source is more than one.
    pub(crate) fn sequence(&self) -> Option<&Sequence> {
        self.sequence.as_ref()
    }

    /// Bytes of a picture, where the source is pictures of one size and nothing else.
    pub(crate) fn picture_bytes(&self) -> Option<u64> {
        self.picture_bytes
    }

    /// What was decided about the source without being asked for.
    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Microseconds from start to end, where that is known.
    pub(crate) fn duration(&self) -> Option<i64> {
        match &self.sequence {
            Some(sequence) => {
                let facts = self.streams.first()?;
                Some(Timestamp::new(i64::try_from(sequence.span()).ok()?, facts.time_base).micros())
            }
            None => self.input.duration(),
        }
    }

    /// Microseconds of the first thing presented.
    pub(crate) fn start(&self) -> Option<i64> {
        if self.sequence.is_some() { Some(0) } else { self.input.start() }
    }

    /// The path, where the source is a file; of several files their pattern.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => Some(path),
            Origin::Memory(_) => None,
        }
    }

    /// What errors call the source.
    pub(crate) fn label(&self) -> PathBuf {
        self.path().map_or_else(|| PathBuf::from("(memory)"), Path::to_owned)
    }

    /// How large the file is, and says it is.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    pub(crate) fn limits(&self) -> Limits {
        self.reading.limits
    }

    pub(crate) fn streams(&self) -> &[StreamFacts] {
        &self.streams
    }

    /// The earliest presentation time among the first packets of stream `index`, in its ticks, without pictures that an
    /// edit list hides; absent when they carry none, or the file cannot be opened once more.
    pub(crate) fn earliest(&self, index: usize) -> Option<i64> {
        // More than any codec reorders (H.264 and HEVC: 16), and no more of the file than was read to recognise it.
        const PACKETS: usize = 32;
        let limit = self.reading.limits.probe_bytes;
        let is_sound = self.streams.get(index).is_some_and(|stream| stream.kind == StreamKind::Audio);
        let mut again = self.reopen().ok()?;
        let (mut seen, mut bytes, mut earliest) = (0, 0, None::<i64>);
        while seen < PACKETS && bytes < limit {
            let Ok(Some(packet)) = again.read() else { break };
            bytes += packet.data().len() as u64;
            if packet.stream() == index && (is_sound || !packet.is_discarded()) {
                seen += 1;
                earliest = [earliest, packet.pts()].into_iter().flatten().min();
            }
        }
        earliest
    }

    /// The film: the video stream that is encoded.
    pub(crate) fn video(&self) -> Option<&StreamFacts> {
        self.streams.get(self.selection.film()?)
    }

    /// All audio streams, in file order; a job counts them so.
    pub(crate) fn audio(&self) -> impl Iterator<Item = &StreamFacts> {
        self.streams.iter().filter(|stream| stream.kind == StreamKind::Audio)
    }

    /// The audio streams that are taken where an output names none, each with its number among all.
    pub(crate) fn chosen_audio(&self) -> impl Iterator<Item = (usize, &StreamFacts)> {
        self.audio().enumerate().filter(|(_, stream)| self.selection.audio().contains(&stream.index))
    }

    /// Those of them that can be decoded.
    pub(crate) fn decodable_audio(&self) -> impl Iterator<Item = (usize, &StreamFacts)> {
        self.chosen_audio().filter(|(_, stream)| self.selection.lack(stream.index).is_none())
    }

    /// Which streams are meant, and why others are not.
    pub(crate) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Tracks that broke off in mid-file since this was asked last.
    pub(crate) fn breaks(&self) -> Vec<Break> {
        self.joints.breaks()
    }

    /// What reading finds out about streams that appear in mid-file.
    pub(crate) fn appeared(&self) -> Appeared {
        self.joints.appeared()
    }
}

/// Refuses a movie whose media lie in other files.
fn refuse_reference(origin: &Origin) -> Result<()> {
    let files = match origin {
        Origin::File { store, .. } => reference::named_files(&mut store.reader(None)),
        Origin::Memory(bytes) => reference::named_files(&mut Cursor::new(bytes)),
        Origin::Sequence { .. } => Vec::new(),
    };
    if files.is_empty() {
        return Ok(());
    }
    const SHOWN: usize = 5;
    let more = files.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = files.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let detail = format!(
        "is a QuickTime reference movie: its media lie in other files ({names}{more}), and a source is one local file"
    );
    Err(Error::new(ErrorKind::Unsupported, Stage::Source, detail))
}

/// Opens the container in `reader`, and reads its header.
fn open_input(
    mut reader: Box<dyn ReadSeek>,
    state: &Arc<IoState>,
    sink: &Arc<Sink>,
    origin: &Origin,
    reading: &Reading,
    demuxers: &[&str],
) -> Result<Input> {
    let limits = reading.limits;
    let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
    let name = match origin {
        // The extension helps to tell elementary streams apart; the folder says nothing about the content. Nothing
        // helps with pictures: by their names, libavformat takes them for sequences of its own.
        Origin::File { path, .. } => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Origin::Sequence { .. } | Origin::Memory(_) => String::new(),
    };
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
    };
    let stated = reading.raw.as_ref().map(|raw| Stated {
        demuxer: "rawvideo",
        options: vec![
            ("video_size", format!("{}x{}", raw.width, raw.height)),
            ("pixel_format", raw.pixel_format.clone()),
            ("framerate", raw.rate.to_string()),
        ],
    });
    // Newer releases of libavformat know a playlist by its name too, and this one may have another.
    let mut is_playlist = false;
    if stated.is_none() {
        let mut head = Vec::new();
        reader.by_ref().take(4096).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        is_playlist = head.starts_with(b"#EXTM3U");
        if vvc::is_byte_stream(&head) && !ability::reads_vvc() {
            let detail = "is H.266 (VVC), which this build of FFmpeg neither reads nor decodes";
            return Err(Error::new(ErrorKind::Unsupported, Stage::Source, detail));
        }
    }
    let opened = Input::open(reader, Arc::clone(state), Arc::clone(sink), &name, bounds, stated.as_ref(), |demuxer| {
        demuxers.contains(&demuxer)
    });
    opened.map_err(|error| match error {
        OpenError::Unrecognised | OpenError::Refused(_) if is_playlist => refusal("hls"),
        OpenError::Unrecognised => {
            Error::new(ErrorKind::MalformedInput, Stage::Source, "is not a container or stream that Trix knows")
        }
        OpenError::Refused(demuxer) => refusal(&demuxer),
        OpenError::Failed(code) => failure(state, sink, code, "its header cannot be read"),
    })
}

/// The bytes up to `content`, or all of them.
fn limited(reader: impl ReadSeek + 'static, content: Option<u64>) -> Box<dyn ReadSeek> {
    match content {
        Some(content) => Box::new(Limited::new(reader, content)),
        None => Box::new(reader),
    }
}

/// Opens what `metadata` was told of, if it is a file with something in it.
fn regular_file(path: &Path, metadata: &std::fs::Metadata) -> Result<File> {
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "is a directory" } else { "is no regular file" };
        return Err(
            Error::new(ErrorKind::Io, Stage::Source, format!("{what}; a source is one local file")).in_file(path)
        );
    }
    if metadata.len() == 0 {
        return Err(empty().in_file(path));
    }
    File::open(path).map_err(|error| Error::io(Stage::Source, path, "cannot be opened", error))
}

fn empty() -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Source, "the file is empty")
}

fn refusal(demuxer: &str) -> Error {
    let pointing = POINTING.iter().any(|name| demuxer.split(',').any(|part| part == *name));
    let detail = if pointing {
        format!("is a playlist or script ({demuxer}) that points at other files; a source is one local file")
    } else {
        format!("is {demuxer}, which is not among the containers and streams that Trix reads")
    };
    Error::new(ErrorKind::Unsupported, Stage::Source, detail)
}

fn failure(state: &IoState, sink: &Sink, code: crate::ffi::AvError, what: &str) -> Error {
    if let Some(error) = state.take_error() {
        return Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error);
    }
    let said = sink.take().0.into_iter().map(|line| line.text).next_back();
    let detail = match said {
        Some(said) => format!("{what}: {code} ({said})"),
        None => format!("{what}: {code}"),
    };
    if detail.contains("max_streams") {
        return Error::new(ErrorKind::Limit, Stage::Source, detail).caused_by(code);
    }
    // libavformat says ENOMEM when a hostile header asks for an absurd allocation.
    Error::new(ErrorKind::MalformedInput, Stage::Source, detail).caused_by(code)
}

fn check_limits(streams: &[StreamFacts], limits: &Limits) -> Result<()> {
    if streams.is_empty() {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no stream"));
    }
    // A file name alone can make libavformat believe in a stream; only content gives it a shape.
    let shapeless = |stream: &StreamFacts| match stream.kind {
        StreamKind::Video => stream.width == 0 || stream.height == 0,
        StreamKind::Audio => stream.sample_rate == 0 || stream.channels == 0,
        StreamKind::Subtitle | StreamKind::Data | StreamKind::Attachment => true,
    };
    if streams.iter().all(shapeless) {
        return Err(Error::new(ErrorKind::MalformedInput, Stage::Source, "holds no stream of pictures or sound"));
    }
    let limit = |detail: String| Error::new(ErrorKind::Limit, Stage::Source, detail);
    if streams.len() > limits.streams as usize {
        return Err(limit(format!("more than {} streams, which is the limit", limits.streams)));
    }
    for stream in streams.iter().filter(|stream| stream.kind == StreamKind::Video) {
        let (width, height) = (stream.width as u64, stream.height as u64);
        let side = u64::from(limits.side);
        if width > side || height > side || width * height > limits.pixels {
            let detail =
                format!("pictures of {width}x{height}; the limit is {side} on a side and {} in all", limits.pixels);
            return Err(limit(detail).in_stream(stream.index));
        }
    }
    Ok(())
}
