//! Tests of cuts far behind the start of a source. Trix seeks instead of reading from the start, and must return the
//! same frames and audio.
//!
//! `TRIX_SEEKS` is the number of cuts in each file.

use std::path::{Path, PathBuf};

use trix_core::{
    Job, Report,
    media::time::{Rational, Timestamp},
    settings::{
        audio::AudioSettings,
        picture::Deinterlace,
        still::{PosterSettings, StillSettings},
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::folder;

use crate::support::{done, ffprobe, made_by_ffmpeg, planes, quick, samples, video_job};

/// More than twice the distance from which Trix seeks.
const FILM: &str = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=66,noise=alls=9:allf=t";
const AUDIO: &str = "-f lavfi -i aevalsrc=0.4*sin(t*3000)+0.3*random(0)|0.5*sin(t*t*90):s=48000:d=66";
const FRAMES: u64 = 66 * 25;
const FRAME: usize = 128 * 96 * 3 / 2;
/// Bytes of audio for one frame: 1920 samples of two channels with 4 bytes each.
const SAMPLES: usize = 1920 * 2 * 4;

fn made(name: &str, line: &str) -> PathBuf {
    made_by_ffmpeg(&format!("landing-{name}"), line)
}

/// The time of `count` frames of the film.
fn frames(count: u64) -> Timestamp {
    Timestamp::new(count as i64, Rational::new(1, 25))
}

fn job(file: &Path, output: &Path, audio: AudioSettings) -> Job {
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
    let mut job = video_job(file, output, Encoder::X264, settings);
    job.outputs[0].audio = audio;
    // Deinterlacers look at neighbouring frames, and the first frame of a cut has none before it.
    job.outputs[0].picture.deinterlace = Deinterlace::Off;
    job.outputs[0].overwrite = true;
    job
}

/// Start frames of cuts: just where Trix begins to seek, near the end, and between.
fn cuts() -> Vec<u64> {
    let count = std::env::var("TRIX_SEEKS").map_or(5, |text| text.parse().expect("TRIX_SEEKS is a number"));
    let mut draw = 7u64;
    let mut all = vec![FRAMES - 3, 35 * 25];
    all.extend((2..count).map(|_| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        35 * 25 + (draw >> 33) % (30 * 25)
    }));
    all
}

/// Cuts `file` at several places and compares frames and samples with those of the whole file.
fn compare(file: &Path, audio: AudioSettings, is_near: bool) -> Vec<Report> {
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let folder = folder();
    let (whole, part) = (folder.path().join("whole.mkv"), folder.path().join("part.mkv"));
    done(&job(file, &whole, audio));
    let all = planes(&whole);
    let frame = all.len() / FRAMES as usize;
    assert_eq!(all.len(), frame * FRAMES as usize, "{name}");
    let is_heard = audio != AudioSettings::None;
    let heard = if is_heard { samples(&whole, 0, "s32le") } else { Vec::new() };
    let mut reports = Vec::new();
    for first in cuts() {
        let count = 4.min(FRAMES - first);
        let mut job = job(file, &part, audio);
        (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(count)));
        let report = done(&job);
        let seek = report.seek.as_ref().expect("a cut begins somewhere");
        assert_eq!(seek.from_start, None, "{name} at {first}");
        assert_eq!(seek.known_from.is_some(), is_near, "{name} at {first}: {seek:?}");
        let range = first as usize * frame..(first + count) as usize * frame;
        assert!(planes(&part) == all[range], "frames of {name} at {first}");
        if is_heard {
            let place = |frame: u64| (frame as usize * SAMPLES).min(heard.len());
            let range = place(first)..place(first + count);
            let found = samples(&part, 0, "s32le");
            assert!(found == heard[range.clone()], "samples of {name} at {first}: {} of {}", found.len(), range.len());
        }
        reports.push(report);
    }
    reports
}

fn x264(options: &str) -> String {
    format!("-c:v libx264 -preset veryfast -x264-params {options}")
}

