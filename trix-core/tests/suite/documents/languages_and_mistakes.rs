//! Tests of job documents: the same job in three languages, and every kind of mistake with its line and place.

use trix_core::{
    Error, ErrorKind, Job,
    document::{Document, Language, Traits},
    mistake::{Excerpt, Mistake},
};

/// A job with a value for every part of a document.
const TOML: &str = r#"
description = "everything"
threads = 0x0_3
on_output_failure = "continue"
# A comment.
[source]
path = "film.mov"
start = 00:01:30.5
duration = "300/25"
frames = 1_000
on_damage = "conceal"
rate = "24000/1001"
[source.limits]
streams = 8
[[outputs]]
path = "a.mkv"
threads = 2
overwrite = true
verify = "full"
metadata = { title = "Ein \"Film\"", "com.example.key" = "dots \\ in it", empty = "" }
picture = { size = { width = -2, height = 360 } }
[outputs.video]
type = "x265"
depth = 10
chroma = "422"
rate = { type = "crf", value = 18.5 }
keyframes = ["1.5", "00:00:02"]
open_gop = false
params = { bframes = "3" }
[outputs.audio]
type = "opus"
kbps = 96
[outputs.audio_shape]
layout = "stereo"
matrix = [[1, 0.5], [0.25, 1.0]]
[[outputs]]
path = "b.mp4"
video = { type = "copy" }
audio = { type = "none" }
picture = { crop = { type = "rectangle", width = 100, height = 80, left = 2, top = 4 }, deinterlace = "fields" }
"#;

const YAML: &str = r#"
description: everything
threads: 3
on_output_failure: continue
# A comment.
source:
  path: film.mov
  start: 00:01:30.5
  duration: 300/25
  frames: 1000
  on_damage: conceal
  rate: 24000/1001
  limits: { streams: 8 }
outputs:
  - path: a.mkv
    threads: 2
    overwrite: true
    verify: full
    metadata: { title: 'Ein "Film"', com.example.key: dots \ in it, empty: "" }
    video:
      type: x265
      depth: 10
      chroma: "422"
      rate: { type: crf, value: 18.5 }
      keyframes: ["1.5", 00:00:02]
      open_gop: false
      params:
        bframes: "3"
    picture:
      size: { width: -2, height: 360 }
    audio:
      type: opus
      kbps: 96
    audio_shape:
      layout: stereo
      matrix:
        - [1, 0.5]
        - [0.25, 1.0]
  - path: b.mp4
    video: { type: copy }
    audio: { type: none }
    picture:
      crop: { type: rectangle, width: 100, height: 80, left: 2, top: 4 }
      deinterlace: fields
"#;

const JSON: &str = r#"{
  "description": "everything",
  "threads": 3,
  "on_output_failure": "continue",
  "source": { "path": "film.mov", "start": "00:01:30.5", "duration": "300/25", "frames": 1000, "on_damage": "conceal",
              "rate": "24000/1001", "limits": { "streams": 8 } },
  "outputs": [
    { "path": "a.mkv", "threads": 2, "overwrite": true, "verify": "full",
      "metadata": { "title": "Ein \"Film\"", "com.example.key": "dots \\ in it", "empty": "" },
      "video": { "type": "x265", "depth": 10, "chroma": "422",
                 "rate": { "type": "crf", "value": 18.5 }, "keyframes": ["1.5", "00:00:02"], "open_gop": false,
                 "params": { "bframes": "3" } },
      "picture": { "size": { "width": -2, "height": 360 } },
      "audio": { "type": "opus", "kbps": 96 },
      "audio_shape": { "layout": "stereo", "matrix": [[1, 0.5], [0.25, 1.0]] } },
    { "path": "b.mp4", "video": { "type": "copy" }, "audio": { "type": "none" },
      "picture": { "crop": { "type": "rectangle", "width": 100, "height": 80, "left": 2, "top": 4 },
                   "deinterlace": "fields" } }
  ]
}"#;

