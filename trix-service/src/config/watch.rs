//! Settings of watch folders.

use serde::{Deserialize, Serialize};

/// Settings of watch folders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// Seconds between two looks.
    pub every: f64,
    /// Seconds without a change after which a master is whole.
    pub stable: f64,
    /// What is added to the name of a master for the file that says that it is whole: `.done`. Empty: it is whole when it is stable.
    pub done_file: String,
    /// The rules. Without one, nothing is watched.
    pub rules: Vec<Rule>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { every: 5.0, stable: 60.0, done_file: String::new(), rules: Vec::new() }
    }
}

/// A rule of a watch folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What messages call it.
    pub name: String,
    /// Masters below the mount `source`: `incoming/*.mov`. `*` stays within a folder, `**` goes through folders.
    pub masters: String,
    /// Names of audio files beside a master. `{stem}` is the name of the master without its ending, `{language}` two or three letters:
    /// `{stem}_{language}.wav`.
    #[serde(default)]
    pub tracks: Vec<String>,
    /// The title; `{stem}` is the name of the master without its ending.
    #[serde(default = "stem")]
    pub title: String,
    /// The profiles.
    pub profiles: Vec<String>,
    /// 1 is the most urgent, 5 the least.
    #[serde(default = "priority")]
    pub priority: i64,
    /// False: an operator has to submit what it matches.
    #[serde(default = "yes")]
    pub submits: bool,
}

fn stem() -> String {
    "{stem}".into()
}

fn priority() -> i64 {
    4
}

fn yes() -> bool {
    true
}
