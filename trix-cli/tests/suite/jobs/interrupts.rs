//! Tests that an interrupted job stops at once and leaves nothing, and that a killed job leaves no incomplete output.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use trix_fixtures::{Clip, folder};

use crate::support::{self, Dice, LIMIT, names, trix};

/// Maximum time from the signal to the end of the process.
const PROMPT: Duration = Duration::from_secs(1);

/// A source so long that no encode ends before the test stops it.
fn long() -> PathBuf {
    Clip { width: 640, height: 360, frames: 400, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast", "mp4")
}

/// Waits until a child ends. Panics after `limit`.
fn ends_within(child: &mut Child, limit: Duration) -> Duration {
    let began = Instant::now();
    while child.try_wait().expect("a child can be waited for").is_none() {
        if began.elapsed() > limit {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
            panic!("still running {limit:?} after the signal");
        }
        thread::sleep(Duration::from_millis(2));
    }
    began.elapsed()
}

/// Encodes the long source with `options`. Sends `signals` after `frames` frames of `phase`. Asserts that the process
/// ends in time, cleans up, and reports the interruption.
fn stops(options: &str, phase: &str, frames: u64, signals: &[Signal]) {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let line = format!("encode {{}} -o {{}} --progress json {options}");
    let mut command = support::command(&line, &[&long(), &output]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("trix runs");
    let mut stated = BufReader::new(child.stderr.take().expect("standard error"));
    let mut line = String::new();
    loop {
        line.clear();
        assert!(stated.read_line(&mut line).expect("a pipe") > 0, "it ended before it could be stopped");
        let progress: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no progress: {line}"));
        if progress["phase"] == phase && progress["frame"].as_u64() >= Some(frames) {
            break;
        }
    }
    for signal in signals {
        kill_process(Pid::from_child(&child), *signal).expect("a signal can be sent");
        thread::sleep(Duration::from_millis(5));
    }
    ends_within(&mut child, PROMPT);
    let mut rest = String::new();
    stated.read_to_string(&mut rest).expect("a pipe");
    let code = child.wait().expect("it ended").code();
    assert_eq!(code, Some(130), "{rest}");
    assert!(!rest.contains("panicked"), "{rest}");
    if signals.len() == 1 {
        assert_eq!(names(folder.path()), [""; 0], "{rest}");
        let message: Vec<&str> = rest.lines().filter(|line| line.starts_with("trix: ")).collect();
        assert_eq!(message.len(), 1, "{rest}");
        assert!(message[0].contains("cancelled"), "{rest}");
    } else {
        // A second signal ends the process immediately. The next job cleans up.
        assert!(!output.exists());
    }
}

#[test]
fn an_interrupted_x264_encode_ends_at_once_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        stops("--preset veryslow", "encode", 1, &[signal]);
    }
    stops("--preset placebo --threads 1", "encode", 0, &[Signal::INT]);
}

#[test]
fn an_interrupted_x265_encode_ends_at_once_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        stops("--video x265 --preset medium", "encode", 1, &[signal]);
    }
    stops("--video x265 --preset veryslow", "encode", 0, &[Signal::INT]);
}

#[test]
fn both_passes_can_be_interrupted() {
    let options = "--preset faster --bitrate 900 --passes 2";
    stops(options, "first_pass", 1, &[Signal::INT]);
    stops(options, "encode", 1, &[Signal::TERM]);
    stops("--video x265 --preset ultrafast --bitrate 900 --passes 2", "encode", 1, &[Signal::INT]);
}

#[test]
fn verification_can_be_interrupted() {
    stops("--preset ultrafast --verify full", "verify", 1, &[Signal::INT]);
}

#[test]
fn a_second_interrupt_ends_the_process_at_once() {
    stops("--preset veryslow", "encode", 1, &[Signal::INT, Signal::INT]);
}

/// Waits until a child handles interrupts. Before that, a signal ends it without a message.
fn wait_for_handler(child: &Child) {
    let began = Instant::now();
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a process");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask of signals");
        let mask = u64::from_str_radix(caught.trim(), 16).expect("a hexadecimal number");
        if mask & (1 << (Signal::INT.as_raw() - 1)) != 0 {
            return;
        }
        assert!(began.elapsed() < LIMIT, "interrupts are not caught");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn probe_verify_and_compare_can_be_interrupted() {
    let source = long();
    let lines = ["probe --count {}", "verify {}", "compare {} {}"];
    for line in lines {
        let paths = vec![source.as_path(); line.matches("{}").count()];
        let mut child = support::start(support::command(line, &paths));
        wait_for_handler(&child);
        kill_process(Pid::from_child(&child), Signal::INT).expect("a signal can be sent");
        ends_within(&mut child, PROMPT);
        let ran = support::finish(child);
        assert_eq!(ran.code, Some(130), "{line}: {ran:?}");
        assert!(ran.err.contains("cancelled"), "{line}: {ran:?}");
    }
}

