//! Tests of copied frames: whole, cut at keyframes, or without frames that cannot be decoded. The output always has
//! frames of the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Job,
    media::time::{Rational, Timestamp},
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::{folder, media, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, number, text};

/// Returns a hash of each decoded frame, in display order.
fn frame_hashes(file: &Path) -> Vec<String> {
    frames_and(file, "")
}

/// As [`frame_hashes`]. The same call of ffmpeg also writes `outputs`.
fn frames_and(file: &Path, outputs: &str) -> Vec<String> {
    let line = format!(
        "{} -i {} -map 0:v:0 -fps_mode passthrough -f framemd5 - {outputs}",
        program::uncropped(),
        file.display()
    );
    let list = program::text(&program::ffmpeg(&line));
    let hash = |line: &str| line.rsplit(',').next().map(|hash| hash.trim().to_owned());
    list.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect()
}

fn copy(source: &Path, output: &Path) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::Copy;
    job
}

/// Makes four seconds at 25 frames per second with audio. Every twelfth frame is a keyframe. GOPs are open or closed.
fn film(codec: &str, open: bool) -> PathBuf {
    let flags = if open { "" } else { "-flags +cgop" };
    let options = match codec {
        "h264" => {
            format!("libx264 -preset veryfast -g 12 -bf 2 -sc_threshold 0 -x264-params open-gop={}", u8::from(open))
        }
        "hevc" => format!(
            "libx265 -preset ultrafast -x265-params keyint=12:min-keyint=12:bframes=2:scenecut=0:open-gop={}:log-level=none",
            u8::from(open)
        ),
        _ => format!("mpeg2video -g 12 -bf 2 -sc_threshold 1000000000 -q:v 2 {flags}"),
    };
    made_by_ffmpeg(
        &format!("groups-{codec}-{}.mkv", if open { "open" } else { "closed" }),
        &format!(
            "-f lavfi -i testsrc2=size=128x96:rate=25,format=yuv420p -f lavfi -i sine=sample_rate=48000 -t 4 -c:v {options} \
             -c:a pcm_s16le"
        ),
    )
}

#[test]
fn a_cut_copy_holds_the_frames_of_whole_gops_around_its_span() {
    let folder = folder();
    let at = |millis: i64| Some(Timestamp::new(millis, Rational::new(1, 1000)));
    for codec in ["h264", "hevc", "mpeg2video"] {
        for open in [false, true] {
            let source = film(codec, open);
            let all = frame_hashes(&source);
            assert_eq!(all.len(), 100, "{codec}");
            let json = ffprobe(&source, "-select_streams v:0 -show_packets");
            let keys: Vec<i64> = json["packets"]
                .as_array()
                .expect("packets")
                .iter()
                .filter(|packet| text(&packet["flags"]).starts_with('K'))
                .map(|packet| packet["pts"].as_i64().expect("a time"))
                .collect();
            for extension in ["mp4", "mkv", "ts"] {
                for (start, duration, frames) in [
                    (at(1100), at(1000), None),
                    (at(1100), None, None),
                    (None, at(1000), None),
                    (at(960), at(480), None),
                    (at(1500), None, Some(20)),
                ] {
                    let what = format!("{codec}, open {open}, {extension}, {start:?} {duration:?} {frames:?}");
                    let output = folder.path().join("cut").with_extension(extension);
                    let mut job = copy(&source, &output);
                    job.outputs[0].audio = if extension == "ts" { AudioSettings::None } else { AudioSettings::Flac };
                    job.outputs[0].overwrite = true;
                    (job.source.start, job.source.duration, job.source.frames) = (start, duration, frames);
                    let report = done(&job);
                    let raw = folder.path().join("samples");
                    let has_audio = extension != "ts";
                    let samples = format!("-map 0:a:0 -f s16le {}", raw.display());
                    let found = frames_and(&output, if has_audio { &samples } else { "" });
                    let place = all
                        .iter()
                        .position(|hash| *hash == found[0])
                        .unwrap_or_else(|| panic!("{what}: a strange frame"));
                    assert_eq!(all[place..place + found.len()], found, "{what}");
                    // The output begins with the last keyframe at or before the start.
                    let asked = start.map_or(0, |start| start.rescale(Rational::new(1, 1000)));
                    let key = keys.iter().copied().filter(|key| *key <= asked.max(keys[0])).max().expect("a keyframe");
                    assert_eq!(place as i64 * 40, key, "{what}");
                    // It contains the whole requested range, and at most one GOP more.
                    let end = place as i64 * 40 + found.len() as i64 * 40;
                    let wanted = match (duration, frames) {
                        (Some(duration), _) => asked + duration.rescale(Rational::new(1, 1000)),
                        (None, Some(frames)) => key + frames as i64 * 40,
                        (None, None) => 4000,
                    };
                    assert!(end >= wanted && end < wanted + 13 * 40, "{what}: ends at {end} for {wanted}");
                    if has_audio {
                        let samples = fs::metadata(&raw).expect("samples").len() as i64 / 2;
                        let expected = found.len() as i64 * 1920;
                        assert!(
                            (samples - expected).abs() <= 48,
                            "{what}: {samples} samples for {} frames",
                            found.len()
                        );
                    }
                    let stated = report.outputs[0]
                        .plan
                        .decisions
                        .iter()
                        .any(|decision| decision.what.contains("the copy begins at"));
                    assert_eq!(stated, start.is_some(), "{what}");
                }
            }
        }
    }
}

