//! Owner of an x264 encoder and its parameters.
//!
//! Invariant: parameters are set in the order of the `x264` program (preset and tune, options, fast first pass,
//! profile), so that equal options give equal streams.

use std::{
    ffi::{c_char, c_int, c_void},
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::{self, NonNull},
    sync::{Arc, Mutex, PoisonError},
};

use trix_model::{
    color::{Color, Range},
    format::{Chroma, FrameFormat},
    time::Rational,
};
use x264_sys as x264;

use super::{c_string, text};
use crate::{
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    rational::{aspect_parts, rate_parts},
};

/// Why an option was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// There is no option of this name.
    Name,
    /// The option does not accept this value.
    Value,
}

/// The largest number of threads (`X264_THREAD_MAX` of 0.164).
const MOST_THREADS: u32 = 128;

/// A set of parameters.
pub struct Parameters(Box<x264::x264_param_t>);

// SAFETY: plain data; strings inside are owned by it.
unsafe impl Send for Parameters {}

impl Parameters {
    /// The defaults of a preset and a tune. `None` if either does not exist.
    pub fn new(preset: Option<&str>, tune: Option<&str>) -> Option<Self> {
        let (preset, tune) = (preset.map(c_string), tune.map(c_string));
        let pointer = |text: &Option<std::ffi::CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: all-zero is a valid bit pattern for this plain struct.
        let mut parameters: Box<x264::x264_param_t> = Box::new(unsafe { mem::zeroed() });
        // SAFETY: the strings are null or live during the call, which fills the parameters.
        let code = unsafe { x264::x264_param_default_preset(&mut *parameters, pointer(&preset), pointer(&tune)) };
        (code == 0).then(|| Parameters(parameters))
    }

    /// Sets an option as on the command line of the `x264` program.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let (name, value) = (c_string(name), c_string(value));
        // SAFETY: strings live during the call, which copies what it keeps.
        match unsafe { x264::x264_param_parse(&mut *self.0, name.as_ptr(), value.as_ptr()) } {
            0 => Ok(()),
            code if code == x264::X264_PARAM_BAD_NAME => Err(OptionError::Name),
            _ => Err(OptionError::Value),
        }
    }

    /// Enables the fast first pass, which the `x264` program uses by default.
    pub fn apply_fast_first_pass(&mut self) {
        // SAFETY: valid parameters.
        unsafe { x264::x264_param_apply_fastfirstpass(&mut *self.0) };
    }

    /// Restricts the stream to a profile. False if the profile does not exist or does not support the format.
    pub fn apply_profile(&mut self, profile: &str) -> bool {
        let profile = c_string(profile);
        // SAFETY: valid parameters; the string lives.
        unsafe { x264::x264_param_apply_profile(&mut *self.0, profile.as_ptr()) == 0 }
    }

    /// Sets the frame size, the format, the frame rate, and whether the rate is constant.
    pub fn set_frame(&mut self, width: usize, height: usize, format: FrameFormat, rate: Rational, constant: bool) {
        let raw = &mut *self.0;
        raw.i_width = width as c_int;
        raw.i_height = height as c_int;
        raw.i_csp = csp(format);
        raw.i_bitdepth = format.depth as c_int;
        // Times are frame numbers, so that each frame lasts one tick for rate control. The stream promises even
        // intervals only if the rate is known to be constant.
        raw.b_vfr_input = (!constant).into();
        (raw.i_fps_num, raw.i_fps_den) = rate_parts(rate);
        raw.i_timebase_num = raw.i_fps_den;
        raw.i_timebase_den = raw.i_fps_num;
        raw.b_annexb = 1;
        raw.b_repeat_headers = 0;
    }

    /// Sets interlaced coding and the field order.
    pub fn set_fields(&mut self, top_first: bool) {
        self.0.b_interlaced = 1;
        self.0.b_tff = top_first.into();
    }

    /// The number of threads with which x264 opens for frames of `height` rows on a machine with `cores` cores: the one
    /// that is set, or else its own choice (`validate_parameters` of 0.164).
    pub fn threads(&self, height: usize, cores: u32) -> u32 {
        let rows = (height as u32).div_ceil(16);
        let is_sliced = self.0.b_sliced_threads != 0;
        let threads = match self.0.i_threads {
            // At least two rows of macroblocks for each thread.
            ..=0 => (if is_sliced { cores } else { cores * 3 / 2 }).min(rows / 2),
            threads => threads as u32,
        };
        let most = if is_sliced { (rows / 4).clamp(1, MOST_THREADS) } else { MOST_THREADS };
        threads.clamp(1, most)
    }

    /// The number of frames that an encoder with these parameters keeps, for frames of `height` rows on a machine with
    /// `cores` cores. x264 computes it in the same way when it is opened (`validate_parameters` and `x264_encoder_open`
    /// of 0.164).
    pub fn kept(&self, height: usize, cores: u32) -> Kept {
        let raw = &*self.0;
        let count = |value: c_int| value.max(0) as u32;
        let bframes = count(raw.i_bframe);
        let threads = self.threads(height, cores);
        let ordered =
            if raw.i_bframe_adaptive == x264::X264_B_ADAPT_TRELLIS as c_int { bframes.max(3) * 4 } else { bframes };
        let looks = raw.rc.b_mb_tree != 0 || raw.rc.i_vbv_buffer_size > 0 || raw.rc.i_vbv_max_bitrate > 0;
        let decided = if looks { ordered.max(count(raw.rc.i_lookahead)) } else { ordered };
        let ahead = match raw.i_sync_lookahead {
            _ if threads == 1 => 0,
            ..0 => bframes + 1,
            frames => count(frames),
        };
        Kept { waiting: decided + ahead + threads, references: count(raw.i_frame_reference), threads, bframes }
    }

    /// Keeps x264 from reading uninitialised memory.
    ///
    /// The AVX-512 code of its macroblock tree (seen in 0.164) does so unless the number of macroblocks in a row is a
    /// multiple of 8. The stream then depends on earlier memory use of the process. The `x264` program has the same
    /// fault, which `MALLOC_PERTURB_` makes visible.
    pub fn avoid_uninitialised_reads(&mut self) {
        const MACROBLOCK: c_int = 16;
        if (self.0.i_width + MACROBLOCK - 1) / MACROBLOCK % 8 != 0 {
            self.0.cpu &= !x264::X264_CPU_AVX512;
        }
    }

    /// Sets the colour description and sample aspect ratio of the stream, except where options already set them.
    pub fn set_color(&mut self, color: Color, aspect: Rational) {
        let vui = &mut self.0.vui;
        let fill = |field: &mut c_int, unset: c_int, value: c_int| {
            if *field == unset {
                *field = value;
            }
        };
        fill(&mut vui.i_colorprim, 2, color.primaries.0.into());
        fill(&mut vui.i_transfer, 2, color.transfer.0.into());
        fill(&mut vui.i_colmatrix, -1, color.matrix.0.into());
        if color.range != Range::Unspecified {
            fill(&mut vui.b_fullrange, -1, (color.range == Range::Full).into());
        }
        if let Some(location) = color.chroma_location.h273_type() {
            fill(&mut vui.i_chroma_loc, 0, location.into());
        }
        if vui.i_sar_width <= 0 && aspect.is_positive() {
            (vui.i_sar_width, vui.i_sar_height) = aspect_parts(aspect);
        }
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: frees the strings that the parser allocated in these parameters; encoders keep copies of their own.
        unsafe { x264::x264_param_cleanup(&mut *self.0) };
    }
}

