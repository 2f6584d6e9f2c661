//! Owner of an x265 encoder and its parameters, at any bit depth that the library was built with.
//!
//! Invariant: a parameter set, its frames and its encoder come from one function table (one depth). The sizes of the
//! structs in the header were compared with those of the library before the first call.

use std::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use trix_model::{
    color::{Color, Range},
    format::{Chroma, FrameFormat},
    time::Rational,
};
use x265_sys as x265;

use super::{
    c_string, text,
    x264::{Coding, Encoded, Headers, Kept, OptionError, Refused},
};
use crate::{
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    rational::{aspect_parts, rate_parts},
};

/// The function table of one depth.
#[derive(Clone, Copy)]
struct Api(&'static x265::x265_api);

impl Api {
    fn of(depth: u32) -> Option<Self> {
        // SAFETY: returns null or a static table; its sizes are compared before anything in it is used.
        let api = unsafe { x265::api_get(depth as c_int).as_ref()? };
        let same = api.sizeof_param as usize == size_of::<x265::x265_param>()
            && api.sizeof_picture as usize == size_of::<x265::x265_picture>()
            && api.bit_depth == depth as c_int;
        same.then_some(Api(api))
    }
}

/// Calls a function of the table. Every build of the library sets every entry.
macro_rules! call {
    ($api:expr, $name:ident ( $($argument:expr),* )) => {
        ($api.0.$name.expect("libx265 fills its function table"))($($argument),*)
    };
}

/// Threads of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// Threads of the pool; 0 for none.
    pub pool: u32,
    /// Frames that are encoded at the same time. Their number determines the stream.
    pub frames: u32,
}

/// The largest number of threads in a pool (`MAX_POOL_THREADS` of 3.5).
const MOST_IN_POOL: u32 = 64;

/// The largest number of frames that are encoded at the same time (`X265_MAX_FRAME_THREADS` of 3.5).
const MOST_FRAMES: u32 = 16;

/// A set of parameters.
pub struct Parameters {
    api: Api,
    raw: NonNull<x265::x265_param>,
}

// SAFETY: plain data; strings inside are owned by it.
unsafe impl Send for Parameters {}

impl Parameters {
    /// The defaults of a preset and a tune at `depth`. `None` if one of the three does not exist.
    pub fn new(depth: u32, preset: Option<&str>, tune: Option<&str>) -> Option<Self> {
        let api = Api::of(depth)?;
        let (preset, tune) = (preset.map(c_string), tune.map(c_string));
        let pointer = |text: &Option<std::ffi::CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut this = Parameters::allocated(api)?;
        // SAFETY: the parameters are ours.
        unsafe { call!(api, param_default(this.raw.as_ptr())) };
        // SAFETY: the parameters are ours, and the strings are null or live during the call.
        let code = unsafe { call!(api, param_default_preset(this.raw.as_ptr(), pointer(&preset), pointer(&tune))) };
        // Otherwise the library writes to the process's standard error.
        this.raw_mut().logLevel = x265::X265_LOG_NONE;
        (code == 0).then_some(this)
    }

    /// Parameters without values. `None` if the process is out of memory.
    fn allocated(api: Api) -> Option<Self> {
        // SAFETY: no preconditions.
        NonNull::new(unsafe { call!(api, param_alloc()) }).map(|raw| Parameters { api, raw })
    }

    fn raw(&self) -> &x265::x265_param {
        // SAFETY: the pointer is valid until drop.
        unsafe { self.raw.as_ref() }
    }

    fn raw_mut(&mut self) -> &mut x265::x265_param {
        // SAFETY: we own the parameters.
        unsafe { self.raw.as_mut() }
    }

