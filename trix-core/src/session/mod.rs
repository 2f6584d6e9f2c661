//! Encodes the frames and audio of a program, as a job encodes those of a source.
//!
//! Invariant: a session ends with verified files under their final names and a report, or with nothing under those
//! names.

mod input;
mod lead;
mod shapes;

use std::{sync::Arc, thread::JoinHandle};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
};

pub use self::lead::{SessionSettings, SessionStream};
use self::{
    input::{Input, parts},
    lead::{Positions, mistake},
};
use crate::{
    pipeline::{Control, Feed, Program, given::run_given, together},
    plan::Plan,
    pool::text_of_panic,
    reading::{frames::VideoFrame, samples::AudioBlock},
    report::Report,
    settings::{job::Job, shape::Shape},
};

/// A running job that encodes what a program gives.
///
/// The program takes the place of the decoders. The planner, the filters, the encoders, the muxers, the part files, the
/// checks and the ledger are those of every job.
///
/// # What a session cannot do
///
/// There are no packets to copy, and what was given cannot be read a second time. So a session encodes in one pass, does not
/// measure the loudness of its audio before it encodes, and does not look for black borders. The length of what is given is
/// not known before the end: external audio tracks keep their own length, a poster without a time is chosen from two frames
/// a second, and thumbnails are spaced by the end that was reached. Everything else is to the byte what a job writes of the
/// same frames and audio.
///
/// For the same reason, [`VerifyLevel::Full`] compares less than for a job. The file is read back whole: its structure, the
/// numbers, times and bytes of its packets, the presented time of each track, its hash, and the samples of lossless
/// audio, of which the encoder stage keeps a record. The frames of the file are not compared with those that went in,
/// and have no score.
///
/// [`VerifyLevel::Full`]: crate::settings::job::VerifyLevel::Full
///
/// # Frames and audio are given in step
///
/// A file holds frames and audio side by side. What is given ahead of the other waits in memory, encoded. So the streams
/// that go into the same file or package have to be given within [`SessionSettings::lead`] of each other, by default within
/// 5 seconds. A stream that is further ahead of another gets an error of kind `Limit` for its next frame or block. The
/// session goes on, and takes the frame or block once the other stream has caught up. The stream that is furthest behind
/// is never refused, and [`Session::behind`] names it. If the audio begins late, give its first block early, or give
/// silence. If it ends early, call [`Session::end_audio`]. A block can have any length, and waits in memory as a whole; so
/// does the silence before a block that begins late.
///
/// A call waits while the encoders are busy. It never waits for something that the program has still to give, so one
/// thread can give everything.
///
/// # Threads
///
/// A session can be sent to another thread. Its calls need `&mut self`. A program that gives frames and audio on threads of
/// their own puts the session into a [`Mutex`](std::sync::Mutex), and asks [`Session::has_room`] before it gives something:
///
/// ```
/// # use trix_core::{Result, Session, SessionStream, VideoFrame};
/// # use std::{sync::Mutex, thread, time::Duration};
/// fn give_frames(session: &Mutex<Session>, frames: impl Iterator<Item = VideoFrame>) -> Result<()> {
///     for frame in frames {
///         while !session.lock().expect("no panic").has_room(SessionStream::Frames) {
///             thread::sleep(Duration::from_millis(2)); // Another thread gives the audio.
///         }
///         session.lock().expect("no panic").write_frame(frame)?;
///     }
///     session.lock().expect("no panic").end_frames()
/// }
/// ```
///
/// # The end
///
/// [`Session::finish`] takes the session, so nothing can be given afterwards. A session that is dropped before that is
/// aborted, and nothing remains under the names of its outputs. The same holds for a session whose [`Control`] is cancelled,
/// and for one of which a stage fails: the next call returns the error, and so does every later one.
///
/// ```
/// # let folder = trix_fixtures::folder();
/// use trix_core::{
///     Control, Job, PlaneInput, Session, VideoFrame,
///     media::{PixelFormat, time::{Rational, Timestamp}},
///     settings::{job::OutputSettings, shape::{Shape, VideoShape}, video::VideoSettings},
/// };
///
/// let format = PixelFormat::from_name("gray").expect("a format that libavutil knows");
/// let rate = Rational::new(25, 1);
/// let shape = Shape { video: Some(VideoShape::new(64, 64, format, rate)), ..Shape::default() };
/// let output = OutputSettings {
///     path: folder.path().join("ramp.mkv"),
///     video: VideoSettings::Ffv1(Default::default()),
///     ..Default::default()
/// };
/// let job = Job { outputs: vec![output], hash: true, ..Job::default() };
/// let mut session = Session::open(&job, &shape, &Control::default())?;
/// for number in 0..50_u8 {
///     let samples = [number; 64 * 64];
///     let time = Timestamp::new(number.into(), rate.inverse());
///     session.write_frame(VideoFrame::from_planes(format, 64, 64, &[PlaneInput::bytes(&samples, 64)], time)?)?;
/// }
/// let report = session.finish()?;
/// assert_eq!(report.outputs[0].ledger.expect("video").found, Some(50));
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// A finished session takes nothing more:
///
/// ```compile_fail,E0382
/// # fn twice(session: trix_core::Session) -> trix_core::Result<()> {
/// session.finish()?;
/// session.finish()?;
/// # Ok(())
/// # }
/// ```
pub struct Session {
    plan: Arc<Plan>,
    /// `None` after a failure.
    feed: Option<Feed>,
    input: Input,
    positions: Positions,
    /// The thread of the job; `None` after its end.
    worker: Option<JoinHandle<Result<Report>>>,
    cancel: Cancel,
    /// The error of the job, once it has failed.
    failed: Option<Error>,
}

