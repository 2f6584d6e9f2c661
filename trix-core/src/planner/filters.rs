//! Plans the filter steps between the decoder and the encoders of all outputs.
//!
//! Invariant: no two steps do the same to the same frames. The steps that lead to an output do together exactly what
//! its transform says, so a job with only this output and the same transform produces the same frames. A step is listed
//! after the step whose frames it takes.

use std::cmp::Reverse;

use trix_av::pixel::PixelFormat;
use trix_model::{decision::Decision, format::FrameFormat};

use crate::{
    plan::{Cut, FilterPlan, Filtering, OutputPlan, Sink, StepId, Transform, Waypoint},
    planner::drafted::Drafted,
    source::Source,
};

/// Plans the steps for `drafts`, and sets the last step of each output.
pub(super) fn plan(drafts: &mut [Drafted], source: &Source, scale_from_larger: bool) -> Vec<FilterPlan> {
    if scale_from_larger {
        crate::planner::filters::scale_from_larger(drafts, source);
    }
    let mut steps: Vec<FilterPlan> = Vec::new();
    for number in 0..drafts.len() {
        let (output, sink) = (&drafts[number].plan, drafts[number].sink);
        let Some(video) = &output.video else { continue };
        let cut = cut(output);
        let (filtering, smaller) = scalings(&video.filtering());
        // Deinterlacing costs more than all other filters together, and is the same for all sizes and depths.
        let fields = fields_alone(&filtering, source, video.stream).filter(|(fields, _)| {
            let also = |other: &Drafted| {
                let own = other.plan.video.as_ref().and_then(|video| {
                    let (filtering, _) = scalings(&video.filtering());
                    fields_alone(&filtering, source, video.stream)
                });
                let is_other = own.as_ref().is_some_and(|(_, rest)| *rest != filtering_after(fields, &filtering));
                own.is_some_and(|(own, _)| own == *fields) && is_other
            };
            drafts.iter().any(also)
        });
        let mut last = match fields {
            Some((fields, rest)) => {
                let first = step(&mut steps, None, cut, fields, sink);
                step(&mut steps, Some(first), Cut::default(), rest, sink)
            }
            None => step(&mut steps, None, cut, filtering, sink),
        };
        for scaling in smaller {
            last = step(&mut steps, Some(last), Cut::default(), scaling, sink);
        }
        if let Some(video) = &mut drafts[number].plan.video {
            video.filter = last;
        }
    }
    steps
}

/// The decoded frames that an output takes.
fn cut(output: &OutputPlan) -> Cut {
    Cut { start: output.start, end: output.end, frames: output.frames }
}

/// The number of the step that does this. Adds the step if there is none.
fn step(steps: &mut Vec<FilterPlan>, after: Option<StepId>, cut: Cut, filtering: Filtering, output: Sink) -> StepId {
    let same = |step: &FilterPlan| step.after == after && step.cut == cut && step.filtering == filtering;
    match steps.iter_mut().position(|step| same(step)) {
        Some(number) => {
            if !steps[number].outputs.contains(&output) {
                steps[number].outputs.push(output);
            }
            StepId(number)
        }
        None => {
            steps.push(FilterPlan { after, cut, filtering, outputs: vec![output] });
            StepId(steps.len() - 1)
        }
    }
}

/// The filtering to the first size on the way, and the scaling steps from there.
fn scalings(filtering: &Filtering) -> (Filtering, Vec<Filtering>) {
    let mut stages = filtering.transform.stages().into_iter();
    let first = stages.next().unwrap_or_else(|| filtering.transform.clone());
    let first = Filtering { transform: first, ..filtering.clone() };
    let rate = filtering.constant_rate.unwrap_or(first.transform.rate(filtering.rate));
    let smaller =
        stages.map(|transform| Filtering { transform, rate, constant_rate: None, ..filtering.clone() }).collect();
    (first, smaller)
}

