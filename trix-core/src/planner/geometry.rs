//! Plans the shape and the fields of frames: deinterlacing, cropping, rotation, size, padding, rate.

use trix_av::pixel::PixelFormat;
use trix_model::{
    frame_facts::{FieldOrder, Padding},
    orientation::Orientation,
    time::Rational,
};

use crate::{
    plan::Deinterlacing,
    planner::{diagnostics::Diagnostics, frame_request::FrameRequest, video_facts::VideoFacts},
    reading::field_detection::FieldDetection,
    settings::{
        job::Container,
        picture::{Crop, Deinterlace, Rectangle, Rotate},
        video::Encoder,
    },
};

/// The decisions about shape and fields.
pub(super) struct Geometry {
    pub(super) inverse_telecine: Option<FieldOrder>,
    pub(super) deinterlace: Option<Deinterlacing>,
    /// The field order of the output, if it stays interlaced.
    pub(super) fields: Option<FieldOrder>,
    pub(super) crop: Option<Rectangle>,
    /// The rotation that the filter stage applies.
    pub(super) turn: Orientation,
    /// The rotation that is left to the player.
    pub(super) left_turned: Orientation,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pad: Option<Padding>,
    pub(super) sample_aspect: Rational,
}

pub(super) fn plan(request: &FrameRequest<'_>, facts: &VideoFacts<'_>, diagnostics: &mut Diagnostics<'_>) -> Geometry {
    let FrameRequest { target, picture, format, size, .. } = *request;
    let flags = Flags::of(facts);
    let measures = picture.deinterlace == Deinterlace::Auto && !target.is_mezzanine() && flags.suspicious;
    let detection = (measures || picture.crop == Crop::Auto)
        .then(|| request.probe.field_detection(facts.source, facts.stream, facts.rate));
    let (inverse_telecine, deinterlace, mut fields) = fields(request, facts, flags, detection, diagnostics);
    let mut crop = crop(picture.crop, facts, fields.is_some(), detection, diagnostics);
    let (mut width, mut height) = crop.map_or((facts.width, facts.height), |crop| (crop.width, crop.height));
    let mut aspect = facts.stream.sample_aspect;
    if picture.crop == Crop::Vbi && crop.is_some() {
        aspect = aspect_of_picture(aspect, (facts.width, facts.height), (width, height));
    }

    let asked = match facts.stream.display_matrix {
        None => Orientation::default(),
        Some(matrix) => Orientation::from_matrix(&matrix).unwrap_or_else(|| {
            diagnostics.notes.push("the display matrix is no quarter turn or reflection; it is not applied".into());
            Orientation::default()
        }),
    };
    let (mut turn, mut left_turned) = (asked, Orientation::default());
    if picture.rotate == Rotate::Off && !asked.is_upright() {
        (turn, left_turned) = (Orientation::default(), asked);
        if !matches!(request.container, Some(Container::Mp4 | Container::Mov)) {
            left_turned = Orientation::default();
            diagnostics.notes.push(format!("frames should be shown {asked}, and this container cannot say so"));
        }
    } else if !asked.is_upright() {
        diagnostics.decide(format!("frames are {asked}"), "the container asks players to do so");
    }
    if turn.turns_over() && height.is_multiple_of(2) {
        // The flip moves the top row to the bottom, so it belongs to the other field.
        fields = fields.map(FieldOrder::other);
    }
    if turn.is_sideways() {
        (width, height) = (height, width);
        aspect = if aspect.is_positive() { aspect.inverse() } else { aspect };
        if fields.is_some() {
            diagnostics.mistake("picture.deinterlace", "off", "frames with two fields cannot be turned by a quarter");
        }
    }

    let is_free = size.is_none() && picture.pad.is_none() && !request.chroma_is_fixed;
    if is_free && !target.is(Encoder::Ffv1) {
        let (x, y) = format.chroma.shift();
        let y = if fields.is_some() && target.is(Encoder::X264) { y + 1 } else { y };
        let (w, h) = (width >> x << x, height >> y << y);
        if (w, h) != (width, height) && w > 0 && h > 0 {
            diagnostics.notes.push(format!(
                "{} cannot be {width}x{height}, because its chroma is subsampled: cropped to {w}x{h} at the edge \
                 (--size scales instead)",
                format.chroma
            ));
            let whole = Rectangle { width: facts.width, height: facts.height, left: 0, top: 0 };
            let kept = crop.unwrap_or(whole);
            let (across, down) = if turn.is_sideways() { (h, w) } else { (w, h) };
            crop = Some(Rectangle { width: across, height: down, ..kept });
            (width, height) = (w, h);
        }
    }
    let (from_width, from_height) = (width, height);
    if let Some(size) = size {
        match size.resolve(width, height) {
            Some(size) => (width, height) = size,
            None => diagnostics.mistake("picture.size", size, "positive numbers, one of which may be -2"),
        }
    }
    if (width, height) != (from_width, from_height) {
        // The display aspect ratio stays the same.
        let before = if aspect.is_positive() { aspect } else { Rational::new(1, 1) };
        let before = before.nearest_within(u16::MAX.into());
        let num = before.num * from_width as i64 * height as i64;
        let den = before.den * from_height as i64 * width as i64;
        aspect = nearly_square(Rational::new(num, den));
        if fields.is_some() && height != from_height {
            diagnostics.mistake(
                "picture.size",
                format!("{width}x{height}"),
                "rows of two fields cannot be scaled; deinterlace",
            );
        }
    }
    let pad = picture.pad.and_then(|size| {
        let wanted = format!("{}x{}", size.width, size.height);
        let (Ok(w), Ok(h)) = (usize::try_from(size.width), usize::try_from(size.height)) else {
            diagnostics.mistake("picture.pad", wanted, "two positive numbers");
            return None;
        };
        if w < width || h < height {
            diagnostics.mistake("picture.pad", wanted, format!("is smaller than the frame, which is {width}x{height}"));
            return None;
        }
        let (x, y) = format.chroma.shift();
        // Chroma rows belong to fields too.
        let y = if fields.is_some() { y + 1 } else { y };
        let (left, top) = (((w - width) / 2) >> x << x, ((h - height) / 2) >> y << y);
        ((w, h) != (width, height)).then_some(Padding { width: w, height: h, left, top })
    });
    Geometry {
        inverse_telecine,
        deinterlace,
        fields,
        crop,
        turn,
        left_turned,
        width,
        height,
        pad,
        sample_aspect: aspect,
    }
}

