//! What a job prints when it is done.

use std::fmt::Write;

use trix_core::{
    OutputReport, Report,
    spec::plan::{Decision, OutputPlan},
};

use super::{bytes, counted, plan, timing, verify};

/// The report in a few lines.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // With one output, what is said of the source stands where the reader looks for it: before the verdict.
    let of_source = source(report);
    let single = report.outputs.len() == 1 && report.failed.is_empty();
    let plans: Vec<&OutputPlan> = report.outputs.iter().map(|output| &output.plan).collect();
    let shared = plan::shared(&plans);
    if !single {
        let _ = writeln!(out, "{}", report.source.display());
        out.push_str(&plan::decided(&[shared.as_slice(), &report.decisions].concat()));
        out.push_str(&of_source);
    }
    for output in &report.outputs {
        out.push_str(&self::output(output, if single { &of_source } else { "" }, &shared));
    }
    for failed in &report.failed {
        let _ = writeln!(out, "{}  failed\n  error   {}", failed.path.display(), failed.error);
    }
    let timing = &report.timing;
    let _ = writeln!(
        out,
        "  time    {:.1} s to encode ({:.1} fps), {:.1} s to verify",
        timing.encode_seconds, timing.fps, timing.verify_seconds
    );
    out
}

/// What was remarkable about the source.
fn source(report: &Report) -> String {
    let mut out = String::new();
    for (stream, found) in &report.timing_of_source {
        if let Some(line) = timing(found) {
            let _ = writeln!(out, "  times   stream {stream}: {line}");
        }
    }
    if !report.damage.is_empty() {
        let _ = writeln!(out, "  damage  {} in the source, concealed", counted(report.damage.total(), "place"));
        for damage in report.damage.first.iter().take(3) {
            let time = damage.time.map_or_else(String::new, |time| format!("{time}: "));
            let _ = writeln!(out, "          {time}{}", damage.detail);
        }
    }
    out
}

/// An output in a few lines; `of_source` stands before how it was checked.
fn output(report: &OutputReport, of_source: &str, shared: &[Decision]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", report.path.display(), bytes(report.bytes));
    out.push_str(&plan::output(&report.plan, report.frame_threads, shared));
    if let Some(ledger) = &report.ledger {
        let dropped = ledger.dropped_before_start + ledger.dropped_after_end;
        let cut = if dropped > 0 { format!(", {dropped} outside the cut") } else { String::new() };
        let found = ledger.found.map_or_else(String::new, |found| format!(", {found} found in the file"));
        let _ = writeln!(
            out,
            "  frames  {} decoded{cut}, {} encoded, {} written{found}",
            ledger.decoded, ledger.encoded, ledger.emitted
        );
        let filter = &ledger.filter;
        for (count, what) in [
            (filter.added_by_fields, "added: each field is a picture"),
            (filter.dropped_by_telecine, "dropped: repeated by pulldown"),
            (filter.repeated_by_rate, "repeated for a constant rate"),
            (filter.dropped_by_rate, "left out for a constant rate"),
        ] {
            if count > 0 {
                let _ = writeln!(out, "          {count} {what}");
            }
        }
        if ledger.times_repaired > 0 {
            let _ = writeln!(out, "          {} without a usable time of their own", ledger.times_repaired);
        }
    }
    let written = report.tracks.first().map_or_else(Default::default, |track| track.extras);
    for (name, found, written) in [
        ("closed captions", report.extras.captions, written.captions),
        ("Dolby Vision", report.extras.dolby_vision, written.dolby_vision),
        ("HDR10+", report.extras.hdr10_plus, written.hdr10_plus),
    ] {
        let line = match (found, written) {
            (0, _) => continue,
            (_, 0) => format!("dropped {name}, which {found} pictures of the source have"),
            _ => format!("carried {name}: {found} pictures of the source have it, {written} of the output"),
        };
        let _ = writeln!(out, "  {line}");
    }
    for change in report.changes.iter().take(3) {
        let _ = writeln!(out, "  change  at {}: {} became {}", change.time, change.from, change.to);
    }
    out.push_str(of_source);
    let verification = &report.verification;
    match verification.checks.len() {
        0 => out.push_str("  verify  off: nothing was read back\n"),
        count => {
            let drift = verification
                .drift_seconds
                .map_or_else(String::new, |drift| format!(", sound ends {:+.0} ms from the picture", drift * 1000.0));
            let _ = writeln!(out, "  verify  {count} checks hold{drift}");
        }
    }
    if let Some(frames) = verification.lossless_frames {
        let _ = writeln!(out, "          lossless: {frames} frames proved equal to the source");
    } else if let Some(score) = &verification.score {
        for line in verify::score(score).lines() {
            let _ = writeln!(out, "          {line}");
        }
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "  warning {warning}");
    }
    out
}
