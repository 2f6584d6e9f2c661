//! The cases of several sizes from one source: `trix run` with a job file, compared with one `ffmpeg` that splits the
//! decoded frames, and with four runs of `ffmpeg`.
//!
//! Invariant: each exact tool gives each encoder the number of threads of Trix's plan.

use std::{fs, io, path::Path, process::Command};

use trix_core::{
    Job,
    settings::{
        audio::AudioSettings,
        job::{OutputSettings, VerifyLevel},
        picture::PictureSettings,
        video::{EncodeSettings, RateControl, Size, VideoSettings},
    },
};

use crate::{
    ffmpeg::{self, Manner},
    tool::{Goal, Setup, TRIX, Target, Tool, Work},
};

const SPLIT: &str = "ffmpeg, split";
const FOUR: &str = "ffmpeg, four runs";
const SPLIT_AS_IT_COMES: &str = "ffmpeg, split, as it comes";
const FOUR_AS_THEY_COME: &str = "ffmpeg, four runs, as they come";

/// The tools of this case.
pub static TOOLS: [Tool; 6] = [
    Tool { name: SPLIT, is_exact: true, work: Work::Programs(|setup| split(setup, Manner::AsTrix)) },
    Tool { name: FOUR, is_exact: true, work: Work::Programs(|setup| four(setup, Manner::AsTrix)) },
    Tool { name: TRIX, is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Off)) },
    Tool { name: "trix, verified", is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Structure)) },
    // The number of threads changes the stream, so these two write other streams.
    Tool { name: SPLIT_AS_IT_COMES, is_exact: false, work: Work::Programs(|setup| split(setup, Manner::Own)) },
    Tool { name: FOUR_AS_THEY_COME, is_exact: false, work: Work::Programs(|setup| four(setup, Manner::Own)) },
];

/// The project's goals, also for the peers that choose their own numbers of threads.
pub const GOALS: [Goal; 4] = [
    Goal { tool: TRIX, peer: SPLIT, wall: 0.95, cpu: Some(0.95) },
    Goal { tool: TRIX, peer: FOUR, wall: 0.65, cpu: Some(0.65) },
    Goal { tool: TRIX, peer: SPLIT_AS_IT_COMES, wall: 0.95, cpu: Some(0.95) },
    Goal { tool: TRIX, peer: FOUR_AS_THEY_COME, wall: 0.65, cpu: Some(0.65) },
];

/// The tools of the ladder from 2160p.
pub static LARGE_TOOLS: [Tool; 4] = [
    Tool { name: SPLIT, is_exact: true, work: Work::Programs(|setup| split(setup, Manner::AsTrix)) },
    Tool { name: TRIX, is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Off)) },
    Tool { name: "trix, verified", is_exact: true, work: Work::Programs(|setup| run(setup, VerifyLevel::Structure)) },
    Tool { name: SPLIT_AS_IT_COMES, is_exact: false, work: Work::Programs(|setup| split(setup, Manner::Own)) },
];

/// The project's goals for the ladder from 2160p.
pub const LARGE_GOALS: [Goal; 2] = [
    Goal { tool: TRIX, peer: SPLIT, wall: 0.90, cpu: Some(0.90) },
    Goal { tool: TRIX, peer: SPLIT_AS_IT_COMES, wall: 0.90, cpu: Some(0.90) },
];

/// The sizes of the ladder from 1080p.
pub const SIZES: [(i32, i32); 4] = [(1920, 1080), (1280, 720), (854, 480), (640, 360)];

/// The sizes of the ladder from 2160p.
pub const LARGE_SIZES: [(i32, i32); 5] = [(2560, 1440), (1920, 1080), (1280, 720), (854, 480), (640, 360)];

/// These sizes at 8 bits, without audio.
pub fn job(source: &Path, sizes: &[(i32, i32)]) -> Job {
    let output = |&(width, height): &(i32, i32)| OutputSettings {
        path: format!("{height}p.mp4").into(),
        audio: AudioSettings::None,
        picture: PictureSettings { size: Some(Size { width, height }), ..Default::default() },
        video: VideoSettings::X264(EncodeSettings {
            depth: Some(8),
            preset: Some("veryfast".to_owned()),
            rate: Some(RateControl::Crf { value: 21.0 }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut job = Job::new(source, "");
    job.outputs = sizes.iter().map(output).collect();
    job
}

fn run(setup: &Setup<'_>, verify: VerifyLevel) -> io::Result<Vec<Command>> {
    let mut job = setup.planned_case.job.clone();
    job.outputs.iter_mut().for_each(|output| output.verify = verify);
    let file = setup.folder.join("job.json");
    fs::write(&file, serde_json::to_string_pretty(&job)?)?;
    let mut command = Command::new(setup.trix);
    command.arg("run").arg(file).arg("--output").arg(setup.folder).args(["--progress", "none"]);
    Ok(vec![command])
}

fn split(setup: &Setup<'_>, manner: Manner) -> io::Result<Vec<Command>> {
    let targets = &setup.planned_case.targets;
    let mut command = ffmpeg::reading(setup.source, manner);
    let pads: String = (0..targets.len()).map(|number| format!("[copy{number}]")).collect();
    let mut graph = format!("[0:v]split={}{pads}", targets.len());
    for (number, target) in targets.iter().enumerate() {
        graph += &format!(";[copy{number}]{}[size{number}]", ffmpeg::chain(target));
    }
    command.args(["-filter_complex", &graph]);
    for (number, (target, settings)) in outputs(setup).enumerate() {
        command.args(["-map", &format!("[size{number}]")]);
        ffmpeg::output(&mut command, target, settings, manner, setup.folder);
    }
    Ok(vec![command])
}

fn four(setup: &Setup<'_>, manner: Manner) -> io::Result<Vec<Command>> {
    let command = |(target, settings): (&Target, &EncodeSettings)| {
        let mut command = ffmpeg::reading(setup.source, manner);
        command.args(["-vf", &ffmpeg::chain(target)]);
        ffmpeg::output(&mut command, target, settings, manner, setup.folder);
        command
    };
    Ok(outputs(setup).map(command).collect())
}

fn outputs<'a>(setup: &Setup<'a>) -> impl Iterator<Item = (&'a Target, &'a EncodeSettings)> {
    let planned_case = setup.planned_case;
    let settings = planned_case.job.outputs.iter().filter_map(|output| Some(output.video.encode()?.1));
    planned_case.targets.iter().zip(settings)
}