#[test]
fn frames_far_behind_the_start() {
    let open = x264("keyint=40:open-gop=1:bframes=3:b-pyramid=normal");
    let fields = x264("keyint=30:tff=1:bframes=2");
    // GOPs longer than the first step back.
    let long = x264("keyint=250:min-keyint=250:scenecut=0:bframes=2");
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=50:open-gop=1:bframes=4";
    let mpeg2 = "-c:v mpeg2video -g 15 -bf 2 -b:v 2M";
    for (name, options, containers) in [
        ("open", open.as_str(), &["mkv", "ts", "mp4"][..]),
        ("fields", &fields, &["mkv", "ts", "mov"]),
        ("long", &long, &["mkv", "ts"]),
        ("hevc", hevc, &["mkv", "ts", "mp4"]),
        ("mpeg2", mpeg2, &["mkv", "ts", "mxf", "mov"]),
        ("mpeg2-fields", "-c:v mpeg2video -g 15 -bf 2 -b:v 2M -flags +ildct+ilme -top 1", &["mxf", "ts"]),
        ("mpeg2-without-b-frames", "-c:v mpeg2video -g 15 -b:v 2M", &["mxf"]),
        ("prores", "-c:v prores -profile:v 0 -pix_fmt yuv422p10le", &["mxf"]),
        ("vp9", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40 -b:v 300k", &["webm"]),
        ("ffv1", "-c:v ffv1 -level 3 -g 12", &["mkv"]),
    ] {
        for container in containers {
            let file = made(&format!("{name}.{container}"), &format!("{FILM} {options}"));
            compare(&file, AudioSettings::None, matches!(*container, "ts" | "mxf"));
        }
    }
}

#[test]
fn decoded_audio_far_behind_the_start() {
    let video = x264("keyint=40:open-gop=1:bframes=3");
    let mpeg2 = "-c:v mpeg2video -g 15 -bf 2 -b:v 2M";
    for (name, video, options, audio, is_late) in [
        ("pcm.mov", video.as_str(), "-c:a pcm_s16le", AudioSettings::Flac, true),
        ("pcm.mxf", mpeg2, "-c:a pcm_s16le", AudioSettings::Flac, true),
        ("prores.mxf", "-c:v prores -profile:v 0 -pix_fmt yuv422p10le", "-c:a pcm_s24le", AudioSettings::Flac, true),
        ("pcm.mkv", &video, "-c:a pcm_s16le", AudioSettings::Flac, false),
        ("flac.mkv", &video, "-c:a flac", AudioSettings::Flac, false),
        ("alac.mp4", &video, "-c:a alac", AudioSettings::Flac, true),
        ("mp2.ts", mpeg2, "-c:a mp2 -b:a 256k", AudioSettings::Pcmf32, false),
        ("mp2.mkv", mpeg2, "-c:a mp2 -b:a 256k", AudioSettings::Pcmf32, false),
        // Its samples depend on all earlier packets.
        ("aac.ts", &video, "-c:a aac", AudioSettings::Pcmf32, false),
        ("aac.mp4", &video, "-c:a aac", AudioSettings::Pcmf32, false),
        ("ac3.ts", &video, "-c:a ac3", AudioSettings::Pcmf32, false),
    ] {
        let file = made(&format!("decoded-{name}"), &format!("{FILM} {AUDIO} {video} {options}"));
        for report in compare(&file, audio, name.ends_with("ts") || name.ends_with("mxf")) {
            let seek = report.seek.expect("a cut begins somewhere");
            assert_eq!(seek.audio_from_start.is_empty(), is_late, "{name}: {seek:?}");
        }
    }
}

/// The start, the end and the track of each packet with frames or audio in an MXF file.
fn elements(bytes: &[u8]) -> Vec<(usize, usize, [u8; 4])> {
    const ELEMENT: [u8; 7] = [0x06, 0x0e, 0x2b, 0x34, 0x01, 0x02, 0x01];
    let (mut at, mut found) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 25) {
        let (length, size) = match head[16] {
            short @ ..0x80 => (usize::from(short), 17),
            count => {
                let digits = &head[17..17 + usize::from(count & 0x7f)];
                (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), 17 + digits.len())
            }
        };
        if head.starts_with(&ELEMENT) && head[8..12] == [0x0d, 1, 3, 1] {
            found.push((at, at + size + length, [head[12], head[13], head[14], head[15]]));
        }
        at += size + length;
    }
    found
}

