//! Compares a clip with its reference, pair by pair, and sums up the scores.

use trix_model::frame_facts::Plane;

use super::{
    curve::CurveSums,
    metric::Metric,
    mismatch::Mismatch,
    planes::{holds_its_rows, shape},
    psnr,
    score::{PlaneLabel, PlaneScore, Score, WorstFrame},
    ssim,
    strip::{Strip, StripResult},
    vmaf,
};
use crate::pool;

/// The sums of one plane over all frames.
#[derive(Clone, Debug)]
struct Tally {
    plane: PlaneLabel,
    shape: (usize, usize, u32),
    identical_frames: u64,
    sse: u128,
    ssim: f64,
}

impl Tally {
    fn samples(&self) -> f64 {
        (self.shape.0 * self.shape.1) as f64
    }
}

/// Compares a clip with its reference, pair by pair. It keeps only sums, so its memory does not grow with the clip.
pub struct Comparator {
    psnr: bool,
    ssim: bool,
    vmaf: Option<vmaf::Sum>,
    tallies: Vec<Tally>,
    frames: u64,
    identical_frames: u64,
    worst_psnr: Option<WorstFrame>,
    worst_ssim: Option<WorstFrame>,
    curve: CurveSums,
}

impl Comparator {
    /// Creates a comparator that computes `metrics`. Without metrics, it only counts frames and identical frames.
    #[must_use]
    pub fn new(metrics: &[Metric]) -> Self {
        Comparator {
            psnr: metrics.contains(&Metric::Psnr),
            ssim: metrics.contains(&Metric::Ssim),
            vmaf: metrics.contains(&Metric::Vmaf).then(vmaf::Sum::default),
            tallies: Vec::new(),
            frames: 0,
            identical_frames: 0,
            worst_psnr: None,
            worst_ssim: None,
            curve: CurveSums::default(),
        }
    }

    /// Compares the next pair of frames. Returns true if they are equal in every sample. The first pair sets the
    /// geometry of all others.
    ///
    /// In a thread pool, all threads work on the pair, strip by strip. Sums are added in the order of the rows, so that
    /// scores do not depend on the number of threads.
    ///
    /// # Errors
    /// If the two frames, or this pair and the first, differ in the number, size or depth of their planes, if a plane has
    /// fewer samples than its size requires, or if a metric cannot be measured.
    pub fn push(&mut self, reference: &[Plane<'_>], distorted: &[Plane<'_>]) -> Result<bool, Mismatch> {
        self.check(reference, distorted)?;
        if let (Some(vmaf), [reference, ..], [distorted, ..]) = (&mut self.vmaf, reference, distorted) {
            vmaf.push(*reference, *distorted)?;
        }
        let strips: Vec<Strip<'_>> = reference.iter().zip(distorted).flat_map(|(r, d)| Strip::all(*r, *d)).collect();
        let (with_psnr, with_ssim) = (self.psnr, self.ssim);
        let mut found = pool::map(strips, |strip| strip.compare(with_psnr, with_ssim)).into_iter();
        let mut all_equal = true;
        let (mut luma_sse, mut luma_ssim) = (0, 1.0);
        for (index, tally) in self.tallies.iter_mut().enumerate() {
            let (width, height, _) = tally.shape;
            let own: Vec<StripResult> = found.by_ref().take(Strip::count(height)).collect();
            let equal = own.iter().all(|strip| strip.equal);
            all_equal &= equal;
            tally.identical_frames += u64::from(equal);
            let sse: u64 = own.iter().map(|strip| strip.sse).sum();
            let rows = own.into_iter().flat_map(|strip| strip.similarities);
            let similarity = match with_ssim && !equal {
                false => 1.0,
                true if ssim::has_windows(width, height) => ssim::mean(width, height, rows),
                true => rows.sum(),
            };
            tally.sse += u128::from(sse);
            tally.ssim += similarity;
            if index == 0 {
                (luma_sse, luma_ssim) = (sse, similarity);
            }
        }
        if let Some(luma) = self.tallies.first() {
            self.curve.push(luma_sse as f64 / luma.samples(), luma_ssim);
            let this = WorstFrame {
                frame: self.frames,
                luma_psnr_db: psnr::decibels(luma_sse as f64 / luma.samples(), luma.shape.2),
                luma_ssim: self.ssim.then_some(luma_ssim),
            };
            let lower = |new: Option<f64>, old: Option<f64>| new.is_some_and(|new| old.is_none_or(|old| new < old));
            if lower(this.luma_psnr_db, self.worst_psnr.and_then(|worst| worst.luma_psnr_db)) {
                self.worst_psnr = Some(this);
            }
            let differs = this.luma_ssim.filter(|similarity| *similarity < 1.0);
            if lower(differs, self.worst_ssim.and_then(|worst| worst.luma_ssim)) {
                self.worst_ssim = Some(this);
            }
        }
        self.frames += 1;
        self.identical_frames += u64::from(all_equal);
        Ok(all_equal)
    }

