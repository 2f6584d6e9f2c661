//! The output of a finished job.

use std::{fmt::Write, path::Path};

use trix_core::{
    OutputReport, Report, StreamKind,
    amount::{bit_rate, bytes, counted},
    decision::Decision,
    decode::audio::AudioChange,
    filter::audio_ledger::AudioLedger,
    ledger::Ledger,
    plan::{AudioPlan, OutputPlan},
    report::{PackageReport, SharedAnalysis, StillReport, TrackLoudness},
    still,
};

use super::{plan, verify};

/// The report in a few lines.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // With one output, facts about the source stand before the verdict, where the reader looks for them.
    let of_source = source(report);
    let others = report.packages.len() + report.stills.len() + report.failed.len();
    let single = report.outputs.len() == 1 && others == 0;
    let renditions = report.packages.iter().flat_map(|package| &package.renditions);
    let renditions = renditions.filter_map(|rendition| rendition.plan.as_ref());
    let plans: Vec<&OutputPlan> = report.outputs.iter().map(|output| &output.plan).chain(renditions).collect();
    let shared = plan::shared(&plans);
    if !single {
        let _ = writeln!(out, "{}", report.source.display());
        out.push_str(&plan::decided(&[shared.as_slice(), &report.decisions].concat()));
        out.push_str(&of_source);
    }
    // Outputs with the same audio have the same loudness, so it is printed once.
    let mut loud: Vec<String> = Vec::new();
    for output in &report.outputs {
        out.push_str(&self::output(output, if single { &of_source } else { "" }, &shared, &mut loud));
    }
    for package in &report.packages {
        out.push_str(&self::package(package, &shared));
    }
    for still in &report.stills {
        out.push_str(&self::still(still));
    }
    for failed in &report.failed {
        let _ = writeln!(out, "{}  failed\n  error   {}", failed.path.display(), failed.error);
    }
    let timing = &report.timing;
    let encodes = |plan: &&OutputPlan| plan.video.is_some() || plan.audio.iter().any(|audio| !audio.copied);
    let did = match plans.iter().any(encodes) {
        // Without frames, there is no frame rate.
        true if timing.fps > 0.0 => format!("encode ({:.1} fps)", timing.fps),
        true => "encode".to_owned(),
        false => "copy".to_owned(),
    };
    let _ =
        writeln!(out, "  time    {:.1} s to {did}, {:.1} s to verify", timing.encode_seconds, timing.verify_seconds);
    out
}

