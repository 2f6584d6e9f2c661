//! Tests of sessions that end early: dropped, cancelled, or stopped by the failure of a stage. No file gets its final
//! name, no thread keeps running, and the caller gets the cause at once.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use trix_core::{
    AudioBlock, Control, Error, ErrorKind, Job, Session, SessionStream, Stage,
    media::{
        format::SampleType,
        time::{Rational, Timestamp},
    },
    os_error,
    settings::shape::{Shape, TrackShape, VideoShape},
    survive_file_size_limit,
};
use trix_fixtures::{folder, program};

use crate::support::{
    alone, planes, samples,
    sessions::{RATE, audio, begun, block, frame, grey, named, names},
};

/// A job in `folder` with every kind of output for grey frames and one audio track.
fn everything(folder: &Path) -> (Job, Shape) {
    let (_, mut shape) = grey(Path::new(""));
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::F32));
    let quick = json!({ "type": "x264", "preset": "ultrafast" });
    let mut job: Job = serde_json::from_value(json!({
        "outputs": [
            { "path": "a.mp4", "video": quick, "audio": { "type": "aac" } },
            { "path": "b.mkv", "video": { "type": "x264", "preset": "ultrafast", "depth": 10 }, "audio": { "type": "flac" } },
            { "path": "c.mkv", "video": { "type": "ffv1" }, "audio": { "type": "pcm" } },
        ],
        "packages": [{ "path": "package", "segment": "1", "ladder": [{ "height": 48, "video": quick }] }],
        "stills": [
            { "type": "poster", "path": "poster.png", "width": 16 },
            { "type": "sprites", "path": "sprites.jpg", "interval": "1", "width": 16 },
            { "type": "waveform", "path": "waveform.png", "width": 16, "height": 16 },
        ],
    }))
    .expect("a job");
    job.write_into(folder);
    (job, shape)
}

/// The audio for frame `number`.
fn floats(number: i64, sample: f32) -> AudioBlock {
    let time = Timestamp::new(1920 * number, Rational::new(1, 48_000));
    let wave = [sample; 1920];
    AudioBlock::from_samples(&[&wave, &wave], "stereo", 48_000, time).unwrap()
}

/// Writes a frame and its audio.
fn both(session: &mut Session, number: i64) -> Result<(), Error> {
    session.write_frame(frame(number))?;
    session.write_audio(floats(number, 0.25))
}