/// Number of frames that an encoder keeps, by purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Frames that wait for the decision on their type and quantiser.
    pub waiting: u32,
    /// Reference frames.
    pub references: u32,
    /// Frames that are encoded at the same time.
    pub threads: u32,
    /// Maximum number of consecutive B-frames. The encoder keeps costs for each pair of distances.
    pub bframes: u32,
}

fn csp(format: FrameFormat) -> c_int {
    let csp = match format.chroma {
        Chroma::C400 => x264::X264_CSP_I400,
        Chroma::C420 => x264::X264_CSP_I420,
        Chroma::C422 => x264::X264_CSP_I422,
        Chroma::C444 => x264::X264_CSP_I444,
    };
    (if format.depth > 8 { csp | x264::X264_CSP_HIGH_DEPTH } else { csp }) as c_int
}

/// How a frame has to be coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// As the encoder likes.
    #[default]
    Auto,
    /// As a keyframe that decoding can begin with.
    Key,
    /// From frames before it, so that no frame before it needs one after it.
    Predicted,
}

/// A compressed frame. Its times are frame numbers.
pub struct Encoded {
    /// The coded bytes; of H.264 and HEVC, NAL units with start codes. The packet has no times and no flags.
    pub packet: Packet,
    /// Number of the input frame.
    pub pts: i64,
    /// Position in decoding order. Negative for the first frames if frames are reordered.
    pub dts: i64,
    /// True if decoding can start here.
    pub key: bool,
    /// For some frames of an encoder that follows another: a checksum (CRC-32) of the samples that a decoder must find in it.
    pub samples: Option<u32>,
}

type Log = Arc<Mutex<Vec<String>>>;

/// An open encoder.
pub struct Encoder {
    handle: NonNull<x264::x264_t>,
    format: FrameFormat,
    size: (usize, usize),
    threads: u32,
    level: u32,
    log: Log,
}

// SAFETY: an encoder may be used by any one thread at a time.
unsafe impl Send for Encoder {}

/// The reason that the encoder gave for a failure.
#[derive(Debug)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "x264 gave no reason" } else { &self.0 })
    }
}