/// The size and hash of the source, and its irregularities.
fn source(report: &Report) -> String {
    let mut out = String::new();
    if let Some(fixity) = &report.fixity {
        let again = fixity.disk_bytes.saturating_sub(fixity.bytes);
        let again = if again > 0 { format!(", {} of it read twice", bytes(again)) } else { String::new() };
        let _ = writeln!(out, "  source  {}{again}, sha256 {}", bytes(fixity.bytes), fixity.sha256);
    }
    for (stream, found) in &report.timing_of_source {
        if let Some(line) = found.summary() {
            let _ = writeln!(out, "  times   stream {stream}: {line}");
        }
    }
    for joint in report.discontinuities.iter().take(3) {
        let _ = writeln!(out, "  clock   {joint}");
    }
    if report.discontinuities.len() > 3 {
        let _ = writeln!(out, "          and {} more such places", report.discontinuities.len() - 3);
    }
    for note in &report.notes {
        let _ = writeln!(out, "  note    {note}");
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

/// A package in a few lines for each rendition.
fn package(report: &PackageReport, shared: &[Decision]) -> String {
    let mut out = format!("{}  {}\n", report.path.display(), bytes(report.bytes));
    out.push_str(&plan::package(&report.plan));
    for rendition in &report.renditions {
        let record = &rendition.record;
        let codecs = record.codecs.as_ref().map_or_else(String::new, |codecs| format!(", {codecs}"));
        let _ = writeln!(
            out,
            "  {}{codecs}, {}, {} on average, {} at most",
            record.id,
            counted(record.segments, "segment"),
            bit_rate(record.average_bit_rate),
            bit_rate(record.peak_bit_rate)
        );
        match &rendition.plan {
            Some(plan) => out.push_str(&plan::output(plan, rendition.frame_threads, shared)),
            None => {
                let text = report.plan.subtitles.iter().find(|text| text.id == record.id);
                out.extend(text.map(|text| plan::text_track(text) + "\n"));
            }
        }
        if let Some(plan) = &rendition.plan {
            out.push_str(&loudness(&rendition.loudness, &plan.audio));
        }
        if let Some(ledger) = &rendition.ledger {
            out.push_str(&frames(ledger));
        }
        out.push_str(&audio(&rendition.audio_ledgers, &rendition.audio_changes));
        for warning in &rendition.warnings {
            let _ = writeln!(out, "  warning {warning}");
        }
    }
    let _ = writeln!(out, "  verify  {} checks hold", report.checks.len());
    out
}

/// A still, or a set of stills.
fn still(report: &StillReport) -> String {
    let size: u64 = report.files.iter().map(|file| file.bytes).sum();
    let found = match &report.found {
        still::StillReport::Poster(poster) => {
            format!("poster  {}x{} at {}: {}", poster.width, poster.height, poster.time, poster.why)
        }
        still::StillReport::Sprites(sprites) => format!(
            "sprites {} of {}x{} on {}, one every {:.3} s: {}",
            sprites.count,
            sprites.width,
            sprites.height,
            counted(sprites.sheets as u64, "sheet"),
            sprites.interval_ms / 1000.0,
            sprites.why
        ),
        still::StillReport::Waveform(waveform) => {
            format!("wave    {} at {} Hz", counted(waveform.channels as u64, "channel"), waveform.sample_rate)
        }
    };
    format!("{}  {}\n  {found}\n", report.path.display(), bytes(size))
}

/// The loudness of the audio tracks.
fn loudness(found: &[TrackLoudness], plans: &[AudioPlan]) -> String {
    let mut out = String::new();
    let value_in =
        |value: Option<f64>, unit: &str| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.1} {unit}"));
    for TrackLoudness { track, loudness } in found {
        let settled = plans.get(*track).and_then(|plan| plan.settled.as_ref());
        let settled = settled.map_or_else(String::new, |settled| {
            let short = if settled.normalisation.limited { ", held back by its peaks" } else { "" };
            let from = value_in(settled.measured.integrated_lufs, "LUFS");
            format!(", brought from {from} by {:+.1} dB{short}", settled.normalisation.gain_db)
        });
        let _ = writeln!(
            out,
            "  loud    audio {}: {}, range {}, true peak {}{settled}",
            track + 1,
            value_in(loudness.integrated_lufs, "LUFS"),
            value_in(loudness.range_lu, "LU"),
            value_in(loudness.true_peak_dbtp, "dBTP")
        );
    }
    out
}

/// The ledger of frames.
fn frames(ledger: &Ledger) -> String {
    let mut out = String::new();
    let dropped = ledger.dropped_before_start + ledger.dropped_after_end;
    let cut = if dropped > 0 { format!(", {dropped} outside the cut") } else { String::new() };
    let found = ledger.found.map_or_else(String::new, |found| format!(", {found} found in the file"));
    let _ = writeln!(
        out,
        "  frames  {} decoded{cut}, {} encoded, {} written{found}",
        ledger.decoded, ledger.encoded, ledger.emitted
    );
    let filter = &ledger.filter;
    if ledger.not_decoded > 0 {
        let _ = writeln!(out, "          {} of these left aside in front of the start", ledger.not_decoded);
    }
    for (count, what) in [
        (filter.added_by_fields, "added: each field is a frame"),
        (filter.dropped_by_telecine, "dropped: repeated by pulldown"),
        (filter.repeated_by_rate, "repeated for a constant rate"),
        (filter.dropped_by_rate, "left out for a constant rate"),
    ] {
        if count > 0 {
            let _ = writeln!(out, "          {count} {what}");
        }
    }
    if ledger.left_out_at_start > 0 {
        let _ =
            writeln!(out, "          {} before these left out: nothing to decode them with", ledger.left_out_at_start);
    }
    if ledger.times_repaired > 0 {
        let _ = writeln!(out, "          {} without a usable time of their own", ledger.times_repaired);
    }
    out
}

/// Audio samples that were filled in, cut or converted; empty if every sample is unchanged.
fn audio(ledgers: &[AudioLedger], changes: &[AudioChange]) -> String {
    let mut out = String::new();
    for ledger in ledgers {
        for (moved, what) in
            [(&ledger.filled_gaps, "of silence fill gaps"), (&ledger.cut_overlaps, "overlap others and were cut")]
        {
            let Some(first) = moved.places.first() else { continue };
            let count = counted(moved.samples, "sample");
            let _ = writeln!(out, "  audio   track {}: {count} {what}, the first at {}", ledger.track + 1, first.time);
        }
    }
    for change in changes.iter().take(3) {
        let _ = writeln!(out, "  audio   changes at {}: {} became {}", change.time, change.from, change.to);
    }
    out
}

/// How the analysis of the video was shared, and the processor time of its encode; empty if it was not shared.
fn sharing(report: &OutputReport) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shared = match &report.sharing {
        None => return String::new(),
        Some(SharedAnalysis::Lead { followers }) => {
            let followers: Vec<String> = followers.iter().map(|path| name(path)).collect();
            format!("leads {}", followers.join(" and "))
        }
        Some(SharedAnalysis::Follower { lead, mode }) => format!("follows {}, {mode}", name(lead)),
    };
    let time = report.cpu_seconds.map_or_else(String::new, |own| format!(", {own:.1} s of processor time"));
    format!("  shares  {shared}{time}\n")
}

