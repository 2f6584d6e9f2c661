//! Tests of frames whose planes and rows begin at addresses that vector instructions of filters cannot load.
//!
//! Width and crop decide where rows begin, differently for luma and chroma. A conversion to more bits must keep every
//! sample.

use trix_core::{media::PixelFormat, settings::video::EncodeSettings};
use trix_fixtures::folder;

use crate::support::{
    frames::Grid,
    raw::{close, noise, raw_job, raw_planes, taken},
};

const FORMATS: [&str; 6] = ["yuv420p", "yuv422p", "yuv411p", "yuv444p", "yuv420p10le", "yuv422p10le"];
const HEIGHT: usize = 16;
const DEPTH: u32 = 12;

/// Converts a raw frame of `format` and `width` to 12 bits, cropped on the left by `left`. Compares every sample.
fn converts(format: &str, width: usize, left: usize) {
    let pixel = PixelFormat::from_name(format).expect("a pixel format");
    let (depth, (x, y)) = (pixel.depth(), pixel.chroma_shift());
    let plane = |seed: u64, (x, y): (u32, u32)| noise(seed, width >> x, HEIGHT >> y, depth);
    let source = [plane(1, (0, 0)), plane(2, (x, y)), plane(3, (x, y))];
    let folder = folder();
    let settings = EncodeSettings { depth: Some(DEPTH), ..Default::default() };
    let mut job = raw_job(folder.path(), format, &raw_planes(&source, depth, false), settings);
    let raw = job.source.raw.as_mut().expect("a raw source");
    (raw.width, raw.height) = (width as u32, HEIGHT as u32);
    if left > 0 {
        job.outputs[0].picture.crop = format!("{}x{HEIGHT}+{left}+0", width - left).parse().expect("a rectangle");
    }
    let (found, _) = taken(&job);
    let what = format!("{format}, width {width}, from column {left}");
    assert_eq!(found.len(), source.len(), "{what}");
    // 4:1:1 becomes 4:2:2, which has new chroma samples.
    let kept = if pixel.odd_chroma().is_some() { 1 } else { found.len() };
    for (number, (found, source)) in found.iter().zip(&source).enumerate().take(kept) {
        let left = if number > 0 { left >> x } else { left };
        let expected: Grid = source.part(left, 0, source.width - left, source.height);
        close(found, &expected, 0.0, &what, |value| value * f64::from(1 << (DEPTH - depth)));
    }
}

#[test]
fn frames_of_every_width_are_converted() {
    for format in FORMATS {
        for width in (16..=256).step_by(16).chain([36, 68, 132, 704, 1920]) {
            converts(format, width, 0);
        }
    }
}

#[test]
fn frames_are_cropped_at_every_column() {
    for format in FORMATS {
        for left in (4..=64).step_by(4).chain([96, 128, 160, 192, 320]) {
            converts(format, 512, left);
        }
    }
}
