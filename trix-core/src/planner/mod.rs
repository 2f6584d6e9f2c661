//! Job and source together: every default resolved, or every mistake at once.
//!
//! Invariant: what a plan says is what runs; a job that cannot work is refused before a picture is decoded.

mod output;
mod package;
pub(crate) mod side;
mod still;
mod filters;
mod memory;
mod codec_memory;
mod threads;
mod audio;
mod channels;
mod defaults;
mod sound_choice;
mod sound_codec;
mod cut;
mod tags;
mod tracks;
mod video;
mod geometry;
mod color;
mod hdr;

use serde::Serialize;

pub(crate) use trix_model::mistake::Mistake;
use trix_model::{
    decision::Decision,
    error::{Error, Result},
    time::Timestamp,
};

use crate::source::Source;
use crate::spec::{
    job::{Job, OutputSettings},
    names::Names,
    still::{check_all, check_each},
};
pub(crate) use crate::{
    plan::SideTrack,
    planner::{
        cut::{CopyGate, Place},
        output::{Looks, Request},
        sound_choice::{cuts_exactly, holds_changes},
    },
};
pub use crate::{
    plan::{
        AttachmentPlan, AudioPlan, Carried, CopyPlan, CoverPlan, FilterPlan, MemoryPlan, MemoryShare, MustLast,
        OutputPlan, PackagePlan, RenditionPlan, SubtitlePlan, TextPlan, TrackTags, VideoPlan,
    },
    planner::still::StillPlan,
};

/// What will run.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// What is done to pictures between the one decoder and the encoders, each step once, whoever needs it.
    pub filters: Vec<FilterPlan>,
    /// The files that are written; after them, the renditions of packages.
    pub outputs: Vec<OutputPlan>,
    /// The packages that are written.
    pub packages: Vec<PackagePlan>,
    /// The still pictures that are made.
    pub stills: Vec<StillPlan>,
    /// What was decided about all of it without being asked.
    pub decisions: Vec<Decision>,
    /// How much memory it will take.
    pub memory: MemoryPlan,
    /// What was asked for, for each of `outputs`.
    #[serde(skip)]
    pub(crate) asked: Vec<OutputSettings>,
    /// The sound tracks from beside the source.
    #[serde(skip)]
    pub(crate) sides: Vec<SideTrack>,
}

impl Plan {
    /// How many of `outputs` are files; those after them are renditions of packages.
    pub fn files(&self) -> usize {
        self.outputs.len() - self.packages.iter().map(|package| package.renditions.len()).sum::<usize>()
    }

    /// How many things are made: files, packages, stills, counted in this order.
    pub(crate) fn products(&self) -> usize {
        self.files() + self.packages.len() + self.stills.len()
    }

    /// The number, among all things that are made, of what output `number` is or belongs to.
    pub(crate) fn product(&self, number: usize) -> usize {
        let has = |package: &PackagePlan| package.renditions.iter().any(|rendition| rendition.output == number);
        let package = self.packages.iter().position(has);
        package.map_or(number, |package| self.files() + package)
    }

    /// Resolves `job` against its source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job, a line each; `Unsupported` when the job is sound and the source
    /// has something that cannot be done.
    pub fn new(job: &Job, source: &Source) -> Result<Plan> {
        let mut mistakes = Vec::new();
        check_names(job, &|_| true, &mut mistakes);
        mistakes.extend(check_all(&job.stills));
        let looks = Looks::default();
        let sides = side::open_all(job, source, &mut mistakes)?;
        let asking = Asking { job, looks: &looks, sides: &sides };
        let mut outputs = Vec::new();
        let mut asked = Vec::new();
        for (number, output) in job.outputs.iter().enumerate() {
            let mut own = Vec::new();
            let (output, settled) = defaults::settle(output, source);
            let planned = OutputPlan::new(&asking.request(&output, None), source, &mut own)?;
            outputs.extend(planned.map(|mut plan| {
                plan.decisions.splice(0..0, settled);
                plan
            }));
            asked.push(output);
            // With one output, there is nothing to confuse it with.
            if !is_single(job) {
                enter(&mut own, number, &job.outputs[number]);
            }
            mistakes.append(&mut own);
        }
        let mut packages = Vec::new();
        for (number, package) in job.packages.iter().enumerate() {
            let mut own = Vec::new();
            let planned = package::plan(package, &asking, source, &mut own)?;
            own.iter_mut().for_each(|mistake| mistake.enter(&format!("packages[{number}].")));
            mistakes.append(&mut own);
            let Some((mut plan, renditions)) = planned else { continue };
            for (rendition, (settings, output)) in plan.renditions.iter_mut().zip(renditions) {
                rendition.output = outputs.len();
                outputs.push(output);
                asked.push(settings);
            }
            packages.push(plan);
        }
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        let decisions = threads::share(&asked, &mut outputs).into_iter().collect();
        let filters = filters::plan(&mut outputs, source, job.scale_from_larger);
        let stills = still::plan(job, &asking, source, &outputs)?;
        let making = memory::Making {
            source,
            filters: &filters,
            outputs: &outputs,
            asked: &asked,
            packages: &packages,
            stills: &stills,
            sides: &sides,
        };
        let memory = memory::plan(job, &making).map_err(|mistake| Error::of_mistakes(vec![mistake]))?;
        Ok(Plan { filters, outputs, packages, stills, decisions, memory, asked, sides })
    }
}

