//! The bit depth of the samples of an audio stream.

use trix_av::stream::StreamFacts;

/// True if the stored samples are floating point.
pub(super) fn is_float(stream: &StreamFacts) -> bool {
    stream.codec.starts_with("pcm_f")
}

/// Significant bits of a sample.
pub(super) fn bits(stream: &StreamFacts) -> u32 {
    match stream.raw_bits {
        0 => {
            // A lossy codec has no depth of its own; its decoded samples carry 24 significant bits.
            if matches!(stream.codec.as_str(), "mp1" | "mp2" | "mp3") { 16 } else { 24 }
        }
        bits => bits.min(32),
    }
}

/// The number of bits below which rounding loses something: the bits of the source, or those of the mantissa if the
/// decoder yields floating point. Stored floating point has more, since small samples keep their precision.
pub(super) fn precision(stream: &StreamFacts) -> u32 {
    // AV_SAMPLE_FMT_FLT, DBL, FLTP, DBLP.
    let decodes_to_float = matches!(stream.format, 3 | 4 | 8 | 9);
    match stream.codec.as_str() {
        _ if is_float(stream) => 32,
        _ if decodes_to_float => 24,
        _ => bits(stream),
    }
}

/// The sort key of the deeper stream: first the bits that rounding would lose, then the stored bits.
pub(super) fn depth(stream: &StreamFacts) -> (u32, u32) {
    (precision(stream), bits(stream))
}
