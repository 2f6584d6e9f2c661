//! Tests of documents that inherit others, of variables and conditions, and of the profiles that come with Trix.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use trix_core::{
    Error, ErrorKind, Source,
    document::{Document, Language, PROFILES, Resolved, Traits, key_table},
    media::{frame_facts::FieldOrder, time::Rational},
};
use trix_fixtures::{Clip, TempDir, clip::made, folder, media, program};

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file can be written");
    path
}

fn opened(path: &Path, set: &[(&str, &str)]) -> Document {
    Document::open(path, &pairs(set)).unwrap_or_else(|error| panic!("{error}"))
}

fn pairs(set: &[(&str, &str)]) -> Vec<(String, String)> {
    set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Returns the job of a document as JSON.
fn job(document: &Document) -> Value {
    job_for(document, &Traits::default())
}

fn job_for(document: &Document, traits: &Traits) -> Value {
    serde_json::to_value(document.job(traits).expect("a job")).expect("JSON")
}

fn refused(path: &Path) -> Error {
    let error = Document::open(path, &[]).expect_err("a mistake");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    error
}

/// Asserts that `value` contains everything in `part`, and that lists have equal lengths.
fn holds(value: &Value, part: &Value) {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().for_each(|(key, part)| holds(value.get(key).unwrap_or(&Value::Null), part));
        }
        (Value::Array(value), Value::Array(part)) => {
            assert_eq!(value.len(), part.len(), "{value:?}, {part:?}");
            value.iter().zip(part).for_each(|(value, part)| holds(value, part));
        }
        (Value::Number(value), Value::Number(part)) => assert_eq!(value.as_f64(), part.as_f64()),
        _ => assert_eq!(value, part),
    }
}

const BASE: &str = r#"
description = "what others begin with"
threads = 2
on_output_failure = "continue"
[variables]
crf = 20
[source]
frames = 10
[[outputs]]
id = "big"
path = "${stem}.big.mkv"
metadata = { title = "Big", artist = "A" }
[outputs.video]
type = "x264"
depth = 8
keyframes = ["1", "2"]
rate = { type = "crf", value = "${crf}" }
params = { bframes = "0" }
[[outputs]]
path = "${stem}.unnamed.mkv"
"#;

#[test]
fn the_nearer_document_wins_and_the_rest_is_inherited() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    let heir = file(
        &folder,
        "heir.yaml",
        "inherits: base.toml\nthreads: 5\nsource: { path: film.mov }\noutputs:\n- id: big\n  metadata: { title: Bigger }\n  \
         video: { depth: 10, keyframes: ['3'], params: { ref: '4' } }\n- path: more.mkv\n",
    );
    let document = opened(&heir, &[]);
    assert_eq!(document.description(), None, "what another document is for says nothing of this one");
    holds(
        &job(&document),
        &json!({
            "threads": 5, "on_output_failure": "continue", "source": { "path": "film.mov", "frames": 10 },
            "outputs": [
                { "path": "film.big.mkv", "metadata": { "title": "Bigger", "artist": "A" },
                  "video": { "type": "x264", "depth": 10, "keyframes": ["3.000000000"], "rate": { "type": "crf", "value": 20 },
                             "params": { "bframes": "0", "ref": "4" } } },
                { "path": "film.unnamed.mkv" },
                { "path": "more.mkv" }
            ]
        }),
    );
}

#[test]
fn settings_that_another_encoder_has_too_stay_and_a_note_names_the_change() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    let heir = file(
        &folder,
        "heir.json",
        r#"{ "inherits": ["base.toml"], "outputs": [
            { "id": "big", "video": { "type": "x265", "depth": 12, "rate": { "type": "qp", "value": 3 } } } ] }"#,
    );
    let document = opened(&heir, &[]);
    let video = &job(&document)["outputs"][0]["video"];
    assert_eq!((&video["type"], &video["depth"]), (&json!("x265"), &json!(12)));
    assert_eq!(video["rate"], json!({ "type": "qp", "value": 3 }));
    assert_eq!(video["keyframes"].as_array().map(Vec::len), Some(2));
    assert_eq!(video["params"], json!({}), "options of x264 are not those of x265");
    let notes = document.notes().join("\n");
    assert!(notes.contains("big.video: x265 (") && notes.contains("in place of x264 ("), "{notes}");
    // What FFV1 does not have is left out, and named.
    let text = fs::read_to_string(&heir).expect("the heir");
    let lossless = r#"{ "type": "ffv1" }"#;
    let text = text.replace(r#"{ "type": "x265", "depth": 12, "rate": { "type": "qp", "value": 3 } }"#, lossless);
    let document = opened(&file(&folder, "lossless.json", &text), &[]);
    assert_eq!(job(&document)["outputs"][0]["video"]["type"], "ffv1");
    let notes = document.notes().join("\n");
    assert!(notes.contains("outputs[0].video.keyframes of ") && notes.contains("ffv1 has no keyframes"), "{notes}");
    // If the type is the same, other settings stay. A nested setting can still change its own type.
    let text = fs::read_to_string(&heir).expect("the heir").replace("x265", "x264").replace("12", "10");
    let video = &job(&opened(&file(&folder, "same.json", &text), &[]))["outputs"][0]["video"];
    assert_eq!(video["rate"], json!({ "type": "qp", "value": 3 }));
    assert_eq!((&video["params"], &video["depth"]), (&json!({ "bframes": "0" }), &json!(10)));
}

