//! Whole jobs with an engine in memory and real steps.

use std::{sync::Arc, time::Duration};

use sha2::Digest;

use trix_core::{Source, manifest::Manifest};
use trix_service::{
    catalogue::{Catalogue, Job, JobState, Submission},
    engine::memory::Memory,
    roles::dispatch,
    worker::Worker,
};

use crate::support::{Place, eventually};

/// Runs a job to its end.
async fn ran(place: &Place, submission: serde_json::Value) -> (Catalogue, Job) {
    let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
    let worker = Arc::new(Worker::new(place.config.clone(), catalogue.clone()));
    let engine = Memory::new(catalogue.clone(), Arc::new(worker));
    let submission: Submission = serde_json::from_value(submission).expect("a submission");
    let job = catalogue.submit(&submission, "anna", "one").await.expect("a job");
    dispatch(&catalogue, &engine).await.expect("it is handed over");
    let id = job.id.clone();
    let found = eventually("the end of the job", Duration::from_secs(60), async || {
        catalogue.job(&id).await.ok().filter(|job| job.state.is_over())
    });
    let job = found.await;
    (catalogue, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_becomes_copies_with_their_manifest_and_a_preview() {
    let place = Place::new();
    let submission = serde_json::json!({
        "title": "Film", "source": "master.mkv", "profiles": ["archive", "preview"], "set": { "preset": "ultrafast" },
    });
    let (catalogue, job) = ran(&place, submission).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    let manifest =
        Manifest::read(&place.output("Film").join("Film.manifest.json")).expect("a manifest").expect("a manifest");
    let outputs = catalogue.outputs_of(&job.id).await.expect("outputs");
    assert_eq!(outputs.len(), manifest.files.len());
    for file in &manifest.files {
        let path = place.output("Film").join(&file.name);
        assert_eq!(path.metadata().expect("a copy").len(), file.bytes, "{}", path.display());
    }
    for output in &manifest.report.outputs {
        assert!(output.path.starts_with(place.output("Film")), "{}", output.path.display());
        assert_eq!(Source::open(&output.path).expect("a copy").frames().count(), 50);
    }
    for name in ["Film.preview.mp4", "Film.preview/master.m3u8", "Film.preview/video-180/00001.m4s", "Film.poster.jpg"]
    {
        assert!(place.config.mounts.preview.join("Film").join(name).is_file(), "{name}");
    }
    let playlist = place.config.mounts.preview.join("Film/Film.preview/master.m3u8");
    let playlist = std::fs::read_to_string(playlist).expect("a playlist");
    assert!(playlist.starts_with("#EXTM3U") && playlist.contains("video-180/media.m3u8"), "{playlist}");
    let scores = manifest.report.outputs.iter().map(|own| own.verification.score.as_ref().expect("a score"));
    assert!(scores.clone().count() > 1 && scores.clone().all(|own| own.frames == 50), "{scores:?}");
    assert!(scores.clone().all(|own| own.curve.as_ref().is_some_and(|curve| curve.ssim.len() == 50)));
    let plan = job.plan.expect("a plan");
    assert_eq!((plan.frames, plan.outputs.len()), (Some(50), 10), "{:?}", plan.outputs);
    let master = catalogue.master("master.mkv").await.expect("the master");
    let bytes = std::fs::read(place.config.mounts.source.join("master.mkv")).expect("the master");
    let sha256: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((master.sha256.as_deref(), master.bytes), (Some(sha256.as_str()), bytes.len() as i64));
    let streams = master.probe["streams"].as_array().expect("streams");
    assert_eq!(streams.iter().filter(|own| own["kind"] == "video").count(), 1, "{}", master.probe);
    // Nothing else is left.
    assert!(!place.output(".trix-staging").read_dir().is_ok_and(|mut left| left.next().is_some()));
    let steps: Vec<_> = catalogue.attempts_of(&job.id).await.expect("attempts").into_iter().rev().collect();
    assert!(steps.iter().all(|attempt| attempt.outcome.as_deref() == Some("done")), "{steps:?}");
    assert_eq!((steps[0].step.as_str(), steps[steps.len() - 1].step.as_str()), ("plan", "publish"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_mistakes_fails_with_all_of_them() {
    let place = Place::new();
    let submission = serde_json::json!({ "title": "Film", "source": "master.mkv", "profiles": ["none"] });
    let (_, job) = ran(&place, submission).await;
    assert_eq!(job.state, JobState::Failed);
    let error = job.error.expect("an error");
    assert!(error.message.contains("none"), "{}", error.message);
    assert!(!place.output("Film").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_are_there_are_not_replaced_unless_it_is_allowed() {
    let place = Place::new();
    std::fs::create_dir(place.output("Film")).expect("a folder");
    std::fs::write(place.output("Film").join("old"), "old").expect("a file");
    let submission = |overwrite: bool| {
        serde_json::json!({
            "title": "Film", "source": "master.mkv", "profiles": ["preview"], "set": { "preview_preset": "ultrafast" },
            "overwrite": overwrite,
        })
    };
    let (catalogue, job) = ran(&place, submission(false)).await;
    assert_eq!((job.state, place.output("Film").join("old").exists()), (JobState::Failed, true));
    drop(catalogue);
    std::fs::remove_file(place.folder.path().join("catalogue.db")).expect("a new catalogue");
    let (_, job) = ran(&place, submission(true)).await;
    assert_eq!((job.state, place.output("Film").join("old").exists()), (JobState::Done, false), "{:?}", job.error);
    assert!(place.output("Film").join("Film.preview.mp4").is_file());
}
