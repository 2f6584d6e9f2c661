//! Tests that a film which is encoded in chunks goes on where it was killed, with the same bytes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use trix_core::{ChunkStatus, StoreStatus};
use trix_fixtures::{Clip, folder};

use crate::support::{self, Dice, names};

/// A film of a minute, which is divided into six chunks with preset slow.
fn film() -> PathBuf {
    Clip { width: 256, frames: 1500, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast -g 50", "mp4")
}

/// The longest time that a test waits for a job.
const LONGEST: Duration = Duration::from_secs(60);

fn command(output: &Path) -> Command {
    support::command("encode {} -o {} --chunks on --preset slow", &[&film(), output])
}

fn started(output: &Path) -> Child {
    let mut command = command(output);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("trix runs")
}

/// Chunks that a job has left beside its output.
fn chunks(folder: &Path) -> usize {
    let store = folder.join(".out.mkv.trix-chunks");
    if store.is_dir() { names(&store).iter().filter(|name| name.ends_with(".chunk")).count() } else { 0 }
}

fn wait_for_chunk(folder: &Path) {
    let began = Instant::now();
    while chunks(folder) == 0 {
        assert!(began.elapsed() < LONGEST, "no chunk is made");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_film_goes_on_where_it_was_killed_with_the_same_bytes() {
    let (whole, killed) = (folder(), folder());
    let once = support::watch(command(&whole.path().join("out.mkv"))).done().took;
    assert_eq!(names(whole.path()), ["out.mkv"], "no chunks are left");

    let output = killed.path().join("out.mkv");
    let mut dice = Dice(5);
    let (mut ended, mut most) = (false, 0);
    while most < 4 && !ended {
        let mut child = started(&output);
        let has_ended = |child: &mut Child| child.try_wait().expect("a child can be asked").is_some();
        // Each start makes at least one chunk more, and is killed anywhere in the work on the next ones.
        while chunks(killed.path()) <= most && !has_ended(&mut child) {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(once * u32::try_from(dice.below(150)).expect("a small number") / 1000);
        child.kill().expect("a child can be killed");
        ended = child.wait().expect("it ended").code().is_some();
        if !ended {
            let kept = chunks(killed.path());
            assert!(kept >= most, "a chunk that was made is kept");
            most = kept;
        }
    }
    if !ended {
        let last = support::watch(command(&output));
        last.done();
        assert!(last.err.contains(&format!("{most} of 6 chunks are kept")), "{last:?}");
    }
    assert_eq!(names(killed.path()), ["out.mkv"], "neither chunks nor parts are left");
    let bytes = |folder: &Path| std::fs::read(folder.join("out.mkv")).expect("the output");
    assert!(bytes(whole.path()) == bytes(killed.path()), "the bytes are those of a job that was not killed");
}

#[test]
fn a_film_that_was_interrupted_keeps_its_chunks() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let mut child = started(&output);
    wait_for_chunk(folder.path());
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal can be sent");
    assert_eq!(child.wait().expect("it ended").code(), Some(130));
    assert_eq!(names(folder.path()), [".out.mkv.trix-chunks"]);
    let kept = chunks(folder.path());
    let ran = support::watch(command(&output));
    ran.done();
    assert!(ran.err.contains(&format!("{kept} of 6 chunks are kept")), "{ran:?}");
    assert_eq!(names(folder.path()), ["out.mkv"]);
    let whole = folder.path().join("whole.mkv");
    support::watch(command(&whole)).done();
    assert!(std::fs::read(&output).expect("a file") == std::fs::read(&whole).expect("a file"));
}

#[test]
fn a_running_job_tells_how_fast_it_is_and_when_it_ends() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let status = || -> Option<ChunkStatus> {
        let shown = support::trix("status {} --json", &[folder.path()]);
        serde_json::from_str::<StoreStatus>(&shown.out).ok()?.jobs.into_iter().next()
    };
    let mut command = command(&output);
    // One chunk hangs, so the job does not end.
    command.env("TRIX_FAULT", "hang:600");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("trix runs");
    let began = Instant::now();
    let job = loop {
        assert!(began.elapsed() < LONGEST, "{:?}", status());
        match status() {
            Some(job) if job.frames_per_second.is_some() => break job,
            _ => thread::sleep(Duration::from_millis(50)),
        }
    };
    assert_eq!((job.chunks, job.frames, job.is_running, job.last_error), (6, 1500, true, None));
    let (speed, left) = job.frames_per_second.zip(job.seconds_left).expect("a speed");
    assert!(((1500 - job.done_frames) as f64 / speed - left).abs() < 1e-6, "{speed} frames a second, {left} seconds");
    // The speed is that of this run: no more frames than the film has were encoded since it began.
    assert!(speed > 0.0 && speed * began.elapsed().as_secs_f64() < 2.0 * 1500.0, "{speed}");
    child.kill().expect("a child can be killed");
    child.wait().expect("it ended");
    let stopped = status().expect("a job");
    assert_eq!((stopped.is_running, stopped.frames_per_second, stopped.done), (false, None, chunks(folder.path())));
    // What is left of the job is removed on request.
    let cleaned = support::trix("clean {}", &[folder.path()]);
    assert!(cleaned.done().out.contains(".out.mkv.trix-chunks"), "{cleaned:?}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn another_job_makes_chunks_of_its_own() {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let mut child = started(&output);
    wait_for_chunk(folder.path());
    child.kill().expect("a child can be killed");
    child.wait().expect("it ended");
    let other = support::command("encode {} -o {} --chunks on --preset ultrafast", &[&film(), &output]);
    let ran = support::watch(other);
    ran.done();
    assert!(!ran.err.contains("kept"), "{ran:?}");
    let fresh = folder.path().join("fresh.mkv");
    support::watch(support::command("encode {} -o {} --chunks on --preset ultrafast", &[&film(), &fresh])).done();
    assert!(std::fs::read(&output).expect("a file") == std::fs::read(&fresh).expect("a file"));
}

#[test]
fn a_disk_that_is_full_keeps_the_chunks_and_the_job_goes_on_when_there_is_room() {
    if !support::can_mount() {
        return;
    }
    let (disk, whole) = (folder(), folder());
    let output = whole.path().join("out.mkv");
    support::watch(command(&output)).done();
    let size = std::fs::metadata(&output).expect("the output").len();
    // Two thirds of the chunks fit; then the disk gets larger, and the same command goes on.
    let script = format!(
        "mount -t tmpfs -o size={} none \"$0\" || exit 90; \"$@\" && exit 91; code=$?; \
         kept=$(ls -A \"$0/.out.mkv.trix-chunks\" | grep -c '[.]chunk$'); test $kept -ge 1 || exit 92; \
         mount -o remount,size={} \"$0\" || exit 93; \"$@\" >&2 || exit 94; \
         cmp \"$0/out.mkv\" '{}' || exit 95; echo $code $(ls -A \"$0\")",
        size / 3 * 2,
        size * 4,
        output.display()
    );
    let mut job = Command::new("unshare");
    job.args(["-rm", "sh", "-c", &script]).arg(disk.path()).arg(env!("CARGO_BIN_EXE_trix"));
    let line = "encode {} -o {} --chunks on --preset slow";
    job.args(support::words(line, &[&film(), &disk.path().join("out.mkv")]));
    let ran = support::watch(job);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.lines().last(), Some("5 out.mkv"), "{ran:?}");
    assert!(ran.err.contains("No space left") && ran.err.contains("chunks are kept"), "{ran:?}");
}
