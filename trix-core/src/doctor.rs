//! Lists what this build can do, and the packages that provide the rest.

use serde::{Deserialize, Serialize};
use trix_av::{codec, named, version, x264, x265};

use crate::report::Library;

/// What this build can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Doctor {
    /// Version of Trix.
    pub trix: String,
    /// The libraries that it runs with.
    pub libraries: Vec<Library>,
    /// FFmpeg's licence as built.
    pub ffmpeg_licence: String,
    /// Depths that x264 encodes.
    pub x264_depths: Vec<u32>,
    /// Depths that x265 encodes.
    pub x265_depths: Vec<u32>,
    /// Each thing that a job may need.
    pub needs: Vec<Need>,
    /// Decoders in libavcodec.
    pub decoders: Vec<String>,
    /// True if nothing is missing.
    pub ok: bool,
}

/// A thing that a job may need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Need {
    /// What.
    pub name: String,
    /// True if it is there.
    pub present: bool,
    /// What lacks without it.
    pub purpose: String,
    /// The Debian package that brings it.
    pub package: String,
}

/// The libraries that this process runs with.
pub(crate) fn libraries() -> Vec<Library> {
    let library = |name: &str, version: String| Library { name: name.to_owned(), version };
    let mut list =
        vec![library("ffmpeg", version::ffmpeg()), library("x264", x264::build().0), library("x265", x265::build().0)];
    list.extend(version::libav().into_iter().map(|(name, version)| library(name, version)));
    list
}

/// Examines the libraries that this process runs with.
pub fn examine() -> Doctor {
    let decoders = codec::names(false);
    let encoders = codec::names(true);
    let (x264_depths, x265_depths) = (x264::build().1, x265::build().1);
    let mut needs = Vec::new();
    let mut need = |name: String, present: bool, purpose: &str, package: &str| {
        needs.push(Need { name, present, purpose: purpose.to_owned(), package: package.to_owned() });
    };
    for depth in [8, 10] {
        need(format!("x264 at {depth} bits"), x264_depths.contains(&depth), "H.264 copies", "libx264-dev");
    }
    for depth in [8, 10, 12] {
        need(format!("x265 at {depth} bits"), x265_depths.contains(&depth), "HEVC copies", "libx265-dev");
    }
    for (name, purpose) in [
        ("prores", "ProRes masters"),
        ("dnxhd", "DNxHD and DNxHR masters"),
        ("mpeg2video", "XDCAM, IMX and HDV masters"),
        ("jpeg2000", "JPEG 2000 masters"),
        ("h264", "H.264 sources, and verification of copies"),
        ("hevc", "HEVC sources, and verification of copies"),
        ("ffv1", "FFV1 archives"),
        ("vp9", "VP9 sources"),
        ("aac", "AAC audio"),
        ("pcm_s24le", "PCM audio"),
    ] {
        let present = decoders.iter().any(|known| known == name);
        need(format!("decoder {name}"), present, purpose, "libavcodec-dev");
    }
    let av1 = ["libdav1d", "libaom-av1", "av1"].iter().any(|name| decoders.iter().any(|known| known == name));
    need("decoder for AV1".to_owned(), av1, "AV1 sources", "libavcodec-dev");
    for (name, purpose) in [("aac", "AAC audio"), ("flac", "FLAC audio"), ("pcm_s24le", "PCM audio")] {
        need(format!("encoder {name}"), encoders.iter().any(|known| known == name), purpose, "libavcodec-dev");
    }
    need(
        "filter zscale (zimg)".to_owned(),
        named::has_filter("zscale"),
        "dithered depth conversion; swscale does it otherwise",
        "libavfilter-dev",
    );
    let ok = needs.iter().all(|need| need.present);
    Doctor {
        trix: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: libraries(),
        ffmpeg_licence: version::licence(),
        x264_depths,
        x265_depths,
        needs,
        decoders,
        ok,
    }
}
