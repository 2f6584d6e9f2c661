//! Tests of profiles of the user, and of what is said when one document changes another.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_fixtures::{TempDir, folder, master};

use crate::support::{self, Ran, file};

const HOUSE: &str = "inherits = \"preview\"\ndescription = \"Proxies of the house\"\n[variables]\npreview_crf = 30\n";

/// A profile that makes HEVC of what `preview` makes H.264.
const HEVC: &str =
    "inherits = \"preview\"\n[[outputs]]\nid = \"preview\"\n[outputs.video]\ntype = \"x265\"\npreset = \"ultrafast\"\n";

/// Runs `trix` with `home` as the home of the user, and without other places for settings.
fn at_home(home: &Path, line: &str, paths: &[&Path]) -> Ran {
    let mut command = support::command(line, paths);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME");
    support::watch(command)
}

fn profile(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let own = folder.path().join(".config/trix/profiles");
    fs::create_dir_all(&own).expect("a folder");
    let path = own.join(name);
    fs::write(&path, text).expect("a profile");
    path
}

#[test]
fn profiles_of_the_user_lie_in_the_home_folder_if_nothing_else_is_set() {
    let home = folder();
    profile(&home, "house.toml", HOUSE);
    let listed = at_home(home.path(), "profiles", &[]).done().out.clone();
    let is_own = |line: &str| line.starts_with("house ") && line.ends_with("Proxies of the house");
    assert!(listed.lines().any(is_own), "{listed}");
    assert_eq!(at_home(home.path(), "profiles house", &[]).done().out, HOUSE);
    // `XDG_CONFIG_HOME` comes first.
    let mut elsewhere = support::command("profiles house", &[]);
    elsewhere.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    assert_eq!(support::watch(elsewhere).code, Some(2));
}

#[test]
fn a_file_is_shown_resolved_like_a_profile_with_a_name() {
    let home = folder();
    let path = profile(&home, "house.toml", HOUSE);
    let by_name = at_home(home.path(), "profiles house --resolved", &[]).done().out.clone();
    let by_file = at_home(home.path(), "profiles {} --resolved", &[&path]).done().out.clone();
    assert_eq!(by_file, by_name);
    let value: toml::Table = by_file.parse().expect("TOML");
    assert_eq!(value["variables"]["preview_crf"].as_integer(), Some(30), "{by_file}");
    assert_eq!(value["outputs"][0]["video"]["type"].as_str(), Some("x264"), "{by_file}");
    assert!(!value.contains_key("inherits"), "{by_file}");
}

#[test]
fn a_changed_encoder_is_noted_in_the_plan_and_in_the_report() {
    let folder = folder();
    let own = file(&folder, "hevc.toml", HEVC);
    let source = format!("[source]\npath = \"{}\"\n[[outputs]]", master().display());
    let job = file(&folder, "job.toml", HEVC.replace("[[outputs]]", &source));
    let noted = |document: &Value| {
        let decisions = document["decisions"].as_array().expect("decisions");
        decisions
            .iter()
            .filter(|own| {
                own["what"].as_str().is_some_and(|what| what.starts_with("preview.video: x265 in place of x264"))
                    && own["why"].as_str().is_some_and(|why| why.contains("profile preview:"))
            })
            .count()
    };
    let out = |name: &str| folder.path().join(name);
    let run = |line: &str, paths: &[&Path]| support::trix(line, paths).done().json();
    assert_eq!(noted(&run("plan {} --profile {} -o {} --json", &[&master(), &own, &out("a")])), 1);
    assert_eq!(noted(&run("plan {} -o {} --json", &[&job, &out("a")])), 1);
    assert_eq!(noted(&run("ingest {} --profile {} -o {} --json", &[&master(), &own, &out("b")])), 1);
    assert_eq!(noted(&run("run {} -o {} --json", &[&job, &out("c")])), 1);
    // A plan that travels takes the note along.
    let plan = file(&folder, "plan.json", run("plan {} -o {} --json", &[&job, &out("d")]).to_string());
    assert_eq!(noted(&run("run {} --json", &[&plan])), 1);
    // `--set` changes the encoder too, and is noted.
    let line = "plan {} --profile preview -o {} --set outputs[0].video.type=";
    for (encoder, count) in [("x265", 1), ("x264", 0)] {
        let decisions = run(&format!("{line}{encoder} --json"), &[&master(), &out("a")])["decisions"].to_string();
        let note = format!("outputs[0].video: {encoder} in place of x264");
        assert_eq!(decisions.matches(&note).count(), count, "{decisions}");
    }
    assert_eq!(noted(&run("plan {} --profile preview -o {} --json", &[&master(), &out("a")])), 0);
}
