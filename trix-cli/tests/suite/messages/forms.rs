//! Tests of the form of messages: the line or argument with carets below what is wrong, wrapped at words, with colour
//! only where it belongs.

use std::process::Command;

use serde_json::Value;
use trix_fixtures::{TempDir, folder, master};

use crate::support::{
    self, Ran,
    schema::{fits, schema},
    terminal::{on_a_terminal, without_styles},
};

/// A job with two mistakes of values and two of keys.
const TOML: &str = r#"[source]
path = "master.mov"
frmes = 3

[[outputs]]
path = "copy.mkv"
audio = "mp3"
[outputs.video]
type = "x264"
preset = "fasst"
depht = 10
"#;

const YAML: &str = r#"source:
  path: "ünïcode.mov"
  start: soon
outputs:
  - path: copy.mkv
    video: { type: x264, preset: fasst, dept: 10 }
    audio:
      type: mp3
"#;

const JSON: &str = r#"{
  "source": { "path": "master.mov", "frames": "many" },
  "outputs": [
    { "path": "copy.mkv", "video": { "type": "x264", "preset": "fasst" }, "audio": { "type": "mp3" } }
  ]
}
"#;

/// Runs `trix` in `folder`, on lines of `columns`.
fn within(folder: &TempDir, columns: usize, words: &[&str]) -> Ran {
    support::watch(command(folder, columns, words))
}

fn command(folder: &TempDir, columns: usize, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trix"));
    command.current_dir(folder.path()).args(words).env("COLUMNS", columns.to_string());
    command.env("XDG_CONFIG_HOME", folder.path()).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

/// A folder with a short master, and these documents.
fn with(documents: &[(&str, &str)]) -> TempDir {
    let folder = folder();
    std::fs::copy(master(), folder.path().join("master.mov")).expect("a copy");
    for (name, text) in documents {
        support::file(&folder, name, text);
    }
    folder
}

/// What is printed at 60 and 100 columns.
fn at_both_widths(folder: &TempDir, words: &[&str]) -> String {
    let mut said = String::new();
    for columns in [100, 60] {
        let ran = within(folder, columns, words);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!ran.err.contains('\u{1b}'), "colour in a pipe: {ran:?}");
        for line in ran.err.lines() {
            // A single word can be longer than the line.
            let is_whole = !line.trim_start().contains(' ');
            assert!(line.chars().count() <= columns || is_whole, "{columns} columns: {line}");
        }
        said.push_str(&format!("{columns} columns:\n{}\n", ran.err));
    }
    said
}

#[test]
fn a_mistake_is_shown_in_its_line_in_each_language() {
    for (name, text) in [("job.toml", TOML), ("job.yaml", YAML), ("job.json", JSON)] {
        let folder = with(&[(name, text)]);
        insta::assert_snapshot!(name, at_both_widths(&folder, &["run", name]));
    }
}

#[test]
fn a_document_that_cannot_be_read_is_shown_where_reading_stops() {
    for (name, text) in [
        ("syntax.toml", "[source]\npath = \"master.mov\n"),
        ("syntax.yaml", "source:\n  path: [a, b\nthreads: 3\n"),
        ("syntax.json", "{\n  \"source\": { \"path\": \"master.mov\" },\n  \"threads\": 3,\n}\n"),
    ] {
        let folder = with(&[(name, text)]);
        insta::assert_snapshot!(name, at_both_widths(&folder, &["run", name]));
    }
}

#[test]
fn a_mistake_in_an_inherited_profile_is_shown_in_the_profile() {
    let base =
        "[[outputs]]\nid = \"copy\"\npath = \"copy.mkv\"\n[outputs.video]\ntype = \"x264\"\nprofile = \"hihg\"\n";
    let job = "inherits = \"base.toml\"\n[source]\npath = \"master.mov\"\n[[outputs]]\nid = \"copy\"\npicture = { range = \"ful\" }\n";
    let folder = with(&[("base.toml", base), ("job.toml", job)]);
    insta::assert_snapshot!("inherited", at_both_widths(&folder, &["run", "job.toml"]));
}

#[test]
fn a_misspelled_profile_is_shown_where_it_is_named() {
    let job = "inherits = [\"vod\", \"archiv\"]\n[source]\npath = \"master.mov\"\n";
    let folder = with(&[("job.toml", job)]);
    insta::assert_snapshot!("profile-in-a-job", at_both_widths(&folder, &["run", "job.toml"]));
    let words = ["ingest", "master.mov", "-o", "out", "--profile", "vod,archiv"];
    insta::assert_snapshot!("profile-of-an-option", at_both_widths(&folder, &words));
}

