//! Tests of sessions: a session writes the same file as a job with the same input, or no file at all.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use trix_core::{
    AudioBlock, Control, Error, ErrorKind, Job, PlaneInput, Session, Source, VideoFrame,
    control::events::Event,
    media::{
        PixelFormat,
        color::{Color, Matrix},
        format::SampleType,
        time::{Rational, Timestamp},
    },
    settings::{
        audio::AudioSettings,
        job::{OutputSettings, VerifyLevel},
        picture::Crop,
        shape::{Shape, TrackShape},
        track::LoudnessTarget,
        video::{EncodeSettings, Encoder, RateControl, Size, VideoSettings},
    },
};
use trix_fixtures::{Clip, clip, folder};

use crate::support::{
    done, ffprobe, made_by_ffmpeg, planes, quick, samples,
    sessions::{RATE, begun, frame, given, grey, named, names, refused},
    text, video_job,
};

#[test]
fn a_session_writes_the_bytes_that_a_job_writes() {
    let folder = folder();
    let scaled = EncodeSettings { depth: Some(8), ..quick("") };
    let lossless = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
    for (number, (format, encoder, settings, extension)) in [
        ("yuv420p", Encoder::X264, quick("bframes=2"), "mp4"),
        ("yuv422p10le", Encoder::X264, quick(""), "mkv"),
        ("yuv420p10le", Encoder::X265, quick(""), "mov"),
        ("yuv422p10le", Encoder::X265, lossless, "mkv"),
        ("yuv422p10le", Encoder::Ffv1, EncodeSettings::default(), "mkv"),
        ("yuv422p10le", Encoder::X264, scaled.clone(), "mkv"),
        ("nv12", Encoder::Ffv1, EncodeSettings::default(), "mkv"),
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("{number}: {format}, {encoder}");
        let codec = if format == "nv12" { "rawvideo" } else { "ffv1" };
        let container = if format == "nv12" { "nut" } else { "mkv" };
        let source = Clip::of(format).encoded(&format!("-c:v {codec}"), container);
        let [read, fed] = ["read", "fed"].map(|name| named(&folder, &format!("{name}-{number}.{extension}")));
        let is_scaled = settings == scaled;
        let mut job = video_job(&source, &read, encoder, settings);
        job.outputs[0].picture.size = is_scaled.then_some(Size { width: 96, height: 80 });
        job.hash = true;
        let expected = done(&job);
        job.outputs[0].path.clone_from(&fed);
        let found = given(&job, &[]);
        assert!(fs::read(&read).unwrap() == fs::read(&fed).unwrap(), "{what}");
        let (expected, found) = (&expected.outputs[0], &found.outputs[0]);
        assert_eq!((found.ledger, &found.sha256, &found.tracks), (expected.ledger, &expected.sha256, &expected.tracks));
        assert!(!found.verification.checks.is_empty() && found.verification.checks.iter().all(|check| check.ok));
        if encoder == Encoder::Ffv1 && format != "nv12" {
            assert!(planes(&fed) == planes(&source), "{what}");
        }
    }
}

#[test]
fn audio_of_a_session_is_that_of_the_program() {
    let folder = folder();
    let master = clip::master();
    let mut job = video_job(&master, &named(&folder, "fed.mkv"), Encoder::Ffv1, EncodeSettings::default());
    job.outputs[0].audio = AudioSettings::Auto;
    job.outputs[0].verify = VerifyLevel::Full;
    job.outputs.push(OutputSettings {
        path: named(&folder, "fed.mp4"),
        video: VideoSettings::X264(quick("")),
        audio: AudioSettings::Aac { kbps: None },
        ..OutputSettings::default()
    });
    let report = given(&job, &["deu", "eng"]);
    let fed = named(&folder, "fed.mkv");
    assert!(planes(&fed) == planes(&master));
    for track in 0..2 {
        assert!(samples(&fed, track, "s32le") == samples(&master, track, "s32le"), "track {track}");
    }
    let json = ffprobe(&fed, "-select_streams a -show_streams");
    let languages: Vec<String> = (0..2).map(|track: usize| text(&json["streams"][track]["tags"]["language"])).collect();
    assert_eq!(languages, ["deu", "eng"]);
    let lossless = &report.outputs[0];
    assert_eq!(lossless.plan.audio[0].codec, "flac");
    let why = &lossless.plan.decisions.iter().map(|own| own.why.clone()).collect::<Vec<_>>().join("; ");
    assert!(why.contains("no packets that could be copied"), "{why}");
    // Full verification uses the records of the encoder stage, because the program no longer has its frames.
    assert!(
        lossless.verification.checks.iter().any(|check| check.name.contains("samples")),
        "{:?}",
        lossless.verification
    );
    assert!(lossless.verification.score.is_none() && lossless.verification.lossless_frames.is_none());
    assert!(lossless.plan.notes.iter().any(|note| note.contains("are not compared")), "{:?}", lossless.plan.notes);
    for output in &report.outputs {
        assert_eq!(output.audio_ledgers.len(), 2);
        for ledger in &output.audio_ledgers {
            assert_eq!(ledger.encoded, 96_000, "{ledger:?}");
        }
        assert_eq!(output.ledger.expect("video").emitted, 50);
    }
}

