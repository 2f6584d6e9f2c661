//! Quality of a copy against its reference: PSNR and SSIM over the planes of a clip.
//!
//! Invariant: a score averages only pairs of one geometry. A rejected pair changes nothing.

pub mod psnr;
pub mod ssim;

use std::{fmt, ops::Range, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trix_model::frame_facts::Plane;

use crate::pool;

/// A full-reference measure of quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Metric {
    /// Peak signal-to-noise ratio, in decibels; see [`psnr`].
    Psnr,
    /// Structural similarity, −1 to 1; see [`ssim`].
    Ssim,
}

impl Metric {
    /// Every metric, in the order of their names in messages.
    pub const ALL: [Metric; 2] = [Metric::Psnr, Metric::Ssim];

    /// The name in specs and reports: lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Metric::Psnr => "psnr",
            Metric::Ssim => "ssim",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An unknown metric name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown metric {name:?}; the metrics are {}", Metric::ALL.map(Metric::name).join(", "))]
pub struct UnknownMetric {
    /// The given name.
    pub name: String,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Metric, UnknownMetric> {
        let found = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        found.ok_or_else(|| UnknownMetric { name: name.to_owned() })
    }
}

/// The plane of a score, by its position in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PlaneLabel {
    /// Luma: the first plane, and the only plane of grey frames.
    Y,
    /// Blue-difference chroma: the second of three or four.
    U,
    /// Red-difference chroma: the third of three or four.
    V,
    /// Alpha: the second of two, the fourth of four.
    A,
}

impl PlaneLabel {
    /// The labels of a frame with `planes` planes. Empty if such frames cannot be compared.
    fn of(planes: usize) -> &'static [PlaneLabel] {
        use PlaneLabel::{A, U, V, Y};
        match planes {
            1 => &[Y],
            2 => &[Y, A],
            3 => &[Y, U, V],
            4 => &[Y, U, V, A],
            _ => &[],
        }
    }
}

impl fmt::Display for PlaneLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlaneLabel::Y => "Y",
            PlaneLabel::U => "U",
            PlaneLabel::V => "V",
            PlaneLabel::A => "A",
        })
    }
}

/// The similarity of a clip to its reference. All values are 0, `false`, `None` or empty if no frame was compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Pairs of frames compared.
    pub frames: u64,
    /// Of these, the pairs that are equal in every sample of all planes.
    pub identical_frames: u64,
    /// True if at least one pair was compared and all were equal in every sample.
    pub identical: bool,
    /// PSNR in decibels, from the mean squared error over all samples of all planes and frames, so that planes are
    /// weighted by their size. `None` if the clips are identical (the ratio has no finite value) or PSNR was not
    /// measured.
    pub psnr_db: Option<f64>,
    /// SSIM, as the mean over the frames of the mean over the planes, weighted by their size; −1 to 1. `None` if SSIM
    /// was not measured.
    pub ssim: Option<f64>,
    /// The same for each plane, in the order of the frame's planes.
    pub planes: Vec<PlaneScore>,
    /// The first of the frames with the lowest luma PSNR. `None` if PSNR was not measured or luma is equal in all
    /// frames.
    pub worst_psnr: Option<WorstFrame>,
    /// The first of the frames with the lowest luma SSIM. `None` if SSIM was not measured or luma is equal in all
    /// frames.
    pub worst_ssim: Option<WorstFrame>,
}

/// The part of a [`Score`] for one plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaneScore {
    /// The plane.
    pub plane: PlaneLabel,
    /// True if the plane is equal in every sample of every pair.
    pub identical: bool,
    /// PSNR in decibels, from the mean over the frames of the plane's mean squared error. `None` if the planes are
    /// identical (the ratio has no finite value) or PSNR was not measured.
    pub psnr_db: Option<f64>,
    /// Mean of the plane's SSIM over the frames; −1 to 1. `None` if SSIM was not measured.
    pub ssim: Option<f64>,
}

/// A frame that a [`Score`] names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstFrame {
    /// Its place in the order of the comparison, from 0.
    pub frame: u64,
    /// PSNR of its luma, in decibels. `None` if it was not measured.
    pub luma_psnr_db: Option<f64>,
    /// SSIM of its luma; −1 to 1. `None` if it was not measured.
    pub luma_ssim: Option<f64>,
}

