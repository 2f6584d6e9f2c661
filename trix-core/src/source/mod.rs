//! Opens a source. A source is one local file (or a block of memory), identified by its content and subject to limits.
//! It can also be an image sequence in one folder, or raw planes without a header, whose geometry the job states.
//!
//! Invariant: only the bytes that the job names are ever read. Playlists, scripts and manifests that refer to other
//! files are rejected by name, and a demuxer cannot open a second file.

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
mod landing;
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
mod block_cache;
mod split;
mod shared_reader;
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

pub(crate) use self::{
    block_cache::STORE,
    fixity::sha256_of_file,
    joints::{Appeared, Break},
    key::SourceKey,
    landing::Way,
};
use self::{
    clock::Clock,
    edits::Edits,
    joints::Joints,
    open::{empty, limited, regular_file},
    parts::Parts,
    selection::Selection,
    sequence::{Files, Sequence},
    shared_reader::{LocalFile, Mark, SharedFile},
};
pub use self::{
    clock::Discontinuity,
    fixity::{FileFixity, Fixity, SourceHasher},
    shared_reader::{Stamp, Storage},
};
use crate::{
    extent::Extent,
    spec::source::{Limits, RawGeometry, Reading},
};

/// An open source whose streams are known.
pub struct Source {
    pub(crate) input: Input,
    /// The files that packets come from, if the source is more than one file. `input` has then read the first file.
    sequence: Option<Sequence>,
    /// Joins the clocks of consecutive recordings. Set for containers that may hold several recordings.
    clock: Option<Clock>,
    /// The error that ended reading. It is reported after the packets that were read before it.
    failed: Option<AvError>,
    /// The position of the reader under `input`, for a file.
    mark: Option<Arc<Mark>>,
    origin: Origin,
    reading: Reading,
    streams: Vec<StreamFacts>,
    extent: Extent,
    /// Bytes per frame, if the source consists of raw frames only.
    frame_bytes: Option<u64>,
    is_open_ended: bool,
    /// True if libavformat drops samples because a track has several codecs.
    skips_samples: bool,
    decisions: Vec<Decision>,
    /// The selected streams.
    selection: Arc<Selection>,
    /// The streams that continue others.
    joints: Joints,
    /// The part of the file that is read.
    parts: Parts,
    /// Cancels all reading of the source.
    pub(crate) cancel: Cancel,
}

#[derive(Clone)]
enum Origin {
    /// A file. All readers share `store`.
    File {
        path: PathBuf,
        store: Arc<SharedFile>,
        /// The end of the content, if zeros follow it.
        content: Option<u64>,
        /// The edit lists, as far as they are hidden from libavformat.
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

    /// Opens a local file, or the files that a pattern such as `shot.%04d.dpx` stands for. A file with exactly that
    /// name takes precedence over the pattern.
    ///
    /// # Errors
    /// Those of [`Source::open`], and `InvalidSpec` if `reading` is invalid in itself or does not fit the source.
    pub fn open_as(path: &Path, reading: &Reading) -> Result<Self> {
        Self::open_until(path, reading, &Cancel::default())
    }

    /// Opens the source like [`Source::open_as`]. `cancel` stops long reads, during opening and later.
    ///
    /// # Errors
    /// Those of [`Source::open_as`], and `Cancelled`.
    pub fn open_until(path: &Path, reading: &Reading, cancel: &Cancel) -> Result<Self> {
        Self::open_path(path, reading, cancel).map_err(|error| error.in_file(path))
    }

    fn open_path(path: &Path, reading: &Reading, cancel: &Cancel) -> Result<Self> {
        let mut mistakes = Vec::new();
        let frame_bytes = match reading.raw.as_ref().map(RawGeometry::check) {
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
        // The metadata is checked before the file is opened, because opening a pipe without a writer would block for
        // ever.
        let metadata = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let files = Files::find(path, reading.limits.packet_bytes).map_err(io)?.ok_or_else(|| io(error))?;
                let origin = Origin::Sequence { path: path.to_owned(), files: Arc::new(files) };
                return Self::from_origin(&origin, reading, None, cancel);
            }
            other => other.map_err(io)?,
        };
        if let Some(rate) = reading.rate {
            let problem = "is for image sequences; a file states its own times";
            return Err(Error::of_mistakes(vec![Mistake::new("source.rate", rate, problem)]));
        }
        let file = regular_file(path, &metadata)?;
        let stamp = file.metadata().map(|metadata| Stamp::of(&metadata)).map_err(io)?;
        let local = LocalFile { file, path: path.to_owned() };
        let store = SharedFile::new(Box::new(local), stamp);
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
        Self::from_origin(&origin, reading, frame_bytes, cancel)
    }