/// A sample aspect within half a percent of square comes from the rounding of a size, and is not intended.
fn nearly_square(aspect: Rational) -> Rational {
    let off = (aspect.to_f64() - 1.0).abs();
    if off < 0.005 { Rational::new(1, 1) } else { aspect }
}

/// The field flags of container and bitstream.
#[derive(Clone, Copy)]
struct Flags {
    /// The field order, if they declare interlaced frames.
    order: Option<FieldOrder>,
    /// True if the fields must be measured.
    suspicious: bool,
}

impl Flags {
    fn of(facts: &VideoFacts<'_>) -> Self {
        let bitstream_facts = &facts.bitstream_facts;
        // FFmpeg's value has two letters, for coded and displayed order. Its decoders, and programs that write such
        // files, mean the first (ffv1dec.c, rawdec.c: `tb` has the upper field first), despite the documentation.
        let container = match facts.stream.field_order {
            "tt" | "tb" => Some(FieldOrder::Top),
            "bb" | "bt" => Some(FieldOrder::Bottom),
            _ => None,
        };
        let bitstream = (bitstream_facts.interlaced * 2 > bitstream_facts.frames).then(|| {
            if bitstream_facts.top_first * 2 >= bitstream_facts.interlaced {
                FieldOrder::Top
            } else {
                FieldOrder::Bottom
            }
        });
        // Without any flag, the size and rate of television are a hint.
        let silent = facts.stream.field_order == "unknown" && bitstream_facts.interlaced == 0 && !states_fields(facts);
        let raster = matches!(facts.height, 480 | 486 | 512 | 576 | 608 | 1080)
            && facts.rate > Rational::new(24, 1)
            && facts.rate <= Rational::new(30, 1);
        Flags {
            order: bitstream.or(container),
            suspicious: container.is_some() || bitstream_facts.interlaced > 0 || (silent && raster),
        }
    }
}

