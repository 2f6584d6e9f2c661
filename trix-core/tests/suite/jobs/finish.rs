//! Tests of the time after the last encoded frame: Trix checks, hashes and compares every file, several at once.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use trix_core::{
    Control, ErrorKind, Job, OnDamage, Report, Source,
    control::progress::{Phase, Progress},
    plan::Cut,
    quality::Score,
    reading::reader::FrameReader,
    run_job,
};
use trix_fixtures::{Clip, folder, program};

fn job(source: &Path, folder: &Path, outputs: Value) -> Job {
    let mut job: Job =
        serde_json::from_value(json!({ "source": { "path": source }, "outputs": outputs, "hash": true }))
            .expect("a job");
    job.write_into(folder);
    job
}

/// An output with quick H.264 and full verification.
fn full(name: &str) -> Value {
    let video = json!({ "type": "x264", "preset": "ultrafast", "rate": { "type": "crf", "value": 30 }, "depth": 8 });
    json!({ "path": name, "video": video, "audio": { "type": "none" }, "threads": 1, "verify": "full" })
}

fn followed(job: &Job, progress: impl Fn(&Progress) + Send + Sync + 'static) -> trix_core::Result<Report> {
    run_job(job, &Control { progress: Some(Arc::new(progress)), ..Default::default() })
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn sha256sum(file: &Path) -> String {
    let output = program::run("sha256sum", [file]);
    program::text(&output).split(' ').next().unwrap_or_default().to_owned()
}

/// Returns the planes of every frame of an 8-bit file, each with its width.
fn frame_planes(file: &Path) -> Vec<Vec<(usize, Vec<u8>)>> {
    let source = Source::open_within(file, Default::default()).expect("a source");
    let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 1).expect("a reader");
    let mut list = Vec::new();
    while let Some(frame) = reader.next_frame().expect("a frame") {
        let planes = frame.frame.planes();
        list.push(planes.iter().map(|plane| (plane.width, plane.rows().flatten().copied().collect())).collect());
    }
    list
}

/// Computes SSIM of two 8-bit planes in plain loops, window by window.
fn plain_ssim(x: &[u8], y: &[u8], width: usize) -> f64 {
    let height = x.len() / width;
    let (c1, c2) = ((0.0001f64 * 255.0 * 255.0 * 64.0).round(), (0.0009f64 * 255.0 * 255.0 * 64.0 * 63.0).round());
    let (rows, columns) = (height / 4 - 1, width / 4 - 1);
    let mut total = 0.0;
    for row in 0..rows {
        let mut of_row = 0.0;
        for column in 0..columns {
            let (mut sx, mut sy, mut squares, mut products) = (0u64, 0, 0, 0);
            for at in (0..64).map(|at| (row * 4 + at / 8) * width + column * 4 + at % 8) {
                let (a, b) = (u64::from(x[at]), u64::from(y[at]));
                (sx, sy, squares, products) = (sx + a, sy + b, squares + a * a + b * b, products + a * b);
            }
            let [sx, sy, squares, products] = [sx, sy, squares, products].map(|sum| sum as f64);
            let (means, mean_squares) = (sx * sy, sx * sx + sy * sy);
            let (covariance, variances) = (products * 64.0 - means, squares * 64.0 - mean_squares);
            of_row += ((2.0 * means + c1) * (2.0 * covariance + c2)) / ((mean_squares + c1) * (variances + c2));
        }
        total += of_row;
    }
    total / (rows * columns) as f64
}

/// Computes PSNR and SSIM of a whole clip, and SSIM of each plane, without threads or strips.
fn plain(reference: &Path, copy: &Path) -> (f64, f64, Vec<f64>) {
    let (left, right) = (frame_planes(reference), frame_planes(copy));
    assert_eq!(left.len(), right.len());
    let frames = left.len() as f64;
    let mut similarities = vec![0.0; left[0].len()];
    let mut errors = vec![0u64; left[0].len()];
    for (left, right) in left.iter().zip(&right) {
        for (plane, ((width, x), (_, y))) in left.iter().zip(right).enumerate() {
            similarities[plane] += if x == y { 1.0 } else { plain_ssim(x, y, *width) };
            errors[plane] += x.iter().zip(y).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
        }
    }
    let sizes: Vec<f64> = left[0].iter().map(|(_, plane)| plane.len() as f64).collect();
    let samples: f64 = sizes.iter().sum();
    let error: f64 = errors.iter().map(|error| *error as f64).sum();
    let similarity: f64 = similarities.iter().zip(&sizes).map(|(similarity, size)| similarity * size).sum();
    let psnr = 10.0 * (255.0f64 * 255.0 / (error / samples / frames)).log10();
    (psnr, similarity / samples / frames, similarities.iter().map(|similarity| similarity / frames).collect())
}

fn score(report: &Report, output: usize) -> &Score {
    report.outputs[output].verification.score.as_ref().expect("a score")
}

