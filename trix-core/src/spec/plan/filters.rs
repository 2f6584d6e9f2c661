//! What is done to pictures between the one decoder and the encoders of several outputs.
//!
//! Invariant: no two steps do the same to the same pictures, and what comes out of a step is what a job with one output
//! alone would have made.

use serde::Serialize;

use super::OutputPlan;
use crate::{
    decode::reader::Cut,
    ffi::pixel::PixelFormat,
    filter::{convert::Filtering, transform::Transform},
    source::Source,
};

/// A step between the decoder and the encoders.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct FilterPlan {
    /// The step whose pictures it takes; `None` for those of the decoder.
    pub after: Option<usize>,
    /// Which pictures of the decoder it takes.
    pub cut: Cut,
    /// What is done to them.
    pub filtering: Filtering,
    /// The outputs that need it, by number.
    pub outputs: Vec<usize>,
}

/// The steps for `outputs`, each of which learns which one makes its pictures.
pub(super) fn plan(outputs: &mut [OutputPlan], source: &Source) -> Vec<FilterPlan> {
    let mut steps: Vec<FilterPlan> = Vec::new();
    for number in 0..outputs.len() {
        let output = &outputs[number];
        let Some(video) = &output.video else { continue };
        let cut = Cut { start: output.start, end: output.end, frames: output.frames };
        let filtering = video.filtering();
        // Deinterlacing costs more than everything else together, and is the same for all sizes and depths.
        let fields = fields_alone(&filtering, source, video.stream).filter(|(fields, _)| {
            let also = |other: &OutputPlan| {
                let own = other.video.as_ref().and_then(|video| fields_alone(&video.filtering(), source, video.stream));
                let is_other = own.as_ref().is_some_and(|(_, rest)| *rest != filtering_after(fields, &filtering));
                own.is_some_and(|(own, _)| own == *fields) && is_other
            };
            outputs.iter().any(also)
        });
        let step = match fields {
            Some((fields, rest)) => {
                let first = step(&mut steps, None, cut, fields, number);
                self::step(&mut steps, Some(first), Cut::default(), rest, number)
            }
            None => step(&mut steps, None, cut, filtering, number),
        };
        if let Some(video) = &mut outputs[number].video {
            video.filter = step;
        }
    }
    steps
}

/// The number of the step that does this; a new one unless there is one already.
fn step(steps: &mut Vec<FilterPlan>, after: Option<usize>, cut: Cut, filtering: Filtering, output: usize) -> usize {
    let same = |step: &FilterPlan| step.after == after && step.cut == cut && step.filtering == filtering;
    match steps.iter_mut().position(|step| same(step)) {
        Some(number) => {
            if !steps[number].outputs.contains(&output) {
                steps[number].outputs.push(output);
            }
            number
        }
        None => {
            steps.push(FilterPlan { after, cut, filtering, outputs: vec![output] });
            steps.len() - 1
        }
    }
}

/// What is done to fields, as a step of its own, and what is left to do; `None` where nothing is done to fields, or
/// where pictures between the two steps would have a format that planes cannot hold.
fn fields_alone(filtering: &Filtering, source: &Source, stream: usize) -> Option<(Filtering, Filtering)> {
    let transform = &filtering.transform;
    if transform.inverse_telecine.is_none() && transform.deinterlace.is_none() {
        return None;
    }
    let facts = source.streams().get(stream)?;
    let format = PixelFormat::from_raw(facts.format)?.picture()?;
    let mut alone = Transform::to(facts.width, facts.height, format, transform.resampler, transform.from);
    alone.inverse_telecine = transform.inverse_telecine;
    alone.deinterlace = transform.deinterlace;
    let fields = Filtering { transform: alone, constant_rate: None, ..filtering.clone() };
    let rest = filtering_after(&fields, filtering);
    Some((fields, rest))
}

/// What is left of `filtering` after `fields`.
fn filtering_after(fields: &Filtering, filtering: &Filtering) -> Filtering {
    let transform = Transform { inverse_telecine: None, deinterlace: None, ..filtering.transform.clone() };
    Filtering { transform, rate: fields.transform.rate(filtering.rate), ..filtering.clone() }
}
