//! Tests that a codec that fails, crashes, hangs or eats memory costs one chunk, and that the rest is kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use trix_core::{ChunkControl, Control, ErrorKind, Isolate, Job, Plan, Source, plan_chunks, run};
use trix_fixtures::{Clip, folder};

use crate::support::{self, names};

/// A film of a minute, which is divided into six chunks.
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
    for (fault, said) in [("crash:600", "was aborted (signal 6)"), ("fail:600", "the test asked for this failure")] {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let ran = support::watch(command(&output, "--isolate on", Some(fault)));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(said) && ran.err.contains("in the chunk of frames 500..750"), "{ran:?}");
        assert_eq!(ran.err.matches("is tried again").count(), 2, "{ran:?}");
        assert_eq!(names(folder.path()), [".out.mkv.trix-chunks"]);
        let shown = support::trix("status {}", &[folder.path()]);
        assert!(shown.out.contains(" of 9 chunks") && shown.out.contains("last error: "), "{shown:?}");

        let again = support::watch(command(&output, "", None));
        again.done();
        assert!(again.err.contains("of 9 chunks are kept"), "{again:?}");
        assert!(fs::read(&output).expect("a file") == whole());
    }
}

#[test]
fn a_chunk_in_a_process_of_its_own_reads_and_writes_nothing_else_and_has_no_network() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    support::watch(command(&output, "--isolate on", Some("escape:600"))).done();
    let ran = support::watch(command(&folder.path().join("b.mkv"), "--isolate off", Some("escape:600")));
    assert!(ran.err.contains("it wrote a file"), "the same attempts work outside: {ran:?}");
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

/// A plan and a control whose chunks are encoded by `trix unit`.
fn isolated(folder: &Path, fault: &str) -> (Plan, Control) {
    let job = Job::new(film(), folder.join("out.mkv"));
    let plan = plan_chunks(&job, &Source::of(&job.source).expect("a source")).expect("a plan");
    let program = ["env", &format!("TRIX_FAULT={fault}"), env!("CARGO_BIN_EXE_trix"), "unit"].map(Into::into).to_vec();
    let chunks = ChunkControl {
        isolate: Isolate::On,
        program: Some(program),
        patience: Duration::from_secs(2),
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
    assert!(said.contains("no frame was encoded for 2 seconds; in the chunk of frames 500..750"), "{said}");
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
