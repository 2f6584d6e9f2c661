//! Tests of the lead that one stream of a session can have over another. The session rejects input that is too far
//! ahead, does not store it, and never waits for other input.

use std::{env, fs, path::Path};

use serde_json::json;
use trix_core::{
    AudioBlock, Control, Error, ErrorKind, Job, PlaneInput, Session, SessionSettings, SessionStream, Stage, VideoFrame,
    media::{
        PixelFormat,
        format::SampleType,
        time::{Rational, Timestamp},
    },
    settings::{
        audio::AudioSettings,
        job::OutputSettings,
        shape::{Shape, TrackShape, VideoShape},
        video::{EncodeSettings, RateControl, VideoSettings},
    },
};
use trix_fixtures::folder;

use crate::support::{
    alone, ffprobe, number, planes, quick, samples,
    sessions::{RATE, audio, begun, block, frame, grey, named, names, refused},
    text,
};

const FRAMES: SessionStream = SessionStream::Frames;
const AUDIO: SessionStream = SessionStream::Audio(0);

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::new(seconds, Rational::new(1, 1))
}

/// A job with grey frames and one audio track.
fn with_audio(path: &Path) -> (Job, Shape) {
    let (mut job, mut shape) = grey(path);
    job.outputs[0].audio = AudioSettings::Pcm;
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    (job, shape)
}

fn open_with(job: &Job, shape: &Shape, lead: Timestamp) -> Result<Session, Error> {
    Session::open_with(job, shape, &SessionSettings { lead }, &Control::default())
}

/// The bytes of frames 0 to `frames`. Each frame has one colour.
fn expected(frames: i64) -> Vec<u8> {
    (0..frames).flat_map(|number| vec![number as u8; 64 * 48]).collect()
}

/// The bytes of the audio for frames 0 to `frames`.
fn heard(frames: i64) -> Vec<u8> {
    let block = audio(0, 1920 * frames as usize);
    let plane = block.channel::<i16>(0).unwrap();
    plane.iter().flat_map(|sample| [sample.to_le_bytes(), sample.to_le_bytes()].concat()).collect()
}

/// Writes 300 frames and their audio alternately. Returns the bytes of the file.
fn in_step(path: &Path) -> Vec<u8> {
    let (job, shape) = with_audio(path);
    let mut session = begun(&job, &shape);
    for number in 0..300 {
        session.write_frame(frame(number)).unwrap();
        session.write_audio(block(number)).unwrap();
    }
    session.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn a_stream_that_is_too_far_ahead_is_refused_until_the_other_has_caught_up() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, shape) = with_audio(&path);
    let mut session = begun(&job, &shape);
    let mut next = 0;
    while session.has_room(FRAMES) {
        session.write_frame(frame(next)).unwrap();
        next += 1;
    }
    // The frame that begins at five seconds is the last one that the session accepts.
    assert_eq!((next, session.behind()), (126, Some(AUDIO)));
    for _ in 0..2 {
        let error = session.write_frame(frame(next)).unwrap_err();
        assert_eq!((error.kind(), error.stage(), error.stream()), (ErrorKind::Limit, Stage::Encode, Some(0)));
        assert_eq!(error.time(), Some(Timestamp::new(next, RATE.inverse())));
        let message = error.to_string();
        for part in [
            "(session): encode, stream 0, at 00:00:05.040: the frames are 00:00:05.040 ahead of audio track 0",
            "the limit of the session is 00:00:05.000",
            "give audio track 0 first, and then this frame again, or call `end_audio(0)`",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
    session.write_audio(block(0)).unwrap();
    session.write_frame(frame(next)).unwrap();
    refused(session.write_frame(frame(next + 1)), ErrorKind::Limit, "the frames are 00:00:05.040 ahead");
    // Now the audio. The session accepts a block of any length if audio is not ahead.
    session.write_audio(audio(1, 1920 * 299)).unwrap();
    assert_eq!(session.behind(), Some(FRAMES));
    refused(session.write_audio(block(300)), ErrorKind::Limit, "audio track 0 is 00:00:06.920 ahead of the frames");
    for number in next + 1..300 {
        session.write_frame(frame(number)).unwrap();
    }
    let report = session.finish().unwrap();
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(300));
    assert!(planes(&path) == expected(300));
    assert!(samples(&path, 0, "s16le") == heard(300));
}

