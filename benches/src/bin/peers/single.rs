//! Cases with one output: `trix encode` compared with the `ffmpeg` program.
//!
//! Invariant: both command lines are made from the settings of this output.

use std::{io, path::Path, process::Command};

use trix_core::{
    Job,
    media::format::Chroma,
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, RateControl, Size, VideoSettings},
    },
};

use crate::{
    ffmpeg::{self, Manner},
    tool::{Setup, TRIX, Target, Tool, Work},
};

/// Name of the bare encoder in tables.
pub const ENCODER_ALONE: &str = "encoder alone";

/// The tools of these cases.
pub static TOOLS: [Tool; 5] = [
    Tool { name: "ffmpeg", is_exact: true, work: Work::Programs(|setup| encode_with_ffmpeg(setup, Manner::AsTrix)) },
    Tool { name: TRIX, is_exact: true, work: Work::Programs(|setup| encode(setup, "off")) },
    Tool { name: "trix, verified", is_exact: true, work: Work::Programs(|setup| encode(setup, "structure")) },
    // It converts each frame in slices, one for each core, and error diffusion ends at the edge of a slice. So its
    // output depends on the machine, and may differ from that of the other tools.
    Tool {
        name: "ffmpeg, as it comes",
        is_exact: false,
        work: Work::Programs(|setup| encode_with_ffmpeg(setup, Manner::Own)),
    },
    Tool { name: ENCODER_ALONE, is_exact: false, work: Work::EncoderAlone },
];

/// A job with one 4:2:0 output and no audio.
pub fn job(source: &Path, encoder: Encoder, depth: u32, preset: &str, crf: u32, size: (i32, i32)) -> Job {
    let settings = EncodeSettings {
        depth: Some(depth),
        chroma: Some(Chroma::C420),
        preset: Some(preset.to_owned()),
        rate: Some(RateControl::Crf { value: f64::from(crf) }),
        ..Default::default()
    };
    let mut job = Job::new(source, "copy.mp4");
    job.outputs[0].audio = AudioSettings::None;
    job.outputs[0].picture.size = Some(Size { width: size.0, height: size.1 });
    job.outputs[0].video = match encoder {
        Encoder::X265 => VideoSettings::X265(settings),
        _ => VideoSettings::X264(settings),
    };
    job
}

fn encode(setup: &Setup<'_>, verify: &str) -> io::Result<Vec<Command>> {
    let (target, settings) = only(setup)?;
    let mut command = Command::new(setup.trix);
    command.arg("encode").arg(setup.source).arg("--output").arg(setup.folder.join(&target.name));
    command.args(["--video", &target.encoder, "--audio", "none", "--verify", verify, "--progress", "none"]);
    if let Some(preset) = &settings.preset {
        command.args(["--preset", preset]);
    }
    if let Some(RateControl::Crf { value }) = settings.rate {
        command.args(["--crf", &value.to_string()]);
    }
    if let Some(depth) = settings.depth {
        command.args(["--depth", &depth.to_string()]);
    }
    if let Some(size) = setup.planned_case.job.outputs[0].picture.size {
        command.args(["--size", &size.to_string()]);
    }
    command.args(["--chroma", "420"]);
    Ok(vec![command])
}

fn encode_with_ffmpeg(setup: &Setup<'_>, manner: Manner) -> io::Result<Vec<Command>> {
    let (target, settings) = only(setup)?;
    let mut command = ffmpeg::reading(setup.source, manner);
    command.args(["-vf", &ffmpeg::chain(target)]);
    ffmpeg::output(&mut command, target, settings, manner, setup.folder);
    Ok(vec![command])
}

/// The single output.
fn only<'a>(setup: &Setup<'a>) -> io::Result<(&'a Target, &'a EncodeSettings)> {
    let target = setup.planned_case.targets.first();
    let settings = setup.planned_case.job.outputs.first().and_then(|output| output.video.encode());
    let (target, (_, settings)) = target.zip(settings).ok_or_else(|| io::Error::other("the case has no output"))?;
    Ok((target, settings))
}
