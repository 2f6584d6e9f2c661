//! Tests of several outputs from one decode. Each output equals the output of its own job and has its own ledger. If an
//! output fails, the job reports it and leaves no partial file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use trix_core::{
    Control, Error, ErrorKind, Job, Plan, Report, Source,
    control::progress::{Phase, Progress},
    plan::{FilterPlan, Sink},
    run_job,
    settings::video::Encoder,
};
use trix_fixtures::{Clip, folder, master, program};

use crate::support::{self, cancelled, number, slices, video_stream};

/// A job that writes `outputs` to `folder`. Each encoder has two threads unless the output states another number.
fn job(source: &Path, folder: &Path, outputs: Value) -> Job {
    let mut job: Job =
        serde_json::from_value(json!({ "source": { "path": source }, "outputs": outputs })).expect("a job");
    job.outputs.iter_mut().for_each(|output| output.threads = output.threads.or(Some(2)));
    job.write_into(folder);
    job
}

fn done(job: &Job) -> Report {
    let report = run_job(job, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(report.outputs.len(), job.outputs.len());
    report
}

fn plan(job: &Job) -> Plan {
    let source = Source::open_within(&job.source.path, Default::default()).expect("a source");
    trix_core::plan(job, &source).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the filter steps: the number of the step before, and the outputs that need the step.
fn steps(job: &Job) -> Vec<(Option<usize>, Vec<usize>)> {
    let file = |sink: Sink| match sink {
        Sink::Output(id) => id.0,
        Sink::Rendition { .. } => panic!("{sink:?} in a job without packages"),
    };
    let links = |step: FilterPlan| (step.after.map(|step| step.0), step.outputs.into_iter().map(file).collect());
    plan(job).filters.into_iter().map(links).collect()
}

/// The names in a folder, including hidden ones, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn x264(depth: u32) -> Value {
    json!({ "type": "x264", "preset": "ultrafast", "depth": depth })
}

fn x265(depth: u32) -> Value {
    json!({ "type": "x265", "preset": "ultrafast", "depth": depth })
}

fn none() -> Value {
    json!({ "type": "none" })
}

/// Five archive copies.
fn archive() -> Value {
    let copies = [("a", x264(8)), ("b", x264(10)), ("c", x265(8)), ("d", x265(10)), ("e", x265(12))];
    copies.map(|(name, video)| json!({ "path": format!("{name}.mkv"), "video": video, "audio": none() })).into()
}

/// Returns the first coded slice in which two files differ.
fn slices_differ(encoder: Encoder, one: &Path, other: &Path) -> Option<usize> {
    let (one, other) = (slices(one, encoder), slices(other, encoder));
    one.iter().zip(&other).position(|(a, b)| a != b).or((one.len() != other.len()).then_some(one.len()))
}

/// Asserts that each output of a job has the same bytes as the output of its own job. Returns the report of the job.
fn each_is_as_alone(job: &Job) -> Report {
    let report = done(job);
    let apart = folder();
    for output in &job.outputs {
        let path = apart.path().join(output.path.file_name().expect("a name"));
        let mut alone = Job { outputs: vec![output.clone()], ..job.clone() };
        alone.outputs[0].path.clone_from(&path);
        done(&alone);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (together, alone) = (fs::read(&output.path).expect("an output"), fs::read(&path).expect("an output"));
        let Some(differs) = together.iter().zip(&alone).position(|(a, b)| a != b) else {
            assert_eq!(together.len(), alone.len(), "{name}");
            continue;
        };
        // Compare slices first, so that the message states whether frames or other parts of the file differ.
        let slices = output.video.encode().map(|(encoder, _)| encoder).filter(|encoder| !encoder.is_mezzanine());
        let slices = slices.map(|encoder| slices_differ(encoder, &output.path, &path));
        panic!("{name}: byte {differs} is the first that differs; slices: {slices:?}");
    }
    report
}

#[test]
fn each_of_five_archive_copies_is_the_one_that_a_job_of_its_own_makes() {
    let source = Clip { frames: 12, ..Clip::of("yuv422p12le") }.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let job = job(&source, folder.path(), archive());
    // Copies with the same bit depth share filter steps.
    assert_eq!(steps(&job), [(None, vec![0, 2]), (None, vec![1, 3]), (None, vec![4])]);
    let report = each_is_as_alone(&job);
    let formats: Vec<String> =
        report.outputs.iter().map(|own| video_stream(&own.path)["pix_fmt"].to_string()).collect();
    assert_eq!(formats.join(" ").replace('"', ""), "yuv422p yuv422p10le yuv422p yuv422p10le yuv422p12le");
    for output in &report.outputs {
        let ledger = output.ledger.expect("a ledger");
        assert_eq!((ledger.decoded, ledger.emitted, ledger.found), (12, 12, Some(12)), "every frame is there");
        assert_eq!(number::<u64>(&video_stream(&output.path)["nb_read_frames"]), 12);
    }
}

#[test]
fn frames_deinterlaced_for_all_outputs_equal_those_for_one() {
    let folder = folder();
    let source = folder.path().join("fields.mkv");
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=180x144:r=50 -vf scroll=h=0.04,tinterlace=interleave_top,format=yuv420p -frames:v 24 \
         -c:v ffv1 -level 3 {}",
        source.display()
    ));
    let on = json!({ "deinterlace": "on" });
    let outputs = json!([
        { "path": "a.mkv", "video": x264(8), "picture": on },
        { "path": "b.mkv", "video": x265(10), "picture": on },
        { "path": "c.mp4", "video": { "type": "x264", "preset": "ultrafast" },
          "picture": { "deinterlace": "on", "size": { "width": 90, "height": 72 } } },
        { "path": "d.mkv", "video": x264(8), "picture": { "deinterlace": "fields" } },
        { "path": "e.mkv", "video": x264(8), "picture": { "deinterlace": "off" } }
    ]);
    let job = job(&source, folder.path(), outputs);
    let steps = steps(&job);
    assert_eq!(steps[0], (None, vec![0, 1, 2]), "fields are dealt with once: {steps:?}");
    assert_eq!(steps.iter().filter(|(after, _)| *after == Some(0)).count(), 3, "then each goes its way: {steps:?}");
    assert_eq!(steps.iter().filter(|(after, _)| after.is_none()).count(), 3, "{steps:?}");
    let report = each_is_as_alone(&job);
    let counts: Vec<u64> = report.outputs.iter().filter_map(|own| Some(own.ledger?.emitted)).collect();
    assert_eq!(counts, [24, 24, 24, 48, 24]);
    assert!(report.outputs.iter().all(|own| own.ledger.is_some_and(|ledger| ledger.decoded == 24)));
}