/// Writes frames and their audio, from number `frames` on, for up to 20 s. Returns the error of the first call that
/// fails.
fn failing(session: &mut Session, frames: i64) -> Error {
    let began = Instant::now();
    for number in frames.. {
        if let Err(error) = both(session, number) {
            return error;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the session goes on");
    }
    unreachable!("numbers do not end")
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("Linux").count()
}

/// Asserts that a session has left no thread and no file after its end.
fn left_nothing(control: &Control, before: usize, folder: &Path, what: &str) {
    assert!(control.wait_for_stages(Duration::from_secs(20)), "{what}");
    // The system lists a thread for a moment after its end.
    let began = Instant::now();
    while threads() > before && began.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(threads(), before, "{what}: threads");
    assert_eq!(names(folder), [""; 0], "{what}");
}

#[test]
fn an_aborted_session_ends_all_threads_and_leaves_no_file() {
    alone(module_path!(), "aborted_sessions_in_a_process", &[]);
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn aborted_sessions_in_a_process() {
    let folder = folder();
    let before = threads();
    for frames in [0, 1, 60] {
        let (job, shape) = everything(folder.path());
        let open = |control: &Control| {
            let mut session = Session::open(&job, &shape, control).unwrap_or_else(|error| panic!("{error}"));
            assert!(threads() > before);
            (0..frames).for_each(|number| both(&mut session, number).unwrap());
            session
        };
        // Drop the session.
        let control = Control::default();
        drop(open(&control));
        left_nothing(&control, before, folder.path(), "dropped");
        // Drop the session after the end of its streams. A stream without input cannot be ended.
        let control = Control::default();
        let mut session = open(&control);
        assert_eq!(session.end_frames().is_ok(), frames > 0);
        assert_eq!(session.end_audio(0).is_ok(), frames > 0);
        drop(session);
        left_nothing(&control, before, folder.path(), "dropped after its end");
        // Cancel the session: the next call returns the error, and every later call too.
        let control = Control::default();
        let mut session = open(&control);
        control.cancel.cancel();
        assert!(session.has_room(SessionStream::Frames));
        for _ in 0..2 {
            let error = both(&mut session, frames).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        }
        assert_eq!(session.end_frames().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(session.end_audio(0).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(session.finish().unwrap_err().kind(), ErrorKind::Cancelled);
        left_nothing(&control, before, folder.path(), "cancelled");
        // Cancel the session and call `finish`.
        let control = Control::default();
        let session = open(&control);
        control.cancel.cancel();
        assert_eq!(session.finish().unwrap_err().kind(), ErrorKind::Cancelled);
        left_nothing(&control, before, folder.path(), "cancelled before its end");
        // `finish` fails.
        let control = Control::default();
        let mut session = Session::open(&job, &shape, &control).unwrap();
        session.write_frame(frame(0)).unwrap();
        assert_eq!(session.finish().unwrap_err().kind(), ErrorKind::InvalidSpec);
        left_nothing(&control, before, folder.path(), "refused at its end");
    }
}

/// Ends both streams, and gives the job time to end too.
fn ended_early(session: &mut Session) {
    session.end_frames().unwrap();
    session.end_audio(0).unwrap();
    thread::sleep(Duration::from_millis(700));
}

#[test]
fn files_of_a_session_whose_streams_have_ended_wait_for_its_finish() {
    let folder = folder();
    let (job, shape) = everything(folder.path());
    let open = || {
        let mut session = Session::open(&job, &shape, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
        (0..60).for_each(|number| both(&mut session, number).unwrap());
        session
    };
    let mut session = open();
    ended_early(&mut session);
    drop(session);
    assert_eq!(names(folder.path()), [""; 0]);

    let mut session = open();
    ended_early(&mut session);
    assert_eq!(names(folder.path()).iter().filter(|name| !name.starts_with('.')).count(), 0);
    let error = session.write_frame(frame(60)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    let report = session.finish().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((report.outputs.len(), report.packages.len(), report.stills.len()), (3, 1, 3));
    // Where each stream ends is known at the finish only.
    let checks = &report.outputs[0].verification.checks;
    assert!(checks.iter().any(|check| check.name.ends_with("presented time")), "{checks:?}");
}

#[test]
fn a_session_goes_on_after_its_only_still_is_made() {
    let folder = folder();
    let (mut job, mut shape) = everything(folder.path());
    (job.outputs, job.packages) = (Vec::new(), Vec::new());
    let still = json!({ "type": "poster", "path": named(&folder, "poster.png"), "at": "0.04", "width": 16 });
    job.stills = vec![serde_json::from_value(still).expect("a still")];
    shape.audio.clear();
    let mut session = Session::open(&job, &shape, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    for number in 0..100 {
        session.write_frame(frame(number)).unwrap();
        if number % 20 == 0 {
            thread::sleep(Duration::from_millis(50));
        }
    }
    let report = session.finish().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((report.stills.len(), names(folder.path()).len()), (1, 1));
}

#[test]
fn a_stage_that_fails_in_mid_session_names_output_stage_and_time() {
    alone(module_path!(), "failing_sessions_in_a_process", &[]);
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn failing_sessions_in_a_process() {
    let folder = folder();
    let before = threads();
    let (job, shape) = everything(folder.path());
    // The AAC encoder rejects samples that are NaN.
    let control = Control::default();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    (0..50).for_each(|number| both(&mut session, number).unwrap());
    session.write_frame(frame(50)).unwrap();
    session.write_audio(floats(50, f32::NAN)).unwrap();
    let error = failing(&mut session, 51);
    assert_eq!((error.kind(), error.stage(), error.stream()), (ErrorKind::Codec, Stage::Encode, Some(1)), "{error}");
    let time = error.time().expect("a time").micros();
    assert!((1_900_000..2_200_000).contains(&time), "{error}");
    let message = error.to_string();
    assert!(message.contains("a.mp4") || message.contains("package"), "{message}");
    // Every later call returns the same error.
    assert_eq!(session.write_frame(frame(9999)).unwrap_err().to_string(), message);
    assert_eq!(session.write_audio(floats(9999, 0.0)).unwrap_err().to_string(), message);
    assert_eq!(session.end_frames().unwrap_err().to_string(), message);
    assert_eq!(session.finish().unwrap_err().to_string(), message);
    left_nothing(&control, before, folder.path(), "an encoder that fails");
    // If the job continues without the failed output, the other outputs are complete.
    let mut job = job;
    job.outputs.truncate(2);
    (job.packages, job.stills) = (Vec::new(), Vec::new());
    job.on_output_failure = trix_core::settings::job::OnOutputFailure::Continue;
    let mut session = Session::open(&job, &shape, &control).unwrap();
    for number in 0..100 {
        session.write_frame(frame(number)).unwrap();
        session.write_audio(floats(number, if number == 50 { f32::NAN } else { 0.25 })).unwrap();
    }
    let report = session.finish().unwrap();
    assert_eq!((report.failed.len(), report.failed[0].kind), (1, ErrorKind::Codec), "{:?}", report.failed);
    assert_eq!(names(folder.path()), ["b.mkv"]);
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(100));
    fs::remove_file(folder.path().join("b.mkv")).unwrap();
    // A full disk, simulated with a limit on the file size of this process. This case is last, because the limit stays.
    let (job, shape) = everything(folder.path());
    survive_file_size_limit();
    let own = std::process::id().to_string();
    program::run("prlimit", ["--pid", own.as_str(), "--fsize=200000"]);
    let control = Control::default();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    let error = failing(&mut session, 0);
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Io, Stage::Mux), "{error}");
    // EFBIG. A copy of the error knows it, too.
    assert_eq!((os_error(&error), os_error(&error.again())), (Some(27), Some(27)));
    let message = error.to_string();
    assert!(message.contains(".mkv") && message.contains("File too large") && error.time().is_some(), "{message}");
    assert_eq!(session.finish().unwrap_err().to_string(), message);
    left_nothing(&control, before, folder.path(), "a full disk");
}

#[test]
fn threads_for_frames_and_for_audio_share_a_session() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, mut shape) = grey(&path);
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    let session = Mutex::new(begun(&job, &shape));
    // The loop from the documentation of sessions.
    let give = |stream, write: &dyn Fn(&mut Session, i64) -> Result<(), Error>| {
        for number in 0..500 {
            while !session.lock().unwrap().has_room(stream) {
                thread::sleep(Duration::from_millis(2));
            }
            write(&mut session.lock().unwrap(), number).unwrap();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| give(SessionStream::Frames, &|session, number| session.write_frame(frame(number))));
        scope.spawn(|| give(SessionStream::Audio(0), &|session, number| session.write_audio(block(number))));
    });
    let report = session.into_inner().unwrap().finish().unwrap();
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(500));
    let expected: Vec<u8> = (0..500).flat_map(|number| vec![number as u8; 64 * 48]).collect();
    assert!(planes(&path) == expected);
    let own = audio(0, 1920 * 500).channel::<i16>(0).unwrap();
    let expected: Vec<u8> = own.iter().flat_map(|one| [one.to_le_bytes(), one.to_le_bytes()].concat()).collect();
    assert!(samples(&path, 0, "s16le") == expected);
}

#[test]
fn a_session_that_is_cancelled_while_it_ends_is_cancelled_or_whole() {
    let (mut whole, mut stopped) = (0, 0);
    for delay in (0..200).step_by(8) {
        let folder = folder();
        let (job, shape) = everything(folder.path());
        let control = Control::default();
        let mut session = Session::open(&job, &shape, &control).unwrap();
        (0..20).for_each(|number| both(&mut session, number).unwrap());
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(delay));
                control.cancel.cancel();
            });
            session.finish()
        });
        match result {
            Ok(report) => {
                whole += 1;
                assert_eq!((report.outputs.len(), report.packages.len(), report.stills.len()), (3, 1, 3));
                assert_eq!(names(folder.path()).len(), 8, "{:?}", names(folder.path()));
            }
            Err(error) => {
                stopped += 1;
                assert_eq!(error.kind(), ErrorKind::Cancelled, "after {delay} ms: {error}");
                assert!(control.wait_for_stages(Duration::from_secs(20)));
                assert_eq!(names(folder.path()), [""; 0], "after {delay} ms");
            }
        }
    }
    assert!(stopped > 0, "{whole} ended before they were cancelled");
}

