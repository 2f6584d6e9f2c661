//! Filters that look at other frames or count them: in chunks, they do what they do in one piece.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, Job,
    media::time::Rational,
    run,
    settings::{
        job::Chunks,
        picture::{Crop, Deinterlace, FrameRate, Rectangle},
        video::{EncodeSettings, Encoder},
    },
};
use trix_fixtures::{Clip, folder};

use super::chunks::{both, divided, planned};
use crate::support::{made_by_ffmpeg, video_job};

fn lossless(source: &Path) -> Job {
    video_job(source, Path::new(""), Encoder::Ffv1, EncodeSettings::default())
}

/// Asserts that `job` gives the same bytes and the same account in one piece and in chunks of some lengths.
fn same_in_chunks(job: &Job, lengths: &[u64], about: &str) {
    let lead = {
        let mut job = job.clone();
        job.chunks = Chunks::On;
        job.outputs[0].path = folder().path().join("a.mkv");
        planned(&job).chunks.expect("chunks").lead_in
    };
    for &length in lengths {
        let folder = folder();
        let [(whole, one), (parts, other)] = both(&folder, job.clone(), length, lead);
        assert_eq!(one.outputs[0].ledger, other.outputs[0].ledger, "{about}: chunks of {length} frames");
        assert_eq!(one.outputs[0].changes, other.outputs[0].changes, "{about}: chunks of {length} frames");
        assert!(whole == parts, "{about}: chunks of {length} frames have other bytes");
    }
}

#[test]
fn a_deinterlacer_sees_the_frames_beside_a_chunk() {
    let clip = Clip { frames: 60, ..Clip::default() };
    let source = clip.encoded("-vf setfield=tff -flags +ildct+ilme -c:v libx264 -bf 2 -g 25", "mov");
    for deinterlace in [Deinterlace::On, Deinterlace::Fields] {
        let mut job = lossless(&source);
        job.outputs[0].picture.deinterlace = deinterlace;
        same_in_chunks(&job, &[1, 7, 24], "deinterlaced");
        // Each field becomes a frame, and then some of them are left out or repeated.
        job.outputs[0].picture.rate = Some(FrameRate(Rational::new(30, 1)));
        same_in_chunks(&job, &[1, 7, 24], "deinterlaced, at another rate");
    }
}

#[test]
fn another_frame_rate_has_the_same_frames_in_chunks() {
    let clip = Clip { frames: 60, ..Clip::default() };
    let sources = [
        clip.encoded("-c:v libx264 -bf 2 -g 25", "mp4"),
        clip.encoded("-vf setpts=(N+0.7*mod(N\\,3))/25/TB -vsync vfr -c:v libx264 -bf 2 -g 25", "mkv"),
        clip.encoded("-ss 0.2 -c:v mpeg2video -g 12", "ts"),
    ];
    for source in sources {
        for rate in [Rational::new(24, 1), Rational::new(30000, 1001), Rational::new(50, 1), Rational::new(2, 1)] {
            let mut job = lossless(&source);
            job.outputs[0].picture.rate = Some(FrameRate(rate));
            same_in_chunks(&job, &[7, 24], &format!("{} at {rate:?}", source.display()));
        }
    }
}

#[test]
fn pulldown_is_removed_alike_in_chunks() {
    // Pulldown begins with each of its phases, and a scene of video follows.
    for (phase, pattern) in [(0, "23"), (1, "32"), (3, "2332")] {
        let filters =
            format!("testsrc2=size=256x144:rate=24000/1001,telecine=pattern={pattern},trim=start_frame={phase}");
        let source = made_by_ffmpeg(
            &format!("telecine-{phase}.mkv"),
            &format!(
                "-f lavfi -i {filters},setpts=PTS-STARTPTS -frames:v 93 -c:v libx264 -qp 1 -flags +ildct -g 30 -f matroska"
            ),
        );
        let mut job = lossless(&source);
        job.outputs[0].picture.inverse_telecine = true;
        same_in_chunks(&job, &[1, 7, 24], &format!("phase {phase}"));
        // What is freed of pulldown gets another rate.
        job.outputs[0].picture.rate = Some(FrameRate(Rational::new(25, 1)));
        same_in_chunks(&job, &[7], &format!("phase {phase}, at another rate"));
    }
}

/// A stream of 60 frames in `folder`, of which the first 28 are larger than the others.
pub(super) fn with_change_of_size(folder: &Path) -> PathBuf {
    let parts = [("256x144", 28), ("128x72", 32)].map(|(size, frames)| {
        made_by_ffmpeg(
            &format!("part-{size}-{frames}-h264.ts"),
            &format!(
                "-f lavfi -i testsrc2=size={size}:rate=25 -frames:v {frames} -c:v libx264 -qp 20 -g 7 -bf 0 -f mpegts"
            ),
        )
    });
    let source = folder.join("sizes.ts");
    let list = folder.join("list.txt");
    let lines: String = parts.iter().map(|part| format!("file '{}'\n", part.display())).collect();
    std::fs::write(&list, lines).expect("a list");
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "concat", "-safe", "0", "-i"])
        .arg(&list)
        .args(["-c", "copy"])
        .arg(&source)
        .status();
    assert!(status.expect("ffmpeg").success());
    source
}

#[test]
fn inverse_telecine_ends_where_the_size_changes_wherever_a_chunk_begins() {
    // The size changes at frame 28, which is inside a group of five frames.
    let folder = folder();
    let mut job = lossless(&with_change_of_size(folder.path()));
    job.outputs[0].picture.inverse_telecine = true;
    job.chunks = Chunks::Off;
    job.outputs[0].path = folder.path().join("parts.mkv");
    for length in [4, 7, 14, 28, 20] {
        let mut plan = planned(&job);
        plan.chunks = Some(divided(60, length, 9));
        let error = run(&plan, &Control::default()).err();
        let error = error.unwrap_or_else(|| panic!("chunks of {length} frames"));
        assert!(error.to_string().contains("encode the film in one piece"), "{error}");
    }
}

#[test]
fn a_change_of_size_is_converted_and_listed_alike_in_chunks() {
    // Chunks of seven frames begin with the change.
    let folder = folder();
    let mut job = lossless(&with_change_of_size(folder.path()));
    job.outputs[0].picture.crop = Crop::Rectangle(Rectangle { width: 200, height: 100, left: 10, top: 10 });
    same_in_chunks(&job, &[1, 7, 24], "a change of size");
}