/// Why two frames cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The frames have different numbers of planes.
    #[error("the reference has {reference} planes, the distorted frame {distorted}")]
    PlaneCount {
        /// Planes of the reference.
        reference: usize,
        /// Planes of the distorted frame.
        distorted: usize,
    },
    /// Only frames of 1 to 4 planes can be compared.
    #[error("frames of {planes} planes are not compared, only of 1 to 4")]
    Layout {
        /// Planes of both frames.
        planes: usize,
    },
    /// A plane differs in size.
    #[error("plane {plane} is {}x{} in the reference, {}x{} in the distorted frame",
        reference.0, reference.1, distorted.0, distorted.1)]
    Size {
        /// The plane.
        plane: PlaneLabel,
        /// Width and height in the reference, in samples.
        reference: (usize, usize),
        /// Width and height in the distorted frame, in samples.
        distorted: (usize, usize),
    },
    /// A plane differs in depth.
    #[error("plane {plane} has {reference} bits in the reference, {distorted} in the distorted frame")]
    Depth {
        /// The plane.
        plane: PlaneLabel,
        /// Bits per sample of the reference.
        reference: u32,
        /// Bits per sample of the distorted frame.
        distorted: u32,
    },
    /// The pair differs from the first one.
    #[error("frame {frame} differs from the first in the number, size or depth of its planes")]
    Changed {
        /// Position of the pair in the comparison, from 0.
        frame: u64,
    },
    /// A plane has no samples, fewer bytes than its rows need, samples of less than 1 or more than 16 bits, or another
    /// depth than the first plane.
    #[error("plane {plane} is not usable: {width}x{height} samples of {depth} bits in {bytes} bytes")]
    Plane {
        /// The plane.
        plane: PlaneLabel,
        /// Samples per row.
        width: usize,
        /// Number of rows.
        height: usize,
        /// Bits per sample.
        depth: u32,
        /// Bytes present.
        bytes: usize,
    },
}

/// True if two frames are equal: number, sizes and depths of the planes, and every sample, compared as bytes.
///
/// The padding of the strides is ignored. A plane whose `data` ends before its last row equals nothing.
#[must_use]
pub fn identical(reference: &[Plane<'_>], distorted: &[Plane<'_>]) -> bool {
    let mut pairs = reference.iter().zip(distorted);
    reference.len() == distorted.len()
        && pairs.all(|(r, d)| shape(r) == shape(d) && holds_its_rows(r) && holds_its_rows(d) && same_rows(r, d))
}

/// Width, height and depth.
fn shape(plane: &Plane<'_>) -> (usize, usize, u32) {
    (plane.width, plane.height, plane.depth)
}

fn same_rows(reference: &Plane<'_>, distorted: &Plane<'_>) -> bool {
    reference.rows().eq(distorted.rows())
}

/// True if [`Plane::rows`] stays within the bytes of the plane.
fn holds_its_rows(plane: &Plane<'_>) -> bool {
    let row = plane.width.checked_mul(if plane.depth > 8 { 2 } else { 1 });
    let before = plane.height.saturating_sub(1).checked_mul(plane.stride);
    let end = row.zip(before).and_then(|(row, before)| before.checked_add(row));
    let rows_apart = plane.height <= 1 || row.is_some_and(|row| plane.stride >= row);
    rows_apart && end.is_some_and(|end| end <= plane.data.len())
}

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

/// Some rows of a plane and of its reference. One thread compares a strip at a time.
struct Strip<'a> {
    reference: Plane<'a>,
    distorted: Plane<'a>,
    rows: Range<usize>,
}

/// The result of a strip, which is added to the tally of its plane.
struct StripResult {
    equal: bool,
    sse: u64,
    /// The sums of similarities of the rows of windows that end in the strip. A plane without windows has its own.
    similarities: Vec<f64>,
}

impl<'a> Strip<'a> {
    /// Rows of a strip, a multiple of the blocks of [`ssim`]. A strip of a 1080p plane takes a fraction of a
    /// millisecond. The blocks above it, which belong to its first windows, add 3 %.
    const ROWS: usize = 128;

    fn count(height: usize) -> usize {
        height.div_ceil(Self::ROWS)
    }

    fn all(reference: Plane<'a>, distorted: Plane<'a>) -> impl Iterator<Item = Self> {
        let height = reference.height;
        (0..Self::count(height)).map(move |index| {
            let from = index * Self::ROWS;
            Strip { reference, distorted, rows: from..height.min(from + Self::ROWS) }
        })
    }

    fn compare(&self, psnr: bool, ssim: bool) -> StripResult {
        let Strip { reference, distorted, rows } = self;
        let (r, d) = (part(reference, rows), part(distorted, rows));
        let equal = same_rows(&r, &d);
        let has_windows = ssim::has_windows(reference.width, reference.height);
        let mut sse = if psnr && !equal && !(ssim && has_windows) { psnr::sse(r, d) } else { 0 };
        let similarities = match ssim {
            false => Vec::new(),
            true if has_windows => {
                let blocks = rows.start / ssim::BLOCK..rows.end / ssim::BLOCK;
                let above = rows.start.saturating_sub(ssim::BLOCK)..rows.start;
                match equal && same_rows(&part(reference, &above), &part(distorted, &above)) {
                    // The SSIM of each window is exactly 1.
                    true => {
                        let count = blocks.end - blocks.start.max(1);
                        vec![(reference.width / ssim::BLOCK - 1) as f64; count]
                    }
                    false => {
                        let compared = ssim::compare_blocks(*reference, *distorted, blocks);
                        if psnr {
                            sse = compared.sse + sse_outside_blocks(&r, &d);
                        }
                        compared.similarities
                    }
                }
            }
            true if rows.start == 0 => vec![ssim::ssim(*reference, *distorted)],
            true => Vec::new(),
        };
        StripResult { equal, sse, similarities }
    }
}

