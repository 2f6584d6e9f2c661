//! Tests of packages whose tracks do not end together.

use std::{fs, path::Path};

use trix_core::{
    Control, ErrorKind, Job,
    media::time::Rational,
    run_job,
    settings::{
        audio::AudioSettings,
        package::{PackageJob, Rung},
        video::VideoSettings,
    },
};
use trix_fixtures::{TempDir, folder, program};

use crate::support::{done, made_by_ffmpeg, quick};

fn job(source: &Path, folder: &TempDir) -> Job {
    let mut job = Job::new(source, "");
    job.outputs.clear();
    job.packages.push(PackageJob {
        path: folder.path().join("package"),
        segment: Rational::new(2, 1),
        ladder: vec![Rung { height: 64, video: VideoSettings::X264(quick("")) }],
        audio: AudioSettings::Auto,
        ..PackageJob::default()
    });
    job
}

#[test]
fn audio_behind_the_end_of_the_video_is_cut_into_segments_too() {
    let source = made_by_ffmpeg(
        "packaging-short-video.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=5 -f lavfi -i sine=f=440:r=48000:d=31 -c:v libx264 -preset \
         ultrafast -c:a flac -f matroska",
    );
    let folder = folder();
    let mut job = job(&source, &folder);
    job.packages[0].audio = AudioSettings::Flac;
    let report = done(&job);
    assert!(report.packages[0].checks.iter().all(|check| check.ok));
    let audio = folder.path().join("package/audio-1/media.m3u8");
    let playlist = fs::read_to_string(&audio).expect("a playlist");
    let durations =
        playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.trim_end_matches(',').parse().ok());
    let durations: Vec<f64> = durations.collect();
    assert!(durations.iter().all(|seconds| *seconds <= 4.1), "{durations:?}");
    assert!((durations.iter().sum::<f64>() - 31.0).abs() < 0.2, "{durations:?}");
    let heard = |input: String| program::ffmpeg(&format!("-i {input} -map 0:a:0 -f s16le -")).stdout;
    let (own, expected) = (heard(audio.display().to_string()), heard(source.display().to_string()));
    assert!(expected.len() / 2 > 30 * 48_000);
    let length = own.len().min(expected.len());
    assert!(expected.len() - length <= 2 * 4096 && own[..length] == expected[..length], "{} bytes", own.len());
}

#[test]
fn a_copied_external_track_of_another_length_is_refused_where_the_job_asks_for_it() {
    let film = made_by_ffmpeg(
        "packaging-mute.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=5 -c:v libx264 -preset ultrafast -f matroska",
    );
    let dub = made_by_ffmpeg("packaging-dub.m4a", "-f lavfi -i sine=f=440:r=48000:d=4 -c:a aac -f mp4");
    let with_length = |length: &str| {
        let folder = folder();
        let mut job = job(&film, &folder);
        job.tracks.push(format!("{}:lang=eng{length}", dub.display()).parse().expect("a track"));
        run_job(&job, &Control::default())
    };
    let report = with_length("").unwrap_or_else(|error| panic!("{error}"));
    let plans = report.packages[0].renditions.iter().filter_map(|rendition| rendition.plan.as_ref());
    assert!(plans.flat_map(|plan| &plan.audio).all(|audio| audio.copied));
    let error = with_length(",length=fail").expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
    let message = error.to_string();
    assert!(message.contains("packaging-dub.m4a") && message.contains("after 5.000 s"), "{message}");
}
