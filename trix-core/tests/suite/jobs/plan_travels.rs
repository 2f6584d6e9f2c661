//! Tests that a plan is complete. Serialised as JSON, read again and run, it gives the same bytes as its job.

use std::{
    fs::{self, File},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use trix_core::{
    Control, ErrorKind, Job, Plan, Source,
    document::{Document, Language},
    plan, run,
};
use trix_fixtures::{TempDir, folder, program};

use crate::support::{done, made_by_ffmpeg};

/// Makes a film with everything that a plan must carry: subtitles, chapters, an attachment, a cover, two audio tracks.
fn film() -> PathBuf {
    let chapters = folder().path().join("chapters.txt");
    fs::create_dir_all(chapters.parent().unwrap()).unwrap();
    fs::write(
        &chapters,
        ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\n\
         START=1500\nEND=3000\ntitle=Two\n",
    )
    .unwrap();
    let words = chapters.with_file_name("words.srt");
    fs::write(&words, "1\n00:00:00,500 --> 00:00:01,500\nFirst\n\n2\n00:00:02,000 --> 00:00:02,800\nSecond\n").unwrap();
    let attached = chapters.with_file_name("notes.txt");
    fs::write(&attached, "attached to the film").unwrap();
    made_by_ffmpeg(
        "plan-film.mkv",
        &format!(
            "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=3 \
             -f lavfi -i sine=frequency=880:sample_rate=44100:duration=3 -i {} -f ffmetadata -i {} -map 0 -map 1 -map 2 -map 3 \
             -map_metadata 4 -attach {} -metadata:s:t mimetype=text/plain -c:v ffv1 -c:a flac -c:s srt -f matroska",
            words.display(),
            chapters.display(),
            attached.display()
        ),
    )
}

/// Reads the job of a document and sets its output folder to `into`.
fn job(text: &str, source: &Path, into: &Path) -> Job {
    let text = text.replace("SOURCE", source.to_str().unwrap());
    let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
    document.resolve(Some(into)).unwrap_or_else(|error| panic!("{error}")).job
}

/// Returns all files in a folder and below it, by name.
fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut open = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap())),
            }
        }
    }
    files.sort();
    files
}

/// Serialises a plan and reads it again.
fn sent(plan: &Plan) -> Plan {
    let text = serde_json::to_string(plan).unwrap();
    let read: Plan = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    read
}

/// Runs the job and its plan, each with its own output folder, and compares every byte. Returns the names of the files.
fn travels(text: &str, source: &Path) -> Vec<PathBuf> {
    let folders: [TempDir; 2] = [folder(), folder()];
    let report = done(&job(text, source, folders[0].path()));
    // The plan is made without a folder, and gets one where it runs.
    let second = job(text, source, Path::new(""));
    let mut plan = sent(&plan(&second, &Source::of(&second.source).unwrap()).unwrap_or_else(|error| panic!("{error}")));
    plan.write_into(folders[1].path());
    let again = run(&plan, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let [first, second] = folders.map(|folder| contents(folder.path()));
    assert!(!first.is_empty());
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second));
    for ((name, one), (_, other)) in first.iter().zip(&second) {
        assert!(one == other, "{} differs", name.display());
    }
    assert_eq!(report.outputs.len(), again.outputs.len());
    for (one, other) in report.outputs.iter().zip(&again.outputs) {
        assert_eq!(one.ledger, other.ledger);
        assert_eq!(one.verification.checks, other.verification.checks);
    }
    names(&first)
}

#[test]
fn every_encoder_and_what_goes_along_with_it() {
    let text = r#"
        source = { path = "SOURCE" }
        threads = 1
        hash = true
        [[outputs]]
        path = "a.mp4"
        video = { type = "x264", preset = "veryfast", tune = "film,zerolatency", profile = "high", rate = { type = "crf", value = 27.3 }, keyframes = ["00:00:01.200"] }
        [[outputs]]
        path = "b.mkv"
        video = { type = "x265", preset = "ultrafast", depth = 10, rate = { type = "bitrate", kbps = 300, passes = 2 }, params = { "aq-mode" = "1" } }
        [[outputs]]
        path = "c.mkv"
        video = { type = "ffv1" }
        verify = "full"
        [[outputs]]
        path = "d.mov"
        video = { type = "prores", profile = "lt" }
        audio = { type = "pcm24" }
        [[outputs]]
        path = "e.mp4"
        video = { type = "x264", preset = "ultrafast", rate = { type = "bitrate", kbps = 200, passes = 2 }, params = { "slow-firstpass" = "1" } }
        picture = { rate = "30", pad = { width = 400, height = 240 } }
    "#;
    travels(text, &film());
}

#[test]
fn cuts_copies_and_external_audio() {
    let master = made_by_ffmpeg(
        "plan-long-gop.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -f lavfi -i sine=sample_rate=48000:duration=4 -c:v libx264 -preset \
         ultrafast -g 25 -c:a aac -f mp4",
    );
    let external =
        made_by_ffmpeg("plan-external.wav", "-f lavfi -i sine=frequency=300:sample_rate=48000:duration=4.2 -f wav");
    let text = format!(
        r#"
        source = {{ path = "SOURCE", start = "00:00:01.1", duration = "2" }}
        tracks = [ {{ path = "{}", language = "rus", offset = "40ms", loudness = {{ integrated_lufs = -20.0 }} }} ]
        [[outputs]]
        path = "copy.mov"
        video = {{ type = "copy" }}
        [[outputs]]
        path = "cut.mp4"
        video = {{ type = "x264", preset = "ultrafast" }}
        audio = {{ type = "aac", kbps = 96 }}
        "#,
        external.display()
    );
    travels(&text, &master);
}