    /// The score over all pairs.
    ///
    /// # Errors
    /// If a metric could not be measured.
    pub fn finish(self) -> Result<Score, Mismatch> {
        if self.frames == 0 {
            return Ok(Score::default());
        }
        let vmaf = self.vmaf.map_or(Ok(None), vmaf::Sum::finish)?;
        let frames = self.frames as f64;
        let samples: f64 = self.tallies.iter().map(Tally::samples).sum();
        let depth = self.tallies.first().map_or(8, |luma| luma.shape.2);
        let sse: f64 = self.tallies.iter().map(|tally| tally.sse as f64).sum();
        let similarity: f64 = self.tallies.iter().map(|tally| tally.ssim * tally.samples()).sum();
        let planes = self
            .tallies
            .iter()
            .map(|tally| PlaneScore {
                plane: tally.plane,
                identical: tally.identical_frames == self.frames,
                psnr_db: psnr::decibels(tally.sse as f64 / tally.samples() / frames, tally.shape.2),
                ssim: self.ssim.then(|| tally.ssim / frames),
            })
            .collect();
        Ok(Score {
            frames: self.frames,
            identical_frames: self.identical_frames,
            identical: self.identical_frames == self.frames,
            psnr_db: psnr::decibels(sse / samples / frames, depth),
            ssim: self.ssim.then(|| similarity / samples / frames),
            vmaf,
            planes,
            worst_psnr: self.worst_psnr,
            worst_ssim: self.worst_ssim,
            curve: (self.psnr || self.ssim).then(|| self.curve.finish(depth, self.psnr, self.ssim)),
        })
    }

