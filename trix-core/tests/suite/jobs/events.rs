//! Tests of what a host program sees of a job: events, calls of the progress callback, and the threads of a cancelled
//! job.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use trix_core::{
    Control, ErrorKind, Job, OnDamage, Stage,
    control::{
        events::Event,
        progress::{Phase, Progress},
    },
    run_job,
    settings::video::{EncodeSettings, VideoSettings},
};
use trix_fixtures::{Clip, folder, master};

use crate::support;

/// The time within which a job stops after a cancellation, by the documentation.
const PROMISE: Duration = Duration::from_millis(200);

/// Much longer than [`PROMISE`], and longer than a whole quick job.
const SLOW: Duration = Duration::from_secs(3);

fn job(source: &Path, folder: &Path, value: serde_json::Value) -> Job {
    let mut value = value;
    value["source"] = json!({ "path": source });
    let mut job: Job = serde_json::from_value(value).expect("a job");
    job.write_into(folder);
    job
}

/// Runs a job while another thread reads its events.
fn heard(job: Job) -> (trix_core::Result<trix_core::Report>, Vec<Event>) {
    let (control, events) = Control::with_events();
    let running = thread::spawn(move || run_job(&job, &control));
    let events = events.iter().collect();
    (running.join().expect("no panic"), events)
}

/// Returns the total size of the files in `path` and below it, in bytes.
fn size(path: &Path) -> u64 {
    let metadata = fs::metadata(path).expect("a file");
    match metadata.is_dir() {
        true => fs::read_dir(path).expect("a folder").map(|entry| size(&entry.expect("an entry").path())).sum(),
        false => metadata.len(),
    }
}

#[test]
fn events_tell_a_job_from_its_beginning_to_its_end() {
    let folder = folder();
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let two = json!({ "type": "x264", "preset": "ultrafast", "rate": { "type": "bitrate", "kbps": 300, "passes": 2 } });
    let job = job(
        &master(),
        folder.path(),
        json!({
            "outputs": [
                { "path": "a.mkv", "video": two, "verify": "full" },
                { "path": "b.mp4", "video": x264, "picture": { "rate": "50" } },
            ],
            "packages": [{ "path": "package", "ladder": [{ "height": 96, "video": x264 }] }],
            "stills": [{ "type": "poster", "path": "c.jpg" }],
        }),
    );
    let (report, events) = heard(job);
    report.expect("a report");
    let began: Vec<(Stage, u32, u32)> = events
        .iter()
        .filter_map(|event| match event {
            Event::StageBegan { stage, pass, passes } => Some((*stage, *pass, *passes)),
            _ => None,
        })
        .collect();
    let encode = |pass| (Stage::Encode, pass, 2);
    assert_eq!(
        began,
        [(Stage::Source, 1, 1), (Stage::Plan, 1, 1), encode(1), encode(2), (Stage::Verify, 1, 1)],
        "{events:#?}"
    );
    assert_eq!(events.last(), Some(&Event::JobEnded { error: None }));
    // The last progress event of each output in the pass that wrote it, and of the verified file.
    let names = ["a.mkv", "b.mp4", "package"].map(|name| folder.path().join(name));
    for (number, part, frames) in
        [(0, Stage::Encode, 50), (1, Stage::Encode, 100), (2, Stage::Encode, 50), (0, Stage::Verify, 50)]
    {
        let is_own = |event: &&Event| matches!(event, Event::Progress { output, stage, .. } if *output == number && *stage == part);
        let last = events.iter().rfind(is_own);
        let Some(Event::Progress { path, frames: done, frames_expected, fps, bytes, .. }) = last else {
            panic!("no progress of output {number}: {events:#?}")
        };
        assert_eq!((path, *done, *frames_expected), (&names[number], frames, Some(frames)), "{part}");
        assert!(*fps > 0.0, "{last:?}");
        if part == Stage::Encode {
            assert_eq!(*bytes, size(path), "{last:?}");
        }
    }
    let done: Vec<(PathBuf, u64)> = events
        .iter()
        .filter_map(|event| match event {
            Event::OutputDone { path, bytes } => Some((path.clone(), *bytes)),
            _ => None,
        })
        .collect();
    let all = ["a.mkv", "b.mp4", "package", "c.jpg"].map(|name| folder.path().join(name));
    assert_eq!(done, all.map(|path| (path.clone(), size(&path))));
}

