//! Property tests of documents, with random input.

use proptest::prelude::*;
use serde_json::{Value, json};
use trix_core::{
    ErrorKind, Job,
    document::{Document, Language, PROFILES, Traits},
};

use crate::support::languages::{LANGUAGES, written};

/// Text that a job can contain. `${` begins a variable.
fn text() -> impl Strategy<Value = String> {
    "\\PC{0,16}".prop_filter("a variable", |text| !text.contains("${"))
}

fn video() -> impl Strategy<Value = Value> {
    let rate = prop_oneof![
        (0u32..510).prop_map(|tenths| json!({ "type": "crf", "value": f64::from(tenths) / 10.0 })),
        (0u32..69).prop_map(|value| json!({ "type": "qp", "value": value })),
        Just(json!({ "type": "lossless" })),
        (1u32..1_000_000, 1u32..=2)
            .prop_map(|(kbps, passes)| json!({ "type": "bitrate", "kbps": kbps, "passes": passes })),
    ];
    let encoder = prop::sample::select(vec!["x264", "x265", "ffv1", "prores"]);
    let settings = (
        encoder,
        prop::option::of(prop::sample::select(vec![8u32, 10, 12, 99])),
        prop::option::of(text()),
        prop::option::of(rate),
        prop::collection::vec(
            (0u64..1_000_000_000_000)
                .prop_map(|nanos| format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)),
            0..3,
        ),
        prop::collection::btree_map(text(), text(), 0..4),
        prop::option::of(any::<bool>()),
    );
    let encoded = settings.prop_map(|(encoder, depth, preset, rate, keyframes, params, open_gop)| {
        let common = json!({ "type": encoder, "depth": depth, "params": params });
        let own = match encoder {
            "ffv1" => json!({ "rate": rate.map(|_| json!({ "type": "lossless" })) }),
            "prores" => json!({ "profile": preset }),
            _ => json!({ "preset": preset, "rate": rate, "keyframes": keyframes, "open_gop": open_gop }),
        };
        let [mut video, own] = [common, own].map(|keys| keys.as_object().cloned().expect("a table"));
        video.extend(own);
        Value::Object(video)
    });
    prop_oneof![3 => encoded, 1 => Just(json!({ "type": "copy" })), 1 => Just(json!({ "type": "none" }))]
}

fn output() -> impl Strategy<Value = Value> {
    let audio = prop_oneof![
        Just(json!({ "type": "copy" })),
        Just(json!({ "type": "pcm" })),
        prop::option::of(any::<u32>()).prop_map(|kbps| json!({ "type": "aac", "kbps": kbps })),
    ];
    let factors = prop::collection::vec((-400i32..400).prop_map(|x| f64::from(x) / 128.0), 0..3);
    let shape = prop::collection::vec(factors, 0..3);
    let verify = prop::sample::select(vec!["off", "structure", "full"]);
    (text(), video(), audio, shape, prop::collection::btree_map(text(), text(), 0..4), verify, prop::option::of(any::<u32>())).prop_map(
        |(path, video, audio, matrix, metadata, verify, threads)| {
            json!({ "path": path, "video": video, "audio": audio, "audio_shape": { "matrix": matrix }, "metadata": metadata,
                    "verify": verify, "threads": threads })
        },
    )
}

fn job() -> impl Strategy<Value = Job> {
    let source = (text(), prop::option::of(any::<u64>()), prop::option::of((1i64..1_000_000, 1i64..100_000)));
    (source, prop::collection::vec(output(), 0..4), prop::option::of(any::<u32>())).prop_map(
        |((path, frames, rate), outputs, threads)| {
            let rate = rate.map(|(num, den)| format!("{num}/{den}"));
            let source = json!({ "path": path, "frames": frames, "rate": rate });
            serde_json::from_value(json!({ "source": source, "outputs": outputs, "threads": threads })).expect("a job")
        },
    )
}

/// Documents with a value for every part.
fn seeds() -> Vec<(Language, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/spec");
    let mut seeds: Vec<(Language, String)> =
        PROFILES.iter().map(|profile| (Language::Toml, profile.text.to_owned())).collect();
    for entry in std::fs::read_dir(folder).expect("a folder of seeds") {
        let path = entry.expect("an entry").path();
        if let Ok(text) = std::fs::read_to_string(&path) {
            seeds.push((Language::from_path(&path), text));
        }
    }
    seeds.sort_by(|a, b| a.1.cmp(&b.1));
    seeds
}

