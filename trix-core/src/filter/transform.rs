//! The changes to every frame of one output, as a libavfilter chain.
//!
//! Invariant: a transform is plain data from the plan. The same transform produces the same frames at encoding and at
//! verification.

use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Color, Matrix, Range},
    format::{Chroma, FrameFormat},
    frame_facts::FieldOrder,
};

use crate::{
    plan::{Deinterlacing, ToneMapping, Transform},
    settings::picture::Rectangle,
};

/// Reference white in candela per square metre (ITU-R BT.2408, table 1).
pub const REFERENCE_WHITE: u32 = 203;

/// Frames in a group of which inverse telecine drops one.
pub(crate) const CYCLE: u64 = 5;

/// Format of the input frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) format: i32,
}

impl Shape {
    pub(crate) fn pixel(self) -> Option<PixelFormat> {
        PixelFormat::from_raw(self.format)
    }

    pub(crate) fn describe(self) -> String {
        let format = self.pixel().map_or("an unknown format".into(), PixelFormat::name);
        format!("{}x{} {format}", self.width, self.height)
    }
}

/// True if frames of this format would stay unchanged, apart from padding.
pub(crate) fn is_identity(transform: &Transform, shape: Shape) -> bool {
    let same_format = match (&transform.packing, shape.pixel()) {
        (Some(packing), Some(pixel)) => is_packed_as(pixel, packing),
        (None, Some(pixel)) => pixel.frame() == Some(transform.format),
        _ => false,
    };
    same_format
        && transform.through.is_empty()
        && (shape.width, shape.height) == (transform.width, transform.height)
        && transform.inverse_telecine.is_none()
        && transform.deinterlace.is_none()
        && transform.crop.is_none()
        && transform.orientation.is_upright()
        && !transform.flatten
        && transform.tonemap.is_none()
        && !changes_color(transform)
}

fn changes_color(transform: &Transform) -> bool {
    let (from, to) = (transform.from, transform.to);
    (from.primaries, from.transfer, from.matrix) != (to.primaries, to.transfer, to.matrix)
        || is_full(from.range) != is_full(to.range)
}

/// The filter chain for frames of `shape`, in libavfilter's notation. `zimg` states whether zscale is available.
/// Frames that differ from the format `first` are converted to it first. Both formats are those of unpacked frames.
pub(crate) fn chain(transform: &Transform, shape: Shape, first: Shape, zimg: bool) -> String {
    let mut steps: Vec<String> = Vec::new();
    let mut now = Now { width: first.width, height: first.height, pixel: first.pixel() };
    // The pixel format of frames with another format may imply their range.
    let full = |shape: Shape| shape.pixel().is_some_and(PixelFormat::is_full_range_variant);
    let range = match (full(shape), full(first)) {
        (true, false) => Range::Full,
        (false, true) => Range::Limited,
        _ => transform.from.range,
    };
    steps.push(meaning(transform, shape, range));
    if shape != first {
        let alpha = |shape: Shape| shape.pixel().is_some_and(PixelFormat::has_alpha);
        if alpha(shape) && !alpha(first) {
            let mut own = Now { width: shape.width, height: shape.height, pixel: shape.pixel() };
            lay_on_black(transform, &mut steps, &mut own, zimg);
        }
        // The range is stated separately. A format name with another range would make libavfilter convert once
        // more.
        let format = now.pixel.map_or("yuv420p".into(), |pixel| pixel.name().replacen("yuvj", "yuv", 1));
        now.pixel = PixelFormat::from_name(&format);
        let (width, height) = (first.width, first.height);
        let (range, own) = (range_name(range), range_name(transform.from.range));
        steps.push(format!(
            "scale=w={width}:h={height}:flags={SWS}:in_range={range}:out_range={own},format=pix_fmts={format}"
        ));
    }
    let stays = |pixel| transform.packing.as_ref().is_some_and(|packing| is_packed_as(pixel, packing));
    let is_odd = |pixel: &PixelFormat| pixel.chroma_shift() == (0, 1) && pixel.depth() > 8 && !stays(*pixel);
    if let Some(pixel) = now.pixel.filter(is_odd) {
        // zimg's filter takes 4:4:0 only at 8 bits.
        fill_chroma(transform, pixel, &mut steps, &mut now);
    }
    if let Some(pixel) = now.pixel.filter(|pixel| pixel.is_float() && transform.deinterlace.is_some()) {
        // The deinterlacer takes integers up to 16 bits.
        let name = if pixel.has_alpha() { "gbrap16le" } else { "gbrp16le" };
        steps.push(format!("scale=flags={SWS}:{},format=pix_fmts={name}", same_range(Range::Full)));
        now.pixel = PixelFormat::from_name(name);
    }
    if let Some(order) = transform.inverse_telecine {
        let order = order.name();
        // Frames that no pair of fields completes are deinterlaced. Then the repeated one of five frames is
        // dropped.
        steps.push(format!("fieldmatch=order={order},bwdif=mode=send_frame:deint=interlaced,decimate"));
    }
    if let Some(Deinterlacing { order, each_field }) = transform.deinterlace {
        let mode = if each_field { "send_field" } else { "send_frame" };
        steps.push(format!("bwdif=mode={mode}:parity={}:deint=all", order.name()));
    }
    if let Some(Rectangle { width, height, left, top }) = transform.crop {
        steps.push(format!("crop=w={width}:h={height}:x={left}:y={top}:exact=1"));
        if zimg && left > 0 {
            // The filter only moves the starts of rows. zimg needs them aligned.
            steps.push("copy".into());
        }
        (now.width, now.height) = (width, height);
    }
    turn(transform, &mut steps, &mut now);
    if transform.flatten {
        lay_on_black(transform, &mut steps, &mut now, zimg);
    }
    for stage in transform.stages() {
        match stage.tonemap {
            Some(tonemap) => map_tones(&stage, tonemap, &mut steps),
            None => convert(&stage, &mut steps, now, zimg),
        }
        let pixel = PixelFormat::from_name(&stage.format.name());
        now = Now { width: stage.width, height: stage.height, pixel };
    }
    if let Some(packing) = &transform.packing {
        steps.push(format!("format=pix_fmts={packing}"));
    }
    steps.join(",")
}

