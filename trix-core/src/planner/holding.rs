//! The streams that a container can hold, by the tables of Trix and those of libavformat.

use trix_av::{
    output::{muxer_holds, muxer_knows},
    stream::CodecParameters,
};
use trix_model::time::TimeBase;

use crate::settings::container::Container;

/// Checks that the container can hold what `parameters` describe. The error is the reason why not.
pub(super) fn holds(container: Container, parameters: &CodecParameters, time_base: TimeBase) -> Result<(), String> {
    // libavformat accepts s302m for Matroska too, and then fails to write it.
    if parameters.codec_name() == "s302m" && container != Container::MpegTs {
        return Err(format!("{} cannot hold s302m", container.name()));
    }
    // Newer releases of libavformat write PCM into MP4 (ISO/IEC 23003-5), which few players read.
    if parameters.codec_name().starts_with("pcm_") && container == Container::Mp4 {
        return Err(format!("{} cannot hold {}", container.muxer(), parameters.codec_name()));
    }
    muxer_holds(container.muxer(), container.codecs(), parameters, time_base)
}

/// True if the container can hold streams of `codec`, by FFmpeg's name.
pub(super) fn knows(container: Container, codec: &str) -> bool {
    container.codecs().map_or_else(|| muxer_knows(container.muxer(), codec), |codecs| codecs.contains(&codec))
}