/// The squared errors of the samples at the right and at the bottom that fill no block of [`ssim`].
fn sse_outside_blocks(reference: &Plane<'_>, distorted: &Plane<'_>) -> u64 {
    let sse_of = |r: Plane<'_>, d: Plane<'_>| if r.width > 0 && r.height > 0 { psnr::sse(r, d) } else { 0 };
    let below = reference.height - reference.height % ssim::BLOCK..reference.height;
    sse_of(right_of_blocks(reference), right_of_blocks(distorted))
        + sse_of(part(reference, &below), part(distorted, &below))
}

/// The columns of a plane that fill no block, beside its blocks.
fn right_of_blocks<'a>(plane: &Plane<'a>) -> Plane<'a> {
    let (width, height) = (plane.width % ssim::BLOCK, plane.height - plane.height % ssim::BLOCK);
    let right = Plane { width, height, ..*plane };
    let data = plane.data.get(plane.row_bytes() - right.row_bytes()..).unwrap_or_default();
    Plane { data, ..right }
}

/// The `rows` of a plane.
fn part<'a>(plane: &Plane<'a>, rows: &Range<usize>) -> Plane<'a> {
    let data = plane.data.get(rows.start * plane.stride..).unwrap_or_default();
    Plane { data, height: rows.len(), ..*plane }
}

/// Compares a clip with its reference, pair by pair. It keeps only sums, so its memory does not grow with the clip.
#[derive(Clone, Debug)]
pub struct Comparator {
    psnr: bool,
    ssim: bool,
    tallies: Vec<Tally>,
    frames: u64,
    identical_frames: u64,
    worst_psnr: Option<WorstFrame>,
    worst_ssim: Option<WorstFrame>,
}

impl Comparator {
    /// Creates a comparator that computes `metrics`. Without metrics, it only counts frames and identical frames.
    #[must_use]
    pub fn new(metrics: &[Metric]) -> Self {
        Comparator {
            psnr: metrics.contains(&Metric::Psnr),
            ssim: metrics.contains(&Metric::Ssim),
            tallies: Vec::new(),
            frames: 0,
            identical_frames: 0,
            worst_psnr: None,
            worst_ssim: None,
        }
    }

    /// Compares the next pair of frames. Returns true if they are equal in every sample. The first pair sets the
    /// geometry of all others.
    ///
    /// In a thread pool, all threads work on the pair, strip by strip. Sums are added in the order of the rows, so that
    /// scores do not depend on the number of threads.
    ///
    /// # Errors
    /// If the two frames, or this pair and the first, differ in the number, size or depth of their planes, or if a
    /// plane has fewer samples than its size requires.
    pub fn push(&mut self, reference: &[Plane<'_>], distorted: &[Plane<'_>]) -> Result<bool, Mismatch> {
        self.check(reference, distorted)?;
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
    #[must_use]
    pub fn finish(self) -> Score {
        if self.frames == 0 {
            return Score::default();
        }
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
        Score {
            frames: self.frames,
            identical_frames: self.identical_frames,
            identical: self.identical_frames == self.frames,
            psnr_db: psnr::decibels(sse / samples / frames, depth),
            ssim: self.ssim.then(|| similarity / samples / frames),
            planes,
            worst_psnr: self.worst_psnr,
            worst_ssim: self.worst_ssim,
        }
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
        let score = comparator.finish();
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
        let score = comparator.finish();
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
                    let mut comparator = Comparator::new(&Metric::ALL);
                    assert!(!comparator.push(&[r, d], &[d, r]).unwrap());
                    assert!(comparator.push(&[r, r], &[r, r]).unwrap());
                    comparator.finish()
                };
                let alone = score();
                let ssim = ssim::ssim(r, d);
                assert_eq!(alone.planes[0].ssim, Some((ssim + 1.0) / 2.0), "{width}x{height}");
                assert_eq!(alone.worst_ssim.and_then(|worst| worst.luma_ssim), Some(ssim), "{width}x{height}");
                // Squared errors come from the blocks of SSIM, or are summed up without it.
                let mut comparator = Comparator::new(&[Metric::Psnr]);
                comparator.push(&[r, d], &[d, r]).unwrap();
                comparator.push(&[r, r], &[r, r]).unwrap();
                let psnr = comparator.finish();
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
        assert_eq!(Comparator::new(&[Metric::Psnr]).finish(), Score::default());
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
