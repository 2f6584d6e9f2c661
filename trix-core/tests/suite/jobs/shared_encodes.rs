//! Tests that an encode for both a file and a rendition of a package runs once, and that both get all packets.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use trix_core::{
    Control, Job, Plan, Report, Source,
    plan::{EncodePlan, OutputId, PackageId, Sink},
    run_job,
};
use trix_fixtures::{folder, program};

use crate::support::{done, made_by_ffmpeg};

const FILE: Sink = Sink::Output(OutputId(0));

/// Five seconds of video and audio.
fn film() -> PathBuf {
    made_by_ffmpeg(
        "shared-film.mkv",
        "-f lavfi -i testsrc2=size=256x144:rate=25:duration=5 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=5 \
         -c:v libx264 -preset ultrafast -g 250 -c:a flac -f matroska",
    )
}

/// An output file whose keyframes are those of a package with segments of two seconds.
fn file(path: &str, rate: &Value) -> Value {
    json!({
        "path": path,
        "video": {
            "type": "x264", "preset": "ultrafast", "rate": rate, "gop": 100, "open_gop": false, "key_interval": "2",
            "params": { "scenecut": "0" }
        },
        "audio": { "type": "aac", "kbps": 96 }
    })
}

fn package(rate: &Value) -> Value {
    json!({
        "path": "package", "segment": "2", "audio": { "type": "aac", "kbps": 96 },
        "ladder": [{ "height": 144, "video": { "type": "x264", "preset": "ultrafast", "rate": rate } }]
    })
}

fn job(into: &Path, outputs: &[Value], packages: &[Value]) -> Job {
    let job = json!({ "source": { "path": film() }, "outputs": outputs, "packages": packages });
    let mut job: Job = serde_json::from_value(job).expect("a job");
    job.write_into(into);
    job
}

