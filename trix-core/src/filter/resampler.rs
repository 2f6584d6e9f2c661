//! The resamplers of libswresample.

use trix_av::graph::Graph;

use crate::plan::Resampler;

/// The best resampler in this build of libswresample.
pub fn best() -> Resampler {
    let soxr = Resampler::Soxr;
    if Graph::takes_audio_chain(&format!("aresample=44100:{}", options(soxr))) { soxr } else { Resampler::Swr }
}

/// Makes libswresample compute in 64-bit floating point. By itself it takes 16 or 32 bits, by the formats of input and output,
/// and with 16 bits soxr adds noise that differs from run to run.
pub(super) const INSIDE: &str = "tsf=dblp";

pub(super) fn options(resampler: Resampler) -> &'static str {
    match resampler {
        Resampler::Soxr => "resampler=soxr:precision=28",
        // Four times the default number of taps. Filter phases are computed instead of looked up.
        Resampler::Swr => "resampler=swr:filter_size=128:phase_shift=12:exact_rational=1:cutoff=0.98",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_resamplers_are_ones_that_libswresample_takes() {
        assert!(Graph::takes_audio_chain(&format!("aresample=44100:{}", options(Resampler::Swr))));
        assert!(!Graph::takes_audio_chain("aresample=44100:resampler=other"));
    }
}