/// True if the bitstream states for each frame whether it is interlaced.
fn states_fields(facts: &VideoFacts<'_>) -> bool {
    let known = ["h264", "hevc", "mpeg2video", "mpeg1video", "vp8", "vp9", "av1", "dvvideo", "prores", "dnxhd", "vc1"];
    known.contains(&facts.stream.codec.as_str())
}

type Decided = (Option<FieldOrder>, Option<Deinterlacing>, Option<FieldOrder>);

/// Inverse telecine, deinterlacing, and the field order that stays.
fn fields(
    request: &FrameRequest<'_>,
    facts: &VideoFacts<'_>,
    flags: Flags,
    detection: Option<FieldDetection>,
    diagnostics: &mut Diagnostics<'_>,
) -> Decided {
    let FrameRequest { target, picture, .. } = *request;
    let measured = detection.filter(|_| picture.deinterlace == Deinterlace::Auto);
    let majority = measured.map(|field_detection| {
        if field_detection.top_first >= field_detection.bottom_first { FieldOrder::Top } else { FieldOrder::Bottom }
    });
    let order = flags.order.or(majority).unwrap_or(FieldOrder::Top);
    if picture.inverse_telecine {
        if facts.pixel.is_none_or(|pixel| pixel.depth() > 8 || pixel.is_rgb() || pixel.has_alpha()) {
            diagnostics.mistake(
                "picture.inverse_telecine",
                true,
                "needs a source of 8 bits, of luma and chroma without alpha",
            );
        }
        if picture.deinterlace == Deinterlace::On || picture.deinterlace == Deinterlace::Fields {
            diagnostics.mistake("picture.inverse_telecine", true, "excludes deinterlacing");
        }
        return (Some(order), None, None);
    }
    let deinterlace = |each_field| Some(Deinterlacing { order, each_field });
    match picture.deinterlace {
        Deinterlace::On => (None, deinterlace(false), None),
        Deinterlace::Fields => (None, deinterlace(true), None),
        Deinterlace::Off => (None, None, flags.order),
        Deinterlace::Auto if target.is_mezzanine() => {
            if flags.order.is_some() {
                diagnostics.decide(
                    "fields are kept and flagged",
                    format!("the source is interlaced, and {target} holds fields"),
                );
            }
            (None, None, flags.order)
        }
        Deinterlace::Auto => {
            let Some(field_detection) = measured else { return (None, None, None) };
            automatic(flags, field_detection, diagnostics)
        }
    }
}

/// Percentage of combed frames from which a source flagged as interlaced is deinterlaced.
const FLAGGED: u64 = 5;

/// The same percentage for a source without any flag.
const UNFLAGGED: u64 = 30;

fn automatic(flags: Flags, field_detection: FieldDetection, diagnostics: &mut Diagnostics<'_>) -> Decided {
    let measured = |percent: u64| {
        let frames = field_detection.progressive + field_detection.top_first + field_detection.bottom_first;
        format!("{percent} % of {frames} frames are combed")
    };
    let most =
        if field_detection.top_first >= field_detection.bottom_first { FieldOrder::Top } else { FieldOrder::Bottom };
    let words = |order| if order == FieldOrder::Top { "upper field first" } else { "lower field first" };
    match (flags.order, field_detection.combed_percent()) {
        (Some(order), None) => {
            diagnostics.decide(
                format!("deinterlaced, {}", words(order)),
                "flagged as interlaced, and too little moves to measure it",
            );
            (None, Some(Deinterlacing { order, each_field: false }), None)
        }
        (Some(_), Some(percent)) if percent < FLAGGED => {
            diagnostics.decide("not deinterlaced", format!("flagged as interlaced, but {}", measured(percent)));
            (None, None, None)
        }
        (Some(order), Some(percent)) => {
            let (with, against) = match order {
                FieldOrder::Top => (field_detection.top_first, field_detection.bottom_first),
                FieldOrder::Bottom => (field_detection.bottom_first, field_detection.top_first),
            };
            // A ratio of four to one does not come from motion by chance.
            let order = if against > 4 * with.max(1) { most } else { order };
            let flag = if flags.order == Some(order) { "flagged" } else { "flagged the other way round" };
            diagnostics.decide(format!("deinterlaced, {}", words(order)), format!("{flag}, and {}", measured(percent)));
            (None, Some(Deinterlacing { order, each_field: false }), None)
        }
        (None, Some(percent)) if percent >= UNFLAGGED => {
            diagnostics
                .decide(format!("deinterlaced, {}", words(most)), format!("not flagged, but {}", measured(percent)));
            (None, Some(Deinterlacing { order: most, each_field: false }), None)
        }
        (None, _) => (None, None, None),
    }
}