impl std::error::Error for Refused {}

impl Encoder {
    /// Opens an encoder for frames of `format`, for which the parameters were set.
    pub fn open(mut parameters: Parameters, format: FrameFormat) -> Result<Self, Refused> {
        let log: Log = Arc::default();
        let raw = &mut *parameters.0;
        if raw.i_csp != csp(format) || raw.i_bitdepth != format.depth as c_int {
            return Err(Refused(format!("the parameters are not for {format}")));
        }
        let size = (raw.i_width.max(0) as usize, raw.i_height.max(0) as usize);
        raw.pf_log = Some(log_line);
        raw.p_log_private = Arc::as_ptr(&log).cast_mut().cast();
        raw.i_log_level = x264::X264_LOG_WARNING as c_int;
        // SAFETY: valid parameters, of which the encoder keeps a copy. The log pointer stays valid because the encoder
        // owns a reference to the log until after it is closed.
        let handle = unsafe { x264::encoder_open(raw) };
        match NonNull::new(handle) {
            Some(handle) => {
                // SAFETY: both are valid; the call fills the parameters in. They hold pointers that belong to the
                // encoder, so they are read and forgotten, not cleaned up.
                let (threads, level) = unsafe {
                    let mut used: x264::x264_param_t = mem::zeroed();
                    x264::x264_encoder_parameters(handle.as_ptr(), &mut used);
                    (used.i_threads.max(0) as u32, used.i_level_idc.max(0) as u32)
                };
                Ok(Encoder { handle, format, size, threads, level, log })
            }
            None => Err(Refused(complaints(&log).join("; "))),
        }
    }

    /// Number of frame threads in use.
    pub fn threads(&self) -> u32 {
        self.threads
    }

    /// The level of the stream, times ten (`level_idc`).
    pub fn level(&self) -> u32 {
        self.level
    }

    /// The parameter sets, and the SEI unit that names the encoder and its settings.
    pub fn headers(&mut self) -> Result<Headers, Refused> {
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        // SAFETY: the encoder is open.
        if unsafe { x264::x264_encoder_headers(self.handle.as_ptr(), &mut nals, &mut count) } < 0 {
            return Err(Refused(complaints(&self.log).join("; ")));
        }
        let mut headers = Headers { parameter_sets: Vec::new(), info: Vec::new() };
        for index in 0..count as usize {
            // SAFETY: the call returned `count` units, which stay valid until the next call.
            let (nal, bytes) = unsafe {
                let nal = &*nals.add(index);
                (nal, std::slice::from_raw_parts(nal.p_payload, nal.i_payload.max(0) as usize))
            };
            if nal.i_type == x264::nal_unit_type_e_NAL_SEI as c_int {
                headers.info.extend_from_slice(bytes);
            } else {
                headers.parameter_sets.extend_from_slice(bytes);
            }
        }
        Ok(headers)
    }

    /// Encodes a frame with its number (`pts`) and a flag that forces a keyframe. `None` flushes one delayed frame.
    /// `Ok(None)` means that no output is ready.
    pub fn encode(&mut self, frame: Option<(&Frame, i64, Coding)>) -> Result<Option<Encoded>, Refused> {
        let mut input = match frame {
            None => None,
            Some((frame, pts, coding)) => Some(self.input(frame, pts, coding)?),
        };
        let (mut nals, mut count) = (ptr::null_mut(), 0);
        let input = input.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        // SAFETY: all-zero is a valid bit pattern for this plain struct.
        let mut output: x264::x264_picture_t = unsafe { mem::zeroed() };
        // SAFETY: the encoder is open. It was opened for the format of the planes, which live during the call and are
        // copied by it.
        let size =
            unsafe { x264::x264_encoder_encode(self.handle.as_ptr(), &mut nals, &mut count, input, &mut output) };
        if size < 0 {
            return Err(Refused(complaints(&self.log).join("; ")));
        }
        if size == 0 {
            return Ok(None);
        }
        // SAFETY: the units stand one after the other, and stay valid until the next call.
        let packet = Packet::copy_of(unsafe { std::slice::from_raw_parts((*nals).p_payload, size as usize) });
        Ok(Some(Encoded { packet, pts: output.i_pts, dts: output.i_dts, key: output.b_keyframe != 0, samples: None }))
    }