/// Pieces that a mutation can insert anywhere.
const PIECES: [&str; 24] = [
    "${stem}",
    "${",
    "}",
    "[[outputs]]\n",
    "when = { hdr = true }\n",
    "cases",
    "\"",
    "'",
    "\n",
    "\n  ",
    "- ",
    ": ",
    "[",
    "]",
    "{",
    "&a ",
    "*a",
    "---\n",
    "type",
    "\u{feff}",
    "é",
    "1e400",
    "null",
    "id = \"x\"\n",
];

/// Applies cuts, repeats and insertions. Positions are in thousandths of the text.
fn mutated(text: &str, changes: &[(u16, u16, u8)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (from, length, kind) in changes {
        let at = letters.len() * usize::from(*from) / 1000;
        let end = (at + usize::from(*length) / 20).min(letters.len());
        match kind {
            0 => drop(letters.drain(at..end)),
            1 => {
                let piece: Vec<char> = letters[at..end].to_vec();
                letters.splice(end..end, piece);
            }
            2 => letters.truncate(at),
            kind => {
                let piece = PIECES[usize::from(*kind) % PIECES.len()].chars();
                letters.splice(at..at, piece);
            }
        }
    }
    letters.into_iter().collect()
}

/// Every mistake has a line that exists in the document. A document without mistakes gives a job.
fn judge(text: &str, language: Language) {
    let lines = text.lines().count().max(1);
    let check = |line: &str, error: &dyn std::fmt::Display| {
        let number: usize = line.parse().unwrap_or_else(|_| panic!("no line is named: {error}"));
        // If the text ends too early, the mistake can be after its last line.
        assert!((1..=lines + 1).contains(&number), "line {number} of {lines}: {error}\n{text}");
    };
    let error = match Document::parse(text, language, &[]) {
        Ok(document) => {
            let traits = Traits { hdr: true, height: 2160.0, channels: 6.0, ..Traits::default() };
            let again =
                [document.job(&traits), document.job(&traits)].map(|job| job.map_err(|error| error.to_string()));
            assert_eq!(again[0], again[1]);
            match document.job(&Traits::default()) {
                Ok(_) => return,
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    assert_ne!(error.kind(), ErrorKind::Bug, "{error}\n{text}");
    for mistake in error.mistakes() {
        match mistake.line.as_deref().and_then(|line| line.strip_prefix("the job:")) {
            Some(line) => check(line, &error),
            None => assert!(mistake.problem.starts_with("has more mistakes"), "{error}"),
        }
    }
    let message = error.to_string();
    if error.mistakes().is_empty() && !message.contains("inherit") && !message.contains("is no table") {
        let line =
            message.strip_prefix("the job: plan: line ").unwrap_or_else(|| panic!("no line is named: {message}"));
        check(line.split(':').next().unwrap_or_default(), &error);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_job_that_is_written_in_each_language_and_read_as_a_document_is_the_same(job in job()) {
        // TOML and YAML hold integers of 63 bits.
        let is_small = job.source.frames.is_none_or(|frames| i64::try_from(frames).is_ok());
        let value = serde_json::to_value(&job).expect("JSON");
        let own = |language| (language, written(&value, language).text);
        // YAML is a superset of JSON.
        let as_json = (Language::Yaml, serde_json::to_string_pretty(&job).expect("JSON"));
        for (language, text) in LANGUAGES.map(own).into_iter().chain([as_json]).filter(|(language, _)| is_small || *language == Language::Json) {
            let document = Document::parse(&text, language, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
            prop_assert_eq!(document.job(&Traits::default()).expect("a job"), job.clone(), "{:?}\n{}", language, text);
        }
    }

    #[test]
    fn a_damaged_document_is_read_or_refused_with_a_line(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((0u16..1000, 0u16..1000, any::<u8>()), 1..5),
        language in prop::option::of(prop::sample::select(LANGUAGES.to_vec())),
    ) {
        let text = mutated(&seed.1, &changes);
        judge(&text, language.unwrap_or(seed.0));
    }
}