#[test]
fn mxf_with_a_packet_missing_before_the_cut_is_read_from_its_start() {
    let file = made("decoded-pcm.mxf", &format!("{FILM} {AUDIO} -c:v mpeg2video -g 15 -bf 2 -b:v 2M -c:a pcm_s16le"));
    let bytes = std::fs::read(&file).expect("a file");
    let all = elements(&bytes);
    let (picture, sound) = (0x15, 0x16);
    let of = |kind: u8| all.iter().filter(move |(.., track)| track[0] == kind).copied().collect::<Vec<_>>();
    assert_eq!((of(picture).len() as u64, of(sound).len() as u64), (FRAMES, FRAMES));
    let folder = folder();
    let [broken, whole, part] = ["broken.mxf", "whole.mkv", "part.mkv"].map(|name| folder.path().join(name));
    // Audio, and a B-frame, which no other frame needs.
    for (kind, number) in [(sound, 400), (picture, 407)] {
        let (start, end, _) = of(kind)[number];
        std::fs::write(&broken, [&bytes[..start], &bytes[end..]].concat()).expect("a file");
        let job = |output: &Path| {
            let mut job = job(&broken, output, AudioSettings::Flac);
            job.source.on_damage = trix_core::OnDamage::Conceal;
            job
        };
        done(&job(&whole));
        let (frames_of_whole, heard) = (planes(&whole), samples(&whole, 0, "s32le"));
        for first in [1000_u64, 1511] {
            let mut job = job(&part);
            (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(4)));
            let seek = done(&job).seek.expect("a cut begins somewhere");
            assert_eq!(seek.known_from, None, "{kind:x}: {seek:?}");
            let range = first as usize * FRAME..(first as usize + 4) * FRAME;
            assert!(planes(&part) == frames_of_whole[range], "frames without {kind:x} at {first}");
            let range = first as usize * SAMPLES..(first as usize + 4) * SAMPLES;
            assert!(samples(&part, 0, "s32le") == heard[range], "samples without {kind:x} at {first}");
        }
    }
}

/// An MXF file whose audio is declared as a track of data, and stands before the frames.
fn with_data_before_frames(file: &Path) -> Vec<u8> {
    // SMPTE ST 377-1, 9.6.1: the data definitions of sound and of data.
    const SOUND: [u8; 16] = [0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 1, 1, 3, 2, 2, 2, 0, 0, 0];
    let mut bytes = std::fs::read(file).expect("a file");
    let all = elements(&bytes);
    let definitions: Vec<usize> = (0..all[0].0).filter(|at| bytes[*at..].starts_with(&SOUND)).collect();
    assert!(!definitions.is_empty());
    definitions.into_iter().for_each(|at| bytes[at + 12] = 3);
    for pair in all.chunks_exact(2) {
        let [(start, middle, picture), (next, end, sound)] = *pair else { unreachable!("pairs") };
        assert_eq!((picture[0], sound[0]), (0x15, 0x16));
        let swapped = [&bytes[next..end], &bytes[middle..next], &bytes[start..middle]].concat();
        bytes[start..end].copy_from_slice(&swapped);
    }
    bytes
}

#[test]
fn a_track_of_data_before_the_frames_of_mxf_does_not_hide_one() {
    for (name, options) in
        [("decoded-pcm", "-bf 2"), ("fields-pcm", "-bf 2 -flags +ildct+ilme -top 1"), ("plain-pcm", "")]
    {
        let video = format!("-c:v mpeg2video -g 15 -b:v 2M {options}");
        let file = made(&format!("{name}.mxf"), &format!("{FILM} {AUDIO} {video} -c:a pcm_s16le"));
        let folder = folder();
        let changed = folder.path().join(format!("{name}-data.mxf"));
        std::fs::write(&changed, with_data_before_frames(&file)).expect("a file");
        compare(&changed, AudioSettings::None, true);
    }
}

