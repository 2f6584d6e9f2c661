//! Still pictures and their source: which part of the film they show.
//!
//! Invariant: stills show the part of the source that the other outputs of the job show.

use std::path::PathBuf;

use serde::Serialize;
use trix_model::{
    decision::Decision,
    error::{Error, Result},
    time::Timestamp,
};

use crate::{
    plan::{Cut, OutputPlan},
    planner::{Asking, side},
    source::Source,
    spec::{
        audio::AudioSettings,
        job::{Job, OutputSettings},
        picture::PictureSettings,
        still::StillSettings,
        video::{EncodeSettings, VideoSettings},
    },
    still::{Span, Stills},
};

/// A still picture, or a set of them, that will be made.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct StillPlan {
    /// Its first file.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// What is asked for, with every default.
    pub settings: StillSettings,
    /// Which pictures of the decoder it looks at.
    pub cut: Cut,
    /// What was decided without being asked.
    pub decisions: Vec<Decision>,
    /// How the source is to be read.
    #[serde(skip)]
    picture: PictureSettings,
    #[serde(skip)]
    span: Span,
    /// Where sound that belongs to it ends, in the source's time, if the source is cut.
    #[serde(skip)]
    pub(crate) until: Option<Timestamp>,
    /// How far its time line reaches then: a cut can be longer than the film.
    #[serde(skip)]
    pub(crate) end: Option<Timestamp>,
    /// How much later than the source the part begins.
    #[serde(skip)]
    pub(crate) later: Timestamp,
}

impl StillPlan {
    /// A time of the source, counted from the start of the part.
    pub(crate) fn since_start(&self, time: Timestamp) -> Timestamp {
        side::since(time, self.span.origin)
    }

    /// The stage that makes it.
    ///
    /// # Errors
    /// Those of [`Stills::new`].
    pub(crate) fn open(&self, source: &Source, sides: &[crate::plan::SideTrack]) -> Result<Stills> {
        let settings = std::slice::from_ref(&self.settings);
        Stills::with_tracks(settings, source, sides, &self.picture, Some(self.span))
    }
}

/// The stills of a job whose other outputs are planned.
///
/// # Errors
/// Those of [`Stills::new`], with the name of the still.
pub(super) fn plan(job: &Job, asking: &Asking<'_>, source: &Source, outputs: &[OutputPlan]) -> Result<Vec<StillPlan>> {
    if job.stills.is_empty() {
        return Ok(Vec::new());
    }
    let Part { span, cut, until, end, later } = part(asking, source, outputs)?;
    // A source that is read in a particular way is read so for stills too.
    let of_outputs = job.outputs.iter().filter(|output| output.video.encode().is_some()).map(|output| &output.picture);
    let picture = of_outputs.chain(job.packages.iter().map(|package| &package.picture)).next();
    let mut plans = Vec::new();
    for settings in &job.stills {
        let path = settings.paths().into_iter().next().unwrap_or_default();
        let picture = picture.cloned().unwrap_or_default();
        let mut plan = StillPlan {
            path,
            settings: settings.clone(),
            cut,
            decisions: Vec::new(),
            picture,
            span,
            until,
            end,
            later,
        };
        let stage = plan.open(source, asking.sides).map_err(|error: Error| error.in_file(&plan.path))?;
        plan.decisions = stage.decisions().to_vec();
        plans.push(plan);
    }
    Ok(plans)
}

/// The part of the source that stills show: that of the first output with pictures, or what such an output would show.
fn part(asking: &Asking<'_>, source: &Source, outputs: &[OutputPlan]) -> Result<Part> {
    let planned = outputs.iter().find(|output| output.video.is_some());
    let usual = OutputSettings {
        path: PathBuf::from("stills.mkv"),
        video: VideoSettings::X264(EncodeSettings::default()),
        // Copied sound could not be cut.
        audio: AudioSettings::Pcm,
        ..OutputSettings::default()
    };
    let usual = match planned {
        Some(_) => None,
        // What such an output could not be made of may still have a waveform.
        None => OutputPlan::new(&asking.request(&usual, None), source, &mut Vec::new()).unwrap_or_default(),
    };
    let whole = Span::whole(source, None);
    let zero = Timestamp::new(0, whole.origin.base);
    let Some(output) = planned.or(usual.as_ref()) else {
        return Ok(Part { span: whole, cut: Cut::default(), until: None, end: None, later: zero });
    };
    let cut = Cut { start: output.start, end: output.end, frames: output.frames };
    let later = asking.job.source.start.unwrap_or(zero);
    let all = side::film_end(source, side::since(output.origin, later));
    let until = output.span_end();
    let end = [until, all].into_iter().flatten().min();
    let expected = end.map(|end| side::since(end, output.origin));
    Ok(Part { span: Span { origin: output.origin, expected }, cut, until, end: until.and(end), later })
}

/// The part of a source that stills show.
struct Part {
    span: Span,
    cut: Cut,
    until: Option<Timestamp>,
    end: Option<Timestamp>,
    later: Timestamp,
}
