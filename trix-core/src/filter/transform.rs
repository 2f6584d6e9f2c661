//! What is done to every picture of one output, and how libavfilter is told.
//!
//! Invariant: a transform is plain data that the plan resolved; the same transform makes the same pictures when an
//! encode is verified as when it was made.

use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Color, Matrix, Range},
    format::{Chroma, PictureFormat},
    orientation::Orientation,
    picture::FieldOrder,
    time::Rational,
};

use crate::{
    plan::{Deinterlacing, ToneMapping, Transform, Waypoint},
    spec::picture::{Rectangle, Resampler},
};

/// Reference white in candela per square metre (ITU-R BT.2408, table 1).
pub const REFERENCE_WHITE: u32 = 203;

/// The shape of pictures that come in.
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
    /// Only a size and a format; colour stays `color`.
    pub const fn to(width: usize, height: usize, format: PictureFormat, resampler: Resampler, color: Color) -> Self {
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

    /// Width and height of what comes out.
    pub fn size(&self) -> (usize, usize) {
        self.pad.map_or((self.width, self.height), |pad| (pad.width, pad.height))
    }

    /// The same, one scaling after the other: the first does everything else, and the last has what stands around
    /// pictures and how they are packed.
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

    /// Ticks of the output in one tick of the input: fields need times between those of frames, and four film frames
    /// take the time of five.
    pub fn time_factor(&self) -> i64 {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => 4,
            (None, Some(Deinterlacing { each_field: true, .. })) => 2,
            _ => 1,
        }
    }

    /// How long each of the frames is shown that come of one that is shown for `ticks`, in ticks of what comes out; `None`
    /// where that is no matter of one frame.
    pub(crate) fn duration(&self, ticks: i64) -> Option<i64> {
        // The two fields of a frame share its time, which has twice as many ticks.
        self.inverse_telecine.is_none().then_some(ticks)
    }

    /// Pictures in a second that come out, of `source` that go in.
    pub fn rate(&self, source: Rational) -> Rational {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => Rational::new(source.num.saturating_mul(4), source.den.saturating_mul(5)),
            (None, Some(Deinterlacing { each_field: true, .. })) => {
                Rational::new(source.num.saturating_mul(2), source.den)
            }
            _ => source,
        }
    }

    /// Whether one picture comes out for each that goes in.
    pub fn keeps_count(&self) -> bool {
        self.time_factor() == 1
    }

    /// Whether pictures of this shape would come out as they went in, but for padding.
    pub(crate) fn is_identity(&self, shape: Shape) -> bool {
        let same_format = match (&self.packing, shape.pixel()) {
            (Some(packing), Some(pixel)) => is_packed_as(pixel, packing),
            (None, Some(pixel)) => pixel.picture() == Some(self.format),
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

    /// The chain of filters for pictures of `shape`, in libavfilter's notation; `zimg` says whether zscale is there.
    /// Pictures that are not of the `first` shape get it first. Both shapes are of unpacked pictures.
    pub(crate) fn chain(&self, shape: Shape, first: Shape, zimg: bool) -> String {
        let mut steps: Vec<String> = Vec::new();
        let mut now = Now { width: first.width, height: first.height, pixel: first.pixel() };
        // Of pictures of another shape, the format may tell the range.
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
            // The range is said beside the format; a name that says another would make libavfilter convert once more.
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
            // zimg's filter takes 4:4:0 at 8 bits.
            self.fill_chroma(pixel, &mut steps, &mut now);
        }
        if let Some(pixel) = now.pixel.filter(|pixel| pixel.is_float() && self.deinterlace.is_some()) {
            // The filter of fields takes numbers up to 16 bits.
            let name = if pixel.has_alpha() { "gbrap16le" } else { "gbrp16le" };
            steps.push(format!("scale=flags={SWS}:{},format=pix_fmts={name}", same_range(Range::Full)));
            now.pixel = PixelFormat::from_name(name);
        }
        if let Some(order) = self.inverse_telecine {
            let order = order.name();
            // Frames that no pairing of fields makes whole are deinterlaced; then the repeated one of five goes.
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
            // Halved in width alone, chroma would be halved in height alone after a quarter turn.
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

    /// Says what samples mean, whatever frames say: no filter has to find it out or settle it with its neighbours.
    fn meaning(&self, shape: Shape, range: Range) -> String {
        let Color { primaries, transfer, matrix, .. } = self.from;
        let is_rgb = shape.pixel().is_some_and(PixelFormat::is_rgb);
        let (matrix, range) = match (is_rgb, matrix) {
            (true, _) => (Matrix::RGB, Range::Full),
            (false, Matrix::RGB) => (Matrix::UNSPECIFIED, range),
            (false, matrix) => (matrix, range),
        };
        let mut step = format!("setparams=range={}", range_name(range));
        // Reserved numbers are none that the filter takes.
        let numbers =
            [("colorspace", matrix.0, 14), ("color_primaries", primaries.0, 12), ("color_trc", transfer.0, 18)];
        for (name, number, _) in numbers.into_iter().filter(|(_, number, most)| number <= most) {
            step += &format!(":{name}={number}");
        }
        step
    }

    /// Gives each sample of luma chroma of its own.
    fn fill_chroma(&self, pixel: PixelFormat, steps: &mut Vec<String>, now: &mut Now) {
        let Some(samples) = pixel.samples() else { return };
        let full = PictureFormat { chroma: Chroma::C444, ..samples };
        let range = same_range(self.from.range);
        steps.push(format!("scale=flags={SWS}:{range},format=pix_fmts={}", full.name()));
        now.pixel = PixelFormat::from_name(&full.name());
    }

    fn lay_on_black(&self, steps: &mut Vec<String>, now: &mut Now, zimg: bool) {
        let Some(samples) = now.pixel.and_then(PixelFormat::samples) else { return };
        // The filter wants opacity as planes of the picture's own format, and takes a power of two for the largest value:
        // with 16 bits, the difference vanishes.
        let own = PictureFormat { chroma: Chroma::C444, alpha: false, ..samples };
        let deep = PictureFormat { depth: if zimg { 16 } else { samples.depth }, ..own };
        let own_is_rgb = own.rgb;
        let (own, without) = (own.name(), deep.name());
        let (range, full) = (same_range(self.from.range), same_range(Range::Full));
        let deepen = match (zimg, range_name(self.from.range)) {
            (true, range) => format!(",zscale=rin={range}:r={range},format=pix_fmts={without}"),
            (false, _) => String::new(),
        };
        let grey = PictureFormat::ycbcr(Chroma::C400, deep.depth).name();
        // Opacity is full range whatever the picture is. Filters that agree on range and matrix before they start would
        // squeeze it into the picture's range; so each branch says what its neighbour is to believe. The last filter
        // takes two inputs that say the same.
        let (own_range, own_matrix) = (range_name(self.from.range), if own_is_rgb { 0 } else { self.from.matrix.0 });
        let same = format!("setparams=range={own_range}:colorspace={own_matrix}");
        steps.push(format!(
            "split[picture][opacity];[picture]scale=flags={SWS}:{range},format=pix_fmts={own}{deepen},{same}[bare];\
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
        // Scaled in the source's own values, as every other picture is; then light, bent, and back to values.
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

    /// Asked for grey, both converters would stretch luma to full range; taken out of YCbCr it stays what it is.
    fn without_chroma_asked(&self) -> (PictureFormat, &'static str) {
        match self.format.chroma {
            Chroma::C400 => (PictureFormat { chroma: Chroma::C444, ..self.format }, ",extractplanes=y"),
            _ => (self.format, ""),
        }
    }

    fn convert(&self, steps: &mut Vec<String>, now: Now, zimg: bool) {
        let planar = now.pixel.and_then(PixelFormat::picture);
        let packed = |pixel| self.packing.as_ref().is_some_and(|packing| is_packed_as(pixel, packing));
        let is_there = planar == Some(self.format) || now.pixel.is_some_and(packed);
        if is_there && (now.width, now.height) == (self.width, self.height) && !self.changes_color() {
            return;
        }
        let (format, luma) = self.without_chroma_asked();
        let (width, height, filter) = (self.width, self.height, self.resampler.name());
        let (from, to) = (self.from, self.to);
        // zimg takes no picture whose chroma is rounded up; swscale does.
        let whole = |(x, y): (u32, u32), width: usize, height: usize| {
            width.is_multiple_of(1 << x) && height.is_multiple_of(1 << y)
        };
        let zimg = zimg
            && now.pixel.is_none_or(|pixel| whole(pixel.chroma_shift(), now.width, now.height))
            && whole(format.chroma.shift(), width, height);
        // zimg makes opacity deeper by a shift, which leaves what is opaque a little transparent.
        let apart = planar.filter(|samples| zimg && samples.alpha && format.alpha && samples.depth < format.depth);
        let name = PictureFormat { alpha: format.alpha && apart.is_none(), ..format }.name();
        let step = if zimg {
            // Diffusion triples the cost of scaling; it is worth that where bits are lost, and nothing where only the
            // last bit of an interpolated sample is rounded.
            let shrinks = now.pixel.is_none_or(|pixel| pixel.depth() > self.format.depth);
            let dither = if shrinks { "error_diffusion" } else { "none" };
            // Without the ranges, zimg would take and make limited range for frames that say nothing.
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
        let bare = PictureFormat { alpha: false, ..samples }.name();
        let (range, full) = (same_range(from.range), same_range(Range::Full));
        let [deepest, deep] = [16, format.depth].map(|depth| PictureFormat::ycbcr(Chroma::C400, depth).name());
        let resized = if (now.width, now.height) == (width, height) {
            String::new()
        } else {
            let step = format!("zscale=w={width}:h={height}:filter={filter}:dither=none:rin=full:r=full");
            format!(",{},format=pix_fmts={deepest}", self.of_each_field(step))
        };
        // Both inputs of the last filter say the same, or a conversion comes before it.
        let same = format!("setparams=range={}:colorspace={}", range_name(to.range), to.matrix.0);
        steps.push(format!(
            "split[planes][cover];[planes]scale=flags={SWS}:{range},format=pix_fmts={bare},{step},{same}[color];\
             [cover]extractplanes=a,setparams=range=full:colorspace=bt709,scale=flags={SWS}:{full},\
             format=pix_fmts={deepest}{resized},scale=flags={SWS}:{full},format=pix_fmts={deep},{same}[alpha];\
             [color][alpha]mergeplanes=0x00010210:{}",
            format.name()
        ));
    }

    /// A scaling of whole frames as one of each of their fields, where those stay.
    fn of_each_field(&self, step: String) -> String {
        let height = self.height;
        match self.keeps_fields {
            // Rows of one field are neighbours in time; those of both are not.
            Some(order) => {
                let (half, first) = (height / 2, if order == FieldOrder::Top { "top" } else { "bottom" });
                let step = step.replacen(&format!(":h={height}"), &format!(":h={half}"), 1);
                // The flag of the frame decides which field comes first there, and may be missing.
                let order = order.name();
                format!("setfield=mode={order},separatefields,{step},weave=first_field={first}")
            }
            None => step,
        }
    }
}

/// What a chain has made of a picture so far.
#[derive(Clone, Copy)]
struct Now {
    width: usize,
    height: usize,
    pixel: Option<PixelFormat>,
}

/// zimg's own shortcut between values and light takes the gamma of hybrid log-gamma for one of each channel, and lets
/// colours below black pass or not as the processor has it.
const EXACT: &str = "agamma=0";

/// Flags of swscale for exact and repeatable conversions.
const SWS_EXACT: &str = "accurate_rnd+full_chroma_int+bitexact";

/// The same, with the scaler.
const SWS: &str = "lanczos+accurate_rnd+full_chroma_int+bitexact";

/// Whether a format is the one that FFmpeg calls `packing`, but for what its name says about range.
fn is_packed_as(pixel: PixelFormat, packing: &str) -> bool {
    pixel.name().replacen("yuvj", "yuv", 1) == packing
}

fn is_full(range: Range) -> bool {
    range == Range::Full
}

fn range_name(range: Range) -> &'static str {
    if is_full(range) { "full" } else { "limited" }
}

/// Told of one side only, swscale makes limited range of full.
fn same_range(range: Range) -> String {
    let range = range_name(range);
    format!("in_range={range}:out_range={range}")
}

/// swscale knows the matrices of YCbCr; the side that is RGB takes that of the other.
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
