//! Tests that Trix can read every document that it writes: from JSON to a value, and back to the same JSON.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use trix_core::{
    Cancel, Control, ErrorDocument, ErrorKind, Job, Limits, OnDamage, Plan, Report, Source,
    control::progress::Progress,
    doctor::{self, Doctor},
    plan,
    probe::{self, MediaInfo},
    quality::Metric,
    run_job,
    schema::{self, Name},
    verify::{
        content::{self, Comparison},
        standalone::{self, FileReport},
    },
};
use trix_fixtures::{Clip, folder, master, media};

/// Writes `value`, reads it and writes it again. Returns the JSON.
fn comes_back<T: Serialize + DeserializeOwned>(value: &T) -> Value {
    let first = serde_json::to_string_pretty(value).expect("plain data");
    let read: T = serde_json::from_str(&first).unwrap_or_else(|error| panic!("{error} in {first}"));
    // Compare text, because it also shows the order of keys and every digit of a number.
    let again = |read: &T| assert!(serde_json::to_string_pretty(read).expect("plain data") == first, "{first}");
    again(&read);
    // A document can pass through a store that does not keep the order of keys, such as a database.
    let value: Value = serde_json::from_str(&first).expect("JSON");
    again(&serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error} in {first}")));
    value
}

/// [`comes_back`] for a document with a version. Another version must be rejected.
fn of_a_version<T: Serialize + DeserializeOwned>(value: &T) -> Value {
    let mut document = comes_back(value);
    assert!(serde_json::to_string(value).expect("plain data").starts_with("{\"trix\":1,"), "{document}");
    document["trix"] = json!(2);
    let error = serde_json::from_value::<T>(document.clone()).err().expect("another version is refused");
    assert!(error.to_string().contains("format version 2"), "{error}");
    document["trix"] = json!(1);
    document
}

#[test]
fn the_report_of_a_job_with_every_kind_of_product_comes_back() {
    let folder = folder();
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let mut job: Job = serde_json::from_value(json!({
        "source": { "path": master() },
        "hash": true,
        "measure_loudness": true,
        "outputs": [
            { "path": "a.mkv", "video": x264, "verify": "full" },
            { "path": "b.mp4", "video": x264, "audio": { "type": "aac" } },
            { "path": "c.mkv", "video": { "type": "ffv1" }, "verify": "full" },
            { "path": "d.mkv", "video": { "type": "copy" } },
        ],
        "packages": [{ "path": "package", "ladder": [{ "height": 96, "video": x264 }] }],
        "stills": [
            { "type": "poster", "path": "e.jpg" },
            { "type": "sprites", "path": "sprites.jpg" },
            { "type": "waveform", "path": "f.png", "peaks": "f.json" },
        ],
    }))
    .expect("a job");
    job.write_into(folder.path());
    let source = Source::of(&job.source).expect("a source");
    let planned: Plan = plan(&job, &source).expect("a plan");
    assert_eq!(comes_back(&planned)["trix"], 1);

    let lines: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let seen = Arc::clone(&lines);
    let control = Control {
        progress: Some(Arc::new(move |progress| seen.lock().expect("a list").push(progress.clone()))),
        ..Control::default()
    };
    let report: Report = run_job(&job, &control).expect("a report");
    assert_eq!((report.outputs.len(), report.packages.len(), report.stills.len()), (4, 1, 3));
    let document = of_a_version(&report);
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    assert!(document["fixity"]["sha256"].is_string() && document["outputs"][0]["verification"]["score"].is_object());
    let lines = lines.lock().expect("a list");
    assert!(!lines.is_empty());
    lines.iter().for_each(|line| drop(of_a_version(line)));
}

#[test]
fn the_report_of_a_damaged_and_cut_source_comes_back() {
    let folder = folder();
    let whole = Clip::default().encoded("-c:v mpeg2video -qscale:v 3 -g 5", "ts");
    let mut bytes = fs::read(whole).expect("a fixture");
    let (at, length) = (bytes.len() / 2, 188 * 3);
    bytes.drain(at..at + length);
    // The name contains a byte that is not valid UTF-8.
    let name = std::os::unix::ffi::OsStringExt::from_vec(b"caf\xe9.ts".to_vec());
    let source = folder.path().join::<std::ffi::OsString>(name);
    fs::write(&source, bytes).expect("a source");
    let mut job = Job::new(&source, folder.path().join("out.mkv"));
    job.source.on_damage = OnDamage::Conceal;
    job.source.start = Some("00:00:00.2".parse().expect("a time"));
    let report = run_job(&job, &Control::default()).expect("a report");
    assert!(!report.damage.is_empty() && report.seek.is_some());
    of_a_version(&report);
    let again: Report = serde_json::from_value(serde_json::to_value(&report).expect("data")).expect("a report");
    assert_eq!((again.source, again.damage), (source, report.damage));
}

