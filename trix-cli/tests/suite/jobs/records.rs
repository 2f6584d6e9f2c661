//! Tests of reports and logs: they replace no file of the job, are written whole, and make no folder for a refused job.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_fixtures::{Clip, TempDir, folder, program};

use crate::support::{self, Ran, names};

const PROFILE: &str = "[[outputs]]\npath = \"${stem}.one.mkv\"\nvideo = { type = \"x264\", preset = \"ultrafast\" }\n";

/// A folder with two masters, a damaged one, a dub, a sequence of images, a profile, a job that inherits it, and links.
fn media() -> TempDir {
    let folder = folder();
    let film = fs::read(Clip { frames: 10, ..Clip::default() }.encoded("-c:v libx264", "mp4")).expect("a clip");
    let put = |name: &str, bytes: &[u8]| {
        support::file(&folder, name, bytes);
    };
    put("a.mp4", &film);
    put("b.mp4", &film);
    put("broken.mp4", &film[..film.len() / 2]);
    put("base.toml", PROFILE.as_bytes());
    put("job.toml", b"inherits = \"base.toml\"\n[source]\npath = \"a.mp4\"\n");
    put("pack.toml", b"inherits = \"vod\"\n[source]\npath = \"a.mp4\"\n");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("frames")).expect("a folder");
    fs::create_dir(at("b.pack")).expect("a folder");
    let images = at("frames/%04d.png");
    program::ffmpeg(&format!("-f lavfi -i testsrc=size=64x64:rate=25 -frames:v 3 {}", images.display()));
    program::ffmpeg(&format!("-f lavfi -i sine=sample_rate=48000:duration=1 {}", at("dub.wav").display()));
    fs::hard_link(at("a.mp4"), at("hard.mp4")).expect("a link");
    symlink("a.mp4", at("soft.mp4")).expect("a link");
    symlink(".", at("here")).expect("a link");
    folder
}

/// Runs `trix` in a folder.
fn within(folder: &TempDir, line: &str) -> Ran {
    let mut command = support::command(line, &[]);
    command.current_dir(folder.path());
    support::watch(command)
}

/// The bytes of all files below a folder.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(name);
        match path.is_dir() {
            true if path.is_symlink() => {}
            true => all.extend(content(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).expect("a file"))),
        }
    }
    all
}

#[test]
fn a_report_or_a_log_replaces_no_file_of_the_job() {
    let folder = media();
    let plan = within(&folder, "plan job.toml --json -o planned").done().out.clone();
    support::file(&folder, "plan.json", plan);
    let before = content(folder.path());
    let encode = "encode a.mp4 -o copy.mkv --preset ultrafast";
    let absolute = folder.path().join("copy.mkv").display().to_string();
    for (line, taken) in [
        (encode, "a.mp4"),
        (encode, "here/a.mp4"),
        (encode, "hard.mp4"),
        (encode, "soft.mp4"),
        (encode, "copy.mkv"),
        (encode, "./copy.mkv"),
        (encode, "frames/../copy.mkv"),
        (encode, "here/copy.mkv"),
        (encode, &absolute),
        ("encode frames/%04d.png -o copy.mkv --preset ultrafast", "frames/0002.png"),
        ("encode a.mp4 -o new/copy.mkv", "new/x/../copy.mkv"),
        ("run job.toml", "a.one.mkv"),
        ("run job.toml", "job.toml"),
        ("run job.toml", "base.toml"),
        ("run pack.toml -o packs", "packs/a.vod/report.json"),
        ("run plan.json", "plan.json"),
        ("run plan.json", "planned/a.one.mkv"),
        ("ingest a.mp4 -o out --profile base.toml", "base.toml"),
        ("ingest a.mp4 -o out --profile base.toml", "out/a.manifest.json"),
        ("ingest a.mp4 -o out --profile base.toml --audio dub.wav:lang=rus", "dub.wav"),
        ("ingest a.mp4 b.mp4 -o out --profile base.toml", "b.mp4"),
        ("ingest a.mp4 b.mp4 -o out --profile base.toml", "out/b.one.mkv"),
        ("ingest a.mp4 b.mp4 -o out --profile base.toml", "out/b.manifest.json"),
        ("ingest a.mp4 b.mp4 -o out --profile base.toml", "base.toml"),
        ("ingest a.mp4 broken.mp4 -o out --profile base.toml", "broken.mp4"),
        ("ingest a.mp4 broken.mp4 -o out --profile base.toml --audio gone.wav:lang=rus", "gone.wav"),
        ("ingest a.mp4 broken.mp4 -o out --profile base.toml --audio dub.wav:lang=rus", "dub.wav"),
    ] {
        for option in ["--report", "--log"] {
            let ran = within(&folder, &format!("{line} {option} {taken}"));
            let message = format!("{taken}: plan: is a file of the job; {option} needs another name");
            assert!(ran.code == Some(2) && ran.err.contains(&message), "{line} {taken}: {ran:?}");
            let now = content(folder.path());
            assert!(now == before, "{line} {option} {taken}: {:?} in place of {:?}", now.keys(), before.keys());
        }
    }
    let ran = within(&folder, &format!("{encode} --report same --log ./same"));
    assert!(ran.code == Some(2) && ran.err.contains("is the log too; --report needs another name"), "{ran:?}");
    assert!(content(folder.path()) == before);
}