/// Kills encodes at many moments. A file with the final name must be complete each time, and the next job must succeed
/// and clean up.
fn survives_kills(options: &str, frames: u32, extension: &str) {
    let source = Clip { width: 256, frames, ..Clip::default() }.y4m();
    let folder = folder();
    let output = folder.path().join(format!("out.{extension}"));
    let command =
        |overwrite| support::command(&format!("encode {{}} -o {{}} {options} {overwrite}"), &[&source, &output]);
    let once = support::watch(command(""));
    let mut whole = once.done().took;
    let first = std::fs::read(&output).expect("the output");
    std::fs::remove_file(&output).expect("the output can be removed");

    let mut dice = Dice(9);
    let (mut killed, mut parts, mut round) = (0, 0, 0);
    // On a busy machine, the moments can be badly chosen: there are more rounds then.
    while round < 16 || round < 100 && (killed < 6 || parts < 3) {
        round += 1;
        // Half of the moments are near the end, when the file is finished, checked and renamed.
        let share = if round % 2 == 0 { dice.below(1000) } else { 700 + dice.below(300) };
        let mut child = quiet(command(""));
        thread::sleep(whole * u32::try_from(share).expect("a small number") / 1000);
        child.kill().expect("a child can be killed");
        let code = child.wait().expect("it ended").code();
        killed += u32::from(code.is_none());
        assert!(code.is_none() || code == Some(0), "it failed by itself with {code:?}");
        whole_or_absent(&output, &first);
        parts += u32::from(names(folder.path()).iter().any(|name| name.ends_with(".trix-part")));
        let next = support::watch(command(if output.exists() { "--overwrite" } else { "" }));
        // Other tests run at the same time, so use the time of the last encode as the estimate for the next.
        whole = next.done().took;
        assert_eq!(names(folder.path()), [format!("out.{extension}")], "the left part file was taken over");
        whole_or_absent(&output, &first);
        std::fs::remove_file(&output).expect("the output can be removed");
    }
    // Otherwise the moments were badly chosen, and the test proves nothing.
    assert!(killed >= 6 && parts >= 3, "{killed} were killed in time, {parts} of them left a part file");
}

fn quiet(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("trix runs")
}

fn whole_or_absent(output: &Path, whole: &[u8]) {
    if output.exists() {
        trix("verify {}", &[output]).done();
        assert!(std::fs::read(output).expect("the output") == whole, "the same job gives the same bytes");
    }
}

#[test]
fn a_killed_x264_encode_leaves_a_whole_file_or_none() {
    survives_kills("--preset veryfast --threads 2", 200, "mp4");
}

#[test]
fn a_killed_x265_encode_leaves_a_whole_file_or_none() {
    survives_kills("--video x265 --preset ultrafast --threads 2", 50, "mkv");
}

#[test]
fn a_killed_encode_keeps_the_existing_output() {
    let folder = folder();
    let output = folder.path().join("out.mp4");
    std::fs::write(&output, "dear").expect("a file");
    for wait in [60, 150, 300] {
        let mut child = quiet(support::command("encode {} -o {} --overwrite --preset placebo", &[&long(), &output]));
        thread::sleep(Duration::from_millis(wait));
        child.kill().expect("a child can be killed");
        assert_eq!(child.wait().expect("it ended").code(), None, "it ended before it could be killed");
        assert_eq!(std::fs::read(&output).expect("the file"), b"dear");
    }
    // While one job writes a file, a second job for the same name is rejected. After the first job is killed, the name
    // is free.
    let mut child = quiet(support::command("encode {} -o {} --overwrite --preset placebo", &[&long(), &output]));
    let began = Instant::now();
    while !names(folder.path()).iter().any(|name| name.ends_with(".trix-part")) || began.elapsed().as_millis() < 300 {
        assert!(began.elapsed() < LIMIT, "no part file appears");
        thread::sleep(Duration::from_millis(5));
    }
    trix("encode {} -o {} --overwrite", &[&long(), &output]).refused(5, &output);
    child.kill().expect("a child can be killed");
    child.wait().expect("it ended");
    trix("encode {} -o {} --overwrite --preset ultrafast --frames 20", &[&long(), &output]).done();
    assert_eq!(names(folder.path()), ["out.mp4"]);
}