    /// Sets an option as on the command line of the `x265` program.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let (name, value) = (c_string(name), c_string(value));
        // SAFETY: strings live during the call, which copies what it keeps.
        match unsafe { call!(self.api, param_parse(self.raw.as_ptr(), name.as_ptr(), value.as_ptr())) } {
            0 => Ok(()),
            x265::X265_PARAM_BAD_NAME => Err(OptionError::Name),
            _ => Err(OptionError::Value),
        }
    }

    /// Restricts the stream to a profile. False if the profile does not exist or does not support the format.
    pub fn apply_profile(&mut self, profile: &str) -> bool {
        let profile = c_string(profile);
        // SAFETY: valid parameters; the string lives.
        unsafe { call!(self.api, param_apply_profile(self.raw.as_ptr(), profile.as_ptr())) == 0 }
    }

    /// Sets the frame size, format and frame rate.
    pub fn set_frame(&mut self, width: usize, height: usize, format: FrameFormat, rate: Rational) {
        let raw = self.raw_mut();
        raw.sourceWidth = width as c_int;
        raw.sourceHeight = height as c_int;
        raw.sourceBitDepth = format.depth as c_int;
        raw.internalBitDepth = format.depth as c_int;
        raw.internalCsp = csp(format);
        (raw.fpsNum, raw.fpsDenom) = rate_parts(rate);
        raw.bAnnexB = 1;
        raw.bRepeatHeaders = 0;
        // A user option may have raised the log level again.
        raw.logLevel = x265::X265_LOG_NONE;
    }

    /// Marks frames as interlaced. HEVC still codes them as frames. A message with each frame states the field order
    /// (H.265 table D.2: `pic_struct` 3 and 4).
    pub fn set_fields(&mut self, top_first: bool) {
        self.raw_mut().pictureStructure = if top_first { 3 } else { 4 };
    }

    /// Sets the colour description and sample aspect ratio of the stream, except where options already set them.
    pub fn set_color(&mut self, color: Color, aspect: Rational) {
        let vui = &mut self.raw_mut().vui;
        if vui.bEnableColorDescriptionPresentFlag == 0 {
            vui.colorPrimaries = color.primaries.0.into();
            vui.transferCharacteristics = color.transfer.0.into();
            vui.matrixCoeffs = color.matrix.0.into();
            let specified =
                color.primaries.is_specified() || color.transfer.is_specified() || color.matrix.is_specified();
            vui.bEnableColorDescriptionPresentFlag = specified.into();
        }
        if vui.bEnableVideoFullRangeFlag == 0 {
            vui.bEnableVideoFullRangeFlag = (color.range == Range::Full).into();
        }
        if color.range != Range::Unspecified || vui.bEnableColorDescriptionPresentFlag != 0 {
            vui.bEnableVideoSignalTypePresentFlag = 1;
        }
        if vui.bEnableChromaLocInfoPresentFlag == 0
            && let Some(location) = color.chroma_location.h273_type()
        {
            vui.bEnableChromaLocInfoPresentFlag = 1;
            vui.chromaSampleLocTypeTopField = location.into();
            vui.chromaSampleLocTypeBottomField = location.into();
        }
        if vui.aspectRatioIdc == 0 && aspect.is_positive() {
            const SQUARE: c_int = 1;
            const EXTENDED_SAR: c_int = 255;
            vui.aspectRatioIdc = if aspect == Rational::new(1, 1) { SQUARE } else { EXTENDED_SAR };
            (vui.sarWidth, vui.sarHeight) = aspect_parts(aspect);
        }
    }

    /// The option `pools`. Empty if it is not set.
    fn pools(&self) -> String {
        let raw = self.raw();
        #[cfg(x265_parameters_hold_pools)]
        let pools = raw.numaPools.as_ptr();
        #[cfg(not(x265_parameters_hold_pools))]
        let pools = raw.numaPools;
        // SAFETY: null, or a string that the parameters own or the library holds.
        unsafe { text(pools) }.unwrap_or_default()
    }

    /// True if x265 would write past its memory with these parameters. x265 3.5 and its own program do so with several
    /// slices per frame and no wavefronts that synchronise them: wavefronts are off, or no thread pool exists.
    pub fn overwrite_memory(&self) -> bool {
        let (raw, pools) = (self.raw(), self.pools());
        // The threads on the first node of the machine. The entries of other nodes count only on larger machines.
        let first = pools.split(',').next().unwrap_or_default().trim();
        let is_count = first.parse::<i32>().is_ok_and(|count| count > 0);
        let has_pool = pools.is_empty() || matches!(first, "*" | "+") || is_count;
        raw.maxSlices > 1 && (raw.bEnableWavefront == 0 || !has_pool)
    }

    /// The threads with which x265 opens for frames of this size on a machine with `cores` cores: those of its pool, and
    /// the frames that it encodes at the same time. Numbers that are not set are its own choice (`Encoder::create` and
    /// `ThreadPool::getFrameThreadsCount` of 3.5).
    pub fn threads(&self, width: usize, height: usize, cores: u32) -> Threads {
        let (raw, pools) = (self.raw(), self.pools());
        // Other words than a number share out the nodes of a machine.
        let pool = if pools == "none" { 0 } else { pools.parse().unwrap_or(cores).min(MOST_IN_POOL) };
        let unit = (raw.maxCUSize as usize).max(16);
        let (rows, columns) = (height.div_ceil(unit), width.div_ceil(unit));
        let wavefronts = raw.bEnableWavefront != 0 && rows > 1 && columns > 2;
        let is_used = wavefronts
            || raw.bDistributeModeAnalysis != 0
            || raw.bDistributeMotionEstimation != 0
            || raw.lookaheadSlices != 0;
        let workers = if is_used && pool > 0 { pool } else { cores };
        let frames = match raw.frameNumThreads {
            ..=0 if !wavefronts => workers.min((rows as u32).div_ceil(2)).clamp(1, MOST_FRAMES),
            ..=0 => match workers {
                32.. if height > 2000 => 6,
                32.. => 5,
                16.. => 4,
                8.. => 3,
                4.. => 2,
                _ => 1,
            },
            frames => (frames as u32).min(MOST_FRAMES),
        };
        Threads { pool, frames }
    }

    /// The number of frames that an encoder with these parameters keeps, and the number of threads in its pool, for
    /// frames of this size on a machine with `cores` cores.
    pub fn kept(&self, width: usize, height: usize, cores: u32) -> (Kept, u32) {
        let Threads { pool, frames: threads } = self.threads(width, height, cores);
        let raw = self.raw();
        let count = |value: c_int| value.max(0) as u32;
        let (bframes, references) = (count(raw.bframes), count(raw.maxNumReferences));
        (Kept { waiting: count(raw.lookaheadDepth).max(1) + bframes + 2, references, threads, bframes }, pool)
    }

    /// Number of frame threads that the options request. 0 if x265 chooses.
    pub fn frame_threads(&self) -> u32 {
        self.raw().frameNumThreads.max(0) as u32
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: we own the parameters.
        unsafe { call!(self.api, param_free(self.raw.as_ptr())) };
    }
}

