//! Tests of the progress that a terminal shows, and of its lines for programs.

use std::{
    io::Read,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

use serde_json::Value;
use trix_fixtures::{Clip, TempDir, folder, master};

use crate::support::{
    self, command,
    schema::{fits, schema},
    terminal::{Terminal, on_a_terminal, rows},
    trix, words,
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

#[test]
fn a_job_without_encoded_video_shows_share_time_and_speed() {
    let folder = folder();
    let audio = folder.path().join("audio.wav");
    trix_fixtures::program::ffmpeg(&format!(
        "-f lavfi -i anoisesrc=duration=900:sample_rate=48000 -ac 2 {}",
        audio.display()
    ));
    let output = folder.path().join("audio.mp4");
    let rows = shown("encode {} -o {} --audio aac", &[&audio, &output], 100, &["open ", "plan ", "encode ", "verify "]);
    let row = rows.iter().rfind(|row| row.starts_with("encode ")).expect("a row");
    assert!(row.contains('%') && row.contains("KiB") || row.contains("MiB"), "{row:?}");
    assert!(!row.contains("fps") && row.trim_end().ends_with('x') && row.contains('\u{2588}'), "{row:?}");
    let report = trix("encode {} -o {} --audio aac --overwrite --duration 10", &[&audio, &output]).done().out.clone();
    assert!(report.contains(" s to encode, "), "{report}");
    let line = "encode {} -o {} --audio aac --overwrite --duration 300 --progress json";
    let lines: Vec<Value> = trix(line, &[&audio, &output])
        .done()
        .err
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let last = lines.last().expect("a line");
    assert_eq!((&last["seconds_expected"], &last["frames_expected"]), (&300.0.into(), &Value::Null), "{last}");
    let seconds = last["seconds"].as_f64().expect("a number");
    assert!((299.0..=300.1).contains(&seconds), "{last}");
}

#[test]
fn verify_with_a_reference_shows_both_readings() {
    let file = long();
    let ran = trix("verify {} --against {} --progress json", &[&file, &file]);
    let lines: Vec<Value> =
        ran.done().err.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let mut readings: Vec<&str> = lines.iter().filter_map(|line| line["reading"].as_str()).collect();
    readings.dedup();
    assert_eq!(readings, ["verify", "compare"]);
    // Time counts from the start of each reading.
    let first = lines.iter().find(|line| line["reading"] == "compare").expect("a line");
    assert!(first["elapsed_seconds"].as_f64() < Some(0.5), "{first}");
}

/// What commands that read a file say that they do, and the commands.
fn readings() -> [(&'static str, &'static str); 3] {
    [("count", "probe {} --count"), ("verify", "verify {}"), ("compare", "compare {} {}")]
}

/// A file whose decoding takes a second or more.
fn long() -> std::path::PathBuf {
    Clip { width: 960, height: 540, frames: 100, ..Clip::default() }.encoded("-c:v ffv1 -level 3", "mkv")
}

#[test]
fn lines_are_drawn_ten_times_a_second_whatever_happens_in_the_job() {
    let folder = folder();
    let job = two_outputs(&folder);
    let mut command = command("run {} -o {}", &[&job, folder.path()]);
    command.env("TERM", "xterm");
    let began = Instant::now();
    let shown = on_a_terminal(command, 100, 30);
    let draws = shown.matches("encode ").count();
    // Some draws are forced, when a line begins or ends.
    let most = 10.0 * began.elapsed().as_secs_f64() + 10.0;
    assert!(draws > 5 && (draws as f64) < most, "{draws} draws, {most} at the most");
}

#[test]
fn names_neither_control_the_terminal_nor_make_lines_too_wide() {
    let folder = folder();
    let names = ["ev\u{1b}[31mil\nfilm.mov", "映画とても長い名前の映画のマスターのファイル.mov"];
    let sources = names.map(|name| folder.path().join(name));
    for source in &sources {
        std::fs::copy(master(), source).expect("a copy");
    }
    let video = "video = { type = \"x265\", preset = \"slow\" }\naudio = { type = \"none\" }";
    let output = |part: &str| format!("[[outputs]]\npath = \"${{stem}}.{part}.mkv\"\n{video}\n");
    let profile = support::file(&folder, "two.toml", output("one") + &output("two"));
    let out = folder.path().join("out");
    let begins = ["open ", "plan ", "encode ", "verify ", "1/2 e", "2/2 ", "  ev\\u{1b…", "  映画"];
    let rows = shown(
        "ingest {} {} -o {} --profile {} --set source.frames=25",
        &[&sources[0], &sources[1], &out, &profile],
        60,
        &begins,
    );
    for begin in &begins[4..] {
        assert!(rows.iter().any(|row| row.starts_with(begin)), "{begin:?}: {rows:#?}");
    }
}

/// Starts a job with two outputs through `setsid`, in a session of its own, and closes its terminal when it encodes.
/// Returns how it ended, and the folder of the job.
fn after_its_terminal_was_closed(options: &[&str]) -> (ExitStatus, TempDir) {
    let folder = folder();
    let job = two_outputs(&folder);
    let Terminal { mut person, program } = Terminal::new(80, 24);
    let mut setsid = Command::new("setsid");
    setsid.args(options).arg(env!("CARGO_BIN_EXE_trix")).args(words("run {} -o {}", &[&job, folder.path()]));
    setsid.env("TERM", "xterm").stdin(program.try_clone().expect("a terminal"));
    let mut child = setsid.stdout(Stdio::null()).stderr(program).spawn().expect("setsid runs");
    drop(setsid);
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&shown).contains("encode ") {
        let count = person.read(&mut block).expect("it shows the stage");
        shown.extend_from_slice(&block[..count]);
    }
    drop(person);
    (child.wait().expect("trix ends"), folder)
}

#[test]
fn a_job_goes_on_without_its_terminal() {
    let (status, folder) = after_its_terminal_was_closed(&[]);
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(support::names(folder.path()), ["job.toml", "one.mkv", "two.mp4"]);
    for name in ["one.mkv", "two.mp4"] {
        trix("verify {}", &[&folder.path().join(name)]).done();
    }
}

#[test]
fn a_job_ends_and_leaves_nothing_if_its_terminal_hangs_up() {
    let (status, folder) = after_its_terminal_was_closed(&["--ctty"]);
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(support::names(folder.path()), ["job.toml"]);
}

#[test]
fn commands_that_read_a_file_show_how_far_they_are() {
    let file = long();
    for (doing, line) in readings() {
        let paths: Vec<&Path> = vec![&file; line.matches("{}").count()];
        for columns in [100, 60] {
            let rows = shown(line, &paths, columns, &[&format!("{doing} ")]);
            let has = |what: &dyn Fn(&str) -> bool| rows.iter().any(|row| row.split_whitespace().any(what));
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
