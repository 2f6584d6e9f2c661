//! The options that Trix sets itself, and the spellings in which x264 and x265 read the name of an option.
//!
//! Invariant: every spelling that a library accepts for an option is recognised as that option.

/// Options that Trix sets itself, and what to use instead.
const OWNED: &[(&str, &str)] = &[
    ("analysis-reuse-file", "options do not write files"),
    ("analysis-save", "options do not write files"),
    ("annexb", "the muxer decides how units are framed"),
    ("bff", "interlaced encoding is not offered"),
    ("bitrate", "use --bitrate"),
    ("crf", "use --crf"),
    ("csv", "options do not write files; the report is --json"),
    ("dump-yuv", "use --verify full"),
    ("field", "interlaced encoding is not offered"),
    ("force-cfr", "times come from the source"),
    ("fps", "the rate comes from the source"),
    ("frames", "use --frames"),
    ("input-csp", "use --chroma"),
    ("input-depth", "use --depth"),
    ("input-res", "use --size"),
    ("interlace", "interlaced encoding is not offered"),
    ("interlaced", "interlaced encoding is not offered"),
    ("log", "messages go to the report"),
    ("log-level", "messages go to the report"),
    ("lossless", "use --lossless"),
    ("opencl-clbin", "options do not write files"),
    ("output-csp", "use --chroma"),
    ("output-depth", "use --depth"),
    ("pass", "use --passes"),
    ("preset", "use --preset"),
    ("profile", "use --profile"),
    ("pulldown", "times come from the source"),
    ("qp", "use --qp"),
    ("qpfile", "use --force-keyframes"),
    ("recon", "use --verify full"),
    ("stats", "use --passes"),
    ("tff", "interlaced encoding is not offered"),
    ("timebase", "times come from the source"),
    ("tune", "use --tune"),
];

/// What to use instead of `option`. `None` if a job may set it.
pub(crate) fn instead(option: &str) -> Option<&'static str> {
    let (spelled, subject) = (spelled(option), subject(option));
    OWNED.iter().find(|(owned, _)| *owned == spelled || *owned == subject).map(|(_, instead)| *instead)
}

/// `option` in the spelling of the libraries' own lists. Both libraries read `_` as `-`, and x265 skips `--` at the
/// start. C text ends at its first NUL.
pub(crate) fn spelled(option: &str) -> String {
    let end = option.find('\0').unwrap_or(option.len());
    option[..end].replace('_', "-").trim_start_matches('-').to_owned()
}

/// The option that `option` sets or negates: both libraries read `no-` and `no` at the start as a negation.
pub(crate) fn subject(option: &str) -> String {
    let spelled = spelled(option);
    match spelled.strip_prefix("no") {
        Some(rest) => rest.strip_prefix('-').unwrap_or(rest).to_owned(),
        None => spelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode::options::mistakes,
        settings::video::{EncodeSettings, Encoder},
    };

    fn mistakes_of(encoder: Encoder, name: &str, value: &str) -> Vec<String> {
        let params = [(name.to_owned(), value.to_owned())].into();
        let settings = EncodeSettings { params, open_gop: Some(false), ..Default::default() };
        mistakes(encoder, &settings, 8, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_owned_option_is_refused_in_every_spelling() {
        for encoder in [Encoder::X264, Encoder::X265] {
            for (name, instead) in OWNED {
                let low = name.replace('-', "_");
                for spelling in [
                    (*name).to_owned(),
                    low.clone(),
                    format!("--{name}"),
                    format!("--_-{name}"),
                    format!("{name}\0x"),
                    format!("no-{name}"),
                    format!("no{low}"),
                    format!("--no_{low}"),
                ] {
                    let found = mistakes_of(encoder, &spelling, "x");
                    assert!(found.len() == 1 && found[0].contains(instead), "{encoder} {spelling}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn an_option_that_is_set_already_is_refused_in_every_spelling() {
        for encoder in [Encoder::X264, Encoder::X265] {
            for spelling in ["open-gop", "open_gop", "--open-gop", "no-open-gop", "noopen_gop"] {
                let found = mistakes_of(encoder, spelling, "1");
                let expected = "video.open_gop is set already";
                assert!(found.len() == 1 && found[0].ends_with(expected), "{encoder} {spelling}: {found:?}");
            }
            assert_eq!(mistakes_of(encoder, "b_adapt", "1"), Vec::<String>::new());
            let both = [("b-adapt", "1"), ("b_adapt", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let settings = EncodeSettings { params: both.into(), ..Default::default() };
            let found: Vec<String> = mistakes(encoder, &settings, 8, None).iter().map(ToString::to_string).collect();
            assert_eq!(found, ["video.params.b_adapt = 0: video.params.b-adapt is set already"]);
        }
    }

    #[test]
    fn a_name_that_only_begins_like_a_negation_is_kept() {
        assert_eq!(subject("nr"), "nr");
        assert_eq!(subject("no-deblock"), "deblock");
        assert_eq!(spelled("no_deblock"), "no-deblock");
    }
}
