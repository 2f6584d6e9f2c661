//! Tests that `run` returns at once after a cancellation, even during a long call of an encoder.

use std::{
    fs::{self, File},
    time::Duration,
};

use trix_core::{
    ErrorKind, Job,
    settings::video::{EncodeSettings, VideoSettings},
};
use trix_fixtures::{Clip, folder};

use crate::support;

/// The time within which a job stops after a cancellation, by the documentation.
const PROMISE: Duration = Duration::from_millis(200);

#[test]
fn a_cancelled_job_returns_within_200_ms() {
    let clip = Clip { width: 1280, height: 720, frames: 60, ..Clip::default() };
    let source = clip.encoded("-c:v libx264 -preset ultrafast", "mp4");
    // A busy machine can wake a thread late, so one prompt return in three attempts is enough.
    let took = (0..3).map(|_| cancelled(&source)).min().expect("three attempts");
    assert!(took <= PROMISE, "{took:?}");
}

#[test]
fn a_job_is_cancelled_while_it_searches_for_the_end_of_a_preallocated_recording() {
    let folder = folder();
    let source = folder.path().join("preallocated.ts");
    let clip = Clip::default().encoded("-c:v libx264 -preset ultrafast", "ts");
    fs::copy(clip, &source).expect("a copy");
    // The zeros take no space on disk, and it takes minutes to read them.
    File::options().write(true).open(&source).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    let (error, took) = support::cancelled(Job::new(&source, folder.path().join("out.mkv")));
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(took <= Duration::from_secs(2), "{took:?}");
}

fn cancelled(source: &std::path::Path) -> Duration {
    let folder = folder();
    let mut job = Job::new(source, folder.path().join("out.mkv"));
    // The preset is slow, so that the cancellation arrives during a call of the encoder and long before the end of the
    // job.
    let settings = EncodeSettings { preset: Some("veryslow".into()), ..EncodeSettings::default() };
    job.outputs[0].video = VideoSettings::X265(settings);
    let (error, took) = support::cancelled(job);
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
    took
}
