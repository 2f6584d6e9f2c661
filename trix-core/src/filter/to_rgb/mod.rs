//! YCbCr planes to packed RGB of full range, in one pass over the frame.
//!
//! Invariant: values are those of floating-point arithmetic, rounded once to the nearest. Chroma is interpolated at the place of each sample
//! of luma, with the filter of the transform. Chroma of two fields is not mixed.

mod phases;
mod rows;
mod weights;

use std::iter::zip;

use trix_av::{frame::Frame, frame_pool::FramePool, pixel::PixelFormat, simd};
use trix_model::{
    color::{ChromaLocation, Range},
    format::{Chroma, FrameFormat},
    frame_facts::Plane,
};

use self::{
    phases::{Phase, TAPS, columns, reflected, rows_of_field},
    rows::{read, sum, weigh, write},
    weights::Weights,
};
use crate::{plan::Transform, settings::picture::Resampler};

/// Samples beside a row, so that filters reach over its ends.
const BORDER: usize = TAPS / 2;

/// Converts frames of one format.
pub(super) struct ToRgb {
    from: FrameFormat,
    to: PixelFormat,
    resampler: Resampler,
    weights: Weights,
    luma: Vec<f32>,
    chroma: [ChromaRows; 2],
}

/// Where the samples of luma lie among those of chroma.
struct Siting {
    /// For even and odd columns; `None` if every sample of luma has chroma.
    columns: Option<[Phase; 2]>,
    /// For even and odd rows of each field; `None` if every row of luma has chroma.
    rows: Option<[[Phase; 2]; 2]>,
    /// 2 if the rows of the frame belong to two fields.
    fields: usize,
}

/// Interpolates one plane of chroma.
struct ChromaRows {
    /// Rows of the plane that were read last, with their numbers.
    kept: [(usize, Vec<f32>); TAPS],
    /// Chroma of one row of luma: at the columns of chroma, with borders.
    narrow: Vec<f32>,
    /// The same at the columns of luma.
    wide: Vec<f32>,
}

impl ToRgb {
    /// A converter of frames of `width` by `height` samples of `pixel`; `None` if `transform` does anything else, or if its
    /// matrix or format is none that this module knows.
    pub(super) fn new(transform: &Transform, pixel: PixelFormat, width: usize, height: usize) -> Option<Self> {
        let packing = transform.packing.as_deref()?;
        let top = match packing {
            "rgb24" => 255.0,
            "rgb48le" => 65535.0,
            _ => return None,
        };
        let (from, to) = (transform.from, transform.to);
        let alone = Transform {
            to,
            packing: transform.packing.clone(),
            ..Transform::to(width, height, transform.format, transform.resampler, from)
        };
        let keeps_light = (from.primaries, from.transfer) == (to.primaries, to.transfer);
        if *transform != alone || !keeps_light || !transform.format.rgb || to.range != Range::Full {
            return None;
        }
        let is_known = |own: &FrameFormat| !own.rgb && !own.alpha && own.depth >= 8 && own.chroma != Chroma::C400;
        let own = pixel.frame().filter(is_known)?;
        let columns = width.div_ceil(1 << own.chroma.shift().0);
        Some(ToRgb {
            from: own,
            to: PixelFormat::from_name(packing)?,
            resampler: transform.resampler,
            weights: Weights::new(from.matrix, from.range, own.depth, top)?,
            luma: vec![0.0; width],
            chroma: [ChromaRows::new(columns, width), ChromaRows::new(columns, width)],
        })
    }

    /// The frame as packed RGB, in memory of `pool`; `None` if there is no memory.
    pub(super) fn convert(&mut self, frame: &Frame, pool: &FramePool) -> Option<Frame> {
        let planes = frame.planes();
        let [luma, cb, cr] = planes.as_slice() else { return None };
        let siting = self.siting(frame);
        let ToRgb { weights, luma: row_of_luma, chroma, to, .. } = self;
        chroma.iter_mut().for_each(ChromaRows::forget);
        frame.to_packed_rgb(*to, pool, |row, bytes| {
            simd::widest(
                #[inline(always)]
                || {
                    for (chroma, plane) in zip(&mut *chroma, [cb, cr]) {
                        chroma.interpolate(plane, row, &siting);
                    }
                    read(luma, row, row_of_luma);
                    let rows = [&row_of_luma[..], &chroma[0].wide, &chroma[1].wide];
                    if weights.top > 255.0 {
                        write::<2>(weights, rows, bytes);
                    } else {
                        write::<1>(weights, rows, bytes);
                    }
                },
            );
        })
    }

