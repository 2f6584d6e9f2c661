//! Tests of the places of mistakes in documents. Every mistake is reported with its own line and place, whatever the
//! number and kinds of the mistakes.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use trix_core::{
    Error, ErrorKind,
    document::{Document, Language, Traits},
};
use trix_fixtures::folder;

use crate::support::languages::{LANGUAGES, Written, written};

fn refused(text: &str, language: Language) -> Error {
    let error = Document::parse(text, language, &[]).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    error
}

/// Returns each mistake as `LINE PLACE`.
fn places(error: &Error) -> Vec<String> {
    let line =
        |line: &Option<String>| line.as_deref().and_then(|line| line.strip_prefix("the job:")).map(str::to_owned);
    error.mistakes().iter().map(|own| format!("{} {}", line(&own.line).expect("a line"), own.place)).collect()
}

/// Asserts that the document has exactly these mistakes: `LINE PLACE`, and a part of the message.
fn wrong(text: &str, expected: &[(&str, &str)]) {
    let error = refused(text, Language::Toml);
    let wanted: Vec<&str> = expected.iter().map(|(place, _)| *place).collect();
    assert_eq!(places(&error), wanted, "{error}");
    for (mistake, (_, part)) in error.mistakes().iter().zip(expected) {
        assert!(mistake.to_string().contains(part), "'{part}' is not in: {mistake}");
    }
}

/// Writes `value` to `place` of an output, and creates missing tables on the way.
fn put(output: &mut Value, place: &[&str], value: Value) {
    *place.iter().fold(output, |at, key| &mut at[*key]) = value;
}

/// Number of kinds of mistakes. An output can have one mistake of each kind.
const KINDS: usize = 10;

/// Makes a mistake of kind `kind` in an output and returns its place.
fn spoil(output: &mut Value, kind: usize, number: usize) -> String {
    let word = format!("wrong-{number}");
    let (place, path, value): (&str, &[&str], Value) = match kind {
        0 => ("video.depth", &["video", "depth"], json!(word)),
        1 => ("video.wrong", &["video", "wrong"], json!(true)),
        2 => ("video.keyframes[1]", &["video", "keyframes"], json!(["1.5", word, "2.5"])),
        // Too large for the type of the setting, above the legal range, and negative.
        3 => ("threads", &["threads"], [json!(6_000_000_000_u64), json!(999), json!(-1)][number % 3].clone()),
        4 => ("picture.source_color.primaries", &["picture", "source_color"], json!({ "primaries": word })),
        5 => ("picture.rate", &["picture", "rate"], json!(word)),
        6 => ("path", &["path"], json!(format!("{word}.avi"))),
        7 => ("picture.size", &["picture", "size"], json!({ "width": 320 })),
        8 => ("metadata.\"a.[0]\"", &["metadata"], json!({ "a.[0]": 5 })),
        _ => ("audio.type", &["audio"], json!({ "type": word })),
    };
    put(output, path, value);
    place.to_owned()
}

fn output(number: usize) -> Value {
    json!({ "path": format!("{number}.mkv"), "video": { "type": "x265", "keyframes": ["3.5"] } })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mistake_is_reported_at_its_place(
        count in 1usize..30,
        chosen in prop::collection::btree_set((0usize..30, 0usize..KINDS), 0..40),
        language in prop::sample::select(LANGUAGES.to_vec()),
    ) {
        let mut outputs: Vec<Value> = (0..count).map(output).collect();
        // Only a document that cannot be read reports the mistakes of planning as well, so this mistake is always
        // there.
        let mut made = vec!["source.frmes".to_owned()];
        for (number, (at, kind)) in chosen.into_iter().filter(|(at, _)| *at < count).enumerate() {
            made.push(format!("outputs[{at}].{}", spoil(&mut outputs[at], kind, number)));
        }
        let job = json!({ "source": { "path": "a.mov", "frmes": 3 }, "outputs": outputs });
        let Written { text, lines, .. } = written(&job, language);
        let mut expected: Vec<String> = made.iter().map(|place| format!("{} {place}", lines[place])).collect();
        let error = refused(&text, language);
        let mut found = places(&error);
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected, "{}\n{}", error, text);
    }
}

#[test]
fn ten_thousand_outputs_take_ten_times_as_long_as_a_thousand() {
    // The shortest of several times, because other tests run at the same time.
    let best = |count: usize, language: Language, mistakes: usize| -> Duration {
        let mut outputs: Vec<Value> = (0..count).map(|number| json!({ "path": format!("{number}.mkv") })).collect();
        (0..mistakes).for_each(|number| outputs[count / mistakes * number]["video"] = json!({ "type": "x266" }));
        // Planning finds these mistakes.
        (0..mistakes).for_each(|number| outputs[count / mistakes * number + 1]["threads"] = json!(999));
        let text = written(&json!({ "outputs": outputs }), language).text;
        let time = || {
            let began = Instant::now();
            let read = Document::parse(&text, language, &[]).and_then(|document| document.job(&Traits::default()));
            match (read, mistakes) {
                (Ok(job), 0) => assert_eq!(job.outputs.len(), count),
                (Err(error), 1..) => assert_eq!(error.mistakes().len(), 2 * mistakes, "{error}"),
                (read, _) => panic!("{read:?}"),
            }
            began.elapsed()
        };
        (0..5).map(|_| time()).min().expect("times")
    };
    for language in LANGUAGES {
        for mistakes in [0, 40] {
            let (few, many) = (best(1_000, language, mistakes), best(10_000, language, mistakes));
            // Linear time would be ten times as long. Caches can triple that. Quadratic time would be a hundred times
            // as long.
            assert!(many < few * 30, "{language:?}, {mistakes} mistakes: {few:?}, {many:?}");
        }
    }
}

