//! What a job will make, for operators.

use std::path::Path;

use serde::{Deserialize, Serialize};
use trix_core::{
    Job, Plan, Source,
    plan::{OutputPlan, Product, Sink},
    preflight::preflight,
};
use utoipa::ToSchema;

/// What a job will make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Planned {
    /// The copies, packages and stills.
    pub outputs: Vec<PlannedOutput>,
    /// Frames of the longest copy, where the source declares its length.
    pub frames: Option<u64>,
    /// Playing time in seconds, where the source declares it.
    pub seconds: Option<f64>,
    /// Chunks; 0: the film is encoded in one piece. A dry run estimates it.
    pub units: u64,
    /// Bytes that all copies may take.
    pub bytes: u64,
    /// Bytes that are free where they will be; `None` if the system does not say.
    pub free: Option<u64>,
    /// Seconds that one worker may take for all. Only a dry run estimates it.
    #[serde(default)]
    pub takes: Option<f64>,
    /// What Trix chose, and why.
    pub decisions: Vec<Reason>,
    /// Problems that may stop the job.
    pub warnings: Vec<String>,
}

/// A file or folder that will be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlannedOutput {
    /// Its path below the folder of the title.
    pub path: String,
    /// What it holds.
    pub detail: String,
}

/// A choice, and its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The usual length of a chunk in seconds, as trix-core divides films.
const CHUNK: f64 = 10.0;

impl Planned {
    /// What `plan` will make of `source`. Its paths lie in `folder`.
    pub fn of(job: &Job, plan: &Plan, source: &Source, folder: &Path) -> Self {
        let needs = preflight(plan, source);
        let below = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let paths = plan.paths();
        let outputs = paths.iter().map(|(product, path)| PlannedOutput {
            path: below(path),
            detail: match product {
                Product::Output(id) => content(&plan.sink(Sink::Output(id))),
                Product::Package(id) => {
                    let all = 0..plan.package(id).renditions.len();
                    let texts = all.map(|rendition| content(&plan.sink(Sink::Rendition { package: id, rendition })));
                    texts.collect::<Vec<_>>().join("; ")
                }
                Product::Still(_) => String::new(),
            },
        });
        let seconds = source.duration().map(|micros| micros as f64 / 1e6);
        let rate = plan.sinks().into_iter().find_map(|sink| Some(plan.video(sink)?.source_rate.to_f64()));
        let frames =
            plan.chunks.as_ref().and_then(|chunks| Some(chunks.ranges.last()?.end - chunks.ranges.first()?.start));
        let frames = frames.or_else(|| Some((seconds? * rate?).round() as u64));
        let units = match &plan.chunks {
            Some(chunks) => chunks.ranges.len() as u64,
            None => seconds.map_or(0, |seconds| (seconds / CHUNK).ceil() as u64),
        };
        let decisions = plan.decisions.iter().chain(&job.merging);
        Planned {
            outputs: outputs.collect(),
            frames,
            seconds,
            units,
            bytes: needs.space.iter().map(|space| space.estimate).sum(),
            free: needs.space.iter().map(|space| space.free).min(),
            takes: None,
            decisions: decisions.map(|own| Reason { what: own.what.clone(), why: own.why.clone() }).collect(),
            warnings: needs.warnings(),
        }
    }
}

/// What a file holds, in a line.
fn content(plan: &OutputPlan) -> String {
    let video = plan.video.as_ref().map(|video| {
        let preset = if video.encoder.is_mezzanine() { String::new() } else { format!(", preset {}", video.preset) };
        format!("{} {}x{} {}{preset}", video.encoder, video.width, video.height, video.format)
    });
    let audio = plan.audio.iter().map(|audio| {
        let language = audio.language.as_ref().map_or_else(String::new, |language| format!(" {language}"));
        format!("{}{language}", audio.codec)
    });
    video.into_iter().chain(audio).collect::<Vec<_>>().join(", ")
}
