//! Which decoders limit every sample to the bit depth of its frame.
//!
//! Invariant: if this is in doubt for a decoder, its frames are checked.

/// True if libavcodec's decoder `name` limits every sample that it writes to the bit depth of the frame, whatever the
/// stream holds.
///
/// `prores` clips the results of its inverse transform, and shifts alpha of 8 or 16 bits to the depth of the frame.
///
/// All others can write more, or are in doubt. For example, `rawvideo` hands on the words of the file, `h264` adds the
/// residuals of lossless blocks without a limit, and releases of `hevc` differ in whether they limit the depth of PCM
/// blocks of chroma.
pub(super) fn is_limited_by(name: &str) -> bool {
    name == "prores"
}

#[cfg(test)]
mod tests {
    use trix_fixtures::Clip;
    use trix_model::damage::OnDamage;

    use super::*;
    use crate::{plan::Cut, reading::reader::FrameReader, settings::source::Limits, source::Source};

    /// Decodes a damaged file as far as possible. Returns the number of frames, and the number of damages.
    fn decoded(bytes: Vec<u8>, what: &str) -> (u64, u64) {
        let source = Source::from_bytes(bytes, Limits::default()).unwrap();
        let mut reader = FrameReader::new(source, OnDamage::Conceal, Cut::default(), None, 1).unwrap();
        let mut frames = 0;
        while let Ok(Some(frame)) = reader.next_frame() {
            assert!(!frame.frame.exceeds_depth(), "{what}: frame {frames}");
            frames += 1;
        }
        (frames, reader.damage().counts.values().sum())
    }

    #[test]
    fn damaged_streams_of_these_decoders_have_no_sample_above_the_bit_depth() {
        let alpha = "-c:v prores_ks -profile:v 4444 -alpha_bits 16";
        for (decoder, format, options, container) in
            [("prores", "yuv422p10le", "-c:v prores_ks -profile:v 3", "mov"), ("prores", "yuva444p10le", alpha, "mov")]
        {
            assert!(is_limited_by(decoder));
            let clip = Clip { width: 320, height: 192, frames: 5, ..Clip::of(format) };
            let whole = std::fs::read(clip.encoded(options, container)).unwrap();
            let name = |index: usize| whole[index + 4..index + 8] == *b"mdat";
            let start = (0..whole.len() - 8).find(|index| name(*index)).expect("media data");
            let size = u32::from_be_bytes(whole[start..start + 4].try_into().unwrap()) as usize;
            let (mut frames, mut damages) = (0, 0);
            let mut state = 1u64;
            for _ in 0..24 {
                let mut bytes = whole.clone();
                for _ in 0..8 {
                    // A linear congruential generator with the constants of Knuth's MMIX.
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    bytes[start + 8 + (state >> 33) as usize % (size - 8)] ^= (state >> 24) as u8 | 1;
                }
                let (decoded, damage) = decoded(bytes, &format!("{format} {options}"));
                (frames, damages) = (frames + decoded, damages + damage);
            }
            assert!(frames > 24 && damages > 0, "{format} {options}: {frames} frames, {damages} damages");
        }
    }
}
