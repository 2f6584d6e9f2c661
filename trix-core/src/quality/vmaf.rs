//! VMAF, in builds that have it.

use trix_model::frame_facts::Plane;

#[cfg(feature = "vmaf")]
use trix_av::vmaf::Scorer;

/// The sum of VMAF over the frames of a clip.
#[derive(Default)]
pub(super) struct Sum {
    #[cfg(feature = "vmaf")]
    scorer: Option<Scorer>,
    #[cfg(feature = "vmaf")]
    failed: bool,
}

#[cfg(feature = "vmaf")]
impl Sum {
    /// Measures the next pair of frames.
    pub(super) fn push(&mut self, reference: Plane<'_>, distorted: Plane<'_>) {
        if self.scorer.is_none() && !self.failed {
            let threads = u32::try_from(rayon::current_num_threads()).unwrap_or(1);
            self.scorer = Scorer::new(threads).ok();
        }
        let measured = self.scorer.as_mut().is_some_and(|scorer| scorer.push(reference, distorted).is_ok());
        self.failed |= !measured;
    }

    /// The mean over the frames. `None` if a frame could not be measured, or there was none.
    pub(super) fn finish(self) -> Option<f64> {
        self.scorer.filter(|_| !self.failed)?.finish().ok()?
    }
}

#[cfg(not(feature = "vmaf"))]
impl Sum {
    pub(super) fn push(&mut self, _: Plane<'_>, _: Plane<'_>) {}

    pub(super) fn finish(self) -> Option<f64> {
        None
    }
}