    /// Opens bytes that are not a local file, such as an object read over a network. Errors use `name` for it. The
    /// extension of `name` helps to identify elementary streams. Nothing is opened under that name.
    ///
    /// # Errors
    /// Those of [`Source::open`].
    pub fn from_storage(storage: Box<dyn Storage>, name: &Path, limits: Limits) -> Result<Self> {
        let stamp = storage.stamp().map_err(|error| Error::io(Stage::Source, name, "cannot be opened", error))?;
        if stamp.bytes == 0 {
            return Err(empty().in_file(name));
        }
        let store = SharedFile::new(storage, stamp);
        let edits = Edits::of(&mut store.reader(None))
            .map_err(|error| Error::io(Stage::Source, name, "cannot be read", error))?;
        let origin = Origin::File { path: name.to_owned(), store, content: None, edits: Arc::new(edits) };
        Self::from_origin(&origin, &limits.into(), None, &Cancel::default())
    }

    /// Opens a block of memory, for a fuzzer or a test.
    ///
    /// # Errors
    /// Those of [`Source::open`].
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Self> {
        Self::from_origin(&Origin::Memory(bytes.into()), &limits.into(), None, &Cancel::default())
    }

    /// Returns the same source with the packet times of the file, without clock correction.
    pub(crate) fn with_own_times(mut self) -> Self {
        self.clock = None;
        self
    }

    /// Number of samples that an edit list hides at the start of an audio track: the priming samples of its encoder.
    pub(crate) fn run_in(&self, facts: &StreamFacts) -> usize {
        // Packets of known codecs last at most 46 ms at usual rates. More hidden samples are no priming.
        const MOST: usize = 4096;
        let hidden = facts.start.zip(self.earliest(facts.index)).map_or(0, |(start, earliest)| start - earliest);
        let rate = Rational::new(1, i64::from(facts.sample_rate.max(1)));
        let samples = Timestamp::new(hidden, facts.time_base).rescale(rate);
        usize::try_from(samples).ok().filter(|samples| *samples <= MOST).unwrap_or(0)
    }

    /// Opens the same source once more, for a second reading in parallel with the first.
    pub(crate) fn reopen(&self) -> Result<Self> {
        let mut again = Self::at_first_look(&self.origin, &self.reading, self.frame_bytes)?;
        again.streams.clone_from(&self.streams);
        again.selection = Arc::clone(&self.selection);
        again.joints = self.joints.at_start();
        again.cancel = self.cancel.clone();
        again.watch_clock();
        Ok(again)
    }

    /// The ordered chapters of a Matroska file, if it has any.
    pub(crate) fn ordered_chapters(&self) -> Option<editions::Ordered> {
        let is_matroska = self.input.demuxer() == "matroska,webm";
        editions::ordered(&mut self.reader().ok().filter(|_| is_matroska)?)
    }

    /// True if fragments list the packets of an MP4 or MOV file, and the header does not list all of them.
    fn is_fragmented(&self) -> bool {
        self.reader().is_ok_and(|mut reader| crate::source::movie::is_fragmented(&mut reader))
    }

    /// True if libavformat drops samples because a track has several codecs.
    pub(crate) fn skips_samples(&self) -> bool {
        self.skips_samples
    }

    /// True if the header does not state the length of the audio. The audio then ends at the end of the file.
    pub(crate) fn is_open_ended(&self) -> bool {
        self.is_open_ended
    }

