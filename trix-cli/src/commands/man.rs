//! `trix man`: manual pages, one for trix and one for each command.

use std::{fs, path::Path};

use clap::{Command, CommandFactory};
use clap_mangen::{Man, roff::Roff};
use trix_core::{Error, ErrorKind, Stage, mistake::hint};

use crate::{
    args::{self, Cli},
    exit, output,
};

/// For each command, its examples: what they do, and the line. The page of trix itself has the first ones.
const EXAMPLES: [(&str, &[(&str, &str)]); 15] = [
    (
        "",
        &[
            ("Show what a file holds:", "trix probe master.mov"),
            ("Make the archive copies of a master:", "trix ingest master.mov -o archive"),
            ("Check a copy against its master:", "trix verify archive/master.h264-8.mkv --against master.mov"),
            ("List what a command takes, and read its manual:", "trix encode --help; trix man encode > trix-encode.1"),
        ],
    ),
    (
        "probe",
        &[
            ("Show what a file holds:", "trix probe master.mov"),
            ("Decode all of it, and count frames, samples and damage:", "trix probe master.mxf --count"),
        ],
    ),
    (
        "ingest",
        &[
            ("Make the archive copies of a master:", "trix ingest master.mov -o archive"),
            (
                "A preview of each master in a folder and its subfolders; what is complete is left out:",
                "trix ingest masters --recursive -o previews --profile preview --skip-existing",
            ),
            ("With an external audio track:", "trix ingest master.mov -o out --audio dub.wav:lang=rus,offset=-40ms"),
        ],
    ),
    (
        "encode",
        &[
            ("HEVC with 10 bits:", "trix encode master.mov -o copy.mkv --video x265 --depth 10 --crf 18 --preset slow"),
            (
                "A cut of ten seconds, exact to the frame and the sample:",
                "trix encode master.mov -o cut.mp4 --start 00:01:30 --duration 10",
            ),
            ("Another container, without encoding:", "trix encode master.mov -o copy.mkv --video copy --audio copy"),
        ],
    ),
    (
        "run",
        &[
            ("Run a job file:", "trix run job.toml -o out"),
            ("With another value of a variable, and a log:", "trix run job.toml -o out --set crf=20 --log job.log"),
        ],
    ),
    (
        "plan",
        &[
            ("Show what a job would do, and what it needs:", "trix plan job.toml"),
            ("Estimate how long an ingest takes:", "trix plan master.mov --profile archive -o archive --time"),
            (
                "Plan for another machine, and run the plan there:",
                "trix plan job.toml --machine 16,64GiB --json > plan.json; trix run plan.json",
            ),
        ],
    ),
    (
        "profiles",
        &[
            ("List the profiles:", "trix profiles"),
            ("Show one with everything that it inherits:", "trix profiles preview --resolved"),
        ],
    ),
    (
        "verify",
        &[
            ("Check that a file is complete, by decoding it:", "trix verify copy.mkv"),
            ("Compare its frames with those of the master too:", "trix verify copy.mkv --against master.mov"),
        ],
    ),
    ("compare", &[("Score a copy against its master:", "trix compare master.mov copy.mkv --metric psnr,ssim")]),
    ("status", &[("Show how far the jobs are whose outputs are in a folder:", "trix status archive")]),
    ("clean", &[("Show what killed jobs left, then remove it:", "trix clean archive -r -n; trix clean archive -r")]),
    (
        "schema",
        &[
            ("The schema of job files, for an editor:", "trix schema job > job.schema.json"),
            ("All keys of a job as a table:", "trix schema job --table"),
        ],
    ),
    (
        "doctor",
        &[
            ("Show what is installed, and what is missing:", "trix doctor"),
            ("The same for a program:", "trix doctor --json > doctor.json"),
        ],
    ),
    (
        "man",
        &[
            ("Write the page of a command:", "trix man ingest > trix-ingest.1"),
            ("Write all pages where man looks for them:", "trix man --output ~/.local/share/man/man1"),
        ],
    ),
    ("completions", &[("For bash:", "trix completions bash > ~/.local/share/bash-completion/completions/trix")]),
];