#[test]
fn packages_and_stills() {
    let text = r#"
        source = { path = "SOURCE" }
        threads = 1
        [[packages]]
        path = "stream"
        segment = "1"
        ladder = [ { height = 180, video = { type = "x264", preset = "ultrafast" } }, { height = 90, video = { type = "x264", preset = "ultrafast" } } ]
        audio = { type = "aac", kbps = 64 }
        [[stills]]
        type = "poster"
        path = "poster.jpg"
        [[stills]]
        type = "sprites"
        path = "sprites.png"
        [[stills]]
        type = "waveform"
        path = "wave.png"
        track = 1
    "#;
    travels(text, &film());
}

#[test]
fn names_that_are_not_utf_8() {
    // In documents, this character stands for the byte E9.
    let text = r#"
        source = { path = "SOURCE" }
        threads = 1
        [[outputs]]
        path = "cafE.mkv"
        video = { type = "copy" }
        [[packages]]
        path = "cafE"
        ladder = [ { height = 90, video = { type = "x264", preset = "ultrafast" } } ]
        audio = { type = "aac", kbps = 64 }
        [[stills]]
        type = "poster"
        path = "cafE.jpg"
    "#;
    let text = text.replace("cafE", "caf\u{10ffe9}");
    let names = travels(&text, &film()).into_iter().map(|name| name.into_os_string().into_vec());
    let names: Vec<Vec<u8>> = names.collect();
    assert!(names.len() > 3 && names.iter().all(|name| name.starts_with(b"caf\xe9")), "{names:?}");
}

#[test]
fn a_plan_for_a_source_that_has_changed_is_refused() {
    let place = folder();
    let source = place.path().join("film.mkv");
    fs::copy(film(), &source).unwrap();
    let job = Job::new(&source, place.path().join("copy.mkv"));
    let plan = plan(&job, &Source::of(&job.source).unwrap()).unwrap();
    let refused = |what: &str| {
        let error = run(&plan, &Control::default()).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{what}: {error}");
        assert!(error.to_string().contains("has changed since the plan was made"), "{what}: {error}");
        assert!(!place.path().join("copy.mkv").exists());
    };
    let old = fs::metadata(&source).unwrap().modified().unwrap();

    // A larger size.
    let bytes = fs::read(&source).unwrap();
    fs::write(&source, [&bytes[..], b"more"].concat()).unwrap();
    refused("another size");

    // The same size and a newer modification time.
    fs::write(&source, &bytes).unwrap();
    File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(SystemTime::now() + Duration::from_secs(5))
        .unwrap();
    refused("another time");

    // The same size and time, but other bytes.
    let mut other = bytes.clone();
    let title = other.windows(6).position(|window| window == b"A film").expect("the title");
    other[title] = b'B';
    fs::write(&source, &other).unwrap();
    File::options().write(true).open(&source).unwrap().set_modified(old).unwrap();
    refused("other bytes");

    // The original file.
    fs::write(&source, &bytes).unwrap();
    File::options().write(true).open(&source).unwrap().set_modified(old).unwrap();
    run(&plan, &Control::default()).unwrap();
    assert!(
        program::text(&program::run(
            "ffprobe",
            ["-v", "error", "-show_format", place.path().join("copy.mkv").to_str().unwrap()]
        ))
        .contains("duration=3.")
    );
}

#[test]
fn a_plan_of_another_version_is_refused() {
    let place = folder();
    let job = Job::new(film(), place.path().join("copy.mkv"));
    let mut plan = plan(&job, &Source::of(&job.source).unwrap()).unwrap();
    plan.trix = 2;
    let error = run(&plan, &Control::default()).expect_err("version 2");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
}

/// Returns the JSON pointers of all values in a plan whose key is one of `keys`.
fn places(value: &serde_json::Value, keys: &[&str], at: &str, found: &mut Vec<String>) {
    let below = |key: &str| format!("{at}/{key}");
    match value {
        serde_json::Value::Object(entries) => {
            for (key, own) in entries {
                if keys.contains(&key.as_str()) && own.is_number() {
                    found.push(below(key));
                }
                places(own, keys, &below(key), found);
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, own)| places(own, keys, &below(&number.to_string()), found));
        }
        _ => {}
    }
}

#[test]
fn a_plan_that_names_parts_it_does_not_have_is_refused_with_their_places() {
    let folder = folder();
    let text = r#"
        tracks = [{ path = "SOURCE" }]
        [source]
        path = "SOURCE"
        [[outputs]]
        path = "a.mkv"
        audio = { type = "flac" }
        [outputs.video]
        type = "x264"
        preset = "ultrafast"
        [[outputs]]
        path = "b.mkv"
        audio = { type = "copy" }
        [outputs.video]
        type = "copy"
        [[stills]]
        type = "waveform"
        path = "w.png"
    "#;
    let source = film();
    let job = job(text, &source, folder.path());
    let whole = serde_json::to_value(plan(&job, &Source::of(&job.source).unwrap()).unwrap()).unwrap();
    let mut found = Vec::new();
    places(&whole, &["stream", "filter", "video", "after", "passes", "encoded"], "", &mut found);
    assert!(found.len() > 12, "{found:?}");
    for place in found {
        for wrong in [99_u64, u64::from(u32::MAX)] {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = wrong.into();
            let changed: Plan = serde_json::from_value(changed).unwrap_or_else(|error| panic!("{place}: {error}"));
            let error = run(&changed, &Control::default()).expect_err(&place);
            assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{place}: {error}");
            assert!(!error.mistakes().is_empty(), "{place}: {error}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
