//! What became of several masters, as a table.

use std::{fmt::Write, path::Path};

use trix_core::{
    Report,
    amount::{bytes, counted},
    report::{MasterResult, MasterState, Summary},
};

use super::{clock, padded, shortened, visible::visible_name, width_of};

/// The columns of the table behind the names.
const OTHERS: usize = 40;

/// The fewest columns of a name.
const NARROWEST: usize = 12;

/// The table, and the counts below it, for lines of `width` columns. Without a width, names are whole.
pub fn text(summary: &Summary, width: Option<usize>) -> String {
    let widest = width.map_or(usize::MAX, |width| width.saturating_sub(OTHERS).max(NARROWEST));
    let name = |own: &MasterResult| shortened(&visible_name(&own.source.display().to_string()), widest);
    let width = summary.masters.iter().map(|own| width_of(&name(own))).max().unwrap_or(0).max(6);
    let head = padded("master", width);
    let mut out = format!("{head}  {:9}  {:>5}  {:>10}  {:>8}\n", "result", "files", "size", "time");
    for own in &summary.masters {
        let (files, size) = own.report.as_deref().map_or((0, 0), made);
        let (files, size) = match files {
            0 => ("-".to_owned(), "-".to_owned()),
            files => (files.to_string(), bytes(size)),
        };
        let _ = writeln!(
            out,
            "{}  {:9}  {files:>5}  {size:>10}  {:>8}",
            padded(&name(own), width),
            word(own.state),
            clock(own.seconds)
        );
    }
    for own in &summary.masters {
        let source = own.source.display().to_string();
        let error = own.error.iter().map(|error| (error.file.as_ref() == Some(&source), &error.message));
        let failed = own.report.iter().flat_map(|report| &report.failed).map(|failed| (false, &failed.error));
        for (is_named, message) in error.chain(failed) {
            let before = if is_named { String::new() } else { format!("{source}: ") };
            let _ = writeln!(out, "! {before}{}", message.replace('\n', "\n  "));
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
    use trix_core::{Error, ErrorKind, Stage};

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
        let wide = "映画/とても長い名前の映画のマスターのファイル.mov";
        for (name, width, shown) in [
            (long, Some(60), "masters…a-master.mov"),
            (long, Some(100), long),
            (long, None, long),
            (wide, Some(60), "映画/と…ファイル.mov "),
            (wide, Some(100), wide),
        ] {
            let summary = Summary::new(vec![master("a.mov", MasterState::NotBegun), master(name, MasterState::Failed)]);
            let text = text(&summary, width);
            let rows: Vec<&str> = text.lines().take(3).collect();
            assert!(rows[2].starts_with(shown), "{text}");
            assert!(rows.iter().all(|row| width_of(row) == width_of(rows[0])), "{text}");
            assert!(width_of(rows[0]) <= width.unwrap_or(200), "{text}");
        }
    }

    #[test]
    fn each_error_stands_behind_the_name_of_its_master() {
        let missing = Error::new(ErrorKind::Io, Stage::Source, "is missing").in_file(Path::new("missing-a.mp4"));
        let own = missing.again().renamed(Path::new("missing-a.mp4"), Path::new("z.mp4"));
        let master = |name: &str, error: &Error| MasterResult {
            source: name.into(),
            state: MasterState::Failed,
            seconds: 0.0,
            report: None,
            error: Some(error.into()),
        };
        let text = text(&Summary::new(vec![master("a.mp4", &missing), master("z.mp4", &own)]), None);
        assert!(text.contains("\n! a.mp4: missing-a.mp4: source: is missing\n! z.mp4: source: is missing\n"), "{text}");
    }
}