/// The time within which a job stops after a cancellation, by the documentation of [`Control`].
const PROMISE: Duration = Duration::from_millis(200);

/// Cancels a session with five slow outputs while the test writes frames. Returns the time until the call returned.
fn cancelled() -> Duration {
    let folder = folder();
    let names_of_outputs = ["a.mkv", "b.mp4", "c.mov", "d.mkv", "e.mkv"];
    let outputs: Vec<_> = names_of_outputs.iter().zip(20..).map(|(name, quality)| {
        // Different settings, so that no two outputs share an encode.
        let kind = if *name < "c" { "x265" } else { "x264" };
        let rate = json!({ "type": "crf", "value": quality });
        json!({ "path": name, "video": { "type": kind, "preset": "veryslow", "rate": rate }, "audio": { "type": "aac" } })
    }).collect();
    let mut job: Job = serde_json::from_value(json!({ "outputs": outputs })).expect("a job");
    job.write_into(folder.path());
    let format = trix_core::media::PixelFormat::from_name("gray").expect("a format");
    let video = VideoShape::new(640, 360, format, RATE);
    let audio = vec![TrackShape::new(48_000, "stereo", SampleType::F32)];
    let shape = Shape { video: Some(video), audio, ..Shape::default() };
    let control = Control::default();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    let samples: Vec<u8> = (0..640 * 360_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let made = |number: i64| {
        let time = Timestamp::new(number, RATE.inverse());
        let planes = [trix_core::PlaneInput::bytes(&samples, 640)];
        trix_core::VideoFrame::from_planes(format, 640, 360, &planes, time).unwrap()
    };
    let is_asked = AtomicBool::new(false);
    let took = thread::scope(|scope| {
        let canceller = scope.spawn(|| {
            thread::sleep(Duration::from_millis(700));
            let asked = Instant::now();
            is_asked.store(true, Ordering::SeqCst);
            control.cancel.cancel();
            asked
        });
        let error = (0..)
            .find_map(|number| {
                session.write_frame(made(number)).and_then(|()| session.write_audio(floats(number, 0.25))).err()
            })
            .expect("an error");
        let returned = Instant::now();
        assert!(is_asked.load(Ordering::SeqCst), "{error}");
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        returned - canceller.join().unwrap()
    });
    assert_eq!(session.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(names(folder.path()), [""; 0]);
    assert!(control.wait_for_stages(Duration::from_secs(60)));
    took
}

#[test]
fn a_cancelled_session_returns_within_200_ms() {
    // A busy machine can wake a thread late, so one prompt return in three attempts is enough.
    let took = (0..3).map(|_| cancelled()).min().expect("three attempts");
    assert!(took <= PROMISE, "{took:?}");
}