#[test]
fn a_cut_to_the_end_of_vp9_in_mp4_is_not_called_cut_short() {
    // Trix does not count the VP9 packets before the cut. It reads AAC from the start of the file.
    let video = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40 -b:v 300k";
    let file = made("open-end.mp4", &format!("{FILM} {AUDIO} {video} -c:a aac"));
    let folder = folder();
    let [whole, part] = ["whole.mkv", "part.mkv"].map(|name| folder.path().join(name));
    done(&job(&file, &whole, AudioSettings::Pcmf32));
    let first = 60 * 25;
    let mut job = job(&file, &part, AudioSettings::Pcmf32);
    job.source.start = Some(frames(first));
    let report = done(&job);
    let seek = report.seek.expect("a cut begins somewhere");
    assert!(seek.known_from.is_some() && !seek.audio_from_start.is_empty(), "{seek:?}");
    assert!(planes(&part) == planes(&whole)[first as usize * FRAME..], "frames from {first} on");
    let heard = samples(&whole, 0, "s32le");
    assert!(samples(&part, 0, "s32le") == heard[first as usize * SAMPLES..], "samples from {first} on");
}

/// The audio packets of `file`: times, lengths and content.
fn packets(file: &Path) -> String {
    ffprobe(file, "-select_streams a -show_packets -show_data_hash md5")["packets"].to_string()
}

#[test]
fn copied_audio_far_behind_the_start() {
    let video = x264("keyint=40:open-gop=1:bframes=3");
    for (name, options) in [
        ("aac.mkv", "-c:a aac"),
        ("aac.ts", "-c:a aac"),
        ("aac.mp4", "-c:a aac"),
        ("ac3.ts", "-c:a ac3"),
        ("opus.mkv", "-c:a libopus"),
        ("mp3.mkv", "-c:a libmp3lame"),
        ("pcm.mov", "-c:a pcm_s16le"),
    ] {
        let file = made(&format!("copy-{name}"), &format!("{FILM} {AUDIO} {video} {options}"));
        let folder = folder();
        for (turn, first) in cuts().into_iter().enumerate() {
            let cut = |output: &str, is_near: bool| {
                let path = folder.path().join(output);
                let mut job = job(&file, &path, AudioSettings::Copy);
                (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(3)));
                if !is_near {
                    // The report of a still contains its frame number, so Trix must count all frames.
                    let settings = PosterSettings {
                        path: folder.path().join(format!("{turn}.png")),
                        at: Some(frames(first)),
                        ..PosterSettings::default()
                    };
                    job.stills = vec![StillSettings::Poster(settings)];
                }
                let report = done(&job);
                let seek = report.seek.expect("a cut begins somewhere");
                assert_eq!(seek.known_from.is_some(), is_near && name.ends_with("ts"), "{name}: {seek:?}");
                (planes(&path), packets(&path))
            };
            let (near, far) = (cut("near.mkv", true), cut("far.mkv", false));
            assert!(near.0 == far.0, "frames of {name} at {first}");
            assert_eq!(near.1, far.1, "audio of {name} at {first}");
        }
    }
}

