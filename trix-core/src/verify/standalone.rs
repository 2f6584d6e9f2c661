//! Checks a file that no job of this process wrote: that all of it can be decoded, and how similar it is to a
//! reference.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trix_model::{
    amount::counted,
    check::Check,
    control::cancel::Cancel,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
};

use super::content;
use crate::{
    quality::{Metric, Score},
    reading::full_decode_count::{self, FullDecodeCount},
    source::Source,
};

/// What checking a file found.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileReport {
    /// The file.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub file: PathBuf,
    /// What it was compared with.
    #[serde(with = "trix_model::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub against: Option<PathBuf>,
    /// What decoding all of it found.
    #[serde(rename = "census")]
    pub full_decode_count: FullDecodeCount,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// The frames against those of the reference.
    pub score: Option<Score>,
    /// True if all checks passed.
    pub ok: bool,
}

impl FileReport {
    /// # Errors
    /// `Verification` with everything that does not hold.
    pub fn hold(&self) -> Result<()> {
        if self.ok {
            return Ok(());
        }
        let failed = Check::failed(&self.checks).unwrap_or_default();
        Err(Error::new(ErrorKind::Verification, Stage::Verify, failed).in_file(&self.file))
    }

    /// Compares the frames of the file, opened again as `file`, with those of `reference`.
    ///
    /// # Errors
    /// Errors of reading. A failed check is no error, but is in the report.
    pub fn compare(&mut self, file: Source, reference: Source, cancel: &Cancel) -> Result<()> {
        const FRAMES: &str = "frames of the reference";
        debug_assert_eq!(file.label(), self.file, "the file of the report");
        let against = Some(reference.label());
        let video = file.video().map(|facts| facts.index);
        let found = video.and_then(|index| self.full_decode_count.streams.get(&index)?.frames).unwrap_or(0);
        match content::compare_sources(reference, file, &Metric::DEFAULT, cancel) {
            Ok(comparison) => {
                // The comparison reads the same number of frames from both sides. The full count counted this side
                // separately.
                self.check(FRAMES, comparison.score.frames.to_string(), found.to_string());
                self.score = Some(comparison.score);
            }
            Err(error) if error.kind() == ErrorKind::Verification => {
                self.check(FRAMES, "the same number and size".to_owned(), error.to_string());
            }
            Err(error) => return Err(error),
        }
        self.against = against;
        Ok(())
    }

    fn check(&mut self, name: &str, expected: String, found: String) {
        let ok = expected == found;
        self.checks.push(Check { name: name.to_owned(), ok, expected, found });
        self.ok &= ok;
    }
}

/// Decodes all of `source`.
///
/// # Errors
/// Errors of reading. A failed check is no error, but is in the report.
pub fn check_source(source: Source, cancel: &Cancel) -> Result<FileReport> {
    let file = source.label();
    let video = source.video().map(|facts| facts.index);
    let full_decode_count = full_decode_count::count(source, OnDamage::Conceal, 0, cancel)?;
    let mut report = FileReport { file, against: None, full_decode_count, checks: Vec::new(), score: None, ok: true };
    let damage = &report.full_decode_count.damage;
    let detail = damage.first.first().map_or_else(
        || "no damage".to_owned(),
        |first| {
            let time = first.time.map_or_else(String::new, |time| format!(" at {time}"));
            format!("damaged in {}, first{time}: {}", counted(damage.total(), "place"), first.detail)
        },
    );
    report.check("damage", "no damage".to_owned(), detail);
    let found = video.and_then(|index| report.full_decode_count.streams.get(&index));
    if let Some((frames, repeats)) = found.map(|found| (found.frames, found.timing.repeats)) {
        report.check("times that do not increase", "0".to_owned(), repeats.to_string());
        let some = if frames > Some(0) { "at least one" } else { "none" };
        report.check("frames that can be decoded", "at least one".to_owned(), some.to_owned());
    }
    Ok(report)
}