#[test]
fn cases_of_a_profile_do_not_override_a_nearer_document() {
    let folder = folder();
    let big = Traits { video: true, height: 1080.0, width: 1920.0, channels: 6.0, audio: true, ..Traits::default() };
    let heir = |name: &str, text: &str| {
        file(
            &folder,
            name,
            &format!("inherits = \"preview\"\n[source]\npath = \"a.mov\"\n[[outputs]]\nid = \"preview\"\n{text}"),
        )
    };
    // HEVC in place of H.264 keeps the quality, and the size of the case.
    let document = opened(&heir("hevc.toml", "video = { type = \"x265\", depth = 10 }\n"), &[]);
    let output = &job_for(&document, &big)["outputs"][0];
    holds(&output["video"], &json!({ "type": "x265", "depth": 10, "rate": { "type": "crf", "value": 26 } }));
    assert_eq!(output["picture"]["size"], json!({ "width": -2, "height": 720 }));
    assert_eq!(output["audio_shape"]["layout"], "stereo");
    // A nearer value stays, from a document and from the command line.
    let document = opened(&heir("size.toml", "picture = { size = \"-2x480\" }\n"), &[]);
    assert_eq!(job_for(&document, &big)["outputs"][0]["picture"]["size"], json!({ "width": -2, "height": 480 }));
    let document = opened(&heir("set.toml", ""), &[("outputs[0].audio_shape.layout", "\"5.1\"")]);
    assert_eq!(job_for(&document, &big)["outputs"][0]["audio_shape"]["layout"], "5.1");
    // A case that leaves the video out still does.
    let heard = Traits { audio: true, ..Traits::default() };
    let document = opened(&heir("audio.toml", "video = { preset = \"slow\" }\n"), &[]);
    assert_eq!(job_for(&document, &heard)["outputs"][0]["video"], json!({ "type": "none" }));
}

#[test]
fn rungs_have_what_their_package_states_for_all() {
    let folder = folder();
    let text = r#"
        inherits = "vod"
        [source]
        path = "a.mov"
        [[packages]]
        id = "vod"
        video = { preset = "slow" }
    "#;
    let document = opened(&file(&folder, "slow.toml", text), &[]);
    for (hdr, encoder, depth, limit) in [(false, "x264", 8, 18_000), (true, "x265", 10, 14_000)] {
        let traits = Traits { video: true, hdr, height: 2160.0, ..Traits::default() };
        let ladder = &job_for(&document, &traits)["packages"][0]["ladder"];
        assert_eq!(ladder.as_array().map(Vec::len), Some(6));
        let rate = json!({ "type": "crf", "value": 21 });
        let first = json!({ "type": encoder, "depth": depth, "preset": "slow", "rate": rate, "maxrate": limit });
        holds(&ladder[0]["video"], &first);
        assert_eq!(ladder[5]["height"], 360);
    }
    let wrong = text.replace("slow", "\" }\nladder = [{ height = 720, video = { preset = 3 } }]\n# ");
    let error =
        Document::parse(&wrong.replace("preset = \"\"", "depth = 8"), Language::Toml, &[]).expect_err("a mistake");
    assert!(error.to_string().contains("packages[0].ladder[0].video.preset"), "{error}");
}

