//! Plans the processing of frames between decoder and encoder, or between decoder and a still.

use trix_model::{format::FrameFormat, mistake::Mistake};

use crate::{
    plan::Transform,
    planner::{
        color::{self, ColorPlan},
        diagnostics::Diagnostics,
        frame_request::{FrameRequest, Target},
        geometry::{self, Geometry},
        hdr::{self, HdrPlan},
        video_facts::VideoFacts,
    },
    settings::video::Encoder,
};

/// The decisions about frames.
pub(super) struct Frames {
    pub(super) geometry: Geometry,
    pub(super) color: ColorPlan,
    pub(super) hdr: HdrPlan,
    pub(super) transform: Transform,
}

/// Plans the processing of frames. `packing` names the packed format for an encoder that needs one, once the rest of
/// the transform is known.
pub(super) fn plan(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    packing: impl FnOnce(&Transform, &mut Diagnostics<'_>) -> Option<String>,
    diagnostics: &mut Diagnostics<'_>,
) -> Frames {
    let FrameRequest { samples, format, resampler, .. } = *request;
    let geometry = geometry::plan(request, facts, diagnostics);
    let color = color::plan(request, facts, diagnostics);
    let mut transform = Transform::to(geometry.width, geometry.height, format, resampler, facts.color);
    transform.inverse_telecine = geometry.inverse_telecine;
    transform.deinterlace = geometry.deinterlace;
    transform.keeps_fields = geometry.fields;
    transform.crop = geometry.crop;
    transform.orientation = geometry.turn;
    transform.flatten = samples.alpha && !format.alpha;
    transform.tonemap = color.tonemap;
    transform.from = color.from;
    transform.to = color.to;
    transform.pad = geometry.pad;
    transform.packing = packing(&transform, diagnostics);
    let hdr = hdr::plan(request, facts, &transform, diagnostics);
    let (width, height) = transform.size();
    check_size(request.target, format, width, height, geometry.fields.is_some(), diagnostics.mistakes);
    Frames { geometry, color, hdr, transform }
}

fn check_size(
    target: Target,
    format: FrameFormat,
    width: usize,
    height: usize,
    fields: bool,
    mistakes: &mut Vec<Mistake>,
) {
    let size = format!("{width}x{height}");
    let mut wrong = |problem: String| mistakes.push(Mistake::new("picture.size", &size, problem));
    let (x, y) = format.chroma.shift();
    let exact = !target.rounds_chroma();
    if exact && (!width.is_multiple_of(1 << x) || !height.is_multiple_of(1 << y)) {
        let (w, h) = ((width >> x << x).max(1 << x), (height >> y << y).max(1 << y));
        let what = if y > 0 { "an even width and height" } else { "an even width" };
        wrong(format!("{} needs {what}; use --size {w}x{h} or --chroma 444", format.chroma));
    }
    if fields && target.is(Encoder::X264) && !height.is_multiple_of(2 << y) {
        wrong(format!("two fields of {} need a multiple of {} rows", format.chroma, 2 << y));
    }
    // x265 takes no frame below one coding tree unit, which has 64 samples by default. With a smaller unit, x265 3.5
    // writes past the end of its own memory for frames of 48 samples.
    let least = if target.is(Encoder::X265) { 64 } else { 1 };
    if width < least || height < least {
        wrong(format!("{target} needs {least}x{least}"));
    }
    if width > 16_384 || height > 16_384 {
        wrong("at most 16384 on a side".into());
    }
}
