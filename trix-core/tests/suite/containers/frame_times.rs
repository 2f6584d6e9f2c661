//! Tests that outputs have the frame times of the source: exactly in MP4 and QuickTime, to the millisecond in Matroska.
//! Cuts begin and end at the correct frame and sample.

use std::path::{Path, PathBuf};

use trix_core::{
    Job,
    media::time::{Rational, Timestamp},
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder, master};

use crate::support::{self, done, made_by_ffmpeg, number, planes_and_samples, quick, times, video_job};

const CONTAINERS: [&str; 3] = ["mp4", "mov", "mkv"];

/// Makes frames with growing distances, in ticks of 1/90 000 s.
fn uneven() -> PathBuf {
    made_by_ffmpeg(
        "uneven.mp4",
        "-f lavfi -i testsrc2=size=176x144:rate=25,setpts=(N*N+20*N)/500/TB,settb=1/90000 -frames:v 30 \
         -fps_mode passthrough -enc_time_base 1/90000 -c:v libx264 -preset ultrafast -video_track_timescale 90000",
    )
}

/// Asserts that the frame times are those of the source, counted from the first frame.
fn same_times((theirs, from): &(Vec<i64>, (i64, i64)), output: &Path, what: &str) {
    let (ours, to) = times(output, "v:0");
    assert_eq!(ours.len(), theirs.len(), "frames of {what}");
    assert_eq!(ours[0], 0, "first time of {what}");
    let start = theirs[0];
    let exact = output.extension().is_some_and(|extension| extension != "mkv");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let wanted = i128::from(theirs - start) * i128::from(from.0) * i128::from(to.1);
        let found = i128::from(*ours) * i128::from(to.0) * i128::from(from.1);
        // One millisecond, in ticks of the product of both time bases.
        let tolerance = if exact { 0 } else { i128::from(from.1) * i128::from(to.1) / 1000 };
        assert!((wanted - found).abs() <= tolerance, "{what}: frame {at} has {ours} for {theirs}");
    }
}

#[test]
fn even_and_uneven_times_are_those_of_the_source() {
    let film = Clip { frames: 24, rate: "24000/1001", ..Clip::default() };
    let sources = [
        ("even", Clip::default().encoded("-c:v libx264 -preset fast", "mp4")),
        ("film", film.y4m()),
        ("film in milliseconds", film.encoded("-c:v ffv1", "mkv")),
        ("transport stream", Clip::default().encoded("-c:v libx264 -preset fast", "ts")),
        ("uneven", uneven()),
    ];
    let (at, _) = times(&uneven(), "v:0");
    assert!(at[2] - at[1] != at[29] - at[28], "a source of uneven times");
    let folder = folder();
    for (what, source) in &sources {
        let source_times = times(source, "v:0");
        for encoder in [Encoder::X264, Encoder::X265] {
            for extension in CONTAINERS {
                let output =
                    folder.path().join(format!("{what}-{encoder}").replace(' ', "-")).with_extension(extension);
                done(&video_job(source, &output, encoder, quick("bframes=3")));
                same_times(&source_times, &output, &format!("{what}, {encoder}, {extension}"));
            }
        }
    }
}

#[test]
fn the_last_frame_is_shown_as_long_as_the_others() {
    let folder = folder();
    for extension in CONTAINERS {
        let output = folder.path().join("last").with_extension(extension);
        done(&video_job(&Clip::default().y4m(), &output, Encoder::X264, quick("bframes=3")));
        let duration: f64 = number(&support::ffprobe(&output, "-show_format")["format"]["duration"]);
        assert!((duration - 1.2).abs() < 0.0015, "{extension}: {duration} s");
    }
}

fn lossless(source: &Path, output: &Path) -> Job {
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X264(settings);
    job.outputs[0].audio = AudioSettings::Flac;
    job
}

fn millis(value: i64) -> Timestamp {
    Timestamp::new(value, Rational::new(1, 1000))
}

#[test]
fn a_cut_holds_exactly_the_frames_and_samples_of_its_span() {
    let source = master();
    let (all, audio) = planes_and_samples(&source, 1, "s32le");
    let (frame, second) = (all.len() / 50, audio.len() / 2);
    let folder = folder();
    for (name, start, duration, frames, expected_frames) in [
        // A cut at the border of a frame, between two frames, with only a start, with only an end, and with a number of
        // frames.
        ("exact", Some(400), Some(480), None, 10..22),
        ("between", Some(410), Some(480), None, 11..23),
        ("late", Some(1600), None, None, 40..50),
        ("early", None, Some(1000), None, 0..25),
        ("few", Some(200), None, Some(5), 5..10),
    ] {
        for extension in CONTAINERS {
            let output = folder.path().join(name).with_extension(extension);
            let mut job = lossless(&source, &output);
            (job.source.start, job.source.duration) = (start.map(millis), duration.map(millis));
            job.source.frames = frames;
            if extension == "mov" {
                job.outputs[0].audio = AudioSettings::Pcm;
            }
            let report = done(&job);
            let what = format!("{name} in {extension}");
            let (shown, found) = planes_and_samples(&output, 1, "s32le");
            assert_eq!(shown.len(), expected_frames.len() * frame, "{what}");
            let expected = &all[expected_frames.start * frame..expected_frames.end * frame];
            assert!(shown == expected, "frames of {what}");
            let ledger = report.outputs[0].ledger.expect("a ledger");
            assert_eq!(ledger.dropped_before_start, expected_frames.start as u64, "{what}");

            let from = usize::try_from(start.unwrap_or(0)).expect("a start") * second / 1000;
            // If the job states a number of frames, audio ends with the last one.
            let span = match (duration, frames) {
                (Some(duration), _) => usize::try_from(duration).expect("a duration") * second / 1000,
                (None, Some(frames)) => frames as usize * second / 25,
                (None, None) => audio.len() - from,
            };
            assert_eq!(found.len() / 8, span / 8, "samples of {what}");
            assert!(found == audio[from..from + span], "samples of {what}");
        }
    }
}
