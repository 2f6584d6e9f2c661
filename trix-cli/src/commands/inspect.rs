//! `trix probe`, `trix verify`, `trix compare`: looking at files without making any.

use trix_core::{
    Limits, Result, Source, probe as probing,
    verify::{content, standalone},
};

use crate::{
    args::{Compare, Probe, Verify},
    exit, output, render,
};

/// Shows what a file holds.
pub fn probe(args: &Probe) -> u8 {
    let cancel = super::cancel_on_interrupt();
    let info = Source::open(&args.source, Limits::default()).and_then(|source| {
        if args.count { probing::probe_and_count(source, 0, &cancel) } else { Ok(probing::probe(&source)) }
    });
    finish(info, args.json, render::probe::text)
}

/// Checks a file.
pub fn verify(args: &Verify) -> u8 {
    let cancel = super::cancel_on_interrupt();
    let report = standalone::check_file(&args.file, args.against.as_deref(), Limits::default(), &cancel);
    let held = report.as_ref().map_or(Ok(()), standalone::FileReport::hold);
    let code = finish(report, args.json, render::verify::text);
    match held {
        Ok(()) => code,
        Err(error) => {
            output::line(&format!("trix: {error}"));
            exit::code(error.kind())
        }
    }
}

/// Scores one file against another.
pub fn compare(args: &Compare) -> u8 {
    let cancel = super::cancel_on_interrupt();
    let comparison = content::compare_files(&args.reference, &args.distorted, &args.metric, &cancel);
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
