//! How the frames of a source look on a screen, for stills.
//!
//! Invariant: field order, edges, orientation, colour and tone mapping are those that an encode of the same source gets. Only
//! size and format are the still's own.

use trix_model::{
    color::{Color, Matrix, Primaries, Range, Transfer},
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    format::{Chroma, FrameFormat},
    time::Rational,
};

use crate::{
    plan::{Filtering, Transform, View},
    planner::{
        diagnostics::Diagnostics,
        frame_request::{FrameRequest, Target},
        frames::{self, Frames},
        lazy_probe::LazyProbe,
        output,
        video_facts::VideoFacts,
    },
    settings::{
        container::Container,
        picture::{
            Alpha, ColorOverride, Deinterlace, DynamicHdr, OnChange, PictureSettings, Resampler, Rotate, Tonemap,
        },
    },
    source::Source,
};

/// The view of the first video stream of `source`. Only the source and crop settings of `picture` count: a still is
/// always upright, deinterlaced and in standard dynamic range.
///
/// # Errors
/// As for an encode: `Unsupported` without video, `InvalidSpec` where colour must be converted and the source does not state
/// it.
pub(super) fn plan(source: &Source, picture: &PictureSettings, probe: &LazyProbe) -> Result<View> {
    let stream = source.video().ok_or_else(|| {
        let detail = "the source has no video stream; in a job, { when = { video = true } } leaves out what needs one";
        Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label())
    })?;
    source.refuse_edits(stream.index)?;
    let picture = &as_seen(picture);
    let facts = VideoFacts::gather(source, stream, picture, probe);
    let (_, samples) = facts.samples()?;
    let (mut mistakes, mut decisions, mut notes) = (Vec::new(), source.decisions().to_vec(), Vec::new());
    let diagnostics = &mut Diagnostics { mistakes: &mut mistakes, decisions: &mut decisions, notes: &mut notes };
    if samples.alpha && picture.alpha == Alpha::Auto {
        diagnostics.decide("frames are laid on black", "stills have no alpha channel");
    } else if samples.alpha {
        diagnostics.mistake("picture.alpha", "refuse", "the source has an alpha channel");
    }
    let request = FrameRequest {
        target: Target::Still,
        picture,
        probe,
        container: None,
        size: None,
        resampler: Resampler::default(),
        chroma_is_fixed: true,
        is_lossless: false,
        samples,
        // Enough for 8-bit RGB, the final format of the view.
        format: FrameFormat { chroma: Chroma::C444, depth: 8, rgb: false, alpha: false },
    };
    let frames = frames::plan(&request, &facts, |_, _| None, diagnostics);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let Frames { geometry, mut transform, .. } = frames;
    let (width, height) = transform.size();
    let aspect = geometry.sample_aspect.nearest_within(u16::MAX.into());
    let (shown_width, shown_height) = square(width, height, aspect);
    if !transform.from.matrix.is_specified() {
        // A still is RGB, so it needs a matrix. Players choose one in this way.
        let high = shown_width >= 1280 || shown_height > 576;
        transform.from.matrix = if high { Matrix(1) } else { Matrix(6) };
        let what = format!("stills are read by the matrix of {}", transform.from.matrix);
        let why = format!("the source does not say its matrix, and players guess by the size, {width}x{height}");
        decisions.push(Decision::new(what, why));
    }
    transform.format = FrameFormat { chroma: Chroma::C444, depth: 8, rgb: true, alpha: false };
    transform.keeps_fields = None;
    if let Some(fields) = &mut transform.deinterlace {
        fields.each_field = false;
    }
    transform.to = target(&transform);
    let filtering = Filtering {
        transform,
        rate: facts.rate,
        constant_rate: None,
        on_change: picture.on_change,
        follows_color: picture.source_color == ColorOverride::default(),
    };
    let time_base = stream.time_base;
    let origin = output::origin(
        source,
        Container::Matroska,
        Some(stream.index),
        output::first_shown(source, Some(stream.index)),
        std::iter::empty(),
    );
    Ok(View { filtering, stream: stream.index, time_base, origin, width: shown_width, height: shown_height, decisions })
}

/// The settings with which a screen shows the frames.
fn as_seen(picture: &PictureSettings) -> PictureSettings {
    PictureSettings {
        deinterlace: match picture.deinterlace {
            Deinterlace::Off => Deinterlace::Auto,
            asked => asked,
        },
        inverse_telecine: false,
        rotate: Rotate::Auto,
        pad: None,
        rate: None,
        tonemap: match picture.tonemap {
            Tonemap::Off => Tonemap::Auto,
            asked => asked,
        },
        color: None,
        range: None,
        dynamic_hdr: DynamicHdr::Drop,
        on_change: OnChange::Scale,
        ..picture.clone()
    }
}

/// Width and height with square pixels: the side with too few samples grows.
fn square(width: usize, height: usize, aspect: Rational) -> (usize, usize) {
    let (width, height) = (width.max(1), height.max(1));
    if !aspect.is_positive() {
        return (width, height);
    }
    let scaled = |side: usize, num: i64, den: i64| {
        let exact = (side as i128 * i128::from(num) + i128::from(den) / 2) / i128::from(den.max(1));
        // A nonsensical aspect must not make a huge image.
        usize::try_from(exact).unwrap_or(side).clamp(1, side.saturating_mul(16))
    };
    match aspect.num > aspect.den {
        true => (scaled(width, aspect.num, aspect.den), height),
        false => (width, scaled(height, aspect.den, aspect.num)),
    }
}

/// The colour of a still: full-range RGB with the primaries of BT.709, which sRGB shares.
///
/// Values with a video transfer curve keep it, so that a browser shows the still and the film alike. Linear light gets the
/// curve of sRGB. Where the source does not state its colour, its RGB values stay as they are.
fn target(transform: &Transform) -> Color {
    const BT709: (Primaries, Transfer) = (Primaries(1), Transfer(1));
    const LINEAR: Transfer = Transfer(8);
    const SRGB: Transfer = Transfer(13);
    let from = transform.from;
    let (primaries, transfer) = if transform.tonemap.is_some() {
        BT709
    } else if !from.primaries.is_specified() || !from.transfer.is_specified() {
        (from.primaries, from.transfer)
    } else if from.transfer == LINEAR {
        (BT709.0, SRGB)
    } else if from.primaries != BT709.0 {
        (BT709.0, if from.transfer == SRGB { SRGB } else { BT709.1 })
    } else {
        (from.primaries, from.transfer)
    };
    Color { primaries, transfer, matrix: Matrix::RGB, range: Range::Full, ..Color::default() }
}
