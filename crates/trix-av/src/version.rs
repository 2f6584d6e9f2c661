//! Versions of the libraries in this process.

use std::ffi::c_uint;

use ffmpeg_sys_next as av;

/// Name and version of each libav* library.
pub fn libav() -> Vec<(&'static str, String)> {
    let dotted = |version: u32| format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
    let libraries: [(_, unsafe extern "C" fn() -> c_uint); 6] = [
        ("libavutil", av::avutil_version),
        ("libavcodec", av::avcodec_version),
        ("libavformat", av::avformat_version),
        ("libavfilter", av::avfilter_version),
        ("libswscale", av::swscale_version),
        ("libswresample", av::swresample_version),
    ];
    // SAFETY: these functions take nothing and return a number.
    libraries.into_iter().map(|(name, version)| (name, dotted(unsafe { version() }))).collect()
}

/// FFmpeg's own version text, e.g. `5.1.9-0+deb12u1`.
pub fn ffmpeg() -> String {
    // SAFETY: returns a static string.
    unsafe { super::text(av::av_version_info()) }.unwrap_or_default()
}

/// Licence of this build of libavcodec.
pub fn licence() -> String {
    // SAFETY: returns a static string.
    unsafe { super::text(av::avcodec_license()) }.unwrap_or_default()
}
