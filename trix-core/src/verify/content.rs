//! Compares the frames of two files.

use std::sync::Arc;

use trix_model::{
    control::cancel::Token,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
};

use super::copies::{self, Copied, Reference, Taken};
pub use super::copies::{Comparison, Difference};
use crate::{
    plan::{Cut, Filtering, Transform},
    pool,
    quality::Metric,
    settings::picture::Resampler,
    source::Source,
};

/// Compares two sources that this job did not write. If only chroma or depth differ, the second is converted to the
/// format of the first.
///
/// # Errors
/// `Verification` if sizes or numbers of frames differ; otherwise the errors of reading.
pub fn compare_sources(
    reference: Source,
    distorted: Source,
    metrics: &[Metric],
    cancel: &trix_model::control::cancel::Cancel,
) -> Result<Comparison> {
    let shape = |source: &Source| {
        let facts = source.video().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, Stage::Verify, "has no video stream").in_file(&source.label())
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
            "has frames of a format that cannot be compared",
        )
        .in_file(&reference.label()));
    };
    if right.2.is_none_or(|right| right.rgb != format.rgb) {
        let detail = "one has red, green and blue samples and the other luma and chroma; they are not compared";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Verify, detail).in_file(&distorted.label()));
    }
    // Both files are compared in the planar format of the reference, whatever their packing or depth.
    let planes = |color| Some(Filtering::by(Transform::to(left.0, left.1, format, Resampler::default(), color)));
    let token = Token::new(cancel);
    let copied = Copied {
        source: distorted,
        filtering: planes(right.3),
        taken: Taken { cut: Cut::default(), filtering: planes(left.3) },
        luma_only: false,
        reconstructed: Default::default(),
        counters: Arc::default(),
        token,
    };
    let reference = Reference { source: reference, on_damage: OnDamage::Fail };
    let work = || copies::compare(reference, vec![copied], metrics, 0, &|_| {});
    let found = pool::with(pool::threads(0), work)?.pop();
    found.unwrap_or_else(|| Err(Error::bug(Stage::Verify, "nothing was compared")))
}
