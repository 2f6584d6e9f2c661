//! The jobs with chunks in a folder, for people.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use trix_core::{ChunkStatus, amount::bytes};

/// A paragraph for each job.
pub fn text(found: &[ChunkStatus]) -> String {
    if found.is_empty() {
        return "no job with chunks\n".to_owned();
    }
    found.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(job: &ChunkStatus) -> String {
    let name = |path: &Path| path.display().to_string();
    let outputs: Vec<String> = job.outputs.iter().map(|path| name(path)).collect();
    let mut lines = vec![format!("{} -> {}", name(&job.source), outputs.join(", "))];
    let share = 100 * job.done_frames / job.frames.max(1);
    lines.push(format!("  {} of {} chunks, {share} %, {}", job.done, job.chunks, bytes(job.bytes)));
    if let Some(measured) = job.measured {
        lines.push(format!("  {measured} of {} chunks have their first pass", job.chunks));
    }
    lines.push(match (job.is_running, job.frames_per_second, job.seconds_left) {
        (true, Some(speed), Some(left)) => format!("  running, {speed:.1} frames a second, {} left", duration(left)),
        (true, ..) => "  running".to_owned(),
        (false, ..) if job.done == job.chunks => "  all chunks are encoded; the same command joins them".to_owned(),
        (false, ..) => format!("  not running{}; the same command goes on", since(job.updated)),
    });
    lines.extend(job.last_error.as_ref().map(|error| format!("  last error: {error}")));
    lines.push(String::new());
    lines.join("\n")
}

/// Hours, minutes and seconds.
fn duration(seconds: f64) -> String {
    humantime::format_duration(Duration::from_secs(seconds as u64)).to_string()
}

fn since(updated: Option<u64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    updated.map(|at| format!(" for {}", duration(now.saturating_sub(at) as f64))).unwrap_or_default()
}
