//! Tests of documents that inherit others.

use std::fs;

use serde_json::json;
use trix_core::{
    ErrorKind,
    document::{Document, Language, Traits},
};
use trix_fixtures::{folder, program};

use super::made::{BASE, file, holds, job, job_for, opened, pairs, refused};

/// What a document notes, a line each.
fn noted(document: &Document) -> String {
    document.notes().iter().map(|note| format!("{}: {}\n", note.what, note.why)).collect()
}

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
    let notes = noted(&document);
    assert!(
        notes.starts_with("big.video: x265 in place of x264 without its params; the settings that x265 has too stay"),
        "{notes}"
    );
    assert!(notes.contains("heir.json:2 sets it, and ") && notes.contains("base.toml:14 is farther"), "{notes}");
    assert_eq!(document.job(&Traits::default()).expect("a job").merging, document.notes());
    // What FFV1 does not have is left out, and named.
    let text = fs::read_to_string(&heir).expect("the heir");
    let lossless = r#"{ "type": "ffv1" }"#;
    let text = text.replace(r#"{ "type": "x265", "depth": 12, "rate": { "type": "qp", "value": 3 } }"#, lossless);
    let document = opened(&file(&folder, "lossless.json", &text), &[]);
    assert_eq!(job(&document)["outputs"][0]["video"]["type"], "ffv1");
    let notes = noted(&document);
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
fn only_the_types_of_a_job_replace_tables() {
    let folder = folder();
    let base = "[variables]\ntype = \"x264\"\nquality = 20\n[[outputs]]\nid = \"a\"\npath = \"a.mkv\"\n\
                metadata = { title = \"A\", type = \"film\" }\naudio = { type = \"aac\", kbps = 96 }\n\
                video = { type = \"${type}\", crf = \"${quality}\" }\n\
                [[stills]]\nid = \"video\"\ntype = \"poster\"\npath = \"a.jpg\"\nat = \"1\"\n";
    file(&folder, "base.toml", base);
    let heir = "inherits = \"base.toml\"\n[variables]\ntype = \"x265\"\n[[outputs]]\nid = \"a\"\nmetadata = { type = \"clip\" }\n\
                audio = \"flac\"\n[[stills]]\nid = \"video\"\ntype = \"sprites\"\npath = \"b.jpg\"\n";
    let document = opened(&file(&folder, "heir.toml", heir), &[]);
    let found = job(&document);
    let output = &found["outputs"][0];
    assert_eq!(output["metadata"], json!({ "title": "A", "type": "clip" }));
    assert_eq!(output["audio"], json!({ "type": "flac" }));
    holds(&output["video"], &json!({ "type": "x265", "rate": { "type": "crf", "value": 20 } }));
    assert_eq!((&found["stills"][0]["type"], &found["stills"][0]["at"]), (&json!("sprites"), &json!(null)));
    assert_eq!(noted(&document), "", "nothing of that may surprise");
}

#[test]
fn options_merge_like_documents_in_any_order() {
    let text = "[source]\npath = \"a.mov\"\n[[outputs]]\npath = \"a.mkv\"\n\
                video = { type = \"x264\", preset = \"slow\", tune = \"film\", bitrate = 300, passes = 2, params = { ref = \"4\" } }\n";
    let with = |set: &[(&str, &str)]| {
        Document::parse(text, Language::Toml, &pairs(set)).unwrap_or_else(|error| panic!("{error}"))
    };
    let video = |set: &[(&str, &str)]| job(&with(set))["outputs"][0]["video"].clone();
    let of = |key: &str| format!("outputs[0].video.{key}");
    let (kind, rate, passes) = (of("type"), of("bitrate"), of("passes"));
    let two = json!({ "type": "bitrate", "kbps": 500, "passes": 2 });
    assert_eq!(video(&[(&rate, "500")])["rate"], two);
    for set in [[(&*passes, "2"), (&*rate, "500")], [(&*rate, "500"), (&*passes, "2")]] {
        assert_eq!(video(&set)["rate"], two, "{set:?}");
    }
    // Another encoder keeps what it has too, and what an option sets for it.
    let tune = of("tune");
    for set in [[(&*kind, "x265"), (&*tune, "grain")], [(&*tune, "grain"), (&*kind, "x265")]] {
        let found = video(&set);
        holds(&found, &json!({ "type": "x265", "preset": "slow", "tune": "grain", "rate": { "kbps": 300 } }));
        assert_eq!(found["params"], json!({}), "{set:?}");
    }
    let document = with(&[(&kind, "ffv1")]);
    assert_eq!(job(&document)["outputs"][0]["video"]["type"], "ffv1");
    let notes = noted(&document);
    assert!(
        notes.contains("outputs[0].video: ffv1 in place of x264") && notes.contains("ffv1 has no preset"),
        "{notes}"
    );
    // Other tables with a type are replaced, but for what options set.
    let crop = pairs(&[("outputs[0].picture.crop", "\"100x50+0+0\""), ("outputs[0].picture.crop.type", "auto")]);
    let error = Document::parse(text, Language::Toml, &crop).expect_err("a contradiction").to_string();
    assert!(error.contains("width"), "{error}");
}

#[test]
fn an_heir_can_take_back_that_an_encode_is_lossless() {
    let folder = folder();
    let base = "[[outputs]]\nid = \"a\"\npath = \"a.mkv\"\nvideo = { type = \"x264\", lossless = true }\n";
    file(&folder, "base.toml", base);
    let heir = |name: &str, of: &str, video: &str| {
        let text = format!("inherits = \"{of}\"\n[[outputs]]\nid = \"a\"\nvideo = {{ {video} }}\n");
        file(&folder, name, &text)
    };
    let rate = |path: &std::path::Path| job(&opened(path, &[]))["outputs"][0]["video"]["rate"].clone();
    let no = heir("no.toml", "base.toml", "lossless = false");
    assert_eq!(rate(&no), json!(null));
    assert_eq!(rate(&heir("crf.toml", "no.toml", "crf = 20")), json!({ "type": "crf", "value": 20.0 }));
    assert_eq!(rate(&heir("yes.toml", "no.toml", "lossless = true")), json!({ "type": "lossless" }));
    let document = opened(&no, &[]);
    let again = Document::parse(&document.merged().expect("TOML"), Language::Toml, &[]).expect("the same");
    assert_eq!(job(&again), job(&document));
    let set = [("outputs[0].video.lossless", "false")];
    assert_eq!(job(&opened(&folder.path().join("base.toml"), &set))["outputs"][0]["video"]["rate"], json!(null));
    let case = "inherits = \"base.toml\"\n[[outputs]]\nid = \"a\"\ncases = [{ when = { hdr = true }, video = { lossless = false } }]\n";
    let document = opened(&file(&folder, "case.toml", case), &[]);
    for (hdr, expected) in [(true, json!(null)), (false, json!({ "type": "lossless" }))] {
        let traits = Traits { hdr, ..Traits::default() };
        assert_eq!(job_for(&document, &traits)["outputs"][0]["video"]["rate"], expected, "hdr {hdr}");
    }
}

#[test]
fn a_mistake_that_is_inherited_stays_one_when_the_encoder_changes() {
    let folder = folder();
    let base =
        "[[outputs]]\nid = \"a\"\npath = \"a.mkv\"\nvideo = { type = \"x264\", keyframes = [\"1 s\"], depht = 8 }\n";
    file(&folder, "base.toml", base);
    let heir = "inherits = \"base.toml\"\n[[outputs]]\nid = \"a\"\nvideo = { type = \"x265\" }\n";
    let error = refused(&file(&folder, "heir.toml", heir)).to_string();
    assert!(error.contains("keyframes[0] = 1 s") && error.contains("depht"), "{error}");
}

#[test]
fn a_number_that_toml_cannot_hold_is_refused() {
    let text = r#"{ "source": { "frames": 18446744073709551615 }, "outputs": [{ "path": "a.mkv" }] }"#;
    let document = Document::parse(text, Language::Json, &[]).expect("a document");
    let error = document.merged().expect_err("no TOML").to_string();
    assert!(error.contains("18446744073709551615 is above the largest number"), "{error}");
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
        ("\"archiv\"", "did you mean archive? profiles are archive, archive-fast, archive-lossless"),
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
    assert!(error.contains("large.toml: plan: is no document: a regular file of 1048576 bytes of text"), "{error}");
    fs::write(folder.path().join("binary.toml"), [0xff, 0xfe, 0x00]).expect("a file");
    let error = Document::open(&heir("\"binary.toml\""), &[]).expect_err("no text");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    assert!(error.to_string().contains("binary.toml: plan: is no document: "), "{error}");
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

#[test]
fn a_key_in_the_wrong_table_is_answered_with_the_right_one() {
    let answer = |of_job: &str, of_output: &str| {
        let text = format!("{of_job}\n[[outputs]]\npath = \"a.mkv\"\n{of_output}\n");
        let job = Document::parse(&text, Language::Toml, &[]).and_then(|own| own.job(&Traits::default()));
        job.expect_err("an unknown key").to_string()
    };
    for (key, place) in [
        ("fps = 25", "picture.fps"),
        ("size = \"-2x720\"", "picture.size"),
        ("crf = 20", "video.crf"),
        ("preset = \"slow\"", "video.preset"),
        ("audio_layout = \"stereo\"", "audio_shape.layout"),
        ("sample_rate = 48000", "audio_shape.sample_rate"),
        ("closed_gop = true", "video.open_gop = false"),
        ("video = { type = \"x264\", closed_gop = true }", "open_gop = false"),
        ("audio_shape = { audio_rate = 48000 }", "sample_rate"),
    ] {
        let said = answer("", key);
        assert!(said.contains(&format!("is not a key of this table; write {place}")), "{key}: {said}");
    }
    let said = answer("start = \"1\"", "");
    assert!(said.contains("write source.start"), "{said}");
    // Several tables have it, or none.
    for (key, said) in [
        ("picture = { width = 1280 }", "outputs[0].picture.width: is not known; "),
        ("type = \"x264\"", "outputs[0].type: is not known; "),
        ("video = { type = \"x264\", crf = 20, passes = 2 }", "passes: goes with a bit rate"),
        ("video = { type = \"x264\", lossless = 1 }", "true or false is expected"),
        ("video = { type = \"ffv1\", lossless = false }", "ffv1 is always lossless"),
    ] {
        let answer = answer("", key);
        assert!(answer.contains(said) && !answer.contains("write "), "{key}: {answer}");
    }
    let said = answer("", "vdeo = \"x264\"");
    assert!(said.contains("did you mean video?"), "{said}");
}