fn turn(transform: &Transform, steps: &mut Vec<String>, now: &mut Now) {
    if transform.orientation.is_upright() {
        return;
    }
    let uneven = |pixel: &PixelFormat| {
        let (x, y) = pixel.chroma_shift();
        x != y
    };
    if let Some(pixel) = now.pixel.filter(|pixel| transform.orientation.is_sideways() && uneven(pixel)) {
        // After a quarter turn, chroma that is halved only in width would be halved only in height.
        fill_chroma(transform, pixel, steps, now);
    }
    if transform.orientation.mirrored {
        steps.push("hflip".into());
    }
    match transform.orientation.degrees {
        90 => steps.push("transpose=dir=clock".into()),
        180 => steps.push("hflip,vflip".into()),
        270 => steps.push("transpose=dir=cclock".into()),
        _ => {}
    }
    if transform.orientation.is_sideways() {
        (now.width, now.height) = (now.height, now.width);
    }
}

/// Sets the colour properties of the frames explicitly, so that no filter has to detect them or negotiate them with
/// its neighbours.
fn meaning(transform: &Transform, shape: Shape, range: Range) -> String {
    let Color { primaries, transfer, matrix, .. } = transform.from;
    let is_rgb = shape.pixel().is_some_and(PixelFormat::is_rgb);
    let (matrix, range) = match (is_rgb, matrix) {
        (true, _) => (Matrix::RGB, Range::Full),
        (false, Matrix::RGB) => (Matrix::UNSPECIFIED, range),
        (false, matrix) => (matrix, range),
    };
    let mut step = format!("setparams=range={}", range_name(range));
    // The filter rejects reserved numbers.
    let numbers = [("colorspace", matrix.0, 14), ("color_primaries", primaries.0, 12), ("color_trc", transfer.0, 18)];
    for (name, number, _) in numbers.into_iter().filter(|(_, number, most)| number <= most) {
        step += &format!(":{name}={number}");
    }
    step
}

/// Converts to 4:4:4.
fn fill_chroma(transform: &Transform, pixel: PixelFormat, steps: &mut Vec<String>, now: &mut Now) {
    let Some(samples) = pixel.samples() else { return };
    let full = FrameFormat { chroma: Chroma::C444, ..samples };
    let range = same_range(transform.from.range);
    steps.push(format!("scale=flags={SWS}:{range},format=pix_fmts={}", full.name()));
    now.pixel = PixelFormat::from_name(&full.name());
}

