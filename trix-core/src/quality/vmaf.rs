//! VMAF, in builds that have it.

#[cfg(feature = "vmaf")]
use trix_av::vmaf::Scorer;
use trix_model::frame_facts::Plane;

use super::mismatch::Mismatch;

/// VMAF over the frames of a clip.
#[derive(Default)]
pub(super) struct Sum {
    #[cfg(feature = "vmaf")]
    scorer: Option<Scorer>,
}

#[cfg(feature = "vmaf")]
impl Sum {
    /// Measures the next pair of frames.
    pub(super) fn push(&mut self, reference: Plane<'_>, distorted: Plane<'_>) -> Result<(), Mismatch> {
        let scorer = match &mut self.scorer {
            Some(scorer) => scorer,
            None => {
                let threads = u32::try_from(rayon::current_num_threads()).unwrap_or(1);
                self.scorer.insert(Scorer::new(threads).map_err(unmeasured)?)
            }
        };
        scorer.push(reference, distorted).map_err(unmeasured)
    }

    /// The mean over the frames. `None` if there was none.
    pub(super) fn finish(self) -> Result<Option<f64>, Mismatch> {
        self.scorer.map_or(Ok(None), |scorer| scorer.finish().map_err(unmeasured))
    }
}

#[cfg(feature = "vmaf")]
fn unmeasured(failed: trix_av::vmaf::Failed) -> Mismatch {
    Mismatch::Unmeasured { reason: failed.to_string() }
}

#[cfg(not(feature = "vmaf"))]
impl Sum {
    pub(super) fn push(&mut self, _: Plane<'_>, _: Plane<'_>) -> Result<(), Mismatch> {
        Err(Mismatch::Unmeasured { reason: "VMAF: this build does not have it".to_owned() })
    }

    pub(super) fn finish(self) -> Result<Option<f64>, Mismatch> {
        Ok(None)
    }
}