#[test]
fn rungs_of_a_ladder_are_what_each_would_be_alone() {
    let source = Clip { width: 320, height: 180, frames: 12, ..Clip::default() }
        .encoded("-c:v libx264 -preset fast -qp 10", "mp4");
    let folder = folder();
    let rung = |name: &str, height: i32| {
        json!({ "path": name, "audio": none(),
                "video": { "type": "x264", "preset": "veryfast" },
                "picture": { "size": { "width": -2, "height": height } } })
    };
    let outputs = json!([
        rung("180.mp4", 180), rung("120.mkv", 120), rung("120.mov", 120), rung("90.ts", 90),
        { "path": "cropped.mkv", "video": x265(8), "audio": none(),
          "picture": { "crop": { "type": "rectangle", "width": 160, "height": 90, "left": 16, "top": 8 } } }
    ]);
    let job = job(&source, folder.path(), outputs);
    assert_eq!(
        steps(&job).into_iter().map(|(_, outputs)| outputs).collect::<Vec<_>>(),
        [vec![0], vec![1, 2], vec![3], vec![4]]
    );
    let report = each_is_as_alone(&job);
    let heights: Vec<u64> =
        report.outputs.iter().filter_map(|own| video_stream(&own.path)["height"].as_u64()).collect();
    assert_eq!(heights, [180, 120, 120, 90, 90]);
}

#[test]
fn outputs_of_two_passes_and_of_one_share_a_source_with_copies() {
    let source = Clip::default().encoded("-c:v libx264 -preset fast -bf 0 -g 10", "mkv");
    let folder = folder();
    let outputs = json!([
        { "path": "two.mp4", "video": { "type": "x264", "preset": "fast", "rate": { "type": "bitrate", "kbps": 300, "passes": 2 } } },
        { "path": "one.mkv", "video": { "type": "x264", "preset": "fast", "rate": { "type": "crf", "value": 25 } } },
        { "path": "two-265.mkv", "video": { "type": "x265", "preset": "ultrafast", "rate": { "type": "bitrate", "kbps": 200, "passes": 2 } } },
        { "path": "lossless.mkv", "video": { "type": "ffv1" }, "verify": "full" },
        { "path": "copy.mp4", "video": { "type": "copy" } }
    ]);
    let report = each_is_as_alone(&job(&source, folder.path(), outputs));
    assert_eq!(report.outputs[3].verification.lossless_frames, Some(30));
    assert_eq!(report.outputs[4].ledger, None, "nothing was decoded for a copy");
    assert_eq!(number::<u64>(&video_stream(&report.outputs[4].path)["nb_read_frames"]), 30);
}

