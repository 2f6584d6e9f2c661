//! Tests of `trix ingest` with several masters: names, manifests, what is skipped, the summary and the exit code.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use trix_fixtures::{Clip, TempDir, folder, program};

use crate::support::{
    self, names,
    schema::{fits, schema},
    trix,
};

const LINE: &str = "ingest {} -o {} --recursive --profile preview --set preview_preset=ultrafast --json";

/// A folder with three masters, a damaged one, and other files.
fn masters() -> TempDir {
    let folder = folder();
    let film = Clip { frames: 25, ..Clip::default() }.encoded("-c:v libx264", "mp4");
    let bytes = fs::read(&film).expect("a clip");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    };
    put("film.mp4", &bytes);
    put("film.m4v", &bytes);
    put("reel 2/film.mp4", &bytes);
    put("reel 2/broken.mp4", &bytes[..bytes.len() / 2]);
    put("notes.txt", b"no film");
    folder
}

fn states(summary: &Value) -> Vec<(String, String)> {
    let masters = summary["masters"].as_array().expect("masters");
    let name = |own: &Value| Path::new(own["source"].as_str().expect("a path")).to_owned();
    let state = |own: &Value| own["state"].as_str().expect("a state").to_owned();
    let short = |path: PathBuf| {
        let around = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        if around.starts_with("reel") { format!("{around}/{file}") } else { file }
    };
    masters.iter().map(|own| (short(name(own)), state(own))).collect()
}

fn expected(of: [&str; 4]) -> Vec<(String, String)> {
    let names = ["film.m4v", "film.mp4", "reel 2/broken.mp4", "reel 2/film.mp4"];
    names.into_iter().zip(of).map(|(name, state)| (name.to_owned(), state.to_owned())).collect()
}

