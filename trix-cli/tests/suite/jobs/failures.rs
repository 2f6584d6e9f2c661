//! Tests of jobs with several outputs that are killed, interrupted, or run out of disk space: they leave complete files
//! or none. A long job takes no more memory than a short one.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use trix_fixtures::{Clip, folder};

use crate::support::{self, Dice, decodable, file, names, trix, words};

fn clip(frames: u32) -> PathBuf {
    Clip { width: 320, height: 240, frames, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast", "mp4")
}

const COPIES: [&str; 5] = ["h264-10", "h264-8", "hevc-10", "hevc-12", "hevc-8"];

/// The names of the copies of `source`.
fn copies(source: &Path) -> Vec<String> {
    let stem = source.file_stem().expect("a name").to_string_lossy();
    COPIES.iter().map(|copy| format!("{stem}.{copy}.mkv")).collect()
}

#[test]
fn a_killed_ingest_leaves_whole_copies_or_none() {
    let source = Clip { frames: 20, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast", "mp4");
    let (folder, twin) = (folder(), folder());
    let line = "ingest {} -o {} --set preset=ultrafast --set threads=2";
    let mut whole = trix(line, &[&source, twin.path()]).done().took;
    let names_of_copies = copies(&source);
    let is_as_made = |name: &str| {
        let read = |folder: &Path| std::fs::read(folder.join(name)).expect("a copy");
        assert!(read(folder.path()) == read(twin.path()), "{name}: the same job gives the same bytes");
    };
    let mut dice = Dice(5);
    let (mut killed, mut parts) = (0, 0);
    for round in 0.. {
        // Repeat until enough attempts have killed the job in time. A busy machine needs more attempts, but 20 is the
        // maximum.
        if round == 20 || (round >= 5 && killed >= 2 && parts >= 2) {
            break;
        }
        // Half of the moments are near the end, when the copies are checked and renamed.
        let share = if round % 2 == 0 { 200 + dice.below(700) } else { 850 + dice.below(150) };
        let mut command = support::command(line, &[&source, folder.path()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("trix runs");
        thread::sleep(whole * u32::try_from(share).expect("a small number") / 1000);
        child.kill().expect("a child can be killed");
        let code = child.wait().expect("it ended").code();
        assert!(code.is_none() || code == Some(0), "it failed by itself with {code:?}");
        killed += u32::from(code.is_none());
        let left = names(folder.path());
        parts += u32::from(left.iter().any(|name| name.ends_with(".trix-part")));
        left.iter().filter(|name| names_of_copies.contains(name)).for_each(|name| is_as_made(name));
        // The remains do not disturb the next job.
        let next = trix(&format!("{line} --overwrite"), &[&source, folder.path()]);
        whole = next.done().took;
        let mut there = names(folder.path());
        there.retain(|name| !name.ends_with(".manifest.json"));
        assert_eq!(there, names_of_copies, "part files are taken over");
        names_of_copies.iter().for_each(|name| is_as_made(name));
        for name in names(folder.path()) {
            std::fs::remove_file(folder.path().join(name)).expect("a copy or its manifest can be removed");
        }
    }
    assert!(killed >= 2 && parts >= 2, "{killed} were killed in time, {parts} of them left part files");
}

#[test]
fn an_interrupted_ingest_ends_at_once_and_leaves_nothing() {
    let source = Clip { width: 640, height: 360, frames: 400, ..Clip::default() }
        .encoded("-c:v libx264 -preset ultrafast", "mp4");
    let folder = folder();
    let line = "ingest {} -o {} --set preset=slow --progress json";
    let mut command = support::command(line, &[&source, folder.path()]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("trix runs");
    let mut wording = BufReader::new(child.stderr.take().expect("standard error"));
    let mut line = String::new();
    wording.read_line(&mut line).expect("a pipe");
    let progress: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no progress: {line}"));
    assert_eq!(progress["phase"], "encode");
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal can be sent");
    let asked = Instant::now();
    let mut rest = String::new();
    wording.read_to_string(&mut rest).expect("a pipe");
    let code = child.wait().expect("it ended").code();
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(code, Some(130), "{rest}");
    assert_eq!(rest.lines().filter(|line| line.starts_with("trix: ")).count(), 1, "{rest}");
    assert_eq!(names(folder.path()), [""; 0], "{rest}");
}

/// Runs a job with three outputs. The second one goes to a file system of `size` bytes, and its files are lost with it.
/// `None`, with a message, if file systems cannot be mounted.
fn with_a_small_disk(size: &str, then: &str, folder: &Path) -> Option<support::Ran> {
    if !support::can_mount() {
        return None;
    }
    let small = folder.join("small");
    std::fs::create_dir_all(&small).expect("a folder");
    let elsewhere = trix_fixtures::folder();
    let video =
        |depth: u32| format!("{{ type: x264, preset: ultrafast, depth: {depth}, rate: {{ type: qp, value: 8 }} }}");
    let job = file(
        &elsewhere,
        "job.yaml",
        format!(
            "on_output_failure: {then}\nsource: {{ path: {} }}\noutputs:\n- {{ path: a.mkv, video: {} }}\n\
             - {{ path: small/b.mkv, video: {} }}\n- {{ path: c.mp4, video: {} }}\n",
            clip(40).display(),
            video(8),
            video(8),
            video(10)
        ),
    );
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$0\" && \"$@\"; code=$?; test -z \"$(ls -A \"$0\")\" || exit 99; exit $code"
    );
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).arg(small).arg(env!("CARGO_BIN_EXE_trix"));
    command.args(words("run {} -o {} --json", &[&job, folder]));
    Some(support::watch(command))
}

#[test]
fn a_disk_that_is_full_for_one_output_fails_the_job_or_that_output_alone() {
    for size in ["16k", "200k"] {
        let folder = folder();
        let Some(ran) = with_a_small_disk(size, "fail", folder.path()) else { return };
        let message = ran.refused(5, &folder.path().join("small/b.mkv"));
        assert!(message.contains("No space left"), "{message}");
        assert_eq!(names(folder.path()), ["small"]);

        let Some(ran) = with_a_small_disk(size, "continue", folder.path()) else { return };
        assert_eq!(ran.code, Some(5), "the code says that something is missing: {ran:?}");
        let report = ran.json();
        let failed = report["failed"].as_array().expect("a list");
        assert_eq!((failed.len(), &failed[0]["kind"]), (1, &Value::from("io")), "{failed:?}");
        let wording = failed[0]["error"].as_str().expect("words");
        assert!(wording.contains("small/b.mkv: ") && wording.contains("No space left"), "{wording}");
        assert_eq!(names(folder.path()), ["a.mkv", "c.mp4", "small"]);
        for (name, output) in ["a.mkv", "c.mp4"].iter().zip(report["outputs"].as_array().expect("outputs")) {
            assert_eq!(output["ledger"]["found"], 40, "{name}");
            assert_eq!(decodable(&folder.path().join(name)), 40, "{name}");
            trix("verify {}", &[&folder.path().join(name)]).done();
        }
    }
}

#[test]
fn a_video_encoder_that_fails_names_its_output_the_frame_and_the_time() {
    // The first of two passes writes statistics to a temporary folder, which is full after some frames.
    if !support::can_mount() {
        return;
    }
    for then in ["fail", "continue"] {
        let (folder, elsewhere, small) = (folder(), trix_fixtures::folder(), trix_fixtures::folder());
        let text = format!(
            "on_output_failure: {then}\nsource: {{ path: {} }}\nthreads: 1\noutputs:\n\
             - {{ path: a.mkv, video: {{ type: x264, preset: ultrafast, rate: {{ type: bitrate, kbps: 300, passes: 2 }} }} }}\n\
             - {{ path: b.mkv, video: {{ type: x264, preset: ultrafast }} }}\n",
            clip(200).display()
        );
        let job = file(&elsewhere, "job.yaml", text);
        let script = "mount -t tmpfs -o size=8k none \"$0\" && TMPDIR=\"$0\" exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).arg(small.path()).arg(env!("CARGO_BIN_EXE_trix"));
        command.args(words("run {} -o {} --json", &[&job, folder.path()]));
        let ran = support::watch(command);
        let failed = folder.path().join("a.mkv");
        let wording = if then == "fail" {
            assert_eq!(names(folder.path()), [""; 0]);
            ran.refused(1, &failed).trim_start_matches("trix: ").to_owned()
        } else {
            assert_eq!(ran.code, Some(1), "the code says that something is missing: {ran:?}");
            assert_eq!(names(folder.path()), ["b.mkv"]);
            assert_eq!(decodable(&folder.path().join("b.mkv")), 200);
            let report = ran.json();
            assert_eq!(report["failed"].as_array().map(Vec::len), Some(1), "{report}");
            assert_eq!(report["failed"][0]["kind"], "codec");
            report["failed"][0]["error"].as_str().expect("words").to_owned()
        };
        let rest = wording.strip_prefix(&format!("{}: encode, at 00:00:0", failed.display()));
        let rest = rest.unwrap_or_else(|| panic!("output, stage and time: {wording}"));
        // The time is that of a frame, at 25 frames per second.
        let (time, rest) = rest.split_once(": ").expect("a detail");
        let (_, number) = rest.split_once("when frame ").unwrap_or_else(|| panic!("the frame: {wording}"));
        let number: f64 = number.split(' ').next().and_then(|word| word.parse().ok()).expect("a number");
        assert_eq!(time.parse::<f64>().ok(), Some(number / 25.0), "{wording}");
        assert!(rest.contains("stats file could not be written"), "{wording}");
    }
}

/// A command that runs `trix` as a user with at most `threads` threads. `None`, with a message, if this process cannot
/// switch to another user.
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
fn with_few_threads(threads: u32, line: &str, paths: &[&Path]) -> Option<Command> {
    // No other process runs as this user.
    let user = (100_000 + std::process::id()).to_string();
    let setpriv = ["--reuid", &user, "--regid", &user, "--clear-groups"];
    let probe =
        trix_fixtures::program::attempt("setpriv", setpriv.iter().chain(&["test", "-x", env!("CARGO_BIN_EXE_trix")]));
    if !probe.status.success() {
        println!("skipped: trix cannot be run as another user: {}", String::from_utf8_lossy(&probe.stderr));
        return None;
    }
    let mut command = Command::new("setpriv");
    command.args(setpriv).args(["prlimit", &format!("--nproc={threads}"), env!("CARGO_BIN_EXE_trix")]);
    command.args(words(line, paths));
    Some(command)
}

#[test]
fn a_thread_that_the_system_refuses_ends_the_job_and_is_named() {
    use std::{collections::BTreeSet, os::unix::fs::PermissionsExt};
    let elsewhere = trix_fixtures::folder();
    let open = |folder: &Path| std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).expect("a folder");
    open(elsewhere.path());
    let source = elsewhere.path().join("source.y4m");
    std::fs::copy(Clip::default().y4m(), &source).expect("a source");
    // With these settings the libraries start no threads, and each output has its own encode.
    let output = |name: &str, slices: u32| {
        format!("- {{ path: {name}, video: {{ type: ffv1, params: {{ slices: \"{slices}\" }} }} }}\n")
    };
    let text = format!(
        "on_output_failure: continue\nthreads: 1\nsource: {{ path: {} }}\noutputs:\n{}{}",
        source.display(),
        output("a.mkv", 4),
        output("b.mkv", 9)
    );
    let job = file(&elsewhere, "job.yaml", text);
    let mut refused = BTreeSet::new();
    for threads in 1.. {
        assert!(threads < 40, "the job needs no more threads than that: {refused:?}");
        let folder = folder();
        open(folder.path());
        let Some(command) = with_few_threads(threads, "run {} -o {} --json", &[&job, folder.path()]) else { return };
        let ran = support::watch(command);
        if ran.code == Some(0) {
            assert_eq!(names(folder.path()), ["a.mkv", "b.mkv"]);
            break;
        }
        assert_eq!((ran.code, names(folder.path())), (Some(5), Vec::new()), "{threads} threads: {ran:?}");
        let (_, rest) = ran.err.split_once("the thread trix-").unwrap_or_else(|| panic!("{threads} threads: {ran:?}"));
        let (name, rest) = rest.split_once(" cannot be started: ").unwrap_or_else(|| panic!("{ran:?}"));
        assert!(rest.contains("Resource temporarily unavailable"), "{ran:?}");
        let stage = name.split('-').next().and_then(|name| name.split(' ').next()).expect("a word");
        assert!(ran.err.contains(&format!(": {stage}: ")), "the stage is named: {ran:?}");
        let path = match name.split(' ').nth(1) {
            Some(number) if stage != "filter" => {
                folder.path().join(["a.mkv", "b.mkv"][number.parse::<usize>().expect("a number")])
            }
            _ if stage == "filter" => folder.path().join("a.mkv"),
            _ => source.clone(),
        };
        ran.refused(5, &path);
        refused.insert(name.to_owned());
    }
    let all = ["decode", "demux", "encode 0", "encode 1", "filter 0", "mux 0", "mux 1"].map(str::to_owned);
    assert_eq!(refused, BTreeSet::from(all), "each of them");
}

#[test]
fn a_job_of_five_outputs_that_is_ten_times_as_long_takes_no_more_memory() {
    let videos = [
        r#""video": { "type": "x264", "preset": "ultrafast", "depth": 8 }"#,
        r#""video": { "type": "x264", "preset": "ultrafast", "depth": 10 }"#,
        r#""video": { "type": "x264", "preset": "ultrafast" }, "picture": { "size": "160x120" }"#,
        r#""video": { "type": "x264", "preset": "ultrafast", "depth": 10, "chroma": "422" }"#,
        r#""video": { "type": "copy" }"#,
    ];
    let outputs = videos.iter().enumerate().map(|(number, video)| format!("{{ \"path\": \"{number}.mkv\", {video} }}"));
    let outputs = outputs.collect::<Vec<_>>().join(", ");
    let peak = |frames: u32| {
        let folder = folder();
        let source = clip(frames);
        let text =
            format!(r#"{{ "source": {{ "path": "{}" }}, "threads": 2, "outputs": [{outputs}] }}"#, source.display());
        let ran = trix("run {} -o {} --json", &[&file(&folder, "job.json", text), folder.path()]);
        let report = ran.done().json();
        assert_eq!(report["outputs"].as_array().map(Vec::len), Some(5));
        for output in report["outputs"].as_array().expect("outputs") {
            assert_eq!(output["tracks"][0]["packets"], frames, "{}", output["path"]);
        }
        ran.peak_kib
    };
    let (short, long) = (peak(60), peak(600));
    // If the queues grew, 540 more decoded frames would take 60 MiB, and the frames of all outputs 300 MiB.
    assert!(long < short + 40 * 1024, "{short} KiB for 60 frames, {long} KiB for 600");
}
