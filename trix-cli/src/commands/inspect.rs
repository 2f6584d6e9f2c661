//! `trix probe`, `trix verify`, `trix compare`: read files and write none.

use trix_core::{
    Result, Source, probe as probing,
    verify::{content, standalone},
};

use super::{interrupt::cancel_on_interrupt, running::has_bar};
use crate::{
    args::{Compare, Probe, ProgressChoice, Verify},
    exit, output,
    render::{self, progress::Shown},
};

/// Shows what a file holds.
pub fn probe(args: &Probe) -> u8 {
    let cancel = cancel_on_interrupt();
    let info = args.reading.open(&args.source).and_then(|source| {
        if !args.count {
            return Ok(probing::probe(&source));
        }
        let _shown = shown("count", args.progress, &source);
        probing::probe_and_count(source, 0, &cancel)
    });
    finish(info, args.json, ToString::to_string)
}

/// Checks a file.
pub fn verify(args: &Verify) -> u8 {
    let cancel = cancel_on_interrupt();
    let report = args.reading.open(&args.file).and_then(|file| {
        let against = args.against.as_deref().map(|path| args.other.open(path)).transpose()?;
        let _shown = shown("verify", args.progress, &file);
        standalone::check_source(file, against, &cancel)
    });
    let held = report.as_ref().map_or(Ok(()), standalone::FileReport::hold);
    let code = finish(report, args.json, render::verify::text);
    match held {
        Ok(()) => code,
        Err(error) => output::failure(&error, false),
    }
}

/// Scores one file against another.
pub fn compare(args: &Compare) -> u8 {
    let cancel = cancel_on_interrupt();
    let comparison = args.other.open(&args.reference).and_then(|reference| {
        let _shown = shown("compare", args.progress, &reference);
        content::compare_sources(reference, args.reading.open(&args.distorted)?, &args.metric, &cancel)
    });
    finish(comparison, args.json, |comparison| render::verify::score(&comparison.score))
}

/// Shows how far `source` is read, if the user wants a bar.
fn shown(doing: &'static str, progress: ProgressChoice, source: &Source) -> Option<Shown> {
    has_bar(progress).then(|| Shown::reading(doing, source.reading_place()))
}

fn finish<T: serde::Serialize>(result: Result<T>, json: bool, text: impl Fn(&T) -> String) -> u8 {
    match result {
        Ok(value) if json => output::json(&value),
        Ok(value) => output::text(&text(&value)),
        Err(error) => return output::failure(&error, json),
    }
    exit::DONE
}
