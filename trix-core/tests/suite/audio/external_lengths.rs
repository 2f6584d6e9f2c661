//! Tests that external audio has the length that the job states, to the sample.

use std::path::PathBuf;

use trix_core::{ErrorKind, settings::audio::AudioSettings};
use trix_fixtures::{folder, program};

use crate::support::{
    done,
    external_audio::{AAC, RATE, cut, film, heard, job, part, refused, same, to_16_bits},
    made_by_ffmpeg,
    waves::{noise, write_wave},
};

/// Returns films and the time at which their last frame ends, in samples. In the last film, the audio is longer than
/// the video.
fn films() -> [(PathBuf, f64); 3] {
    let longer = made_by_ffmpeg(
        "side-film-longer-audio.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=24000/1001 -f lavfi -i sine=r=48000 -frames:v 47 -t 3 -c:v libx264 \
         -preset ultrafast -bf 0 -c:a flac -f matroska",
    );
    let odd = made_by_ffmpeg(
        "side-film-23976.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=24000/1001 -frames:v 47 -c:v libx264 -preset ultrafast -bf 0 -f matroska",
    );
    [(film(), 96_000.0), (odd, 47.0 * 1001.0 / 24_000.0 * 48_000.0), (longer, 47.0 * 1001.0 / 24_000.0 * 48_000.0)]
}

#[test]
fn a_track_is_as_long_as_the_video_where_that_is_asked_for() {
    let folder = folder();
    let audio = noise(41, 200_000);
    let (short, long) = (folder.path().join("short.wav"), folder.path().join("long.wav"));
    write_wave(&short, &[audio[..60_000].to_vec()], RATE, 16);
    write_wave(&long, std::slice::from_ref(&audio), RATE, 16);
    let audio = to_16_bits(&audio);
    for (film, end) in films() {
        let end = end.round() as i64;
        for (text, length) in [
            (format!("{}:length=pad", short.display()), end),
            (format!("{}:length=pad", long.display()), 200_000),
            (format!("{}:length=trim", long.display()), end),
            (format!("{}:length=fit,offset=10ms", short.display()), end),
            (format!("{}:length=fit", long.display()), end),
        ] {
            let mut job = job(&film, &folder, std::slice::from_ref(&text), &[("a.mkv", AudioSettings::Flac)]);
            job.overwrite();
            let report = done(&job);
            let number = report.outputs[0].plan.audio.len() - 1;
            let what = format!("{text} with {}", film.display());
            let later = if text.contains("offset") { 480 } else { 0 };
            let of_file = if text.contains("short") { &audio[..60_000] } else { &audio };
            same(&heard(&report.outputs[0].path, number), &part(of_file, -later, length), &what);
        }
    }
}

#[test]
fn a_cut_ends_a_track_where_the_frames_of_the_cut_end() {
    let folder = folder();
    let audio = noise(42, 200_000);
    let long = folder.path().join("long.wav");
    write_wave(&long, std::slice::from_ref(&audio), RATE, 16);
    let audio = to_16_bits(&audio);
    for (start, duration, frames, from, length) in [
        (Some("1"), None, None, 48_000, 48_000),
        // Durations beyond the end of the film, and cuts that state a duration, a number of frames, or both.
        (None, Some("10"), None, 0, 96_000),
        (Some("0.4"), Some("10"), None, 19_200, 76_800),
        (Some("0.4"), Some("1"), Some(10), 19_200, 19_200),
        (None, Some("0.4"), Some(40), 0, 19_200),
        (None, None, Some(10), 0, 19_200),
    ] {
        let text = format!("{}:length=fit", long.display());
        let whole = job(&film(), &folder, &[text], &[("a.mkv", AudioSettings::Flac), ("b.mov", AudioSettings::Pcm)]);
        let mut job = cut(whole, start, duration);
        job.source.frames = frames;
        job.overwrite();
        for output in done(&job).outputs {
            let what = format!("{}, from {start:?}, {duration:?}, {frames:?}", output.path.display());
            same(&heard(&output.path, 0), &part(&audio, from, length), &what);
        }
    }
}

#[test]
fn a_track_that_has_to_be_as_long_as_the_video_and_is_not_fails_the_job() {
    let folder = folder();
    let (wave, aac) = (folder.path().join("short.wav"), folder.path().join("short.m4a"));
    write_wave(&wave, &[noise(43, 60_000)], RATE, 16);
    program::ffmpeg(&format!("-i {} -c:a aac {}", wave.display(), aac.display()));
    let out = trix_fixtures::folder();
    for (file, audio) in [(&wave, AudioSettings::Flac), (&wave, AAC), (&aac, AudioSettings::Copy)] {
        let job = job(&film(), &out, &[format!("{}:length=fail", file.display())], &[("a.mkv", audio)]);
        let error = refused(&job);
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::MalformedInput, "{message}");
        assert!(message.contains(&file.display().to_string()), "{message}");
        assert!(message.contains("after 1.250 s") && message.contains("after 2.000 s"), "both durations: {message}");
        assert!(!message.contains("a.mkv"), "the output is not to blame: {message}");
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "{message}");
    }
    // Within the stated tolerance, the job succeeds.
    for (file, audio) in [(&wave, AudioSettings::Flac), (&aac, AudioSettings::Copy)] {
        let mut job =
            job(&film(), &out, &[format!("{}:length=fail,tolerance=760ms", file.display())], &[("a.mkv", audio)]);
        job.overwrite();
        done(&job);
    }
}
