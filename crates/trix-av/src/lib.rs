//! Owners of the objects of libav*, x264 and x265, one type to a file, and the rules for calls into C. All unsafe code
//! of Trix is here, except the raw bindings.
//!
//! Invariant: every C object has exactly one Rust owner, which frees it. Every return code becomes a `Result`. No panic
//! crosses into C. Enumerations that libav fills in are read as integers, because a hostile file determines their
//! values.

#![allow(unsafe_code)]

pub mod simd;
pub mod log;
pub mod io;
pub mod packet;
pub mod frame;
pub mod audio_frame;
pub mod planes;
pub mod pad;
pub mod image;
mod depth;
pub mod pixel;
mod rational;
pub mod named;
mod align;
pub mod frame_pool;
mod unpack;
pub mod layout;
pub mod side_data;
mod parameters;
pub mod stated;
pub mod stream;
pub mod input;
pub mod container;
mod muxer;
pub mod output;
pub mod codec;
pub mod video_encoder;
pub mod audio_encoder;
pub mod subtitle;
pub mod bsf;
pub mod graph;
pub mod x264;
pub mod x265;
pub mod version;
pub mod thread_time;
pub mod signals;
pub mod ability;
#[cfg(feature = "vmaf")]
pub mod vmaf;

use std::{
    ffi::{CStr, CString, c_char, c_int},
    fmt, ptr,
};

use ffmpeg_sys_next as av;

/// Reads a field of a C enum type as the integer in memory. Reading an unlisted value as a Rust enum would be undefined
/// behaviour.
macro_rules! enum_field {
    ($place:expr) => {
        (&raw const $place).cast::<std::ffi::c_int>().read()
    };
}
pub(crate) use enum_field;

/// A failed call into libav*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvError(pub c_int);

impl AvError {
    /// No more data. A value, not a failure.
    pub const EOF: AvError = AvError(av::AVERROR_EOF);
    /// More input or output space is needed first. A value, not a failure.
    pub const AGAIN: AvError = AvError(-(libc_errno::EAGAIN));
    /// We stopped the read.
    pub const EXIT: AvError = AvError(av::AVERROR_EXIT);
    /// This build of libavcodec lacks the encoder.
    pub const NO_ENCODER: AvError = AvError(av::AVERROR_ENCODER_NOT_FOUND);
    /// The process has no more memory.
    pub const NO_MEMORY: AvError = AvError(-(libc_errno::ENOMEM));
    /// Invalid data.
    pub const INVALID: AvError = AvError(av::AVERROR_INVALIDDATA);

    /// The error of the operating system, if this is one.
    pub fn io(self) -> Option<std::io::Error> {
        // FFmpeg's own codes are large negative four-character codes; errno values are below 4096.
        (-4096..0).contains(&self.0).then(|| std::io::Error::from_raw_os_error(-self.0))
    }
}

mod libc_errno {
    pub(super) const EAGAIN: i32 = rustix::io::Errno::AGAIN.raw_os_error();
    pub(super) const ENOMEM: i32 = rustix::io::Errno::NOMEM.raw_os_error();
}

impl fmt::Display for AvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0 as c_char; 128];
        // SAFETY: the buffer is writable for the length passed and is NUL-terminated by the call.
        let text = unsafe {
            av::av_strerror(self.0, text.as_mut_ptr(), text.len());
            CStr::from_ptr(text.as_ptr())
        };
        f.write_str(&text.to_string_lossy())
    }
}

impl std::error::Error for AvError {}

/// Turns a return code into a result: negative values are errors.
pub(crate) fn check(code: c_int) -> Result<c_int, AvError> {
    if code < 0 { Err(AvError(code)) } else { Ok(code) }
}

/// A C string from text. It ends at the first interior NUL; no caller needs one.
pub(crate) fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Text from C memory that may be null.
///
/// # Safety
/// `text` is null or points to a NUL-terminated string that lives during the call.
pub(crate) unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as promised by the caller.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A copy of `data` with `padding` zeros after it, for a C object that frees it with `av_free`.
///
/// # Panics
/// If the process is out of memory. The message names the data as `what`.
pub(crate) fn padded_copy(data: &[u8], padding: usize, what: &str) -> *mut u8 {
    // SAFETY: no preconditions.
    let copy: *mut u8 = unsafe { av::av_mallocz(data.len() + padding) }.cast();
    assert!(!copy.is_null(), "memory for {what}");
    // SAFETY: the copy has room for the data, and nothing else refers to it yet.
    unsafe { copy.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
    copy
}

/// An owned `AVDictionary`.
pub(crate) struct Dictionary(*mut av::AVDictionary);

impl Dictionary {
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut this = Dictionary(ptr::null_mut());
        for (key, value) in entries {
            let (key, value) = (c_string(key), c_string(value));
            // SAFETY: both strings live during the call, which copies them; the dictionary pointer is ours.
            unsafe { av::av_dict_set(&mut this.0, key.as_ptr(), value.as_ptr(), 0) };
        }
        this
    }

    pub(crate) fn as_mut(&mut self) -> *mut *mut av::AVDictionary {
        &mut self.0
    }

    /// Takes over a dictionary from C. Null is an empty one.
    ///
    /// # Safety
    /// `raw` is null or a dictionary that nothing else owns.
    pub(crate) unsafe fn from_raw(raw: *mut av::AVDictionary) -> Self {
        Dictionary(raw)
    }

    /// Passes the dictionary to a C object, which frees it.
    pub(crate) fn into_raw(mut self) -> *mut av::AVDictionary {
        std::mem::replace(&mut self.0, ptr::null_mut())
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or a dictionary that we own.
        unsafe { av::av_dict_free(&mut self.0) };
    }
}

/// The entries of a dictionary that another object owns.
///
/// # Safety
/// `dictionary` is null or valid during the call.
pub(crate) unsafe fn entries(dictionary: *const av::AVDictionary) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut entry: *const av::AVDictionaryEntry = ptr::null();
    loop {
        // SAFETY: the dictionary is valid; `entry` is null or came from the same dictionary.
        entry = unsafe { av::av_dict_get(dictionary, c"".as_ptr(), entry, av::AV_DICT_IGNORE_SUFFIX as c_int) };
        if entry.is_null() {
            return list;
        }
        // SAFETY: an entry holds two NUL-terminated strings.
        if let (Some(key), Some(value)) = unsafe { (text((*entry).key), text((*entry).value)) } {
            list.push((key, value));
        }
    }
}
