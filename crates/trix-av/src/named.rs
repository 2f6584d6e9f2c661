//! What this build of FFmpeg has, by FFmpeg's names.

use std::ffi::CStr;

use ffmpeg_sys_next as av;

use super::c_string;

/// The filter `name` of this build of libavfilter. Null if there is none.
pub(crate) fn filter_named(name: &CStr) -> *const av::AVFilter {
    // SAFETY: the string lives during the call.
    unsafe { av::avfilter_get_by_name(name.as_ptr()) }
}

/// True if this build of libavfilter has a filter `name`.
pub fn has_filter(name: &str) -> bool {
    !filter_named(&c_string(name)).is_null()
}

/// The demuxer with FFmpeg's name `name`.
pub(crate) fn demuxer_named(name: &CStr) -> Option<&'static av::AVInputFormat> {
    // SAFETY: the name lives during the call; demuxers are static.
    unsafe { av::av_find_input_format(name.as_ptr()).as_ref() }
}