#[test]
fn a_folder_of_masters_is_done_summed_up_and_skipped_while_complete() {
    let (sources, out) = (masters(), folder());
    let run = |more: &str| trix(&format!("{LINE} {more}"), &[sources.path(), out.path()]);
    let ran = run("");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let summary = ran.json();
    fits(&schema("summary"), &summary);
    assert_eq!(states(&summary), expected(["made", "made", "failed", "made"]));
    let error = &summary["masters"][2]["error"];
    assert!(error["kind"] == "malformed_input" && error["message"].to_string().contains("broken.mp4"), "{error}");
    let own = ["manifest.json", "poster.jpg", "preview.mp4", "sprites.jpg", "sprites.vtt"];
    let expect = |stem: &str| own.map(|end| format!("{stem}.{end}"));
    let at_top = [&expect("film-m4v")[..], &expect("film-mp4")[..], &["reel 2".to_owned()]].concat();
    assert_eq!(names(out.path()), at_top);
    assert_eq!(names(&out.path().join("reel 2")), expect("film"));

    // Another program finds the hashes of the manifest in the files.
    let manifest = fs::read(out.path().join("film-mp4.manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    fits(&schema("manifest"), &manifest);
    let files = manifest["files"].as_array().expect("files");
    assert_eq!(files.len(), 4);
    for file in files {
        let path = out.path().join(file["name"].as_str().expect("a name"));
        let sum = program::text(&program::run("sha256sum", [&path]));
        assert_eq!(sum.split_whitespace().next(), file["sha256"].as_str(), "{file}");
        assert_eq!(json!(path.metadata().expect("a file").len()), file["bytes"]);
    }

    // All names are taken, and all of them are reported.
    let ran = run("");
    assert_eq!(states(&ran.json()), expected(["failed"; 4]));
    assert_eq!(ran.code, Some(5), "{ran:?}");
    for name in ["film-m4v.preview.mp4", "film-mp4.sprites.vtt", "reel 2/film.poster.jpg"] {
        assert!(ran.err.contains(name), "{name}: {}", ran.err);
    }

    // What is complete stays as it is.
    let time = |name: &str| out.path().join(name).metadata().expect("a file").modified().expect("a time");
    let before = time("film-mp4.preview.mp4");
    let ran = run("--skip-existing");
    assert_eq!((states(&ran.json()), ran.code), (expected(["kept", "kept", "failed", "kept"]), Some(3)));
    assert_eq!(time("film-mp4.preview.mp4"), before);

    // A changed byte, a missing file, and a master that was written again.
    let flip = |name: &str| {
        let path = out.path().join(name);
        let mut bytes = fs::read(&path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("a file");
    };
    flip("film-m4v.preview.mp4");
    fs::remove_file(out.path().join("film-mp4.poster.jpg")).expect("a file");
    fs::write(sources.path().join("reel 2/film.mp4"), fs::read(sources.path().join("film.mp4")).expect("a film"))
        .expect("a film");
    let ran = run("--skip-existing --overwrite");
    assert_eq!((states(&ran.json()), ran.code), (expected(["made", "made", "failed", "made"]), Some(3)));
    for reason in
        ["has other bytes than were verified", "film-mp4.poster.jpg is missing", "the source has changed since"]
    {
        assert!(ran.err.contains(reason), "{reason}: {}", ran.err);
    }
    // Another job.
    let ran = run("--skip-existing --overwrite --set preview_crf=30");
    assert_eq!(states(&ran.json()), expected(["made", "made", "failed", "made"]));
    assert!(ran.err.contains("the job is another than the one that made the files"), "{}", ran.err);
}

#[test]
fn the_summary_in_words_names_each_master_its_result_and_its_error() {
    let (sources, out) = (masters(), folder());
    let ran =
        trix(&LINE.replace(" --json", " --report {}"), &[sources.path(), out.path(), &out.path().join("all.json")]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let table = ran.out.split("master  ").last().expect("a table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 7, "{table}");
    for (line, words) in lines[1..5].iter().zip(["made", "made", "FAILED", "made"]) {
        assert!(line.split_whitespace().any(|word| word == words), "{table}");
    }
    assert!(lines[5].starts_with("! ") && lines[5].contains("broken.mp4"), "{table}");
    assert_eq!(lines[6], "4 masters: 3 made, 1 FAILED");
    let written: Value = serde_json::from_slice(&fs::read(out.path().join("all.json")).expect("a file")).expect("JSON");
    assert_eq!(states(&written), expected(["made", "made", "failed", "made"]));
}

#[test]
fn one_master_is_skipped_while_its_copies_are_complete() {
    let (sources, out) = (masters(), folder());
    let line = LINE.replace(" --recursive", "").replace(" --json", "");
    let film = sources.path().join("film.mp4");
    trix(&line, &[&film, out.path()]).done();
    let ran = trix(&format!("{line} --skip-existing"), &[&film, out.path()]);
    assert!(ran.done().out.contains("kept: 3 products of "), "{ran:?}");
    let report = trix(&format!("{line} --skip-existing --json"), &[&film, out.path()]).done().json();
    fits(&schema("report"), &report);
}

#[test]
fn two_masters_never_write_the_same_file() {
    let (sources, out) = (masters(), folder());
    let profile = sources.path().join("fixed.toml");
    fs::write(
        &profile,
        "hash = true\n[[outputs]]\npath = \"always.mkv\"\nvideo = { type = \"x264\", preset = \"ultrafast\" }\n",
    )
    .expect("a profile");
    let ran = trix(
        "ingest {} {} -o {} --profile {} --json",
        &[&sources.path().join("film.mp4"), &sources.path().join("film.m4v"), out.path(), &profile],
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let all = states(&ran.json());
    assert_eq!(all, [("film.mp4".to_owned(), "made".to_owned()), ("film.m4v".to_owned(), "failed".to_owned())]);
    assert!(ran.err.contains("always.mkv") && ran.err.contains("is made of"), "{}", ran.err);
    // A master that is skipped keeps its names.
    let made = fs::read(out.path().join("always.mkv")).expect("a copy");
    let ran = trix(
        "ingest {} {} -o {} --profile {} --json --skip-existing --overwrite",
        &[&sources.path().join("film.mp4"), &sources.path().join("film.m4v"), out.path(), &profile],
    );
    assert_eq!((ran.code, states(&ran.json())[0].1.as_str()), (Some(2), "kept"), "{ran:?}");
    assert!(fs::read(out.path().join("always.mkv")).expect("a copy") == made);
}

#[test]
fn a_dub_that_changed_is_not_skipped_and_records_spare_the_master() {
    let (sources, out) = (masters(), folder());
    let (film, dub) = (sources.path().join("film.mp4"), sources.path().join("dub.wav"));
    let tone = |pitch: u32| {
        program::ffmpeg(&format!(
            "-y -f lavfi -i sine=frequency={pitch}:sample_rate=48000:duration=1 {}",
            dub.display()
        ));
    };
    tone(300);
    let line = format!(
        "ingest {{}} -o {{}} --audio {}:lang=rus --profile preview --set preview_preset=ultrafast --skip-existing",
        dub.display()
    );
    trix(&line, &[&film, out.path()]).done();
    let report = out.path().join("report.json");
    let ran = trix(&format!("{line} --report {{}}"), &[&film, out.path(), &report]);
    assert!(ran.done().out.contains("kept: 4 products"), "{ran:?}");
    let kept: Value = serde_json::from_slice(&fs::read(&report).expect("a report")).expect("JSON");
    assert_eq!(kept["outputs"].as_array().map(Vec::len), Some(1));
    tone(400);
    let ran = trix(&format!("{line} --overwrite"), &[&film, out.path()]);
    ran.done();
    assert!(ran.err.contains("an audio file beside it has changed since"), "{}", ran.err);
    let master = fs::read(&film).expect("a film");
    for option in ["--report", "--log"] {
        let ran = trix(&format!("{line} --overwrite {option} {{}}"), &[&film, out.path(), &film]);
        assert!(ran.code == Some(2) && ran.err.contains("is a file of the job"), "{ran:?}");
    }
    assert!(fs::read(&film).expect("a film") == master);
}

/// A profile with one copy, whose name has `part` in it, and which is made fast.
fn profile(folder: &TempDir, part: &str) -> PathBuf {
    let video = "video = { type = \"x264\", preset = \"ultrafast\" }\naudio = { type = \"none\" }";
    let text = format!("[[outputs]]\npath = \"${{stem}}.{part}.mkv\"\n{video}\n");
    support::file(folder, &format!("{part}.toml"), text)
}

#[test]
fn the_manifest_of_other_copies_is_not_replaced() {
    let (sources, out) = (masters(), folder());
    let film = sources.path().join("film.mp4");
    let (one, two) = (profile(&sources, "one"), profile(&sources, "two"));
    let line = "ingest {} -o {} --profile {}";
    trix(line, &[&film, out.path(), &one]).done();
    let manifest = out.path().join("film.manifest.json");
    let listed = fs::read(&manifest).expect("a manifest");
    let refused = |profile: &Path| {
        let ran = trix(&format!("{line} --skip-existing"), &[&film, out.path(), profile]);
        assert_eq!(ran.code, Some(5), "{ran:?}");
        assert!(ran.err.contains("film.manifest.json: mux: exists already"), "{ran:?}");
        assert!(fs::read(&manifest).expect("a manifest") == listed, "{ran:?}");
    };
    refused(&two);
    assert_eq!(names(out.path()), ["film.manifest.json", "film.one.mkv"]);
    // The manifest says what was there, also where its files are gone.
    fs::remove_file(out.path().join("film.one.mkv")).expect("a copy");
    refused(&one);
    trix(&format!("{line} --skip-existing --overwrite"), &[&film, out.path(), &two]).done();
    assert_eq!(names(out.path()), ["film.manifest.json", "film.two.mkv"]);
}

#[test]
fn a_master_is_never_the_copy_of_another() {
    let sources = masters();
    let (film, other) = (sources.path().join("film.mp4"), sources.path().join("film.one.mkv"));
    fs::copy(&film, &other).expect("a copy");
    let before = fs::read(&other).expect("a master");
    let ran = trix(
        "ingest {} {} -o {} --profile {} --overwrite",
        &[&film, &other, sources.path(), &profile(&sources, "one")],
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("film.one.mkv: plan: is a master; use another folder with -o"), "{ran:?}");
    assert!(fs::read(&other).expect("a master") == before);
}

#[test]
fn one_stem_for_several_masters_is_the_mistake() {
    let (sources, out) = (masters(), folder());
    let ran = trix(
        "ingest {} {} -o {} --profile {} --set stem=same",
        &[&sources.path().join("film.mp4"), &sources.path().join("film.m4v"), out.path(), &profile(&sources, "one")],
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("--set stem gives all masters one name; leave it out"), "{ran:?}");
}

#[test]
fn an_error_is_that_of_its_masters_and_a_mistake_of_the_profile_that_of_the_command() {
    let (sources, out) = (masters(), folder());
    let (one, two) = (sources.path().join("a.mp4"), sources.path().join("z.mp4"));
    for master in [&one, &two] {
        fs::copy(sources.path().join("film.mp4"), master).expect("a master");
    }
    let line = format!("ingest {{}} {{}} -o {{}} --profile {}", profile(&sources, "one").display());
    let dub = sources.path().join("missing-a.mp4");
    let ran = trix(&format!("{line} --audio {}:lang=rus", dub.display()), &[&one, &two, out.path()]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let (one, two, dub) = (one.display(), two.display(), dub.display());
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said[..2], [format!("trix: {one}:"), format!("trix: {two}:")], "{ran:?}");
    assert!(said[2].starts_with(&format!("trix: {dub}: ")) && said.len() == 3, "{ran:?}");
    for master in [&one, &two] {
        assert!(ran.out.contains(&format!("\n! {master}: {dub}: ")), "{ran:?}");
    }

    let wrong = support::file(&sources, "wrong.toml", "[[outputs]]\npath = \"a.mkv\"\nvideo = { type = \"x266\" }\n");
    let line = format!("ingest {one} {two} -o {{}} --profile {{}}");
    let ran = trix(&line, &[out.path(), &wrong]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.said.starts_with("trix: plan: ") && ran.said.lines().count() == 1, "{ran:?}");
}

#[test]
fn a_manifest_of_another_program_is_not_replaced() {
    let (sources, out) = (masters(), folder());
    let manifest = out.path().join("film.manifest.json");
    fs::write(&manifest, "{}").expect("a file");
    let line = "ingest {} -o {} --profile preview --set preview_preset=ultrafast";
    let film = sources.path().join("film.mp4");
    for (more, code, message) in [("", 5, "exists already"), (" --skip-existing", 2, "is no manifest")] {
        let ran = trix(&format!("{line}{more}"), &[&film, out.path()]);
        let refusal = ran.refused(code, &manifest);
        assert!(refusal.contains("film.manifest.json") && refusal.contains(message), "{ran:?}");
        assert_eq!(fs::read(&manifest).expect("a file"), b"{}", "{ran:?}");
    }
}

#[test]
fn what_happens_is_logged_and_leftovers_are_listed_and_removed() {
    let (sources, out) = (masters(), folder());
    let log = out.path().join("job.log");
    let ran = trix(
        "ingest {} -o {} --profile preview --set preview_preset=ultrafast -v --log {}",
        &[&sources.path().join("film.mp4"), out.path(), &log],
    );
    ran.done();
    let text = fs::read_to_string(&log).expect("a log");
    for line in ["encode began", "film.preview.mp4: done,", "the job is done"] {
        assert!(
            text.lines().any(|own| own.contains(line) && own.starts_with("20") && own[10..].starts_with('T')),
            "{text}"
        );
        assert!(ran.err.contains(line), "{}", ran.err);
    }
    for name in [".a.mkv.trix-part", "sub/.b.mkv.trix-part"] {
        let path = out.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, [0; 2048]).expect("a file");
    }
    let listed = trix("clean {} --recursive --dry-run", &[out.path()]);
    assert!(listed.done().out.ends_with("2 would be removed, 4.0 KiB\n"), "{listed:?}");
    assert!(trix("clean {}", &[out.path()]).done().out.ends_with("1 removed, 2.0 KiB\n"));
    assert!(!out.path().join(".a.mkv.trix-part").exists() && out.path().join("sub/.b.mkv.trix-part").exists());
    assert!(out.path().join("film.preview.mp4").exists());
}

#[test]
fn a_plan_shows_what_it_needs_and_how_long_it_takes() {
    let (sources, out) = (masters(), folder());
    let film = sources.path().join("film.mp4");
    let into = out.path().join("new");
    let line = "plan {} --profile preview --set preview_preset=ultrafast -o {}";
    let text = trix(&format!("{line} --time"), &[&film, &into]).done().out.clone();
    for part in ["\nfree    ", "\nspace   about ", "\nfolder  ", "\ntime    about 0:00:0"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!into.exists(), "a plan makes nothing");
    trix("ingest {} -o {} --profile preview --set preview_preset=ultrafast", &[&film, &into]).done();
    let text = trix(line, &[&film, &into]).done().out.clone();
    assert_eq!(text.lines().filter(|line| line.starts_with("! taken ")).count(), 5, "{text}");
    assert!(text.contains("film.manifest.json exists"), "{text}");
}
