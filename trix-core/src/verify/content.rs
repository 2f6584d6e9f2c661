//! Decodes two files side by side and compares them picture by picture.

use std::path::Path;

use serde::Serialize;
use trix_model::{
    control::{cancel::Token, progress::Counters},
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

use crate::{
    plan::{Cut, Filtering, Transform},
    quality::{self, Comparator, Metric, Score},
    reading::reader::PictureReader,
    source::Source,
    spec::{picture::Resampler, source::Limits},
};

/// What a comparison found.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// Scores over all pictures.
    pub score: Score,
    /// The first picture that is not equal, sample by sample; absent when all are.
    pub first_difference: Option<Difference>,
}

/// A picture that is not equal to that of the reference.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// Which picture, from zero.
    pub frame: u64,
    /// When it is shown.
    pub time: Timestamp,
}

/// Two sets of pictures to compare.
pub(crate) struct Sides {
    pub(crate) reference: Source,
    pub(crate) cut: Cut,
    pub(crate) on_damage: OnDamage,
    pub(crate) filtering: Option<Filtering>,
    pub(crate) distorted: Source,
    pub(crate) distorted_filtering: Option<Filtering>,
    pub(crate) luma_only: bool,
    pub(crate) threads: u32,
}

/// Decodes both sides and compares them.
///
/// # Errors
/// `Verification` when one side has more pictures than the other, or the pictures have other shapes; otherwise the
/// errors of reading.
pub(crate) fn compare(sides: Sides, metrics: &[Metric], token: &Token, counters: &Counters) -> Result<Comparison> {
    let label = sides.distorted.label();
    let Sides { reference, cut, on_damage, filtering, distorted, distorted_filtering, luma_only, threads } = sides;
    let mut reference = PictureReader::new(reference, on_damage, cut, filtering, threads)?;
    let mut distorted = PictureReader::new(distorted, OnDamage::Fail, Cut::default(), distorted_filtering, threads)?;
    let mut comparator = Comparator::new(metrics);
    let (mut first_difference, mut number) = (None, 0);
    let wrong = |detail: String| Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(&label);
    loop {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        let (left, right) = match (reference.next_picture()?, distorted.next_picture()?) {
            (Some(left), Some(right)) => (left, right),
            (None, None) => break,
            (Some(_), None) => return Err(wrong(format!("ends after {number} pictures; the reference goes on"))),
            (None, Some(_)) => return Err(wrong(format!("goes on after the {number} pictures of the reference"))),
        };
        let (left_planes, mut right_planes) = (left.frame.planes(), right.frame.planes());
        if luma_only {
            right_planes.truncate(1);
        }
        let time = Timestamp::new(right.pts, distorted.time_base());
        if first_difference.is_none() && !quality::identical(&left_planes, &right_planes) {
            first_difference = Some(Difference { frame: number, time });
        }
        comparator.push(&left_planes, &right_planes).map_err(|error| {
            wrong(format!("picture {number} cannot be compared: {error}")).at(Some(time)).caused_by(error)
        })?;
        number += 1;
        counters.add_frame();
    }
    Ok(Comparison { score: comparator.finish(), first_difference })
}

/// Compares two files that were not made by this job: the second is converted to the first's shape where only chroma
/// or depth differ.
///
/// # Errors
/// `Verification` when sizes or numbers of pictures differ; otherwise the errors of opening and reading.
pub fn compare_files(
    reference: &Path,
    distorted: &Path,
    metrics: &[Metric],
    cancel: &trix_model::control::cancel::Cancel,
) -> Result<Comparison> {
    let open = |path| Source::open(path, Limits::default());
    compare_sources(open(reference)?, open(distorted)?, metrics, cancel)
}

/// As [`compare_files`], for sources that may have needed more than a name to be opened.
///
/// # Errors
/// `Verification` when sizes or numbers of pictures differ; otherwise the errors of reading.
pub fn compare_sources(
    reference: Source,
    distorted: Source,
    metrics: &[Metric],
    cancel: &trix_model::control::cancel::Cancel,
) -> Result<Comparison> {
    let shape = |source: &Source| {
        let facts = source.video().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, Stage::Verify, "has no picture stream").in_file(&source.label())
        })?;
        let format = trix_av::pixel::PixelFormat::from_raw(facts.format).and_then(|pixel| pixel.samples());
        Ok::<_, Error>((facts.width, facts.height, format, facts.color))
    };
    let (left, right) = (shape(&reference)?, shape(&distorted)?);
    if (left.0, left.1) != (right.0, right.1) {
        let detail = format!("is {}x{}; the reference is {}x{}", right.0, right.1, left.0, left.1);
        return Err(Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(&distorted.label()));
    }
    let Some(format) = left.2 else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            Stage::Verify,
            "has pictures of a format that cannot be compared",
        )
        .in_file(&reference.label()));
    };
    if right.2.is_none_or(|right| right.rgb != format.rgb) {
        let detail = "one has red, green and blue samples and the other luma and chroma; they are not compared";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Verify, detail).in_file(&distorted.label()));
    }
    // Samples that are packed, or have another depth, are compared as the reference's in planes.
    let planes = |color| Some(Filtering::by(Transform::to(left.0, left.1, format, Resampler::default(), color)));
    let sides = Sides {
        reference,
        cut: Cut::default(),
        on_damage: OnDamage::Fail,
        filtering: planes(left.3),
        distorted,
        distorted_filtering: planes(right.3),
        luma_only: false,
        threads: 0,
    };
    compare(sides, metrics, &Token::new(cancel), &Counters::default())
}