fn csp(format: FrameFormat) -> c_int {
    (match format.chroma {
        Chroma::C400 => x265::X265_CSP_I400,
        Chroma::C420 => x265::X265_CSP_I420,
        Chroma::C422 => x265::X265_CSP_I422,
        Chroma::C444 => x265::X265_CSP_I444,
    }) as c_int
}

/// The library's side of an encoder.
struct Handle {
    api: Api,
    raw: NonNull<x265::x265_encoder>,
}

impl Handle {
    /// Opens an encoder. `None` if the library rejects the parameters.
    fn open(parameters: &Parameters) -> Option<Self> {
        let api = parameters.api;
        // SAFETY: the parameters are valid.
        NonNull::new(unsafe { call!(api, encoder_open(parameters.raw.as_ptr())) }).map(|raw| Handle { api, raw })
    }

    /// Copies the parameters in use to `to`.
    fn read_parameters(&self, to: &mut Parameters) {
        // SAFETY: both are valid and of one depth.
        unsafe { call!(self.api, encoder_parameters(self.raw.as_ptr(), to.raw.as_ptr())) };
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the encoder is open and not used again.
        unsafe { call!(self.api, encoder_close(self.raw.as_ptr())) };
    }
}

/// The description of an input frame. It holds no samples of its own.
struct Picture {
    api: Api,
    raw: NonNull<x265::x265_picture>,
}

impl Picture {
    /// A description with the values that belong to `parameters`.
    fn new(parameters: &Parameters) -> Self {
        let api = parameters.api;
        // SAFETY: no preconditions.
        let raw = NonNull::new(unsafe { call!(api, picture_alloc()) }).expect("memory for a frame");
        // SAFETY: both are valid and of one depth.
        unsafe { call!(api, picture_init(parameters.raw.as_ptr(), raw.as_ptr())) };
        Picture { api, raw }
    }

    fn raw_mut(&mut self) -> &mut x265::x265_picture {
        // SAFETY: the pointer is valid until drop, and we hold the only reference.
        unsafe { self.raw.as_mut() }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: we own the description.
        unsafe { call!(self.api, picture_free(self.raw.as_ptr())) };
    }
}

/// An open encoder.
pub struct Encoder {
    // The order of the fields is the order in which they are freed. The encoder reads its parameters until it is closed.
    handle: Handle,
    picture: Picture,
    _parameters: Parameters,
    format: FrameFormat,
    size: (usize, usize),
    frame_threads: u32,
}