/// Scales each output from the next larger size of another output.
fn scale_from_larger(drafts: &mut [Drafted], source: &Source) {
    let samples = |output: &OutputPlan| output.video.as_ref().map_or(0, |video| area(&video.transform));
    let mut order: Vec<usize> = (0..drafts.len()).filter(|number| drafts[*number].plan.video.is_some()).collect();
    order.sort_by_key(|number| Reverse(samples(&drafts[*number].plan)));
    for (place, number) in order.iter().enumerate() {
        let larger = order[..place]
            .iter()
            .filter(|larger| is_scaled_from(&drafts[*number].plan, &drafts[**larger].plan, source));
        // Among outputs of the same size, prefer the depth of the source, or else the highest: more bits only cost
        // time.
        let depth = |output: &OutputPlan| output.video.as_ref().map_or(0, |video| video.format.depth);
        let is_native = |output: &OutputPlan| {
            let stream = output.video.as_ref().and_then(|video| source.streams().get(video.stream));
            stream.and_then(|facts| PixelFormat::from_raw(facts.format)).is_some_and(|own| own.depth() == depth(output))
        };
        let score = |output: &OutputPlan| (samples(output), Reverse(is_native(output)), Reverse(depth(output)));
        let nearest = larger.min_by_key(|larger| score(&drafts[**larger].plan));
        let Some(from) = nearest.map(|larger| &drafts[*larger].plan) else { continue };
        let Some(transform) = from.video.as_ref().map(|video| &video.transform) else { continue };
        let mut through = transform.through.clone();
        through.push(Waypoint { width: transform.width, height: transform.height, format: transform.format });
        let name = from.path.file_name().unwrap_or_default().to_string_lossy();
        let decision = Decision::new(
            format!("scaled from the {}x{} frames of {name}", transform.width, transform.height),
            "the job lets smaller sizes be scaled from larger ones",
        );
        let output = &mut drafts[*number].plan;
        output.decisions.push(decision);
        if let Some(video) = &mut output.video {
            video.transform.through = through;
        }
    }
}

/// True if the frames of `output` are those of `larger`, except for size and some bits of depth.
fn is_scaled_from(output: &OutputPlan, larger: &OutputPlan, source: &Source) -> bool {
    let (Some(video), Some(other)) = (&output.video, &larger.video) else { return false };
    let (own, from) = (&video.transform, &other.transform);
    // Interlaced frames are scaled by field. Frames with padding or packed samples cannot be scaled further.
    if from.keeps_fields.is_some() || from.pad.is_some() || from.packing.is_some() || own.packing.is_some() {
        return false;
    }
    let is_larger = from.width >= own.width && from.height >= own.height && area(from) > area(own);
    let has_bits =
        FrameFormat { depth: own.format.depth, ..from.format } == own.format && from.format.depth >= own.format.depth;
    let like = Transform {
        width: own.width,
        height: own.height,
        format: own.format,
        through: own.through.clone(),
        pad: own.pad,
        ..from.clone()
    };
    let like = Filtering { transform: like, ..other.filtering() };
    is_larger
        && has_bits
        && like == video.filtering()
        && cut(output) == cut(larger)
        && !is_enlarged(from, source, video.stream)
}

/// True if `transform` enlarges the source.
fn is_enlarged(transform: &Transform, source: &Source, stream: usize) -> bool {
    let Some(facts) = source.streams().get(stream) else { return true };
    let (width, height) = transform.crop.map_or((facts.width, facts.height), |crop| (crop.width, crop.height));
    let (width, height) = if transform.orientation.is_sideways() { (height, width) } else { (width, height) };
    transform.width > width || transform.height > height
}

/// Samples in a plane.
fn area(transform: &Transform) -> usize {
    transform.width * transform.height
}

/// Splits field processing from the rest of the filtering. `None` if there is none, or if no planar format can hold the
/// frames between the two steps.
fn fields_alone(filtering: &Filtering, source: &Source, stream: usize) -> Option<(Filtering, Filtering)> {
    let transform = &filtering.transform;
    if transform.inverse_telecine.is_none() && transform.deinterlace.is_none() {
        return None;
    }
    // The container states the pixel format without the alpha layer.
    let facts = source.streams().get(stream).filter(|facts| !facts.alpha_layer)?;
    let format = PixelFormat::from_raw(facts.format)?.frame()?;
    let mut alone = Transform::to(facts.width, facts.height, format, transform.resampler, transform.from);
    alone.inverse_telecine = transform.inverse_telecine;
    alone.deinterlace = transform.deinterlace;
    let fields = Filtering { transform: alone, constant_rate: None, ..filtering.clone() };
    let rest = filtering_after(&fields, filtering);
    Some((fields, rest))
}

/// The rest of `filtering` after `fields`.
fn filtering_after(fields: &Filtering, filtering: &Filtering) -> Filtering {
    let transform = Transform { inverse_telecine: None, deinterlace: None, ..filtering.transform.clone() };
    Filtering { transform, rate: fields.transform.rate(filtering.rate), ..filtering.clone() }
}
