//! Tests of documents that inherit others.

use std::fs;

use serde_json::json;
use trix_core::{
    ErrorKind,
    document::{Document, Language, Traits},
};
use trix_fixtures::{folder, program};

use super::made::{BASE, file, holds, job, job_for, opened, pairs, refused};

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
    let again = Document::parse(&document.merged().expect("TOML"), Language::Toml, &[])
        .unwrap_or_else(|error| panic!("{error}"));
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