#[test]
fn media_info_of_every_file_comes_back() {
    let clips = [Clip::default().y4m(), master(), Clip::of("yuv422p").encoded("-c:v mpeg2video -qscale:v 2", "mxf")];
    let mut opened = 0;
    for file in clips.into_iter().chain(media::files()) {
        let Ok(source) = Source::open(&file) else { continue };
        let info: MediaInfo = probe::probe(&source);
        of_a_version(&info);
        opened += 1;
    }
    assert!(opened >= 3 && (media::files().is_empty() || opened > 30), "only {opened} could be opened");
    let counted = probe::probe_and_count(Source::open(master()).expect("a source"), 0, &Cancel::default());
    assert!(of_a_version(&counted.expect("a count"))["census"]["streams"]["0"]["frames"].is_u64());
}

#[test]
fn errors_checks_and_scores_come_back() {
    let folder = folder();
    let mut job = Job::new(master(), folder.path().join("out.avi"));
    job.threads = Some(100_000);
    let stopped = Control::default();
    stopped.cancel.cancel();
    let errors = [
        run_job(&job, &Control::default()).expect_err("a job with mistakes"),
        Source::open("/nonexistent/a.mp4").err().expect("no such file"),
        run_job(&Job::new(master(), folder.path().join("out.mkv")), &stopped).expect_err("cancelled"),
    ];
    let kinds = errors.each_ref().map(|error| {
        let document = ErrorDocument::from(error);
        let json = of_a_version(&document);
        assert_eq!(json["error"]["message"], error.to_string());
        assert_eq!(document.error.mistakes.len(), error.mistakes().len());
        error.kind()
    });
    assert_eq!(kinds, [ErrorKind::InvalidSpec, ErrorKind::Io, ErrorKind::Cancelled]);
    assert!(errors[0].mistakes().len() > 1, "{}", errors[0]);

    let (reference, copy) = (Clip::default().y4m(), Clip::default().encoded("-c:v libx264", "mp4"));
    let open = |path| Source::open_within(path, Limits::default()).expect("a source");
    let mut checked = standalone::check_source(open(&copy), &Cancel::default()).expect("a report");
    comes_back::<FileReport>(&checked);
    checked.compare(open(&copy), open(&reference), &Cancel::default()).expect("a comparison");
    comes_back::<FileReport>(&checked);
    let measured: Vec<_> = Metric::ALL.into_iter().filter(|metric| metric.is_built()).collect();
    let compared = content::compare_sources(open(&reference), open(&copy), &measured, &Cancel::default());
    comes_back::<Comparison>(&compared.expect("a comparison"));
    comes_back::<Doctor>(&doctor::examine());
}

#[test]
fn every_schema_has_an_id_of_its_own() {
    let mut ids: Vec<String> = Vec::new();
    for name in Name::ALL {
        let schema = schema::of(name);
        assert_eq!(schema["$id"], format!("urn:trix:schema:{}:1", name.text()));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let has_keys = schema["properties"].as_object().is_some_and(|keys| !keys.is_empty());
        let has_types = schema["oneOf"].as_array().is_some_and(|types| types.len() > 5);
        let has_forms = schema["anyOf"].as_array().is_some_and(|forms| forms.len() == 2);
        let is_right = match name {
            Name::Event => has_types,
            Name::Progress => has_forms,
            _ => has_keys,
        };
        assert!(is_right, "{name:?}");
        ids.push(schema["$id"].to_string());
    }
    ids.dedup();
    assert_eq!(ids.len(), Name::ALL.len());
    let progress = schema::of(Name::Progress);
    let forms = ["Progress", "ReadingProgress"].map(|form| progress["$defs"][form].clone());
    for schema in [Name::Plan, Name::MediaInfo, Name::Report, Name::Error].map(schema::of).iter().chain(&forms) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        assert!(required.contains(&json!("trix")), "{schema}");
    }
}
