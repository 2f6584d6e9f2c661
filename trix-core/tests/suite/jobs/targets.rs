//! Targets of quality: the copy that is encoded with the factor that was found reaches the score, as another program measures it.

use std::{fs, path::Path};

use serde_json::{Value, json};
use trix_core::{
    Control, ErrorKind, Job, Source, plan, run_job,
    settings::video::{RateControl, VideoSettings},
    settle_targets,
};
use trix_fixtures::{Clip, folder, program};

use crate::support::done;

/// A clip with motion.
const CLIP: Clip = Clip { format: "yuv420p10le", width: 208, height: 120, frames: 75, rate: "25/1" };

fn job(source: &Path, into: &Path, video: &Value) -> Job {
    let output = json!({ "path": "copy.mkv", "video": video, "audio": { "type": "none" }, "verify": "full" });
    let mut job: Job =
        serde_json::from_value(json!({ "source": { "path": source }, "outputs": [output] })).expect("a job");
    job.write_into(into);
    job
}

fn target(metric: &str, value: f64) -> Value {
    json!({ "type": "target", "metric": metric, "value": value })
}

/// The factor of an output.
fn factor(video: &VideoSettings) -> f64 {
    match video.encode().and_then(|(_, settings)| settings.rate) {
        Some(RateControl::Crf { value }) => value,
        other => panic!("{other:?}"),
    }
}

