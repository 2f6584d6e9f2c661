//! The parts of a comparison that run on the library itself, each in a child process of its own, which prints one line
//! of JSON.

use std::{env, io, path::Path, process::Command, process::Stdio, time::Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use trix_core::{
    Limits, OnDamage, Source,
    decode::reader::{Cut, PictureReader},
    encode::video,
    quality::{Comparator, Metric, Score},
};

use crate::{case::Case, measure::Cost};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Decodes and converts the pictures of a case into memory, then times the encoder over them and nothing else.
///
/// # Errors
/// Those of the library.
pub fn encoder_alone(case: &Case, source: &Path) -> Fallible<Cost> {
    let (plan, settings, target) = case.plan(source)?;
    let opened = Source::open(source, Limits::default())?;
    let mut reader = PictureReader::new(opened, OnDamage::Fail, Cut::default(), Some(target), 0)?;
    let mut pictures = Vec::new();
    while let Some(picture) = reader.next_picture()? {
        pictures.push(picture);
    }
    // The decoder's threads and reference pictures are not the encoder's to pay for.
    drop(reader);

    let (began, cpu) = (Instant::now(), process_seconds());
    let mut encoder = video::open(&plan, &settings, None, None)?;
    let mut output_bytes = encoder.headers()?.parameter_sets.len() as u64;
    for (picture, number) in pictures.into_iter().zip(0..) {
        let encoded = encoder.push(&picture.frame, number, false)?;
        output_bytes += encoded.map_or(0, |encoded| encoded.data.len() as u64);
    }
    while let Some(encoded) = encoder.finish()? {
        output_bytes += encoded.data.len() as u64;
    }
    drop(encoder);
    let (wall, cpu) = (began.elapsed().as_secs_f64(), process_seconds() - cpu);
    Ok(Cost { wall, cpu, peak_bytes: 0, output_bytes })
}

/// Processor time of all threads of this process.
fn process_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Scores the pictures of `distorted` against what the encoder of a case takes in: the converted source.
///
/// # Errors
/// Those of the library, and when the numbers of pictures differ.
pub fn score(case: &Case, source: &Path, distorted: &Path) -> Fallible<Score> {
    let (_, _, target) = case.plan(source)?;
    let open = |path| Source::open(path, Limits::default());
    let cut = Cut::default;
    let mut reference = PictureReader::new(open(source)?, OnDamage::Fail, cut(), Some(target), 0)?;
    let mut distorted = PictureReader::new(open(distorted)?, OnDamage::Fail, cut(), None, 0)?;
    let mut comparator = Comparator::new(&[Metric::Psnr, Metric::Ssim]);
    loop {
        match (reference.next_picture()?, distorted.next_picture()?) {
            (Some(reference), Some(distorted)) => {
                comparator.push(&reference.frame.planes(), &distorted.frame.planes())?;
            }
            (None, None) => return Ok(comparator.finish()),
            _ => return Err("source and output differ in their numbers of pictures".into()),
        }
    }
}

/// Runs this program once more with `arguments` and reads the line that it prints.
///
/// # Errors
/// When the child fails or prints something else.
pub fn child<T: DeserializeOwned>(arguments: &[&std::ffi::OsStr]) -> io::Result<T> {
    let mut command = Command::new(env::current_exe()?);
    let output = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?} failed: {}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}