    /// Compares the geometry of the two frames with each other and with the first pair. The first pair sets it.
    fn check(&mut self, reference: &[Plane<'_>], distorted: &[Plane<'_>]) -> Result<(), Mismatch> {
        if reference.len() != distorted.len() {
            return Err(Mismatch::PlaneCount { reference: reference.len(), distorted: distorted.len() });
        }
        let labels = PlaneLabel::of(reference.len());
        if labels.is_empty() {
            return Err(Mismatch::Layout { planes: reference.len() });
        }
        let depth = reference[0].depth;
        for (&plane, (r, d)) in labels.iter().zip(reference.iter().zip(distorted)) {
            if (r.width, r.height) != (d.width, d.height) {
                return Err(Mismatch::Size { plane, reference: (r.width, r.height), distorted: (d.width, d.height) });
            }
            if r.depth != d.depth {
                return Err(Mismatch::Depth { plane, reference: r.depth, distorted: d.depth });
            }
            for side in [r, d] {
                let is_valid =
                    side.width > 0 && side.height > 0 && (1..=16).contains(&side.depth) && side.depth == depth;
                if !is_valid || !holds_its_rows(side) {
                    let Plane { width, height, depth, data, .. } = *side;
                    return Err(Mismatch::Plane { plane, width, height, depth, bytes: data.len() });
                }
            }
        }
        if self.tallies.is_empty() {
            let tally = |(&plane, r): (&PlaneLabel, &Plane<'_>)| Tally {
                plane,
                shape: shape(r),
                identical_frames: 0,
                sse: 0,
                ssim: 0.0,
            };
            self.tallies = labels.iter().zip(reference).map(tally).collect();
        }
        let like_first = self.tallies.len() == reference.len()
            && self.tallies.iter().zip(reference).all(|(tally, r)| tally.shape == shape(r));
        if like_first { Ok(()) } else { Err(Mismatch::Changed { frame: self.frames }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(data: &[u8], width: usize, depth: u32) -> Plane<'_> {
        let bytes = if depth > 8 { 2 } else { 1 };
        Plane { data, stride: width * bytes, width, height: data.len() / width / bytes, depth }
    }

    #[test]
    fn a_clip_scores_as_computed_by_hand() {
        let (black, grey) = (vec![0u8; 256], vec![10u8; 256]);
        let mut comparator = Comparator::new(&[Metric::Psnr, Metric::Ssim]);
        comparator.push(&[plane(&black, 16, 8)], &[plane(&black, 16, 8)]).unwrap();
        comparator.push(&[plane(&black, 16, 8)], &[plane(&grey, 16, 8)]).unwrap();
        let score = comparator.finish().unwrap();
        assert_eq!((score.frames, score.identical_frames, score.identical), (2, 1, false));
        // An error of 100 in one of two frames: a mean of 50.
        let expected = 10.0 * (255.0f64 * 255.0 / 50.0).log10();
        assert!((score.psnr_db.unwrap() - expected).abs() < 1e-12);
        assert_eq!(score.worst_psnr.unwrap().frame, 1);
        assert_eq!(score.worst_ssim.unwrap().frame, 1);
        assert!(score.ssim.unwrap() > 0.5 && score.ssim.unwrap() < 1.0);
    }

    #[test]
    fn identical_clips_have_no_finite_ratio() {
        let data = vec![7u8; 512];
        let mut comparator = Comparator::new(&[Metric::Psnr, Metric::Ssim]);
        comparator.push(&[plane(&data, 16, 10)], &[plane(&data, 16, 10)]).unwrap();
        let score = comparator.finish().unwrap();
        assert!(score.identical);
        assert_eq!((score.psnr_db, score.ssim, score.worst_psnr), (None, Some(1.0), None));
    }

    #[test]
    fn strips_and_threads_do_not_change_a_bit_of_a_score() {
        let noise = |seed: u32, length: usize| -> Vec<u8> {
            let step = |state: u32| state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            std::iter::successors(Some(seed), |state| Some(step(*state)))
                .map(|state| (state >> 24) as u8)
                .take(length)
                .collect()
        };
        // Sizes around those of strips and windows.
        for (width, height) in
            [(64, 1), (7, 300), (300, 7), (8, 8), (37, 127), (40, 128), (41, 129), (52, 131), (64, 515)]
        {
            for depth in [8, 10, 16] {
                let bytes = if depth > 8 { 2 } else { 1 };
                let (x, mut y) = (noise(1, width * height * bytes), noise(2, width * height * bytes));
                // Equal strips are next to different strips.
                let half = y.len() / 2;
                y[..half].copy_from_slice(&x[..half]);
                let (r, d) = (plane(&x, width, depth), plane(&y, width, depth));
                let score = || {
                    let mut comparator = Comparator::new(&Metric::DEFAULT);
                    assert!(!comparator.push(&[r, d], &[d, r]).unwrap());
                    assert!(comparator.push(&[r, r], &[r, r]).unwrap());
                    comparator.finish().unwrap()
                };
                let alone = score();
                let ssim = ssim::ssim(r, d);
                assert_eq!(alone.planes[0].ssim, Some((ssim + 1.0) / 2.0), "{width}x{height}");
                assert_eq!(alone.worst_ssim.and_then(|worst| worst.luma_ssim), Some(ssim), "{width}x{height}");
                // Squared errors come from the blocks of SSIM, or are summed up without it.
                let mut comparator = Comparator::new(&[Metric::Psnr]);
                comparator.push(&[r, d], &[d, r]).unwrap();
                comparator.push(&[r, r], &[r, r]).unwrap();
                let psnr = comparator.finish().unwrap();
                assert_eq!((psnr.psnr_db, psnr.worst_psnr.and_then(|worst| worst.luma_psnr_db)), {
                    (alone.psnr_db, alone.worst_psnr.and_then(|worst| worst.luma_psnr_db))
                });
                for threads in [1, 2, 5] {
                    assert_eq!(pool::with(threads, score).unwrap(), alone, "{width}x{height}, {threads} threads");
                }
            }
        }
    }

    #[test]
    fn nothing_compared_scores_nothing() {
        assert_eq!(Comparator::new(&[Metric::Psnr]).finish().unwrap(), Score::default());
    }

    #[test]
    fn frames_of_other_shapes_are_refused() {
        let data = vec![0u8; 256];
        let (wide, narrow, deep) = (plane(&data, 16, 8), plane(&data, 8, 8), plane(&data, 16, 10));
        let refuse = |r: &[Plane<'_>], d: &[Plane<'_>]| Comparator::new(&[]).push(r, d).unwrap_err();
        assert!(matches!(refuse(&[wide], &[narrow]), Mismatch::Size { .. }));
        assert!(matches!(refuse(&[], &[]), Mismatch::Layout { planes: 0 }));
        assert!(matches!(refuse(&[wide], &[wide, wide, wide]), Mismatch::PlaneCount { .. }));
        let eight_rows = Plane { height: 8, ..wide };
        assert!(matches!(refuse(&[eight_rows], &[deep]), Mismatch::Depth { .. }));
        let cut = Plane { data: &data[..100], ..wide };
        assert!(matches!(refuse(&[wide], &[cut]), Mismatch::Plane { .. }));
        let mut comparator = Comparator::new(&[]);
        comparator.push(&[wide], &[wide]).unwrap();
        assert!(matches!(comparator.push(&[narrow], &[narrow]), Err(Mismatch::Changed { frame: 1 })));
    }
}