/// What ffmpeg's filter measures between a copy and its source, converted to the format of the copy.
fn measured(filter: &str, copy: &Path, source: &Path, format: &str, key: &str) -> f64 {
    let graph = format!("[1:v]format={format}[r];[0:v][r]{filter}");
    let words = ["-hide_banner", "-i", &copy.display().to_string(), "-i", &source.display().to_string()]
        .map(str::to_owned)
        .into_iter()
        .chain(["-lavfi", &graph, "-f", "null", "-"].map(str::to_owned));
    let said = program::run("ffmpeg", words);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    let at = text.rfind(key).unwrap_or_else(|| panic!("{text}")) + key.len();
    let number: String = text[at..].chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
    number.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn copies_reach_their_targets_as_ffmpeg_measures_them() {
    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    for (kind, depth) in [("x265", 10), ("x264", 10), ("x265", 12)] {
        for (metric, value) in [("psnr", 38.0), ("psnr", 46.0), ("ssim", 0.97)] {
            let folder = folder();
            let video = json!({ "type": kind, "depth": depth, "preset": "fast", "rate": target(metric, value) });
            let report = done(&job(&source, folder.path(), &video));
            let told = report.decisions.iter().find(|decision| decision.what.contains("crf")).expect("a decision");
            assert!(
                told.why.starts_with(&format!("the target is {metric}")) && told.why.contains("the film reaches"),
                "{told:?}"
            );
            let copy = &report.outputs[0].path;
            let format = format!("yuv420p{depth}le");
            let (found, wanted) = match metric {
                "psnr" => (measured("psnr", copy, &source, &format, "average:"), value),
                // In decibels.
                _ => {
                    let ssim = measured("ssim", copy, &source, &format, "All:");
                    (-10.0 * (1.0 - ssim).log10(), -10.0 * (1.0 - value).log10())
                }
            };
            assert!((found - wanted).abs() < 0.3, "{kind} {depth}, {metric} {value}: {found} dB for {wanted}");
        }
    }
}

#[test]
fn parts_of_a_longer_film_stand_for_it_and_the_search_gives_the_same_factor_again() {
    let clip = Clip { frames: 500, rate: "25/1", width: 176, height: 96, ..CLIP };
    let source = clip.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let video = json!({ "type": "x265", "preset": "veryfast", "rate": target("psnr", 40.0) });
    let own = job(&source, folder.path(), &video);
    let opened = Source::of(&own.source).expect("a source");
    let settle = || settle_targets(&own, &opened, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let (one, other) = (settle(), settle());
    assert_eq!(factor(&one.outputs[0].video), factor(&other.outputs[0].video));
    assert!(one.open_targets().is_empty());
    let planned = plan(&one, &opened).expect("a plan");
    let told = planned.decisions.iter().find(|own| own.what.contains("crf")).expect("a decision");
    assert!(told.why.contains("and parts of 2 s of it, other ones in each try, reach "), "{told:?}");
    let report = done(&own);
    let psnr = report.outputs[0].verification.score.as_ref().and_then(|own| own.psnr_db).expect("PSNR");
    assert!((psnr - 40.0).abs() < 0.3, "{psnr}");
}

#[test]
fn each_rung_of_a_ladder_has_a_factor_of_its_own() {
    let source = CLIP.encoded("-c:v libx264 -preset ultrafast -qp 10 -pix_fmt yuv420p", "mp4");
    let folder = folder();
    let rung = |height: u32| json!({ "height": height, "video": { "type": "x264", "preset": "fast", "rate": target("psnr", 36.0) } });
    // A rung that is larger than the source is left out.
    let package = json!({ "path": "package", "ladder": [rung(240), rung(120), rung(60)] });
    let mut own: Job =
        serde_json::from_value(json!({ "source": { "path": source }, "packages": [package] })).expect("a job");
    own.write_into(folder.path());
    assert_eq!(own.open_targets(), [0, 1, 2].map(|rung| format!("packages[0].ladder[{rung}].video.rate")));
    let opened = Source::of(&own.source).expect("a source");
    let settled = settle_targets(&own, &opened, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let factors: Vec<f64> = settled.packages[0].ladder[1..].iter().map(|rung| factor(&rung.video)).collect();
    assert!(factors[0] != factors[1], "{factors:?}");
    assert_eq!(settled.merging.len(), 2, "{:?}", settled.merging);
    run_job(&own, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
    let playlist = folder.path().join("package/video-120/media.m3u8");
    let found = measured("psnr", &playlist, &source, "yuv420p", "average:");
    assert!((found - 36.0).abs() < 0.3, "{found} dB");
}

#[test]
fn a_target_that_no_factor_reaches_is_refused_with_the_scores_that_can_be_reached() {
    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let video = json!({ "type": "x265", "depth": 8, "preset": "ultrafast", "rate": target("psnr", 79.0) });
    let own = job(&source, folder.path(), &video);
    let error = run_job(&own, &Control::default()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSpec);
    assert!(error.to_string().contains("copy.mkv: psnr 79.00 dB is out of reach: "), "{error}");
    assert!(fs::read_dir(folder.path()).expect("a folder").next().is_none(), "nothing is written");
    let opened = Source::of(&own.source).expect("a source");
    let error = plan(&own, &opened).map(drop).unwrap_err();
    assert!(error.to_string().contains("settle_targets finds the factor"), "{error}");
    let beyond = json!({ "type": "x265", "rate": target("ssim", 1.5) });
    let error = run_job(&job(&source, folder.path(), &beyond), &Control::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("must be 0.5 to 0.9999 for ssim"), "{error}");
}

#[test]
#[cfg(feature = "vmaf")]
fn copies_reach_a_target_of_vmaf_and_equal_frames_score_highest() {
    use trix_core::{Cancel, quality::Metric, verify::content::compare_sources};

    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let score = |copy: &Path| {
        let open = |path: &Path| Source::open(path).expect("a source");
        let found = compare_sources(open(&source), open(copy), &[Metric::Vmaf], &Cancel::default()).expect("a score");
        found.score.vmaf.expect("VMAF")
    };
    assert!(score(&source) > 97.0);
    for wanted in [70.0, 92.0] {
        let video = json!({ "type": "x265", "depth": 10, "preset": "fast", "rate": target("vmaf", wanted) });
        let report = done(&job(&source, folder.path(), &video));
        let found = score(&report.outputs[0].path);
        assert!((found - wanted).abs() < 0.3, "{found} for {wanted}");
        fs::remove_file(&report.outputs[0].path).expect("a copy");
    }
}

#[test]
#[cfg(not(feature = "vmaf"))]
fn a_build_without_vmaf_refuses_it_and_names_the_feature() {
    let source = CLIP.encoded("-c:v ffv1 -level 3", "mkv");
    let folder = folder();
    let video = json!({ "type": "x265", "depth": 10, "preset": "fast", "rate": target("vmaf", 90.0) });
    let error = run_job(&job(&source, folder.path(), &video), &Control::default()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("this build does not measure vmaf; the feature vmaf adds it"), "{error}");
}
