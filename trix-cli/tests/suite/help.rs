//! Tests of what describes the program: completion scripts and manual pages.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use trix_fixtures::{folder, program};

use crate::support::{self, terminal::without_styles, trix};

#[test]
fn bash_completes_values_of_options_and_commands() {
    let folder = folder();
    let script = support::file(&folder, "trix.bash", &trix("completions bash", &[]).done().out);
    for (line, expected) in [
        ("encode --preset very", "veryfast veryslow"),
        ("encode --tune gra", "grain"),
        ("encode --profile high4", "high422 high444"),
        ("ingest --profile archive", "archive archive-fast archive-lossless"),
        ("encode --audio aac", "aac aac:128k"),
        ("encode --depth 1", "10 12"),
        ("ingest --audio-tracks ru", "rus"),
        ("man en", "encode"),
        ("profiles mez", "mezzanine"),
        ("encode --progress j", "json"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let shell = format!(
            "source {}; COMP_WORDS=(trix {line}); COMP_CWORD={}; _trix trix {last} {before}; echo ${{COMPREPLY[@]}}",
            script.display(),
            words.len()
        );
        assert_eq!(program::text(&program::run("bash", ["-c", &shell])).trim(), expected, "{line}");
    }
}

#[test]
fn completions_are_accepted_by_their_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = trix(&format!("completions {shell}"), &[]).done().out.clone();
        for word in ["probe", "encode", "on-damage", "veryslow", "grain", "high422", "archive-lossless", "rus"] {
            assert!(script.contains(word), "{shell} knows nothing of {word}");
        }
        // Each shell writes lists and colons in its own way.
        let lists = match shell {
            "zsh" => ["(8 10 12 keep)", "aac aac\\:128k opus"],
            "fish" => ["8\\t''\n10\\t''\n12\\t''", "aac:128k\\t''"],
            _ => ["\"8 10 12 keep\"", "aac aac:128k opus"],
        };
        for list in lists {
            assert!(script.contains(list), "{shell} knows nothing of {list}");
        }
        let there = Command::new(shell).arg("--version").stdout(Stdio::null()).status();
        if there.is_err() {
            println!("{shell} is not installed: its script was not parsed");
            continue;
        }
        let mut child =
            Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(shell);
        child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a pipe");
        let checked = child.wait_with_output().expect(shell);
        assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
    }
}

/// The page that groff makes of a manual page, without styles.
fn rendered(path: &Path) -> String {
    let rendered = program::attempt("groff", ["-man", "-Tutf8", "-ww", path.to_str().expect("UTF-8")]);
    assert!(rendered.status.success() && rendered.stderr.is_empty(), "{}: {rendered:?}", path.display());
    // Typewriter terminals make bold text by overstriking.
    let mut plain = String::new();
    for letter in program::text(&rendered).chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    without_styles(&plain)
}

#[test]
fn every_page_of_the_manual_is_one_that_groff_renders() {
    let folder = folder();
    trix("man --output {}", &[folder.path()]).done();
    let pages = support::names(folder.path());
    assert_eq!(pages.len(), 15, "{pages:?}");
    for name in &pages {
        let text = rendered(&folder.path().join(name));
        let has = |heading: &str| text.lines().any(|line| line == heading);
        assert!(has("NAME") && has("SYNOPSIS") && has("EXAMPLES"), "{name}: {text}");
        let command = name.trim_end_matches(".1").trim_start_matches("trix-");
        let has_files = ["trix", "ingest", "encode", "run", "plan", "profiles", "status", "clean"].contains(&command);
        assert_eq!(has("FILES"), has_files, "{name}: {text}");
        let places = ["~/.config", ".manifest.json", ".trix-part"];
        assert_eq!(places.iter().all(|place| text.contains(place)), has_files, "{name}: {text}");
        assert_eq!(
            trix(&format!("man {}", if command == "trix" { "" } else { command }), &[]).done().out,
            std::fs::read_to_string(folder.path().join(name)).expect("a page")
        );
    }
    let text = rendered(&folder.path().join("trix.1"));
    for word in ["encode", "Exit codes", "130"] {
        assert!(text.contains(word), "{word} is missing");
    }
}

#[test]
fn a_misspelled_page_is_named() {
    let ran = trix("man ingst", &[]);
    assert!(ran.code == Some(2) && ran.err.contains("did you mean ingest?"), "{ran:?}");
}
