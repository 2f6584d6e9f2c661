//! Tests of the output for programs: one JSON document on standard output that matches its schema, and progress messages.

use std::{path::Path, process::Command};

use jsonschema::Validator;
use serde_json::Value;
use trix_fixtures::{Clip, clip::made, folder, master, media};

use crate::support::{
    self, encode, file,
    schema::{self, schema},
    trix,
};

/// Asserts that `document` matches the schema. The schema must also be strict: it rejects the same document without one
/// of its members.
fn fits(schema: &Validator, document: &Value) {
    schema::fits(schema, document);
    let mut less = document.clone();
    let members = less.as_object_mut().expect("an object");
    let names: Vec<String> = members.keys().cloned().collect();
    let refused = names.iter().any(|name| {
        let mut less = document.clone();
        less.as_object_mut().expect("an object").remove(name);
        !schema.is_valid(&less)
    });
    assert!(refused, "the schema lets everything pass");
    members.clear();
    assert!(!schema.is_valid(&less), "the schema lets an empty object pass");
}

#[test]
fn a_probe_is_one_document_as_its_schema_says() {
    let schema = schema("media-info");
    let mut opened = 0;
    let clips = [Clip::default().y4m(), master(), Clip::of("yuv422p").encoded("-c:v mpeg2video -qscale:v 2", "mxf")];
    for source in clips.into_iter().chain(media::files()) {
        let ran = trix("probe {} --json", &[&source]);
        if ran.code == Some(0) {
            opened += 1;
            fits(&schema, &ran.json());
        } else {
            ran.refused(3, &source);
        }
    }
    assert!(opened >= 3 && (media::files().is_empty() || opened > 30), "only {opened} could be opened");
}

#[test]
fn a_count_is_one_document_as_its_schema_says() {
    let schema = schema("media-info");
    for source in [Clip::default().y4m(), master()] {
        let counted = trix("probe {} --count --json", &[&source]).done().json();
        fits(&schema, &counted);
        assert_eq!(counted["census"]["streams"]["0"]["frames"], support::decodable(&source));
    }
}

#[test]
fn a_report_is_one_document_as_its_schema_says() {
    let schema = schema("report");
    for options in [
        "--preset ultrafast --audio aac",
        "--video x265 --preset ultrafast --audio flac --verify full",
        "--video none --audio aac",
    ] {
        fits(&schema, &encode(&master(), options).done());
    }
    fits(&schema, &encode(&Clip::default().encoded("-c:v libx264", "mkv"), "--video copy").done());
    let damaged = Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4");
    let bytes = std::fs::read(damaged).expect("a fixture");
    let folder = folder();
    let cut = file(&folder, "cut.mp4", &bytes[..bytes.len() / 2]);
    fits(&schema, &encode(&cut, "--preset ultrafast --on-damage conceal").done());
}

#[test]
fn checks_and_scores_are_documents_as_their_schemas_say() {
    let (reference, copy) = (Clip::default().y4m(), Clip::default().encoded("-c:v libx264", "mp4"));
    fits(&schema("verify"), &trix("verify {} --json", &[&copy]).done().json());
    fits(&schema("verify"), &trix("verify {} --against {} --json", &[&copy, &reference]).done().json());
    fits(&schema("compare"), &trix("compare {} {} --json", &[&reference, &copy]).done().json());
    fits(&schema("doctor"), &trix("doctor --json", &[]).done().json());
}

#[test]
fn an_error_is_a_document_as_its_schema_says() {
    let schema = schema("error");
    let (whole, missing) = (Clip::default().y4m(), Path::new("/nonexistent/a.mp4"));
    let runs = [
        trix("probe {} --json", &[missing]),
        trix("verify {} --json", &[missing]),
        trix("compare {} {} --json", &[&whole, missing]),
        trix("encode {} -o {} --json", &[&whole, Path::new("/dev/null/a.mp4")]),
        trix("encode {} -o /tmp/a.avi --preset quick --json", &[&whole]),
        trix("encode {} -o /tmp/a.mp4 --video copy --crf 20 --json", &[&whole]),
    ];
    for ran in runs {
        assert!([Some(2), Some(5)].contains(&ran.code), "{ran:?}");
        let document = ran.json();
        fits(&schema, &document);
        let message = document["error"]["message"].as_str().expect("a message");
        assert!(ran.said.contains(message), "{ran:?}");
    }
}