// SAFETY: an encoder may be used by any one thread at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Opens an encoder for frames of `format`, for which the parameters were set.
    pub fn open(parameters: Parameters, format: FrameFormat) -> Result<Self, Refused> {
        let raw = parameters.raw();
        if raw.internalCsp != csp(format) || raw.sourceBitDepth != format.depth as c_int {
            return Err(Refused(format!("the parameters are not for {format}")));
        }
        if parameters.overwrite_memory() {
            return Err(Refused("several slices need wavefronts and a thread pool".into()));
        }
        let refused = || Refused("x265 refused the combination of options and frame".into());
        let handle = Handle::open(&parameters).ok_or_else(refused)?;
        let picture = Picture::new(&parameters);
        let mut used = Parameters::allocated(parameters.api).expect("memory");
        handle.read_parameters(&mut used);
        let frame_threads = used.frame_threads();
        // The copy shares the strings of the encoder. `param_free` frees only the struct, with the library's allocator,
        // and leaves the strings to the encoder.
        drop(used);
        let size = (parameters.raw().sourceWidth as usize, parameters.raw().sourceHeight as usize);
        Ok(Encoder { handle, picture, _parameters: parameters, format, size, frame_threads })
    }

    /// Number of frame threads in use.
    pub fn frame_threads(&self) -> u32 {
        self.frame_threads
    }

    /// All header units, in `parameter_sets`: the parameter sets, and the SEI unit that names the encoder and its
    /// settings.
    pub fn headers(&mut self) -> Result<Headers, Refused> {
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        let (api, raw) = (self.handle.api, self.handle.raw.as_ptr());
        // SAFETY: the encoder is open.
        if unsafe { call!(api, encoder_headers(raw, &mut nals, &mut count)) } < 0 {
            return Err(Refused("x265 wrote no parameter sets".into()));
        }
        // SAFETY: the call returned `count` units, which stay valid until the next call.
        let parameter_sets = unsafe { units(nals, count) }.concat();
        Ok(Headers { parameter_sets, info: Vec::new() })
    }

    /// Encodes a frame with its number (`pts`) and a flag that forces a keyframe. `None` flushes one delayed frame.
    /// `Ok(None)` means that no output is ready.
    pub fn encode(&mut self, frame: Option<(&Frame, i64, Coding)>) -> Result<Option<Encoded>, Refused> {
        let input = match frame {
            None => ptr::null_mut(),
            Some((frame, pts, coding)) => self.input(frame, pts, coding)?,
        };
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        // SAFETY: all-zero is a valid bit pattern for this plain struct.
        let mut output: x265::x265_picture = unsafe { std::mem::zeroed() };
        let (api, raw) = (self.handle.api, self.handle.raw.as_ptr());
        // SAFETY: the encoder is open. It was opened for the format of the planes, which live during the call and are
        // copied by it.
        let code = unsafe { call!(api, encoder_encode(raw, &mut nals, &mut count, input, &mut output)) };
        if code < 0 {
            return Err(Refused("x265 failed on a frame".into()));
        }
        if code == 0 || count == 0 {
            return Ok(None);
        }
        // SAFETY: the call returned `count` units, which stay valid until the next call.
        let (key, units) = unsafe { (has_random_access(nals, count), units(nals, count)) };
        let dts = decoding_time(output.pts, output.dts);
        Ok(Some(Encoded { packet: Packet::joined(&units), pts: output.pts, dts, key }))
    }

    /// Describes a frame for x265. The description points to the planes of `frame`.
    fn input(&mut self, frame: &Frame, pts: i64, coding: Coding) -> Result<*mut x265::x265_picture, Refused> {
        let planes = frame.planes();
        // x265 reads as much of each plane as the format says.
        if frame.pixel_format().and_then(PixelFormat::frame) != Some(self.format)
            || planes.len() != self.format.planes()
            || (planes[0].width, planes[0].height) != self.size
        {
            return Err(Refused(format!("a frame is not {} of {}x{}", self.format, self.size.0, self.size.1)));
        }
        let format = self.format;
        let input = self.picture.raw_mut();
        input.pts = pts;
        input.bitDepth = format.depth as c_int;
        input.colorSpace = csp(format);
        input.width = planes[0].width as c_int;
        input.height = planes[0].height as c_int;
        let coding = match coding {
            Coding::Auto => x265::X265_TYPE_AUTO,
            Coding::Key => x265::X265_TYPE_IDR,
            Coding::Predicted => x265::X265_TYPE_P,
        };
        input.sliceType = coding as c_int;
        for (index, plane) in planes.iter().enumerate() {
            input.planes[index] = plane.data.as_ptr().cast_mut().cast();
            input.stride[index] = plane.stride as c_int;
        }
        Ok(input)
    }
}