#[test]
fn events_of_damage_and_warnings_are_those_of_the_report() {
    let whole = Clip::default().encoded("-c:v mpeg2video -qscale:v 3 -g 5", "ts");
    let mut bytes = fs::read(whole).expect("a fixture");
    let at = bytes.len() / 2;
    bytes.drain(at..at + 188 * 3);
    let folder = folder();
    let source = folder.path().join("damaged.ts");
    fs::write(&source, bytes).expect("a source");
    let x264 =
        json!({ "type": "x264", "preset": "ultrafast", "rate": { "type": "bitrate", "kbps": 300, "passes": 2 } });
    let mut job = job(&source, folder.path(), json!({ "outputs": [{ "path": "a.mkv", "video": x264 }] }));
    job.source.on_damage = OnDamage::Conceal;
    let (report, events) = heard(job);
    let report = report.expect("a report");
    let (mut damage, mut notes, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::DamageFound { track: None, damage: found } => damage.push(found),
            Event::Warning { path: None, text } => notes.push(text),
            Event::Warning { path: Some(path), text } => {
                assert_eq!(path, report.outputs[0].path);
                warnings.push(text);
            }
            _ => {}
        }
    }
    assert!(!report.damage.is_empty() && damage.iter().any(|found| found.stream.is_some()), "{damage:?}");
    assert_eq!(damage.len() as u64, report.damage.total());
    // Several threads find damage, so the order of the list and the order of the events can differ.
    let sorted = |mut list: Vec<trix_core::damage::Damage>| {
        list.sort_by_key(|found| format!("{found:?}"));
        list
    };
    assert_eq!(sorted(damage), sorted(report.damage.first));
    assert_eq!(notes, report.notes);
    assert_eq!(warnings, report.outputs[0].warnings);
}

