//! The names of x264 and x265 options, used to suggest the closest name for a misspelled one.
//!
//! Invariant: these lists only serve suggestions. The installed library decides whether a name and a value are valid,
//! and may know more names.

use trix_model::mistake;

use crate::settings::video::Encoder;

/// ProRes profiles in the order of libavcodec's profile numbers.
pub const PRORES_PROFILES: [&str; 6] = ["proxy", "lt", "standard", "hq", "4444", "4444xq"];

/// Options of x264 0.164, as its program lists them, without those for its own input, output and progress.
const X264: &[&str] = &[
    "8x8dct",
    "alternative-transfer",
    "analyse",
    "aq-mode",
    "aq-strength",
    "asm",
    "aud",
    "avcintra-class",
    "avcintra-flavor",
    "b-adapt",
    "b-bias",
    "b-pyramid",
    "bframes",
    "bitrate",
    "bluray-compat",
    "cabac",
    "chroma-me",
    "chroma-qp-offset",
    "chromaloc",
    "cll",
    "colormatrix",
    "colorprim",
    "constrained-intra",
    "cplxblur",
    "cpu-independent",
    "cqm",
    "cqm4",
    "cqm4i",
    "cqm4ic",
    "cqm4iy",
    "cqm4p",
    "cqm4pc",
    "cqm4py",
    "cqm8",
    "cqm8i",
    "cqm8p",
    "cqmfile",
    "crf",
    "crf-max",
    "crop-rect",
    "dct-decimate",
    "deadzone-inter",
    "deadzone-intra",
    "deblock",
    "deterministic",
    "direct",
    "fake-interlaced",
    "fast-pskip",
    "filler",
    "frame-packing",
    "fullrange",
    "intra-refresh",
    "ipratio",
    "keyint",
    "level",
    "lookahead-threads",
    "mastering-display",
    "mbtree",
    "me",
    "me-range",
    "merange",
    "min-keyint",
    "mixed-refs",
    "mvrange",
    "mvrange-thread",
    "nal-hrd",
    "nr",
    "open-gop",
    "opencl",
    "opencl-clbin",
    "opencl-device",
    "overscan",
    "partitions",
    "pbratio",
    "pic-struct",
    "psnr",
    "psy",
    "psy-rd",
    "qblur",
    "qcomp",
    "qp",
    "qpmax",
    "qpmin",
    "qpstep",
    "ratetol",
    "rc-lookahead",
    "ref",
    "repeat-headers",
    "sar",
    "scenecut",
    "slice-max-mbs",
    "slice-max-size",
    "slice-min-mbs",
    "sliced-threads",
    "slices",
    "slices-max",
    "slow-firstpass",
    "sps-id",
    "ssim",
    "stitchable",
    "subme",
    "subq",
    "sync-lookahead",
    "threads",
    "transfer",
    "trellis",
    "vbv-bufsize",
    "vbv-init",
    "vbv-maxrate",
    "videoformat",
    "weightb",
    "weightp",
    "zones",
];

/// Options of x265 3.5, selected in the same way.
const X265: &[&str] = &[
    "allow-non-conformance",
    "amp",
    "analysis-load",
    "analysis-load-reuse-level",
    "analysis-reuse-file",
    "analysis-reuse-level",
    "analysis-save",
    "analysis-save-reuse-level",
    "analyze-src-pics",
    "aq-mode",
    "aq-motion",
    "aq-strength",
    "asm",
    "atc-sei",
    "aud",
    "b-adapt",
    "b-intra",
    "b-pyramid",
    "bframe-bias",
    "bframes",
    "bitrate",
    "cbqpoffs",
    "chromaloc",
    "chunk-end",
    "chunk-start",
    "cll",
    "colormatrix",
    "colorprim",
    "const-vbv",
    "constrained-intra",
    "copy-pic",
    "crf",
    "crf-max",
    "crf-min",
    "crqpoffs",
    "csv",
    "csv-log-level",
    "ctu",
    "ctu-info",
    "cu-lossless",
    "cutree",
    "deblock",
    "display-window",
    "dolby-vision-profile",
    "dup-threshold",
    "dynamic-rd",
    "dynamic-refine",
    "early-skip",
    "fades",
    "fast-intra",
    "force-flush",
    "frame-dup",
    "frame-threads",
    "gop-lookahead",
    "hash",
    "hdr-opt",
    "hdr10",
    "hdr10-opt",
    "hevc-aq",
    "high-tier",
    "hist-scenecut",
    "hme",
    "hme-range",
    "hme-search",
    "hrd",
    "idr-recovery-sei",
    "info",
    "intra-refresh",
    "ipratio",
    "keyint",
    "lambda-file",
    "level-idc",
    "limit-modes",
    "limit-refs",
    "limit-sao",
    "limit-tu",
    "log2-max-poc-lsb",
    "lookahead-slices",
    "lookahead-threads",
    "lossless",
    "lowpass-dct",
    "masking-strength",
    "master-display",
    "max-ausize-factor",
    "max-cll",
    "max-luma",
    "max-merge",
    "max-tu-size",
    "max-vbv-fullness",
    "me",
    "merange",
    "min-cu-size",
    "min-keyint",
    "min-luma",
    "min-vbv-fullness",
    "multi-pass-opt-analysis",
    "multi-pass-opt-distortion",
    "multi-pass-opt-rps",
    "nalu-file",
    "nr-inter",
    "nr-intra",
    "open-gop",
    "opt-cu-delta-qp",
    "opt-qp-pps",
    "opt-ref-list-length-pps",
    "overscan",
    "pbratio",
    "pic-struct",
    "pme",
    "pmode",
    "pools",
    "psnr",
    "psy-rd",
    "psy-rdoq",
    "qcomp",
    "qg-size",
    "qp",
    "qp-adaptation-range",
    "qpmax",
    "qpmin",
    "qpstep",
    "radl",
    "rc-grain",
    "rc-lookahead",
    "rd",
    "rd-refine",
    "rdoq-level",
    "rdpenalty",
    "rect",
    "ref",
    "refine-analysis-type",
    "refine-ctu-distortion",
    "refine-inter",
    "refine-intra",
    "refine-mv",
    "repeat-headers",
    "rskip",
    "rskip-edge-threshold",
    "sao",
    "sao-non-deblock",
    "sar",
    "scale-factor",
    "scaling-list",
    "scenecut",
    "scenecut-aware-qp",
    "scenecut-bias",
    "selective-sao",
    "signhide",
    "slices",
    "slow-firstpass",
    "splitrd-skip",
    "ssim",
    "ssim-rd",
    "strict-cbr",
    "strong-intra-smoothing",
    "subme",
    "temporal-layers",
    "temporal-mvp",
    "transfer",
    "tskip",
    "tskip-fast",
    "tu-inter-depth",
    "tu-intra-depth",
    "uhd-bd",
    "vbv-bufsize",
    "vbv-end",
    "vbv-end-fr-adj",
    "vbv-init",
    "vbv-live-multi-pass",
    "vbv-maxrate",
    "videoformat",
    "vui-hrd-info",
    "vui-timing-info",
    "weightb",
    "weightp",
    "wpp",
    "zones",
];