/// An output in a few lines. `of_source` is printed before the verification. `loud` holds the loudness lines printed so
/// far.
fn output(report: &OutputReport, of_source: &str, shared: &[Decision], loud: &mut Vec<String>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", report.path.display(), bytes(report.bytes));
    out.push_str(&plan::output(&report.plan, report.frame_threads, shared));
    out.push_str(&sharing(report));
    let lines = loudness(&report.loudness, &report.plan.audio);
    if !loud.contains(&lines) {
        out.push_str(&lines);
        loud.push(lines);
    }
    out.extend(report.ledger.as_ref().map(frames));
    if let (None, Some(track)) = (&report.ledger, report.tracks.first().filter(|track| track.kind == StreamKind::Video))
    {
        let found = match report.verification.checks.len() {
            0 => String::new(),
            _ => format!(", {} found in the file", track.packets),
        };
        let _ = writeln!(out, "  frames  {} copied{found}", track.packets);
    }
    let written = report.tracks.first().map_or_else(Default::default, |track| track.extras);
    for (name, found, written) in [
        ("closed captions", report.extras.captions, written.captions),
        ("Dolby Vision", report.extras.dolby_vision, written.dolby_vision),
        ("HDR10+", report.extras.hdr10_plus, written.hdr10_plus),
    ] {
        let line = match (found, written) {
            (0, _) => continue,
            (_, 0) => format!("dropped {name}, which {found} frames of the source have"),
            _ => format!("carried {name}: {found} frames of the source have it, {written} of the output"),
        };
        let _ = writeln!(out, "  {line}");
    }
    for change in report.changes.iter().take(3) {
        let _ = writeln!(out, "  change  at {}: {} became {}", change.time, change.from, change.to);
    }
    out.push_str(&audio(&report.audio_ledgers, &report.audio_changes));
    out.push_str(of_source);
    let verification = &report.verification;
    match verification.checks.len() {
        0 => out.push_str("  verify  off: nothing was read back\n"),
        count => {
            let drift = verification
                .drift_seconds
                .map_or_else(String::new, |drift| format!(", audio ends {:+.0} ms from the video", drift * 1000.0));
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
    if let Some(sha256) = &report.sha256 {
        let _ = writeln!(out, "  sha256  {sha256}");
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "  warning {warning}");
    }
    out
}
