//! Plans colour: the colour of the source, and the colour that it is converted to.

use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Color, Matrix, Range, Standard, Transfer},
    format::Chroma,
};

use crate::{
    plan::ToneMapping,
    planner::{diagnostics::Diagnostics, frame_request::FrameRequest, video_facts::VideoFacts},
    settings::{picture::Tonemap, video::Encoder},
};

/// The decisions about colour.
pub(super) struct ColorPlan {
    pub(super) from: Color,
    pub(super) to: Color,
    pub(super) tonemap: Option<ToneMapping>,
}

/// The peak luminance of masters that declare none, in cd/m2: that of most HDR10 masters, and the nominal peak of
/// hybrid log-gamma (ITU-R BT.2100, table 5).
const NOMINAL_PEAK: u32 = 1000;

pub(super) fn plan(request: &FrameRequest<'_>, facts: &VideoFacts<'_>, diagnostics: &mut Diagnostics<'_>) -> ColorPlan {
    let FrameRequest { target, picture, samples, format, is_lossless, .. } = *request;
    let mut from = facts.color;
    let mut to = from;
    compare_with_container(facts, diagnostics);
    let is_grey = samples.chroma == Chroma::C400;
    if !samples.rgb && !is_grey && !from.matrix.is_specified() {
        diagnostics.notes.push(
            "the source does not say its matrix, and neither does the output; players guess by the size \
             (--color-override states it)"
                .into(),
        );
    }
    if facts.pixel.is_some_and(PixelFormat::is_float) {
        diagnostics.notes.push("samples of floating point are clipped to 0 and 1".into());
        if !from.transfer.is_specified() {
            diagnostics.notes.push(
                "the source does not say its transfer, and its samples are taken as they are; light (as in most EXR files) \
                 is stated and converted by --color-override bt709,transfer=linear --color bt709"
                    .into(),
            );
        }
    }
    if facts.pixel.is_some_and(PixelFormat::is_xyz) && picture.color.is_none() {
        (to.primaries, to.transfer, _) = Standard::Bt709.code_points();
        diagnostics.decide(
            "X, Y and Z of digital cinema become BT.709",
            "white is 48 cd/m2, and what BT.709 does not reach is clipped; --color says otherwise",
        );
    }
    let tonemap = tonemap(request, facts, diagnostics);
    if tonemap.is_some() {
        (to.primaries, to.transfer, to.matrix) = Standard::Bt709.code_points();
        to.range = Range::Limited;
        require_all(from, "tone mapping", diagnostics);
    }
    if let Some(standard) = picture.color {
        let (primaries, transfer, matrix) = standard.code_points();
        if tonemap.is_some() && standard != Standard::Bt709 {
            diagnostics.mistake("picture.color", standard, "tone mapping makes bt709");
        } else if tonemap.is_none() && from.transfer.is_hdr() != transfer.is_hdr() {
            let problem = match from.transfer.is_hdr() {
                true => "the source has high dynamic range; use --tonemap",
                false => "a source of standard dynamic range cannot become one of high",
            };
            diagnostics.mistake("picture.color", standard, problem);
        } else if !samples.rgb && !is_grey {
            require_all(from, "a conversion of colour", diagnostics);
        }
        if (samples.rgb || is_grey) && !from.primaries.is_specified() {
            // RGB and grey need no matrix. Properties that they do not state are taken as those of the job.
            to.primaries = from.primaries;
            to.transfer = from.transfer;
        } else {
            (to.primaries, to.transfer) = (primaries, transfer);
        }
        to.matrix = matrix;
    }
    if samples.rgb && !format.rgb && picture.color.is_none() && tonemap.is_none() {
        to.matrix = match from.primaries.0 {
            5 => Matrix(5),
            6 => Matrix(6),
            9 => Matrix(9),
            _ => Matrix(1),
        };
        diagnostics.decide(
            format!("RGB becomes YCbCr by the matrix of {}", to.matrix),
            match from.primaries.is_specified() {
                true => format!("it belongs to the source's primaries, {}", from.primaries),
                false => "the source names no primaries; --color says otherwise".to_owned(),
            },
        );
    }
    if samples.rgb && !format.rgb {
        to.range = Range::Limited;
    }
    if format.rgb {
        (to.matrix, to.range) = (Matrix::RGB, from.range);
    }
    if is_grey {
        // Grey is the same with any matrix.
        from.matrix = to.matrix;
    }
    let is_guessed = facts.stated_range == Range::Unspecified && from.range == Range::Full && !samples.rgb;
    if is_guessed && picture.range.is_none() && !target.is(Encoder::Ffv1) && !is_lossless {
        to.range = Range::Limited;
        let why = "the source does not say its range; grey of this kind has full range, as RGB has";
        diagnostics.decide("values become limited range", why);
    } else if target.is(Encoder::Prores) && to.range == Range::Full && picture.range.is_none() {
        to.range = Range::Limited;
        diagnostics.decide("values become limited range", "ProRes has no place to say that they are full");
    }
    if let Some(range) = picture.range {
        if range == Range::Unspecified {
            diagnostics.mistake("picture.range", "unspecified", "limited or full");
        }
        if from.range == Range::Unspecified && range == Range::Full {
            diagnostics.decide("values are read as limited range", "the source does not say its range");
        }
        to.range = range;
    }
    if tonemap.is_some() || picture.color.is_some() {
        to.chroma_location = Default::default();
    }
    ColorPlan { from, to, tonemap }
}