#[test]
fn a_copy_beside_an_encode_begins_at_its_own_keyframe() {
    let video = x264("keyint=50:min-keyint=50:scenecut=0:bframes=2");
    for container in ["mp4", "mkv", "ts"] {
        let file = made(&format!("both.{container}"), &format!("{FILM} {video}"));
        let folder = folder();
        let [whole, copy, part] = ["whole.mkv", "copy.mkv", "part.mkv"].map(|name| folder.path().join(name));
        done(&job(&file, &whole, AudioSettings::None));
        let all = planes(&whole);
        for first in [300, 1000, 1030] {
            let mut job = job(&file, &part, AudioSettings::None);
            (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(4)));
            let mut copied = job.outputs[0].clone();
            (copied.path, copied.video) = (copy.clone(), VideoSettings::Copy);
            job.outputs.push(copied);
            done(&job);
            let what = format!("{container} at {first}");
            let range = |from: u64, count: u64| from as usize * FRAME..(from + count) as usize * FRAME;
            assert!(planes(&part) == all[range(first, 4)], "the encode of {what}");
            assert!(planes(&copy) == all[range(first / 50 * 50, 50)], "the copy of {what}");
        }
    }
}

/// A transport stream in which each packet of audio lies `seconds` before the frames of its time.
fn with_early_audio(file: &Path, seconds: usize) -> Vec<u8> {
    let bytes = std::fs::read(file).expect("a transport stream");
    let packets = |wanted: &dyn Fn(u16) -> bool| -> Vec<&[u8]> {
        let pid = |packet: &[u8]| u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        bytes.chunks_exact(188).filter(|packet| wanted(pid(packet))).collect()
    };
    let (audio, others) = (packets(&|pid| pid == 0x101), packets(&|pid| pid != 0x101));
    let mut early = Vec::new();
    let mut sent = 0;
    for (number, packet) in others.iter().enumerate() {
        early.extend_from_slice(packet);
        let due = (number * audio.len() / others.len() + audio.len() * seconds / 66).min(audio.len());
        // The tables come first.
        if number > 3 {
            audio[sent..due].iter().for_each(|packet| early.extend_from_slice(packet));
            sent = due;
        }
    }
    early
}

#[test]
fn audio_that_lies_far_before_its_frames_is_not_lost() {
    let video = x264("keyint=40:bframes=2");
    for (name, audio) in [("aac", "-c:a aac"), ("mp2", "-c:a mp2")] {
        let file = made(&format!("late-{name}.ts"), &format!("{FILM} {AUDIO} {video} {audio}"));
        let folder = folder();
        let [early, plain, part] = ["early.ts", "plain.mkv", "part.mkv"].map(|name| folder.path().join(name));
        std::fs::write(&early, with_early_audio(&file, 6)).expect("a file");
        for first in [1000, 1100] {
            let cut = |source: &Path, output: &Path| {
                let mut job = job(source, output, AudioSettings::Copy);
                (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(50)));
                done(&job);
                (planes(output), packets(output))
            };
            assert!(cut(&early, &part) == cut(&file, &plain), "{name} at {first}");
        }
    }
}

#[test]
fn a_keyframe_that_cannot_be_decoded_is_damage_of_the_cut_behind_it() {
    let file = made("damaged.mov", &format!("{FILM} -c:v ffv1 -level 3 -g 12"));
    let listed = ffprobe(&file, "-select_streams v -show_packets");
    let key = &listed["packets"][83 * 12];
    let number = |key: &serde_json::Value| -> usize { key.as_str().expect("text").parse().expect("a number") };
    let (at, size) = (number(&key["pos"]), number(&key["size"]));
    let mut bytes = std::fs::read(&file).expect("a file");
    bytes[at..at + size].fill(0xaa);
    let folder = folder();
    let [damaged, output] = ["damaged.mov", "out.mkv"].map(|name| folder.path().join(name));
    std::fs::write(&damaged, bytes).expect("a file");
    let mut job = job(&damaged, &output, AudioSettings::None);
    (job.source.start, job.source.duration) = (Some(frames(83 * 12 + 7)), Some(frames(50)));
    let error = trix_core::run_job(&job, &trix_core::Control::default()).expect_err("frames are missing");
    assert!(error.to_string().contains("decode"), "{error}");
    // The group before it is whole, and so is the one behind it.
    for first in [82 * 12 + 3, 84 * 12] {
        (job.source.start, job.source.duration) = (Some(frames(first)), Some(frames(5)));
        assert_eq!(done(&job).outputs[0].ledger.expect("frames").encoded, 5);
    }
}
