//! Jobs whose outputs fail when they are opened, and copies whose lead fails.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::json;
use trix_fixtures::{Clip, folder};
use trix_model::{error::ErrorKind, time::Rational};

use super::{Control, run};
use crate::{
    plan::{EncodePlan, Plan},
    planner,
    report::Report,
    settings::{
        job::Job,
        still::{PosterSettings, StillSettings},
    },
    source::Source,
};

/// Two files, a package and two stills.
fn job(folder: &Path, then: &str) -> Job {
    let clip = Clip { frames: 50, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast", "mp4");
    let video = json!({ "type": "x264", "preset": "ultrafast" });
    let other = json!({ "type": "x264", "preset": "superfast" });
    let mut job: Job = serde_json::from_value(json!({
        "source": { "path": clip },
        "on_output_failure": then,
        "outputs": [{ "path": "a.mkv", "video": video }, { "path": "b.mp4", "video": other }],
        "packages": [{ "path": "package", "ladder": [{ "height": 96, "video": video }] }],
        "stills": [{ "type": "poster", "path": "c.jpg" }, { "type": "poster", "path": "d.jpg" }]
    }))
    .expect("a job");
    job.write_into(folder);
    job
}

/// Changes the plan so that one of its products cannot be opened.
type Spoil = fn(&mut Plan);

/// Lets the encoder of file `number` refuse its settings.
fn without_width(plan: &mut Plan, number: usize) {
    let encode = plan.outputs[number].content.video.expect("video");
    let EncodePlan::Video(own) = &mut plan.encodes[encode.0] else { panic!("an encode of audio") };
    own.video.width = 0;
}

/// Runs a job that writes into `folder`, with a spoilt plan.
fn run_spoiled(folder: &Path, then: &str, spoil: Spoil) -> crate::Result<Report> {
    let job = job(folder, then);
    let mut plan = planner::plan(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    spoil(&mut plan);
    run(&plan, &Control::default())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

const ALL: [&str; 5] = ["a.mkv", "b.mp4", "package", "c.jpg", "d.jpg"];

/// For each product: the change, the kind of the error, and its stage.
const SPOILT: [(&str, Spoil, ErrorKind, &str); 4] = [
    // The encoder of this file refuses. The encoder of the other file is opened later.
    ("a.mkv", |plan| without_width(plan, 0), ErrorKind::InvalidSpec, ": encode: x264: "),
    // The muxer refuses, after the encoder of the file was opened.
    (
        "b.mp4",
        |plan| plan.outputs[1].container = crate::settings::container::Container::WebM,
        ErrorKind::Unsupported,
        ": mux: the container refuses the tracks: ",
    ),
    (
        "package",
        |plan| plan.packages[0].settings.segment = Rational::new(0, 1),
        ErrorKind::InvalidSpec,
        ": plan: package.segment: ",
    ),
    (
        "d.jpg",
        |plan| {
            let path = plan.stills[1].path.with_extension("gif");
            plan.stills[1].settings = StillSettings::Poster(PosterSettings { path, ..Default::default() });
        },
        ErrorKind::InvalidSpec,
        ": plan: ",
    ),
];

#[test]
fn what_cannot_be_opened_fails_alone_where_the_job_says_so() {
    for (name, spoil, kind, problem) in SPOILT {
        let folder = folder();
        let report = run_spoiled(folder.path(), "continue", spoil).unwrap_or_else(|error| panic!("{name}: {error}"));
        let [failed] = report.failed.as_slice() else { panic!("{name}: {:?}", report.failed) };
        assert_eq!((&failed.path, failed.kind), (&folder.path().join(name), kind), "{failed:?}");
        let begins = format!("{}{problem}", folder.path().join(name).display());
        assert!(failed.error.starts_with(&begins), "{} is not {begins}...", failed.error);
        // All other products are complete, and nothing is left of the failed one.
        let others: BTreeSet<String> =
            ALL.iter().filter(|other| **other != name).map(|own| (*own).to_owned()).collect();
        assert_eq!(names(folder.path()), others, "{name}");
        let made = report.outputs.len() + report.packages.len() + report.stills.len();
        assert_eq!(made, 4, "{name}");
        for output in &report.outputs {
            assert!(output.verification.checks.len() > 5 && output.verification.checks.iter().all(|check| check.ok));
            assert_eq!(output.ledger.expect("a ledger").found, Some(50), "{name}");
        }
        for package in &report.packages {
            assert!(!package.checks.is_empty() && package.checks.iter().all(|check| check.ok), "{name}");
            assert_eq!(package.renditions[0].ledger.expect("a ledger").found, Some(50), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_opened_ends_a_job_that_does_not_go_on() {
    for (name, spoil, kind, problem) in SPOILT {
        let folder = folder();
        let error = run_spoiled(folder.path(), "fail", spoil).expect_err(name);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with(&format!("{}{problem}", folder.path().join(name).display())), "{error}");
        assert_eq!(names(folder.path()), BTreeSet::new(), "{name}");
    }
}

#[test]
fn a_job_ends_when_nothing_of_it_can_be_opened() {
    let folder = folder();
    let job = Job { stills: Vec::new(), packages: Vec::new(), ..job(folder.path(), "continue") };
    let mut plan = planner::plan(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    (0..plan.outputs.len()).for_each(|number| without_width(&mut plan, number));
    let error = run(&plan, &Control::default()).expect_err("nothing is left");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    assert_eq!(names(folder.path()), BTreeSet::new());
}

/// HEVC copies of two depths, of which that of 8 bits leads, and one of H.264.
fn run_sharing(folder: &Path, goes_on: &str, on_lead_failure: &str, spoil: Spoil) -> crate::Result<Report> {
    let mut job = job(folder, goes_on);
    (job.packages, job.stills) = (Vec::new(), Vec::new());
    let hevc = |depth: u32| {
        let video = json!({ "type": "x265", "preset": "ultrafast", "depth": depth });
        json!({ "path": folder.join(format!("{depth}.mkv")), "video": video, "verify": "full" })
    };
    let mut text = serde_json::to_value(&job).expect("a job");
    let outputs = text["outputs"].as_array_mut().expect("outputs");
    outputs[1] = hevc(8);
    outputs.push(hevc(10));
    text["share_analysis"] = "fast".into();
    text["on_lead_failure"] = on_lead_failure.into();
    let job: Job = serde_json::from_value(text).expect("a job");
    let mut plan = planner::plan(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    let lead = plan.outputs[1].content.video.and_then(|id| plan.encodes[id.0].video()).expect("video");
    assert_eq!(lead.sharing.as_ref().map(|part| part.followers().len()), Some(1), "{:?}", plan.decisions);
    spoil(&mut plan);
    run(&plan, &Control::default())
}

/// A lead that refuses its settings, and one that refuses its frames.
const SPOILT_LEADS: [Spoil; 2] = [
    |plan| without_width(plan, 1),
    |plan| {
        let encode = plan.outputs[1].content.video.expect("video");
        let EncodePlan::Video(own) = &mut plan.encodes[encode.0] else { panic!("an encode of audio") };
        own.video.height -= 2;
    },
];

#[test]
fn followers_fail_with_the_encoder_of_their_lead() {
    for spoil in SPOILT_LEADS {
        let folder = folder();
        let report = run_sharing(folder.path(), "continue", "fail", spoil).unwrap_or_else(|error| panic!("{error}"));
        let failed: BTreeSet<_> = report.failed.iter().filter_map(|own| own.path.file_name()?.to_str()).collect();
        assert_eq!(failed, BTreeSet::from(["8.mkv", "10.mkv"]), "{:?}", report.failed);
        assert!(report.failed.iter().any(|own| own.error.contains("other outputs follow its analysis")));
        assert_eq!(names(folder.path()), BTreeSet::from(["a.mkv".to_owned()]));
        let folder = trix_fixtures::folder();
        let error = run_sharing(folder.path(), "fail", "fail", spoil).expect_err("the lead fails");
        assert!(error.to_string().contains("8.mkv: encode"), "{error}");
    }
}

#[test]
fn followers_are_analysed_for_themselves_where_the_job_says_so() {
    for spoil in SPOILT_LEADS {
        let folder = folder();
        let report = run_sharing(folder.path(), "continue", "alone", spoil).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(names(folder.path()), BTreeSet::from(["a.mkv".to_owned(), "10.mkv".to_owned()]));
        let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
        assert!(failed.path.ends_with("8.mkv"), "{failed:?}");
        for output in &report.outputs {
            assert_eq!(output.ledger.expect("a ledger").found, Some(50));
            assert!(output.sharing.is_none() && output.verification.checks.iter().all(|check| check.ok));
        }
        let told = report.decisions.iter().find(|own| own.what == "each output is analysed for itself");
        assert!(told.is_some_and(|own| own.why.contains("8.mkv: encode")), "{:?}", report.decisions);
        // Here the job ends with the error of the lead, which fails again.
        let folder = trix_fixtures::folder();
        let error = run_sharing(folder.path(), "fail", "alone", spoil).expect_err("the lead fails");
        assert!(!error.to_string().contains("other outputs follow"), "{error}");
        assert_eq!(names(folder.path()), BTreeSet::new());
    }
}