/// Records where the bitstream contradicts its container.
fn compare_with_container(facts: &VideoFacts<'_>, diagnostics: &mut Diagnostics<'_>) {
    let declared = facts.source.input.declared().get(facts.stream.index).map(|stream| stream.color);
    let (Some(container), own) = (declared, facts.bitstream_facts.color) else { return };
    let differs = |a: bool, b: bool, differ: bool| a && b && differ;
    if differs(container.primaries.is_specified(), own.primaries.is_specified(), container.primaries != own.primaries)
        || differs(container.transfer.is_specified(), own.transfer.is_specified(), container.transfer != own.transfer)
        || differs(container.matrix.is_specified(), own.matrix.is_specified(), container.matrix != own.matrix)
    {
        diagnostics.decide(
            format!("colour is {}/{}/{}", own.primaries, own.transfer, own.matrix),
            format!(
                "the bitstream says so; the container says {}/{}/{}",
                container.primaries, container.transfer, container.matrix
            ),
        );
    }
}

fn require_all(from: Color, what: &str, diagnostics: &mut Diagnostics<'_>) {
    let missing: Vec<&str> = [
        ("primaries", from.primaries.is_specified()),
        ("transfer", from.transfer.is_specified()),
        ("matrix", from.matrix.is_specified()),
    ]
    .into_iter()
    .filter_map(|(name, known)| (!known).then_some(name))
    .collect();
    if !missing.is_empty() {
        let problem = format!("{what} needs them, and the source does not say them; use --color-override");
        diagnostics.mistake("picture.source_color", missing.join(", "), problem);
    }
}

fn tonemap(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<ToneMapping> {
    let asked = request.picture.tonemap;
    let transfer = facts.color.transfer;
    let operator = match asked {
        Tonemap::Off => return None,
        Tonemap::Auto if !transfer.is_hdr() || request.target.is_mezzanine() || request.format.depth > 8 => {
            return None;
        }
        Tonemap::Auto => Tonemap::Mobius,
        other => other,
    };
    if !transfer.is_hdr() {
        let value = operator.operator().unwrap_or_default();
        diagnostics.mistake("picture.tonemap", value, format!("the source's transfer is {transfer}, which is not HDR"));
        return None;
    }
    let light =
        facts.bitstream_facts.hdr.light.or(facts.stream.hdr.light).map(|light| light.max).filter(|max| *max > 0);
    let mastering = facts.bitstream_facts.hdr.mastering.or(facts.stream.hdr.mastering);
    let display = mastering.map(|display| display.max_luminance.to_f64().round() as u32).filter(|max| *max > 0);
    let (peak, of) = match (light, display) {
        _ if transfer == Transfer::HLG => (NOMINAL_PEAK, "the nominal peak of HLG"),
        (Some(light), Some(display)) if light > display => (display, "the mastering display"),
        (Some(light), _) => (light, "MaxCLL"),
        (None, Some(display)) => (display, "the mastering display"),
        (None, None) => (NOMINAL_PEAK, "usual, since the source does not say"),
    };
    // Below reference white, nothing needs compression.
    let peak = peak.max(crate::filter::transform::REFERENCE_WHITE);
    if asked == Tonemap::Auto {
        diagnostics.decide(
            format!("tone mapped to BT.709 (mobius, peak {peak} cd/m2, {of})"),
            format!("8 bits cannot hold {transfer} without banding; --tonemap off keeps it"),
        );
    }
    Some(ToneMapping { operator, peak })
}
