//! Opens a path or a block of memory: finds the streams, selects among them, and applies the limits.
//!
//! Invariant: a source that opened has streams within the limits, and a reason for each stream that is not selected.

use std::{
    fs::File,
    io::{Cursor, Read, Seek},
    path::Path,
    sync::Arc,
};

use trix_av::{
    input::InputBounds,
    io::{IoState, ReadSeek},
    log::{Line, Sink},
};
use trix_model::{
    control::cancel::Cancel,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
};

use super::{
    clock::Clock,
    container::{ALLOWED, check_limits, failure, open_input},
    continuation::Further,
    edits::{self, Edits},
    joints::Joints,
    open_ended,
    opened::Source,
    origin::Origin,
    padding,
    parts::Parts,
    place::ReadingPlace,
    raw, reference,
    selection::{Selection, Streams},
    sequence::{self, Files, Sequence},
    shared_reader::{LocalFile, SharedFile, Stamp, Storage},
    split::watched,
    window::limited,
};
use crate::{
    extent::Extent,
    settings::{
        job::SourceSettings,
        source::{Limits, Reading},
    },
};

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

    /// Opens the source of a job.
    ///
    /// # Errors
    /// Those of [`Source::open_as`].
    pub fn of(settings: &SourceSettings) -> Result<Self> {
        Self::open_as(&settings.path, &settings.reading())
    }

    /// Opens the source like [`Source::open_as`]. `cancel` stops long reads, during opening and later.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::{Cancel, ErrorKind, Source, settings::source::Reading};
    ///
    /// let cancel = Cancel::default();
    /// let source = Source::open_until(&master, &Reading::default(), &cancel)?;
    /// let mut frames = source.frames();
    /// assert_eq!(frames.next().expect("a frame")?.number, 0);
    /// cancel.cancel();
    /// let stopped = source.frames().next().expect("an error").err().expect("an error");
    /// assert_eq!(stopped.kind(), ErrorKind::Cancelled);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Source::open_as`], and `Cancelled`.
    pub fn open_until(path: &Path, reading: &Reading, cancel: &Cancel) -> Result<Self> {
        Self::open_with(path, reading, Arc::new(IoState::under(cancel)))
    }

    /// Opens the source like [`Source::open_as`]. `state` stops long reads, during opening and later.
    ///
    /// # Errors
    /// Those of [`Source::open_until`].
    pub(super) fn open_with(path: &Path, reading: &Reading, state: Arc<IoState>) -> Result<Self> {
        Self::open_path(path, reading, state).map_err(|error| error.in_file(path))
    }

    /// The streams among which the job selects.
    fn to_select(&self) -> Streams<'_> {
        Streams { input: &self.input, streams: &self.streams, reading: &self.reading }
    }

    fn open_path(path: &Path, reading: &Reading, state: Arc<IoState>) -> Result<Self> {
        let mut mistakes = Vec::new();
        let frame_bytes = match reading.raw.as_ref().map(raw::check) {
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
                return Self::from_origin(&origin, reading, None, state);
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
        let unreadable = |error| match state.is_cancelled() {
            true => Error::cancelled(Stage::Source),
            false => Error::io(Stage::Source, path, "cannot be read", error),
        };
        let reader = || store.reader(Some(Arc::clone(&state)));
        let (content, edits) = match reading.raw {
            None => (
                padding::content_end(&mut reader()).map_err(unreadable)?,
                Edits::of(&mut reader()).map_err(unreadable)?,
            ),
            Some(_) => (None, Edits::default()),
        };
        let origin = Origin::File { path: path.to_owned(), store, content, edits: Arc::new(edits) };
        Self::from_origin(&origin, reading, frame_bytes, state)
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
        Self::from_origin(&origin, &limits.into(), None, Arc::default())
    }

    /// Opens a block of memory, for a fuzzer or a test.
    ///
    /// # Errors
    /// Those of [`Source::open`].
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Self> {
        Self::from_origin(&Origin::Memory(bytes.into()), &limits.into(), None, Arc::default())
    }

    /// Opens the same source once more, for a thread of its own. `cancel` stops the reads of the new source alone; what
    /// cancels this source does not stop them.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::{Cancel, Source};
    ///
    /// let source = Source::open(&master)?;
    /// let other = source.again(&Cancel::default())?;
    /// let counting = std::thread::spawn(move || other.frames().count());
    /// assert_eq!(source.frames().count(), counting.join().expect("no panic"));
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Source::open_until`].
    pub fn again(&self, cancel: &Cancel) -> Result<Self> {
        self.opened_under(Arc::new(IoState::under(cancel)), cancel)
    }

    /// Opens the same source once more, for a second reading in parallel with the first. What cancels the reads of one
    /// cancels those of the other.
    pub(crate) fn reopen(&self) -> Result<Self> {
        self.opened_under(Arc::new(self.input.io_state().beside(&self.cancel)), &self.cancel)
    }

    /// The same source with a reader of its own, which `state` stops.
    fn opened_under(&self, state: Arc<IoState>, cancel: &Cancel) -> Result<Self> {
        let known = self.has_all_in_header().then_some(self);
        let mut again = Self::at_first_look(&self.origin, &self.reading, self.frame_bytes, state, known)?;
        again.streams.clone_from(&self.streams);
        again.selection = Arc::clone(&self.selection);
        again.joints = self.joints.at_start();
        again.cancel = cancel.clone();
        again.place = self.place.clone();
        again.watch_clock();
        Ok(again)
    }

    pub(super) fn from_origin(
        origin: &Origin,
        reading: &Reading,
        frame_bytes: Option<u64>,
        state: Arc<IoState>,
    ) -> Result<Self> {
        let cancel = state.caller().clone();
        let named = |error: Error| match origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => error.in_file(path),
            Origin::Memory(_) | Origin::Given(_) => error,
        };
        if reading.raw.is_none() {
            refuse_reference(origin).map_err(named)?;
        }
        let mut opened = Self::at_first_look(origin, reading, frame_bytes, state, None)?;
        opened.cancel = cancel;
        let is_plain = opened.sequence.is_none() && reading.raw.is_none() && !opened.is_given();
        let mut further = if is_plain { Further::look(&opened) } else { Further::default() };
        if opened.is_cancelled() {
            return Err(named(Error::cancelled(Stage::Source)));
        }
        for (index, facts) in std::mem::take(&mut further.streams) {
            match opened.streams.get_mut(index) {
                Some(known) => *known = facts,
                None => opened.streams.push(facts),
            }
        }
        check_limits(&opened.streams, &reading.limits).map_err(named)?;
        opened.watch_clock();
        opened.joints = Joints::new(&opened.input, &opened.streams, &further);
        opened.selection = Arc::new(Selection::choose(&opened.to_select(), &further).map_err(named)?);
        opened.decisions.extend(opened.selection.decisions.iter().cloned());
        Ok(opened)
    }

    /// Opens `origin` and runs libavformat's first probe, or takes over what it found when it opened `known`. `state` can
    /// stop it.
    fn at_first_look(
        origin: &Origin,
        reading: &Reading,
        frame_bytes: Option<u64>,
        state: Arc<IoState>,
        known: Option<&Source>,
    ) -> Result<Self> {
        let found = Self::look_at(origin, reading, frame_bytes, Arc::clone(&state), known);
        // A header whose read is cut off looks damaged, or like a short one.
        if state.is_cancelled() { Err(Error::cancelled(Stage::Source)) } else { found }
    }

    fn look_at(
        origin: &Origin,
        reading: &Reading,
        frame_bytes: Option<u64>,
        state: Arc<IoState>,
        known: Option<&Source>,
    ) -> Result<Self> {
        let mut opened = match origin {
            Origin::File { path, store, content, edits } => {
                let (reader, mark) = store.marked_reader(Some(Arc::clone(&state)));
                let reader = edits::patched(limited(reader, *content), edits);
                let unreadable = |error| Error::io(Stage::Source, path, "cannot be read", error);
                let (reader, split) = watched(reader, 0).map_err(unreadable)?;
                let mut opened = Self::from_reader(reader, state, origin, reading, ALLOWED, known)
                    .map_err(|error| error.in_file(path))?;
                opened.mark = Some(mark);
                opened.parts = Parts::new(split);
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
                let unreadable = |error| Error::io(Stage::Source, Path::new("(memory)"), "cannot be read", error);
                let (reader, split) = watched(Box::new(Cursor::new(Arc::clone(bytes))), 0).map_err(unreadable)?;
                let mut opened = Self::from_reader(reader, state, origin, reading, ALLOWED, known)?;
                opened.parts = Parts::new(split);
                opened
            }
            Origin::Given(shape) => Self::from_shape(shape, reading)?,
        };
        opened.frame_bytes = frame_bytes;
        Ok(opened)
    }

    /// Opens an image sequence. The properties of the first image apply to all images until a decoder finds otherwise.
    pub(super) fn from_sequence(
        files: &Arc<Files>,
        state: Arc<IoState>,
        origin: &Origin,
        reading: &Reading,
    ) -> Result<Self> {
        let sequence = Sequence::new(Arc::clone(files));
        let first = files.first_path();
        let unreadable = |error| Error::io(Stage::Source, &first, "cannot be read", error);
        let mut reader = files.first_reader().map_err(unreadable)?;
        let mut head = Vec::new();
        // The headers of a DPX file have 2048 bytes (SMPTE ST 268-1).
        reader.by_ref().take(2048).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        if head.is_empty() {
            return Err(empty().in_file(&first));
        }
        let mut opened = Self::from_reader(reader, state, origin, reading, sequence::IMAGES, None)
            .map_err(|error| error.in_file(&first))?;
        let (rate, why) = match (reading.rate, sequence::dpx_rate(&head)) {
            (Some(rate), _) => (rate, None),
            (None, Some(rate)) => (rate, Some("the header of the first frame says so")),
            (None, None) => (sequence::DEFAULT_RATE, Some("images carry no rate, and none is given")),
        };
        let what = format!("the sequence is read at {rate} frames a second");
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

    pub(super) fn from_reader(
        mut reader: Box<dyn ReadSeek>,
        state: Arc<IoState>,
        origin: &Origin,
        reading: &Reading,
        demuxers: &[&str],
        known: Option<&Source>,
    ) -> Result<Self> {
        let limits = reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        let unreadable = |error: std::io::Error| {
            Error::new(ErrorKind::Io, Stage::Source, format!("cannot be read: {error}")).caused_by(error)
        };
        let mut extent = Extent::of(&mut reader).map_err(unreadable)?;
        let mut head = Vec::new();
        // Tags may precede the headers of audio files.
        reader.by_ref().take(64 * 1024).read_to_end(&mut head).and_then(|_| reader.rewind()).map_err(unreadable)?;
        let patches = if reading.raw.is_some() { Vec::new() } else { open_ended::patches(&head, extent.size) };
        let is_open_ended = !patches.is_empty();
        if is_open_ended {
            reader = Box::new(open_ended::Patched::new(reader, patches));
            extent.declared = None;
        }
        let sink = Sink::new();
        let mut input = open_input(reader, &state, &sink, origin, reading, demuxers)?;
        let said_of_header = sink.take();
        let found = match known {
            Some(known) => {
                input.take_found(&known.input, &known.streams);
                Ok(())
            }
            None => input.find_streams(bounds),
        };
        let said_of_packets = sink.take();
        if let Err(code) = found {
            sink.put_back(said_of_packets);
            sink.put_back(said_of_header);
            return Err(failure(&state, &sink, &limits, code, "its streams cannot be made out"));
        }
        let said: Vec<Line> = said_of_header.0.into_iter().chain(said_of_packets.0.iter().cloned()).collect();
        // The demuxer keeps the packets that it read here, and reports no error about them again.
        sink.put_back_own_errors(said_of_packets.0);
        if let Some(error) = state.take_error() {
            return Err(unreadable(error));
        }
        let mut streams = known.map_or_else(|| input.streams(), |known| known.streams.clone());
        // In other containers, libavformat infers durations from the frame rate.
        let states_durations = matches!(input.demuxer().as_str(), "mov,mp4,m4a,3gp,3g2,mj2" | "matroska,webm");
        streams.iter_mut().for_each(|facts| facts.states_durations = states_durations);
        // libavformat reads the samples of only one codec of such a track, and gives no other sign than this message.
        let skips_samples = said.iter().any(|line| line.text.contains("multiple fourcc not supported"));
        // libavcodec drops the size of frames that are too large for it, and logs that.
        if let Some(line) = said.iter().find(|line| line.text.contains("exceeds specified max pixel count")) {
            let size = line.text.split_whitespace().find(|word| word.contains('x')).unwrap_or("unknown size");
            let detail =
                format!("frames of {size}; the limit is {} on a side and {} in all", limits.side, limits.pixels);
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
            frame_bytes: None,
            is_open_ended,
            skips_samples,
            decisions: is_open_ended.then(open_ended::decision).into_iter().collect(),
            selection: Arc::default(),
            joints: Joints::default(),
            parts: Parts::default(),
            companions: Arc::default(),
            place: ReadingPlace::default(),
            cancel: Cancel::default(),
        })
    }
}

/// Rejects a movie whose media are in other files.
fn refuse_reference(origin: &Origin) -> Result<()> {
    let files = match origin {
        Origin::File { store, .. } => reference::named_files(&mut store.reader(None)),
        Origin::Memory(bytes) => reference::named_files(&mut Cursor::new(bytes)),
        Origin::Sequence { .. } | Origin::Given(_) => Vec::new(),
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

/// Opens the file that `metadata` describes, if it is a regular file and not empty.
pub(super) fn regular_file(path: &Path, metadata: &std::fs::Metadata) -> Result<File> {
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

pub(super) fn empty() -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Source, "the file is empty")
}
