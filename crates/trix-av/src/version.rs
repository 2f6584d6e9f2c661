//! Versions of the libraries in this process.

use ffmpeg_sys_next as av;

/// Name and version of each libav* library.
pub fn libav() -> Vec<(&'static str, String)> {
    let dotted = |version: u32| format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
    // SAFETY: these calls take nothing and return a number.
    unsafe {
        vec![
            ("libavutil", dotted(av::avutil_version())),
            ("libavcodec", dotted(av::avcodec_version())),
            ("libavformat", dotted(av::avformat_version())),
            ("libavfilter", dotted(av::avfilter_version())),
            ("libswscale", dotted(av::swscale_version())),
            ("libswresample", dotted(av::swresample_version())),
        ]
    }
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
