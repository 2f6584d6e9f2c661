//! Language tags for each place in a package.
//!
//! Invariant: a language without a two-letter code keeps its original tag. Nothing is guessed.

use crate::{
    mux::TrackSpec,
    settings::language::{terminological, two_letters},
};

/// The language tag of a track (BCP 47) in its shortest form, as RFC 5646, 2.2.1 requires. `None` if unknown.
pub(super) fn tag(spec: &TrackSpec) -> Option<String> {
    let tag = spec.metadata.iter().find(|(key, _)| key == "language").map(|(_, value)| value.trim())?;
    shortest(tag)
}

fn shortest(tag: &str) -> Option<String> {
    let (primary, rest) = tag.split_once(['-', '_']).map_or((tag, None), |(primary, rest)| (primary, Some(rest)));
    let primary = primary.to_ascii_lowercase();
    let is_plain = (2..=8).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_lowercase());
    let rest_is_plain = rest.is_none_or(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    if !is_plain || !rest_is_plain || primary == "und" {
        return None;
    }
    let short = two_letters(&primary).unwrap_or(&primary);
    Some(rest.map_or_else(|| short.to_owned(), |rest| format!("{short}-{rest}")))
}

/// The ISO 639-2/T code for the header of an MP4 track. `und` if there is none.
pub(super) fn three_letters(spec: &TrackSpec) -> String {
    let tag = tag(spec).unwrap_or_default();
    let primary = tag.split('-').next().unwrap_or_default();
    let long = if primary.len() == 2 { terminological(primary) } else { Some(primary) };
    long.filter(|code| code.len() == 3).unwrap_or("und").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_the_shortest() {
        for (tag, expected) in [
            ("eng", Some("en")),
            ("ger", Some("de")),
            ("deu", Some("de")),
            ("rus", Some("ru")),
            ("sr-Latn", Some("sr-Latn")),
            ("zho-Hant", Some("zh-Hant")),
            ("fil", Some("fil")),
            ("en", Some("en")),
            ("cze", Some("cs")),
            ("hbs", Some("hbs")),
            ("qaa", Some("qaa")),
            ("und", None),
            ("", None),
            ("English language", None),
        ] {
            assert_eq!(shortest(tag).as_deref(), expected, "{tag}");
        }
    }
}