#[test]
fn options_take_lists_and_tables_and_their_mistakes_name_them() {
    let text = "[source]\npath = \"a.mov\"\n[variables]\npreset = \"fast\"\n[[outputs]]\npath = \"a.mkv\"\n\
                video = { type = \"x264\", preset = \"${preset}\" }\n";
    let with = |key: &str, value: &str| Document::parse(text, Language::Toml, &pairs(&[(key, value)]));
    let output =
        |key: &str, value: &str| job(&with(key, value).unwrap_or_else(|error| panic!("{error}")))["outputs"][0].clone();
    assert_eq!(output("outputs[0].video", "{ type = \"ffv1\" }")["video"]["type"], "ffv1");
    assert_eq!(
        output("outputs[0].video.keyframes", "[\"1\", \"2\"]")["video"]["keyframes"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(output("outputs[0].metadata", "{\"title\": \"A\"}")["metadata"]["title"], "A");
    assert_eq!(output("outputs[0].audio", "aac:128k")["audio"], json!({ "type": "aac", "kbps": 128 }));
    for (key, value, message) in [
        ("preset", "5", "--set preset: outputs[0].video.preset = 5: is a number"),
        ("outputs[0].video.depth", "ten", "--set outputs[0].video.depth: outputs[0].video.depth = ten"),
        ("outputs[0].video", "{ type = ", "--set outputs[0].video = { type = : is no list or table in JSON or TOML"),
    ] {
        let error = with(key, value).expect_err(key).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_merged_document_is_the_same_job() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    let heir = file(
        &folder,
        "heir.toml",
        "inherits = [\"base.toml\", \"preview\"]\nthreads = 5\n[source]\npath = \"a.mov\"\n",
    );
    let document = opened(&heir, &[]);
    let again = Document::parse(&document.merged(), Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
    for traits in
        [Traits::default(), Traits { video: true, height: 1080.0, hdr: true, channels: 6.0, ..Traits::default() }]
    {
        assert_eq!(job_for(&again, &traits), job_for(&document, &traits));
    }
}

#[test]
fn the_later_of_several_parents_wins_and_outputs_merge_by_id() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    file(
        &folder,
        "one.toml",
        "inherits = \"base.toml\"\nthreads = 3\n[variables]\ncrf = 30\n[[outputs]]\nid = \"one\"\npath = \"1.mkv\"",
    );
    fs::create_dir(folder.path().join("sub")).expect("a folder");
    // Names of parents are relative to the document that contains them.
    file(
        &folder,
        "sub/two.toml",
        "inherits = \"../one.toml\"\nthreads = 4\n[[outputs]]\nid = \"one\"\npath = \"2.mkv\"",
    );
    let heir = file(&folder, "heir.toml", "inherits = [\"one.toml\", \"sub/two.toml\"]\n[variables]\ncrf = 7\n");
    let job = job(&opened(&heir, &[]));
    assert_eq!(job["threads"], 4);
    let paths: Vec<&str> =
        job["outputs"].as_array().expect("outputs").iter().filter_map(|own| own["path"].as_str()).collect();
    assert_eq!(paths, [".big.mkv", ".unnamed.mkv", "2.mkv", ".unnamed.mkv"], "what has no name comes once more");
    holds(&job["outputs"][0]["video"]["rate"], &json!({ "value": 7 }));
}

#[test]
fn mistakes_are_reported_in_the_document_that_holds_them() {
    let folder = folder();
    let base = file(&folder, "base.toml", "threads = \"two\"\n[[outputs]]\npath = \"a.avi\"\nid = \"a\"\n");
    let heir =
        file(&folder, "heir.yaml", "inherits: base.toml\noutputs:\n- id: a\n  video:\n    type: x266\nsauce: 1\n");
    let message = refused(&heir).to_string();
    let lines: Vec<&str> = message.trim_start_matches("plan: ").lines().collect();
    let (base, heir) = (base.display(), heir.display());
    let expected = [
        format!("{heir}:5: outputs[0].video.type = x266: is not known; did you mean x264? "),
        format!("{heir}:6: sauce: is not known; did you mean source?"),
        format!("{base}:1: threads = two: is text; a whole number is expected"),
        format!("{base}:3: outputs[0].path = a.avi: the extension names no container"),
    ];
    assert_eq!(lines.len(), expected.len(), "{message}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&expected), "'{expected}' in: {message}");
    }
}

#[test]
fn documents_that_cannot_be_inherited_are_reported_with_the_line_that_names_them() {
    let folder = folder();
    let heir = |inherits: &str| file(&folder, "heir.toml", &format!("# A comment.\ninherits = {inherits}\n"));
    for (inherits, message) in [
        ("\"archiv\"", "did you mean archive? profiles are archive, archive-lossless"),
        ("\"nothing.toml\"", "there is no profile and no file 'nothing.toml'"),
        ("\".\"", "there is no profile and no file '.'"),
        ("[\"preview\", \"nothing.toml\"]", "there is no profile and no file 'nothing.toml'"),
    ] {
        let error = refused(&heir(inherits)).to_string();
        assert!(error.contains(message) && error.contains("heir.toml, line 2"), "{error}");
    }
    for inherits in ["5", "true", "[\"preview\", 5]", "{ a = 1 }"] {
        let error = refused(&heir(inherits)).to_string();
        assert!(error.ends_with("line 2: inherits: a name, or a list of names, is expected"), "{error}");
    }
    file(&folder, "broken.toml", "a = 1\nb = \n");
    let error = refused(&heir("\"broken.toml\"")).to_string();
    assert!(error.contains("broken.toml: plan: line 2: "), "{error}");
    file(&folder, "large.toml", &"#".repeat((1 << 20) + 1));
    let error = refused(&heir("\"large.toml\"")).to_string();
    assert!(error.contains("large.toml: plan: is no document: a regular file of 1048576 bytes"), "{error}");
    fs::write(folder.path().join("binary.toml"), [0xff, 0xfe, 0x00]).expect("a file");
    let error = Document::open(&heir("\"binary.toml\""), &[]).expect_err("no text");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.to_string().contains("binary.toml"), "{error}");
}

#[test]
fn a_path_that_is_no_profile_is_an_input_error_or_a_document_error() {
    let folder = folder();
    let error = Document::open(&folder.path().join("absent.toml"), &[]).expect_err("nothing there");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(refused(folder.path()).to_string().contains("is no document: a regular file"));
    let pipe = folder.path().join("pipe.toml");
    program::run("mkfifo", [&pipe]);
    assert!(refused(&pipe).to_string().contains("is no document: a regular file"), "a pipe is not waited for");
}

#[test]
fn documents_that_inherit_themselves_are_refused_with_the_cycle() {
    let folder = folder();
    let own = file(&folder, "own.toml", "inherits = \"own.toml\"\n");
    let error = refused(&own).to_string();
    assert!(error.contains("inherits itself: ") && error.matches("own.toml -> ").count() == 1, "{error}");
    let a = file(&folder, "a.toml", "inherits = \"b.yaml\"\n");
    file(&folder, "b.yaml", "inherits: [preview, c.json]\n");
    file(&folder, "c.json", "{ \"inherits\": \"a.toml\" }");
    let error = refused(&a).to_string();
    let ring: Vec<&str> = error.split("inherits itself: ").nth(1).expect("a ring").split(" -> ").collect();
    let names: Vec<&str> = ring.iter().filter_map(|path| path.split(';').next()?.rsplit('/').next()).collect();
    assert_eq!(names, ["a.toml", "b.yaml", "c.json", "a.toml"], "{error}");
}

#[test]
fn long_chains_and_wide_trees_of_documents_are_refused() {
    let folder = folder();
    for level in 0..40 {
        file(&folder, &format!("{level}.toml"), &format!("inherits = \"{}.toml\"\n", level + 1));
        let twice = format!("inherits = [\"w{0}.toml\", \"w{0}.toml\"]\n", level + 1);
        file(&folder, &format!("w{level}.toml"), &twice);
    }
    file(&folder, "w12.toml", "threads = 3\n");
    let error = refused(&folder.path().join("0.toml")).to_string();
    assert!(error.contains("through more than 16 documents"), "{error}");
    let error = refused(&folder.path().join("w0.toml")).to_string();
    assert!(error.contains("one of more than 64 documents"), "{error}");
    assert_eq!(job(&opened(&folder.path().join("w9.toml"), &[]))["threads"], 3, "15 documents are few");
}

const VARIABLES: &str = r#"
threads = "${threads}"
[variables]
long = "${name}-${threads}-${yes}"
name = "film of ${stem}"
threads = 3
yes = true
crf = 18.5
[source]
path = "folder/shot.%04d.dpx"
[[outputs]]
path = "${stem}.${long}${crf}.mkv"
overwrite = "${yes}"
metadata = { title = "${name}", comment = "no $variable, {none}, $5 and }" }
video = { type = "x264", rate = { type = "crf", value = "${crf}" } }
"#;

#[test]
fn a_variable_keeps_its_type_alone_and_becomes_text_inside_text() {
    let document = Document::parse(VARIABLES, Language::Toml, &[]).expect("a document");
    holds(
        &job(&document),
        &json!({
            "threads": 3,
            "outputs": [ {
                "path": "shot.%04d.film of shot.%04d-3-true18.5.mkv", "overwrite": true,
                "metadata": { "title": "film of shot.%04d", "comment": "no $variable, {none}, $5 and }" },
                "video": { "type": "x264", "rate": { "type": "crf", "value": 18.5 } }
            } ]
        }),
    );
}

#[test]
fn cyclic_variables_and_growing_variables_are_refused() {
    let text =
        "[variables]\na = \"${b}\"\nb = \"x${c}\"\nc = \"${a}\"\nd = \"${d}\"\n[[outputs]]\npath = \"${a}.mkv\"\n";
    let message = Document::parse(text, Language::Toml, &[]).expect_err("a ring").to_string();
    assert!(message.contains("is made of itself") && message.contains("the job:5: variables.d"), "{message}");
    let mut text = "[variables]\nv0 = \"0123456789abcdef\"\n".to_owned();
    (1..40).for_each(|n| text.push_str(&format!("v{n} = \"${{v{0}}}${{v{0}}}\"\n", n - 1)));
    text.push_str("[[outputs]]\npath = \"a.mkv\"\nmetadata = { title = \"${v39}\" }\n");
    let error = Document::parse(&text, Language::Toml, &[]).expect_err("too long");
    assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
    assert!(error.to_string().len() < 20_000, "{}", error.to_string().len());
}

#[test]
fn variables_set_by_the_caller_win_over_every_document() {
    let folder = folder();
    file(&folder, "base.toml", BASE);
    let heir =
        file(&folder, "heir.toml", "inherits = \"base.toml\"\n[variables]\ncrf = 21\n[source]\npath = \"a.mov\"\n");
    let set = [
        ("crf", "30.5"),
        ("threads", "7"),
        ("source.path", "other/b.mov"),
        ("source.start", "00:00:01.5"),
        ("outputs[0].video.depth", "10"),
        ("outputs[0].metadata.title", "\"2001\""),
        ("outputs[0].metadata.\"com.example.key\"", "x=y"),
        ("outputs[1].overwrite", "true"),
        ("outputs[1].audio.type", "none"),
    ];
    holds(
        &job(&opened(&heir, &set)),
        &json!({
            "threads": 7, "source": { "path": "other/b.mov", "start": "1.500000000", "frames": 10 },
            "outputs": [
                { "path": "b.big.mkv", "metadata": { "title": "2001", "com.example.key": "x=y", "artist": "A" },
                  "video": { "depth": 10, "rate": { "type": "crf", "value": 30.5 } } },
                { "path": "b.unnamed.mkv", "overwrite": true, "audio": { "type": "none" } }
            ]
        }),
    );
}

#[test]
fn an_unknown_variable_is_refused_with_the_known_ones() {
    let refused = |set: &[(&str, &str)]| {
        let error = Document::parse(BASE, Language::Toml, &pairs(set)).expect_err("a mistake");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        error.to_string()
    };
    for (key, value, message) in [
        (
            "crff",
            "3",
            "--set crff = 3: is neither a variable of this job nor one of its keys; did you mean crf? known are crf, ",
        ),
        ("output.path", "a", "--set output.path = a: is neither a variable of this job nor one of its keys; "),
        ("outputs[7].path", "a", "--set outputs[7].path = a: is not a key of this job"),
        ("outputs[x].path", "a", "--set outputs[x].path = a: is not a key of this job"),
        ("threads.more", "1", "--set threads.more = 1: is not a key of this job"),
        (
            "outputs[0].video.dept",
            "10",
            "--set outputs[0].video.dept: outputs[0].video.dept: is not known; did you mean depth?",
        ),
        (
            "outputs[0].video.depth",
            "ten",
            "--set outputs[0].video.depth: outputs[0].video.depth = ten: is text; a whole number",
        ),
        ("crf", "good", "--set crf: outputs[0].video.rate.value = good: is text; a number is expected"),
        ("source.start", "soon", "--set source.start: source.start = soon: 'soon' is not a time"),
        (
            "outputs[0].path",
            "a.avi",
            "--set outputs[0].path: outputs[0].path = a.avi: the extension names no container",
        ),
    ] {
        // A second mistake, so that the mistakes of planning are reported too.
        let messages = refused(&[(key, value), ("source.rate", "x")]);
        assert!(messages.contains(message), "'{message}' in: {messages}");
        assert_eq!(messages.lines().count(), 2, "{messages}");
    }
}

#[test]
fn cases_are_applied_in_order_and_can_leave_outputs_out() {
    let text = r#"
[[outputs]]
path = "always.mkv"
video = { type = "x264", depth = 8 }
[[outputs.cases]]
when = { hdr = true }
video = { type = "x265", depth = 10 }
[[outputs.cases]]
when = { hdr = true, height = ">1080" }
video = { depth = 12 }
path = "large.mkv"
[[outputs]]
path = "fields.mkv"
when = { interlaced = true }
[[outputs]]
path = "surround.mkv"
when = { channels = ">=6", audio = true }
"#;
    let document = Document::parse(text, Language::Toml, &[]).expect("a document");
    let made = |traits: Traits| -> Vec<String> {
        let outputs = document.job(&traits).expect("a job").outputs;
        let names = outputs.iter().map(|own| {
            let video = serde_json::to_value(&own.video).expect("JSON");
            format!("{} {} {}", own.path.display(), video["type"].as_str().unwrap_or_default(), video["depth"])
        });
        names.collect()
    };
    let none = Traits::default();
    assert_eq!(made(none), ["always.mkv x264 8"]);
    assert_eq!(made(Traits { hdr: true, height: 1080.0, ..none }), ["always.mkv x265 10"]);
    assert_eq!(made(Traits { hdr: true, height: 2160.0, ..none }), ["large.mkv x265 12"]);
    assert_eq!(made(Traits { height: 2160.0, ..none }), ["always.mkv x264 8"]);
    let found = made(Traits { interlaced: true, channels: 6.0, audio: true, ..none });
    assert_eq!(found, ["always.mkv x264 8", "fields.mkv auto null", "surround.mkv auto null"]);
    assert_eq!(made(Traits { channels: 6.0, ..none }), ["always.mkv x264 8"]);
}

#[test]
fn mistakes_of_a_plan_have_places_though_outputs_were_left_out() {
    let text = "[[outputs]]\npath = \"a.mkv\"\nwhen = { hdr = true }\n[[outputs]]\npath = \"b.mkv\"\nvideo = { type = \"x264\",\ndepth = 12 }\n\
                [[outputs]]\npath = \"c.mkv\"\nvideo = { type = \"x264\" }\n[[outputs.cases]]\nwhen = { height = 144 }\nvideo = { preset = \"quick\" }\n";
    let document = Document::parse(text, Language::Toml, &[]).expect("a document");
    let source = Source::open_within(Clip::default().y4m(), Default::default()).expect("a source");
    let traits = Traits::of(&source, &[]);
    let mut job = document.job(&traits).expect("a job");
    job.source.path = Clip::default().y4m();
    let error = document.explain(&traits, trix_core::plan(&job, &source).expect_err("mistakes"));
    let places: Vec<String> =
        error.mistakes().iter().map(|own| format!("{} {}", own.line.as_deref().unwrap_or("-"), own.place)).collect();
    assert_eq!(places, ["the job:7 outputs[1].video.depth", "the job:13 outputs[2].video.preset"], "{error}");
}

#[test]
fn every_comparison_means_what_it_says() {
    for (condition, holds) in [
        ("\">=25\"", true),
        ("\">25\"", false),
        ("\"<=25\"", true),
        ("\"<25\"", false),
        ("\"=25\"", true),
        ("\"!=25\"", false),
        ("25", true),
        ("25.0", true),
        ("24.9", false),
        ("\"> 24.5\"", true),
        ("\"< 2.6e1\"", true),
        ("\">=-1\"", true),
    ] {
        let text = format!("[[outputs]]\npath = \"a.mkv\"\nwhen = {{ fps = {condition} }}\n");
        let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        let job = document.job(&Traits { fps: 25.0, ..Traits::default() }).expect("a job");
        assert_eq!(!job.outputs.is_empty(), holds, "{condition}");
    }
    for wrong in ["\"25\"", "\"=>25\"", "\"\"", "\">\"", "\">nan\"", "\">inf\"", "true", "[25]", "\"==25\""] {
        let text = format!("[[outputs]]\npath = \"a.mkv\"\nwhen = {{ fps = {wrong} }}\n");
        let error = Document::parse(&text, Language::Toml, &[]).expect_err(wrong).to_string();
        assert!(error.contains("the job:3: outputs[0].when.fps") && error.contains("a comparison such as"), "{error}");
    }
}

/// Returns the conditions that are true for a source.
fn hold<'a>(source: &Path, conditions: &[&'a str]) -> Vec<&'a str> {
    let mut text = format!("[source]\npath = \"{}\"\n", source.display());
    for (number, condition) in conditions.iter().enumerate() {
        text.push_str(&format!("[[outputs]]\npath = \"{number}.mkv\"\nwhen = {{ {condition} }}\n"));
    }
    let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
    let job = document.resolve(None).unwrap_or_else(|error| panic!("{}: {error}", source.display())).job;
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<usize>().ok();
    job.outputs.iter().filter_map(|own| Some(conditions[number(&own.path)?])).collect()
}

