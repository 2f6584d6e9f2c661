//! What a job prints when it is done.

use std::fmt::Write;

use trix_core::{OutputReport, Report, spec::plan::Decision};

use super::{bytes, counted, timing, verify};

/// The report in a few lines.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // With one output, what is said of the source stands where the reader looks for it: before the verdict.
    let of_source = source(report);
    let single = report.outputs.len() == 1 && report.failed.is_empty();
    for output in &report.outputs {
        out.push_str(&self::output(output, if single { &of_source } else { "" }));
    }
    for failed in &report.failed {
        let _ = writeln!(out, "{}  failed\n  error   {}", failed.path.display(), failed.error);
    }
    if !single && !of_source.is_empty() {
        let _ = write!(out, "{}\n{of_source}", report.source.display());
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
fn output(report: &OutputReport, of_source: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", report.path.display(), bytes(report.bytes));
    let decisions = &report.plan.decisions;
    if !decisions.is_empty() {
        let join = |part: fn(&Decision) -> &str| decisions.iter().map(part).collect::<Vec<_>>().join("; ");
        let _ = writeln!(out, "  decided {}", join(|decision| &decision.what));
        let _ = writeln!(out, "  because {}", join(|decision| &decision.why));
    }
    if let Some(video) = &report.plan.video {
        let threads = report
            .frame_threads
            .map_or_else(String::new, |threads| format!(", {}", counted(threads.into(), "frame thread")));
        let options: Vec<String> = video.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let options = if options.is_empty() { String::new() } else { format!(", {}", options.join(" ")) };
        let _ = writeln!(
            out,
            "  video   {} {}x{} {}, {}{options}{threads}",
            video.encoder,
            video.width,
            video.height,
            video.format,
            match &video.profile {
                Some(profile) => format!("profile {profile}"),
                None if video.encoder.is_mezzanine() => "every picture by itself".to_owned(),
                None => format!("preset {}", video.preset),
            }
        );
    }
    if let Some(copy) = &report.plan.video_copy {
        let _ = writeln!(out, "  video   {} copied", copy.codec);
    }
    for audio in &report.plan.audio {
        let how = if audio.copied { "copied" } else { "encoded" };
        let language = audio.language.as_ref().map_or_else(String::new, |language| format!(", {language}"));
        let _ = writeln!(out, "  audio   {} {how}, {} Hz {}{language}", audio.codec, audio.sample_rate, audio.layout);
    }
    let carried = &report.plan.carried;
    for subtitle in &carried.subtitles {
        let how = if subtitle.copied { "copied" } else { "converted" };
        let tags = carried.tags.get(&subtitle.stream).and_then(|tags| tags.language.clone());
        let language = tags.map_or_else(String::new, |language| format!(", {language}"));
        let _ = writeln!(out, "  text    {} {how}{language}", subtitle.codec);
    }
    let extras = [
        (carried.chapters.len(), "chapter"),
        (carried.attachments.len() + carried.covers.len(), "attached file"),
        (carried.metadata.len(), "tag"),
    ];
    let mut extras: Vec<String> =
        extras.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count as u64, what)).collect();
    extras.extend(carried.timecode.iter().map(|timecode| format!("time code {timecode}")));
    if !extras.is_empty() {
        let _ = writeln!(out, "  with    {}", extras.join(", "));
    }
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
    for note in &report.plan.notes {
        let _ = writeln!(out, "  note    {note}");
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "  warning {warning}");
    }
    out
}