const LANGUAGES: [(Language, &str); 3] = [(Language::Toml, TOML), (Language::Yaml, YAML), (Language::Json, JSON)];

fn parsed(text: &str, language: Language) -> Document {
    Document::parse(text, language, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str, language: Language) -> Error {
    let error = Document::parse(text, language, &[]).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    error
}

/// Returns each mistake as `LINE PLACE`, in the order of the report.
fn places(mistakes: &[Mistake]) -> Vec<String> {
    let line = |mistake: &Mistake| {
        let line = mistake.line.as_deref().unwrap_or_else(|| panic!("no line is named: {mistake}"));
        line.strip_prefix("the job:").unwrap_or(line).to_owned()
    };
    mistakes.iter().map(|mistake| format!("{} {}", line(mistake), mistake.place)).collect()
}

/// Asserts that the document has exactly these mistakes: `LINE PLACE`, and a part of the message.
fn wrong(text: &str, language: Language, expected: &[(&str, &str)]) {
    let error = refused(text, language);
    let found = places(error.mistakes());
    let wanted: Vec<&str> = expected.iter().map(|(place, _)| *place).collect();
    assert_eq!(found, wanted, "{error}");
    for (mistake, (_, part)) in error.mistakes().iter().zip(expected) {
        assert!(mistake.to_string().contains(part), "'{part}' is not in: {mistake}");
    }
}

/// Asserts that the document cannot be read. `line` and `part` are the expected line and a part of the message.
fn unreadable(text: &str, language: Language, line: usize, part: &str) {
    let error = refused(text, language);
    let message = error.to_string();
    assert!(error.mistakes().is_empty(), "{message}");
    assert!(message.starts_with(&format!("the job: plan: line {line}: ")), "{message}");
    assert!(message.contains(part), "'{part}' is not in: {message}");
}

#[test]
fn one_job_in_three_languages_is_one_job() {
    let expected: Job = {
        let mut value: serde_json::Value = serde_json::from_str(JSON).expect("JSON");
        value.as_object_mut().expect("a table").remove("description");
        serde_json::from_value(value).expect("a job")
    };
    assert_eq!((expected.threads, expected.source.frames, expected.outputs.len()), (Some(3), Some(1000), 2));
    assert_eq!(expected.outputs[0].metadata["com.example.key"], "dots \\ in it");
    for (language, text) in LANGUAGES {
        let document = parsed(text, language);
        assert_eq!(document.description(), Some("everything"), "{language:?}");
        assert_eq!(document.source().expect("a source"), expected.source, "{language:?}");
        assert_eq!(document.job(&Traits::default()).expect("a job"), expected, "{language:?}");
    }
}

#[test]
fn one_mistake_in_three_languages_is_reported_with_the_line_of_each() {
    for (language, text) in LANGUAGES {
        let line = 1 + text.lines().position(|line| line.contains("-2") && line.contains("360")).expect("a line");
        let wrong = text.replacen("360", "\"tall\"", 1);
        let error = refused(&wrong, language);
        assert_eq!(places(error.mistakes()), [format!("{line} outputs[0].picture.size.height")], "{language:?}");
        assert!(error.to_string().contains(&format!("the job:{line}: ")), "{error}");
    }
}

/// What each mistake shows of its line, with its wrong part in brackets.
fn shown(error: &Error) -> Vec<String> {
    let bracketed = |excerpt: &Excerpt| {
        let (text, part) = (&excerpt.text, excerpt.bytes());
        let (before, wrong, after) = (&text[..part.start], &text[part.clone()], &text[part.end..]);
        format!("{} {before}[{wrong}]{after}", excerpt.line.unwrap_or_default())
    };
    let none = || "nothing".to_owned();
    match error.mistakes() {
        [] => vec![error.excerpt().map_or_else(none, bracketed)],
        mistakes => mistakes.iter().map(|own| own.excerpt.as_deref().map_or_else(none, bracketed)).collect(),
    }
}

#[test]
fn a_mistake_shows_its_line_and_what_is_wrong_in_it() {
    let toml = "treads = 2\n[source]\n\"path\" = 5\nstart = 'söon' # ü\n[[outputs]]\npath = \"a.mkv\"\naudio.type = \"mp3\"\n\
                video = { type = \"x265\", tune = \"x\", keyframes = [\"1\", \"no\"] }\npicture = [1,\n 2]\n\
                [outputs.audio_shape]\nmatrx = []\n";
    let yaml = "treads: 2\nsource:\n  \"path\": 5 # 'x'\n  start: 'söon' # ü\noutputs:\n- path: a.mkv\n  audio: { type: mp3 }\n\
                \x20 video: { type: x265, tune: \"a\\\"b # c\", keyframes: ['1', 'n''o # d' ] } # e\n  picture: [1,\n    2]\n  audio_shape:\n    matrx: []\n";
    let json = "{ \"treads\": 2,\n \"source\": {\n  \"path\": 5,\n  \"start\": \"söon\" },\n \"outputs\": [{ \"path\": \"a.mkv\",\n\
                \"audio\": { \"type\": \"mp3\" },\n \"video\": { \"type\": \"x265\", \"tune\": \"x\", \"keyframes\": [\"1\", \"no\"] },\n\
                \"picture\": [1,\n 2],\n \"audio_shape\": {\n \"matrx\": [] } }] }\n";
    assert_eq!(
        shown(&refused(toml, Language::Toml)),
        [
            "1 [treads] = 2",
            "3 \"path\" = [5]",
            "4 start = ['söon'] # ü",
            "7 audio.type = [\"mp3\"]",
            "8 video = { type = \"x265\", tune = [\"x\"], keyframes = [\"1\", \"no\"] }",
            "8 video = { type = \"x265\", tune = \"x\", keyframes = [\"1\", [\"no\"]] }",
            "9 [picture] = [1,",
            "12 [matrx] = []",
        ]
    );
    assert_eq!(
        shown(&refused(yaml, Language::Yaml)),
        [
            "1 [treads]: 2",
            "3   \"path\": [5] # 'x'",
            "4   start: ['söon'] # ü",
            "7   audio: { type: [mp3] }",
            "8   video: { type: x265, tune: [\"a\\\"b # c\"], keyframes: ['1', 'n''o # d' ] } # e",
            "8   video: { type: x265, tune: \"a\\\"b # c\", keyframes: ['1', ['n''o # d'] ] } # e",
            "9   [picture]: [1,",
            "12     [matrx]: []",
        ]
    );
    assert_eq!(
        shown(&refused(json, Language::Json)),
        [
            "1 { [\"treads\"]: 2,",
            "3   \"path\": [5],",
            "4   \"start\": [\"söon\"] },",
            "6 \"audio\": { \"type\": [\"mp3\"] },",
            "7  \"video\": { \"type\": \"x265\", \"tune\": [\"x\"], \"keyframes\": [\"1\", \"no\"] },",
            "7  \"video\": { \"type\": \"x265\", \"tune\": \"x\", \"keyframes\": [\"1\", [\"no\"]] },",
            "8 [\"picture\"]: [1,",
            "11  [\"matrx\"]: [] } }] }",
        ]
    );
}

#[test]
fn a_document_that_cannot_be_read_shows_where_reading_stopped() {
    for (text, language, expected) in [
        ("a = 1\nb = \"x\n", Language::Toml, "2 b = \"x[]"),
        ("a = 1\na = 2\n", Language::Toml, "2 [a] = 2"),
        ("a: 1\nb: &x 1\nc: *x\n", Language::Yaml, "3 c: [*x]"),
        ("a: 1\n? [b]\n: 2\n", Language::Yaml, "2 ? [[b]]"),
        ("{\n \"é\": 1,\n \"é\": 2\n}", Language::Json, "3  [\"é\"]: 2"),
        ("{\n \"a\": 1,\n}", Language::Json, "2  \"a\": 1[,]"),
    ] {
        assert_eq!(shown(&refused(text, language)), [expected], "{text}");
    }
}

#[test]
fn every_kind_of_mistake_is_reported_at_once_in_the_order_of_lines() {
    let text = r#"treads = 2
threads = -1
on_output_failure = "stop"
[source]
path = "a.mov"
start = "soon"
rate = "fast"
[[outputs]]
path = 5
[outputs.video]
type = "x264"
depth = "ten"
keyframes = ["1", "later"]
rate = { value = 20 }
presett = "slow"
[outputs.audio]
type = "mp3"
[[outputs]]
path = "b.avi"
video = { type = "x265", depth = 11, preset = "quick" }
picture = { deinterlace = "onn", crop = { type = "rectangle", width = 1 } }
"#;
    wrong(
        text,
        Language::Toml,
        &[
            ("1 treads", "did you mean threads?"),
            ("2 threads", "must be 0 or more"),
            ("3 on_output_failure", "legal are fail, continue"),
            ("6 source.start", "is not a time"),
            ("7 source.rate", "fast"),
            ("9 outputs[0].path", "is a number; text is expected"),
            ("12 outputs[0].video.depth", "is text; a whole number is expected"),
            ("13 outputs[0].video.keyframes[1]", "'later' is not a time"),
            ("14 outputs[0].video.rate", "needs a type: crf, qp, lossless, bitrate"),
            ("15 outputs[0].video.presett", "did you mean preset?"),
            ("17 outputs[0].audio.type", "legal are auto, copy, none, aac"),
            ("19 outputs[1].path", "known are .mp4"),
            ("20 outputs[1].video.depth", "8, 10, 12"),
            ("20 outputs[1].video.preset", "ultrafast"),
            ("21 outputs[1].picture.deinterlace", "did you mean on?"),
            ("21 outputs[1].picture.crop", "needs height"),
            ("21 outputs[1].picture.crop", "needs left"),
            ("21 outputs[1].picture.crop", "needs top"),
        ],
    );
}

#[test]
fn mistakes_of_a_single_output_are_reported_with_their_lines() {
    // The plan of a single output names its settings without an index. The document must still give them a line.
    let text = "[source]\npath = \"a.mov\"\nfrmes = 2\n[[outputs]]\npath = \"b.avi\"\n[outputs.video]\ntype = \"x264\"\ndepth = 9\n";
    wrong(
        text,
        Language::Toml,
        &[
            ("3 source.frmes", "did you mean frames?"),
            ("5 outputs[0].path", "names no container"),
            ("8 outputs[0].video.depth", "8, 10"),
        ],
    );
    let valid = text.replace("frmes = 2\n", "").replace(".avi", ".mkv").replace("9", "8");
    let document = parsed(&valid, Language::Toml);
    let mistake = || {
        let mut job = document.job(&Traits::default()).expect("a job");
        job.outputs[0].video = serde_json::from_str(r#"{ "type": "x264", "depth": 9 }"#).expect("settings");
        let source = trix_core::Source::open_within(trix_fixtures::Clip::default().y4m(), Default::default());
        trix_core::plan(&job, &source.expect("a source")).expect_err("a depth of 9")
    };
    let message = document.explain(&Traits::default(), mistake());
    assert_eq!(places(message.mistakes()), ["7 outputs[0].video.depth"]);
}

#[test]
fn outputs_with_equal_names_and_jobs_without_outputs_are_refused() {
    let text = "x = 1\n[[outputs]]\npath = \"a.mkv\"\n[[outputs]]\npath = \"a.mkv\"\n";
    wrong(text, Language::Toml, &[("1 x", "is not known"), ("5 outputs[1].path", "this name")]);
    wrong("x: 1\n", Language::Yaml, &[("1 x", "is not known"), ("1 outputs", "name at least one output")]);
    // No source has two outputs with the same name: the conditions exclude each other.
    let text =
        "[[outputs]]\npath = \"a.mkv\"\nwhen = { hdr = true }\n[[outputs]]\npath = \"a.mkv\"\nwhen = { hdr = false }\n";
    assert_eq!(parsed(text, Language::Toml).job(&Traits::default()).expect("a job").outputs.len(), 1);
    wrong(&format!("x = 1\n{text}"), Language::Toml, &[("1 x", "is not known")]);
}

#[test]
fn a_wrong_number_of_threads_is_reported_with_its_place() {
    let one = "x = 1\n[[outputs]]\npath = \"a.mkv\"\nthreads = 999\n";
    wrong(one, Language::Toml, &[("1 x", "is not known"), ("4 outputs[0].threads", "1 to 128")]);
    let two = "x = 1\nthreads = 500\n[[outputs]]\npath = \"a.mkv\"\n[[outputs]]\npath = \"b.mkv\"\nthreads = 0\n";
    wrong(
        two,
        Language::Toml,
        &[("1 x", "is not known"), ("2 threads", "1 to 128"), ("7 outputs[1].threads", "1 to 128")],
    );
}

#[test]
fn a_job_without_a_source_is_refused_with_that_reason() {
    for text in ["outputs = []", "[source]\nframes = 3"] {
        let error = parsed(text, Language::Toml).source().expect_err("no source");
        assert!(error.to_string().contains("source.path: the job names no source"), "{error}");
    }
}

#[test]
fn conditions_and_cases_are_checked_without_a_source() {
    let text = r#"[[outputs]]
path = "a.mkv"
[outputs.when]
hdrr = true
interlaced = "yes"
height = "~1080"
width = true
fps = ">=lots"
depth = [8]
[[outputs.cases]]
video = { type = "x264" }
[[outputs.cases]]
when = "always"
[[outputs.cases]]
when = { channels = ">2" }
video = { type = "x264", presett = 3, keyframes = ["never"] }
[[outputs]]
path = "b.mkv"
when = true
cases = { when = { hdr = true } }
id = 4
"#;
    wrong(
        text,
        Language::Toml,
        &[
            ("4 outputs[0].when.hdrr", "did you mean hdr?"),
            ("5 outputs[0].when.interlaced", "true or false is expected"),
            ("6 outputs[0].when.height", "a number or a comparison"),
            ("7 outputs[0].when.width", "a number or a comparison"),
            ("8 outputs[0].when.fps", "a number or a comparison"),
            ("9 outputs[0].when.depth", "a number or a comparison"),
            ("10 outputs[0].cases[0]", "a case needs a condition"),
            ("13 outputs[0].cases[1].when", "is no condition"),
            ("16 outputs[0].cases[2].video.presett", "did you mean preset?"),
            ("16 outputs[0].cases[2].video.keyframes[0]", "'never' is not a time"),
            ("19 outputs[1].when", "is no condition"),
            ("20 outputs[1].cases", "a list of cases is expected"),
            ("21 outputs[1].id", "text is expected"),
        ],
    );
}

#[test]
fn missing_variables_and_variables_without_a_value_are_reported() {
    let text = r#"[variables]
preset = "fast"
list = [1]
path = "${presett}-x"
[[outputs]]
path = "${stm}.mkv"
[outputs.video]
type = "x264"
preset = "${preset"
tune = "${nothing}"
"#;
    wrong(
        text,
        Language::Toml,
        &[
            ("3 variables.list", "a variable is text, a number, or true or false"),
            ("4 variables.path", "did you mean preset?"),
            ("6 outputs[0].path", "did you mean stem?"),
            ("9 outputs[0].video.preset", "closing brace"),
            ("10 outputs[0].video.tune", "there is no variable nothing; known are"),
        ],
    );
    let text = "variables = 3\n[[outputs]]\npath = \"a.mkv\"\n";
    wrong(text, Language::Toml, &[("1 variables", "a table of names and values")]);
    // A wrong value is reported where the variable has it.
    let text = "variables: { depth: ten }\noutputs:\n- path: a.mkv\n  video:\n    type: x264\n    depth: ${depth}\n";
    wrong(text, Language::Yaml, &[("1 outputs[0].video.depth", "is text; a whole number is expected")]);
}

#[test]
fn mistakes_below_keys_with_dots_and_brackets_have_places() {
    let text =
        "\"a.b\" = 1\n[[outputs]]\npath = \"a.mkv\"\n[outputs.metadata]\ntitle = \"x\"\n\"com.x[0].y\" = 5\n\"\" = 6\n";
    wrong(
        text,
        Language::Toml,
        &[
            ("1 \"a.b\"", "is not known"),
            ("6 outputs[0].metadata.\"com.x[0].y\"", "is a number; text is expected"),
            ("7 outputs[0].metadata.\"\"", "is a number; text is expected"),
        ],
    );
}

#[test]
fn a_wrong_element_of_a_list_does_not_move_the_places_of_others() {
    let text = "outputs = [\n3,\n{ path = \"a.avi\" },\n{ path = \"b.mkv\", video = { type = \"x264\", keyframes = [7, \"x\"] } } ]";
    wrong(
        text,
        Language::Toml,
        &[
            ("2 outputs[0]", "is a number; a table is expected"),
            ("3 outputs[1].path", "names no container"),
            ("4 outputs[2].video.keyframes[0]", "is a number"),
            ("4 outputs[2].video.keyframes[1]", "'x' is not a time"),
        ],
    );
}

#[test]
fn not_a_number_is_refused_as_a_value() {
    for number in ["nan", "inf", "-inf"] {
        let text = format!("threads = {number}\n");
        wrong(&text, Language::Toml, &[("1 threads", "a whole number is expected"), ("1 outputs", "at least one")]);
    }
    for (text, language) in [("threads: .nan", Language::Yaml), ("threads: .inf", Language::Yaml)] {
        wrong(text, language, &[("1 threads", "a whole number is expected"), ("1 outputs", "at least one")]);
    }
    wrong("threads = 1.5", Language::Toml, &[("1 threads", "a whole number"), ("1 outputs", "at least one")]);
    unreadable("{\n\"threads\": 1e999 }", Language::Json, 2, "1e999");
    let text = "threads = 99999999999999999999";
    wrong(text, Language::Toml, &[("1 threads", "99999999999999999999"), ("1 outputs", "at least one")]);
}

#[test]
fn text_that_is_no_document_is_refused_with_its_line() {
    unreadable("a = 1\nb = \n", Language::Toml, 2, "");
    unreadable("a = 1\n[a]\n", Language::Toml, 2, "duplicate");
    unreadable("a = 1\na = 2\n", Language::Toml, 2, "duplicate");
    unreadable("a: 1\nb: [1,\n", Language::Yaml, 3, "");
    // The YAML parser reports the line where the broken mapping begins, not the line of the tab.
    unreadable("a: 1\n\tb: 2\n", Language::Yaml, 1, "tab");
    unreadable("a: 1\na: 2\n", Language::Yaml, 2, "");
    unreadable("{\n  \"a\": 1,\n  \"a\": 2\n}", Language::Json, 3, "'a' occurs twice");
    unreadable("{\n  \"a\": 1,\n}", Language::Json, 2, "");
    unreadable("{ // no\n}", Language::Json, 1, "");
    unreadable("{\n'a': 1 }", Language::Json, 2, "");
    unreadable("{}\n{}", Language::Json, 2, "");
    unreadable("a: 1\nb: &x [1]\nc: *x\n", Language::Yaml, 3, "aliases are not allowed");
    unreadable("a: 1\n---\na: 2\n", Language::Yaml, 1, "2 documents in one file");
    unreadable("a: 1\n? [x]\n: 2\n", Language::Yaml, 2, "a key must be text");
    unreadable("a: 1\nb: !secret x\n", Language::Yaml, 2, "tags are not allowed");
}

#[test]
fn a_document_has_to_be_a_table() {
    for (text, language) in [
        ("[1, 2]", Language::Json),
        ("\"a\"", Language::Json),
        ("null", Language::Json),
        ("- a\n- b\n", Language::Yaml),
        ("just words", Language::Yaml),
        ("~", Language::Yaml),
    ] {
        let error = refused(text, language);
        assert_eq!(error.to_string(), "the job: plan: is no table of settings", "{text}");
    }
    for language in [Language::Toml, Language::Yaml, Language::Json] {
        let job = parsed("", language).job(&Traits::default()).expect("a job");
        assert_eq!(job, Job::default(), "an empty document says nothing");
    }
}

#[test]
fn binary_junk_is_refused_in_every_language() {
    let junk = |seed: u32| -> String {
        let mut state = seed;
        let bytes: Vec<u8> = (0..400)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    for seed in 0..50 {
        for language in [Language::Toml, Language::Yaml, Language::Json] {
            refused(&format!("\u{1}{}", junk(seed)), language);
        }
    }
}

#[test]
fn documents_that_are_too_deep_or_too_large_are_refused_quickly() {
    let began = std::time::Instant::now();
    for depth in [65, 200, 5_000, 400_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        for (text, language) in [
            (format!("x = {open}{close}"), Language::Toml),
            (format!("x: {open}{close}"), Language::Yaml),
            (format!("{{ \"x\": {open}{close} }}"), Language::Json),
            (format!("x = {open}"), Language::Toml),
            (format!("x: {open}"), Language::Yaml),
            (format!("{{ \"x\": {open}"), Language::Json),
            (format!("x = {}1{}", "{ a = ".repeat(depth), "}".repeat(depth)), Language::Toml),
            (format!("x: {}1{}", "{ a: ".repeat(depth), "}".repeat(depth)), Language::Yaml),
            (format!("x: {}1", "- ".repeat(depth)), Language::Yaml),
            (format!("x:\n  {}1", "- ".repeat(depth)), Language::Yaml),
            (format!("{}1", "- ".repeat(depth)), Language::Yaml),
            (format!("{}1", "? ".repeat(depth)), Language::Yaml),
            (format!("x{} = 1", ".x".repeat(depth)), Language::Toml),
        ] {
            let message = refused(&text, language).to_string();
            assert!(message.starts_with("the job: plan: line "), "{depth} {language:?}: {message}");
        }
    }
    let long = format!("x = \"{}\"", "y".repeat(1 << 20));
    unreadable(&long, Language::Toml, 1, "bytes; a document has 1048576 at the most");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_mebibyte_of_mistakes_is_reported_quickly() {
    let began = std::time::Instant::now();
    let toml: String = (0..70_000).map(|n| format!("k{n} = 1\n")).collect();
    let json = format!("{{{}}}", (0..70_000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
    let yaml: String = (0..70_000).map(|n| format!("k{n}: 1\n")).collect();
    let times = format!("keyframes: [{}]", "x,".repeat(300_000));
    let times = format!("outputs:\n- path: a.mkv\n  video:\n    type: x264\n    {times}\n");
    for (text, language) in
        [(toml, Language::Toml), (json, Language::Json), (yaml, Language::Yaml), (times, Language::Yaml)]
    {
        assert!(text.len() < 1 << 20);
        let error = refused(&text, language);
        assert!(!error.mistakes().is_empty(), "{language:?}");
        assert!(error.to_string().len() < 1 << 20, "{language:?}: nobody reads so much");
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
