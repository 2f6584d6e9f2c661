//! Trials: how long a job will take, told by its first frames.

use std::time::{Duration, Instant};

use trix_core::{
    Control, Source, plan,
    settings::video::{EncodeSettings, Encoder},
    trial,
};
use trix_fixtures::{Clip, folder};

use crate::support::video_job;

#[test]
fn a_trial_that_takes_too_long_tells_what_its_frames_took() {
    let folder = folder();
    let film = Clip { width: 1280, height: 720, frames: 200, ..Clip::default() }.encoded("-c:v ffv1", "mkv");
    let slow = EncodeSettings { preset: Some("placebo".into()), ..EncodeSettings::default() };
    let job = video_job(&film, &folder.path().join("out.mkv"), Encoder::X265, slow);
    let source = Source::of(&job.source).expect("a source");
    let planned = plan(&job, &source).expect("a plan");
    let began = Instant::now();
    let seconds = trial(&job, &planned, &source, &Control::default(), Some(Duration::from_secs(4))).expect("a trial");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    // Placebo does a few frames a second: none may be done within the time.
    assert!(seconds.is_none_or(|seconds| seconds > 8.0), "{seconds:?}");
    assert!(!folder.path().join("out.mkv").exists());

    let control = Control::default();
    control.cancel.cancel();
    let cancelled = trial(&job, &planned, &source, &control, Some(Duration::from_secs(4)));
    assert!(cancelled.is_err(), "a user has cancelled it");
}
