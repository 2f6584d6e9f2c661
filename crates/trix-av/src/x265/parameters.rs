//! The parameters of an x265 encoder.
//!
//! Invariant: a parameter set belongs to one depth, and its strings live as long as x265 reads them.

use std::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use trix_model::{
    color::{Color, Range},
    format::FrameFormat,
    time::Rational,
};
use x265_sys as x265;

use super::api::{Api, call, csp};
use crate::{
    c_string,
    rational::{aspect_parts, rate_parts},
    text,
    x264::{Kept, OptionError},
};

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
    pub(super) api: Api,
    pub(super) raw: NonNull<x265::x265_param>,
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
    pub(super) fn allocated(api: Api) -> Option<Self> {
        // SAFETY: no preconditions.
        NonNull::new(unsafe { call!(api, param_alloc()) }).map(|raw| Parameters { api, raw })
    }

    pub(super) fn raw(&self) -> &x265::x265_param {
        // SAFETY: the pointer is valid until drop.
        unsafe { self.raw.as_ref() }
    }

    pub(super) fn raw_mut(&mut self) -> &mut x265::x265_param {
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
