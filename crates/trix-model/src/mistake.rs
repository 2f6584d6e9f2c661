//! Mistakes in a job.
//!
//! Invariant: all mistakes of a job are reported at once, each with its place, its value and what is legal there.

use std::fmt;

/// One thing that is wrong with a job.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Mistake {
    /// Place in the job, e.g. `outputs[1].video.depth`.
    pub place: String,
    /// Value at this place.
    pub value: String,
    /// What is wrong with the value, and what is legal.
    pub problem: String,
    /// Document and line of the value, such as `job.toml:12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Mistake {
    /// Reports `problem` with `value` at `place`.
    pub fn new(place: impl Into<String>, value: impl ToString, problem: impl Into<String>) -> Self {
        Mistake { place: place.into(), value: value.to_string(), problem: problem.into(), line: None }
    }

    /// Puts `place`, such as `outputs[1].`, before the place of this mistake. Places in the source and `threads` belong
    /// to the job and stay as they are.
    pub fn enter(&mut self, place: &str) {
        let own = self.place.strip_prefix("output.").unwrap_or(&self.place);
        if !own.starts_with("source") && own != "threads" {
            self.place = format!("{place}{own}");
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { place, value, problem, line } = self;
        if let Some(line) = line {
            write!(f, "{line}: ")?;
        }
        match value.as_str() {
            "" => write!(f, "{place}: {problem}"),
            value => write!(f, "{place} = {value}: {problem}"),
        }
    }
}

/// The known name nearest to `name` by edit distance. `None` if no name is similar.
pub fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
    let (nearest, distance) =
        known.iter().map(|known| (*known, distance(known))).min_by_key(|(known, distance)| (*distance, known.len()))?;
    // If more than a third of the letters differ, it is another word and not a typing error.
    (distance <= name.len().div_ceil(3)).then_some(nearest)
}