#[test]
fn packets_are_in_order_of_time_however_the_streams_were_given() {
    let folder = folder();
    let together = in_step(&named(&folder, "together.mkv"));
    let path = named(&folder, "apart.mkv");
    let (job, shape) = with_audio(&path);
    for round in 0..4 {
        let mut job = job.clone();
        job.overwrite();
        let mut session = begun(&job, &shape);
        let (mut frames, mut blocks) = (0, 0);
        // Write each stream as far as the session accepts it, in turn.
        while frames < 300 || blocks < 300 {
            while frames < 300 && session.has_room(FRAMES) {
                session.write_frame(frame(frames)).unwrap();
                frames += 1;
            }
            while blocks < 300 && session.has_room(AUDIO) {
                session.write_audio(block(blocks)).unwrap();
                blocks += 1;
            }
        }
        session.finish().unwrap();
        assert!(fs::read(&path).unwrap() == together, "round {round}");
    }
    let json = ffprobe(&path, "-show_packets");
    let mut last = f64::MIN;
    for packet in json["packets"].as_array().expect("packets") {
        let time: f64 = number(&packet["dts_time"]);
        // Matroska rounds to milliseconds.
        assert!(time > last - 0.002, "{} at {time}, after {last}", text(&packet["codec_type"]));
        last = time;
    }
}

#[test]
fn the_stream_that_is_furthest_behind_is_never_refused() {
    let folder = folder();
    let path = named(&folder, "grey.mkv");
    let (job, mut shape) = with_audio(&path);
    shape.audio.push(TrackShape::new(48_000, "stereo", SampleType::I16));
    let mut session = open_with(&job, &shape, seconds(0)).unwrap();
    let mut given = [0; 3];
    while let Some(stream) = session.behind() {
        let at = match stream {
            SessionStream::Frames => 0,
            SessionStream::Audio(track) => track + 1,
        };
        let number = given[at];
        match stream {
            SessionStream::Frames if number == 50 => session.end_frames().unwrap(),
            SessionStream::Audio(track) if number >= 50 => session.end_audio(track).unwrap(),
            SessionStream::Frames => session.write_frame(frame(number)).unwrap(),
            // Blocks of the length of one frame and of five frames.
            SessionStream::Audio(track) => {
                let frames = if track == 0 { 1 } else { 5 };
                session.write_audio_to(track, audio(number, 1920 * frames)).unwrap();
                given[at] += frames as i64 - 1;
            }
        }
        given[at] += 1;
    }
    session.finish().unwrap();
    assert!(planes(&path) == expected(50));
    for track in 0..2 {
        assert!(samples(&path, track, "s16le") == heard(50), "track {track}");
    }
}

