//! `trix probe`, `trix verify`, `trix compare`: read files and write none.

use trix_core::{
    Result,
    control::progress::Reading,
    probe as probing,
    verify::{content, standalone},
};

use super::{interrupt::cancel_on_interrupt, running::reading};
use crate::{
    args::{Compare, Probe, Verify},
    exit, output, render,
};

/// Shows what a file holds.
pub fn probe(args: &Probe) -> u8 {
    let cancel = cancel_on_interrupt();
    let info = args.reading.open(&args.source).and_then(|source| {
        if !args.count {
            return Ok(probing::probe(&source));
        }
        let _shown = reading(args.progress, Reading::Count, source.reading_place());
        probing::probe_and_count(source, 0, &cancel)
    });
    finish(info, args.json, ToString::to_string)
}

/// Checks a file.
pub fn verify(args: &Verify) -> u8 {
    let cancel = cancel_on_interrupt();
    let report = args.reading.open(&args.file).and_then(|file| {
        let against = args.against.as_deref().map(|path| args.other.open(path)).transpose()?;
        let _shown = reading(args.progress, Reading::Verify, file.reading_place());
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
        let _shown = reading(args.progress, Reading::Compare, reference.reading_place());
        content::compare_sources(reference, args.reading.open(&args.distorted)?, &args.metric, &cancel)
    });
    finish(comparison, args.json, |comparison| render::verify::score(&comparison.score))
}

fn finish<T: serde::Serialize>(result: Result<T>, json: bool, text: impl Fn(&T) -> String) -> u8 {
    match result {
        Ok(value) if json => output::json(&value),
        Ok(value) => output::text(&text(&value)),
        Err(error) => return output::failure(&error, json),
    }
    exit::DONE
}
