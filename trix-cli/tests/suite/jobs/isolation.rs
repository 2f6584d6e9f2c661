//! Tests that a codec that fails, crashes, hangs or eats memory costs one chunk, and that the rest is kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use trix_core::{
    ChunkControl, ChunkStatus, Control, ErrorKind, Isolate, Job, Plan, Source, StoreStatus, plan_chunks, run,
};
use trix_fixtures::{Clip, folder};

use crate::support::{self, names};

/// A film of a minute, which is divided into nine chunks.
fn film() -> PathBuf {
    Clip { width: 256, frames: 1500, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast -g 50", "mp4")
}

fn command(output: &Path, options: &str, fault: Option<&str>) -> Command {
    let mut command =
        support::command(&format!("encode {{}} -o {{}} --chunks on --preset ultrafast {options}"), &[&film(), output]);
    fault.map(|fault| command.env("TRIX_FAULT", fault));
    command
}

/// The bytes of the output of a job in which nothing fails.
fn whole() -> Vec<u8> {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    support::watch(command(&output, "", None)).done();
    fs::read(output).expect("a file")
}

#[test]
fn a_chunk_that_fails_once_or_twice_is_encoded_again_with_the_same_bytes() {
    let whole = whole();
    // The frame is in the third chunk, and the numbers are those of the attempts that fail.
    for (options, fault) in [
        ("--isolate on", None),
        ("--isolate off", Some("fail:600:2")),
        ("--isolate on", Some("panic:600:2")),
        ("--isolate on", Some("fail:600:2")),
        ("--isolate on", Some("crash:600:1")),
        ("--isolate on", Some("eat:600:1")),
    ] {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let ran = support::watch(command(&output, options, fault));
        ran.done();
        assert_eq!(ran.err.contains("is tried again"), fault.is_some(), "{ran:?}");
        assert!(fs::read(&output).expect("a file") == whole, "{options} {fault:?}");
        assert_eq!(names(folder.path()), ["out.mkv"]);
    }
}

#[test]
fn a_chunk_that_always_crashes_fails_the_job_with_its_range_and_the_rest_is_kept() {
    for (isolate, fault, code, said) in [
        ("on", "crash:600", 1, "was aborted (signal 6)"),
        ("on", "eat:600", 1, "the process of the chunk "),
        ("on", "fail:600", 1, "the test asked for this failure"),
        ("off", "fail:600", 1, "the test asked for this failure"),
    ] {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let ran = support::watch(command(&output, &format!("--isolate {isolate}"), Some(fault)));
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(said) && ran.err.contains("in the chunk of frames 500..750"), "{ran:?}");
        assert_eq!(ran.err.matches("is tried again").count(), 2, "{ran:?}");
        assert_eq!(names(folder.path()), [".out.mkv.trix-chunks"]);
        let shown = support::trix("status {}", &[folder.path()]);
        assert!(shown.out.contains(" of 9 chunks") && shown.out.contains("last error: "), "{shown:?}");
        let job = status(folder.path());
        assert_eq!((job.chunks, job.is_running, job.frames_per_second, job.seconds_left), (9, false, None, None));
        assert!(job.done > 0 && job.done < 9 && job.last_error.is_some_and(|error| error.contains(said)));
        assert_no_parts(folder.path());

        let again = support::watch(command(&output, "", None));
        again.done();
        assert!(again.err.contains("of 9 chunks are kept"), "{again:?}");
        assert!(fs::read(&output).expect("a file") == whole());
    }
}

#[test]
fn a_panic_costs_one_attempt_at_a_chunk() {
    let whole = whole();
    for (fault, code) in [("panic:600:2", 0), ("panic:600", 1)] {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let ran = command(&output, "--isolate off", Some(fault)).output().expect("trix runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{said}");
        let tried = "the encode of a chunk panicked: the test asked for this panic; in the chunk of frames 500..750";
        assert_eq!(said.matches("is tried again").count(), 2, "{said}");
        assert_eq!(said.matches(tried).count(), 2 + usize::from(code == 1), "{said}");
        assert!(code == 1 || fs::read(&output).expect("a file") == whole);
    }
}

/// How far the job in `folder` is.
fn status(folder: &Path) -> ChunkStatus {
    let found: StoreStatus =
        serde_json::from_str(&support::trix("status {} --json", &[folder]).done().out).expect("JSON");
    found.jobs.into_iter().next().expect("a job")
}

/// Asserts that no part of a file is left in the store of the job in `folder`.
fn assert_no_parts(folder: &Path) {
    let left = names(&folder.join(".out.mkv.trix-chunks"));
    assert!(left.iter().all(|name| !name.contains("part")), "{left:?}");
}

#[test]
fn a_chunk_in_a_process_of_its_own_reads_and_writes_nothing_else_and_has_no_network() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    for (kind, said) in [("write", "it wrote a file"), ("read", "it read a file"), ("socket", "it opened a socket")] {
        let fault = format!("{kind}:600");
        support::watch(command(&output, "--isolate on --overwrite", Some(&fault))).done();
        let ran = support::watch(command(&folder.path().join("b.mkv"), "--isolate off", Some(&fault)));
        assert!(ran.code == Some(1) && ran.err.contains(said), "the same attempt works outside: {ran:?}");
    }
}