#[test]
fn audio_alone_makes_a_session() {
    let folder = folder();
    let output = OutputSettings { path: named(&folder, "tone.mkv"), audio: AudioSettings::Pcm, ..Default::default() };
    let shape = Shape { audio: vec![TrackShape::new(44_100, "mono", SampleType::I16)], ..Shape::default() };
    let mut session = begun(&Job { outputs: vec![output], ..Job::default() }, &shape);
    let wave: Vec<i16> = (0..44_100).map(|sample| ((sample * 37) % 20_000 - 10_000) as i16).collect();
    for (number, block) in wave.chunks(1000).enumerate() {
        let time = Timestamp::new(1000 * number as i64, Rational::new(1, 44_100));
        session.write_audio(AudioBlock::from_samples(&[block], "mono", 44_100, time).unwrap()).unwrap();
    }
    session.finish().unwrap();
    let bytes: Vec<u8> = wave.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert!(samples(&named(&folder, "tone.mkv"), 0, "s16le") == bytes);
}

#[test]
fn what_does_not_have_the_stated_shape_is_refused_and_the_session_goes_on() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, mut shape) = grey(&path);
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    let mut session = begun(&job, &shape);
    let made = |width: usize, height: usize, name: &str| {
        let format = PixelFormat::from_name(name).expect("a format");
        let samples = vec![0; 4 * width * height];
        let sizes = format.plane_sizes(width, height).expect("planes");
        let planes: Vec<_> = sizes.iter().map(|size| PlaneInput::bytes(&samples, size.row_bytes)).collect();
        VideoFrame::from_planes(format, width, height, &planes, Timestamp::new(0, RATE.inverse())).unwrap()
    };
    for (frame, message) in [
        (made(32, 48, "gray"), "expects frames of 64x48 gray, and was given 32x48 gray"),
        (made(64, 48, "yuv420p"), "expects frames of 64x48 gray, and was given 64x48 yuv420p"),
        (
            made(64, 48, "gray").described(Color { matrix: Matrix(9), ..Color::default() }, None, Rational::new(1, 1)),
            "expects the matrix bt709, and was given bt2020nc",
        ),
    ] {
        refused(session.write_frame(frame), ErrorKind::InvalidSpec, message);
    }
    let silence = [0_i16; 1920];
    let block = |time: i64, rate: u32| {
        let time = Timestamp::new(time, Rational::new(1, 48_000));
        AudioBlock::from_samples(&[&silence, &silence], "stereo", rate, time).unwrap()
    };
    for number in 0..10 {
        session.write_frame(frame(number)).unwrap();
        refused(session.write_frame(frame(number)), ErrorKind::InvalidSpec, "times must rise");
        refused(session.write_frame(frame(number - 1)), ErrorKind::InvalidSpec, "times must rise");
        let between = VideoFrame { time: Timestamp::new(2 * number + 1, Rational::new(1, 50)), ..frame(number) };
        refused(session.write_frame(between), ErrorKind::InvalidSpec, "no multiple of 1/25 s");
        let late = VideoFrame { time: Timestamp::new(number + 2, Rational::new(1, 25)), ..frame(number) };
        refused(
            session.write_frame(late),
            ErrorKind::InvalidSpec,
            &format!("frame {} of 25/1 frames a second", number + 1),
        );
        session.write_audio(block(1920 * number, 48_000)).unwrap();
        refused(session.write_audio(block(1920 * number, 48_000)), ErrorKind::InvalidSpec, "times must rise");
    }
    let time = Timestamp::new(20_000, Rational::new(1, 48_000));
    let mono = AudioBlock::from_samples(&[&silence], "mono", 48_000, time).unwrap();
    let float = AudioBlock::from_samples(&[&[0.0_f32; 9], &[0.0; 9]], "stereo", 48_000, time).unwrap();
    for (result, message) in [
        (
            session.write_audio(block(20_000, 44_100)),
            "audio track 0 of the session expects 48000 Hz, and was given 44100 Hz",
        ),
        (session.write_audio(mono), "expects the layout stereo, and was given mono"),
        (session.write_audio(float), "expects samples of i16, and was given samples of f32"),
        (session.write_audio_to(1, block(20_000, 48_000)), "track 1, and the session has 1 tracks"),
    ] {
        refused(result, ErrorKind::InvalidSpec, message);
    }
    let report = session.finish().unwrap();
    let ledger = report.outputs[0].ledger.expect("video");
    assert_eq!((ledger.decoded, ledger.emitted, ledger.found), (10, 10, Some(10)));
    assert_eq!(report.outputs[0].audio_ledgers[0].encoded, 19_200);
    let expected: Vec<u8> = (0..10).flat_map(|number| vec![number; 64 * 48]).collect();
    assert!(planes(&path) == expected);
}

