//! Mistakes in a job.
//!
//! Invariant: all mistakes of a job are reported at once, each with its place, its value and what is legal there.

use std::{fmt, ops::Range};

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
    /// The line itself, and the part of it that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Box<Excerpt>>,
}

impl Mistake {
    /// Reports `problem` with `value` at `place`.
    pub fn new(place: impl Into<String>, value: impl ToString, problem: impl Into<String>) -> Self {
        Mistake { place: place.into(), value: value.to_string(), problem: problem.into(), line: None, excerpt: None }
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
        let Mistake { place, value, problem, line, .. } = self;
        if let Some(line) = line {
            write!(f, "{line}: ")?;
        }
        match value.as_str() {
            "" => write!(f, "{place}: {problem}"),
            value => write!(f, "{place} = {value}: {problem}"),
        }
    }
}

/// Mistakes in words, a line for each.
pub fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// A line of a document, or an argument of the command line, and the part of it that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Excerpt {
    /// Number of the line in its document, from one. An argument of the command line has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The line. `...` stands for the rest of a long one.
    pub text: String,
    /// Start of the wrong part in `text`, in characters.
    pub start: usize,
    /// Length of the wrong part, in characters: 1 or more. It can begin behind the last character, where something is
    /// missing.
    pub length: usize,
}

impl Excerpt {
    /// The largest number of characters of a line that are shown, and those of them that stand before the wrong part.
    const MOST: usize = 160;
    const BEFORE: usize = 60;

    /// An excerpt of a line whose number is `line`. `part` is the wrong part, in bytes; it is moved to the borders of
    /// characters.
    pub fn new(line: Option<usize>, text: &str, part: Range<usize>) -> Self {
        let text = text.lines().next().unwrap_or_default();
        let characters = |end: usize| text.char_indices().take_while(|(at, _)| *at < end).count();
        let (mut start, end) = (characters(part.start), characters(part.end));
        let all = text.chars().count();
        let skipped = if all > Self::MOST { start.saturating_sub(Self::BEFORE) } else { 0 };
        let mut shown: String = text.chars().skip(skipped).take(Self::MOST).collect();
        let mut length = end.saturating_sub(start).min((skipped + Self::MOST).saturating_sub(start)).max(1);
        start -= skipped;
        length = length.min(shown.chars().count().saturating_sub(start).max(1));
        if skipped > 0 {
            shown.insert_str(0, "...");
            start += 3;
        }
        if skipped + Self::MOST < all {
            shown.push_str("...");
        }
        Excerpt { line, text: shown, start, length }
    }

    /// The wrong part of `text`, in bytes. It is empty behind the last character.
    pub fn bytes(&self) -> Range<usize> {
        let byte = |character: usize| self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at);
        byte(self.start)..byte(self.start.saturating_add(self.length))
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

/// The words `did you mean NAME? ` for a message that lists the names `known`, with the one nearest to `name`. Empty if
/// none is similar.
pub fn hint(name: &str, known: &[&str]) -> String {
    closest(name, known).map_or(String::new(), |near| format!("did you mean {near}? "))
}

/// A message about `name`, which is none of the names `known`.
pub fn none_of(name: &str, known: &[&str]) -> String {
    let hint = closest(name, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!("'{name}' is none of {}{hint}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_counts_characters_and_stays_within_its_line() {
        let excerpt = Excerpt::new(Some(3), "titel = \"\u{e9}t\u{e9}\", x = 5\nnext", 9..14);
        assert_eq!((excerpt.line, excerpt.text.as_str()), (Some(3), "titel = \"\u{e9}t\u{e9}\", x = 5"));
        assert_eq!((excerpt.start, excerpt.length, &excerpt.text[excerpt.bytes()]), (9, 3, "\u{e9}t\u{e9}"));
        for (part, found) in [(18..90, " = 5"), (90..95, ""), (3..3, "e")] {
            let excerpt = Excerpt::new(None, "titel = \"ab\",    x = 5", part.clone());
            assert_eq!(&excerpt.text[excerpt.bytes()], found, "{part:?}: {excerpt:?}");
            assert!(excerpt.length >= 1, "{excerpt:?}");
        }
    }

    #[test]
    fn a_long_line_is_shortened_around_what_is_wrong() {
        let line = format!("{}WRONG{}", "a".repeat(5000), "b".repeat(5000));
        let excerpt = Excerpt::new(Some(1), &line, 5000..5005);
        assert_eq!(excerpt.text, format!("...{}WRONG{}...", "a".repeat(60), "b".repeat(95)));
        assert_eq!(&excerpt.text[excerpt.bytes()], "WRONG");
        let first = Excerpt::new(Some(1), &line, 0..10_000);
        assert_eq!((first.start, first.length, first.text.len()), (0, 160, 163));
        let last = Excerpt::new(Some(1), &line, 10_000..10_005);
        assert_eq!((&last.text[last.bytes()], last.text.len()), ("bbbbb", 68));
    }
}
