//! Runs the commands of "Usual mistakes" in `docs/errors.md`, and compares what they print with the page.
//!
//! A block of the page is a session in a folder with a short master: `$ cat NAME` is a file that the test writes, `$ trix
//! ...` a command. `INSTA_UPDATE=always` renews the page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use trix_fixtures::{TempDir, folder, master};

use crate::support;

const HEADING: &str = "## Usual mistakes\n";
const BEGIN: &str = "```console\n";
const END: &str = "```\n";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md")
}

/// The words of a command line; single quotation marks hold a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.last_mut().expect("a word").push_str(part);
            continue;
        }
        for (at, piece) in part.split(' ').enumerate() {
            if at > 0 {
                words.push(String::new());
            }
            words.last_mut().expect("a word").push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The block with what its commands print, and the number of its commands.
fn played(block: &str, folder: &TempDir) -> (String, usize) {
    let (mut shown, mut count) = (String::new(), 0);
    for step in block.split("$ ").skip(1) {
        let (line, rest) = step.split_once('\n').expect("a line");
        shown.push_str(&format!("$ {line}\n"));
        if let Some(name) = line.strip_prefix("cat ") {
            support::file(folder, name, rest);
            shown.push_str(rest);
            continue;
        }
        let line = line.strip_prefix("trix ").unwrap_or_else(|| panic!("no command of trix: {line}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_trix"));
        command.args(words(line)).current_dir(folder.path());
        command.env("COLUMNS", "100").env("NO_COLOR", "1").env("XDG_CONFIG_HOME", folder.path());
        let ran = support::watch(command);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{line}: {ran:?}");
        shown.push_str(&ran.err);
        count += 1;
    }
    (shown, count)
}

#[test]
fn usual_mistakes_print_what_their_page_shows() {
    let text = fs::read_to_string(page()).expect("a page");
    let (before, section) = text.split_once(HEADING).expect("a section");
    let (section, after) = section.split_once("\n## ").expect("a section after it");
    let folder = folder();
    for name in ["master.mov", "dub.mov"] {
        fs::copy(master(), folder.path().join(name)).expect("a copy");
    }
    let (mut renewed, mut count) = (String::new(), 0);
    for (at, part) in section.split(BEGIN).enumerate() {
        if at == 0 {
            renewed.push_str(part);
            continue;
        }
        let (block, rest) = part.split_once(END).expect("the end of a block");
        let (shown, commands) = played(block, &folder);
        renewed.push_str(&format!("{BEGIN}{shown}{END}{rest}"));
        count += commands;
    }
    let whole = format!("{before}{HEADING}{renewed}\n## {after}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        fs::write(page(), &whole).expect("a page");
    } else if let Some((old, new)) = text.lines().zip(whole.lines()).find(|(old, new)| old != new) {
        panic!("the page has\n{old}\nand trix prints\n{new}\nINSTA_UPDATE=always renews the page");
    } else {
        assert_eq!(text, whole);
    }
    assert!(count >= 20, "only {count} mistakes");
}
