//! Tests of wrong input to a session. Every impossible call is rejected with stage, stream and time, and the session
//! continues without it.

use std::path::PathBuf;

use trix_core::{
    AudioBlock, Control, ErrorKind, Job, Session, Stage, VideoFrame,
    media::{
        format::SampleType,
        time::{Rational, Timestamp},
    },
    settings::{
        audio::AudioSettings,
        shape::{Shape, TrackShape},
        video::VideoSettings,
    },
};
use trix_fixtures::{TempDir, folder};

use crate::support::{
    planes, samples,
    sessions::{audio, begun, block, frame, grey, named, names, refused},
};

const HZ: Rational = Rational::new(1, 48_000);

fn track() -> TrackShape {
    TrackShape::new(48_000, "stereo", SampleType::I16)
}

/// A job and a shape of grey frames with one audio track, which goes into the file as it is.
fn grey_with_audio(folder: &TempDir) -> (PathBuf, Job, Shape) {
    let path = named(folder, "grey.mkv");
    let (mut job, mut shape) = grey(&path);
    job.outputs[0].audio = AudioSettings::Pcm;
    shape.audio.push(track());
    (path, job, shape)
}

fn at(number: i64, time: Timestamp) -> VideoFrame {
    VideoFrame { time, ..frame(number) }
}

fn moved(block: AudioBlock, time: Timestamp) -> AudioBlock {
    AudioBlock { time, ..block }
}

#[test]
fn times_that_go_back_or_leap_are_refused_with_stage_stream_and_time() {
    let folder = folder();
    let (path, job, mut shape) = grey_with_audio(&folder);
    let base = Rational::new(1, 1000);
    let video = shape.video.as_mut().unwrap();
    (video.time_base, video.uneven) = (Some(base), true);
    shape.start = Timestamp::new(10, Rational::new(1, 1));
    let mut session = begun(&job, &shape);
    let ms = |millis| Timestamp::new(millis, base);
    let hours = |hours: i64| Timestamp::new(3600 * hours, Rational::new(1, 1));

    let wrong_frame = |session: &mut Session, time, message: &str| {
        let error = session.write_frame(at(0, time)).unwrap_err();
        assert_eq!((error.kind(), error.stage(), error.stream()), (ErrorKind::InvalidSpec, Stage::Encode, Some(0)));
        assert_eq!(error.time(), Some(time));
        let text = error.to_string();
        assert!(text.starts_with("(session): encode, stream 0, at ") && text.contains(message), "{text}");
    };
    wrong_frame(&mut session, ms(9_999), "the session starts at 00:00:10.000, and the frame is shown before that");
    wrong_frame(&mut session, hours(2), "the session starts at 00:00:10.000, more than an hour from this time");
    wrong_frame(&mut session, Timestamp::new(i64::MAX, base), "more than an hour from this time");
    wrong_frame(&mut session, Timestamp::new(i64::MIN, base), "before that");
    session.write_frame(at(0, ms(10_000))).unwrap();
    wrong_frame(&mut session, ms(10_000), "the frame before is shown at 00:00:10.000, and times must rise");
    wrong_frame(&mut session, ms(9_960), "times must rise");
    wrong_frame(&mut session, Timestamp::new(1, Rational::new(1, 3000)), "no multiple of 1/1000 s");
    wrong_frame(&mut session, hours(2), "nothing was given since 00:00:10.000, for more than an hour");

    let wrong_block = |session: &mut Session, block: AudioBlock, message: &str| {
        let time = block.time;
        let error = session.write_audio(block).unwrap_err();
        assert_eq!((error.kind(), error.stage(), error.stream()), (ErrorKind::InvalidSpec, Stage::Encode, Some(1)));
        assert_eq!(error.time(), Some(time));
        let text = error.to_string();
        assert!(text.starts_with("(session): encode, stream 1, at ") && text.contains(message), "{text}");
    };
    wrong_block(&mut session, moved(block(0), hours(3)), "more than an hour from this time");
    wrong_block(&mut session, moved(block(0), hours(-3)), "more than an hour from this time");
    let start = 480_000;
    session.write_audio(moved(block(0), Timestamp::new(start, HZ))).unwrap();
    wrong_block(&mut session, moved(block(0), Timestamp::new(start, HZ)), "times must rise");
    wrong_block(&mut session, moved(block(0), Timestamp::new(start - 1, HZ)), "times must rise");
    wrong_block(&mut session, moved(block(0), hours(3)), "nothing was given since 00:00:10.040, for more than an hour");
    let other =
        AudioBlock::from_samples(&[&[0_i16; 9], &[0; 9]], "stereo", 44_100, Timestamp::new(start + 1920, HZ)).unwrap();
    wrong_block(&mut session, other, "audio track 0 of the session expects 48000 Hz, and was given 44100 Hz");
    let error = session.write_audio_to(7, block(0)).unwrap_err();
    assert_eq!((error.kind(), error.stream()), (ErrorKind::InvalidSpec, None), "{error}");
    assert!(error.to_string().contains("track 7, and the session has 1 tracks"), "{error}");

    // The file contains nothing from the rejected calls.
    session.write_frame(at(1, ms(10_040))).unwrap();
    session.write_audio(moved(block(1), Timestamp::new(start + 1920, HZ))).unwrap();
    let report = session.finish().unwrap();
    let ledger = report.outputs[0].ledger.expect("video");
    assert_eq!((ledger.decoded, ledger.emitted, ledger.found), (2, 2, Some(2)));
    assert_eq!(report.outputs[0].audio_ledgers[0].encoded, 3840);
    assert!(planes(&path) == [[0; 64 * 48], [1; 64 * 48]].concat());
    let own = audio(0, 3840).channel::<i16>(0).unwrap();
    let expected: Vec<u8> = own.iter().flat_map(|one| [one.to_le_bytes(), one.to_le_bytes()].concat()).collect();
    assert!(samples(&path, 0, "s16le") == expected);
}