    /// The bytes of the source, for code that parses a header itself. For several files, the bytes of the first.
    pub(crate) fn reader(&self) -> std::io::Result<Box<dyn ReadSeek>> {
        Ok(match &self.origin {
            Origin::File { store, content, .. } => {
                limited(store.reader(Some(Arc::clone(self.input.io_state()))), *content)
            }
            Origin::Sequence { files, .. } => files.first_reader()?,
            Origin::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// Notes on the source that do not describe damage, as far as the source was read.
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

    /// The files, if the source is more than one file.
    pub(crate) fn sequence(&self) -> Option<&Sequence> {
        self.sequence.as_ref()
    }

    /// Bytes per frame, if the source consists only of frames of one size.
    pub(crate) fn frame_bytes(&self) -> Option<u64> {
        self.frame_bytes
    }

    /// The bytes of an attached file or cover image; empty for every other stream.
    pub(crate) fn attached_data(&self, stream: usize) -> Vec<u8> {
        let Some(facts) = self.streams.get(stream) else { return Vec::new() };
        match facts.kind {
            StreamKind::Attachment => facts.parameters.extradata().to_vec(),
            _ if facts.is_attached_picture => self.input.attached_picture(stream).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Decisions about the source that the job did not request.
    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Duration in microseconds, if it is known.
    pub(crate) fn duration(&self) -> Option<i64> {
        match &self.sequence {
            Some(sequence) => {
                let facts = self.streams.first()?;
                Some(Timestamp::new(i64::try_from(sequence.span()).ok()?, facts.time_base).micros())
            }
            None => self.input.duration(),
        }
    }

    /// The earliest presentation time, in microseconds.
    pub(crate) fn start(&self) -> Option<i64> {
        if self.sequence.is_some() { Some(0) } else { self.input.start() }
    }

    /// True if the source has no container packets: raw planes without a header, or an image sequence.
    pub(crate) fn is_plain(&self) -> bool {
        self.sequence.is_some() || self.reading.raw.is_some()
    }

    /// The I/O error of the last read, if there was one.
    pub(crate) fn io_error(&self) -> Option<Error> {
        let error = self.input.io_state().take_error()?;
        Some(Error::io(Stage::Source, &self.label(), "cannot be read", error))
    }

    /// True if the demuxer reported an error since the last call.
    pub(crate) fn is_complained_of(&self) -> bool {
        let (lines, errors) = self.input.sink().take();
        errors > 0 && lines.iter().any(|line| line.is_error)
    }

    /// The path of a file, or the pattern of several files.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => Some(path),
            Origin::Memory(_) => None,
        }
    }

    /// The name of the source in errors.
    pub(crate) fn label(&self) -> PathBuf {
        self.path().map_or_else(|| PathBuf::from("(memory)"), Path::to_owned)
    }

    /// The actual size of the file, and the size that the file states.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// True if the caller has cancelled the source.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// True if the whole source may be read to find its content.
    pub(crate) fn reads_on(&self) -> bool {
        self.reading.reads_on
    }

    pub(crate) fn limits(&self) -> Limits {
        self.reading.limits
    }

    pub(crate) fn streams(&self) -> &[StreamFacts] {
        &self.streams
    }

    /// The earliest presentation time among the first packets of stream `index`, in ticks of the stream. Frames that an
    /// edit list hides do not count. `None` if the packets carry no times, or if the file cannot be opened once more.
    pub(crate) fn earliest(&self, index: usize) -> Option<i64> {
        // More packets than any codec reorders (H.264 and HEVC: 16), and at most as many bytes as the probe.
        const PACKETS: usize = 32;
        let limit = self.reading.limits.probe_bytes;
        let is_audio = self.streams.get(index).is_some_and(|stream| stream.kind == StreamKind::Audio);
        let mut again = self.reopen().ok()?;
        let (mut seen, mut bytes, mut earliest) = (0, 0, None::<i64>);
        while seen < PACKETS && bytes < limit {
            let Ok(Some(packet)) = again.read() else { break };
            bytes += packet.data().len() as u64;
            if packet.stream() == index && (is_audio || !packet.is_discarded()) {
                seen += 1;
                earliest = [earliest, packet.pts()].into_iter().flatten().min();
            }
        }
        earliest
    }

    /// The video stream that is encoded.
    pub(crate) fn video(&self) -> Option<&StreamFacts> {
        self.streams.get(self.selection.film()?)
    }

    /// All audio streams, in file order. A job numbers them in the same order.
    pub(crate) fn audio(&self) -> impl Iterator<Item = &StreamFacts> {
        self.streams.iter().filter(|stream| stream.kind == StreamKind::Audio)
    }

    /// The audio streams that an output uses if it names none, each with its number among all audio streams.
    pub(crate) fn chosen_audio(&self) -> impl Iterator<Item = (usize, &StreamFacts)> {
        self.audio().enumerate().filter(|(_, stream)| self.selection.audio().contains(&stream.index))
    }

    /// Those of the chosen audio streams that can be decoded.
    pub(crate) fn decodable_audio(&self) -> impl Iterator<Item = (usize, &StreamFacts)> {
        self.chosen_audio().filter(|(_, stream)| self.selection.lack(stream.index).is_none())
    }

    /// The selected streams, and the reasons against others.
    pub(crate) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Takes the tracks that ended in mid-file since the last call.
    pub(crate) fn breaks(&self) -> Vec<Break> {
        self.joints.breaks()
    }

    /// Collects the messages about streams that appear in mid-file.
    pub(crate) fn appeared(&self) -> Appeared {
        self.joints.appeared()
    }
}
