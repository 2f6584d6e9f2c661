//! Tests that the same job gives the same bytes: alone or at the same time as another job, with any number of decoder
//! threads, and in the first as in the tenth run of a process.

use std::{fs, path::Path, thread};

use trix_core::{
    Job,
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder};

use crate::support::{self, done, quick, slices, video_job};

const ENCODERS: [(Encoder, &str); 2] = [(Encoder::X264, "threads=2"), (Encoder::X265, "pools=2 frame-threads=2")];

fn source() -> std::path::PathBuf {
    Clip { width: 256, ..Clip::default() }.encoded("-c:v libx264 -preset medium -qp 12", "mp4")
}

fn job(output: &Path, encoder: Encoder, params: &str) -> Job {
    let settings = EncodeSettings { preset: Some("fast".into()), ..quick(params) };
    video_job(&source(), output, encoder, settings)
}

fn bytes(job: &Job) -> Vec<u8> {
    done(job);
    fs::read(&job.outputs[0].path).expect("the output")
}

/// Asserts that two files are equal. The message states where they differ instead of printing them.
fn same(one: &[u8], other: &[u8], what: &str) {
    assert_eq!(one.len(), other.len(), "length of {what}");
    assert_eq!(one.iter().zip(other).position(|(a, b)| a != b), None, "first byte that differs of {what}");
}

#[test]
fn two_jobs_at_once_give_the_bytes_of_each_alone() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let alone: Vec<Vec<u8>> =
        ENCODERS.map(|(encoder, params)| bytes(&job(&path(&format!("{encoder}.mp4")), encoder, params))).into();
    for round in 0..2 {
        let jobs = ENCODERS.map(|(encoder, params)| job(&path(&format!("{encoder}-{round}.mp4")), encoder, params));
        let together: Vec<Vec<u8>> = thread::scope(|scope| {
            let running: Vec<_> = jobs.iter().map(|job| scope.spawn(|| bytes(job))).collect();
            running.into_iter().map(|thread| thread.join().expect("a thread ends")).collect()
        });
        for ((alone, together), (encoder, _)) in alone.iter().zip(&together).zip(ENCODERS) {
            same(together, alone, &format!("{encoder}, round {round}"));
        }
    }
}

#[test]
fn decoder_threads_do_not_change_the_bytes() {
    let folder = folder();
    let with = |threads: u32| {
        // Set the threads of the encoder explicitly, because `threads` of the job applies to the encoder too.
        let mut job = job(&folder.path().join(format!("{threads}.mkv")), Encoder::X264, "threads=2");
        job.threads = Some(threads);
        bytes(&job)
    };
    let one = with(1);
    for threads in [2, 4] {
        same(&with(threads), &one, &format!("{threads} decoder threads"));
    }
}

#[test]
fn decoder_threads_and_the_pool_of_x265_do_not_change_its_slices() {
    let folder = folder();
    let with = |threads: u32| {
        let mut job = job(&folder.path().join(format!("{threads}.mkv")), Encoder::X265, "frame-threads=2");
        job.threads = Some(threads);
        done(&job);
        // Compare only slices: x265 writes the size of its thread pool into an SEI message.
        slices(&job.outputs[0].path, Encoder::X265)
    };
    let one = with(1);
    assert!(one.len() >= 30, "{} slices", one.len());
    for threads in [2, 4] {
        assert!(with(threads) == one, "slices with {threads} threads differ");
    }
}

#[test]
fn every_container_is_written_alike_every_time() {
    let folder = folder();
    for extension in ["mp4", "mov", "mkv", "ts", "mxf"] {
        let write = |name: &str| {
            let output = folder.path().join(name).with_extension(extension);
            let mut job = Job::new(trix_fixtures::master(), output);
            let is_mxf = extension == "mxf";
            job.outputs[0].video = VideoSettings::X264(quick(if is_mxf { "threads=1 bframes=0" } else { "threads=1" }));
            job.outputs[0].audio = if is_mxf { AudioSettings::Pcm } else { AudioSettings::Aac { kbps: Some(96) } };
            bytes(&job)
        };
        same(&write("one"), &write("two"), extension);
    }
}

#[test]
fn x264_repeats_itself_in_one_process_where_rows_are_no_multiple_of_eight_macroblocks() {
    // In x264 0.164, the AVX-512 code of the macroblock tree reads uninitialised memory. A second encode in the same
    // process got used memory and gave another stream.
    let clip = Clip::default();
    assert_ne!(clip.width.div_ceil(16) % 8, 0, "a width that shows it");
    let folder = folder();
    let write = |round: u32| {
        let output = folder.path().join(format!("{round}.mp4"));
        let settings = EncodeSettings { preset: Some("fast".into()), ..quick("threads=1") };
        bytes(&video_job(&clip.y4m(), &output, Encoder::X264, settings))
    };
    let first = write(0);
    for round in 1..8 {
        // Another encode in between, so that the memory is used.
        let between = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("threads=1 bframes=3") };
        done(&video_job(&clip.y4m(), &folder.path().join(format!("between-{round}.mp4")), Encoder::X264, between));
        same(&write(round), &first, &format!("round {round}"));
    }
}

#[test]
fn tracks_lie_side_by_side_however_slow_the_frames_are_encoded() {
    // One small frame per second. Audio could be finished before the first frame is encoded.
    let source = support::made_by_ffmpeg(
        "slow-frames.mkv",
        "-f lavfi -i testsrc2=size=64x64:rate=1 -f lavfi -i sine=sample_rate=48000 -t 100 -c:v libx264 -c:a flac",
    );
    let folder = trix_fixtures::folder();
    let mut job = Job::new(&source, folder.path().join("out.mkv"));
    job.outputs[0].video = VideoSettings::X264(EncodeSettings { preset: Some("placebo".into()), ..Default::default() });
    job.outputs[0].audio = AudioSettings::Flac;
    support::done(&job);
    let json = support::ffprobe(&job.outputs[0].path, "-show_packets");
    let mut last_frame: f64 = -1.0;
    for packet in json["packets"].as_array().expect("packets") {
        let time: f64 = support::number(&packet["pts_time"]);
        match packet["codec_type"].as_str() {
            Some("video") => last_frame = last_frame.max(time),
            // A frame lasts one second, and B-frames come before their reference frames.
            _ => assert!(time - last_frame <= 3.0, "audio of {time} s comes before the frame after {last_frame} s"),
        }
    }
}