#[test]
fn audio_before_the_start_is_cut_and_counted() {
    let folder = folder();
    let (path, job, mut shape) = grey_with_audio(&folder);
    shape.start = Timestamp::new(1, Rational::new(1, 1));
    let mut session = begun(&job, &shape);
    for number in 0..50 {
        session.write_audio(block(number)).unwrap();
        if number >= 25 {
            session.write_frame(frame(number)).unwrap();
        }
    }
    let report = session.finish().unwrap();
    let ledger = &report.outputs[0].audio_ledgers[0];
    assert_eq!((ledger.decoded, ledger.encoded), (96_000, 48_000), "{ledger:?}");
    assert_eq!(samples(&path, 0, "s16le").len(), 4 * 48_000);
}

#[test]
fn a_last_block_that_lies_within_earlier_audio_is_cut() {
    let folder = folder();
    let (_, job, shape) = grey_with_audio(&folder);
    let mut session = begun(&job, &shape);
    for number in 0..50 {
        session.write_frame(frame(number)).unwrap();
    }
    session.write_audio(audio(0, 96_000)).unwrap();
    // From 0.2 to 0.24 seconds.
    session.write_audio(moved(block(0), Timestamp::new(9600, HZ))).unwrap();
    let report = session.finish().unwrap();
    let ledger = &report.outputs[0].audio_ledgers[0];
    assert_eq!((ledger.decoded, ledger.cut_overlaps.samples, ledger.encoded), (97_920, 1920, 96_000), "{ledger:?}");
}

#[test]
fn a_stated_duration_of_a_frame_does_not_hold_up_the_next() {
    let folder = folder();
    let (_, job, shape) = grey_with_audio(&folder);
    let mut session = begun(&job, &shape);
    let lasting = |seconds, number| {
        let duration = Some(Timestamp::new(seconds, Rational::new(1, 1)));
        VideoFrame { duration, ..frame(number) }
    };
    session.write_frame(lasting(1800, 0)).unwrap();
    session.write_frame(frame(1)).unwrap();
    let error = session.write_frame(lasting(3601, 2)).unwrap_err();
    assert!(error.to_string().contains("lasts more than an hour"), "{error}");
    session.write_frame(frame(2)).unwrap();
}

#[test]
fn what_no_output_takes_is_refused_when_it_is_given() {
    let folder = folder();
    let (mut job, mut shape) = grey(&named(&folder, "grey.mkv"));
    job.outputs[0].audio = AudioSettings::None;
    shape.audio.push(track());
    let mut session = begun(&job, &shape);
    session.write_frame(frame(0)).unwrap();
    refused(session.write_audio(block(0)), ErrorKind::InvalidSpec, "no output of the session takes audio track 0");
    refused(session.end_audio(0), ErrorKind::InvalidSpec, "no output of the session takes audio track 0");
    session.finish().unwrap();
    let (mut job, mut shape) = grey(&named(&folder, "audio.mkv"));
    job.outputs[0].video = VideoSettings::None;
    shape.audio.push(track());
    let mut session = begun(&job, &shape);
    refused(session.write_frame(frame(0)), ErrorKind::InvalidSpec, "no output of the session takes frames");
    refused(session.end_frames(), ErrorKind::InvalidSpec, "no output of the session takes frames");
    session.write_audio(block(0)).unwrap();
    session.finish().unwrap();
    // A session with audio alone has no frames.
    let shape = Shape { audio: vec![track()], ..Shape::default() };
    job.outputs[0].path = named(&folder, "alone.mkv");
    let mut session = begun(&job, &shape);
    refused(session.write_frame(frame(0)), ErrorKind::InvalidSpec, "the shape of the session states none");
    refused(session.end_frames(), ErrorKind::InvalidSpec, "the session has not stated the frames");
    session.write_audio(block(0)).unwrap();
    session.finish().unwrap();
    assert_eq!(names(folder.path()), ["alone.mkv", "audio.mkv", "grey.mkv"]);
}

#[test]
fn a_session_that_got_nothing_writes_nothing() {
    let folder = folder();
    let (mut job, mut shape) = grey(&named(&folder, "grey.mkv"));
    job.outputs[0].audio = AudioSettings::Flac;
    shape.audio.push(track());
    let open = || Session::open(&job, &shape, &Control::default()).unwrap();
    // No input, only frames, only audio, and streams that end before any input.
    refused(open().finish(), ErrorKind::InvalidSpec, "frames were stated, and none was given");
    let mut session = open();
    session.write_frame(frame(0)).unwrap();
    refused(session.finish(), ErrorKind::InvalidSpec, "audio track 0 was stated, and no audio was given for it");
    let mut session = open();
    session.write_frame(frame(0)).unwrap();
    let missing = "audio track 0 was stated, and no audio was given for it";
    refused(session.end_audio(0), ErrorKind::InvalidSpec, missing);
    refused(session.finish(), ErrorKind::InvalidSpec, missing);
    let mut session = open();
    session.write_audio(block(0)).unwrap();
    refused(session.finish(), ErrorKind::InvalidSpec, "frames were stated, and none was given");
    let mut session = open();
    session.write_audio(block(0)).unwrap();
    refused(session.end_frames(), ErrorKind::InvalidSpec, "frames were stated, and none was given");
    let error = session.finish().unwrap_err();
    assert_eq!(
        (error.kind(), error.stage(), error.stream()),
        (ErrorKind::InvalidSpec, Stage::Encode, Some(0)),
        "{error}"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}
