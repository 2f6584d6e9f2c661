//! Tests that every audio track is there, in order and with its language, that lossless codecs return every sample, and
//! that audio stays in sync with the video.

use std::path::{Path, PathBuf};

use trix_core::{
    Job,
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::{folder, master, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, mediainfo, number, quick, samples, text};

fn job(source: &Path, output: &Path, audio: AudioSettings) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X264(quick("threads=1"));
    job.outputs[0].audio = audio;
    job
}

#[test]
fn tracks_keep_their_order_language_and_default() {
    let folder = folder();
    for (extension, audio, codec) in [
        ("mp4", AudioSettings::Aac { kbps: Some(96) }, "aac"),
        ("mov", AudioSettings::Aac { kbps: Some(96) }, "aac"),
        ("mkv", AudioSettings::Aac { kbps: Some(96) }, "aac"),
        ("mp4", AudioSettings::Flac, "flac"),
        ("mkv", AudioSettings::Flac, "flac"),
        ("mov", AudioSettings::Pcm, "pcm_s24le"),
        ("mkv", AudioSettings::Pcm, "pcm_s24le"),
        ("mov", AudioSettings::Copy, "pcm_s24le"),
        ("mkv", AudioSettings::Copy, "pcm_s24le"),
    ] {
        let output = folder.path().join(format!("{codec}-{audio}").replace(':', "-")).with_extension(extension);
        done(&job(&master(), &output, audio));
        let json = ffprobe(&output, "-select_streams a -show_streams");
        let streams = json["streams"].as_array().expect("streams");
        let what = format!("{audio} in {extension}");
        assert_eq!(streams.len(), 2, "{what}");
        for (stream, language) in streams.iter().zip(["eng", "rus"]) {
            assert_eq!(text(&stream["codec_name"]), codec, "{what}");
            assert_eq!(text(&stream["tags"]["language"]), language, "{what}");
            assert_eq!(
                (text(&stream["sample_rate"]), stream["channels"].as_u64()),
                ("48000".into(), Some(2)),
                "{what}"
            );
        }
        let default: Vec<Option<u64>> =
            streams.iter().map(|stream| stream["disposition"]["default"].as_u64()).collect();
        assert_eq!(default, [Some(1), Some(0)], "{what}");
        let languages: Vec<String> = mediainfo(&output, "Audio").iter().map(|track| text(&track["Language"])).collect();
        assert_eq!(languages, ["en", "ru"], "{what} by mediainfo");
    }
}

#[test]
fn lossless_audio_gives_every_sample_back() {
    let folder = folder();
    let sine = "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i anoisesrc=r=44100:seed=3:d=1 -t 1 -c:v ffv1";
    for (name, codec, format) in [
        ("16", "pcm_s16le", "s16le"),
        ("24", "pcm_s24le", "s32le"),
        ("32", "pcm_s32le", "s32le"),
        ("float", "pcm_f32le", "f32le"),
    ] {
        let source = made_by_ffmpeg(&format!("noise-{name}.mkv"), &format!("{sine} -c:a {codec}"));
        for (extension, audio) in [
            ("mp4", AudioSettings::Flac),
            ("mkv", AudioSettings::Flac),
            ("mov", AudioSettings::Pcm),
            ("mkv", AudioSettings::Pcm),
            ("mov", AudioSettings::Copy),
        ] {
            // FLAC in this FFmpeg has at most 24 bits and no floating point.
            if audio == AudioSettings::Flac && matches!(name, "32" | "float") {
                continue;
            }
            let output = folder.path().join(format!("{name}-{audio}")).with_extension(extension);
            done(&job(&source, &output, audio));
            let (ours, theirs) = (samples(&output, 0, format), samples(&source, 0, format));
            assert_eq!(theirs.len() % 44_100, 0, "a whole second");
            assert_eq!(ours.len(), theirs.len(), "{name} bits, {audio} in {extension}");
            assert!(ours == theirs, "{name} bits, {audio} in {extension}: samples differ");
        }
    }
}