/// The bytes of each of `count` units.
///
/// # Safety
/// `nals` points to `count` valid units, which stay valid as long as the result is in use.
unsafe fn units<'a>(nals: *const x265::x265_nal, count: u32) -> Vec<&'a [u8]> {
    let unit = |index: usize| {
        // SAFETY: promised by the caller; each unit has `sizeBytes` readable bytes.
        unsafe {
            let nal = &*nals.add(index);
            std::slice::from_raw_parts(nal.payload, nal.sizeBytes as usize)
        }
    };
    (0..count as usize).map(unit).collect()
}

/// True if one of `count` units is a frame where decoding can start (types 16 to 21: BLA, IDR, CRA).
///
/// # Safety
/// `nals` points to `count` valid units.
unsafe fn has_random_access(nals: *const x265::x265_nal, count: u32) -> bool {
    // SAFETY: promised by the caller.
    (0..count as usize).any(|index| unsafe { (16..=21).contains(&(*nals.add(index)).type_) })
}

/// The version and the supported bit depths of the library, e.g. `3.5+1` and `[8, 10, 12]`.
pub fn build() -> (String, Vec<u32>) {
    let depths: Vec<u32> = [8, 10, 12].into_iter().filter(|&depth| Api::of(depth).is_some()).collect();
    let version = depths.first().and_then(|&depth| Api::of(depth));
    // SAFETY: the table holds a static string.
    let version = version.and_then(|api| unsafe { text(api.0.version_str) }).unwrap_or_default();
    (version, depths)
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Encoder>();
};

/// The decoding time of a frame, as x265 states it. A stream with no more frames than x265 may reorder ends before x265 has set the
/// delay that it subtracts. Nothing is reordered then.
fn decoding_time(pts: i64, stated: i64) -> i64 {
    /// More frames than x265 reorders.
    const MOST: i64 = 64;
    if (pts - MOST..=pts).contains(&stated) { stated } else { pts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_that_was_never_set_is_none() {
        for (pts, stated, dts) in [(0, -2, -2), (5, 1, 1), (0, i64::MIN, 0), (1, i64::MAX, 1), (1, 7_000_000_000, 1)] {
            assert_eq!(decoding_time(pts, stated), dts);
        }
    }

    #[test]
    fn a_frame_of_another_format_is_refused() {
        let format = FrameFormat::ycbcr(Chroma::C422, 8);
        let parameters = |format: FrameFormat| {
            let mut parameters = Parameters::new(8, Some("ultrafast"), None).expect("parameters");
            parameters.set("pools", "1").expect("an option");
            parameters.set_frame(128, 128, format, Rational::new(25, 1));
            parameters
        };
        let mut encoder = Encoder::open(parameters(format), format).expect("an encoder");
        for name in ["yuv420p", "yuv444p", "gbrp", "yuv422p10le", "yuva422p", "gray"] {
            let frame = Frame::of_zeros(name, 128, 128);
            let refused = encoder.encode(Some((&frame, 0, Coding::Auto))).map(drop);
            assert!(refused.is_err_and(|refused| refused.0.contains("a frame is not")), "{name}");
        }
        for (number, name) in [(0, "yuv422p"), (1, "yuvj422p")] {
            let frame = Frame::of_zeros(name, 128, 128);
            assert!(encoder.encode(Some((&frame, number, Coding::Auto))).is_ok(), "{name}");
        }
        assert!(Encoder::open(parameters(FrameFormat::ycbcr(Chroma::C420, 8)), format).is_err());
    }

    #[test]
    fn slices_without_wavefronts_are_refused_before_x265_opens() {
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        for (name, value) in [("pools", "none"), ("wpp", "0")] {
            let mut parameters = Parameters::new(8, Some("ultrafast"), None).expect("parameters");
            parameters.set("slices", "4").expect("an option");
            parameters.set(name, value).expect("an option");
            parameters.set_frame(192, 256, format, Rational::new(25, 1));
            assert!(Encoder::open(parameters, format).is_err_and(|refused| refused.0.contains("slices")), "{name}");
        }
    }
}
