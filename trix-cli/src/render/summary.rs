//! What became of several masters, as a table.

use std::{fmt::Write, path::Path};

use trix_core::{
    Report,
    amount::bytes,
    report::{MasterResult, MasterState, Summary},
};

use super::clock;

/// The table, and the counts below it.
pub fn text(summary: &Summary) -> String {
    let name = |own: &MasterResult| own.source.display().to_string();
    let width = summary.masters.iter().map(|own| name(own).chars().count()).max().unwrap_or(0).clamp(6, 48);
    let mut out = format!("{:width$}  {:9}  {:>5}  {:>10}  {:>8}\n", "master", "result", "files", "size", "time");
    for own in &summary.masters {
        let (files, size) = own.report.as_deref().map_or((0, 0), made);
        let (files, size) = match files {
            0 => ("-".to_owned(), "-".to_owned()),
            files => (files.to_string(), bytes(size)),
        };
        let _ = writeln!(
            out,
            "{:width$}  {:9}  {files:>5}  {size:>10}  {:>8}",
            name(own),
            word(own.state),
            clock(own.seconds)
        );
    }
    for own in &summary.masters {
        let failed = own.report.iter().flat_map(|report| &report.failed).map(|failed| failed.error.clone());
        for error in own.error.iter().map(|error| error.message.clone()).chain(failed) {
            let _ = writeln!(out, "! {error}");
        }
    }
    let count = |state: MasterState| summary.masters.iter().filter(|own| own.state == state).count();
    let states =
        [MasterState::Made, MasterState::Kept, MasterState::Partly, MasterState::Failed, MasterState::NotBegun];
    let counts =
        states.into_iter().filter(|state| count(*state) > 0).map(|state| format!("{} {}", count(state), word(state)));
    let counts: Vec<String> = counts.collect();
    let what = if summary.masters.len() == 1 { "master" } else { "masters" };
    let _ = writeln!(out, "{} {what}: {}", summary.masters.len(), counts.join(", "));
    out
}

/// The line for a master whose copies were complete.
pub fn kept(source: &Path, report: &Report) -> String {
    let (files, size) = made(report);
    format!("{}  kept: its {files} copies, {}, are complete and unchanged\n", source.display(), bytes(size))
}

fn word(state: MasterState) -> &'static str {
    match state {
        MasterState::Made => "made",
        MasterState::Kept => "kept",
        MasterState::Partly => "PARTLY",
        MasterState::Failed => "FAILED",
        MasterState::NotBegun => "not begun",
    }
}

/// The number of products of a report, and their size. A package is one.
fn made(report: &Report) -> (usize, u64) {
    let files = report.outputs.iter().map(|own| own.bytes).chain(report.packages.iter().map(|own| own.bytes));
    let stills = report.stills.iter().map(|own| own.files.iter().map(|file| file.bytes).sum());
    let sizes: Vec<u64> = files.chain(stills).collect();
    (sizes.len(), sizes.iter().sum())
}