#[test]
fn a_source_that_contradicts_itself_is_isolated_and_others_are_not() {
    let folder = folder();
    // The container states other primaries than the stream.
    let tagged = "-vf setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv";
    let film = Clip { width: 256, frames: 1500, ..Clip::default() }
        .encoded(&format!("{tagged} -c:v libx264 -preset ultrafast -g 50 -movflags +write_colr"), "mp4");
    let mut bytes = fs::read(&film).expect("a film");
    let at = bytes.windows(8).position(|own| own == b"colrnclx").expect("colour") + 8;
    bytes[at..at + 6].copy_from_slice(&[0, 9, 0, 16, 0, 9]);
    let other = folder.path().join("film.mp4");
    fs::write(&other, bytes).expect("a film");
    for (source, is_isolated) in [(&film, false), (&other, true)] {
        let output = folder.path().join("out.mkv");
        let line = "encode {} -o {} --chunks on --preset ultrafast --overwrite";
        let mut command = support::command(line, &[source, &output]);
        command.env("TRIX_FAULT", "read:600");
        let ran = support::watch(command);
        assert_eq!(ran.code, Some(if is_isolated { 0 } else { 1 }), "{ran:?}");
    }
}

#[test]
fn attempts_and_patience_are_those_of_the_command_line() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let ran = support::watch(command(&output, "--isolate on --chunk-retries 0", Some("fail:600:1")));
    assert!(ran.code == Some(1) && !ran.err.contains("is tried again"), "{ran:?}");
    let options = "--isolate on --chunk-retries 1 --chunk-patience 8";
    support::watch(command(&output, options, Some("hang:600:1"))).done();
    let ran = support::watch(command(&output, &format!("{options} --overwrite"), Some("hang:600")));
    assert!(ran.code == Some(1) && ran.err.contains("no frame was encoded for 8 seconds"), "{ran:?}");
    assert_eq!(ran.err.matches("is tried again").count(), 1, "{ran:?}");
    assert_no_parts(folder.path());
}

#[test]
fn two_passes_in_processes_of_their_own_give_the_same_bytes_also_after_a_crash() {
    let folder = folder();
    let made: Vec<Vec<u8>> = [("", None), ("--isolate on", None), ("--isolate on", Some("crash:600:1"))]
        .into_iter()
        .map(|(options, fault)| {
            let output = folder.path().join("out.mkv");
            let options = format!("--bitrate 300 --passes 2 --overwrite {options}");
            support::watch(command(&output, &options, fault)).done();
            fs::read(output).expect("a file")
        })
        .collect();
    assert!(made[0] == made[1] && made[1] == made[2]);
}

#[test]
fn a_process_for_several_encodes_has_the_memory_that_they_take() {
    let folder = folder();
    let document = folder.path().join("job.toml");
    let sets = [("x264", 8), ("x264", 10), ("x265", 8), ("x265", 10), ("x265", 12)];
    let outputs: String = sets
        .iter()
        .map(|(encoder, depth)| {
            let video = format!("{{ type = \"{encoder}\", depth = {depth}, preset = \"ultrafast\" }}");
            format!("[[outputs]]\npath = \"{encoder}-{depth}.mkv\"\nvideo = {video}\n")
        })
        .collect();
    let text = format!("source = {{ path = \"{}\" }}\nchunks = \"on\"\n{outputs}", film().display());
    fs::write(&document, text).expect("room");
    let ran = support::watch(support::command("run {} -o {} --isolate on", &[&document, folder.path()]));
    ran.done();
    assert!(!ran.err.contains("is tried again"), "{ran:?}");
    assert_eq!(names(folder.path()).iter().filter(|name| name.ends_with(".mkv")).count(), sets.len());
}

/// A plan and a control whose chunks are encoded by `trix unit`.
fn isolated(folder: &Path, fault: &str) -> (Plan, Control) {
    let job = Job::new(film(), folder.join("out.mkv"));
    let plan = plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    let program = ["env", &format!("TRIX_FAULT={fault}"), env!("CARGO_BIN_EXE_trix"), "unit"].map(Into::into).to_vec();
    let chunks = ChunkControl {
        isolate: Isolate::On,
        program: Some(program),
        patience: Duration::from_secs(8),
        ..ChunkControl::default()
    };
    (plan, Control { chunks, ..Control::default() })
}

#[test]
fn a_chunk_that_makes_no_frame_is_stopped_and_encoded_again() {
    let folder = folder();
    let (plan, control) = isolated(folder.path(), "hang:600:1");
    let report = run(&plan, &control).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(1500));

    fs::remove_file(folder.path().join("out.mkv")).expect("the output");
    let (plan, control) = isolated(folder.path(), "hang:600");
    let error = run(&plan, &control).expect_err("a chunk that hangs");
    assert_eq!(error.kind(), ErrorKind::Codec);
    let said = error.to_string();
    assert!(said.contains("no frame was encoded for 8 seconds; in the chunk of frames 500..750"), "{said}");
}

/// The processes that encode chunks into a folder.
fn units_for(folder: &Path) -> usize {
    let wanted = folder.as_os_str().as_encoded_bytes();
    let all = fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
    let is_unit = |process: &fs::DirEntry| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let from = fs::read_link(process.path().join("cwd")).unwrap_or_default();
        line.ends_with(b"\0unit\0") && from.as_os_str().as_encoded_bytes() == wanted
    };
    all.filter(is_unit).count()
}

#[test]
fn the_processes_of_chunks_end_with_a_parent_that_is_killed() {
    let folder = folder();
    let mut command = command(&folder.path().join("out.mkv"), "--isolate on", Some("hang:100"));
    let mut parent = support::start({
        command.current_dir(folder.path());
        command
    });
    let until = |wanted: &dyn Fn(usize) -> bool| {
        let began = Instant::now();
        while !wanted(units_for(folder.path())) {
            assert!(began.elapsed() < Duration::from_secs(30), "{} processes", units_for(folder.path()));
            thread::sleep(Duration::from_millis(10));
        }
    };
    until(&|count| count > 0);
    parent.kill().expect("a child can be killed");
    parent.wait().expect("it ended");
    until(&|count| count == 0);
}
