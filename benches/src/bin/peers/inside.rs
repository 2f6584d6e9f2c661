//! The parts of a comparison that use the library itself. Each runs in its own child process, which prints one line of
//! JSON.

use std::{env, io, path::Path, process::Command, process::Stdio, time::Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use trix_core::{
    Job, OnDamage, Plan, Source,
    encode::video::{self, Coding},
    media::PixelFormat,
    plan::{Cut, OutputId, OutputPlan, Sink, VideoPlan},
    quality::{Comparator, Metric, Score},
    reading::reader::FrameReader,
};

use crate::{
    case::Case,
    measure::{self, Cost},
    tool::{PlannedCase, Target},
};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// The job of a case and the decisions of its plan.
///
/// # Errors
/// Those of the library.
pub fn planned_case(case: &Case, source: &Path) -> Fallible<PlannedCase> {
    let (job, plan) = planned(case, source)?;
    let mut reader = FrameReader::new(Source::open(source)?, OnDamage::Fail, Cut::default(), None, 0)?;
    let bits = reader.next_frame()?.and_then(|first| first.frame.pixel_format()).map_or(0, PixelFormat::depth);
    let target = |output: &OutputPlan| {
        let video = video_of(output)?;
        Ok(Target {
            name: output.path.clone(),
            encoder: video.encoder.to_string(),
            width: video.width,
            height: video.height,
            pixel_format: video.format.name().into_owned(),
            converted: video.converted,
            loses_bits: bits > video.format.depth,
            threads: output.threads,
            copies_audio: output.audio.iter().any(|audio| audio.copied),
        })
    };
    let targets = plan.sinks().into_iter().map(|sink| target(&plan.sink(sink))).collect::<Fallible<_>>()?;
    Ok(PlannedCase { job, targets })
}

fn planned(case: &Case, source: &Path) -> Fallible<(Job, Plan)> {
    let job = case.job(source)?;
    let plan = trix_core::plan(&job, &Source::open(source)?)?;
    Ok((job, plan))
}

fn video_of(output: &OutputPlan) -> Fallible<&VideoPlan> {
    Ok(output.video.as_ref().ok_or("an output of the case encodes no video")?)
}

/// Decodes and converts the frames of a case into memory, then times only the encoder.
///
/// # Errors
/// Those of the library.
pub fn encoder_alone(case: &Case, source: &Path) -> Fallible<Cost> {
    let (_, plan) = planned(case, source)?;
    let output = plan.sink(Sink::Output(OutputId(0)));
    let plan = video_of(&output)?;
    let opened = Source::open(source)?;
    let mut reader = FrameReader::new(opened, OnDamage::Fail, Cut::default(), Some(plan.filtering()), 0)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        frames.push(frame);
    }
    // The cost of the decoder's threads and reference frames must not count for the encoder.
    drop(reader);

    let (began, cpu, busy) = (Instant::now(), process_seconds(), measure::busy());
    let mut encoder = video::open(plan, output.threads, None)?;
    let mut output_bytes = encoder.headers()?.parameter_sets.len() as u64;
    for (frame, number) in frames.into_iter().zip(0..) {
        let encoded = encoder.push(&frame.frame, number, Coding::Auto)?;
        output_bytes += encoded.map_or(0, |encoded| encoded.packet.data().len() as u64);
    }
    while let Some(encoded) = encoder.finish()? {
        output_bytes += encoded.packet.data().len() as u64;
    }
    drop(encoder);
    let (wall, cpu) = (began.elapsed().as_secs_f64(), process_seconds() - cpu);
    Ok(Cost {
        wall,
        cpu,
        elsewhere: measure::elsewhere(busy, cpu),
        peak_bytes: 0,
        output_bytes,
        after_last_frame: None,
    })
}

/// Processor time of all threads of this process in seconds.
fn process_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Scores the frames of `distorted` against the input of the encoder of output `number`: the converted source.
///
/// # Errors
/// Those of the library. Also if the numbers of frames differ.
pub fn score(case: &Case, number: usize, source: &Path, distorted: &Path) -> Fallible<Score> {
    let (_, plan) = planned(case, source)?;
    let sink = plan.sinks().get(number).copied().ok_or("the case has no such output")?;
    let target = video_of(&plan.sink(sink))?.filtering();
    let open = |path| Source::open(path);
    let cut = Cut::default;
    let mut reference = FrameReader::new(open(source)?, OnDamage::Fail, cut(), Some(target), 0)?;
    let mut distorted = FrameReader::new(open(distorted)?, OnDamage::Fail, cut(), None, 0)?;
    let mut comparator = Comparator::new(&Metric::DEFAULT);
    loop {
        match (reference.next_frame()?, distorted.next_frame()?) {
            (Some(reference), Some(distorted)) => {
                comparator.push(&reference.frame.planes(), &distorted.frame.planes())?;
            }
            (None, None) => return Ok(comparator.finish()?),
            _ => return Err("source and output differ in their numbers of frames".into()),
        }
    }
}

/// Runs this program again with `arguments` and parses the line that it prints.
///
/// # Errors
/// If the child fails or prints something else.
pub fn child<T: DeserializeOwned>(arguments: &[&std::ffi::OsStr]) -> io::Result<T> {
    let mut command = Command::new(env::current_exe()?);
    let output = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?} failed: {}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}
