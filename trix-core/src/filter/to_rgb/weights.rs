//! The sums that make red, green and blue of luma and chroma.

use trix_model::color::{Matrix, Range};

/// Red, green and blue as sums of luma, Cb, Cr and a constant.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    pub(super) luma: f32,
    /// Of Cr, and the constant.
    pub(super) red: [f32; 2],
    /// Of Cb and Cr, and the constant.
    pub(super) green: [f32; 3],
    /// Of Cb, and the constant.
    pub(super) blue: [f32; 2],
    /// The largest value of an output sample.
    pub(super) top: f32,
}

impl Weights {
    /// `None` for a matrix that is not defined by the shares of red and blue in luma. H.273 has the shares in table 4, and the
    /// ranges in its equations for the matrices.
    pub(super) fn new(matrix: Matrix, range: Range, depth: u32, top: f64) -> Option<Self> {
        let (red, blue) = match matrix.0 {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => return None,
        };
        let step = f64::from(1u32 << (depth - 8));
        let (black, luma, chroma) = match range {
            Range::Full => (0.0, 256.0 * step - 1.0, 256.0 * step - 1.0),
            _ => (16.0 * step, 219.0 * step, 224.0 * step),
        };
        let (middle, green) = (128.0 * step, 1.0 - red - blue);
        let red_of_cr = 2.0 * (1.0 - red) / chroma * top;
        let blue_of_cb = 2.0 * (1.0 - blue) / chroma * top;
        let (green_of_cb, green_of_cr) = (-blue_of_cb * blue / green, -red_of_cr * red / green);
        let own = -black * top / luma;
        Some(Weights {
            luma: (top / luma) as f32,
            red: [red_of_cr, own - red_of_cr * middle].map(|weight| weight as f32),
            green: [green_of_cb, green_of_cr, own - (green_of_cb + green_of_cr) * middle].map(|weight| weight as f32),
            blue: [blue_of_cb, own - blue_of_cb * middle].map(|weight| weight as f32),
            top: top as f32,
        })
    }
}