    /// The description of a frame for x264. It points to the planes of `frame`.
    fn input(&self, frame: &Frame, pts: i64, coding: Coding) -> Result<x264::x264_picture_t, Refused> {
        // SAFETY: all-zero is a valid bit pattern for this plain struct.
        let mut input: x264::x264_picture_t = unsafe { mem::zeroed() };
        // SAFETY: the call fills the struct.
        unsafe { x264::x264_picture_init(&mut input) };
        input.i_pts = pts;
        let coding = match coding {
            Coding::Auto => x264::X264_TYPE_AUTO,
            Coding::Key => x264::X264_TYPE_IDR,
            Coding::Predicted => x264::X264_TYPE_P,
        };
        input.i_type = coding as c_int;
        input.img.i_csp = csp(self.format);
        let planes = frame.planes();
        // x264 reads as much of each plane as the format says.
        if frame.pixel_format().and_then(PixelFormat::frame) != Some(self.format)
            || planes.len() != self.format.planes()
            || (planes[0].width, planes[0].height) != self.size
        {
            return Err(Refused(format!("a frame is not {} of {}x{}", self.format, self.size.0, self.size.1)));
        }
        input.img.i_plane = planes.len() as c_int;
        for (index, plane) in planes.iter().enumerate() {
            input.img.plane[index] = plane.data.as_ptr().cast_mut();
            input.img.i_stride[index] = plane.stride as c_int;
        }
        Ok(input)
    }

    /// True if the encoder still holds delayed frames.
    pub fn delayed(&mut self) -> bool {
        // SAFETY: the encoder is open.
        unsafe { x264::x264_encoder_delayed_frames(self.handle.as_ptr()) > 0 }
    }

    /// The warnings of the encoder since the last call.
    pub fn complaints(&self) -> Vec<String> {
        complaints(&self.log)
    }
}

/// Data for the start of the stream.
pub struct Headers {
    /// Parameter sets with start codes.
    pub parameter_sets: Vec<u8>,
    /// The SEI unit that names the encoder, with start code. May be empty.
    pub info: Vec<u8>,
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the encoder is open and not used again; the log that it points to is dropped after it.
        unsafe { x264::x264_encoder_close(self.handle.as_ptr()) };
    }
}

fn complaints(log: &Log) -> Vec<String> {
    mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner))
}

unsafe extern "C" fn log_line(
    private: *mut c_void,
    level: c_int,
    format: *const c_char,
    args: *mut x264::__va_list_tag,
) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut line = [0 as c_char; 512];
        let mut prefix: c_int = 0;
        // SAFETY: `private` is the log that the encoder owns a reference to. The argument list has the same C type in
        // both headers; libavutil's formatter only reads it.
        let (log, line) = unsafe {
            ffmpeg_sys_next::av_log_format_line2(
                ptr::null_mut(),
                level,
                format,
                args.cast(),
                line.as_mut_ptr(),
                line.len() as c_int,
                &mut prefix,
            );
            (&*private.cast::<Mutex<Vec<String>>>(), text(line.as_ptr()).unwrap_or_default())
        };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < 32 {
            log.push(line.trim_end().to_owned());
        }
    }));
}

/// The version and the supported bit depths of the library, e.g. `0.164.3095` and `[8, 10]`.
pub fn build() -> (String, Vec<u32>) {
    let version = text_of(x264::X264_POINTVER);
    let depths = [8, 10].into_iter().filter(|&depth| opens_at(depth)).collect();
    (version, depths)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// True if the library encodes at `depth`. Tests it with a tiny encoder.
fn opens_at(depth: u32) -> bool {
    let format = FrameFormat::ycbcr(Chroma::C420, depth);
    Parameters::new(Some("ultrafast"), None).is_some_and(|mut parameters| {
        parameters.set_frame(64, 64, format, Rational::new(25, 1), true);
        parameters.0.i_threads = 1;
        Encoder::open(parameters, format).is_ok()
    })
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Encoder>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_another_format_is_refused() {
        let format = FrameFormat::ycbcr(Chroma::C444, 8);
        let parameters = |format: FrameFormat| {
            let mut parameters = Parameters::new(Some("ultrafast"), None).expect("parameters");
            parameters.set_frame(64, 64, format, Rational::new(25, 1), true);
            parameters.0.i_threads = 1;
            parameters
        };
        let mut encoder = Encoder::open(parameters(format), format).expect("an encoder");
        for name in ["yuv420p", "yuv422p", "gbrp", "yuv444p10le", "yuva444p", "gray"] {
            let frame = Frame::of_zeros(name, 64, 64);
            let refused = encoder.encode(Some((&frame, 0, Coding::Auto))).map(drop);
            assert!(refused.is_err_and(|refused| refused.0.contains("a frame is not")), "{name}");
        }
        for (number, name) in [(0, "yuv444p"), (1, "yuvj444p")] {
            let frame = Frame::of_zeros(name, 64, 64);
            assert!(encoder.encode(Some((&frame, number, Coding::Auto))).is_ok(), "{name}");
        }
        assert!(Encoder::open(parameters(FrameFormat::ycbcr(Chroma::C420, 8)), format).is_err());
        assert!(Encoder::open(parameters(FrameFormat::ycbcr(Chroma::C444, 10)), format).is_err());
    }
}
