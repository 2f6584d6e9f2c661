//! What became of several masters, as a table.

use std::{fmt::Write, path::Path};

use trix_core::{
    Report,
    amount::{bytes, counted},
    report::{MasterResult, MasterState, Summary},
};

use super::{clock, shortened, visible::visible};

/// The columns of the table behind the names.
const OTHERS: usize = 40;

/// The fewest characters of a name.
const NARROWEST: usize = 12;

/// The table, and the counts below it, for lines of `width` columns.
pub fn text(summary: &Summary, width: Option<usize>) -> String {
    let widest = width.unwrap_or(80).saturating_sub(OTHERS).max(NARROWEST);
    let name = |own: &MasterResult| shortened(&visible(&own.source.display().to_string()), widest);
    let width = summary.masters.iter().map(|own| name(own).chars().count()).max().unwrap_or(0).max(6);
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
        let source = own.source.display().to_string();
        for error in own.error.iter().map(|error| error.message.clone()).chain(failed) {
            let before = if error.contains(&source) { String::new() } else { format!("{source}: ") };
            let _ = writeln!(out, "! {before}{}", error.replace('\n', "\n  "));
        }
    }
    let count = |state: MasterState| summary.masters.iter().filter(|own| own.state == state).count();
    let states =
        [MasterState::Made, MasterState::Kept, MasterState::Partly, MasterState::Failed, MasterState::NotBegun];
    let counts =
        states.into_iter().filter(|state| count(*state) > 0).map(|state| format!("{} {}", count(state), word(state)));
    let counts: Vec<String> = counts.collect();
    let _ = writeln!(out, "{}: {}", counted(summary.masters.len() as u64, "master"), counts.join(", "));
    out
}

/// The line for a master whose copies were complete.
pub fn kept(source: &Path, report: &Report) -> String {
    let (files, size) = made(report);
    let files = counted(files as u64, "product");
    format!("{}  kept: {files} of {}, complete and unchanged\n", source.display(), bytes(size))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_the_table_fit_into_the_terminal() {
        let master = |name: &str, state| MasterResult {
            source: name.into(),
            state,
            seconds: 36_000.0,
            report: None,
            error: None,
        };
        let long = "masters/reel 2/a-very-long-name-of-a-master.mov";
        let summary = Summary::new(vec![master("a.mov", MasterState::NotBegun), master(long, MasterState::Failed)]);
        for (width, shown) in [(60, "masters…a-master.mov"), (100, long)] {
            let text = text(&summary, Some(width));
            let rows: Vec<&str> = text.lines().take(3).collect();
            assert!(rows[2].starts_with(shown), "{text}");
            assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()), "{text}");
            assert!(rows[0].chars().count() <= width, "{text}");
        }
    }
}
