//! The case of four sizes from one source: `trix run` with a job file, beside one `ffmpeg` that splits what it decodes,
//! and beside four of them.
//!
//! Invariant: each exact tool gives each encoder the number of threads that Trix's plan gives it.

use std::{fs, io, path::Path, process::Command};

use trix_core::{
    Job,
    spec::{
        audio::AudioSettings,
        job::{OutputSettings, VerifyLevel},
        video::{EncodeSettings, RateControl, Size, VideoSettings},
    },
};

use crate::{
    case::{Goal, Setup, TRIX, Target, Tool, Work},
    ffmpeg,
};

const SPLIT: &str = "ffmpeg, split";
const FOUR: &str = "ffmpeg, four runs";

/// Who does it.
pub static TOOLS: [Tool; 6] = [
    Tool { name: SPLIT, is_exact: true, work: Work::Programs(|setup| split(setup, Threads::OfThePlan)) },
    Tool { name: FOUR, is_exact: true, work: Work::Programs(|setup| four(setup, Threads::OfThePlan)) },
    Tool { name: TRIX, is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Off)) },
    Tool { name: "trix, verified", is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Structure)) },
    // A number of threads is part of what decides about a stream, so these two write other ones.
    Tool {
        name: "ffmpeg, split, as it comes",
        is_exact: false,
        work: Work::Programs(|setup| split(setup, Threads::Own)),
    },
    Tool {
        name: "ffmpeg, four runs, as they come",
        is_exact: false,
        work: Work::Programs(|setup| four(setup, Threads::Own)),
    },
];

/// What the project wants.
pub const GOALS: [Goal; 2] = [
    Goal { tool: TRIX, peer: SPLIT, wall: 0.95, cpu: Some(0.95) },
    Goal { tool: TRIX, peer: FOUR, wall: 0.65, cpu: Some(0.65) },
];

const SIZES: [(i32, i32); 4] = [(1920, 1080), (1280, 720), (854, 480), (640, 360)];

/// Numbers of threads of encoders and filters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Encoders: those of the plan. Filters: one.
    OfThePlan,
    /// What ffmpeg and x264 choose for the machine.
    Own,
}

impl Threads {
    fn of_filters(self) -> Option<&'static str> {
        (self == Threads::OfThePlan).then_some("1")
    }

    fn of(self, target: &Target) -> Option<u32> {
        target.threads.filter(|_| self == Threads::OfThePlan)
    }
}

/// Four sizes, no sound.
pub fn job(source: &Path) -> Job {
    let output = |(width, height): (i32, i32)| OutputSettings {
        path: format!("{height}p.mp4").into(),
        audio: AudioSettings::None,
        video: VideoSettings::X264(EncodeSettings {
            size: Some(Size { width, height }),
            preset: Some("veryfast".to_owned()),
            rate: Some(RateControl::Crf { value: 21.0 }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut job = Job::new(source, "");
    job.outputs = SIZES.map(output).into();
    job
}

fn run(setup: &Setup<'_>, verify: VerifyLevel) -> io::Result<Vec<Command>> {
    let mut job = setup.told.job.clone();
    job.outputs.iter_mut().for_each(|output| output.verify = verify);
    let file = setup.folder.join("job.json");
    fs::write(&file, serde_json::to_string_pretty(&job)?)?;
    let mut command = Command::new(setup.trix);
    command.arg("run").arg(file).arg("--output").arg(setup.folder).args(["--progress", "none"]);
    Ok(vec![command])
}

fn split(setup: &Setup<'_>, threads: Threads) -> io::Result<Vec<Command>> {
    let targets = &setup.told.targets;
    let mut command = ffmpeg::reading(setup.source, threads.of_filters());
    let pads: String = (0..targets.len()).map(|number| format!("[copy{number}]")).collect();
    let mut graph = format!("[0:v]split={}{pads}", targets.len());
    for (number, target) in targets.iter().enumerate() {
        graph += &format!(";[copy{number}]{}[size{number}]", ffmpeg::chain(target));
    }
    command.args(["-filter_complex", &graph]);
    for (number, (target, settings)) in outputs(setup).enumerate() {
        command.args(["-map", &format!("[size{number}]")]);
        ffmpeg::output(&mut command, target, settings, threads.of(target), setup.folder);
    }
    Ok(vec![command])
}

fn four(setup: &Setup<'_>, threads: Threads) -> io::Result<Vec<Command>> {
    let command = |(target, settings): (&Target, &EncodeSettings)| {
        let mut command = ffmpeg::reading(setup.source, threads.of_filters());
        command.args(["-vf", &ffmpeg::chain(target)]);
        ffmpeg::output(&mut command, target, settings, threads.of(target), setup.folder);
        command
    };
    Ok(outputs(setup).map(command).collect())
}

fn outputs<'a>(setup: &Setup<'a>) -> impl Iterator<Item = (&'a Target, &'a EncodeSettings)> {
    let told = setup.told;
    let settings = told.job.outputs.iter().filter_map(|output| Some(output.video.encode()?.1));
    told.targets.iter().zip(settings)
}
