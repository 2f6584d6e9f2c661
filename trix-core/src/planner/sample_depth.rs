//! How deep the samples of an audio stream are.

use trix_av::stream::StreamFacts;

/// Whether the samples themselves, as stored, are floating point.
pub(super) fn is_float(stream: &StreamFacts) -> bool {
    stream.codec.starts_with("pcm_f")
}

/// Significant bits of a sample.
pub(super) fn bits(stream: &StreamFacts) -> u32 {
    match stream.raw_bits {
        0 => {
            // A lossy codec has no depth of its own; what it decodes to carries 24 good bits.
            if matches!(stream.codec.as_str(), "mp1" | "mp2" | "mp3") { 16 } else { 24 }
        }
        bits => bits.min(32),
    }
}

/// Bits below which rounding loses something: those of the source, and of decoders that yield floating point, those of
/// its mantissa. Stored floating point has more, since small samples keep theirs.
pub(super) fn precision(stream: &StreamFacts) -> u32 {
    // AV_SAMPLE_FMT_FLT, DBL, FLTP, DBLP.
    let decodes_to_float = matches!(stream.format, 3 | 4 | 8 | 9);
    match stream.codec.as_str() {
        _ if is_float(stream) => 32,
        _ if decodes_to_float => 24,
        _ => bits(stream),
    }
}

/// By how much a stream is deeper than others: in what is lost by rounding, then in what is stored.
pub(super) fn depth(stream: &StreamFacts) -> (u32, u32) {
    (precision(stream), bits(stream))
}
