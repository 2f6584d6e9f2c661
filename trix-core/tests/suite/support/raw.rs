//! Raw frames in one pixel format, and their results from the filter stage.

use std::path::Path;

use trix_core::{
    Job, OnDamage, Source,
    media::{format::FrameFormat, time::Rational},
    plan::{Cut, OutputId, OutputPlan, Sink},
    reading::reader::FrameReader,
    settings::{
        source::RawGeometry,
        video::{EncodeSettings, Encoder},
    },
};

use super::{
    frames::{Dice, Grid, Planes},
    video_job,
};

pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 48;

/// A job that writes raw frames in format `name` as FFV1.
pub fn raw_job(folder: &Path, name: &str, bytes: &[u8], settings: EncodeSettings) -> Job {
    let file = folder.join("source.raw");
    std::fs::write(&file, bytes).expect("a file can be written");
    let mut job = video_job(&file, &folder.join("out.mkv"), Encoder::Ffv1, settings);
    let rate = Rational::new(25, 1);
    let raw = RawGeometry { width: WIDTH as u32, height: HEIGHT as u32, pixel_format: name.to_owned(), rate };
    job.source.raw = Some(raw);
    job
}

/// The plan of a job. Its source may be raw.
pub fn planned(job: &Job) -> OutputPlan {
    let source = Source::of(&job.source).unwrap_or_else(|error| panic!("{error}"));
    let plan = trix_core::plan(job, &source).unwrap_or_else(|error| panic!("{error}"));
    plan.sink(Sink::Output(OutputId(0)))
}

/// The first frame that the encoder of a job would receive, and its format.
pub fn taken(job: &Job) -> (Planes, FrameFormat) {
    let plan = planned(job).video.expect("frames are encoded");
    let source = Source::of(&job.source).expect("a source");
    let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), Some(plan.filtering()), 1).unwrap();
    let frame = reader.next_frame().unwrap_or_else(|error| panic!("{error}")).expect("a frame");
    if let Some(packing) = &plan.transform.packing {
        let bytes = frame.frame.packed().expect("samples");
        let place = |part: char| packing.find(part).map(|place| (place, bytes.clone()));
        let plane = |(place, bytes): (usize, Vec<u8>)| {
            Grid::new(plan.width, plan.height, |x, y| bytes[(y * plan.width + x) * 4 + place].into())
        };
        return ("gbra".chars().filter_map(place).map(plane).collect(), plan.format);
    }
    let planes = frame.frame.planes().into_iter().map(|plane| Grid {
        width: plane.width,
        height: plane.height,
        samples: match plane.depth {
            0..=8 => plane.rows().flatten().map(|&byte| byte.into()).collect(),
            _ => plane.rows().flat_map(|row| row.chunks(2)).map(|s| u16::from_le_bytes([s[0], s[1]])).collect(),
        },
    });
    (planes.collect(), plan.format)
}

/// Noise of `depth` bits that contains the lowest and the highest value.
pub fn noise(seed: u64, width: usize, height: usize, depth: u32) -> Grid {
    let mut dice = Dice::new(seed);
    let mut samples: Vec<u16> = (0..width * height).map(|_| dice.below(1 << depth) as u16).collect();
    (samples[0], samples[1]) = (0, ((1u32 << depth) - 1) as u16);
    Grid { width, height, samples }
}

pub fn word(value: u16, big: bool) -> [u8; 2] {
    if big { value.to_be_bytes() } else { value.to_le_bytes() }
}

/// Asserts that each found sample differs from `exact` of the source sample by at most `bound`.
pub fn close(found: &Grid, source: &Grid, bound: f64, what: &str, exact: impl Fn(f64) -> f64) {
    assert_eq!((found.width, found.height), (source.width, source.height), "{what}");
    for (at, (found, source)) in found.samples.iter().zip(&source.samples).enumerate() {
        let right = exact(f64::from(*source));
        let off = (f64::from(*found) - right).abs();
        assert!(off <= bound, "{what}: sample {at}, {source} in the source, is {found} and should be {right}");
    }
}
pub fn raw_planes(planes: &[Grid], depth: u32, big: bool) -> Vec<u8> {
    let samples = planes.iter().flat_map(|plane| &plane.samples);
    if depth == 8 {
        return samples.map(|sample| *sample as u8).collect();
    }
    samples.flat_map(|sample| word(*sample, big)).collect()
}
