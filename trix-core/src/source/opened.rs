//! An open source: its streams, its bytes, and what was decided when it was opened.
//!
//! Invariant: nothing here reads packets. `open.rs` opens a source, `packets.rs` reads it.

use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
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
    error::{Error, Stage},
    time::Timestamp,
};

use super::{
    clock::Clock,
    editions,
    joints::{Appeared, Break, Joints},
    movie,
    origin::Origin,
    parts::Parts,
    place::ReadingPlace,
    selection::Selection,
    sequence::Sequence,
    shared_reader::Mark,
    window::limited,
};
use crate::{
    extent::Extent,
    settings::{
        shape,
        source::{Limits, Reading},
    },
};

/// An open source whose streams are known.
pub struct Source {
    pub(crate) input: Input,
    /// The files that packets come from, if the source is more than one file. `input` has then read the first file.
    pub(super) sequence: Option<Sequence>,
    /// Joins the clocks of consecutive recordings. Set for containers that may hold several recordings.
    pub(super) clock: Option<Clock>,
    /// The error that ended reading. It is reported after the packets that were read before it.
    pub(super) failed: Option<AvError>,
    /// The position of the reader under `input`, for a file.
    pub(super) mark: Option<Arc<Mark>>,
    pub(super) origin: Origin,
    pub(super) reading: Reading,
    pub(super) streams: Vec<StreamFacts>,
    pub(super) extent: Extent,
    /// Bytes per frame, if the source consists of raw frames only.
    pub(super) frame_bytes: Option<u64>,
    pub(super) is_open_ended: bool,
    /// True if libavformat drops samples because a track has several codecs.
    pub(super) skips_samples: bool,
    pub(super) decisions: Vec<Decision>,
    /// The selected streams.
    pub(super) selection: Arc<Selection>,
    /// The streams that continue others.
    pub(super) joints: Joints,
    /// The part of the file that is read.
    pub(super) parts: Parts,
    /// The files that a job reads along with this source, by their paths.
    pub(super) companions: Arc<Mutex<BTreeMap<PathBuf, Companion>>>,
    /// The last byte that a reader of this source has come to.
    pub(super) place: ReadingPlace,
    /// Cancels all reading of the source.
    pub(crate) cancel: Cancel,
}

/// An open file that a job reads along with its source.
#[derive(Clone)]
pub(crate) struct Companion(pub(super) Arc<Mutex<Source>>);

impl Source {
    /// Returns the same source with the packet times of the file, without clock correction.
    pub(crate) fn with_own_times(mut self) -> Self {
        self.clock = None;
        self
    }

    /// The ordered chapters of a Matroska file, if it has any.
    pub(crate) fn ordered_chapters(&self) -> Option<editions::Ordered> {
        let is_matroska = self.input.demuxer() == "matroska,webm";
        editions::ordered(&mut self.reader().ok().filter(|_| is_matroska)?)
    }

    /// True if fragments list the packets of an MP4 or MOV file, and the header does not list all of them.
    pub(super) fn is_fragmented(&self) -> bool {
        self.reader().is_ok_and(|mut reader| movie::is_fragmented(&mut reader))
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
            Origin::Given(_) => Box::new(Cursor::new([])),
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
            Origin::Memory(_) | Origin::Given(_) => Vec::new(),
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
    pub fn duration(&self) -> Option<i64> {
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
        let (_, errors) = self.input.sink().take();
        errors > 0
    }

    /// The path of a file, or the pattern of several files.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Sequence { path, .. } => Some(path),
            Origin::Memory(_) | Origin::Given(_) => None,
        }
    }

    /// The name of the source in errors.
    pub(crate) fn label(&self) -> PathBuf {
        let unnamed = || if self.is_given() { shape::NAME } else { "(memory)" };
        self.path().map_or_else(|| PathBuf::from(unnamed()), Path::to_owned)
    }

    /// True if a program gives frames and audio, and there are no packets.
    pub(crate) fn is_given(&self) -> bool {
        matches!(self.origin, Origin::Given(_))
    }

    /// The place to which the readers of this source come, also after the source was moved into one.
    pub fn reading_place(&self) -> ReadingPlace {
        self.place.of(self.extent.size)
    }

    /// The actual size of the file, and the size that the file states.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// True if the caller has cancelled the source, or its readers were stopped.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled() || self.input.io_state().is_cancelled()
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