#[test]
fn the_job_in_a_report_fits_the_job_schema() {
    let job = schema("job");
    let text = r#"{ "source": { "path": "a.mov" }, "outputs": [ { "path": "b.mp4", "video": { "type": "x265" } } ] }"#;
    assert!(job.is_valid(&serde_json::from_str(text).expect("JSON")));
    for wrong in
        [r#"{ "sauce": {} }"#, r#"{ "outputs": [ { "video": { "type": "av2" } } ] }"#, r#"{ "threads": "many" }"#]
    {
        assert!(!job.is_valid(&serde_json::from_str(wrong).expect("JSON")), "{wrong}");
    }
}

#[test]
fn progress_is_a_document_a_line_as_its_schema_says() {
    let schema = schema("progress");
    let encoded = encode(&Clip::default().y4m(), "--progress json --verify full --bitrate 300 --passes 2");
    encoded.done();
    let lines: Vec<Value> =
        encoded.ran.err.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    for phase in ["first_pass", "encode", "verify"] {
        let mut last = 0;
        for line in lines.iter().filter(|line| line["phase"] == phase) {
            fits(&schema, line);
            let frame = line["frame"].as_u64().expect("a count");
            assert!(frame >= last, "{phase} goes back");
            last = frame;
        }
        assert_eq!(last, 30, "{phase} ends with all frames");
    }
}

#[test]
fn progress_of_copies_that_are_checked_and_made_again_stands_beside_messages() {
    let schema = schema("progress");
    let (master, folder) = (master(), folder());
    let line = "ingest {} -o {} --profile preview --set preview_preset=ultrafast --set stem=film";
    trix(line, &[&master, folder.path()]).done();
    let copy = folder.path().join("film.preview.mp4");
    let mut bytes = std::fs::read(&copy).expect("a copy");
    *bytes.last_mut().expect("a byte") ^= 1;
    std::fs::write(&copy, bytes).expect("a copy");
    let ran = trix(&format!("{line} --skip-existing --overwrite --progress json"), &[&master, folder.path()]);
    // As the guide says: a line that does not begin with a brace is a message.
    let (lines, messages): (Vec<&str>, Vec<&str>) = ran.done().err.lines().partition(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.into_iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.iter().for_each(|line| schema::fits(&schema, line));
    assert!(lines.iter().any(|line| line["reading"] == "check_copies"), "{ran:?}");
    assert!(lines.iter().any(|line| line["phase"] == "encode" && line["frame"] == 50), "{ran:?}");
    assert!(messages.iter().any(|message| message.contains("its copies are not skipped")), "{ran:?}");
}

#[test]
fn a_pipe_gets_no_progress_unless_it_asks_for_json() {
    let source = Clip::default().y4m();
    for options in ["", "--progress auto", "--progress none"] {
        let encoded = encode(&source, &format!("--preset ultrafast {options}"));
        encoded.done();
        assert_eq!(encoded.ran.err, "", "{options}");
    }
    let refused = encode(&source, "--progress bar");
    let message = "trix: --progress: 'bar' is none of auto, json, none\n";
    assert_eq!((refused.ran.code, refused.ran.said.as_str()), (Some(2), message), "{:?}", refused.ran);
}

#[test]
fn a_closed_pipe_does_not_panic() {
    for line in ["probe {}", "probe {} --json", "probe {} --count --json"] {
        let mut command = Command::new("sh");
        command.args(["-c", "\"$@\" | head -1; exit ${PIPESTATUS:-0}", "sh", env!("CARGO_BIN_EXE_trix")]);
        command.args(support::words(line, &[&master()]));
        let ran = support::watch(command);
        assert_eq!((ran.out.lines().count(), ran.err.as_str()), (1, ""), "{ran:?}");
    }
    // A reader that is closed from the start.
    let mut child = support::start(support::command("probe {}", &[&master()]));
    drop(child.stdout.take());
    assert_eq!(support::finish(child).err, "");
    let mut command = Command::new("sh");
    command.args(["-c", "\"$@\" > /dev/full", "sh", env!("CARGO_BIN_EXE_trix")]);
    command.args(support::words("probe {} --json", &[&master()]));
    support::watch(command);
}

#[test]
fn names_with_odd_characters_are_files_like_any_other() {
    let folder = folder();
    let whole = std::fs::read(Clip::default().encoded("-c:v libx264", "mp4")).expect("a fixture");
    for name in
        ["with space.mp4", "ünïcode – 映画.mp4", "-o.mp4", "100%d.mp4", "file:a.mp4", "a?b#c.mp4", "new\nline.mp4"]
    {
        let source = file(&folder, name, &whole);
        let encoded = encode(&source, "--preset ultrafast");
        encoded.holds(30);
        let output = folder.path().join(format!("copy of {name}"));
        trix("encode {} -o {} --preset ultrafast", &[&source, &output]).done();
        assert!(output.is_file(), "{name}");
        let probed = trix("probe {} --json", &[&output]).done().json();
        assert_eq!(probed["file"], output.to_str().expect("UTF-8"), "{name}");
    }
    let made_once =
        made("name-check.y4m", |path| std::fs::copy(Clip::default().y4m(), path).map(drop).expect("a copy"));
    trix("probe {}", &[&made_once]).done();
}