#[test]
fn conditions_are_evaluated_against_real_sources() {
    let conditions = [
        "interlaced = true",
        "hdr = true",
        "audio = true",
        "subtitles = true",
        "video = false",
        "height = \">=720\"",
        "width = \"<320\"",
        "channels = \">2\"",
        "depth = \">8\"",
        "fps = \">30\"",
        "duration = \">10\"",
    ];
    let hold = |name: &str| media::file(name).map(|file| hold(&file, &conditions));
    for (name, expected) in [
        ("mpeg-imx-525-60.mov", vec!["interlaced = true"]),
        ("xdcam-ex-1080i50.mov", vec!["interlaced = true", "height = \">=720\""]),
        ("sample.mxf", vec!["interlaced = true", "audio = true", "channels = \">2\""]),
        (
            "hdr10-video-with-sdr-container.mp4",
            vec!["hdr = true", "audio = true", "height = \">=720\"", "depth = \">8\""],
        ),
        ("hlg10-color-test.mp4", vec!["hdr = true", "audio = true", "height = \">=720\"", "depth = \">8\""]),
        ("regular.mkv", vec!["hdr = true", "width = \"<320\"", "depth = \">8\"", "duration = \">10\""]),
        ("h265_10bits.mp4", vec!["width = \"<320\"", "depth = \">8\""]),
        ("nasa_13013.mp4", vec!["audio = true", "subtitles = true", "duration = \">10\""]),
        ("sample_eac3joc.mp4", vec!["audio = true", "video = false", "width = \"<320\"", "channels = \">2\""]),
        (
            "sample_with_ass_subtitles.mkv",
            vec!["audio = true", "subtitles = true", "height = \">=720\"", "fps = \">30\""],
        ),
        // Rotated: the coded size is 1080x720 and 568x320.
        ("sample_rotate_and_reflect.mp4", vec!["audio = true", "height = \">=720\""]),
        ("video_90.mov", vec![]),
        ("avts.mts", vec!["height = \">=720\"", "fps = \">30\""]),
    ] {
        if let Some(found) = hold(name) {
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn conditions_are_evaluated_against_made_sources() {
    let audio_only = |channels: u32| {
        made(&format!("tone-{channels}.wav"), |path| {
            program::ffmpeg(&format!("-f lavfi -i sine=duration=1 -ac {channels} {}", path.display()));
        })
    };
    let conditions = ["channels = 1", "channels = 2", "channels = 6", "video = true", "audio = true"];
    assert_eq!(hold(&audio_only(1), &conditions), ["channels = 1", "audio = true"]);
    assert_eq!(hold(&audio_only(6), &conditions), ["channels = 6", "audio = true"]);
    let clip = Clip { format: "yuv422p12le", width: 320, height: 180, frames: 5, rate: "30000/1001" };
    let conditions =
        ["depth = 12", "width = 320", "height = 180", "fps = \">29.96\"", "fps = \">29.98\"", "duration = \"<1\""];
    let found = hold(&clip.encoded("-c:v ffv1 -level 3", "mkv"), &conditions);
    assert_eq!(found, ["depth = 12", "width = 320", "height = 180", "fps = \">29.96\"", "duration = \"<1\""]);
}

#[test]
fn every_profile_is_valid_and_says_what_it_is_for() {
    for profile in PROFILES {
        let document = Document::parse(profile.text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(document.description().is_some_and(|about| about.len() > 10), "{}", profile.name);
        document.job(&Traits::default()).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Files that a profile rejects: the file, the profiles, a part of the reason.
const REFUSED: [(&str, &[&str], &str); 1] = [
    // Raw planes without a header need `source.raw`.
    (
        "sparks_ref_480x270.yuv42010le.yuv",
        &["archive", "archive-lossless", "mezzanine", "preview", "vod"],
        "is rawvideo",
    ),
];

#[test]
fn every_profile_makes_something_of_every_source_or_says_why_not() {
    let (mut wrong, mut made) = (Vec::new(), 0);
    for file in media::files() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // Plan all profiles together. Plan them one by one only if that fails.
        let all = PROFILES.map(|profile| profile.name);
        let together = planned(&all, &file);
        if let (Ok(outputs), false) = (&together, REFUSED.iter().any(|(own, ..)| *own == name)) {
            made += outputs;
            continue;
        }
        for profile in PROFILES {
            let planned = planned(&[profile.name], &file).map_err(|error| error.to_string());
            let expected = REFUSED.iter().find(|(own, profiles, _)| *own == name && profiles.contains(&profile.name));
            let is_right = match (&planned, expected) {
                (Ok(outputs), None) => {
                    made += outputs;
                    true
                }
                (Err(message), Some((_, _, part))) => message.contains(part),
                _ => false,
            };
            if !is_right {
                wrong.push(format!("{name}, {}: {planned:?}", profile.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(media::files().is_empty() || made > 200, "only {made} outputs would be made");
}

/// Returns the number of outputs that profiles plan for a file.
fn planned(profiles: &[&str], file: &Path) -> Result<usize, Error> {
    let names: Vec<String> = profiles.iter().map(|name| (*name).to_owned()).collect();
    let document = Document::of_profiles(&names, file, &[], &[])?;
    let Resolved { job, traits, source } = document.resolve(None)?;
    if job.outputs.is_empty() {
        // The profile makes no output file.
        return Ok(0);
    }
    let plan = trix_core::plan(&job, &source).map_err(|error| document.explain(&traits, error))?;
    Ok(plan.outputs.len())
}

#[test]
fn an_archive_copy_keeps_fields_chroma_and_the_picture_of_d10() {
    let fields = made("archive-fields.mxf", |file| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=720x608:r=25,format=yuv422p -frames:v 6 -c:v mpeg2video -g 1 -b:v 30M \
             -flags +ildct+ilme -top 1 -aspect 4:3 {}",
            file.display()
        ));
    });
    let videos = |set: &[(&str, &str)]| {
        let document = Document::of_profiles(&["archive".to_owned()], &fields, &[], &pairs(set)).expect("a profile");
        let Resolved { job, source, .. } = document.resolve(None).expect("a job");
        let plan = trix_core::plan(&job, &source).expect("a plan");
        plan.sinks().into_iter().map(|sink| plan.sink(sink)).collect::<Vec<_>>()
    };
    let kept = videos(&[]);
    assert_eq!(kept.len(), 5);
    for output in &kept {
        let video = output.video.as_ref().expect("video");
        assert_eq!((video.width, video.height, video.format.chroma.to_string()), (720, 576, "4:2:2".to_owned()));
        assert_eq!(video.transform.crop.map(|crop| (crop.left, crop.top)), Some((0, 32)));
        // 4:3 of the picture, not of the picture with the lines above it.
        assert_eq!(video.sample_aspect, Rational::new(16, 15));
        assert!(video.fields == Some(FieldOrder::Top) && video.transform.deinterlace.is_none(), "{video:?}");
        let said = output.decisions.iter().any(|own| own.what == "the 32 VBI lines above the picture are cropped");
        assert!(said, "{:?}", output.decisions);
    }
    for output in videos(&[("deinterlace", "on")]) {
        let video = output.video.expect("video");
        assert!(video.fields.is_none() && video.transform.deinterlace.is_some(), "{video:?}");
    }
}

#[test]
fn short_forms_can_be_set_from_the_command_line() {
    let document = |key: &str, value: &str| {
        let set = pairs(&[(key, value)]);
        Document::of_profiles(&["archive".to_owned()], Path::new("master.mov"), &[], &set).expect("a profile")
    };
    let traits = Traits { video: true, ..Traits::default() };
    let first = |key: &str, value: &str| job_for(&document(key, value), &traits)["outputs"][0].clone();
    holds(&first("outputs[0].video.crf", "21")["video"]["rate"], &json!({ "type": "crf", "value": 21 }));
    holds(&first("outputs[0].video.bitrate", "900")["video"]["rate"], &json!({ "type": "bitrate", "kbps": 900 }));
    holds(&first("outputs[0].picture.fps", "25")["picture"], &json!({ "rate": "25" }));
    holds(&first("outputs[0].audio", "aac:96k")["audio"], &json!({ "type": "aac", "kbps": 96 }));
}

#[test]
fn the_page_of_job_keys_is_that_of_this_program() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/job-keys.md");
    let written = fs::read_to_string(page).expect("a page");
    let table = written.split_once("\n\n## ").map_or("", |(_, table)| table);
    assert!(
        format!("## {table}") == key_table(),
        "run: trix schema job --table, and put it below the heading of the page"
    );
}
