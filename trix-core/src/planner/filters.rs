//! What is done to pictures between the one decoder and the encoders of several outputs.
//!
//! Invariant: no two steps do the same to the same pictures; the steps that lead to an output do together what its own
//! transform says, so that a job with this output alone, and the same transform, would make the same pictures. A step
//! comes after the one whose pictures it takes.

use std::cmp::Reverse;

use trix_av::pixel::PixelFormat;
use trix_model::{decision::Decision, format::PictureFormat};

use crate::{
    plan::{Cut, FilterPlan, Filtering, OutputPlan, Transform, Waypoint},
    source::Source,
};

/// The steps for `outputs`, each of which learns which one makes its pictures.
pub(super) fn plan(outputs: &mut [OutputPlan], source: &Source, scale_from_larger: bool) -> Vec<FilterPlan> {
    if scale_from_larger {
        crate::planner::filters::scale_from_larger(outputs, source);
    }
    let mut steps: Vec<FilterPlan> = Vec::new();
    for number in 0..outputs.len() {
        let output = &outputs[number];
        let Some(video) = &output.video else { continue };
        let cut = cut(output);
        let (filtering, smaller) = scalings(&video.filtering());
        // Deinterlacing costs more than everything else together, and is the same for all sizes and depths.
        let fields = fields_alone(&filtering, source, video.stream).filter(|(fields, _)| {
            let also = |other: &OutputPlan| {
                let own = other.video.as_ref().and_then(|video| {
                    let (filtering, _) = scalings(&video.filtering());
                    fields_alone(&filtering, source, video.stream)
                });
                let is_other = own.as_ref().is_some_and(|(_, rest)| *rest != filtering_after(fields, &filtering));
                own.is_some_and(|(own, _)| own == *fields) && is_other
            };
            outputs.iter().any(also)
        });
        let mut last = match fields {
            Some((fields, rest)) => {
                let first = step(&mut steps, None, cut, fields, number);
                step(&mut steps, Some(first), Cut::default(), rest, number)
            }
            None => step(&mut steps, None, cut, filtering, number),
        };
        for scaling in smaller {
            last = step(&mut steps, Some(last), Cut::default(), scaling, number);
        }
        if let Some(video) = &mut outputs[number].video {
            video.filter = last;
        }
    }
    steps
}

/// Which pictures of the decoder an output takes.
fn cut(output: &OutputPlan) -> Cut {
    Cut { start: output.start, end: output.end, frames: output.frames }
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

/// What makes the pictures of the first size that they pass through, and what scales those further.
fn scalings(filtering: &Filtering) -> (Filtering, Vec<Filtering>) {
    let mut stages = filtering.transform.stages().into_iter();
    let first = stages.next().unwrap_or_else(|| filtering.transform.clone());
    let first = Filtering { transform: first, ..filtering.clone() };
    let rate = filtering.constant_rate.unwrap_or(first.transform.rate(filtering.rate));
    let smaller =
        stages.map(|transform| Filtering { transform, rate, constant_rate: None, ..filtering.clone() }).collect();
    (first, smaller)
}

/// Lets pictures pass through the next larger size that another output has of them.
fn scale_from_larger(outputs: &mut [OutputPlan], source: &Source) {
    let samples = |output: &OutputPlan| output.video.as_ref().map_or(0, |video| area(&video.transform));
    let mut order: Vec<usize> = (0..outputs.len()).filter(|number| outputs[*number].video.is_some()).collect();
    order.sort_by_key(|number| Reverse(samples(&outputs[*number])));
    for (place, number) in order.iter().enumerate() {
        let larger =
            order[..place].iter().filter(|larger| is_scaled_from(&outputs[*number], &outputs[**larger], source));
        // Of several with one size, the one whose bits are those of the source, or else the deepest: more are only work.
        let depth = |output: &OutputPlan| output.video.as_ref().map_or(0, |video| video.format.depth);
        let is_native = |output: &OutputPlan| {
            let stream = output.video.as_ref().and_then(|video| source.streams().get(video.stream));
            stream.and_then(|facts| PixelFormat::from_raw(facts.format)).is_some_and(|own| own.depth() == depth(output))
        };
        let merit = |output: &OutputPlan| (samples(output), Reverse(is_native(output)), Reverse(depth(output)));
        let nearest = larger.min_by_key(|larger| merit(&outputs[**larger]));
        let Some(from) = nearest.map(|larger| &outputs[*larger]) else { continue };
        let Some(transform) = from.video.as_ref().map(|video| &video.transform) else { continue };
        let mut through = transform.through.clone();
        through.push(Waypoint { width: transform.width, height: transform.height, format: transform.format });
        let name = from.path.file_name().unwrap_or_default().to_string_lossy();
        let decision = Decision::new(
            format!("scaled from the {}x{} pictures of {name}", transform.width, transform.height),
            "the job lets smaller sizes be scaled from larger ones",
        );
        let output = &mut outputs[*number];
        output.decisions.push(decision);
        if let Some(video) = &mut output.video {
            video.transform.through = through;
        }
    }
}

/// Whether the pictures of `output` are those of `larger`, but for their size and some of their bits.
fn is_scaled_from(output: &OutputPlan, larger: &OutputPlan, source: &Source) -> bool {
    let (Some(video), Some(other)) = (&output.video, &larger.video) else { return false };
    let (own, from) = (&video.transform, &other.transform);
    // Fields that stay are scaled apart; black around pictures, and samples in packs, are no pictures to scale.
    if from.keeps_fields.is_some() || from.pad.is_some() || from.packing.is_some() || own.packing.is_some() {
        return false;
    }
    let is_larger = from.width >= own.width && from.height >= own.height && area(from) > area(own);
    let has_bits =
        PictureFormat { depth: own.format.depth, ..from.format } == own.format && from.format.depth >= own.format.depth;
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

/// Whether samples were made up that the source does not have.
fn is_enlarged(transform: &Transform, source: &Source, stream: usize) -> bool {
    let Some(facts) = source.streams().get(stream) else { return true };
    let (width, height) = transform.crop.map_or((facts.width, facts.height), |crop| (crop.width, crop.height));
    let (width, height) = if transform.orientation.is_sideways() { (height, width) } else { (width, height) };
    transform.width > width || transform.height > height
}

/// Samples of a plane.
fn area(transform: &Transform) -> usize {
    transform.width * transform.height
}

/// What is done to fields, as a step of its own, and what is left to do; `None` where nothing is done to fields, or
/// where pictures between the two steps would have a format that planes cannot hold.
fn fields_alone(filtering: &Filtering, source: &Source, stream: usize) -> Option<(Filtering, Filtering)> {
    let transform = &filtering.transform;
    if transform.inverse_telecine.is_none() && transform.deinterlace.is_none() {
        return None;
    }
    // The container tells the format of pictures without their alpha layer.
    let facts = source.streams().get(stream).filter(|facts| !facts.alpha_layer)?;
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