#[test]
fn scores_are_to_the_bit_those_of_plain_loops_whatever_the_number_of_threads() {
    // The size is no multiple of the rows of a strip or of a window.
    let source =
        Clip { width: 334, height: 270, frames: 8, ..Clip::of("yuv420p") }.encoded("-c:v ffv1 -level 3", "mkv");
    let mut known: Option<Vec<Score>> = None;
    for threads in [1, 2, 3, 7] {
        let folder = folder();
        let mut job = job(&source, folder.path(), json!([full("a.mkv"), full("b.mp4")]));
        job.threads = Some(threads);
        let report = run_job(&job, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
        let scores = vec![score(&report, 0).clone(), score(&report, 1).clone()];
        let known = known.get_or_insert_with(|| {
            for (number, score) in scores.iter().enumerate() {
                let (psnr, ssim, planes) = plain(&source, &job.outputs[number].path);
                assert_eq!(score.frames, 8);
                assert_eq!((score.psnr_db, score.ssim), (Some(psnr), Some(ssim)), "output {number}");
                let found: Vec<f64> = score.planes.iter().filter_map(|plane| plane.ssim).collect();
                assert_eq!(found, planes, "output {number}");
            }
            scores.clone()
        });
        assert_eq!(*known, scores, "{threads} threads");
    }
}

#[test]
fn the_source_is_decoded_once_for_all_files_that_are_compared() {
    // The source is larger than the block cache, so that every reading counts.
    let source = Clip { width: 640, height: 360, frames: 240, ..Clip::default() }.y4m();
    let folder = folder();
    let job = job(&source, folder.path(), json!([full("a.mkv"), full("b.mkv"), full("c.mp4"), full("d.mkv")]));
    let report = run_job(&job, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    for (number, output) in report.outputs.iter().enumerate() {
        assert_eq!(score(&report, number).frames, 240);
        assert_eq!(output.sha256.as_deref(), Some(sha256sum(&output.path).as_str()), "{}", output.path.display());
    }
    let fixity = report.fixity.expect("a hash");
    assert!(fixity.bytes > 70 << 20, "{fixity:?}");
    let readings = fixity.disk_bytes as f64 / fixity.bytes as f64;
    // One reading for the encode and one for the comparison. The first blocks can be read once more.
    assert!((1.5..2.3).contains(&readings), "the source was read {readings} times");
}

/// Overwrites bytes in the middle of the part file of `output`, after all `frames` are encoded and before the file is
/// checked.
fn spoiling(output: &Path, frames: u64) -> impl Fn(&Progress) + Send + Sync + 'static {
    let name = output.file_name().expect("a name").to_string_lossy().into_owned();
    let part = output.with_file_name(format!(".{name}.trix-part"));
    move |progress| {
        if progress.phase == Phase::Encode && progress.frame == frames {
            let file = OpenOptions::new().write(true).open(&part).expect("a part file");
            let middle = file.metadata().expect("metadata").len() / 2;
            file.write_all_at(&[0x5a; 64], middle).expect("a disk");
        }
    }
}

fn three(folder: &Path) -> Job {
    let source = Clip { frames: 25, ..Clip::default() }.y4m();
    job(&source, folder, json!([full("a.mkv"), full("b.mkv"), full("c.mkv")]))
}

#[test]
fn a_damaged_output_is_reported_and_the_others_are_kept_if_the_job_says_so() {
    let folder = folder();
    let mut job = three(folder.path());
    job.on_output_failure = serde_json::from_str("\"continue\"").expect("a word");
    let spoil = spoiling(&job.outputs[1].path, 25);
    let report = followed(&job, spoil).unwrap_or_else(|error| panic!("{error}"));
    let [failed] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    assert_eq!((&failed.path, failed.kind), (&job.outputs[1].path, ErrorKind::Verification), "{failed:?}");
    assert_eq!(names(folder.path()), ["a.mkv", "c.mkv"]);
    for number in [0, 1] {
        assert_eq!(score(&report, number).frames, 25);
        let output = &report.outputs[number];
        assert_eq!(output.sha256.as_deref(), Some(sha256sum(&output.path).as_str()));
        let alone = plain(&job.source.path, &output.path);
        assert_eq!(score(&report, number).ssim, Some(alone.1));
    }
}

#[test]
fn of_two_damaged_outputs_the_first_is_always_reported_and_none_is_kept() {
    for _ in 0..5 {
        let folder = folder();
        let job = three(folder.path());
        let (second, third) = (spoiling(&job.outputs[1].path, 25), spoiling(&job.outputs[2].path, 25));
        let error = followed(&job, move |progress| {
            second(progress);
            third(progress);
        })
        .expect_err("spoiled");
        assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
        assert!(error.to_string().starts_with(&job.outputs[1].path.display().to_string()), "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn a_job_that_is_cancelled_while_files_are_compared_returns_within_200_ms_and_leaves_nothing() {
    let source = Clip { width: 1280, height: 720, frames: 150, ..Clip::default() }
        .encoded("-c:v libx264 -preset ultrafast", "mp4");
    // A busy machine can wake a thread late, so one prompt return in three attempts is enough.
    let took = (0..3).map(|_| {
        let folder = folder();
        let job = job(&source, folder.path(), json!([full("a.mkv"), full("b.mkv"), full("c.mkv")]));
        let control = Control::default();
        let (cancel, asked): (_, Arc<Mutex<Option<Instant>>>) = (control.cancel.clone(), Arc::default());
        let (at, is_first) = (Arc::clone(&asked), AtomicBool::new(true));
        let progress = move |progress: &Progress| {
            if progress.phase == Phase::Verify && progress.frame > 0 && is_first.swap(false, Ordering::SeqCst) {
                assert_eq!(progress.frames_expected, Some(150));
                assert!(progress.frame < 150, "the comparison is over");
                *at.lock().expect("a lock") = Some(Instant::now());
                cancel.cancel();
            }
        };
        let error = run_job(&job, &Control { progress: Some(Arc::new(progress)), ..control }).expect_err("cancelled");
        let took = asked.lock().expect("a lock").expect("files are compared").elapsed();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
        took
    });
    let took = took.min().expect("three attempts");
    assert!(took <= Duration::from_millis(200), "{took:?}");
}
