//! Runs every command of the pages for users, in their order, and compares the output with the page in shape.
//!
//! Invariant: a command of a page is run, or it is in the list of those that a test cannot run, with the reason.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{masters, shape};
use crate::support;

/// Commands that a test does not run: how they begin, and why.
const NOT_RUN: [(&str, &str); 5] = [
    ("git clone ", "needs the network"),
    ("sudo apt install ", "changes the system"),
    ("cargo install ", "builds everything once more"),
    ("make demo", "builds everything once more"),
    ("man ", "is no part of the set-up; the tests show the manual with groff"),
];

/// A command of a page, with the output that the page shows.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// What a page tells a test to do.
enum Step {
    Run(Shown),
    /// A file that the page shows after `<!-- file: NAME -->`, or has in such a comment.
    Write(PathBuf, String),
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads the commands and files of a page.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut file = None;
    while let Some((number, line)) = lines.next() {
        if let Some(rest) = line.strip_prefix("<!-- file: ") {
            if let Some(name) = rest.strip_suffix(" -->") {
                file = Some(PathBuf::from(name));
            } else {
                let text: String = lines
                    .by_ref()
                    .map(|(_, line)| line)
                    .take_while(|line| *line != "-->")
                    .map(|line| format!("{line}\n"))
                    .collect();
                steps.push(Step::Write(rest.into(), text));
            }
            continue;
        }
        if !line.starts_with("```") {
            continue;
        }
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
        if let Some(file) = file.take() {
            steps.push(Step::Write(file, block.join("\n") + "\n"));
        } else {
            steps.extend(commands(number + 2, &block).into_iter().map(Step::Run));
        }
    }
    steps
}

/// The commands of a block, which begin with `$ ` and may go on in the next line after a backslash.
fn commands(first: usize, block: &[&str]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut lines = block.iter().zip(first..);
    while let Some((line, number)) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            match shown.last_mut() {
                Some(last) => last.output.push((*line).to_owned()),
                None => assert!(!line.starts_with("trix "), "line {number}: a command begins with `$ `: {line}"),
            }
            continue;
        };
        let mut command = command.to_owned();
        while let Some(part) = command.strip_suffix('\\') {
            let next = lines.next().expect("a line goes on").0;
            command = format!("{part}{}", next.trim_start());
        }
        shown.push(Shown { line: number, command, output: Vec::new() });
    }
    shown
}

/// Runs a command in `folder` as a shell would, with `trix` in the path. Returns what it printed and its exit code.
fn run(command: &str, folder: &Path) -> (String, i32) {
    let trix = Path::new(env!("CARGO_BIN_EXE_trix"));
    let mut folders = vec![trix.parent().expect("a folder").to_owned()];
    folders.extend(env::split_paths(&env::var_os("PATH").expect("a path")));
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder).env("HOME", folder);
    shell.env("PATH", env::join_paths(folders).expect("a path")).env_remove("XDG_CONFIG_HOME");
    let ran = support::watch(shell);
    assert!(!ran.out.contains("panicked"), "{command}: {}", ran.out);
    let code = ran.code.unwrap_or_else(|| panic!("a signal ended {command}"));
    (ran.out, code)
}

/// What is wrong with a command of a page; `None` if the page shows what happens.
fn mistake(shown: &Shown, folder: &Path) -> Option<String> {
    let (out, code) = run(&shown.command, folder);
    let expected: Vec<&str> = shown.output.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let found: Vec<&str> = out.lines().filter(|line| !line.is_empty()).collect();
    let shows_code = shown.command.ends_with("\"exit code $?\"");
    let is_refused = !shows_code && expected.iter().any(|line| line.starts_with("trix: "));
    let differs = if expected.is_empty() { None } else { shape::difference(&expected, &found) };
    let why = match differs {
        Some(line) => format!("the page shows: {line}"),
        None if is_refused && code == 0 => "the page shows an error, and there is none".to_owned(),
        None if !is_refused && code != 0 => format!("it ends with {code}, and the page shows no error"),
        None => return None,
    };
    Some(format!("line {}: $ {}\n{why}\nit prints:\n{out}", shown.line, shown.command))
}

fn check(name: &str) {
    let folder = trix_fixtures::folder();
    masters::make(folder.path());
    let mut mistakes = Vec::new();
    let mut count = 0;
    for step in steps(&page(name)) {
        match step {
            Step::Write(file, text) => fs::write(folder.path().join(file), text).expect("a file can be written"),
            Step::Run(shown) if NOT_RUN.iter().any(|(begin, _)| shown.command.starts_with(begin)) => {}
            Step::Run(shown) => {
                count += 1;
                mistakes.extend(mistake(&shown, folder.path()));
            }
        }
    }
    assert!(mistakes.is_empty(), "{name}: {} of {count} commands\n\n{}", mistakes.len(), mistakes.join("\n"));
    assert!(count > 0, "{name} has commands");
}

#[test]
fn readme() {
    check("README.md");
}

#[test]
fn guide() {
    check("docs/guide.md");
}

#[test]
fn jobs() {
    check("docs/jobs.md");
}

#[test]
fn commands_that_are_not_run_are_in_a_page() {
    let shown: Vec<String> = ["README.md", "docs/guide.md", "docs/jobs.md"]
        .iter()
        .flat_map(|name| steps(&page(name)))
        .filter_map(|step| if let Step::Run(shown) = step { Some(shown.command) } else { None })
        .collect();
    for (begin, why) in NOT_RUN {
        assert!(shown.iter().any(|command| command.starts_with(begin)), "{begin}: {why}");
    }
}