fn lay_on_black(transform: &Transform, steps: &mut Vec<String>, now: &mut Now, zimg: bool) {
    let Some(samples) = now.pixel.and_then(PixelFormat::samples) else { return };
    // The filter takes alpha as planes of the frame's own format, and treats a power of two as the maximum value.
    // At 16 bits, the difference vanishes.
    let own = FrameFormat { chroma: Chroma::C444, alpha: false, ..samples };
    let deep = FrameFormat { depth: if zimg { 16 } else { samples.depth }, ..own };
    let own_is_rgb = own.rgb;
    let (own, without) = (own.name(), deep.name());
    let (range, full) = (same_range(transform.from.range), same_range(Range::Full));
    let deepen = match (zimg, range_name(transform.from.range)) {
        (true, range) => format!(",zscale=rin={range}:r={range},format=pix_fmts={without}"),
        (false, _) => String::new(),
    };
    let grey = FrameFormat::ycbcr(Chroma::C400, deep.depth).name();
    // Alpha is full range, whatever the range of the frame. Filters negotiate range and matrix before they start,
    // and would compress alpha into the frame's range. So each branch states both for its neighbour explicitly. The
    // last filter takes two inputs with equal properties.
    let (own_range, own_matrix) =
        (range_name(transform.from.range), if own_is_rgb { 0 } else { transform.from.matrix.0 });
    let same = format!("setparams=range={own_range}:colorspace={own_matrix}");
    steps.push(format!(
        "split[video][opacity];[video]scale=flags={SWS}:{range},format=pix_fmts={own}{deepen},{same}[bare];\
         [opacity]extractplanes=a,setparams=range=full:colorspace=bt709,scale=flags={SWS}:{full},\
         format=pix_fmts={grey},scale=flags={SWS}:{full},format=pix_fmts={without},{same}[mask];\
         [bare][mask]premultiply"
    ));
    now.pixel = PixelFormat::from_name(&without);
}

fn map_tones(transform: &Transform, tonemap: ToneMapping, steps: &mut Vec<String>) {
    let (width, height, filter, from, to) =
        (transform.width, transform.height, transform.resampler.name(), transform.from, transform.to);
    let (range, to_range) = (range_name(from.range), range_name(to.range));
    let peak = f64::from(tonemap.peak) / f64::from(REFERENCE_WHITE);
    let operator = tonemap.operator.operator().unwrap_or("none");
    let (format, luma) = without_chroma_asked(transform);
    // Scale in the source's own values, like every other frame. Then convert to linear light, map the tones, and
    // convert back.
    steps.push(format!(
        "zscale=w={width}:h={height}:filter={filter}:pin={p}:tin={t}:min={m}:rin={range}:p={p}:m=0:t=8:r=full:\
         npl={REFERENCE_WHITE}:{EXACT},format=pix_fmts=gbrpf32le,zscale=pin={p}:tin=8:p={p2}:t=8,\
         tonemap=tonemap={operator}:desat=0:peak={peak},\
         zscale=pin={p2}:tin=8:min=0:p={p2}:t={t2}:m={m2}:r={to_range}:dither=error_diffusion:{EXACT},\
         format=pix_fmts={name}{luma}",
        p = from.primaries.0,
        t = from.transfer.0,
        m = from.matrix.0,
        p2 = to.primaries.0,
        t2 = to.transfer.0,
        m2 = to.matrix.0,
        name = format.name(),
    ));
}

/// If grey is requested, both converters expand luma to full range. Luma extracted from YCbCr stays unchanged.
fn without_chroma_asked(transform: &Transform) -> (FrameFormat, &'static str) {
    match transform.format.chroma {
        Chroma::C400 => (FrameFormat { chroma: Chroma::C444, ..transform.format }, ",extractplanes=y"),
        _ => (transform.format, ""),
    }
}

