//! Tests of `trix ingest`, `run`, `plan` and `profiles`: their files, their messages and their exit codes.
//!
//! After an intended change of the schema, `INSTA_UPDATE=always cargo test -p trix-cli --test suite jobs::commands`
//! updates it. Read the difference before you commit it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Map, Number, Value, json};
use toml::de::{DeTable, DeValue};
use trix_fixtures::{Clip, folder, master, program};

use crate::support::{
    self, decodable, file, names,
    schema::{fits, schema},
    trix,
};

fn source() -> PathBuf {
    Clip::default().encoded("-c:v libx264", "mp4")
}

#[test]
fn one_line_makes_five_copies_of_a_master_in_a_folder_that_it_makes() {
    let folder = folder();
    let into = folder.path().join("new/archive");
    let line = "ingest {} -o {} --set preset=ultrafast --set crf_hevc=28 --json";
    let report = trix(line, &[&master(), &into]).done().json();
    fits(&schema("report"), &report);
    let copies = ["h264-10.mkv", "h264-8.mkv", "hevc-10.mkv", "hevc-12.mkv", "hevc-8.mkv", "manifest.json"];
    let copies = copies.map(|name| format!("master-bt709.{name}"));
    assert_eq!(names(&into), copies);
    for output in report["outputs"].as_array().expect("outputs") {
        let ledger = &output["ledger"];
        assert_eq!((&ledger["decoded"], &ledger["emitted"], &ledger["found"]), (&json!(50), &json!(50), &json!(50)));
        let path = Path::new(output["path"].as_str().expect("a path"));
        assert_eq!(decodable(path), 50, "{}", path.display());
        let is_hevc = output["plan"]["video"]["encoder"] == "x265";
        let options = output["plan"]["video"]["options"].to_string();
        assert_eq!(options.contains("\"28\""), is_hevc, "{options}");
    }
    // The files exist already.
    let ran = trix(line, &[&master(), &into]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let all = copies.iter().filter(|name| name.ends_with("mkv"));
    assert!(ran.err.contains("exists already, and so do") && all.clone().all(|name| ran.err.contains(name)), "{ran:?}");
    trix(&format!("{line} --overwrite"), &[&master(), &into]).done();
    assert_eq!(names(&into), copies);
}

/// The images of the profile `preview`.
const FRAMES: [&str; 4] = ["poster.jpg", "sprites.jpg", "sprites.vtt", "waveform.png"];

#[test]
fn several_profiles_run_together_and_are_summarised_in_words() {
    let folder = folder();
    let ran = trix("ingest {} -o {} --profile preview,mezzanine", &[&master(), folder.path()]);
    let text = &ran.done().out;
    let own = ["mezzanine.mov", "preview.mp4", "manifest.json"];
    let mut expected: Vec<String> = own.map(|name| format!("master-bt709.{name}")).to_vec();
    expected.extend(FRAMES.map(|name| format!("master-bt709.{name}")));
    expected.sort();
    assert_eq!(names(folder.path()), expected);
    for part in ["master-bt709.preview.mp4", "x264 320x180 4:2:0 8 bits", "prores 320x180", "checks hold", "50 decoded"]
    {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
    assert_eq!(text.matches("to encode").count(), 1, "{text}");
}

#[test]
fn a_user_profile_is_a_file_that_inherits_another() {
    let folder = folder();
    let own = file(
        &folder,
        "own.yaml",
        "description: mine\ninherits: preview\noutputs:\n- id: preview\n  path: ${stem}-small.mkv\n  video: { preset: ultrafast }\n",
    );
    let into = folder.path().join("out");
    trix("ingest {} -o {} --profile {} --set preview_crf=40", &[&master(), &into, &own]).done();
    let mut expected = vec!["master-bt709-small.mkv".to_owned(), "master-bt709.manifest.json".to_owned()];
    expected.extend(FRAMES.map(|name| format!("master-bt709.{name}")));
    assert_eq!(names(&into), expected);
    let message = trix("profiles --check {}", &[&own]).done().out.clone();
    assert_eq!(message, format!("{} is sound: mine\n", own.display()));
    let wrong = file(
        &folder,
        "wrong.toml",
        "inherits = \"preview\"\n[[outputs]]\nid = \"preview\"\nvideo = { preste = \"fast\" }\n",
    );
    let ran = trix("profiles --check {}", &[&wrong]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(
        ran.said,
        format!("trix: plan: {}:4: outputs[0].video.preste: is not known; did you mean preset?\n", wrong.display())
    );
}

#[test]
fn the_profiles_that_come_with_trix_are_listed_and_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trix-core/profiles");
    let listed = trix("profiles", &[]).done().out.clone();
    let mut found: Vec<String> =
        listed.lines().map(|line| format!("{}.toml", line.split_whitespace().next().unwrap_or_default())).collect();
    assert!(listed.lines().all(|line| line.split_whitespace().count() > 3), "each says what it is for: {listed}");
    found.sort();
    assert_eq!(found, names(&folder));
    for name in found {
        let shown = trix(&format!("profiles {}", name.trim_end_matches(".toml")), &[]).done().out.clone();
        assert_eq!(shown, fs::read_to_string(folder.join(name)).expect("a profile"));
    }
    let ran = trix("profiles archive-losless", &[]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(
        ran.err.contains("there is no profile 'archive-losless'; did you mean archive-lossless? profiles are"),
        "{ran:?}"
    );
}

/// A TOML job with two outputs in `folder`.
fn two(folder: &trix_fixtures::TempDir, more: &str) -> PathBuf {
    let text = format!(
        "{more}\n[source]\npath = \"{}\"\n[variables]\nname = \"film\"\n[[outputs]]\npath = \"${{name}}.mkv\"\n\
         video = {{ type = \"x264\", preset = \"ultrafast\" }}\naudio = {{ type = \"none\" }}\n\
         [[outputs]]\npath = \"sub/${{name}}.mp4\"\nvideo = {{ type = \"copy\" }}\n",
        source().display()
    );
    file(folder, "job.toml", text)
}

#[test]
fn a_job_file_writes_into_the_folder_that_is_named_or_the_current_one() {
    let folder = folder();
    let job = two(&folder, "");
    let into = folder.path().join("here");
    fs::create_dir_all(into.join("sub")).expect("a folder");
    let ran = trix(
        "run {} -o {} --set name=cut --set source.frames=7 --set outputs[1].video.type=none --set outputs[1].audio.type=copy --json",
        &[&job, &into],
    );
    // The source has no audio, so one output would be empty. That is an error.
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(names(&into), ["sub"]);
    let report = trix("run {} -o {} --set name=cut --set source.frames=7 --json", &[&job, &into]).done().json();
    fits(&schema("report"), &report);
    assert_eq!(decodable(&into.join("cut.mkv")), 7);
    assert_eq!(report["outputs"][0]["ledger"]["emitted"], 7);
    assert!(into.join("sub/cut.mp4").is_file());
    let mut command = support::command("run {}", &[&job]);
    fs::create_dir(folder.path().join("sub")).expect("a folder");
    command.current_dir(folder.path());
    support::watch(command).done();
    assert_eq!(names(folder.path()), ["film.mkv", "here", "job.toml", "sub"]);
    assert_eq!((decodable(&folder.path().join("film.mkv")), decodable(&folder.path().join("sub/film.mp4"))), (30, 30));
}

#[test]
fn a_plan_shows_what_would_be_made_and_makes_nothing() {
    let folder = folder();
    let job = two(&folder, "");
    let message = trix("plan {} -o {}", &[&job, folder.path()]).done().out.clone();
    let (one, other) = (folder.path().join("film.mkv"), folder.path().join("sub/film.mp4"));
    for part in [
        format!("{}\n", source().display()),
        "step 0  176x144".to_owned(),
        format!("{}\n", one.display()),
        "video   x264 176x144 4:2:0 8 bits, preset ultrafast".to_owned(),
        format!("{}\n  video   h264 copied", other.display()),
    ] {
        assert!(message.contains(&part), "'{part}' is not in: {message}");
    }
    let plan = trix("plan {} -o {} --json", &[&job, folder.path()]).done().json();
    let schema = schema("plan");
    fits(&schema, &plan);
    assert_eq!(plan["outputs"].as_array().map(Vec::len), Some(2));
    assert!(!schema.is_valid(&json!({ "outputs": [] })));
    let plan = trix("plan {} --profile archive,preview --json", &[&master()]).done().json();
    fits(&schema, &plan);
    let outputs: Vec<&Value> = plan["outputs"].as_array().expect("outputs").iter().map(|own| &own["path"]).collect();
    assert_eq!(outputs.len(), 6, "{outputs:?}");
    assert_eq!(names(folder.path()), ["job.toml"]);
}

#[test]
fn a_plan_is_made_for_the_machine_that_is_stated_and_runs_here_with_its_threads() {
    let folder = folder();
    let video = "video = { type = \"x264\", preset = \"ultrafast\" }\naudio = { type = \"none\" }";
    let job = file(
        &folder,
        "job.toml",
        format!("source = {{ path = \"{}\" }}\n[[outputs]]\npath = \"film.mkv\"\n{video}\n", source().display()),
    );
    let message = trix("plan {} -o {} --machine 16,64G", &[&job, folder.path()]).done().out.clone();
    assert!(message.contains("\nmachine 16 cores, 64.0 GiB\nmemory up to "), "{message}");
    // 144 rows are nine rows of macroblocks, for which x264 uses at most four threads.
    for (machine, memory, threads) in [("16,64G", json!(64_u64 << 30), 4), ("1", Value::Null, 1)] {
        let message =
            trix(&format!("plan {{}} -o {{}} --machine {machine} --json"), &[&job, folder.path()]).done().json();
        fits(&schema("plan"), &message);
        assert_eq!(message["machine"]["memory"], memory);
        assert!(message.to_string().contains(&format!("[\"threads\",\"{threads}\"]")), "{message}");
        let plan = file(&folder, "plan.json", message.to_string());
        let report = trix("run {} --overwrite --json", &[&plan]).done().json();
        assert_eq!(report["outputs"][0]["frame_threads"], threads, "{report}");
    }
    for machine in ["0", "many", "4,much"] {
        let refused = trix(&format!("plan {{}} -o {{}} --machine {machine}"), &[&job, folder.path()]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
}

#[test]
fn a_plan_says_which_outputs_share_an_encode() {
    let folder = folder();
    let output = |name: &str, preset: &str| {
        format!(
            "[[outputs]]\npath = \"{name}\"\nvideo = {{ type = \"x264\", preset = \"{preset}\" }}\naudio = {{ type = \"none\" }}\n"
        )
    };
    let outputs = [output("a.mkv", "ultrafast"), output("b.mp4", "ultrafast"), output("c.mkv", "superfast")].concat();
    let job = file(&folder, "job.toml", format!("source = {{ path = \"{}\" }}\n{outputs}", source().display()));
    let message = trix("plan {} -o {}", &[&job, folder.path()]).done().out.clone();
    for other in ["a.mkv", "b.mp4"] {
        assert!(message.contains(&format!("\n  once    video encoded together with {other}\n")), "{message}");
    }
    assert_eq!(message.matches("  once  ").count(), 2, "{message}");
}

#[test]
fn a_written_plan_runs_as_its_job_does() {
    let folder = folder();
    let job = two(&folder, "");
    let made = folder.path().join("made");
    fs::create_dir_all(made.join("sub")).expect("a folder");
    let plan = file(&folder, "plan.json", &trix("plan {} -o {} --json", &[&job, &made]).done().out);
    let report = trix("run {} --json", &[&plan]).done().json();
    fits(&schema("report"), &report);
    assert_eq!((decodable(&made.join("film.mkv")), decodable(&made.join("sub/film.mp4"))), (30, 30));

    // The files exist now, so the run fails like a job.
    let taken = trix("run {}", &[&plan]);
    assert_eq!(taken.code, Some(5), "{taken:?}");
    trix("run {} --overwrite", &[&plan]).done();

    let changed = trix("run {} --set source.frames=7", &[&plan]);
    assert_eq!(changed.code, Some(2), "{changed:?}");
    assert!(changed.err.contains("a plan runs as it is"), "{changed:?}");
    let text = fs::read_to_string(&plan).expect("a plan").replace("\"outputs\"", "\"outpost\"");
    let broken = trix("run {}", &[&file(&folder, "broken.json", &text)]);
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(broken.err.contains("is not a plan of this version: missing field `outputs`"), "{broken:?}");
}

#[test]
fn a_film_or_a_pipe_in_place_of_a_job_is_refused_without_reading_it() {
    let short = trix("run {}", &[&Clip { frames: 3, ..Clip::default() }.encoded("-c:v libx264", "mp4")]);
    assert!(short.code == Some(2) && short.err.contains("for a film, use `trix ingest`"), "{short:?}");
    let folder = folder();
    let (film, pipe) = (file(&folder, "film.mov", ""), folder.path().join("pipe"));
    fs::OpenOptions::new().write(true).open(&film).and_then(|film| film.set_len(1 << 36)).expect("a sparse file");
    program::run("mkfifo", [&pipe]);
    for path in [&film, &pipe] {
        let began = Instant::now();
        let ran = trix("run {}", &[path]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("is no document: a regular file of"), "{ran:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn all_mistakes_of_a_job_are_reported_with_their_lines_in_words_and_in_json() {
    let folder = folder();
    let job = file(
        &folder,
        "job.yaml",
        "sauce: 1\nsource: { path: film.mov, start: soon }\noutputs:\n- path: a.mkv\n  video: { type: x264, presett: 3 }\n- path: a.mkv\n",
    );
    let expected = [
        (1, "sauce: is not known; did you mean source?"),
        (2, "source.start = soon: 'soon' is not a time such as 12.5, 01:30, 00:01:30.040 or 300/25"),
        (5, "outputs[0].video.presett: is not known; did you mean preset?"),
        (6, "outputs[1].path = a.mkv: "),
    ];
    let schema = schema("error");
    for command in ["run", "plan"] {
        let ran = trix(&format!("{command} {{}} --json --set treads=2"), &[&job]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let lines: Vec<&str> = ran.said.trim_start_matches("trix: plan: ").lines().collect();
        assert_eq!(lines.len(), expected.len() + 1, "{ran:?}");
        for (number, message) in expected {
            let message = format!("{}:{number}: {message}", job.display());
            assert!(lines.iter().any(|line| line.starts_with(&message)), "'{message}' is not in: {}", ran.err);
        }
        assert!(
            ran.err.contains(
                "--set treads = 2: is neither a variable of this job nor one of its keys; did you mean threads?"
            ),
            "{ran:?}"
        );
        let error = ran.json();
        fits(&schema, &error);
        let mistakes = error["error"]["mistakes"].as_array().expect("mistakes");
        let lines: Vec<&str> = mistakes.iter().filter_map(|own| own["line"].as_str()?.rsplit(':').next()).collect();
        assert_eq!(lines, ["1", "2", "5", "6"], "{error:#}");
    }
    assert_eq!(names(folder.path()), ["job.yaml"]);
    let ran = trix("run {}", &[&folder.path().join("absent.toml")]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let sourceless = file(&folder, "none.json", "{ \"outputs\": [ { \"path\": \"a.mkv\" } ] }");
    let ran = trix("run {}", &[&sourceless]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("none.json:1: source.path: the job names no source"), "{ran:?}");
}

#[test]
fn mistakes_that_only_the_source_shows_are_reported_with_their_lines() {
    let folder = folder();
    let job = two(&folder, "").with_extension("toml");
    let text = fs::read_to_string(&job).expect("a job").replace("\"copy\"", "\"x265\", depth = 9");
    fs::write(&job, text).expect("a job");
    let ran = trix("plan {}", &[&job]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(&format!("{}:12: outputs[1].video.depth = 9: ", job.display())), "{ran:?}");
    let ran = trix("ingest {} -o {} --profile archiv", &[&master(), folder.path()]);
    assert!(ran.code == Some(2) && ran.err.contains("did you mean archive?"), "{ran:?}");
    let ran = trix("ingest {} -o {}", &[Path::new("/nonexistent/a.mov"), &folder.path().join("not-made")]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(names(folder.path()), ["job.toml"], "a folder is made when there is something to put in");
}

#[test]
fn damage_is_concealed_in_every_copy_where_that_is_asked_for() {
    let folder = folder();
    let bytes = fs::read(Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4")).expect("a fixture");
    let cut = file(&folder, "cut.mp4", &bytes[..bytes.len() / 2]);
    let into = folder.path().join("out");
    let line = "ingest {} -o {} --profile archive-lossless,preview --json";
    trix(line, &[&cut, &into]).refused(3, &cut);
    assert!(!into.exists(), "the folder was made for this job");
    let report = trix(&format!("{line} --on-damage conceal"), &[&cut, &into]).done().json();
    assert!(support::damage(&report) > 0);
    let counts: Vec<u64> = ["cut.ffv1.mkv", "cut.preview.mp4"].map(|name| decodable(&into.join(name))).into();
    assert!(counts[0] > 5 && counts[0] < 30 && counts[0] == counts[1], "{counts:?}");
}

/// Converts TOML to JSON, for validation with a schema.
fn as_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => number.as_str().parse::<i64>().expect("a number").into(),
        DeValue::Float(number) => {
            number.as_str().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
        }
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| as_json(item.get_ref())).collect(),
        DeValue::Table(table) => table_as_json(table),
    }
}

fn table_as_json(table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), as_json(value.get_ref())));
    Value::Object(entries.collect::<Map<_, _>>())
}

#[test]
fn the_schema_of_a_job_is_the_one_that_was_agreed_on() {
    let text = trix("schema job", &[]).done().out.clone();
    insta::assert_snapshot!("job-schema", text);
}

#[test]
fn the_schema_of_a_job_takes_every_profile_and_refuses_what_trix_refuses() {
    let schema = schema("job");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trix-core/profiles");
    for name in names(&folder) {
        let text = fs::read_to_string(folder.join(&name)).expect("a profile");
        fits(&schema, &table_as_json(DeTable::parse(&text).expect("TOML").get_ref()));
    }
    let audio = json!({
        "inherits": ["archive", "own.toml"], "description": "x", "variables": { "a": 1, "b": "x", "c": true },
        "threads": "${a}", "on_output_failure": "${b}",
        "source": { "path": "a.mov", "start": "00:01", "frames": 3, "rate": "24000/1001" },
        "outputs": [ {
            "id": "x", "path": "b.mkv", "overwrite": "${c}", "when": { "hdr": true, "height": ">=1080", "fps": 25 },
            "cases": [ { "when": { "interlaced": true }, "video": { "depth": 10 } } ],
            "video": { "type": "x265", "depth": 10, "rate": { "type": "crf", "value": "${a}" }, "keyframes": ["1.5"] }
        } ]
    });
    fits(&schema, &audio);
    for (place, wrong) in [
        ("/threads", json!("many")),
        ("/threads", json!(-1)),
        ("/on_output_failure", json!("stop")),
        ("/inherits", json!(3)),
        ("/variables", json!({ "a": [1] })),
        ("/source", json!({ "pfad": "a" })),
        ("/source/start", json!(3)),
        ("/source/rate", json!("fast")),
        ("/outputs", json!({})),
        ("/outputs/0/id", json!(3)),
        ("/outputs/0/when", json!(true)),
        ("/outputs/0/when/hdr", json!([])),
        ("/outputs/0/cases", json!([{ "video": { "depth": 10 } }])),
        ("/outputs/0/video/type", json!("x266")),
        ("/outputs/0/video/depth", json!("ten")),
        ("/outputs/0/video/rate", json!({ "value": 3 })),
        ("/outputs/0/video/keyframes", json!([1.5])),
    ] {
        let mut document = audio.clone();
        *document.pointer_mut(place).expect("a place") = wrong.clone();
        assert!(!schema.is_valid(&document), "{place} = {wrong}");
        let folder = trix_fixtures::folder();
        document["inherits"] = if place == "/inherits" { wrong.clone() } else { json!([]) };
        let ran = trix("profiles --check {}", &[&file(&folder, "job.json", document.to_string())]);
        assert_eq!(ran.code, Some(2), "{place} = {wrong}: {ran:?}");
    }
}

#[test]
fn an_mp4_is_what_players_decode_unless_it_is_asked_to_keep_what_the_source_has() {
    let folder = folder();
    let source = Clip { frames: 4, ..Clip::default() }.encoded("-c:v prores_ks -pix_fmt yuv422p10le", "mov");
    let made = |options: &str, name: &str| {
        let output = folder.path().join(name);
        let ran = trix(&format!("encode {{}} -o {{}} --preset ultrafast --audio none {options}"), &[&source, &output]);
        let text = ran.done().out.clone();
        let line = "-v error -show_entries stream=pix_fmt -of csv=p=0";
        let found = program::run("ffprobe", line.split(' ').map(OsStr::new).chain([output.as_os_str()]));
        (program::text(&found), text)
    };
    for (options, name, format, says) in [
        ("--video x264", "a.mp4", "yuv420p", true),
        ("--video x265", "b.mp4", "yuv420p10le", true),
        ("--video x265 --depth 12", "c.mp4", "yuv420p12le", true),
        ("--video x264 --chroma keep", "d.mp4", "yuv422p10le", false),
        ("--video x265 --depth keep", "e.mp4", "yuv422p10le", false),
        ("--video x264 --depth 8 --chroma 422", "f.mp4", "yuv422p", false),
        ("--video x264 --lossless", "g.mp4", "yuv422p10le", false),
        ("--video x264", "h.mkv", "yuv422p10le", false),
        ("--video x265", "i.mov", "yuv422p10le", false),
    ] {
        let (found, text) = made(options, name);
        assert_eq!((found.trim(), text.contains("most players decode")), (format, says), "{options} {name}: {text}");
    }
}

#[test]
fn lossless_audio_is_not_copied_into_an_mp4_for_players() {
    let folder = folder();
    let clip = Clip { frames: 8, ..Clip::default() }.encoded("-c:v libx264", "mkv");
    for (codec, options, expected) in [
        ("flac", "-c:a flac", "aac"),
        ("alac", "-c:a alac", "aac"),
        ("opus", "-c:a libopus", "aac"),
        ("dts", "-c:a dca -strict -2", "aac"),
        ("ac3", "-c:a ac3", "ac3"),
        ("mp3", "-c:a libmp3lame", "mp3"),
        ("aac", "-c:a aac", "aac"),
    ] {
        let source = folder.path().join(format!("{codec}.mkv"));
        let audio = "-f lavfi -i sine=r=48000:d=0.32";
        program::ffmpeg(&format!("-i {} {audio} -c:v copy {options} -shortest {}", clip.display(), source.display()));
        let output = folder.path().join(format!("{codec}.mp4"));
        let ran = trix("encode {} -o {} --video none", &[&source, &output]);
        let report = ran.done().out.clone();
        let line = "-v error -select_streams a -show_entries stream=codec_name -of csv=p=0";
        let found = program::run("ffprobe", line.split(' ').map(OsStr::new).chain([output.as_os_str()]));
        assert_eq!(program::text(&found).trim().trim_end_matches(','), expected, "{codec}: {report}");
        assert_eq!(report.contains("common players decode AAC"), expected != codec, "{codec}: {report}");
        let kept = folder.path().join(format!("{codec}.kept.mp4"));
        if codec != "dts" {
            trix("encode {} -o {} --video none --audio copy", &[&source, &kept]).done();
        }
    }
}

#[test]
fn audio_of_an_mp4_is_what_players_decode_unless_it_is_asked_to_keep_what_the_source_has() {
    let folder = folder();
    for (options, name, codecs) in [
        ("", "a.mp4", ["aac", "aac"]),
        ("--depth 10", "b.mp4", ["aac", "aac"]),
        ("--video none", "c.mp4", ["aac", "aac"]),
        ("--depth keep", "d.mp4", ["flac", "flac"]),
        ("--lossless --video x264", "e.mp4", ["flac", "flac"]),
        ("--audio flac", "f.mp4", ["flac", "flac"]),
        ("", "g.mov", ["pcm_s24le", "pcm_s24le"]),
        ("", "h.mkv", ["pcm_s24le", "pcm_s24le"]),
    ] {
        let output = folder.path().join(name);
        let ran = trix(&format!("encode {{}} -o {{}} --duration 0.5 {options}"), &[&master(), &output]);
        let says = ran.done().out.contains("common players decode AAC");
        let line = "-v error -select_streams a -show_entries stream=codec_name -of csv=p=0";
        let found = program::run("ffprobe", line.split(' ').map(OsStr::new).chain([output.as_os_str()]));
        let found = program::text(&found);
        let found: Vec<&str> = found.split_whitespace().collect();
        assert_eq!((found, says), (codecs.to_vec(), codecs == ["aac", "aac"]), "{options} {name}: {}", ran.done().out);
    }
}

#[test]
fn profiles_of_the_user_are_found_by_name_listed_and_shown_resolved() {
    let folder = folder();
    let own = folder.path().join("trix/profiles");
    fs::create_dir_all(&own).expect("a folder");
    let text = "inherits = \"preview\"\ndescription = \"Proxies of the house\"\n[variables]\npreview_crf = 30\n";
    fs::write(own.join("house.toml"), text).expect("a file");
    let run = |line: &str| {
        let (master, out) = (master(), folder.path().join("out"));
        let paths: [&Path; 2] = [&master, &out];
        let mut command = support::command(line, &paths[..line.matches("{}").count()]);
        command.env("XDG_CONFIG_HOME", folder.path());
        support::watch(command)
    };
    let listed = run("profiles").done().out.clone();
    assert!(
        listed.lines().any(|line| line.starts_with("house ") && line.ends_with("Proxies of the house")),
        "{listed}"
    );
    assert_eq!(run("profiles house").done().out, text);
    let resolved = run("profiles house --resolved").done().out.clone();
    let value: toml::Table = resolved.parse().expect("TOML");
    assert_eq!(value["variables"]["preview_crf"].as_integer(), Some(30), "{resolved}");
    assert_eq!(value["outputs"][0]["video"]["type"].as_str(), Some("x264"), "{resolved}");
    assert!(!value.contains_key("inherits"), "{resolved}");
    let report = run("plan {} --profile house --output {} --json").done().json();
    let options = report["encodes"][0]["video"]["video"]["options"].to_string();
    assert!(options.contains("\"30\""), "{options}");
    let ran = run("profiles hous --resolved");
    assert!(ran.code == Some(2) && ran.err.contains("did you mean house?"), "{ran:?}");
}
