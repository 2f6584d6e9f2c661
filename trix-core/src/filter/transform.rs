//! The changes to every frame of one output, as a libavfilter chain.
//!
//! Invariant: a transform is plain data from the plan. The same transform produces the same frames at encoding and at
//! verification.

use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Color, Matrix, Range},
    format::{Chroma, FrameFormat},
    frame_facts::FieldOrder,
    orientation::Orientation,
    time::Rational,
};

use crate::{
    plan::{Deinterlacing, ToneMapping, Transform, Waypoint},
    spec::picture::{Rectangle, Resampler},
};

/// Reference white in candela per square metre (ITU-R BT.2408, table 1).
pub const REFERENCE_WHITE: u32 = 203;

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

impl Transform {
    /// A transform that only changes size and format. The colour stays `color`.
    pub const fn to(width: usize, height: usize, format: FrameFormat, resampler: Resampler, color: Color) -> Self {
        Transform {
            inverse_telecine: None,
            deinterlace: None,
            crop: None,
            orientation: Orientation { degrees: 0, mirrored: false },
            flatten: false,
            tonemap: None,
            from: color,
            to: color,
            width,
            height,
            through: Vec::new(),
            resampler,
            format,
            packing: None,
            keeps_fields: None,
            pad: None,
        }
    }

    /// Width and height of the output frames.
    pub fn size(&self) -> (usize, usize) {
        self.pad.map_or((self.width, self.height), |pad| (pad.width, pad.height))
    }

    /// Splits this transform into one stage for each scaling. The first stage does everything else. The last stage adds
    /// the border and packs the samples.
    pub(crate) fn stages(&self) -> Vec<Transform> {
        let own = Waypoint { width: self.width, height: self.height, format: self.format };
        let sizes = self.through.iter().copied().chain([own]);
        let mut stages: Vec<Transform> = sizes
            .enumerate()
            .map(|(number, Waypoint { width, height, format })| match number {
                0 => Transform { width, height, format, through: Vec::new(), pad: None, packing: None, ..self.clone() },
                _ => Transform::to(width, height, format, self.resampler, self.to),
            })
            .collect();
        if let Some(last) = stages.last_mut() {
            (last.pad, last.packing) = (self.pad, self.packing.clone());
        }
        stages
    }