#[test]
fn an_aborted_session_leaves_nothing() {
    let folder = folder();
    let (job, shape) = grey(&named(&folder, "grey.mkv"));
    let control = Control::default();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    for number in 0..20 {
        session.write_frame(frame(number)).unwrap();
    }
    assert!(!names(folder.path()).is_empty(), "a part file, before the session is dropped");
    drop(session);
    assert_eq!(names(folder.path()), [""; 0]);
    assert!(!control.cancel.is_cancelled(), "the handle of the caller stays as it is");
    // An existing file also stays unchanged.
    fs::write(named(&folder, "grey.mkv"), "mine").unwrap();
    let mut job = job;
    refused(Session::open(&job, &shape, &control), ErrorKind::Io, "grey.mkv");
    job.overwrite();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    session.write_frame(frame(0)).unwrap();
    drop(session);
    assert_eq!(fs::read(named(&folder, "grey.mkv")).unwrap(), b"mine");
    // It is an error to end a session without frames, or without audio that the shape declares.
    let session = Session::open(&job, &shape, &control).unwrap();
    refused(session.finish(), ErrorKind::InvalidSpec, "frames were stated, and none was given");
    let mut shape = shape;
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    let mut session = Session::open(&job, &shape, &control).unwrap();
    session.write_frame(frame(0)).unwrap();
    refused(session.finish(), ErrorKind::InvalidSpec, "audio track 0 was stated, and no audio was given for it");
    assert_eq!(fs::read(named(&folder, "grey.mkv")).unwrap(), b"mine");
    assert_eq!(names(folder.path()), ["grey.mkv"]);
}

/// Writes frames, from number `frames` on, for up to 20 s. Returns the error of the first call that fails.
fn failing(session: &mut Session, frames: i64) -> Error {
    let began = Instant::now();
    for number in frames.. {
        if let Err(error) = session.write_frame(frame(number)) {
            return error;
        }
        thread::sleep(Duration::from_millis(10));
        assert!(began.elapsed() < Duration::from_secs(20), "the session goes on");
    }
    unreachable!("numbers do not end")
}

#[test]
fn a_failure_reaches_the_next_call_and_the_last_one() {
    let folder = folder();
    let below = named(&folder, "below");
    fs::create_dir(&below).unwrap();
    let (job, shape) = grey(&below.join("grey.mkv"));
    let mut session = begun(&job, &shape);
    session.write_frame(frame(0)).unwrap();
    // The job checks the folder once per second.
    fs::remove_dir_all(&below).unwrap();
    let error = failing(&mut session, 1);
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let message = error.to_string();
    assert!(message.contains("grey.mkv"), "{message}");
    assert_eq!(session.write_frame(frame(9999)).unwrap_err().to_string(), message);
    assert_eq!(session.finish().unwrap_err().to_string(), message);

    let (job, shape) = grey(&named(&folder, "grey.mkv"));
    let control = Control::default();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    control.cancel.cancel();
    assert_eq!(failing(&mut session, 0).kind(), ErrorKind::Cancelled);
    assert_eq!(session.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(names(folder.path()), [""; 0]);
}

/// A change to a job and its shape, and a part of the error.
type Case<'a> = (&'a dyn Fn(&mut Job, &mut Shape), &'a str);

#[test]
fn what_a_session_cannot_do_is_refused_before_it_begins() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, shape) = grey(&path);
    let changed = |change: &dyn Fn(&mut Job, &mut Shape)| {
        let (mut job, mut shape) = (job.clone(), shape.clone());
        change(&mut job, &mut shape);
        Session::open(&job, &shape, &Control::default())
    };
    let track = || TrackShape::new(48_000, "stereo", SampleType::F32);
    let cases: [Case<'_>; 12] = [
        (&|job, _| job.source.path = "master.mov".into(), "a session has no source"),
        (&|job, _| job.source.frames = Some(3), "a session has no source"),
        (&|job, _| job.outputs[0].video = VideoSettings::Copy, "no packets to copy"),
        (&|job, _| job.outputs[0].picture.crop = Crop::Auto, "black borders are measured"),
        (
            &|job, _| {
                let rate = Some(RateControl::Bitrate { kbps: 500, passes: 2 });
                job.outputs[0].video = VideoSettings::X264(EncodeSettings { rate, ..quick("") });
            },
            "a session encodes in one pass",
        ),
        (
            &|job, shape| {
                shape.audio.push(track());
                job.outputs[0].audio = AudioSettings::Flac;
                job.outputs[0].audio_shape.loudness = Some(LoudnessTarget::default());
            },
            "loudness is measured before a job runs",
        ),
        (&|_, shape| shape.video = None, "states neither frames nor audio"),
        (&|_, shape| shape.video.as_mut().unwrap().width = 0, "0x48 gray: is no size of a frame"),
        (&|_, shape| shape.video.as_mut().unwrap().rate = Rational::new(0, 1), "shape.video.rate"),
        (&|_, shape| shape.video.as_mut().unwrap().time_base = Some(Rational::new(0, 1)), "shape.video.time_base"),
        (&|_, shape| shape.audio.push(TrackShape { layout: "quadro".into(), ..track() }), "shape.audio[0].layout"),
        (
            &|_, shape| shape.audio.push(TrackShape { sample_rate: 10, bits: Some(33), ..track() }),
            "shape.audio[0].bits",
        ),
    ];
    for (change, message) in cases {
        refused(changed(change), ErrorKind::InvalidSpec, message);
        assert_eq!(names(folder.path()), [""; 0], "{message}");
    }
    let large = changed(&|_, shape| shape.video.as_mut().unwrap().width = 20_000);
    refused(large, ErrorKind::Limit, "20000x48");
}