#[test]
fn settings_of_the_command_line_are_shown_as_they_were_typed() {
    let folder = with(&[]);
    let ingest = ["ingest", "master.mov", "-o", "out"];
    for (name, options) in [
        ("set", ["--set", "crf_hvc=20", "--set", "outputs[0].video.depth=ten"]),
        ("set-variable", ["--set", "preset=fasst", "--set", "crf_hevc=99"]),
        ("set-list", ["--set", "outputs[0].video={ type = ", "--set", "threads=0"]),
        ("streams", ["--video-stream", "7", "--audio-tracks", "0"]),
        ("audio", ["--audio", "master.mov:lang=xx,title=Dub", "--audio", "master.mov:tempo=9"]),
        ("audio-options", ["--audio", "master.mov:lang=rus,offset=soon,tempo=1", "--set", "threads=2"]),
        ("audio-key", ["--audio", "master.mov:lang=rus,titel=Dub", "--set", "threads=2"]),
    ] {
        let words: Vec<&str> = ingest.into_iter().chain(options).collect();
        insta::assert_snapshot!(name, at_both_widths(&folder, &words));
    }
}

#[test]
fn an_offset_needs_a_unit() {
    let folder = with(&[]);
    for offset in ["1.5", "-40", "10"] {
        let track = format!("master.mov:lang=rus,offset={offset}");
        let ran = within(&folder, 1000, &["ingest", "master.mov", "-o", "out", "--audio", &track]);
        let message = format!("trix: --audio: '{offset}' has no unit; write {offset}s or {offset}ms\n");
        assert_eq!((ran.code, ran.said.as_str()), (Some(2), message.as_str()), "{ran:?}");
        assert_eq!(ran.err.matches('^').count(), offset.len(), "{ran:?}");
    }
    for offset in ["0", "1.5s", "20us", "-1920/48000", "00:00:02.5"] {
        let track = format!("master.mov:lang=rus,offset={offset}");
        let ran = within(&folder, 1000, &["plan", "master.mov", "--profile", "preview", "--audio", &track]);
        assert_eq!(ran.code, Some(0), "{offset}: {ran:?}");
    }
}

#[test]
fn wrong_usage_is_said_as_a_person_would_and_shown() {
    let folder = with(&[]);
    let mut said = String::new();
    for line in [
        "encode master.mov -o copy.mp4 --preset fasst --tune flim --level 4.11",
        "encode master.mov -o copy.mp4 --crf abc",
        "encode master.mov -o copy.mp4 --qp -3",
        "encode master.mov -o copy.mp4 --crf 60 --threads 0 --gop 0",
        "encode master.mov -o copy.mp4 --bitrate fast",
        "encode -i master.mov -c:v libx264 -ss 10 -t 5 -vf scale=640:-2 -b:v 2M -y copy.mp4",
        "-i master.mov copy.mp4",
        "encode master.mov -o copy.mp4 --vidoe x265",
        "encode master.mov -o copy.mp4 --crf",
        "encode master.mov -o copy.mp4 --tonemap=hble",
        "encode master.mov -o copy.mp4 --crf 20 --bitrate 900",
        "encode master.mov -o copy.mp4 --size wide",
        "encode master.mov copy.mp4",
        "encode master.mov",
        "encod master.mov",
        "master.mov -o copy.mp4",
        "profiles archiv",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        said.push_str(&format!("$ trix {line}\n{}\n", at_both_widths(&folder, &words)));
    }
    insta::assert_snapshot!("usage", said);
}

#[test]
fn the_range_of_an_option_is_said_for_text_and_for_a_number_out_of_it() {
    let folder = with(&[]);
    for (option, outside, range) in [
        ("--crf", "51.5", "0 to 51"),
        ("--qp", "70", "0 to 69"),
        ("--bitrate", "2000001", "1 to 2000000"),
        ("--bitrate 900 --passes", "3", "1 or 2"),
        ("--bufsize 9000 --maxrate", "4000001", "1 to 4000000"),
        ("--maxrate 9000 --bufsize", "0", "1 to 4000000"),
        ("--threads", "129", "1 to 128"),
        ("--audio aac --audio-rate", "999", "1000 to 768000"),
        ("--gop", "0", "1 or more"),
        ("--frames", "0", "1 or more"),
        ("--depth", "9", "8, 10"),
        ("--video-stream", "99", "0"),
    ] {
        for value in [outside, "many"] {
            let line = format!("encode master.mov -o copy.mkv {option} {value}");
            let ran = within(&folder, 1000, &line.split(' ').collect::<Vec<_>>());
            assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
            let message = ran.said.replace("from ", "");
            assert!(message.contains(range) && message.contains(value), "{line}: {ran:?}");
            let shown = ran.err.lines().last().unwrap_or_default();
            assert_eq!(shown.matches('^').count(), value.len(), "{line}: {ran:?}");
        }
    }
}