/// Returns the names of the queues in a running job, sorted.
fn queues(job: &Job) -> Vec<String> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let watch = move |progress: &Progress| {
        let mut seen = kept.lock().expect("a list");
        seen.extend(progress.queues.iter().map(|queue| queue.name.clone()));
    };
    run_job(job, &Control { progress: Some(Arc::new(watch)), ..Default::default() })
        .unwrap_or_else(|error| panic!("{error}"));
    let mut seen = seen.lock().expect("a list").clone();
    seen.sort();
    seen.dedup();
    seen
}

#[test]
fn audio_is_copied_dropped_or_encoded_by_output_and_equal_encodes_are_shared() {
    let folder = folder();
    let aac = json!({ "type": "aac", "kbps": 96 });
    let quick = |encoder: &str| json!({ "type": encoder, "preset": "ultrafast" });
    let small = json!({ "size": { "width": 96, "height": 64 } });
    let outputs = json!([
        { "path": "a.mp4", "video": quick("x264"), "picture": small, "audio": aac },
        { "path": "b.mov", "video": none(), "audio": { "type": "copy" } },
        { "path": "c.mkv", "video": quick("x265"), "picture": small, "audio": { "type": "flac" } },
        { "path": "d.mp4", "video": none(), "audio": aac },
        { "path": "e.mkv", "video": quick("x264"), "picture": small, "audio": { "type": "opus" },
          "audio_shape": { "layout": "mono" } },
        { "path": "f.ts", "video": quick("x264"), "picture": small, "audio": none() }
    ]);
    let job = job(&master(), folder.path(), outputs);
    let report = each_is_as_alone(&job);
    let tracks: Vec<usize> = report.outputs.iter().map(|own| own.plan.audio.len()).collect();
    assert_eq!(tracks, [2, 2, 2, 2, 2, 0]);
    for (number, codec) in [(0, "aac"), (1, "pcm_s24le"), (2, "flac"), (4, "opus")] {
        let streams = support::ffprobe(&report.outputs[number].path, "-select_streams a -show_streams");
        let codecs: Vec<&Value> =
            streams["streams"].as_array().expect("streams").iter().map(|own| &own["codec_name"]).collect();
        assert_eq!(codecs, [codec, codec]);
    }
    // Six audio encoders: two tracks as AAC for two outputs, as FLAC and as Opus. Three outputs share the encode of
    // x264. There is one decoder for the frames and one for each track.
    job.outputs.iter().for_each(|output| fs::remove_file(&output.path).expect("an output"));
    let queues = queues(&job);
    let count = |begin: &str| queues.iter().filter(|name| name.starts_with(begin)).count();
    assert_eq!((count("audio"), count("decode"), count("encode"), count("mux")), (6, 3, 2, 6), "{queues:?}");
}

#[test]
fn the_account_of_each_output_of_a_cut_adds_up() {
    let source = Clip { frames: 50, ..Clip::default() }.encoded("-c:v libx264 -preset fast -bf 2", "mp4");
    let folder = folder();
    let outputs = json!([
        { "path": "a.mkv", "video": x264(8) },
        { "path": "b.mp4", "video": x265(10) },
        { "path": "c.mkv", "video": x264(8), "picture": { "rate": "50" } },
        { "path": "d.mkv", "video": { "type": "ffv1" }, "verify": "full" }
    ]);
    let mut job = job(&source, folder.path(), outputs);
    job.source.start = Some("0.4".parse().expect("a time"));
    job.source.frames = Some(20);
    let report = each_is_as_alone(&job);
    for output in &report.outputs {
        let ledger = output.ledger.expect("a ledger");
        let given = if output.path.ends_with("c.mkv") { 40 } else { 20 };
        assert_eq!((ledger.dropped_before_start, ledger.filter.taken, ledger.emitted), (10, 20, given), "{ledger:?}");
        assert_eq!(ledger.decoded, 10 + 20 + ledger.dropped_after_end);
        assert_eq!(ledger.found, Some(given));
        ledger.balance().expect("sums agree");
        assert_eq!(number::<u64>(&video_stream(&output.path)["nb_read_frames"]), given);
    }
}