#[test]
fn frames_keep_their_times_and_the_start_of_the_shape_is_time_zero() {
    let folder = folder();
    let path = named(&folder, "uneven.mkv");
    let (mut job, mut shape) = grey(&path);
    job.outputs[0].audio = AudioSettings::None;
    let base = Rational::new(1, 1000);
    let video = shape.video.as_mut().unwrap();
    (video.time_base, video.uneven) = (Some(base), true);
    shape.start = Timestamp::new(1, Rational::new(1, 1));
    let mut session = begun(&job, &shape);
    let times = [1000, 1033, 1070, 2000];
    for (number, time) in times.into_iter().enumerate() {
        let duration = (number == 3).then_some(Timestamp::new(500, base));
        session.write_frame(VideoFrame { time: Timestamp::new(time, base), duration, ..frame(number as i64) }).unwrap();
    }
    let report = session.finish().unwrap();
    assert_eq!(crate::support::times(&path, "v:0").0, [0, 33, 70, 1000]);
    assert_eq!(report.outputs[0].tracks[0].end, Some(Timestamp::new(1500, base)));
}

#[test]
fn the_events_of_a_session_end_as_those_of_a_job() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, shape) = grey(&path);
    let (control, events) = Control::with_events();
    let mut session = Session::open(&job, &shape, &control).unwrap();
    (0..5).for_each(|number| session.write_frame(frame(number)).unwrap());
    session.finish().unwrap();
    drop(control);
    let all: Vec<Event> = std::iter::from_fn(|| events.recv()).collect();
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(all.contains(&Event::OutputDone { path, bytes }), "{all:#?}");
    assert_eq!(all.last(), Some(&Event::JobEnded { error: None }));
}

#[test]
fn hdr_of_the_shape_goes_into_the_file() {
    let folder = folder();
    let options = "-c:v libx265 -preset ultrafast -x265-params colorprim=bt2020:transfer=smpte2084:\
                   colormatrix=bt2020nc:max-cll=1000,400:\
                   master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";
    let lavfi = Clip { frames: 6, ..Clip::of("yuv420p10le") }.lavfi();
    let clip = made_by_ffmpeg("session-hdr.mkv", &format!("{lavfi} {options}"));
    let path = named(&folder, "hdr.mkv");
    given(&video_job(&clip, &path, Encoder::X265, quick("")), &[]);
    let [read, written] = [&clip, &path].map(|path| {
        let source = Source::open(path).unwrap();
        let frame = source.frame(0).unwrap().expect("a frame");
        (frame.hdr, frame.color())
    });
    let light = read.0.light.expect("content light");
    assert_eq!((light.max, light.max_average), (1000, 400));
    assert_eq!(read.0.mastering.expect("a mastering display").max_luminance, Rational::new(1000, 1));
    assert_eq!((read.0, read.1.transfer.to_string().as_str()), (written.0, "smpte2084"));
    assert_eq!(read.1, written.1);
}
