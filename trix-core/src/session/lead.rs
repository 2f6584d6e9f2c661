//! How far the frames and the audio of a program are, and how far one may be ahead of another.
//!
//! Invariant: the stream that is furthest behind is never refused. So a program can always go on.

use std::path::Path;

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, Timestamp},
};

use crate::settings::shape::{NAME, Shape};

/// How a program gives frames and audio to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// The time by which one stream may be ahead of another that goes into the same file or package, 0 to 3600 seconds.
    /// Default: 5 seconds. Memory grows with it: coded packets wait for those of the stream that is behind.
    pub lead: Timestamp,
}

impl Default for SessionSettings {
    fn default() -> Self {
        SessionSettings { lead: Timestamp::new(5, Rational::new(1, 1)) }
    }
}

/// A stream that a program gives to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStream {
    /// The frames.
    Frames,
    /// The audio track with this number, counted from 0.
    Audio(usize),
}

impl std::fmt::Display for SessionStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SessionStream::Frames => f.write_str("the frames"),
            SessionStream::Audio(track) => write!(f, "audio track {track}"),
        }
    }
}

/// A mistake of the program at `time` of the stream with this index, if there is such a stream.
pub(super) fn mistake(kind: ErrorKind, detail: String, stream: Option<usize>, time: Option<Timestamp>) -> Error {
    let error = Error::new(kind, Stage::Encode, detail).in_file(Path::new(NAME)).at(time);
    match stream {
        Some(index) => error.in_stream(index),
        None => error,
    }
}

/// The positions of all streams.
pub(super) struct Positions {
    lead: Timestamp,
    /// By index of the stream.
    streams: Vec<Position>,
    /// The streams that go into the same file or package, for each that has several.
    together: Vec<Vec<usize>>,
}

struct Position {
    stream: SessionStream,
    /// The end of what was given.
    reached: Timestamp,
    /// True if an output takes the stream.
    is_taken: bool,
    has_ended: bool,
}

impl Positions {
    /// The positions before anything was given. `is_taken` is true for the index of a stream that an output takes.
    pub(super) fn new(
        shape: &Shape,
        settings: &SessionSettings,
        together: Vec<Vec<usize>>,
        is_taken: impl Fn(usize) -> bool,
    ) -> Self {
        let frames = shape.video.iter().map(|_| SessionStream::Frames);
        let streams = frames.chain((0..shape.audio.len()).map(SessionStream::Audio)).enumerate();
        let begun = |(index, stream)| {
            let is_taken = is_taken(index);
            Position { stream, reached: shape.start, is_taken, has_ended: false }
        };
        Positions { lead: settings.lead, streams: streams.map(begun).collect(), together }
    }

    fn index_of(&self, stream: SessionStream) -> Option<usize> {
        self.streams.iter().position(|own| own.stream == stream)
    }

    /// The streams of the session, in the order of their indices.
    pub(super) fn streams(&self) -> impl Iterator<Item = SessionStream> + '_ {
        self.streams.iter().map(|own| own.stream)
    }

    /// True if an output takes the stream with this index.
    pub(super) fn is_taken(&self, index: usize) -> bool {
        self.streams.get(index).is_some_and(|own| own.is_taken)
    }

    /// Ends a stream. Returns its index.
    ///
    /// # Errors
    /// `InvalidSpec` if there is no such stream, if no output takes it, or if it has ended.
    pub(super) fn end(&mut self, stream: SessionStream) -> Result<usize> {
        let missing = || mistake(ErrorKind::InvalidSpec, format!("the session has not stated {stream}"), None, None);
        let index = self.index_of(stream).ok_or_else(missing)?;
        self.check_open(index, None)?;
        self.streams[index].has_ended = true;
        Ok(index)
    }

    /// Checks that `stream` takes more at `time`. A stream that was not stated is the concern of the input.
    ///
    /// # Errors
    /// `InvalidSpec` if no output takes the stream, or if it has ended; `Limit` if it is too far ahead of another.
    pub(super) fn check(&self, stream: SessionStream, time: Timestamp) -> Result<()> {
        let Some(index) = self.index_of(stream) else { return Ok(()) };
        self.check_open(index, Some(time))?;
        let Some(other) = self.too_far_behind(index) else { return Ok(()) };
        let (lead, apart) = (self.lead, since(self.streams[index].reached, other.reached));
        let (what, end) = match (stream, other.stream) {
            (SessionStream::Frames, SessionStream::Audio(track)) => ("this frame", format!("`end_audio({track})`")),
            (_, SessionStream::Audio(track)) => ("this block", format!("`end_audio({track})`")),
            (_, SessionStream::Frames) => ("this block", "`end_frames()`".to_owned()),
        };
        let detail = format!(
            "{stream} {} {apart} ahead of {other}, and the limit of the session is {lead}; give {other} first, and then \
             {what} again, or call {end} if there is no more",
            if stream == SessionStream::Frames { "are" } else { "is" },
            other = other.stream,
        );
        Err(mistake(ErrorKind::Limit, detail, Some(index), Some(time)))
    }

    fn check_open(&self, index: usize, time: Option<Timestamp>) -> Result<()> {
        let Position { stream, is_taken, has_ended, .. } = &self.streams[index];
        let wrong = |detail| Err(mistake(ErrorKind::InvalidSpec, detail, Some(index), time));
        match stream {
            SessionStream::Frames if !is_taken => wrong("no output of the session takes frames".to_owned()),
            SessionStream::Audio(_) if !is_taken => wrong(format!("no output of the session takes {stream}")),
            _ if *has_ended => wrong(format!("the program has ended {stream} before")),
            _ => Ok(()),
        }
    }

    /// True if `stream` takes more now.
    pub(super) fn has_room(&self, stream: SessionStream) -> bool {
        let takes = |index: usize| self.check_open(index, None).is_ok() && self.too_far_behind(index).is_none();
        self.index_of(stream).is_some_and(takes)
    }

    /// The stream that is furthest behind; of equal ones, the first.
    pub(super) fn behind(&self) -> Option<SessionStream> {
        let open = self.streams.iter().filter(|own| own.is_taken && !own.has_ended);
        open.min_by_key(|own| own.reached).map(|own| own.stream)
    }

    /// Of the streams beside stream `index`, the furthest behind that is more than the limit behind it.
    fn too_far_behind(&self, index: usize) -> Option<&Position> {
        let beside = self.together.iter().filter(|streams| streams.contains(&index)).flatten();
        let beside = beside.filter_map(|other| self.streams.get(*other)).filter(|other| !other.has_ended);
        let last = beside.min_by_key(|other| other.reached)?;
        (self.streams[index].reached > last.reached.plus(self.lead)).then_some(last)
    }

    /// Notes that `stream` has been given up to `end`.
    pub(super) fn reach(&mut self, stream: SessionStream, end: Timestamp) {
        if let Some(index) = self.index_of(stream) {
            let own = &mut self.streams[index];
            own.reached = own.reached.max(end);
        }
    }
}

/// The time from `before` to `time`.
fn since(time: Timestamp, before: Timestamp) -> Timestamp {
    time.plus(Timestamp::new(before.ticks.saturating_neg(), before.base))
}