fn planned(job: &Job) -> Plan {
    trix_core::plan(job, &Source::of(&job.source).expect("a source")).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the coded bytes of the video (`v`) or audio (`a`) of a file or playlist, without the container.
fn coded(file: &Path, kind: &str) -> Vec<u8> {
    let form = if kind == "v" { "-bsf:v h264_mp4toannexb -f h264" } else { "-f adts" };
    program::ffmpeg(&format!("-i {} -map 0:{kind}:0 -c copy {form} -", file.display())).stdout
}

/// Asserts that file and rendition have the same packets, and that a job with only the file writes the same bytes.
fn are_whole(report: &Report, alone: &Path) {
    let (made, package) = (&report.outputs[0], &report.packages[0]);
    assert!(fs::read(&made.path).unwrap() == fs::read(alone).unwrap(), "the file of a job of its own");
    for (kind, rendition) in [("v", "video-144"), ("a", "audio-1")] {
        let own = coded(&made.path, kind);
        assert!(own.len() > 10_000, "{kind}: {} bytes", own.len());
        assert!(own == coded(&package.path.join(rendition).join("media.m3u8"), kind), "{kind}");
    }
    for ledger in [made.ledger, package.renditions[0].ledger] {
        let ledger = ledger.expect("a ledger");
        assert_eq!((ledger.encoded, ledger.emitted, ledger.found), (125, 125, Some(125)));
    }
    assert_eq!(made.audio_ledgers, package.renditions[1].audio_ledgers);
    assert_eq!(made.audio_ledgers[0].encoded, 240_000);
}

#[test]
fn a_file_and_an_equal_rendition_are_encoded_once_and_both_are_whole() {
    for rate in [json!({ "type": "crf", "value": 23 }), json!({ "type": "bitrate", "kbps": 300, "passes": 2 })] {
        let folder = folder();
        let [alone, both] = ["alone", "both"].map(|name| folder.path().join(name));
        [&alone, &both].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let threads = planned(&job(&alone, &[file("a.mp4", &rate)], &[])).sink(FILE).threads;
        done(&job(&alone, &[file("a.mp4", &rate)], &[]));
        let job = job(&both, &[file("a.mp4", &rate)], &[package(&rate)]);

        let plan = planned(&job);
        let kinds: Vec<bool> = plan.encodes.iter().map(|encode| encode.video().is_some()).collect();
        assert_eq!(kinds, [true, false], "{:?}", plan.encodes);
        let rendition = |rendition| Sink::Rendition { package: PackageId(0), rendition };
        for (encode, sink) in plan.content(FILE).encodes().zip([rendition(0), rendition(1)]) {
            assert_eq!(plan.sinks_of(encode), [FILE, sink]);
        }
        // One encoder gets all threads, as in a job with only the file.
        assert_eq!(plan.sink(FILE).threads, threads);

        let report = done(&job);
        assert_eq!(report.encodes, plan.encodes);
        are_whole(&report, &alone.join("a.mp4"));
    }
}

#[test]
fn whatever_changes_the_packets_makes_an_encode_of_its_own() {
    let rate = json!({ "type": "crf", "value": 23 });
    let folder = folder();
    let with = |key: &str, value: Value| {
        let mut own = file("b.mp4", &rate);
        own["video"][key] = value;
        own
    };
    let counts = |other: Value| {
        let plan = planned(&job(folder.path(), &[file("a.mp4", &rate), other], &[package(&rate)]));
        let videos = plan.encodes.iter().filter(|own| matches!(own, EncodePlan::Video(_))).count();
        (videos, plan.encodes.len() - videos)
    };
    assert_eq!(counts(file("b.mp4", &rate)), (1, 1));
    assert_eq!(counts(with("gop", json!(50))), (2, 1));
    assert_eq!(counts(with("rate", json!({ "type": "crf", "value": 24 }))), (2, 1));
    assert_eq!(counts(with("keyframes", json!(["0.4"]))), (2, 1));
    assert_eq!(counts(with("params", json!({ "scenecut": "0", "aq-mode": "2" }))), (2, 1));
    let mut own = file("b.mp4", &rate);
    own["threads"] = json!(1);
    assert_eq!(counts(own.clone()), (2, 1), "the number of threads changes the packets");
    own["audio"]["kbps"] = json!(64);
    assert_eq!(counts(own), (2, 2));
    // Matroska counts milliseconds, so its audio has more silence at the start and needs its own encode.
    assert_eq!(counts(file("b.mkv", &rate)), (1, 2));
}

#[test]
fn one_of_two_that_share_an_encode_fails_alone() {
    let rate = json!({ "type": "crf", "value": 23 });
    for lost in ["file", "package"] {
        let folder = folder();
        let (whole, apart) = (folder.path().join("whole"), folder.path().join("apart"));
        [&whole, &apart].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let reference = job(&whole, &[file("reference.mp4", &rate)], &[]);
        done(&reference);
        let mut job = job(&whole, &[file("a.mp4", &rate)], &[package(&rate)]);
        job.on_output_failure = serde_json::from_str("\"continue\"").expect("a word");
        match lost {
            "file" => job.outputs[0].path = apart.join("a.mp4"),
            _ => job.packages[0].path = apart.join("package"),
        }
        let gone = apart.clone();
        let progress = move |_: &_| {
            let _ = fs::remove_dir_all(&gone);
        };
        let control = Control { progress: Some(Arc::new(progress)), ..Default::default() };
        let report = run_job(&job, &control).unwrap_or_else(|error| panic!("{lost}: {error}"));
        let [failed] = report.failed.as_slice() else { panic!("{lost}: {:?}", report.failed) };
        assert!(failed.path.starts_with(&apart), "{lost}: {failed:?}");
        let reference = &reference.outputs[0].path;
        match lost {
            "file" => {
                assert!(report.outputs.is_empty());
                for (kind, rendition) in [("v", "video-144"), ("a", "audio-1")] {
                    let own = coded(&whole.join("package").join(rendition).join("media.m3u8"), kind);
                    assert!(own == coded(reference, kind), "{kind}");
                }
                assert_eq!(report.packages[0].renditions[0].ledger.expect("a ledger").found, Some(125));
            }
            _ => {
                assert!(report.packages.is_empty());
                assert!(fs::read(whole.join("a.mp4")).unwrap() == fs::read(reference).unwrap());
                assert_eq!(report.outputs[0].ledger.expect("a ledger").found, Some(125));
            }
        }
    }
}