/// Calls `what` once while the job encodes.
fn meanwhile(what: impl Fn() + Send + Sync + 'static) -> Control {
    let done = AtomicBool::new(false);
    let watch = move |progress: &Progress| {
        if progress.phase == Phase::Encode && !done.swap(true, Ordering::SeqCst) {
            what();
        }
    };
    Control { progress: Some(Arc::new(watch)), ..Default::default() }
}

/// A job with three outputs. The second output goes to a separate folder.
fn three(folder: &Path) -> Job {
    fs::create_dir(folder.join("apart")).expect("a folder");
    let outputs = json!([
        { "path": "a.mkv", "video": x264(8), "audio": none() },
        { "path": "apart/b.mkv", "video": x264(8), "audio": none() },
        { "path": "c.mp4", "video": x265(10), "audio": none() }
    ]);
    job(&Clip::default().y4m(), folder, outputs)
}

/// Runs a job and removes the folder of its second output meanwhile.
fn without_its_folder(job: &Job, folder: &Path) -> Result<Report, Error> {
    let apart = folder.join("apart");
    run_job(job, &meanwhile(move || fs::remove_dir_all(&apart).expect("a folder")))
}

#[test]
fn a_failed_output_fails_the_job_and_the_error_names_finished_outputs() {
    let folder = folder();
    let mut job = three(folder.path());
    job.outputs[0].overwrite = true;
    fs::write(&job.outputs[0].path, "dear").expect("a file");
    let error = without_its_folder(&job, folder.path()).expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}: ", job.outputs[1].path.display())), "{text}");
    assert!(text.contains(&format!("finished, but not kept: {}", job.outputs[0].path.display())), "{text}");
    assert_eq!(names(folder.path()), ["a.mkv"]);
    assert_eq!(fs::read(&job.outputs[0].path).expect("the file"), b"dear");
}