#[test]
fn a_number_that_its_setting_cannot_hold_is_reported_at_its_place() {
    wrong(
        "threads = 5000000000\n[[outputs]]\npath = \"a.mkv\"\n[outputs.picture]\nalpha = \"black\"\nsize = { width = -3000000000, \
         height = 2 }\n",
        &[
            ("1 threads", "threads = 5000000000: must be 4294967295 or less"),
            ("6 outputs[0].picture.size.width", "must be -2147483648 or more"),
        ],
    );
}

#[test]
fn all_texts_that_cannot_be_read_are_reported() {
    let count = 60;
    let rates: String =
        (0..count).map(|n| format!("[[outputs]]\npath = \"{n}.mkv\"\npicture = {{ rate = \"r{n}\" }}\n")).collect();
    let error = refused(&rates, Language::Toml);
    let expected: Vec<String> = (0..count).map(|n| format!("{} outputs[{n}].picture.rate", 3 * n + 3)).collect();
    assert_eq!(places(&error), expected, "{error}");
    // The parser reports one error for both texts.
    let tracks = "[source]\naudio_tracks = [\"e!\", 0, \"e!\"]\n[[outputs]]\npath = \"a.mkv\"\n";
    wrong(tracks, &[("2 source.audio_tracks[0]", "e!"), ("2 source.audio_tracks[2]", "e!")]);
}

#[test]
fn a_description_that_is_no_text_is_reported_at_its_place() {
    let text = "[[outputs]]\npath = \"a.mkv\"\n";
    wrong(&format!("threads = 1\ndescription = 5\n{text}"), &[("2 description", "is a number; text is expected")]);
}

#[test]
fn two_outputs_with_too_many_threads_are_both_reported() {
    let text = "x = 1\n[[outputs]]\npath = \"a.mkv\"\nthreads = 999\n[[outputs]]\npath = \"b.mkv\"\nthreads = 999\n";
    wrong(text, &[("1 x", "is not known"), ("4 outputs[0].threads", "1 to 128"), ("7 outputs[1].threads", "1 to 128")]);
    // Planning for a source also reports both.
    let document = Document::parse(text.trim_start_matches("x = 1\n"), Language::Toml, &[]).expect("a document");
    let job = document.job(&Traits::default()).expect("a job");
    let source = trix_core::Source::open(trix_fixtures::Clip::default().y4m()).expect("a source");
    let error = trix_core::plan(&job, &source).expect_err("two mistakes");
    let stated = document.explain(&Traits::default(), error);
    assert_eq!(places(&stated), ["3 outputs[0].threads", "6 outputs[1].threads"]);
}

#[test]
fn conditions_beyond_the_thousandth_element_are_judged() {
    let mut text: String = (0..1500).map(|n| format!("[[outputs]]\npath = \"{n}.mkv\"\n")).collect();
    text.push_str("[[outputs]]\npath = \"last.mkv\"\nwhen = { hdrr = true }\n");
    wrong(&text, &[("3003 outputs[1500].when.hdrr", "did you mean hdr?")]);
}

#[test]
fn a_name_is_taken_by_what_is_always_made_and_by_no_other() {
    let element = |list: &str, path: &str, when: &str| format!("[[{list}]]\npath = \"{path}\"\n{when}\n");
    let (hdr, sdr) = ("when = { hdr = true }", "when = { hdr = false }");
    let text = format!(
        "x = 1\n{}{}{}{}",
        element("outputs", "a.mkv", hdr),
        element("outputs", "a.mkv", ""),
        element("outputs", "a.mkv", sdr),
        element("outputs", "b.mkv", sdr),
    );
    let text = text + &element("stills", "p.jpg", &format!("type = \"poster\"\n{hdr}"));
    let text = text + &element("stills", "p.jpg", &format!("type = \"poster\"\n{sdr}"));
    wrong(&text, &[("1 x", "is not known"), ("6 outputs[1].path", "this name"), ("9 outputs[2].path", "this name")]);
}

#[test]
fn what_is_left_out_for_a_source_moves_no_place() {
    let text = "[[outputs]]\npath = \"a.mkv\"\nwhen = { hdr = true }\n[[outputs]]\npath = \"b.mkv\"\nthreads = 2\n[[outputs.cases]]\n\
                when = { hdr = false }\nthreads = 3\n[[outputs]]\npath = \"b.mkv\"\n";
    let document = Document::parse(text, Language::Toml, &[]).expect("a document");
    let job = document.job(&Traits::default()).expect("a job");
    assert_eq!(job.outputs.iter().map(|own| own.threads).collect::<Vec<_>>(), [Some(3), None]);
    let source = trix_core::Source::open(trix_fixtures::Clip::default().y4m()).expect("a source");
    let error = trix_core::plan(&job, &source).expect_err("one name twice");
    assert_eq!(places(&document.explain(&Traits::default(), error)), ["11 outputs[2].path"]);
}

#[test]
fn the_tracks_of_an_output_are_replaced_and_those_of_the_job_are_added() {
    let folder = folder();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    file("base.toml", "[[tracks]]\npath = \"a.wav\"\n[[outputs]]\nid = \"one\"\npath = \"a.mkv\"\ntracks = [0, 1]\n");
    file(
        "heir.toml",
        "inherits = \"base.toml\"\n[[tracks]]\npath = \"b.wav\"\n[[outputs]]\nid = \"one\"\ntracks = [2]\n",
    );
    let document = Document::open(&folder.path().join("heir.toml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    let job = document.job(&Traits::default()).expect("a job");
    assert_eq!((job.tracks.len(), job.outputs.len()), (2, 1));
    assert_eq!(job.outputs[0].tracks.as_deref(), Some([2].as_slice()), "a list of numbers is replaced");
}