#[test]
fn copied_audio_is_the_same_packets() {
    let source = made_by_ffmpeg(
        "copied.mkv",
        "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i sine=sample_rate=48000 -f lavfi -i sine=frequency=900 \
         -map 0 -map 1 -map 2 -t 1 -c:v ffv1 -c:a:0 aac -c:a:1 libmp3lame",
    );
    let packets = |file: &Path| {
        let line = format!("-i {} -map 0:a -c copy -f streamhash -hash md5 -", file.display());
        program::text(&program::ffmpeg(&line))
    };
    let folder = folder();
    for extension in ["mp4", "mov", "mkv"] {
        let output = folder.path().join("copy").with_extension(extension);
        done(&job(&source, &output, AudioSettings::Copy));
        assert_eq!(packets(&output), packets(&source), "{extension}");
        assert_eq!(packets(&output).lines().count(), 2, "{extension}");
    }
}

/// Makes a video stream, and an audio stream with a click after 0.7 s. Each stream can begin later than the other.
fn click(name: &str, video_offset: &str, audio_offset: &str) -> PathBuf {
    made_by_ffmpeg(
        &format!("click-{name}.mkv"),
        &format!(
            "-itsoffset {video_offset} -f lavfi -i testsrc2=size=64x64:rate=25:d=2 -itsoffset {audio_offset} \
             -f lavfi -i aevalsrc=0.9*lt(abs(t-0.7)\\,0.0003):s=48000:d=2 -map 0 -map 1 -c:v ffv1 -c:a pcm_s16le"
        ),
    )
}

/// Returns the seconds from the first frame to the click, as a decoder presents them.
fn click_after_frame(file: &Path) -> f64 {
    let json = ffprobe(file, "-show_frames");
    let frames = json["frames"].as_array().expect("frames");
    let first = |kind: &str| -> f64 {
        number(&frames.iter().find(|frame| frame["media_type"] == kind).expect("a frame")["pts_time"])
    };
    let loud: Vec<usize> = samples(file, 0, "s16le")
        .chunks(2)
        .map(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs())
        .enumerate()
        .filter(|(_, level)| *level > 12_000)
        .map(|(at, _)| at)
        .collect();
    assert!(!loud.is_empty(), "{}: no click", file.display());
    let middle = loud.iter().sum::<usize>() as f64 / loud.len() as f64;
    first("audio") + middle / 48_000.0 - first("video")
}

#[test]
fn audio_and_video_stay_in_step_whichever_begins_first() {
    let folder = folder();
    for (name, video, audio, expected) in
        [("together", "0", "0", 0.7), ("late-audio", "0", "0.5", 1.2), ("late-video", "0.52", "0", 0.18)]
    {
        let source = click(name, video, audio);
        let before = click_after_frame(&source);
        assert!((before - expected).abs() < 0.001, "{name}: the source's click is at {before}");
        for (extension, settings) in [
            ("mp4", AudioSettings::Aac { kbps: Some(192) }),
            ("mov", AudioSettings::Aac { kbps: Some(192) }),
            ("mkv", AudioSettings::Aac { kbps: Some(192) }),
            ("mp4", AudioSettings::Flac),
            ("mkv", AudioSettings::Flac),
            ("mov", AudioSettings::Pcm),
            ("mkv", AudioSettings::Pcm),
            ("mov", AudioSettings::Copy),
            ("mkv", AudioSettings::Copy),
            ("ts", AudioSettings::Aac { kbps: Some(192) }),
            ("mxf", AudioSettings::Pcm),
            ("mxf", AudioSettings::Copy),
        ] {
            let output = folder.path().join(format!("{name}-{settings}").replace(':', "-")).with_extension(extension);
            let mut job = job(&source, &output, settings);
            if extension == "mxf" {
                job.outputs[0].video = VideoSettings::X264(quick("threads=1 bframes=0"));
            }
            done(&job);
            let after = click_after_frame(&output);
            assert!((after - before).abs() < 0.001, "{name}, {settings} in {extension}: {after} s for {before} s");
        }
    }
}

#[test]
fn aac_plays_as_many_samples_as_the_source_has() {
    let source = click("together", "0", "0");
    let folder = folder();
    for extension in ["mp4", "mov"] {
        let output = folder.path().join("aac").with_extension(extension);
        done(&job(&source, &output, AudioSettings::Aac { kbps: Some(192) }));
        let stream = ffprobe(&output, "-select_streams a:0 -show_streams")["streams"][0].clone();
        let duration: f64 = number(&stream["duration"]);
        assert!((duration - 2.0).abs() < 0.0005, "{extension}: the track lasts {duration} s");
        let count = samples(&output, 0, "s16le").len() / 2;
        assert!((96_000..96_000 + 1024).contains(&count), "{extension}: {count} samples");
    }
}
