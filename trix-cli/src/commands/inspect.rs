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
        // A reference that cannot be opened is an error before the file is decoded.
        let against = match &args.against {
            Some(path) => Some((args.reading.open(&args.file)?, args.other.open(path)?)),
            None => None,
        };
        let shown = reading(args.progress, Reading::Verify, file.reading_place());
        let mut report = standalone::check_source(file, &cancel)?;
        drop(shown);
        if let Some((again, reference)) = against {
            let _shown = reading(args.progress, Reading::Compare, reference.reading_place());
            report.compare(again, reference, &cancel)?;
        }
        Ok(report)
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
