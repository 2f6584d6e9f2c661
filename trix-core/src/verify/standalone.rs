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
}

/// Decodes all of `source`. With a reference, compares its frames with those of the reference.
///
/// # Errors
/// Errors of reading. A failed check is no error, but is in the report.
pub fn check_source(source: Source, against: Option<Source>, cancel: &Cancel) -> Result<FileReport> {
    let file = source.label();
    let reference = against.as_ref().map(Source::label);
    let again = against.is_some().then(|| source.reopen()).transpose()?;
    let video = source.video().map(|facts| facts.index);
    let full_decode_count = full_decode_count::count(source, OnDamage::Conceal, 0, cancel)?;
    let mut checks = Vec::new();
    let mut check = |name: &str, expected: String, found: String| {
        checks.push(Check { name: name.to_owned(), ok: expected == found, expected, found });
    };
    let detail = full_decode_count.damage.first.first().map_or_else(
        || "no damage".to_owned(),
        |first| {
            let time = first.time.map_or_else(String::new, |time| format!(" at {time}"));
            format!("damaged in {}, first{time}: {}", counted(full_decode_count.damage.total(), "place"), first.detail)
        },
    );
    check("damage", "no damage".to_owned(), detail);
    let frames = video.and_then(|index| full_decode_count.streams.get(&index));
    if let Some(found) = frames {
        check("times that do not increase", "0".to_owned(), found.timing.repeats.to_string());
        let some = if found.frames > Some(0) { "at least one" } else { "none" };
        check("frames that can be decoded", "at least one".to_owned(), some.to_owned());
    }
    let mut score = None;
    if let (Some(reference), Some(again)) = (against, again) {
        match content::compare_sources(reference, again, &[Metric::Psnr, Metric::Ssim], cancel) {
            Ok(comparison) => {
                // The comparison reads the same number of frames from both sides. The full count counted this side
                // separately.
                let found = frames.and_then(|found| found.frames).unwrap_or(0);
                check("frames of the reference", comparison.score.frames.to_string(), found.to_string());
                score = Some(comparison.score);
            }
            Err(error) if error.kind() == ErrorKind::Verification => {
                check("frames of the reference", "the same number and size".to_owned(), error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    let ok = checks.iter().all(|check| check.ok);
    Ok(FileReport { file, against: reference, full_decode_count, checks, score, ok })
}