    /// Number of output ticks in one input tick. Separate fields need times between those of frames. Inverse telecine
    /// shows four frames in the time of five.
    pub fn time_factor(&self) -> i64 {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => 4,
            (None, Some(Deinterlacing { each_field: true, .. })) => 2,
            _ => 1,
        }
    }

    /// Duration of each output frame, in output ticks, if its input frame lasts `ticks`. `None` for inverse telecine,
    /// where the duration does not follow from one frame.
    pub(crate) fn duration(&self, ticks: i64) -> Option<i64> {
        // The two fields of a frame share its duration, which has twice as many ticks.
        self.inverse_telecine.is_none().then_some(ticks)
    }

    /// Output frame rate for the input rate `source`.
    pub fn rate(&self, source: Rational) -> Rational {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => Rational::new(source.num.saturating_mul(4), source.den.saturating_mul(5)),
            (None, Some(Deinterlacing { each_field: true, .. })) => {
                Rational::new(source.num.saturating_mul(2), source.den)
            }
            _ => source,
        }
    }

    /// True if one frame is output for each input frame.
    pub fn keeps_count(&self) -> bool {
        self.time_factor() == 1
    }

    /// True if frames of this format would stay unchanged, apart from padding.
    pub(crate) fn is_identity(&self, shape: Shape) -> bool {
        let same_format = match (&self.packing, shape.pixel()) {
            (Some(packing), Some(pixel)) => is_packed_as(pixel, packing),
            (None, Some(pixel)) => pixel.frame() == Some(self.format),
            _ => false,
        };
        same_format
            && self.through.is_empty()
            && (shape.width, shape.height) == (self.width, self.height)
            && self.inverse_telecine.is_none()
            && self.deinterlace.is_none()
            && self.crop.is_none()
            && self.orientation.is_upright()
            && !self.flatten
            && self.tonemap.is_none()
            && !self.changes_color()
    }

    fn changes_color(&self) -> bool {
        let (from, to) = (self.from, self.to);
        (from.primaries, from.transfer, from.matrix) != (to.primaries, to.transfer, to.matrix)
            || is_full(from.range) != is_full(to.range)
    }

    /// The filter chain for frames of `shape`, in libavfilter's notation. `zimg` states whether zscale is available.
    /// Frames that differ from the format `first` are converted to it first. Both formats are those of unpacked frames.
    pub(crate) fn chain(&self, shape: Shape, first: Shape, zimg: bool) -> String {
        let mut steps: Vec<String> = Vec::new();
        let mut now = Now { width: first.width, height: first.height, pixel: first.pixel() };
        // The pixel format of frames with another format may imply their range.
        let full = |shape: Shape| shape.pixel().is_some_and(PixelFormat::is_full_range_variant);
        let range = match (full(shape), full(first)) {
            (true, false) => Range::Full,
            (false, true) => Range::Limited,
            _ => self.from.range,
        };
        steps.push(self.meaning(shape, range));
        if shape != first {
            let alpha = |shape: Shape| shape.pixel().is_some_and(PixelFormat::has_alpha);
            if alpha(shape) && !alpha(first) {
                let mut own = Now { width: shape.width, height: shape.height, pixel: shape.pixel() };
                self.lay_on_black(&mut steps, &mut own, zimg);
            }
            // The range is stated separately. A format name with another range would make libavfilter convert once
            // more.
            let format = now.pixel.map_or("yuv420p".into(), |pixel| pixel.name().replacen("yuvj", "yuv", 1));
            now.pixel = PixelFormat::from_name(&format);
            let (width, height) = (first.width, first.height);
            let (range, own) = (range_name(range), range_name(self.from.range));
            steps.push(format!(
                "scale=w={width}:h={height}:flags={SWS}:in_range={range}:out_range={own},format=pix_fmts={format}"
            ));
        }
        let stays = |pixel| self.packing.as_ref().is_some_and(|packing| is_packed_as(pixel, packing));
        let is_odd = |pixel: &PixelFormat| pixel.chroma_shift() == (0, 1) && pixel.depth() > 8 && !stays(*pixel);
        if let Some(pixel) = now.pixel.filter(is_odd) {
            // zimg's filter takes 4:4:0 only at 8 bits.
            self.fill_chroma(pixel, &mut steps, &mut now);
        }
        if let Some(pixel) = now.pixel.filter(|pixel| pixel.is_float() && self.deinterlace.is_some()) {
            // The deinterlacer takes integers up to 16 bits.
            let name = if pixel.has_alpha() { "gbrap16le" } else { "gbrp16le" };
            steps.push(format!("scale=flags={SWS}:{},format=pix_fmts={name}", same_range(Range::Full)));
            now.pixel = PixelFormat::from_name(name);
        }
        if let Some(order) = self.inverse_telecine {
            let order = order.name();
            // Frames that no pair of fields completes are deinterlaced. Then the repeated one of five frames is
            // dropped.
            steps.push(format!("fieldmatch=order={order},bwdif=mode=send_frame:deint=interlaced,decimate"));
        }
        if let Some(Deinterlacing { order, each_field }) = self.deinterlace {
            let mode = if each_field { "send_field" } else { "send_frame" };
            steps.push(format!("bwdif=mode={mode}:parity={}:deint=all", order.name()));
        }
        if let Some(Rectangle { width, height, left, top }) = self.crop {
            steps.push(format!("crop=w={width}:h={height}:x={left}:y={top}:exact=1"));
            (now.width, now.height) = (width, height);
        }
        self.turn(&mut steps, &mut now);
        if self.flatten {
            self.lay_on_black(&mut steps, &mut now, zimg);
        }
        for stage in self.stages() {
            match stage.tonemap {
                Some(tonemap) => stage.map_tones(tonemap, &mut steps),
                None => stage.convert(&mut steps, now, zimg),
            }
            let pixel = PixelFormat::from_name(&stage.format.name());
            now = Now { width: stage.width, height: stage.height, pixel };
        }
        if let Some(packing) = &self.packing {
            steps.push(format!("format=pix_fmts={packing}"));
        }
        steps.join(",")
    }

    fn turn(&self, steps: &mut Vec<String>, now: &mut Now) {
        if self.orientation.is_upright() {
            return;
        }
        let uneven = |pixel: &PixelFormat| {
            let (x, y) = pixel.chroma_shift();
            x != y
        };
        if let Some(pixel) = now.pixel.filter(|pixel| self.orientation.is_sideways() && uneven(pixel)) {
            // After a quarter turn, chroma that is halved only in width would be halved only in height.
            self.fill_chroma(pixel, steps, now);
        }
        if self.orientation.mirrored {
            steps.push("hflip".into());
        }
        match self.orientation.degrees {
            90 => steps.push("transpose=dir=clock".into()),
            180 => steps.push("hflip,vflip".into()),
            270 => steps.push("transpose=dir=cclock".into()),
            _ => {}
        }
        if self.orientation.is_sideways() {
            (now.width, now.height) = (now.height, now.width);
        }
    }

    /// Sets the colour properties of the frames explicitly, so that no filter has to detect them or negotiate them with
    /// its neighbours.
    fn meaning(&self, shape: Shape, range: Range) -> String {
        let Color { primaries, transfer, matrix, .. } = self.from;
        let is_rgb = shape.pixel().is_some_and(PixelFormat::is_rgb);
        let (matrix, range) = match (is_rgb, matrix) {
            (true, _) => (Matrix::RGB, Range::Full),
            (false, Matrix::RGB) => (Matrix::UNSPECIFIED, range),
            (false, matrix) => (matrix, range),
        };
        let mut step = format!("setparams=range={}", range_name(range));
        // The filter rejects reserved numbers.
        let numbers =
            [("colorspace", matrix.0, 14), ("color_primaries", primaries.0, 12), ("color_trc", transfer.0, 18)];
        for (name, number, _) in numbers.into_iter().filter(|(_, number, most)| number <= most) {
            step += &format!(":{name}={number}");
        }
        step
    }

    /// Converts to 4:4:4.
    fn fill_chroma(&self, pixel: PixelFormat, steps: &mut Vec<String>, now: &mut Now) {
        let Some(samples) = pixel.samples() else { return };
        let full = FrameFormat { chroma: Chroma::C444, ..samples };
        let range = same_range(self.from.range);
        steps.push(format!("scale=flags={SWS}:{range},format=pix_fmts={}", full.name()));
        now.pixel = PixelFormat::from_name(&full.name());
    }

    fn lay_on_black(&self, steps: &mut Vec<String>, now: &mut Now, zimg: bool) {
        let Some(samples) = now.pixel.and_then(PixelFormat::samples) else { return };
        // The filter takes alpha as planes of the frame's own format, and treats a power of two as the maximum value.
        // At 16 bits, the difference vanishes.
        let own = FrameFormat { chroma: Chroma::C444, alpha: false, ..samples };
        let deep = FrameFormat { depth: if zimg { 16 } else { samples.depth }, ..own };
        let own_is_rgb = own.rgb;
        let (own, without) = (own.name(), deep.name());
        let (range, full) = (same_range(self.from.range), same_range(Range::Full));
        let deepen = match (zimg, range_name(self.from.range)) {
            (true, range) => format!(",zscale=rin={range}:r={range},format=pix_fmts={without}"),
            (false, _) => String::new(),
        };
        let grey = FrameFormat::ycbcr(Chroma::C400, deep.depth).name();
        // Alpha is full range, whatever the range of the frame. Filters negotiate range and matrix before they start,
        // and would compress alpha into the frame's range. So each branch states both for its neighbour explicitly. The
        // last filter takes two inputs with equal properties.
        let (own_range, own_matrix) = (range_name(self.from.range), if own_is_rgb { 0 } else { self.from.matrix.0 });
        let same = format!("setparams=range={own_range}:colorspace={own_matrix}");
        steps.push(format!(
            "split[video][opacity];[video]scale=flags={SWS}:{range},format=pix_fmts={own}{deepen},{same}[bare];\
             [opacity]extractplanes=a,setparams=range=full:colorspace=bt709,scale=flags={SWS}:{full},\
             format=pix_fmts={grey},scale=flags={SWS}:{full},format=pix_fmts={without},{same}[mask];\
             [bare][mask]premultiply"
        ));
        now.pixel = PixelFormat::from_name(&without);
    }

    fn map_tones(&self, tonemap: ToneMapping, steps: &mut Vec<String>) {
        let (width, height, filter, from, to) = (self.width, self.height, self.resampler.name(), self.from, self.to);
        let (range, to_range) = (range_name(from.range), range_name(to.range));
        let peak = f64::from(tonemap.peak) / f64::from(REFERENCE_WHITE);
        let operator = tonemap.operator.operator().unwrap_or("none");
        let (format, luma) = self.without_chroma_asked();
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
    fn without_chroma_asked(&self) -> (FrameFormat, &'static str) {
        match self.format.chroma {
            Chroma::C400 => (FrameFormat { chroma: Chroma::C444, ..self.format }, ",extractplanes=y"),
            _ => (self.format, ""),
        }
    }

    fn convert(&self, steps: &mut Vec<String>, now: Now, zimg: bool) {
        let planar = now.pixel.and_then(PixelFormat::frame);
        let packed = |pixel| self.packing.as_ref().is_some_and(|packing| is_packed_as(pixel, packing));
        let is_there = planar == Some(self.format) || now.pixel.is_some_and(packed);
        if is_there && (now.width, now.height) == (self.width, self.height) && !self.changes_color() {
            return;
        }
        let (format, luma) = self.without_chroma_asked();
        let (width, height, filter) = (self.width, self.height, self.resampler.name());
        let (from, to) = (self.from, self.to);
        // zimg rejects frames with partial chroma samples at the edges; swscale accepts them.
        let whole = |(x, y): (u32, u32), width: usize, height: usize| {
            width.is_multiple_of(1 << x) && height.is_multiple_of(1 << y)
        };
        let zimg = zimg
            && now.pixel.is_none_or(|pixel| whole(pixel.chroma_shift(), now.width, now.height))
            && whole(format.chroma.shift(), width, height);
        // zimg increases the depth of alpha by a shift, which makes opaque samples slightly transparent.
        let apart = planar.filter(|samples| zimg && samples.alpha && format.alpha && samples.depth < format.depth);
        let name = FrameFormat { alpha: format.alpha && apart.is_none(), ..format }.name();
        let step = if zimg {
            // Error diffusion triples the cost of scaling. It is worthwhile if bits are lost, but not if only the last
            // bit of an interpolated sample is rounded.
            let shrinks = now.pixel.is_none_or(|pixel| pixel.depth() > self.format.depth);
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
            if self.changes_color() {
                step += &format!(
                    ":in_color_matrix={}:out_color_matrix={}",
                    swscale_matrix(from.matrix, to.matrix),
                    swscale_matrix(to.matrix, from.matrix)
                );
            }
            step
        };
        let step = format!("{step},format=pix_fmts={name}{luma}");
        let step = self.of_each_field(step);
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
            format!(",{},format=pix_fmts={deepest}", self.of_each_field(step))
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
    fn of_each_field(&self, step: String) -> String {
        let height = self.height;
        match self.keeps_fields {
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
