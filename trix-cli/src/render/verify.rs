//! The output of `trix verify` and `trix compare`.

use std::fmt::Write;

use trix_core::{quality::Score, verify::standalone::FileReport};

/// The result of checking a file.
pub fn text(report: &FileReport) -> String {
    let mut out = format!("{}\n", report.file.display());
    for (index, stream) in &report.full_decode_count.streams {
        let frames = stream.frames.map(|frames| format!("{frames} frames"));
        let samples = stream.samples.map(|samples| format!("{samples} samples"));
        let found = frames.or(samples).unwrap_or_default();
        let _ = writeln!(out, "  stream {index}: {} packets, {found} decoded", stream.packets);
    }
    for note in &report.full_decode_count.notes {
        let _ = writeln!(out, "  note   {note}");
    }
    for check in &report.checks {
        let mark = if check.ok { "ok    " } else { "FAILED" };
        let _ = writeln!(out, "  {mark} {}: {}", check.name, check.found);
    }
    if let Some(found) = &report.score {
        for line in score(found).lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

/// Scores, a line for each metric.
pub fn score(score: &Score) -> String {
    let mut out = format!("{} frames compared, {} identical\n", score.frames, score.identical_frames);
    let planes = |value: &dyn Fn(usize) -> Option<String>| {
        let list: Vec<String> = (0..score.planes.len())
            .filter_map(|plane| Some(format!("{:?} {}", score.planes[plane].plane, value(plane)?)))
            .collect();
        list.join("  ")
    };
    if let Some(psnr) = score.psnr_db {
        let each = planes(&|plane| {
            let plane = &score.planes[plane];
            plane.psnr_db.map(|psnr| format!("{psnr:.3}")).or(plane.identical.then(|| "identical".to_owned()))
        });
        let _ = writeln!(out, "PSNR {psnr:.3} dB  ({each})");
    }
    if let Some(ssim) = score.ssim {
        let each = planes(&|plane| score.planes[plane].ssim.map(|ssim| format!("{ssim:.5}")));
        let _ = writeln!(out, "SSIM {ssim:.5}  ({each})");
    }
    if let Some(vmaf) = score.vmaf {
        let _ = writeln!(out, "VMAF {vmaf:.3}");
    }
    if let Some(worst) = &score.worst_psnr
        && let Some(psnr) = worst.luma_psnr_db
    {
        let _ = writeln!(out, "worst frame {}: luma PSNR {psnr:.3} dB", worst.frame);
    }
    out
}