    fn siting(&self, frame: &Frame) -> Siting {
        let (x, y) = self.from.chroma.shift();
        // H.264 and HEVC assume this location where none is stated.
        let location = match frame.color().chroma_location {
            ChromaLocation::Unspecified => ChromaLocation::Left,
            location => location,
        };
        let is_interlaced = frame.is_interlaced();
        let rows = || match is_interlaced {
            true => [0, 1].map(|field| rows_of_field(field, self.resampler)),
            false => [phases::rows(location, self.resampler); 2],
        };
        Siting {
            columns: (x > 0).then(|| columns(location, self.resampler)),
            rows: (y > 0).then(rows),
            fields: if is_interlaced { 2 } else { 1 },
        }
    }
}

impl ChromaRows {
    fn new(columns: usize, width: usize) -> Self {
        ChromaRows {
            kept: [(); TAPS].map(|()| (usize::MAX, vec![0.0; columns])),
            narrow: vec![0.0; columns + 2 * BORDER],
            wide: vec![0.0; width],
        }
    }

    /// Forgets the rows of the frame before.
    fn forget(&mut self) {
        self.kept.iter_mut().for_each(|(number, _)| *number = usize::MAX);
    }

    /// Fills `wide` for row `row` of luma.
    #[inline(always)]
    fn interpolate(&mut self, plane: &Plane<'_>, row: usize, siting: &Siting) {
        let Some(columns) = &siting.columns else {
            return read(plane, row, &mut self.wide);
        };
        let (first, last) = (BORDER, BORDER + plane.width - 1);
        let inner = &mut self.narrow[first..=last];
        match &siting.rows {
            None => read(plane, row, inner),
            Some(phases) => {
                let (field, own) = (row % siting.fields, row / siting.fields);
                let phase = &phases[field][own % 2];
                let count = (plane.height - field).div_ceil(siting.fields);
                let place = |tap| reflected((own / 2 + tap) as isize + phase.first, count);
                // Six places in a row have different remainders.
                let places: [usize; TAPS] = std::array::from_fn(place);
                for place in places {
                    let ((known, kept), number) = (&mut self.kept[place % TAPS], place * siting.fields + field);
                    if *known != number {
                        read(plane, number, kept);
                        *known = number;
                    }
                }
                let rows = places.map(|place| &self.kept[place % TAPS].1[..inner.len()]);
                weigh(&rows, &phase.weights, inner);
            }
        }
        for beside in 0..BORDER {
            let inside = beside.min(plane.width - 1);
            self.narrow[first - 1 - beside] = self.narrow[first + inside];
            self.narrow[last + 1 + beside] = self.narrow[last - inside];
        }
        let taps = |phase: &Phase| -> [&[f32]; TAPS] {
            let first = (first as isize + phase.first) as usize;
            std::array::from_fn(|tap| &self.narrow[first + tap..][..plane.width])
        };
        let ([even, odd], (pairs, rest)) = (columns, self.wide.as_chunks_mut::<2>());
        let (of_even, of_odd) = (taps(even), taps(odd));
        if even.is_exact() {
            let inner = &self.narrow[first..=last];
            for (at, pair) in pairs.iter_mut().enumerate() {
                *pair = [inner[at], sum(&of_odd, &odd.weights, at)];
            }
        } else {
            for (at, pair) in pairs.iter_mut().enumerate() {
                *pair = [sum(&of_even, &even.weights, at), sum(&of_odd, &odd.weights, at)];
            }
        }
        if let [last] = rest {
            *last = sum(&of_even, &even.weights, plane.width - 1);
        }
    }
}