/// Rows of the vertical blanking interval in D-10 (SMPTE ST 356): 608 rows have a picture of 576, and 512 rows one of 480.
const VBI_ROWS: usize = 32;

/// The sample aspect ratio after the rows above the picture were cropped. A ratio that makes the whole frame 4:3 or 16:9 is
/// meant for the picture.
fn aspect_of_picture(aspect: Rational, (width, height): (usize, usize), picture: (usize, usize)) -> Rational {
    let aspect = aspect.nearest_within(u16::MAX.into());
    let shown = Rational::new(aspect.num * width as i64, aspect.den * height as i64);
    match [Rational::new(4, 3), Rational::new(16, 9)].contains(&shown) {
        true => Rational::new(shown.num * picture.1 as i64, shown.den * picture.0 as i64),
        false => aspect,
    }
}

fn crop(
    asked: Crop,
    facts: &VideoFacts<'_>,
    keeps_fields: bool,
    detection: Option<FieldDetection>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Rectangle> {
    let (x, y) = facts.pixel.map_or((0, 0), PixelFormat::chroma_shift);
    // Another step would swap the fields of interlaced frames.
    let (step_x, step_y) = (1 << x, if keeps_fields { 2 << y } else { 1 << y });
    match asked {
        Crop::None => None,
        Crop::Vbi => {
            let is_d10 = facts.stream.codec == "mpeg2video" && facts.width == 720 && matches!(facts.height, 512 | 608);
            if !is_d10 {
                return None;
            }
            let height = facts.height - VBI_ROWS;
            diagnostics.decide(
                format!("the {VBI_ROWS} VBI lines above the picture are cropped"),
                format!("D-10 stores {} rows, and {height} of them are the picture", facts.height),
            );
            Some(Rectangle { width: facts.width, height, left: 0, top: VBI_ROWS })
        }
        Crop::Rectangle(rectangle) => {
            let Rectangle { width, height, left, top } = rectangle;
            let value = format!("{width}x{height}+{left}+{top}");
            let inside = left.checked_add(width).is_some_and(|right| right <= facts.width)
                && top.checked_add(height).is_some_and(|bottom| bottom <= facts.height);
            if width == 0 || height == 0 || !inside {
                diagnostics.mistake("picture.crop", value, format!("must lie within {}x{}", facts.width, facts.height));
                return None;
            }
            if [left, width].iter().any(|edge| edge % step_x != 0)
                || [top, height].iter().any(|edge| edge % step_y != 0)
            {
                let problem = match keeps_fields {
                    true => format!("must begin and end on rows of both fields: multiples of {step_y} rows"),
                    false => "must begin and end on whole samples of chroma: even numbers".to_owned(),
                };
                diagnostics.mistake("picture.crop", value, problem);
                return None;
            }
            ((width, height) != (facts.width, facts.height)).then_some(rectangle)
        }
        Crop::Auto => {
            let Some(content) = detection.and_then(|found| found.content) else {
                diagnostics.decide("nothing is cropped", "all frames that were looked at are black");
                return None;
            };
            // Round inwards to whole chroma samples, so that no black row stays.
            let (left, top) = (content.left.next_multiple_of(step_x), content.top.next_multiple_of(step_y));
            let (right, bottom) = (content.left + content.width, content.top + content.height);
            let width = right.saturating_sub(left) / step_x * step_x;
            let height = bottom.saturating_sub(top) / step_y * step_y;
            let frames = detection.map_or(0, |found| found.frames);
            if width == 0 || height == 0 || (width, height) == (facts.width, facts.height) {
                diagnostics.decide("nothing is cropped", format!("no black border in {frames} frames"));
                return None;
            }
            diagnostics.decide(
                format!("cropped to {width}x{height}+{left}+{top}"),
                format!("everything else is black in {frames} frames"),
            );
            Some(Rectangle { width, height, left, top })
        }
    }
}
