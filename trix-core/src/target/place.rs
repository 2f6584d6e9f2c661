//! The outputs and renditions that can have targets.

use std::path::Path;

use trix_model::{path_text, settings::video::TargetMetric};

use crate::{
    planner::video_renditions,
    settings::{
        audio::AudioSettings,
        job::{Job, OutputSettings, VerifyLevel},
        subtitle::SubtitleSettings,
        video::RateControl,
    },
    source::Source,
};

/// An output, or a rendition of a package.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Output(usize),
    Rung { package: usize, rung: usize },
}

impl Place {
    pub(super) fn all(job: &Job) -> Vec<Self> {
        let outputs = (0..job.outputs.len()).map(Place::Output);
        let rungs = job
            .packages
            .iter()
            .enumerate()
            .flat_map(|(package, own)| (0..own.ladder.len()).map(move |rung| Place::Rung { package, rung }));
        outputs.chain(rungs).collect()
    }

    pub(super) fn target(self, job: &Job) -> Option<(TargetMetric, f64)> {
        let video = match self {
            Place::Output(number) => &job.outputs[number].video,
            Place::Rung { package, rung } => &job.packages[package].ladder[rung].video,
        };
        match video.encode()?.1.rate {
            Some(RateControl::Target { metric, value }) => Some((metric, value)),
            _ => None,
        }
    }

    pub(super) fn set(self, job: &mut Job, rate: Option<RateControl>) {
        let video = match self {
            Place::Output(number) => &mut job.outputs[number].video,
            Place::Rung { package, rung } => &mut job.packages[package].ladder[rung].video,
        };
        if let Some(settings) = video.encode_mut() {
            settings.rate = rate;
        }
    }

    /// The path of the output, or of the package.
    pub(super) fn path(self, job: &Job) -> &Path {
        match self {
            Place::Output(number) => &job.outputs[number].path,
            Place::Rung { package, .. } => &job.packages[package].path,
        }
    }

    /// The name in messages.
    pub(super) fn name(self, job: &Job) -> String {
        let name = path_text::to_text(Path::new(self.path(job).file_name().unwrap_or_default()));
        match self {
            Place::Output(_) => name,
            Place::Rung { package, rung } => format!("{name}, {} rows", job.packages[package].ladder[rung].height),
        }
    }

    /// An output with the frames and the encoder of this one, and nothing else. `None` for a rung that is left out.
    pub(super) fn output(self, job: &Job, source: &Source) -> Option<OutputSettings> {
        let own = match self {
            Place::Output(number) => job.outputs[number].clone(),
            Place::Rung { package, rung } => {
                let all = video_renditions(&job.packages[package], source, &mut Vec::new());
                all.into_iter().find(|(number, ..)| *number == rung)?.2
            }
        };
        let mut output = OutputSettings {
            audio: AudioSettings::None,
            subtitles: SubtitleSettings::None,
            tracks: None,
            metadata: Default::default(),
            verify: VerifyLevel::Full,
            overwrite: true,
            ..own
        };
        // Their times are those of the film.
        output.video.encode_mut().into_iter().for_each(|settings| settings.keyframes.clear());
        Some(output)
    }
}