/// What the requests of a job's outputs have in common.
struct Asking<'a> {
    job: &'a Job,
    looks: &'a Looks,
    sides: &'a [SideTrack],
}

impl<'a> Asking<'a> {
    fn request<'b>(&self, output: &'b OutputSettings, origin: Option<Timestamp>) -> Request<'b>
    where
        'a: 'b,
    {
        let threads = output.threads.or(self.job.threads);
        Request { source: &self.job.source, output, threads, looks: self.looks, sides: self.sides, part: None, origin }
    }
}

/// Whether a job makes one file and nothing else.
fn is_single(job: &Job) -> bool {
    job.outputs.len() == 1 && job.packages.is_empty() && job.stills.is_empty()
}

/// Says of which output mistakes are.
fn enter(mistakes: &mut [Mistake], number: usize, output: &OutputSettings) {
    for mistake in mistakes {
        // An output without threads of its own has those of the job.
        match mistake.place == "threads" && output.threads.is_some() {
            true => mistake.place = format!("outputs[{number}].threads"),
            false => mistake.enter(&format!("outputs[{number}].")),
        }
    }
}

/// What is wrong with a job whatever its source is. `is_certain` tells of an element, such as `outputs[0]`, whether it is
/// made for every source.
pub(crate) fn mistakes_alone(job: &Job, is_certain: &dyn Fn(&str) -> bool) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    check_names(job, is_certain, &mut mistakes);
    mistakes.extend(check_each(&job.stills, is_certain));
    for (number, track) in job.tracks.iter().enumerate() {
        mistakes.extend(track.check(&format!("tracks[{number}]")));
    }
    let asking = Asking { job, looks: &Looks::default(), sides: &[] };
    for (number, output) in job.outputs.iter().enumerate() {
        let mut own = output::mistakes_alone(&asking.request(output, None));
        enter(&mut own, number, output);
        mistakes.append(&mut own);
    }
    for (number, package) in job.packages.iter().enumerate() {
        let mut own = package::mistakes_alone(package);
        own.iter_mut().for_each(|mistake| mistake.enter(&format!("packages[{number}].")));
        mistakes.append(&mut own);
    }
    mistakes
}

/// Whether everything that is made has a name of its own, where it is made together.
fn check_names(job: &Job, is_certain: &dyn Fn(&str) -> bool, mistakes: &mut Vec<Mistake>) {
    if job.outputs.is_empty() && job.packages.is_empty() && job.stills.is_empty() {
        mistakes.push(Mistake::new("outputs", "", "nothing is asked for; name at least one output"));
    }
    let mut names = Names::default();
    for (number, still) in job.stills.iter().enumerate() {
        let is_certain = is_certain(&format!("stills[{number}]"));
        for path in still.paths() {
            names.is_taken(path, is_certain);
        }
    }
    let of_outputs =
        job.outputs.iter().enumerate().map(|(number, output)| (format!("outputs[{number}]"), &output.path));
    let of_packages =
        job.packages.iter().enumerate().map(|(number, package)| (format!("packages[{number}]"), &package.path));
    for (place, path) in of_outputs.chain(of_packages) {
        if names.is_taken(path.clone(), is_certain(&place)) {
            let problem = "something else has this name already";
            mistakes.push(Mistake::new(format!("{place}.path"), path.display(), problem));
        }
    }
}