#[test]
fn undecodable_leading_frames_are_left_out_and_counted() {
    let folder = folder();
    for (name, leading) in [("bbb_2500ms.ts", 0), ("avts.mts", 2)] {
        let Some(source) = media::file(name) else { return };
        let all = frame_hashes(&source);
        for extension in ["mp4", "mov", "mkv", "ts"] {
            let output = folder.path().join(name).with_extension(extension);
            let mut job = copy(&source, &output);
            job.outputs[0].audio = AudioSettings::None;
            let report = done(&job);
            assert_eq!(
                report.outputs[0].plan.video_copy.as_ref().map(|copy| copy.leading),
                Some(leading),
                "{name} in {extension}"
            );
            let noted = report.outputs[0].plan.notes.iter().any(|note| note.contains("are left out"));
            assert_eq!(noted, leading > 0, "{name} in {extension}");
            let found = frame_hashes(&output);
            assert!(found.len() > 50, "{name} in {extension}");
            assert_eq!(found, all[all.len() - found.len()..], "{name} in {extension}");
        }
    }
}

#[test]
fn frames_before_the_first_keyframe_that_need_nothing_else_are_kept() {
    let folder = folder();
    for name in ["hdv-1080p25.mov", "xdcam-ex-1080i50.mov"] {
        let Some(source) = media::file(name) else { return };
        let all = frame_hashes(&source);
        for extension in ["mp4", "mov", "mkv", "ts", "mxf"] {
            let output = folder.path().join(name).with_extension(extension);
            let report = done(&copy(&source, &output));
            assert_eq!(frame_hashes(&output), all, "{name} in {extension}");
            assert_eq!(
                report.outputs[0].plan.video_copy.as_ref().map(|copy| copy.leading),
                Some(0),
                "{name} in {extension}"
            );
            if matches!(extension, "mp4" | "mov" | "mkv") {
                let first: f64 = number(&ffprobe(&output, "-select_streams v:0 -show_frames")["frames"][0]["pts_time"]);
                assert_eq!(first, 0.0, "{name} in {extension}");
            }
        }
    }
}

#[test]
fn copied_audio_is_cut_at_packets() {
    let source = made_by_ffmpeg(
        "cut-audio.mkv",
        "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i sine=sample_rate=48000 -t 4 -c:v mpeg2video -g 25 -bf 0 -c:a ac3",
    );
    let folder = folder();
    let packets = |file: &Path| {
        let line = format!("-i {} -map 0:a -c copy -f framehash -hash md5 -", file.display());
        let list = program::text(&program::ffmpeg(&line));
        // Stream, times, length, size, hash, then side data of the packet.
        let hash = |line: &str| line.split(',').nth(5).map(|hash| hash.trim().to_owned());
        list.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect::<Vec<_>>()
    };
    let all = packets(&source);
    for extension in ["mkv", "mp4", "ts"] {
        let output = folder.path().join("cut").with_extension(extension);
        let mut job = copy(&source, &output);
        job.source.start = Some(Timestamp::new(3, Rational::new(1, 2)));
        job.source.duration = Some(Timestamp::new(1, Rational::new(1, 1)));
        done(&job);
        let found = packets(&output);
        let place = all.iter().position(|hash| *hash == found[0]).expect("a packet of the source");
        assert_eq!(all[place..place + found.len()], found, "{extension}");
        // From 1 s to 3 s in packets of 32 ms. If the container can hide packets, the output also has the packets that
        // overlap the range, and one more for the decoder.
        let (count, first) = if extension == "ts" { (61..=63, 31..=32) } else { (64..=65, 30..=31) };
        assert!(count.contains(&found.len()), "{extension}: {} packets", found.len());
        assert!(first.contains(&place), "{extension}: begins with packet {place}");
    }
}

#[test]
fn hidden_frames_of_vp9_stay_with_the_frame_that_shows_them() {
    let Some(source) = media::file("roadtrip-vp92-10bit.webm") else { return };
    let folder = folder();
    for extension in ["webm", "mkv", "mp4"] {
        let output = folder.path().join("vp9").with_extension(extension);
        done(&copy(&source, &output));
        assert_eq!(frame_hashes(&output), frame_hashes(&source), "{extension}");
        let json = ffprobe(&output, "-count_packets -show_streams");
        assert_eq!(text(&json["streams"][0]["nb_read_packets"]), "72", "{extension}");
    }
}
