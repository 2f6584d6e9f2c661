//! Colorimetry in floating point, computed only from the text of the standards.
//!
//! Display light, as zimg computes it: values of BT.601, BT.709 and BT.2020 become light by ITU-R BT.1886 with a black
//! of zero (a gamma of 2.4), and light becomes values by its inverse. PQ and HLG are those of ITU-R BT.2100.

/// How three samples encode a colour.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub primaries: Primaries,
    pub transfer: Transfer,
    /// Weights of red and blue in luma; `None` for red, green and blue themselves.
    pub weights: Option<(f64, f64)>,
    pub full: bool,
    pub depth: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transfer {
    Bt1886,
    Pq,
    Hlg,
}

/// x and y of red, green and blue; white is D65.
pub type Primaries = [[f64; 2]; 3];

/// ITU-R BT.709, table 1.
pub const BT709: Primaries = [[0.640, 0.330], [0.300, 0.600], [0.150, 0.060]];
/// SMPTE ST 170, as in ITU-R BT.601 for 525 lines.
pub const NTSC: Primaries = [[0.630, 0.340], [0.310, 0.595], [0.155, 0.070]];
/// EBU Tech 3213, as in ITU-R BT.601 for 625 lines.
pub const PAL: Primaries = [[0.640, 0.330], [0.290, 0.600], [0.150, 0.060]];
/// ITU-R BT.2020, table 3.
pub const BT2020: Primaries = [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046]];

/// Weights of red and blue in luma.
pub const WEIGHTS_601: Option<(f64, f64)> = Some((0.299, 0.114));
pub const WEIGHTS_709: Option<(f64, f64)> = Some((0.2126, 0.0722));
pub const WEIGHTS_2020: Option<(f64, f64)> = Some((0.2627, 0.0593));

impl Space {
    pub const fn new(primaries: Primaries, weights: Option<(f64, f64)>, depth: u32) -> Self {
        Space { primaries, transfer: Transfer::Bt1886, weights, full: false, depth }
    }

    /// The largest code value.
    pub fn most(&self) -> f64 {
        f64::from((1u32 << self.depth) - 1)
    }

    /// Offset and scale of luma (or of red, green and blue), then of chroma (ITU-R BT.709, table 4; H.273, 8.3).
    fn scales(&self) -> [(f64, f64); 2] {
        let step = f64::from(1u32 << (self.depth - 8));
        match self.full {
            true => [(0.0, self.most()), (128.0 * step, self.most())],
            false => [(16.0 * step, 219.0 * step), (128.0 * step, 224.0 * step)],
        }
    }

    /// Returns the red, green and blue signals of code values, nominally 0 to 1.
    pub fn signal(&self, codes: [f64; 3]) -> [f64; 3] {
        let [luma, chroma] = self.scales();
        let part = |code: f64, (offset, scale): (f64, f64)| (code - offset) / scale;
        let Some((kr, kb)) = self.weights else { return codes.map(|code| part(code, luma)) };
        let (y, cb, cr) = (part(codes[0], luma), part(codes[1], chroma), part(codes[2], chroma));
        let (red, blue) = (y + 2.0 * (1.0 - kr) * cr, y + 2.0 * (1.0 - kb) * cb);
        [red, (y - kr * red - kb * blue) / (1.0 - kr - kb), blue]
    }

    /// Returns the exact code values of signals, not rounded and not clipped.
    pub fn codes(&self, [red, green, blue]: [f64; 3]) -> [f64; 3] {
        let [luma, chroma] = self.scales();
        let whole = |part: f64, (offset, scale): (f64, f64)| part * scale + offset;
        let Some((kr, kb)) = self.weights else { return [red, green, blue].map(|part| whole(part, luma)) };
        let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
        [whole(y, luma), whole((blue - y) / (2.0 * (1.0 - kb)), chroma), whole((red - y) / (2.0 * (1.0 - kr)), chroma)]
    }

    /// Returns the light of signals: 1 is the white of BT.1886, or 203 cd/m2 with PQ and HLG (ITU-R BT.2408).
    pub fn light(&self, signal: [f64; 3]) -> [f64; 3] {
        match self.transfer {
            Transfer::Bt1886 => signal.map(|value| value.max(0.0).powf(2.4)),
            Transfer::Pq => signal.map(|value| pq(value) / 203.0),
            Transfer::Hlg => {
                // ITU-R BT.2100, table 5: a display of 1000 cd/m2, gamma 1.2 on the luminance of the scene.
                let scene = signal.map(hlg);
                let luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2];
                scene.map(|part| 1000.0 * luminance.max(0.0).powf(0.2) * part / 203.0)
            }
        }
    }

    /// Converts code values of this space exactly to another space of standard dynamic range.
    pub fn convert(&self, codes: [f64; 3], to: &Space) -> [f64; 3] {
        let signal = self.signal(codes);
        // Colour is converted through light only if primaries or transfer differ; then values below black become black.
        let signal = match self.primaries == to.primaries && self.transfer == to.transfer {
            true => signal,
            false => values(adapted(self.light(signal), self.primaries, to.primaries)),
        };
        to.clipped(to.codes(signal))
    }

    /// Clips code values to the legal range.
    pub fn clipped(&self, codes: [f64; 3]) -> [f64; 3] {
        codes.map(|code| code.clamp(0.0, self.most()))
    }
}

/// Returns the signals of light, by the inverse of BT.1886.
pub fn values(light: [f64; 3]) -> [f64; 3] {
    light.map(|part| part.max(0.0).powf(1.0 / 2.4))
}

/// SMPTE ST 2084: returns candela per square metre of a signal.
fn pq(value: f64) -> f64 {
    let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
    let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
    let power = value.max(0.0).powf(1.0 / m2);
    10_000.0 * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1)
}

/// ITU-R BT.2100, table 5: returns the scene light of a hybrid log-gamma signal, 0 to 1.
fn hlg(value: f64) -> f64 {
    let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
    let value = value.max(0.0);
    if value <= 0.5 { value * value / 3.0 } else { (((value - c) / a).exp() + b) / 12.0 }
}

/// Converts light to other primaries, through CIE XYZ; white is unchanged.
pub fn adapted(light: [f64; 3], from: Primaries, to: Primaries) -> [f64; 3] {
    apply(inverse(to_xyz(to)), apply(to_xyz(from), light))
}

type Matrix = [[f64; 3]; 3];

/// The matrix from light of red, green and blue to CIE XYZ (SMPTE RP 177).
fn to_xyz(primaries: Primaries) -> Matrix {
    let point = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = primaries.map(point);
    let bare = [0, 1, 2].map(|row| [columns[0][row], columns[1][row], columns[2][row]]);
    let amounts = apply(inverse(bare), point([0.3127, 0.3290]));
    bare.map(|row| [row[0] * amounts[0], row[1] * amounts[1], row[2] * amounts[2]])
}

fn apply(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

fn inverse(m: Matrix) -> Matrix {
    // Rows and columns are rotated, so that every minor has its sign.
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant = (0..3).map(|c| m[0][c] * minor(0, c)).sum::<f64>();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| minor(c, r) / determinant))
}