const _: () = {
    const fn is_sent<T: Send>() {}
    is_sent::<Session>();
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<std::sync::Mutex<Session>>();
};

impl Session {
    /// Plans `job` for frames and audio of `shape`, and starts it. The source of the job stays at its defaults, except
    /// for its limits. Cancelling `control` ends the session.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the shape or of the job, and for what a session cannot do; otherwise as
    /// [`run`](crate::run).
    pub fn open(job: &Job, shape: &Shape, control: &Control) -> Result<Self> {
        Self::open_with(job, shape, &SessionSettings::default(), control)
    }

    /// As [`Session::open`], with other settings than the defaults.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_with(job: &Job, shape: &Shape, settings: &SessionSettings, control: &Control) -> Result<Self> {
        let (to_program, from_job) = crossbeam::bounded(1);
        // A session that is dropped cancels itself, and nothing else that the caller cancels by the same handle.
        let cancel = control.cancel.child();
        let own_control = Control { cancel: cancel.clone(), ..control.clone() };
        let (own_job, own_shape, lead) = (job.clone(), shape.clone(), settings.lead);
        let name = "trix-session";
        let worker = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Dropped at the end of the job, so that this thread does not wait for a place that never comes.
                let program = Program { to_program: &to_program, lead };
                run_given(&own_job, &own_shape, program, &own_control)
            })
            .map_err(|error| {
                let detail = format!("the thread {name} cannot be started: {error}");
                Error::new(ErrorKind::Io, Stage::Encode, detail).caused_by(error)
            })?;
        match from_job.recv() {
            Ok(feed) => {
                let plan = Arc::clone(&feed.plan);
                let is_taken = |stream| match (stream, &shape.video) {
                    (0, Some(_)) => feed.takes_frames(),
                    (stream, _) => feed.takes_audio(stream),
                };
                let positions = Positions::new(shape, settings, together(&plan), is_taken);
                let (input, worker) = (Input::new(shape), Some(worker));
                Ok(Session { plan, feed: Some(feed), input, positions, worker, cancel, failed: None })
            }
            // The job has ended without asking for anything.
            Err(_) => Err(ended(worker)),
        }
    }

    /// What the job resolved to: outputs, encodes, decisions, and the memory that it needs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Gives the next frame. Its time counts, and its number does not. Colour that it does not state is that of the
    /// shape. The frame is shown until the next; the last one for its duration or, without one, as long as the rate
    /// says.
    ///
    /// # Errors
    /// `InvalidSpec` if the frame has another size, format or colour than was stated, if its time is not after that of
    /// the frame before, or is no multiple of the stated time base. `Limit` if the frames are too far ahead of the audio.
    /// The session can go on without the frame. Any other error is that of a stage which failed; the session then has
    /// failed, and every later call says so.
    pub fn write_frame(&mut self, frame: VideoFrame) -> Result<()> {
        self.running()?;
        let time = frame.time;
        self.positions.check(SessionStream::Frames, time)?;
        let frame = self.input.frame(frame)?;
        let Some(feed) = &mut self.feed else { return Ok(()) };
        let sent = feed.frame(frame).map(drop);
        sent.map_err(|error| self.fail(error))?;
        // The next frame may end this one before its stated duration.
        self.positions.reach(SessionStream::Frames, self.input.next_frame(time));
        Ok(())
    }

    /// Gives the next block of the first audio track.
    ///
    /// # Errors
    /// As [`Session::write_audio_to`].
    pub fn write_audio(&mut self, block: AudioBlock) -> Result<()> {
        self.write_audio_to(0, block)
    }

    /// Gives the next block of audio track `track`, counted from 0. Its time counts: gaps are filled with silence, and
    /// overlaps are cut, as in a source.
    ///
    /// # Errors
    /// `InvalidSpec` if there is no such track, if the block has another rate, layout or type of samples than was
    /// stated, or if its time is not after that of the block before. `Limit` if the track is too far ahead of the frames
    /// or of another track. The session can go on without the block. Otherwise as [`Session::write_frame`].
    pub fn write_audio_to(&mut self, track: usize, block: AudioBlock) -> Result<()> {
        self.running()?;
        let end = block.end();
        self.positions.check(SessionStream::Audio(track), block.time)?;
        let (stream, base, block) = self.input.block(track, block)?;
        let Some(feed) = &mut self.feed else { return Ok(()) };
        let sent = parts(block, base).try_for_each(|part| feed.audio(stream, part).map(drop));
        sent.map_err(|error| self.fail(error))?;
        self.positions.reach(SessionStream::Audio(track), end);
        Ok(())
    }

    /// Ends the frames. What is left of the audio can then be given without them.
    ///
    /// # Errors
    /// `InvalidSpec` if the session has no frames, if none was given, if no output takes them, or if they have ended.
    /// Otherwise as [`Session::write_frame`].
    pub fn end_frames(&mut self) -> Result<()> {
        self.running()?;
        self.check_given(SessionStream::Frames)?;
        self.positions.end(SessionStream::Frames)?;
        self.feed.iter_mut().for_each(Feed::end_frames);
        Ok(())
    }

    /// Ends audio track `track`, counted from 0. Frames and the other tracks can then be given without it.
    ///
    /// # Errors
    /// `InvalidSpec` if there is no such track, if it got no audio, if no output takes it, or if it has ended. Otherwise
    /// as [`Session::write_frame`].
    pub fn end_audio(&mut self, track: usize) -> Result<()> {
        self.running()?;
        self.check_given(SessionStream::Audio(track))?;
        let stream = self.positions.end(SessionStream::Audio(track))?;
        self.feed.iter_mut().for_each(|feed| feed.end_audio(stream));
        Ok(())
    }

    /// The stream that is furthest behind, which the session never refuses; of equal ones, the frames, then the first
    /// track. `None` after all streams have ended.
    pub fn behind(&self) -> Option<SessionStream> {
        self.positions.behind()
    }

    /// True if the session takes the next frame or block of `stream` now. False if the stream is too far ahead of another,
    /// if it has ended, or if no output takes it. Also true after a failure and after a cancellation: the next call
    /// returns the error.
    pub fn has_room(&self, stream: SessionStream) -> bool {
        self.is_over() || self.positions.has_room(stream)
    }

    /// Ends all streams, waits for the encoders, checks the files, and gives them their names.
    ///
    /// # Errors
    /// As [`run`](crate::run); `InvalidSpec` if an output takes frames, or the audio of a track, and got none. Nothing is
    /// then under the names of the outputs.
    pub fn finish(mut self) -> Result<Report> {
        self.running()?;
        self.positions.streams().try_for_each(|stream| self.check_given(stream))?;
        if let Some(feed) = self.feed.take() {
            feed.finish(self.input.walked());
        }
        let worker = self.worker.take();
        worker.map_or_else(|| Err(Error::bug(Stage::Encode, "a session without a job")), joined)
    }

    /// # Errors
    /// `InvalidSpec` if nothing was given for `stream`, and an output takes it.
    fn check_given(&self, stream: SessionStream) -> Result<()> {
        let (index, is_missing, detail) = match stream {
            SessionStream::Frames => {
                (0, self.input.lacks_frames(), "frames were stated, and none was given".to_owned())
            }
            SessionStream::Audio(track) => {
                let detail = format!("audio track {track} was stated, and no audio was given for it");
                (self.input.stream_of(track), self.input.lacks_audio(track), detail)
            }
        };
        match is_missing && self.positions.is_taken(index) {
            true => Err(mistake(ErrorKind::InvalidSpec, detail, Some(index), None)),
            false => Ok(()),
        }
    }

    /// # Errors
    /// The error of the job, if it has ended or was cancelled.
    fn running(&mut self) -> Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.again());
        }
        match self.is_over() {
            true => Err(self.fail(Error::cancelled(Stage::Encode))),
            false => Ok(()),
        }
    }

    /// True if the job has ended or was cancelled.
    fn is_over(&self) -> bool {
        self.worker.as_ref().is_none_or(JoinHandle::is_finished) || self.cancel.is_cancelled()
    }

    /// Waits for the end of a job that a stage or the caller has stopped. Returns its error, which explains `error`.
    fn fail(&mut self, error: Error) -> Error {
        self.feed = None;
        let found = self.worker.take().map_or(error, ended);
        self.failed = Some(found.again());
        found
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        // The stages look at this before they take the end of their input for the end of the stream.
        self.cancel.cancel();
        self.feed = None;
        // The report of an aborted session is of no use, and neither is its error.
        let _ = worker.join();
    }
}

/// The result of a job.
fn joined(worker: JoinHandle<Result<Report>>) -> Result<Report> {
    worker.join().unwrap_or_else(|panic| {
        let text = text_of_panic(panic.as_ref());
        Err(Error::bug(Stage::Encode, format!("the thread of a session panicked: {text}")))
    })
}

/// The error of a job that has ended before its input.
fn ended(worker: JoinHandle<Result<Report>>) -> Error {
    match joined(worker) {
        Err(error) => error,
        Ok(_) => Error::bug(Stage::Encode, "the job of a session ended before its input"),
    }
}