#[test]
fn a_failed_output_leaves_the_others_whole_where_the_job_says_so() {
    let folder = folder();
    let mut job = three(folder.path());
    job.on_output_failure = serde_json::from_str("\"continue\"").expect("a word");
    let report = without_its_folder(&job, folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    assert_eq!((&failed.path, failed.kind), (&job.outputs[1].path, ErrorKind::Io));
    assert!(failed.error.contains("No such file"), "{}", failed.error);
    let made: Vec<&PathBuf> = report.outputs.iter().map(|own| &own.path).collect();
    assert_eq!(made, [&job.outputs[0].path, &job.outputs[2].path]);
    for output in &report.outputs {
        assert!(output.verification.checks.len() > 5 && output.verification.checks.iter().all(|check| check.ok));
        assert_eq!(output.ledger.expect("a ledger").found, Some(30));
        assert_eq!(number::<u64>(&video_stream(&output.path)["nb_read_frames"]), 30);
    }
    assert_eq!(names(folder.path()), ["a.mkv", "c.mp4"]);
}

#[test]
fn a_job_fails_when_all_of_its_outputs_fail() {
    let folder = folder();
    let apart = folder.path().join("apart");
    fs::create_dir(&apart).expect("a folder");
    let mut job = job(&Clip::default().y4m(), &apart, archive());
    job.on_output_failure = serde_json::from_str("\"continue\"").expect("a word");
    let error = without_its_folder(&job, folder.path()).expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn renames_are_undone_when_the_last_rename_fails() {
    for then in ["fail", "continue"] {
        let folder = folder();
        let mut job = three(folder.path());
        job.on_output_failure = serde_json::from_value(then.into()).expect("a word");
        job.outputs.swap(1, 2);
        job.outputs[0].overwrite = true;
        fs::write(&job.outputs[0].path, "dear").expect("a file");
        // A file that takes the name during the job is noticed when everything else is done.
        let taken = job.outputs[2].path.clone();
        let result = run_job(&job, &meanwhile(move || fs::write(&taken, "of another").expect("a file")));
        assert_eq!(fs::read(&job.outputs[2].path).expect("the file"), b"of another");
        assert_eq!(names(&folder.path().join("apart")), ["b.mkv"]);
        match result {
            Ok(report) => {
                assert_eq!(then, "continue");
                assert_eq!((report.outputs.len(), report.failed.len()), (2, 1));
                assert_eq!(report.failed[0].path, job.outputs[2].path);
                assert_eq!(names(folder.path()), ["a.mkv", "apart", "c.mp4"]);
                assert_eq!(number::<u64>(&video_stream(&job.outputs[0].path)["nb_read_frames"]), 30);
            }
            Err(error) => {
                assert_eq!((then, error.kind()), ("fail", ErrorKind::Io), "{error}");
                assert!(error.to_string().contains("b.mkv"), "{error}");
                assert_eq!(names(folder.path()), ["a.mkv", "apart"]);
                assert_eq!(fs::read(&job.outputs[0].path).expect("the file"), b"dear", "it is as it was");
            }
        }
    }
}

#[test]
fn an_output_that_fails_verification_fails_alone() {
    for then in ["fail", "continue"] {
        let folder = folder();
        let mut job = three(folder.path());
        job.on_output_failure = serde_json::from_value(then.into()).expect("a word");
        let part = folder.path().join("apart/.b.mkv.trix-part");
        // The callback sees the file grow and overwrites the same bytes each time. The last call comes after the last
        // write.
        let spoil = move |progress: &Progress| {
            let Ok(mut bytes) = fs::read(&part) else { return };
            if progress.phase == Phase::Encode && bytes.len() > 9000 {
                bytes[8000..8200].fill(0x55);
                let file = fs::OpenOptions::new().write(true).open(&part).expect("the part file");
                std::os::unix::fs::FileExt::write_all_at(&file, &bytes[8000..8200], 8000).expect("written");
            }
        };
        let result = run_job(&job, &Control { progress: Some(Arc::new(spoil)), ..Default::default() });
        match result {
            Ok(report) => {
                assert_eq!(then, "continue");
                assert_eq!(report.failed.iter().map(|own| own.kind).collect::<Vec<_>>(), [ErrorKind::Verification]);
                assert!(report.failed[0].error.contains("b.mkv"), "{}", report.failed[0].error);
                assert_eq!(names(folder.path()), ["a.mkv", "apart", "c.mp4"]);
            }
            Err(error) => {
                assert_eq!((then, error.kind()), ("fail", ErrorKind::Verification), "{error}");
                assert_eq!(names(folder.path()), ["apart"]);
            }
        }
        assert_eq!(names(&folder.path().join("apart")), [""; 0]);
    }
}

#[test]
fn a_mistake_found_before_decoding_fails_all_outputs() {
    for then in ["fail", "continue"] {
        let folder = folder();
        let mut job = three(folder.path());
        job.on_output_failure = serde_json::from_value(then.into()).expect("a word");
        // A file with this name exists.
        fs::write(&job.outputs[1].path, "dear").expect("a file");
        let error = run_job(&job, &Control::default()).expect_err("a name that is taken");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("b.mkv") && error.to_string().contains("exists already"), "{error}");
        assert_eq!(fs::read(&job.outputs[1].path).expect("the file"), b"dear");
        assert_eq!(names(folder.path()), ["apart"]);
        fs::remove_file(&job.outputs[1].path).expect("the file");
        // Two names for one file.
        fs::write(folder.path().join("c.mp4"), "dear").expect("a file");
        fs::hard_link(folder.path().join("c.mp4"), &job.outputs[1].path).expect("a link");
        job.outputs.iter_mut().for_each(|output| output.overwrite = true);
        let error = run_job(&job, &Control::default()).expect_err("one file");
        assert!(error.to_string().contains("another output of the job under a second name"), "{error}");
    }
}

#[test]
fn an_encoder_that_refuses_when_it_is_opened_fails_the_job_or_its_output_alone() {
    for then in ["fail", "continue"] {
        let folder = folder();
        let mut job = three(folder.path());
        job.on_output_failure = serde_json::from_value(then.into()).expect("a word");
        job.outputs[1].video =
            serde_json::from_value(json!({ "type": "x264", "depth": 10, "profile": "baseline" })).expect("settings");
        let text = format!("{}: encode: x264: profile baseline", job.outputs[1].path.display());
        let frames = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&frames);
        let watch = move |progress: &Progress| *seen.lock().expect("a lock") = progress.frame;
        match run_job(&job, &Control { progress: Some(Arc::new(watch)), ..Default::default() }) {
            Ok(report) => {
                assert_eq!(then, "continue");
                assert_eq!(*frames.lock().expect("a lock"), 30, "the progress is that of the others");
                let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
                assert_eq!((&failed.path, failed.kind), (&job.outputs[1].path, ErrorKind::InvalidSpec));
                assert!(failed.error.starts_with(&text), "{}", failed.error);
                assert_eq!(names(folder.path()), ["a.mkv", "apart", "c.mp4"]);
                for output in &report.outputs {
                    assert!(output.verification.checks.iter().all(|check| check.ok));
                    assert_eq!(output.ledger.expect("a ledger").found, Some(30));
                    assert_eq!(number::<u64>(&video_stream(&output.path)["nb_read_frames"]), 30);
                }
            }
            Err(error) => {
                assert_eq!((then, error.kind()), ("fail", ErrorKind::InvalidSpec), "{error}");
                assert!(error.to_string().starts_with(&text), "{error}");
                assert_eq!(names(folder.path()), ["apart"]);
            }
        }
        assert_eq!(names(&folder.path().join("apart")), [""; 0]);
    }
}