/// The files that the commands read and write beside those that are named.
const FILES: [(&str, &str); 4] = [
    (
        "$XDG_CONFIG_HOME/trix/profiles/*.toml",
        "Profiles of the user; by default in ~/.config. Also .yaml, .yml and .json.",
    ),
    ("DIR/NAME.manifest.json", "The copies that trix ingest made of a master, with their hashes and the report."),
    (
        "DIR/.NAME.trix-part, DIR/.NAME.trix-package",
        "An output that is being written. trix clean removes those of killed jobs.",
    ),
    (
        "DIR/.NAME.trix-chunks",
        "The chunks of a film whose job has not come to its end. The same job goes on with them; trix clean removes them.",
    ),
];

/// Prints or writes manual pages.
pub fn man(args: &args::Man) -> u8 {
    let mut trix = Cli::command();
    trix.build();
    if let Some(folder) = &args.output {
        return write_all(&trix, folder);
    }
    let page = match &args.command {
        None => page(&trix, "trix"),
        Some(name) => match trix.find_subcommand(name) {
            Some(own) => page(own, &format!("trix-{}", own.get_name())),
            None => {
                let names: Vec<&str> =
                    trix.get_subcommands().filter(|own| !own.is_hide_set()).map(Command::get_name).collect();
                let detail =
                    format!("there is no command '{name}'; {}commands are {}", hint(name, &names), names.join(", "));
                return output::failure(&Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail), false);
            }
        },
    };
    output::verbatim(&page);
    exit::DONE
}

/// Writes the pages of trix and of each command into a folder.
fn write_all(trix: &Command, folder: &Path) -> u8 {
    let own = [("trix".to_owned(), trix)].into_iter();
    let commands = trix.get_subcommands().filter(|own| own.get_name() != "help" && !own.is_hide_set());
    let all = own.chain(commands.map(|own| (format!("trix-{}", own.get_name()), own)));
    for (name, command) in all {
        let path = folder.join(format!("{name}.1"));
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, page(command, &name))) {
            return output::failure(&Error::io(Stage::Mux, &path, "cannot be written", error), false);
        }
        output::text(&format!("{}\n", path.display()));
    }
    exit::DONE
}

/// The page of a command, with examples and files.
fn page(command: &Command, name: &str) -> String {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(command.clone()).title(name).render(&mut page);
    let mut text = String::from_utf8_lossy(&page).into_owned();
    let own = name.strip_prefix("trix-").unwrap_or_default();
    let examples = EXAMPLES.iter().find(|(command, _)| *command == own).map(|(_, examples)| *examples);
    if let Some(examples) = examples {
        text.push_str(&section("EXAMPLES", examples.iter().copied()));
    }
    if own.is_empty() || matches!(own, "ingest" | "encode" | "run" | "plan" | "profiles" | "status" | "clean") {
        text.push_str(&section("FILES", FILES.iter().map(|(path, about)| (*path, *about))));
    }
    text
}

/// A section of pairs: a line, and what belongs to it, indented.
fn section<'a>(title: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (line, below) in pairs {
        roff.control("TP", []);
        roff.text([line.into()]);
        roff.text([below.into()]);
    }
    roff.to_roff()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn each_command_has_examples_and_the_parser_takes_them() {
        let trix = Cli::command();
        let commands = trix.get_subcommands().filter(|own| !own.is_hide_set()).map(Command::get_name);
        for command in commands.chain([""]) {
            let examples = EXAMPLES.iter().filter(|(own, _)| *own == command).flat_map(|(_, examples)| *examples);
            let lines: Vec<&str> = examples.map(|(_, line)| *line).collect();
            assert!(!lines.is_empty(), "{command} has no example");
            for line in lines {
                assert!(line.starts_with(&format!("trix {command}")), "{command}: {line}");
                for part in line.split("; ") {
                    let words = part.split(" > ").next().unwrap_or_default();
                    let parsed = Cli::try_parse_from(words.split(' '));
                    let is_right = |error: &clap::Error| error.kind() == clap::error::ErrorKind::DisplayHelp;
                    assert!(parsed.as_ref().err().is_none_or(is_right), "{words}: {:?}", parsed.err());
                }
            }
        }
        for (command, _) in EXAMPLES {
            assert!(command.is_empty() || trix.find_subcommand(command).is_some(), "{command} is no command");
        }
    }
}