fn convert(transform: &Transform, steps: &mut Vec<String>, now: Now, zimg: bool) {
    let planar = now.pixel.and_then(PixelFormat::frame);
    let packed = |pixel| transform.packing.as_ref().is_some_and(|packing| is_packed_as(pixel, packing));
    let is_there = planar == Some(transform.format) || now.pixel.is_some_and(packed);
    if is_there && (now.width, now.height) == (transform.width, transform.height) && !changes_color(transform) {
        return;
    }
    let (format, luma) = without_chroma_asked(transform);
    let (width, height, filter) = (transform.width, transform.height, transform.resampler.name());
    let (from, to) = (transform.from, transform.to);
    // zimg rejects frames with partial chroma samples at the edges; swscale accepts them.
    let whole =
        |(x, y): (u32, u32), width: usize, height: usize| width.is_multiple_of(1 << x) && height.is_multiple_of(1 << y);
    let zimg = zimg
        && now.pixel.is_none_or(|pixel| whole(pixel.chroma_shift(), now.width, now.height))
        && whole(format.chroma.shift(), width, height);
    // zimg increases the depth of alpha by a shift, which makes opaque samples slightly transparent.
    let apart = planar.filter(|samples| zimg && samples.alpha && format.alpha && samples.depth < format.depth);
    let name = FrameFormat { alpha: format.alpha && apart.is_none(), ..format }.name();
    let step = if zimg {
        // Error diffusion triples the cost of scaling. It is worthwhile if bits are lost, but not if only the last
        // bit of an interpolated sample is rounded.
        let shrinks = now.pixel.is_none_or(|pixel| pixel.depth() > transform.format.depth);
        let dither = if shrinks { "error_diffusion" } else { "none" };
        // Without explicit ranges, zimg assumes limited range for frames that state none.
        let mut step = format!(
            "zscale=w={width}:h={height}:filter={filter}:dither={dither}:rin={}:r={}",
            range_name(from.range),
            range_name(to.range)
        );
        if from.matrix != to.matrix {
            step += &format!(":min={}:m={}", from.matrix.0, to.matrix.0);
        }
        if from.primaries != to.primaries || from.transfer != to.transfer {
            let numbers = (from.primaries.0, to.primaries.0, from.transfer.0, to.transfer.0);
            step += &format!(":pin={}:p={}:tin={}:t={}:{EXACT}", numbers.0, numbers.1, numbers.2, numbers.3);
        }
        step
    } else {
        let mut step = format!(
            "scale=w={width}:h={height}:flags={filter}+{SWS_EXACT}:sws_dither=ed:in_range={}:out_range={}",
            range_name(from.range),
            range_name(to.range)
        );
        if changes_color(transform) {
            step += &format!(
                ":in_color_matrix={}:out_color_matrix={}",
                swscale_matrix(from.matrix, to.matrix),
                swscale_matrix(to.matrix, from.matrix)
            );
        }
        step
    };
    let step = format!("{step},format=pix_fmts={name}{luma}");
    let step = of_each_field(transform, step);
    let Some(samples) = apart else {
        steps.push(step);
        return;
    };
    let bare = FrameFormat { alpha: false, ..samples }.name();
    let (range, full) = (same_range(from.range), same_range(Range::Full));
    let [deepest, deep] = [16, format.depth].map(|depth| FrameFormat::ycbcr(Chroma::C400, depth).name());
    let resized = if (now.width, now.height) == (width, height) {
        String::new()
    } else {
        let step = format!("zscale=w={width}:h={height}:filter={filter}:dither=none:rin=full:r=full");
        format!(",{},format=pix_fmts={deepest}", of_each_field(transform, step))
    };
    // If both inputs of the last filter state equal properties, no conversion is inserted before it.
    let same = format!("setparams=range={}:colorspace={}", range_name(to.range), to.matrix.0);
    steps.push(format!(
        "split[planes][cover];[planes]scale=flags={SWS}:{range},format=pix_fmts={bare},{step},{same}[color];\
         [cover]extractplanes=a,setparams=range=full:colorspace=bt709,scale=flags={SWS}:{full},\
         format=pix_fmts={deepest}{resized},scale=flags={SWS}:{full},format=pix_fmts={deep},{same}[alpha];\
         [color][alpha]mergeplanes=0x00010210:{}",
        format.name()
    ));
}

/// Turns a scaling of frames into a scaling of each field, if the output keeps its fields.
fn of_each_field(transform: &Transform, step: String) -> String {
    let height = transform.height;
    match transform.keeps_fields {
        // Rows of one field belong to the same moment; rows of both fields do not.
        Some(order) => {
            let (half, first) = (height / 2, if order == FieldOrder::Top { "top" } else { "bottom" });
            let step = step.replacen(&format!(":h={height}"), &format!(":h={half}"), 1);
            // The frame's flag determines the field order here, and it may be missing.
            let order = order.name();
            format!("setfield=mode={order},separatefields,{step},weave=first_field={first}")
        }
        None => step,
    }
}

/// State of a frame after the filters so far.
#[derive(Clone, Copy)]
struct Now {
    width: usize,
    height: usize,
    pixel: Option<PixelFormat>,
}

/// Disables zimg's approximate conversion between sample values and light. It applies the gamma of hybrid log-gamma to
/// each channel separately, and its treatment of colours below black depends on the processor.
const EXACT: &str = "agamma=0";

/// Flags of swscale for exact and repeatable conversions.
const SWS_EXACT: &str = "accurate_rnd+full_chroma_int+bitexact";

/// The same flags with the scaler.
const SWS: &str = "lanczos+accurate_rnd+full_chroma_int+bitexact";

/// True if `pixel` is FFmpeg's format `packing`, apart from the range in its name.
fn is_packed_as(pixel: PixelFormat, packing: &str) -> bool {
    pixel.name().replacen("yuvj", "yuv", 1) == packing
}

fn is_full(range: Range) -> bool {
    range == Range::Full
}

fn range_name(range: Range) -> &'static str {
    if is_full(range) { "full" } else { "limited" }
}

/// If only one side's range is given, swscale converts full range to limited.
fn same_range(range: Range) -> String {
    let range = range_name(range);
    format!("in_range={range}:out_range={range}")
}

/// swscale's name of a YCbCr matrix. An RGB side takes the matrix of the other side.
fn swscale_matrix(matrix: Matrix, other: Matrix) -> &'static str {
    let matrix = if matrix == Matrix::RGB { other } else { matrix };
    match matrix.0 {
        1 => "bt709",
        4 => "fcc",
        5 => "bt470",
        6 => "smpte170m",
        7 => "smpte240m",
        9 => "bt2020",
        _ => "auto",
    }
}
