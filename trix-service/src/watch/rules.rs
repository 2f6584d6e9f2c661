//! Which masters a watch folder takes, and what is submitted for them.
//!
//! Invariant: the same names give the same submission.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::{
    catalogue::{Check, Submission, Track},
    config::Rule,
    error::{Error, Result},
};

/// A rule that is ready to be compared with names.
pub struct ReadyRule {
    /// The rule.
    pub rule: Rule,
    masters: GlobMatcher,
    /// A pattern for each folder on the way to the masters; `None` from `**` on.
    folders: Vec<Option<GlobMatcher>>,
}

fn glob(pattern: &str) -> std::result::Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).case_insensitive(true).build();
    Ok(glob?.compile_matcher())
}

impl ReadyRule {
    /// Reads the pattern of a rule.
    ///
    /// # Errors
    /// If the pattern is wrong.
    pub fn new(rule: &Rule) -> Result<Self> {
        let wrong = |error| Error::invalid(format!("watch rule {}: masters: {error}", rule.name));
        let masters = glob(&rule.masters).map_err(wrong)?;
        let mut folders: Vec<Option<GlobMatcher>> = Vec::new();
        let parts: Vec<&str> = rule.masters.split('/').collect();
        for part in &parts[..parts.len() - 1] {
            // A part that is no pattern by itself, such as one of `{a/b,c}`, is any folder and all below.
            folders.push(glob(part).ok().filter(|_| !part.contains("**")));
            if folders.last().is_some_and(Option::is_none) {
                break;
            }
        }
        Ok(ReadyRule { rule: rule.clone(), masters, folders })
    }

    /// True if masters of this rule can lie in a folder below the mount, or below that folder.
    pub fn may_lie_in(&self, folder: &Path) -> bool {
        let mut known = self.folders.iter();
        for part in folder.components() {
            match known.next() {
                Some(Some(pattern)) if pattern.is_match(part.as_os_str()) => {}
                Some(None) => return true,
                _ => return false,
            }
        }
        true
    }

    /// True if `path`, below the mount, is a master of this rule.
    pub fn matches(&self, path: &str) -> bool {
        self.masters.is_match(path)
    }

    /// What is submitted for a master. `beside` are the names of the files in its folder.
    pub fn submission(&self, path: &str, beside: &[String]) -> Submission {
        let own = Path::new(path);
        let stem = own.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        let folder = own.parent().map_or(String::new(), |folder| folder.to_string_lossy().into_owned());
        let below = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let mut tracks: Vec<Track> = Vec::new();
        for pattern in &self.rule.tracks {
            let pattern = pattern.replace("{stem}", &stem);
            for name in beside {
                let Some(language) = language_in(name, &pattern) else { continue };
                tracks.push(Track { files: vec![below(name)], language, offset: None });
            }
        }
        tracks.sort_by(|one, other| one.files.cmp(&other.files));
        Submission {
            check: Check::default(),
            title: self.rule.title.replace("{stem}", &stem),
            source: path.to_owned(),
            profiles: self.rule.profiles.clone(),
            set: std::collections::BTreeMap::default(),
            tracks,
            priority: self.rule.priority,
            overwrite: false,
        }
    }
}

/// `Some` if `name` is what `pattern` describes, with the language that it names, if it names one.
#[allow(clippy::option_option)]
fn language_in(name: &str, pattern: &str) -> Option<Option<String>> {
    let Some((before, after)) = pattern.split_once("{language}") else {
        return name.eq_ignore_ascii_case(pattern).then_some(None);
    };
    let language = name.strip_prefix(before)?.strip_suffix(after)?;
    let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_language.then(|| Some(language.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_without_masters_of_a_rule_are_left_out() {
        let rule =
            |masters: &str| ReadyRule::new(&Rule { masters: masters.into(), ..Rule::default() }).expect("a rule");
        let lies = |own: &ReadyRule, folder: &str| own.may_lie_in(Path::new(folder));
        let deep = rule("incoming/**/*.mov");
        assert!(lies(&deep, "") && lies(&deep, "Incoming") && lies(&deep, "incoming/a/b/c"));
        assert!(!lies(&deep, "archive") && !lies(&deep, "archive/incoming"));
        let flat = rule("studio-*/new/*.mxf");
        assert!(lies(&flat, "studio-a") && lies(&flat, "studio-a/new"));
        assert!(!lies(&flat, "studio-a/old") && !lies(&flat, "studio-a/new/more") && !lies(&flat, "a"));
        let either = rule("{a/b,c}/*.mov");
        assert!(lies(&either, "a/b") && lies(&either, "c") && either.matches("a/b/film.mov"));
        assert!(lies(&rule("*.mov"), "") && !lies(&rule("*.mov"), "folder"));
    }

    #[test]
    fn names_give_master_title_and_tracks() {
        let rule = Rule {
            name: "mail".into(),
            masters: "incoming/**/*.{mov,mxf}".into(),
            tracks: vec!["{stem}_{language}.wav".into(), "{stem}.wav".into()],
            title: "{stem} (master)".into(),
            profiles: vec!["archive".into()],
            priority: 2,
            submits: true,
        };
        let ready = ReadyRule::new(&rule).expect("a pattern");
        for (path, is_master) in [
            ("incoming/Film.mov", true),
            ("incoming/studio/Film.MXF", true),
            ("incoming/Film.mp4", false),
            ("other/Film.mov", false),
        ] {
            assert_eq!(ready.matches(path), is_master, "{path}");
        }
        let beside = ["Film.mov", "Film_RUS.wav", "Film_en.wav", "Film_stereo.wav", "Film2_de.wav", "film.WAV"];
        let found = ready.submission("incoming/studio/Film.mov", &beside.map(str::to_owned));
        let tracks: Vec<_> =
            found.tracks.iter().map(|track| (track.files[0].as_str(), track.language.as_deref())).collect();
        assert_eq!((found.title.as_str(), found.priority), ("Film (master)", 2));
        let expected = [
            ("incoming/studio/Film_RUS.wav", Some("rus")),
            ("incoming/studio/Film_en.wav", Some("en")),
            ("incoming/studio/film.WAV", None),
        ];
        // The name without a language has another stem in capital letters.
        assert_eq!(tracks, expected);
        assert!(ReadyRule::new(&Rule { masters: "a{".into(), ..rule }).is_err());
    }
}