#[test]
fn a_job_that_fails_writes_its_error_in_place_of_an_earlier_report() {
    let folder = media();
    let report = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join(name)).expect("a report")).expect("JSON")
    };
    within(&folder, "encode a.mp4 -o copy.mkv --preset ultrafast --report job.json").done();
    assert_eq!(report("job.json")["outputs"][0]["path"], "copy.mkv");
    for (line, kind) in [
        ("encode a.mp4 -o copy.mkv --preset ultrafast", "io"),
        ("encode a.mp4 -o other.mkv --gop 0", "invalid_spec"),
        ("encode gone.mp4 -o other.mkv", "io"),
        ("encode broken.mp4 -o other.mkv", "malformed_input"),
        ("run job.toml -o packs --set outputs[0].video.gop=0", "invalid_spec"),
    ] {
        let ran = within(&folder, &format!("{line} --report job.json"));
        assert!(ran.code != Some(0), "{ran:?}");
        let error = &report("job.json")["error"];
        assert_eq!(error["kind"], kind, "{line}: {error}");
        assert!(ran.err.contains(error["message"].as_str().expect("a message")), "{line}: {error} {ran:?}");
    }
    // With several masters, the summary says which failed.
    within(&folder, "ingest a.mp4 broken.mp4 -o out --profile base.toml --report job.json");
    let masters = report("job.json")["masters"].clone();
    assert_eq!((&masters[0]["state"], &masters[1]["state"]), (&"made".into(), &"failed".into()), "{masters}");
}

#[test]
fn both_records_make_their_folders_for_a_sound_job_and_for_no_other() {
    let folder = media();
    let line = "encode a.mp4 -o copy.mkv --preset ultrafast";
    let before = names(folder.path());
    for record in ["--report new/job.json", "--log new/job.log"] {
        let ran = within(&folder, &format!("{line} --gop 0 {record}"));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(names(folder.path()), before, "{record}");
    }
    within(&folder, &format!("{line} --report new/job.json --log logs/of/job.log")).done();
    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("new/job.json")).expect("a report")).expect("JSON");
    assert_eq!(report["outputs"][0]["path"], "copy.mkv");
    assert_eq!(names(&folder.path().join("new")), ["job.json"]);
    let log = fs::read_to_string(folder.path().join("logs/of/job.log")).expect("a log");
    let all: Vec<&str> = log.lines().filter_map(|line| line.split_once("  ")).map(|(_, what)| what).collect();
    assert!(all.starts_with(&["source began", "plan began", "encode began"]), "{log}");
    assert_eq!(all.last(), Some(&"the job is done"), "{log}");
    // Copies that are kept are written down too.
    let line = "ingest a.mp4 -o out --profile base.toml --skip-existing";
    within(&folder, line).done();
    within(&folder, &format!("{line} --log kept/job.log")).done();
    let log = fs::read_to_string(folder.path().join("kept/job.log")).expect("a log");
    assert!(log.ends_with("  a.mp4: kept\n") && log.lines().count() == 1, "{log}");
}

#[test]
fn a_record_that_cannot_be_written_is_an_error_before_the_first_frame() {
    let folder = media();
    let before = names(folder.path());
    for record in ["--report base.toml/job.json", "--log base.toml/job.log", "--report frames", "--log frames"] {
        for line in ["encode a.mp4 -o copy.mkv", "ingest a.mp4 b.mp4 -o out --profile preview"] {
            let ran = within(&folder, &format!("{line} {record}"));
            assert_eq!((ran.code, ran.out.as_str()), (Some(5), ""), "{record}: {ran:?}");
            assert!(ran.err.contains(record.split(' ').nth(1).expect("a name")), "{record}: {ran:?}");
            assert_eq!(names(folder.path()), before, "{record}");
        }
    }
}

#[test]
fn a_refusal_is_printed_once_and_stands_in_the_log() {
    let folder = media();
    let ran = within(&folder, "ingest broken.mp4 b.mp4 -o out --profile base.toml -v --log job.log");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.err.matches("broken.mp4").count(), 1, "{ran:?}");
    assert!(ran.err.contains("\ntrix: 2/2 b\n") && ran.err.contains("\ntrix: encode began\n"), "{ran:?}");
    let log = fs::read_to_string(folder.path().join("job.log")).expect("a log");
    assert_eq!(log.matches("  broken.mp4: not begun: broken.mp4: ").count(), 1, "{log}");
    assert_eq!(log.matches("  the job is done\n").count(), 1, "{log}");
}