#[test]
fn events_tell_what_failed() {
    let folder = folder();
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let outputs = json!([{ "path": "a.mkv", "video": x264 }, { "path": "b/b.mkv", "video": x264 }]);
    fs::create_dir(folder.path().join("b")).expect("a folder");
    let job = job(&master(), folder.path(), json!({ "on_output_failure": "continue", "outputs": outputs }));
    let (control, events) = Control::with_events();
    let (apart, once) = (folder.path().join("b"), AtomicBool::new(true));
    let progress = move |_: &Progress| {
        if once.swap(false, Ordering::SeqCst) {
            fs::remove_dir_all(&apart).expect("a folder");
        }
    };
    let report = run_job(&job, &Control { progress: Some(Arc::new(progress)), ..control }).expect("a report");
    let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    let events: Vec<Event> = events.iter().collect();
    let stated: Vec<(&PathBuf, &str)> = events
        .iter()
        .filter_map(|event| match event {
            Event::OutputFailed { path, error } => Some((path, error.message.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(stated, [(&failed.path, failed.error.as_str())]);
    assert_eq!(events.last(), Some(&Event::JobEnded { error: None }));

    let missing = Job::new("/nonexistent/a.mov", folder.path().join("c.mkv"));
    let (result, events) = heard(missing);
    let error = result.expect_err("no such file");
    let Some(Event::JobEnded { error: Some(stated) }) = events.last() else { panic!("{events:?}") };
    assert_eq!((stated.kind, &stated.message), (ErrorKind::Io, &error.to_string()));
}

#[test]
fn a_job_whose_events_no_one_reads_ends_as_any_other() {
    let folder = folder();
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let job = job(&master(), folder.path(), json!({ "outputs": [{ "path": "a.mkv", "video": x264 }] }));
    let (control, events) = Control::with_events();
    let report = run_job(&job, &control).expect("a report");
    // The events are still in the queue, and none is missing.
    let waiting: Vec<Event> = std::iter::from_fn(|| events.try_recv()).collect();
    assert!(
        waiting.contains(&Event::OutputDone { path: report.outputs[0].path.clone(), bytes: report.outputs[0].bytes })
    );
    assert_eq!(waiting.last(), Some(&Event::JobEnded { error: None }));
    assert!(waiting.iter().all(|event| !matches!(event, Event::Missed { .. })));
    let progress = waiting.iter().filter(|event| matches!(event, Event::Progress { .. }));
    assert_eq!(progress.count(), 1);
    drop(events);
    fs::remove_file(&report.outputs[0].path).expect("an output");
    run_job(&job, &control).expect("a report without a reader");
}

/// Cancels a job in `phase` while its callback sleeps for [`SLOW`]. Returns the time until the job returned.
fn cancelled_in(phase: Phase, source: &Path, settings: serde_json::Value) -> Duration {
    let folder = folder();
    let job = job(source, folder.path(), json!({ "outputs": [settings] }));
    // The test does not read the events.
    let (control, _events) = Control::with_events();
    let (cancel, asked): (_, Arc<Mutex<Option<Instant>>>) = (control.cancel.clone(), Arc::default());
    let at = Arc::clone(&asked);
    let progress = move |progress: &Progress| {
        // Verification has begun when the first frame was compared.
        if progress.phase != phase || (phase == Phase::Verify && progress.frame == 0) {
            return;
        }
        let mut at = at.lock().expect("a lock");
        assert!(at.is_none(), "called again after the cancellation");
        *at = Some(Instant::now());
        drop(at);
        cancel.cancel();
        thread::sleep(SLOW);
    };
    let control = Control { progress: Some(Arc::new(progress)), ..control };
    let error = run_job(&job, &control).expect_err("cancelled");
    let took = asked.lock().expect("a lock").expect("the callback was called").elapsed();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    took
}

#[test]
fn a_callback_that_sleeps_for_seconds_does_not_delay_a_cancellation() {
    let clip = Clip { width: 1280, height: 720, frames: 150, ..Clip::default() };
    let source = clip.encoded("-c:v libx264 -preset ultrafast", "mp4");
    let slow = json!({ "path": "a.mkv", "video": { "type": "x265", "preset": "veryslow" } });
    let quick = json!({ "path": "a.mkv", "video": { "type": "x264", "preset": "ultrafast" }, "verify": "full" });
    for (phase, settings) in [(Phase::Encode, slow), (Phase::Verify, quick)] {
        // A busy machine can wake a thread late, so one prompt return in three attempts is enough.
        let took = (0..3).map(|_| cancelled_in(phase, &source, settings.clone())).min().expect("three attempts");
        assert!(took <= PROMISE, "{phase:?}: {took:?}");
    }
}

#[test]
fn a_slow_callback_gets_the_last_progress_and_holds_up_no_stage() {
    let folder = folder();
    let clip = Clip { frames: 250, ..Clip::default() }.y4m();
    let x264 = json!({ "type": "x264", "preset": "medium" });
    let job = job(&clip, folder.path(), json!({ "outputs": [{ "path": "a.mkv", "video": x264 }] }));
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (list, busy) = (Arc::clone(&seen), Arc::new(AtomicU64::new(0)));
    let progress = move |progress: &Progress| {
        assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "two calls at once");
        list.lock().expect("a list").push(progress.frame);
        thread::sleep(SLOW);
        busy.fetch_sub(1, Ordering::SeqCst);
    };
    let report =
        run_job(&job, &Control { progress: Some(Arc::new(progress)), ..Control::default() }).expect("a report");
    let seen = seen.lock().expect("a list");
    // Each call lasts longer than fifteen ticks of the timer, and all progress in that time gives one call.
    assert!(seen.len() <= 3, "{seen:?}");
    assert_eq!(seen.last(), Some(&250));
    assert_eq!(report.outputs[0].ledger.expect("video").found, Some(250));
}

#[test]
fn a_callback_that_panics_ends_the_job_with_its_panic_and_leaves_nothing() {
    let folder = folder();
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let job = job(&master(), folder.path(), json!({ "outputs": [{ "path": "a.mkv", "video": x264 }] }));
    let control = Control { progress: Some(Arc::new(|_| panic!("no more"))), ..Control::default() };
    let panic = thread::scope(|scope| scope.spawn(|| run_job(&job, &control)).join().expect_err("a panic"));
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"no more"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    assert_eq!(control.stages_left(), 0);
}

/// Returns the names of the stage threads in this process.
fn stages() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("trix-")).collect()
}

/// Asserts that no stage thread is left.
fn none_is_left(control: &Control) {
    assert_eq!(control.stages_left(), 0);
    // The system lists a thread for a moment after it was joined.
    let began = Instant::now();
    while !stages().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", stages());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn threads_of_a_job_are_joined_or_can_be_waited_for() {
    support::alone(module_path!(), "threads_of_jobs_in_a_process", &[]);
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn threads_of_jobs_in_a_process() {
    let folder = folder();
    let clip = Clip { width: 1280, height: 720, frames: 60, ..Clip::default() };
    let source = clip.encoded("-c:v libx264 -preset ultrafast", "mp4");
    // A successful job joins its threads.
    let x264 = json!({ "type": "x264", "preset": "ultrafast" });
    let job = job(&source, folder.path(), json!({ "outputs": [{ "path": "a.mkv", "video": x264 }] }));
    let control = Control::default();
    run_job(&job, &control).expect("a report");
    none_is_left(&control);
    // A failed job, too.
    let error = run_job(&job, &control).expect_err("the name is taken");
    assert_eq!(error.kind(), ErrorKind::Io);
    none_is_left(&control);
    // A job that is cancelled during a call of an encoder reports the number of remaining threads until none is left.
    let mut left = 0;
    for _ in 0..3 {
        let mut job = Job::new(&source, folder.path().join("b.mkv"));
        let settings = EncodeSettings { preset: Some("placebo".into()), ..EncodeSettings::default() };
        job.outputs[0].video = VideoSettings::X265(settings);
        let control = Control::default();
        let (own, cancel) = (control.clone(), control.cancel.clone());
        let running = thread::spawn(move || run_job(&job, &own));
        thread::sleep(Duration::from_millis(700));
        cancel.cancel();
        assert_eq!(running.join().expect("no panic").expect_err("cancelled").kind(), ErrorKind::Cancelled);
        let now = control.stages_left();
        assert!(now <= 6, "{now}");
        left = left.max(now);
        assert!(control.wait_for_stages(Duration::from_secs(120)), "{} left, {:?}", control.stages_left(), stages());
        none_is_left(&control);
    }
    println!("at most {left} stages were left when the job returned");
}