#[test]
fn a_stream_that_has_ended_holds_nothing_back() {
    let folder = folder();
    for (name, frames, blocks) in [("short-audio.mkv", 700, 25), ("short-frames.mkv", 25, 700), ("a.mxf", 700, 25)] {
        let path = named(&folder, name);
        let (mut job, mut shape) = with_audio(&path);
        let is_mxf = name.ends_with("mxf");
        let format = PixelFormat::from_name("yuv422p10le").unwrap();
        if is_mxf {
            job.outputs[0].video = VideoSettings::Prores(Default::default());
            shape.video = Some(VideoShape::new(64, 48, format, RATE));
        }
        let plane = [500; 64 * 48];
        let inputs = [64, 32, 32].map(|stride| PlaneInput::words(&plane, stride));
        let made = |number: i64| match is_mxf {
            true => {
                let time = Timestamp::new(number, RATE.inverse());
                VideoFrame::from_planes(format, 64, 48, &inputs, time).unwrap()
            }
            false => frame(number),
        };
        let mut session = begun(&job, &shape);
        for number in 0..frames.max(blocks) {
            if number < frames {
                session.write_frame(made(number)).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            if number == frames {
                session.end_frames().unwrap();
                refused(session.end_frames(), ErrorKind::InvalidSpec, "has ended the frames before");
                refused(session.write_frame(frame(number)), ErrorKind::InvalidSpec, "has ended the frames before");
            }
            if number < blocks {
                session.write_audio(block(number)).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            if number == blocks {
                session.end_audio(0).unwrap();
                refused(session.end_audio(0), ErrorKind::InvalidSpec, "has ended audio track 0 before");
                refused(session.write_audio(block(number)), ErrorKind::InvalidSpec, "has ended audio track 0 before");
            }
        }
        refused(session.end_audio(1), ErrorKind::InvalidSpec, "the session has not stated audio track 1");
        let report = session.finish().unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = &report.outputs[0];
        assert_eq!(output.ledger.expect("video").found, Some(frames as u64), "{name}");
        assert_eq!(output.audio_ledgers[0].encoded, 1920 * blocks as u64, "{name}");
        let own = samples(&path, 0, "s16le");
        let length = if is_mxf { frames } else { blocks };
        assert_eq!(own.len() as i64, 4 * 1920 * length, "{name}");
        assert!(own[..4 * 1920 * blocks as usize] == heard(blocks), "{name}");
    }
}

#[test]
fn audio_may_begin_late_and_streams_of_different_files_are_free() {
    let folder = folder();
    // The first block begins at 20 seconds, and silence fills the gap.
    let path = named(&folder, "late.mkv");
    let (job, shape) = with_audio(&path);
    let mut session = begun(&job, &shape);
    session.write_audio(block(500)).unwrap();
    for number in 0..525 {
        session.write_frame(frame(number)).unwrap();
    }
    for number in 501..525 {
        session.write_audio(block(number)).unwrap();
    }
    session.finish().unwrap();
    let own = samples(&path, 0, "s16le");
    assert_eq!(own.len(), 4 * 1920 * 525);
    assert!(own[..4 * 1920 * 500].iter().all(|byte| *byte == 0));
    assert!(own[4 * 1920 * 500..] == heard(525)[4 * 1920 * 500..]);

    // Frames and audio go to separate files, so the test can write one after the other.
    let (mut job, shape) = with_audio(&named(&folder, "frames.mkv"));
    job.outputs[0].audio = AudioSettings::None;
    let audio = named(&folder, "audio.mkv");
    job.outputs.push(OutputSettings {
        path: audio.clone(),
        video: VideoSettings::None,
        audio: AudioSettings::Pcm,
        ..OutputSettings::default()
    });
    let mut session = begun(&job, &shape);
    (0..300).for_each(|number| session.write_frame(frame(number)).unwrap());
    (0..300).for_each(|number| session.write_audio(block(number)).unwrap());
    session.finish().unwrap();
    assert!(planes(&named(&folder, "frames.mkv")) == expected(300));
    assert!(samples(&audio, 0, "s16le") == heard(300));
}

#[test]
fn the_limit_is_a_setting_and_the_plan_counts_what_may_wait() {
    let folder = folder();
    let (job, shape) = with_audio(&named(&folder, "grey.mkv"));
    for lead in [seconds(-1), seconds(3601), Timestamp::new(-1, Rational::new(1, 1000))] {
        refused(open_with(&job, &shape, lead), ErrorKind::InvalidSpec, "session.lead");
    }
    let taken = |lead| {
        let mut session = open_with(&job, &shape, lead).unwrap();
        let memory = session.plan().memory.clone();
        let taken = (0..).take_while(|number| session.write_frame(frame(*number)).is_ok()).count();
        let what = |name: &str| memory.shares.iter().find(|share| share.what == name).expect("a share").bytes;
        assert!(memory.estimate == memory.shares.iter().map(|share| share.bytes).sum::<u64>());
        // One frame at the caller, one in the first stage, and no decoder.
        assert!(what("source") >= 2 * 64 * 48, "{memory:?}");
        assert!(memory.shares.iter().all(|share| share.what != "decoder"), "{memory:?}");
        let said = &session.plan().decisions;
        let message = format!("frames and audio may be given {lead} apart");
        assert!(said.iter().any(|decision| decision.what == message), "{said:?}");
        (taken, what("grey.mkv"))
    };
    let [short, usual, long] = [seconds(1), seconds(5), seconds(60)].map(taken);
    assert_eq!([short.0, usual.0, long.0], [26, 126, 1501]);
    // The raw frames of 55 seconds, rounded up to 64 x 96 bytes each, and their audio.
    let more: u64 = 55 * (25 * 64 * 96 + 4 * 2 * 48_000);
    assert!((long.1 - usual.1).abs_diff(more) <= 1, "{} for {more}", long.1 - usual.1);
    assert_eq!(names(folder.path()), [""; 0]);
    // Without audio, no stream waits for another.
    let (job, shape) = grey(&named(&folder, "grey.mkv"));
    let session = begun(&job, &shape);
    assert!(session.plan().decisions.is_empty(), "{:?}", session.plan().decisions);
}

#[test]
fn the_plan_counts_what_may_wait_in_a_package() {
    let folder = folder();
    let (mut job, shape) = with_audio(&named(&folder, "grey.mkv"));
    job.outputs.clear();
    let package = json!({
        "path": named(&folder, "package"),
        "segment": "1",
        "ladder": [{ "height": 48, "video": { "type": "x264", "rate": { "type": "bitrate", "kbps": 80 } } }],
        "audio": { "type": "aac", "kbps": 128 },
    });
    job.packages = serde_json::from_value(json!([package])).unwrap();
    let share = |lead| {
        let session = open_with(&job, &shape, seconds(lead)).unwrap();
        let shares = session.plan().memory.shares.clone();
        shares.iter().find(|share| share.what == "package").expect("a share").bytes
    };
    // Twice the mean rate of the frames, and a byte for each sample of the audio.
    let more: u64 = 55 * (2 * 10_000 + 2 * 48_000);
    assert!((share(60) - share(5)).abs_diff(more) <= 2, "{} for {more}", share(60) - share(5));
}

/// Environment variable that states how to write the streams of the session, and the duration in seconds.
const GIVEN: &str = "TRIX_TEST_SESSION_GIVEN";

/// Runs the session that the environment variable describes. Prints the peak memory of this process and the estimate.
#[test]
#[ignore = "the test below runs it in a process of its own"]
fn a_session_in_a_process() {
    let Some(given) = env::var_os(GIVEN) else { return };
    let given = given.to_string_lossy().into_owned();
    let (how, length) = given.split_once(' ').expect("how, and how long");
    let frames = 25 * length.parse::<i64>().expect("seconds");
    let folder = folder();
    // MXF interleaves audio with every frame.
    let (name, video, format) = match how {
        "mxf" => {
            // Only keyframes, because all frames are equal.
            let (rate, gop) = (Some(RateControl::Qp { value: 10 }), Some(1));
            ("noise.mxf", VideoSettings::X264(EncodeSettings { rate, gop, ..quick("bframes=0") }), "yuv420p")
        }
        _ => ("noise.mkv", VideoSettings::Ffv1(Default::default()), "gray"),
    };
    let (mut job, mut shape) = with_audio(&named(&folder, name));
    job.outputs[0].video = video;
    let format = PixelFormat::from_name(format).unwrap();
    shape.video = Some(VideoShape::new(384, 288, format, RATE));
    // A linear congruential generator with the constants of Knuth's MMIX. Noise does not compress.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let samples: Vec<u8> = (0..384 * 288).map(|_| noise()).collect();
    let strides: &[usize] = if how == "mxf" { &[384, 192, 192] } else { &[384] };
    let planes: Vec<PlaneInput<'_>> = strides.iter().map(|stride| PlaneInput::bytes(&samples, *stride)).collect();
    let made = VideoFrame::from_planes(format, 384, 288, &planes, seconds(0)).unwrap();
    let at = |number: i64| VideoFrame { time: Timestamp::new(number, RATE.inverse()), ..made.clone() };
    let first_block = block(0);
    let audio_at = |number: i64| AudioBlock {
        time: Timestamp::new(1920 * number, Rational::new(1, 48_000)),
        ..first_block.clone()
    };
    let mut session = begun(&job, &shape);
    let estimate = session.plan().memory.estimate;
    let mut blocks = 0;
    for number in 0..frames {
        match how {
            // As far ahead as the session accepts.
            "ahead" => {
                while !session.has_room(FRAMES) {
                    session.write_audio(audio_at(blocks)).unwrap();
                    blocks += 1;
                }
            }
            // The audio ends after one second.
            "ended" | "mxf" if number < 25 => session.write_audio(audio_at(number)).unwrap(),
            "ended" | "mxf" if number == 25 => session.end_audio(0).unwrap(),
            _ => {}
        }
        session.write_frame(at(number)).unwrap();
    }
    if how == "ahead" {
        session.end_frames().unwrap();
        (blocks..frames).for_each(|number| session.write_audio(audio_at(number)).unwrap());
    }
    session.finish().unwrap();
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM"));
    println!("estimate: {estimate}");
}

/// Runs the session in its own process. Returns peak memory and estimate in bytes.
fn peak(given: &str) -> (u64, u64) {
    let said = alone(module_path!(), "a_session_in_a_process", &[(GIVEN, Path::new(given))]);
    let after = |name| said.lines().find_map(|line| line.split_once(name)).expect("a figure").1.trim();
    let kilobytes: u64 = after("VmHWM:").trim_end_matches(" kB").parse().expect("a number");
    (kilobytes << 10, after("estimate:").parse().expect("a number"))
}

#[test]
fn memory_does_not_grow_with_the_length_of_a_session_and_stays_below_the_estimate() {
    for how in ["ahead", "ended", "mxf"] {
        let ((short, estimate), (long, _)) = (peak(&format!("{how} 10")), peak(&format!("{how} 40")));
        // Another half minute of frames has 83 MB in FFV1, and about as much in H.264.
        assert!(long < short + (30 << 20), "{how}: {short} bytes for 10 s, and {long} for 40 s");
        assert!(long < estimate, "{how}: {long} bytes, and an estimate of {estimate}");
    }
}
