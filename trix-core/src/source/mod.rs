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
mod handover;
mod header;
mod identity;
mod key;
mod joints;
pub(crate) mod movie;
mod open;
mod open_ended;
mod packets;
mod padding;
mod parts;
mod raw;
mod reference;
pub(crate) mod selection;
mod sequence;
mod shelf;
mod split;
mod store;
mod window;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use trix_av::{
    AvError,
    input::Input,
    io::ReadSeek,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    control::cancel::Cancel,
    decision::Decision,
    error::{Error, Result, Stage},
    mistake::Mistake,
    time::{Rational, Timestamp},
};

use self::{
    clock::Clock,
    edits::Edits,
    joints::Joints,
    open::{empty, limited, regular_file},
    parts::Parts,
    selection::Selection,
    sequence::{Files, Sequence},
    store::{LocalFile, Mark, Store},
};
pub use self::{
    clock::Discontinuity,
    fixity::{FileFixity, Fixity, FixityKeeper},
    store::{Stamp, Storage},
};
pub(crate) use self::{
    fixity::sha256_of_file,
    joints::{Appeared, Break},
    key::SourceKey,
    shelf::STORE,
};
use crate::{
    extent::Extent,
    spec::source::{Limits, RawGeometry, Reading},
};

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
    /// Which part of the file is read.
    parts: Parts,
    /// Ends looks at all of the source.
    pub(crate) cancel: Cancel,
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
    /// Opens a local media file with default limits.
    ///
    /// ```no_run
    /// use trix_core::{Source, probe::probe};
    /// println!("{:?}", probe(&Source::open("master.mov")?).container);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Source::open_within`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_within(path, Limits::default())
    }

    /// Opens a local media file. Its content decides what it is, not its name.
    ///
    /// # Errors
    /// `Io` when the file cannot be read or is not a regular file; `MalformedInput` when it is not media, ends inside its
    /// header, or has no stream; `Unsupported` for containers that are not read, such as playlists; `Limit` when a stream is
    /// larger than `limits` allow.
    pub fn open_within(path: impl AsRef<Path>, limits: Limits) -> Result<Self> {
        Self::open_as(path.as_ref(), &limits.into())
    }

    /// Opens a local file, or the files that a pattern such as `shot.%04d.dpx` stands for, unless a file has that very
    /// name.
    ///
    /// # Errors
    /// As [`Source::open`], and `InvalidSpec` when `reading` is wrong in itself or does not fit the source.
    pub fn open_as(path: &Path, reading: &Reading) -> Result<Self> {
        Self::open_until(path, reading, &Cancel::default())
    }

    /// The same; `cancel` ends it where much has to be read, and later looks at what was opened.
    ///
    /// # Errors
    /// As [`Source::open_as`], and `Cancelled`.
    pub fn open_until(path: &Path, reading: &Reading, cancel: &Cancel) -> Result<Self> {
        Self::open_path(path, reading, cancel).map_err(|error| error.in_file(path))
    }

    fn open_path(path: &Path, reading: &Reading, cancel: &Cancel) -> Result<Self> {
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
            return Err(Error::of_mistakes(mistakes));
        }
        let io = |error| Error::io(Stage::Source, path, "cannot be opened", error);
        // Looked at before it is opened: opening a pipe that nobody writes to would wait for ever.
        let metadata = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let files = Files::find(path, reading.limits.packet_bytes).map_err(io)?.ok_or_else(|| io(error))?;
                let origin = Origin::Sequence { path: path.to_owned(), files: Arc::new(files) };
                return Self::from_origin(&origin, reading, None, cancel);
            }
            other => other.map_err(io)?,
        };
        if let Some(rate) = reading.rate {
            let problem = "is for sequences of pictures; a file states its own times";
            return Err(Error::of_mistakes(vec![Mistake::new("source.rate", rate, problem)]));
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
        Self::from_origin(&origin, reading, picture_bytes, cancel)
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
        Self::from_origin(&origin, &limits.into(), None, &Cancel::default())
    }

    /// Opens a block of memory; what a fuzzer or a test has.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Self> {
        Self::from_origin(&Origin::Memory(bytes.into()), &limits.into(), None, &Cancel::default())
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
        again.cancel = self.cancel.clone();
        again.watch_clock();
        Ok(again)
    }

    /// The ordered chapters of a Matroska file, where it has such.
    pub(crate) fn ordered_chapters(&self) -> Option<editions::Ordered> {
        let is_matroska = self.input.demuxer() == "matroska,webm";
        editions::ordered(&mut self.reader().ok().filter(|_| is_matroska)?)
    }

    /// Whether the packets of an MP4 or MOV file are listed in fragments, and not all of them in the header.
    fn is_fragmented(&self) -> bool {
        self.reader().is_ok_and(|mut reader| crate::source::movie::is_fragmented(&mut reader))
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

    /// The files, where the source is more than one.
    pub(crate) fn sequence(&self) -> Option<&Sequence> {
        self.sequence.as_ref()
    }

    /// Bytes of a picture, where the source is pictures of one size and nothing else.
    pub(crate) fn picture_bytes(&self) -> Option<u64> {
        self.picture_bytes
    }

    /// The bytes of an attached file or cover picture; empty for every other stream.
    pub(crate) fn attached_data(&self, stream: usize) -> Vec<u8> {
        let Some(facts) = self.streams.get(stream) else { return Vec::new() };
        match facts.kind {
            StreamKind::Attachment => facts.parameters.extradata().to_vec(),
            _ if facts.is_attached_picture => self.input.attached_picture(stream).unwrap_or_default(),
            _ => Vec::new(),
        }
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

    /// Whether the source has no packets of a container: planes without a header, or pictures that are files.
    pub(crate) fn is_plain(&self) -> bool {
        self.sequence.is_some() || self.reading.raw.is_some()
    }

    /// What could not be read, where the last read failed for that.
    pub(crate) fn io_error(&self) -> Option<Error> {
        let error = self.input.io_state().take_error()?;
        Some(Error::io(Stage::Source, &self.label(), "cannot be read", error))
    }

    /// Whether the demuxer reported an error since this was asked last.
    pub(crate) fn is_complained_of(&self) -> bool {
        let (lines, errors) = self.input.sink().take();
        errors > 0 && lines.iter().any(|line| line.is_error)
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

    /// Whether whoever opened it does not want it any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Whether all of it may be read to learn what is in it.
    pub(crate) fn reads_on(&self) -> bool {
        self.reading.reads_on
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