/// Makes two seconds of a tone. One sample, after a second and a half, is NaN.
fn tone_with_a_hole() -> PathBuf {
    trix_fixtures::clip::made("tone-with-a-hole.wav", |path| {
        let samples = (0..96_000).map(|n| if n == 72_000 { f32::NAN } else { (n as f32 * 0.05).sin() * 0.25 });
        let raw = path.with_extension("raw");
        fs::write(&raw, samples.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).expect("samples");
        program::ffmpeg(&format!("-f f32le -ar 48000 -ac 1 -i {} -c:a pcm_f32le {}", raw.display(), path.display()));
        fs::remove_file(raw).expect("samples that go away");
    })
}

#[test]
fn an_audio_encoder_that_fails_names_its_output_and_the_time_and_keeps_its_cause() {
    let folder = folder();
    let outputs = json!([
        { "path": "a.mkv", "video": none(), "audio": { "type": "aac" } },
        { "path": "b.mkv", "video": none(), "audio": { "type": "pcm" } },
        { "path": "c.mp4", "video": none(), "audio": { "type": "aac" } }
    ]);
    let mut job = job(&tone_with_a_hole(), folder.path(), outputs);
    let source = job.source.path.clone();
    let error = run_job(&job, &Control::default()).expect_err("no number");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Codec, trix_core::error::Stage::Encode), "{error}");
    // The MP4 file needs no silence before the encoder delay, but Matroska does, so each file has its own encode.
    // Either can fail first.
    let names_its_output =
        |number: usize| error.to_string().starts_with(&format!("{}: encode, ", job.outputs[number].path.display()));
    assert!(names_its_output(0) || names_its_output(2), "{error}");
    assert!(error.to_string().contains(&source.display().to_string()), "whose stream it is: {error}");
    // The encoder holds back a few blocks of 1024 samples.
    assert!(error.time().is_some_and(|time| (1.45..1.6).contains(&time.to_f64())), "{error}");
    assert!(error.cause().is_some(), "{error}");
    // The audio of two outputs fails, and the third output succeeds.
    job.on_output_failure = serde_json::from_str("\"continue\"").expect("a word");
    let report = run_job(&job, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let failed: Vec<&PathBuf> = report.failed.iter().map(|own| &own.path).collect();
    assert_eq!(failed, [&job.outputs[0].path, &job.outputs[2].path]);
    for own in &report.failed {
        assert!(own.error.starts_with(&format!("{}: encode, ", own.path.display())), "{}", own.error);
        assert!(own.error.contains(", at 00:00:01."), "{}", own.error);
    }
    assert_eq!(names(folder.path()), ["b.mkv"]);
    let kept = program::ffmpeg(&format!("-i {} -f f32le -", job.outputs[1].path.display())).stdout;
    assert_eq!(kept.len(), 96_000 * 4, "all samples of the third");
}

#[test]
fn a_cancelled_job_of_five_outputs_returns_within_200_ms_and_leaves_nothing() {
    const PROMISE: Duration = Duration::from_millis(200);
    let clip = Clip { width: 640, height: 360, frames: 60, ..Clip::default() };
    let source = clip.encoded("-c:v libx264 -preset ultrafast", "mp4");
    let attempt = || {
        let folder = folder();
        let mut job = job(&source, folder.path(), archive());
        for output in &mut job.outputs {
            let mut video = serde_json::to_value(&output.video).expect("JSON");
            video["preset"] = "veryslow".into();
            output.video = serde_json::from_value(video).expect("settings");
        }
        let (error, took) = cancelled(job);
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
        took
    };
    // A busy machine can wake a thread late.
    let took = (0..3).map(|_| attempt()).min().expect("three attempts");
    assert!(took <= PROMISE, "{took:?}");
}
