//! Encodes the frames and audio of a program, as a job encodes those of a source.
//!
//! A session is a job whose decoders are replaced by the program. The planner, the filters, the encoders, the muxers, the
//! part files, the checks and the ledger are those of every job. What a session cannot do follows from that: there are no
//! packets to copy, and what was given cannot be read a second time. So a session encodes in one pass, does not measure
//! loudness before it encodes, and does not look for black borders.
//!
//! For the same reason, [`VerifyLevel::Full`] compares less than for a job. The file is read back whole: its structure, the
//! numbers, times and bytes of its packets, the presented time of each track, its hash, and the samples of lossless
//! audio, of which the encoder stage keeps a record. The frames of the file are not compared with those that went in,
//! and have no score.
//!
//! Invariant: a session ends with verified files under their final names and a report, or with nothing under those
//! names.
//!
//! [`VerifyLevel::Full`]: crate::settings::job::VerifyLevel::Full

mod input;
mod shapes;

use std::thread::JoinHandle;

use crossbeam_channel as crossbeam;
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
};

use self::input::Input;
use crate::{
    pipeline::{Control, Feed, given::run_given},
    reading::{frames::VideoFrame, samples::AudioBlock},
    report::Report,
    settings::{job::Job, shape::Shape},
};

/// A running job that encodes what a program gives.
///
/// Frames and audio are given in step: the muxer waits for the stream that is behind, and what runs ahead of it waits in
/// memory, coded. A call waits while the encoders are busy.
///
/// [`Session::finish`] takes the session, so nothing can be given afterwards. A session that is dropped before that is
/// aborted, and nothing remains under the names of its outputs.
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
    /// `None` after a failure.
    feed: Option<Feed>,
    input: Input,
    /// The thread of the job; `None` after its end.
    worker: Option<JoinHandle<Result<Report>>>,
    cancel: Cancel,
    /// The error of the job, once it has failed.
    failed: Option<Error>,
}

const _: () = {
    const fn is_sent<T: Send>() {}
    is_sent::<Session>();
};

impl Session {
    /// Plans `job` for frames and audio of `shape`, and starts it. The source of the job stays at its defaults, except
    /// for its limits. Cancelling `control` ends the session.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the shape or of the job, and for what a session cannot do; otherwise as
    /// [`run`](crate::run).
    pub fn open(job: &Job, shape: &Shape, control: &Control) -> Result<Self> {
        let (to_program, from_job) = crossbeam::bounded(1);
        // A session that is dropped cancels itself, and nothing else that the caller cancels by the same handle.
        let cancel = control.cancel.child();
        let own_control = Control { cancel: cancel.clone(), ..control.clone() };
        let (own_job, own_shape) = (job.clone(), shape.clone());
        let name = "trix-session";
        let worker = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run_given(&own_job, &own_shape, &to_program, &own_control))
            .map_err(|error| {
                let detail = format!("the thread {name} cannot be started: {error}");
                Error::new(ErrorKind::Io, Stage::Encode, detail).caused_by(error)
            })?;
        match from_job.recv() {
            Ok(feed) => {
                Ok(Session { feed: Some(feed), input: Input::new(shape), worker: Some(worker), cancel, failed: None })
            }
            // The job has ended without asking for anything.
            Err(_) => Err(ended(worker)),
        }
    }

    /// Gives the next frame. Its time counts, and its number does not. Colour that it does not state is that of the
    /// shape. The frame is shown until the next; the last one for its duration or, without one, as long as the rate
    /// says.
    ///
    /// # Errors
    /// `InvalidSpec` if the frame has another size, format or colour than was stated, if its time is not after that of
    /// the frame before, or is no multiple of the stated time base. The session can go on without the frame. Any other
    /// error is that of a stage which failed; the session then has failed, and every later call says so.
    pub fn write_frame(&mut self, frame: VideoFrame) -> Result<()> {
        self.running()?;
        let frame = self.input.frame(frame)?;
        let Some(feed) = &mut self.feed else { return Ok(()) };
        if !feed.takes_frames() {
            let detail = "no output of the session takes frames";
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail));
        }
        let sent = feed.frame(frame).map(drop);
        sent.map_err(|error| self.fail(error))
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
    /// stated, or if its time is not after that of the block before. The session can go on without the block. Otherwise
    /// as [`Session::write_frame`].
    pub fn write_audio_to(&mut self, track: usize, block: AudioBlock) -> Result<()> {
        self.running()?;
        let (stream, frame) = self.input.block(track, block)?;
        let Some(feed) = &mut self.feed else { return Ok(()) };
        if !feed.takes_audio(stream) {
            let detail = format!("no output of the session takes audio track {track}");
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail));
        }
        let sent = feed.audio(stream, frame).map(drop);
        sent.map_err(|error| self.fail(error))
    }

    /// Ends all streams, waits for the encoders, checks the files, and gives them their names.
    ///
    /// # Errors
    /// As [`run`](crate::run); `InvalidSpec` if a track of an output got no audio. Nothing is then under the names of
    /// the outputs.
    pub fn finish(mut self) -> Result<Report> {
        self.running()?;
        if let Some(feed) = self.feed.take() {
            if let Some(track) = self.input.silent(|stream| feed.takes_audio(stream)) {
                self.feed = Some(feed);
                let detail = format!("audio track {track} was stated, and no audio was given for it");
                return Err(Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail));
            }
            feed.finish(self.input.walked());
        }
        let worker = self.worker.take();
        worker.map_or_else(|| Err(Error::bug(Stage::Encode, "a session without a job")), joined)
    }

    /// # Errors
    /// The error of the job, if it has ended.
    fn running(&mut self) -> Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.again());
        }
        match &self.worker {
            Some(worker) if worker.is_finished() => Err(self.fail(Error::cancelled(Stage::Encode))),
            _ => Ok(()),
        }
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
    worker.join().unwrap_or_else(|_| Err(Error::bug(Stage::Encode, "the thread of a session panicked")))
}

/// The error of a job that has ended before its input.
fn ended(worker: JoinHandle<Result<Report>>) -> Error {
    match joined(worker) {
        Err(error) => error,
        Ok(_) => Error::bug(Stage::Encode, "the job of a session ended before its input"),
    }
}
