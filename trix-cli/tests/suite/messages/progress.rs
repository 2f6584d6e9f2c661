//! Tests of the progress that a terminal shows, and of its lines for programs.

use std::path::Path;

use serde_json::Value;
use trix_fixtures::{Clip, TempDir, folder, master};

use crate::support::{
    self, command,
    schema::{fits, schema},
    terminal::{on_a_terminal, rows},
    trix,
};

/// A job with two outputs that takes some seconds.
fn two_outputs(folder: &TempDir) -> std::path::PathBuf {
    let video = "video = { type = \"x265\", preset = \"slow\" }\naudio = { type = \"none\" }";
    let text = format!(
        "[source]\npath = \"{}\"\n[[outputs]]\npath = \"one.mkv\"\n{video}\n[[outputs]]\npath = \"two.mp4\"\n{video}\n\
         picture = {{ size = \"160x-2\" }}\n",
        master().display()
    );
    support::file(folder, "job.toml", text)
}

/// The rows that a command shows on a terminal. A line that is too long would go on in a row that begins with something
/// else than one of `begins`.
fn shown(line: &str, paths: &[&Path], columns: u16, begins: &[&str]) -> Vec<String> {
    let mut command = command(line, paths);
    command.env("TERM", "xterm");
    let rows = rows(&on_a_terminal(command, columns, 30), columns);
    for row in &rows {
        assert!(begins.iter().any(|begin| row.starts_with(begin)), "{columns} columns: {row:?} of {rows:#?}");
        assert!(!row.contains("0/0"), "{row:?}");
    }
    rows
}

/// True if `word` is a share such as `7%`, between 0 and 100.
fn is_share(word: &str) -> bool {
    word.strip_suffix('%').and_then(|number| number.parse().ok()).is_some_and(|number: u32| number <= 100)
}

#[test]
fn a_job_with_two_outputs_shows_share_time_eta_and_size_and_a_line_for_each() {
    for columns in [100, 60, 30] {
        let folder = folder();
        let job = two_outputs(&folder);
        let begins = ["open ", "plan ", "encode ", "verify ", "  one.mkv ", "  two.mp4 "];
        let rows = shown("run {} -o {}", &[&job, folder.path()], columns, &begins);
        let words = |row: &str| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let heads: Vec<Vec<String>> =
            rows.iter().filter(|row| row.starts_with("encode ")).map(|row| words(row)).collect();
        let has = |what: &dyn Fn(&[String]) -> bool| heads.iter().any(|head| what(head));
        assert!(has(&|head| head.iter().any(|word| is_share(word))), "{columns}: {rows:#?}");
        assert!(has(&|head| head.iter().any(|word| word.starts_with("0:00:0"))), "{columns}: {rows:#?}");
        let has_eta = has(&|head| head.windows(2).any(|two| two[0] == "eta" && two[1].starts_with("0:00:")));
        let has_size = has(&|head| head.windows(2).any(|two| two[0].parse::<f64>().is_ok() && two[1] == "KiB"));
        // A terminal of 30 columns has no room for both.
        assert!((has_eta && has_size) == (columns >= 60), "{columns}: {rows:#?}");
        assert_eq!(rows.iter().any(|row| row.contains('\u{2588}')), columns >= 60, "a bar: {rows:#?}");
        for name in ["one.mkv", "two.mp4"] {
            let mut own = rows.iter().filter(|row| row.starts_with(&format!("  {name} ")));
            let last = own.rfind(|row| words(row).iter().any(|word| is_share(word)));
            let last = last.unwrap_or_else(|| panic!("{columns}: no line for {name}: {rows:#?}"));
            assert_eq!(last.contains("kbit/s"), columns >= 80, "{last:?}");
        }
    }
}

/// A file whose decoding takes a second or more, and the start of a command for it.
fn readings() -> [(&'static str, &'static str); 3] {
    [("count", "probe {} --count"), ("verify", "verify {}"), ("compare", "compare {} {}")]
}

fn long() -> std::path::PathBuf {
    Clip { width: 960, height: 540, frames: 100, ..Clip::default() }.encoded("-c:v ffv1 -level 3", "mkv")
}

#[test]
fn commands_that_read_a_file_show_how_far_they_are() {
    let file = long();
    for (doing, line) in readings() {
        let paths: Vec<&Path> = vec![&file; line.matches("{}").count()];
        for columns in [100, 60] {
            let rows = shown(line, &paths, columns, &["open ", &format!("{doing} ")]);
            let own: Vec<&String> = rows.iter().filter(|row| row.starts_with(&format!("{doing} "))).collect();
            let has = |what: &dyn Fn(&str) -> bool| own.iter().any(|row| row.split_whitespace().any(what));
            assert!(has(&is_share) && has(&|word| word.starts_with("0:00:0")), "{doing}: {rows:#?}");
        }
    }
}

#[test]
fn commands_that_read_a_file_write_their_place_as_lines_of_json() {
    let file = long();
    let size = file.metadata().expect("a file").len();
    let schema = schema("progress");
    for (doing, line) in readings() {
        let paths: Vec<&Path> = vec![&file; line.matches("{}").count()];
        let ran = trix(&format!("{line} --progress json"), &paths);
        let lines: Vec<Value> =
            ran.done().err.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        for line in &lines {
            fits(&schema, line);
            assert_eq!((&line["reading"], &line["bytes_expected"]), (&doing.into(), &size.into()), "{line}");
            assert!(line["bytes"].as_u64().is_some_and(|bytes| bytes <= size), "{line}");
        }
        // The reader of packets does not read the index at the end.
        let last = lines.last().and_then(|line| line["bytes"].as_u64()).expect("a line");
        assert!(last > size - size / 20, "{doing}: {lines:?}");
        let shares = lines.iter().filter_map(|line| line["bytes"].as_u64());
        assert!(shares.filter(|bytes| (1..size).contains(bytes)).count() > 0, "{doing}: {lines:?}");
        assert_eq!(trix(&format!("{line} --progress none"), &paths).done().err, "", "{doing}");
    }
}