#[test]
fn programs_get_the_place_of_each_mistake() {
    let schema = schema("error");
    let folder = with(&[("job.toml", TOML), ("syntax.json", "{ \"threads\": }\n")]);
    let error = |words: &[&str]| {
        let ran = within(&folder, 60, words);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let document = ran.json();
        fits(&schema, &document);
        document["error"].clone()
    };
    let shown = |excerpt: &Value| {
        let number = |key: &str| excerpt[key].as_u64().map(|number| usize::try_from(number).expect("small"));
        let text: Vec<char> = excerpt["text"].as_str().expect("a text").chars().collect();
        let (start, length) = (number("start").expect("a start"), number("length").expect("a length"));
        (number("line"), text[start..(start + length).min(text.len())].iter().collect::<String>())
    };
    let job = error(&["run", "job.toml", "--json"]);
    let found: Vec<_> =
        job["mistakes"].as_array().expect("mistakes").iter().map(|own| shown(&own["excerpt"])).collect();
    let expected = [(3, "frmes"), (7, "\"mp3\""), (10, "\"fasst\""), (11, "depht")];
    assert_eq!(found, expected.map(|(line, part)| (Some(line), part.to_owned())));
    assert_eq!(shown(&error(&["run", "syntax.json", "--json"])["excerpt"]).0, Some(1));
    // Options, known and unknown.
    let option = error(&["encode", "master.mov", "-o", "copy.mp4", "--json", "--crf", "60"]);
    assert_eq!(shown(&option["mistakes"][0]["excerpt"]), (None, "60".to_owned()));
    let usage = error(&["encode", "master.mov", "-o", "copy.mp4", "--json", "--crf", "abc"]);
    assert_eq!((usage["kind"].as_str(), usage["stage"].as_str()), (Some("invalid_spec"), Some("plan")));
    assert_eq!(usage["message"], "plan: --crf needs a number from 0 to 51, and 'abc' is none");
    assert_eq!(shown(&usage["excerpt"]), (None, "abc".to_owned()));
}

#[test]
fn a_long_line_is_shown_around_its_mistake() {
    let filler: Vec<String> = (0..400).map(|number| format!("\"key{number}\":\"{number}\"")).collect();
    let job = format!(
        "{{\"source\":{{\"path\":\"master.mov\"}},\"outputs\":[{{\"path\":\"copy.mkv\",\"metadata\":{{{}}},\
         \"video\":{{\"type\":\"x264\",\"preset\":\"fasst\"}},\"audio\":{{\"type\":\"none\"}}}}]}}",
        filler.join(",")
    );
    let folder = with(&[("job.json", &job)]);
    insta::assert_snapshot!("long-line", at_both_widths(&folder, &["run", "job.json"]));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_force_it() {
    let folder = with(&[("job.toml", TOML)]);
    let words = ["run", "job.toml"];
    let plain = within(&folder, 100, &words).err;
    let mut forced = command(&folder, 100, &words);
    forced.env("CLICOLOR_FORCE", "1");
    let forced = support::watch(forced).err;
    assert!(forced.starts_with("\u{1b}[1m\u{1b}[91mtrix:\u{1b}[0m plan: job.toml:3: "), "{forced:?}");
    assert_eq!(without_styles(&forced), plain);
    let mut refused = command(&folder, 100, &words);
    refused.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert_eq!(support::watch(refused).err, plain);
}

#[test]
fn a_terminal_of_sixty_columns_gets_colour_and_lines_of_sixty_columns() {
    let folder = with(&[("job.toml", TOML)]);
    let words = ["run", "job.toml"];
    let narrow = within(&folder, 60, &words).err;
    for (no_color, has_colour) in [(None, true), (Some("1"), false)] {
        let mut command = command(&folder, 60, &words);
        command.env_remove("COLUMNS").env("TERM", "xterm");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let said = on_a_terminal(command, 60, 25);
        assert_eq!(said.contains('\u{1b}'), has_colour, "{said:?}");
        assert_eq!(without_styles(&said), narrow);
    }
    // Without a terminal and without COLUMNS, each message stays on its line.
    let mut piped = command(&folder, 60, &words);
    piped.env_remove("COLUMNS");
    let said = support::watch(piped);
    let long = said.err.lines().find(|line| line.contains("fasst: is no preset")).expect("a message");
    assert!(long.ends_with("placebo") && long.len() > 120, "{said:?}");
}