/// Presets of both encoders, from fastest to slowest.
pub const PRESETS: &[&str] =
    &["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"];

/// Tunes of `encoder`.
pub fn tunes(encoder: Encoder) -> &'static [&'static str] {
    match encoder {
        Encoder::X264 => &["film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency"],
        Encoder::X265 => &["psnr", "ssim", "grain", "zerolatency", "fastdecode", "animation"],
        Encoder::Ffv1 | Encoder::Prores => &[],
    }
}

/// Profiles of `encoder`.
pub fn profiles(encoder: Encoder) -> &'static [&'static str] {
    match encoder {
        Encoder::X264 => &["baseline", "main", "high", "high10", "high422", "high444"],
        Encoder::X265 => X265_PROFILES,
        Encoder::Ffv1 => &[],
        Encoder::Prores => &PRORES_PROFILES,
    }
}

/// HEVC profiles by x265's names, including still image profiles and aliases.
const X265_PROFILES: &[&str] = &[
    "main",
    "main10",
    "mainstillpicture",
    "msp",
    "main-intra",
    "main10-intra",
    "main444-8",
    "main444-intra",
    "main444-stillpicture",
    "main422-10",
    "main422-10-intra",
    "main444-10",
    "main444-10-intra",
    "main12",
    "main12-intra",
    "main422-12",
    "main422-12-intra",
    "main444-12",
    "main444-12-intra",
    "main444-16-intra",
    "main444-16-stillpicture",
];

/// The known name most similar to `name`, if any is similar.
pub fn closest(encoder: Encoder, name: &str) -> Option<&'static str> {
    let names = match encoder {
        Encoder::X264 => X264,
        Encoder::X265 => X265,
        Encoder::Ffv1 | Encoder::Prores => &[],
    };
    let (negated, bare) = match name.strip_prefix("no-") {
        Some(bare) => (true, bare),
        None => (false, name),
    };
    mistake::closest(bare, names).filter(|_| !negated)
}

#[cfg(test)]
mod tests {
    use crate::{
        encode::{
            option_names::*,
            options::{is_known, mistakes},
        },
        settings::video::EncodeSettings,
    };

    #[test]
    fn every_listed_name_is_one_that_the_library_takes() {
        for (encoder, names) in [(Encoder::X264, X264), (Encoder::X265, X265)] {
            let unknown: Vec<_> = names.iter().filter(|name| !is_known(encoder, name)).collect();
            assert!(unknown.is_empty(), "{encoder} does not know {unknown:?}");
        }
    }

    #[test]
    fn every_listed_preset_and_tune_is_one_that_the_library_takes() {
        for encoder in [Encoder::X264, Encoder::X265] {
            let plain = EncodeSettings::default();
            for preset in PRESETS {
                let settings = EncodeSettings { preset: Some((*preset).into()), ..plain.clone() };
                assert!(mistakes(encoder, &settings, 8, None).is_empty(), "{encoder} {preset}");
            }
            for tune in tunes(encoder) {
                let settings = EncodeSettings { tune: Some((*tune).into()), ..plain.clone() };
                assert!(mistakes(encoder, &settings, 8, None).is_empty(), "{encoder} {tune}");
            }
        }
    }

    #[test]
    fn slips_are_recognised_and_nonsense_is_not() {
        assert_eq!(closest(Encoder::X264, "keyimt"), Some("keyint"));
        assert_eq!(closest(Encoder::X265, "rc-lokahead"), Some("rc-lookahead"));
        assert_eq!(closest(Encoder::X265, "qwertyuiop"), None);
    }
}
