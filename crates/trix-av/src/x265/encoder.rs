//! Owner of an open x265 encoder.
//!
//! Invariant: a parameter set, its frames and its encoder come from one function table (one depth).

use std::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use trix_model::{format::FrameFormat, frame_facts::Plane};
use x265_sys as x265;

use super::{
    analysis::{Analysis, Contents},
    api::{Api, call, csp},
    parameters::Parameters,
};
use crate::{
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    planes::checksum,
    x264::{Coding, Encoded, Headers, Refused},
};

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

/// The samples of one in so many frames of a follower are compared with those that a decoder finds.
const SAMPLED: i64 = 8;

/// An open encoder.
pub struct Encoder {
    // The order of the fields is the order in which they are freed. The encoder reads its parameters until it is closed.
    handle: Handle,
    picture: Picture,
    _parameters: Parameters,
    format: FrameFormat,
    size: (usize, usize),
    frame_threads: u32,
    /// What it puts into its analyses, if it leads.
    shares: Option<Contents>,
    /// True if it takes the decisions of a lead.
    follows: bool,
    /// What a lead has decided about the frame that came out last.
    analysis: Option<Analysis>,
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
        let follows = !used.raw().analysisLoad.is_null();
        let shares = (!used.raw().analysisSave.is_null()).then(|| Contents::of(used.raw()));
        // The copy shares the strings of the encoder. `param_free` frees only the struct, with the library's allocator,
        // and leaves the strings to the encoder.
        drop(used);
        let size = (parameters.raw().sourceWidth as usize, parameters.raw().sourceHeight as usize);
        Ok(Encoder {
            handle,
            picture,
            _parameters: parameters,
            format,
            size,
            frame_threads,
            shares,
            follows,
            analysis: None,
        })
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
        self.call(input)
    }

    /// Encodes a frame as the lead did. Frames come in the order in which those of the lead came out.
    pub fn follow(&mut self, frame: &Frame, analysis: &Analysis) -> Result<Option<Encoded>, Refused> {
        let scaled = analysis.scaled(self.format.depth);
        let input = self.input(frame, analysis.frame() as i64, Coding::Auto)?;
        self.picture.raw_mut().analysisData = *scaled.data;
        let result = self.call(input);
        // SAFETY: all-zero is a valid bit pattern for this plain struct.
        self.picture.raw_mut().analysisData = unsafe { std::mem::zeroed() };
        result
    }

    /// What a lead has decided about the frame that `encode` returned last.
    pub fn take_analysis(&mut self) -> Option<Analysis> {
        self.analysis.take()
    }

    fn call(&mut self, input: *mut x265::x265_picture) -> Result<Option<Encoded>, Refused> {
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
        // SAFETY: the encoder has just returned it.
        self.analysis = self.shares.map(|contents| unsafe { Analysis::copy(&output.analysisData, contents) });
        // SAFETY: the call returned `count` units, which stay valid until the next call.
        let (key, units) = unsafe { (has_random_access(nals, count), units(nals, count)) };
        let dts = decoding_time(output.pts, output.dts);
        let is_sample = self.follows && (key || output.pts % SAMPLED == 0);
        let samples = is_sample.then(|| self.checksum(&output));
        Ok(Some(Encoded { packet: Packet::joined(&units), pts: output.pts, dts, key, samples }))
    }

    /// The checksum of the samples of a frame as the encoder reconstructed it.
    fn checksum(&self, output: &x265::x265_picture) -> u32 {
        let depth = self.format.depth;
        let plane = |index: usize| {
            let (width, height) = self.format.plane_size(index, self.size.0, self.size.1);
            let stride = output.stride[index] as usize;
            let row = width * if depth > 8 { 2 } else { 1 };
            // SAFETY: x265 returned the planes of its frame, which is at least as large, and keeps them until the next call.
            let data = unsafe {
                std::slice::from_raw_parts(output.planes[index].cast::<u8>(), stride * (height.max(1) - 1) + row)
            };
            Plane { data, stride, width, height, depth }
        };
        checksum(&(0..self.format.planes()).map(plane).collect::<Vec<_>>())
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
    use trix_model::{format::Chroma, time::Rational};

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
