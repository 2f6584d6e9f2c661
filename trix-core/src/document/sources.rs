//! The texts of a job, and the places of its parts in them.
//!
//! Invariant: each reported place can be found: the name of the document and a line of it.

use std::{
    collections::HashSet,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::{Excerpt, Mistake},
};

use crate::document::{
    node::{Columns, Node, Placed, Spot},
    parse::{self, Language},
};

/// The name of the command line in messages, in place of the name of a document.
pub(super) const COMMAND_LINE: &str = "the command line";

/// The first part of the place of a mistake that is in an option and in no document.
pub(super) const OPTION: &str = "--set ";

/// Every document that was read, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    labels: Vec<String>,
    /// The documents that are files.
    pub(super) files: Vec<PathBuf>,
    /// The text of each document or argument. Empty for what Trix wrote itself.
    texts: Vec<Arc<str>>,
    /// For each document, how near to the user it is: a document that inherits is nearer than what it inherits, and of
    /// several that it inherits, the later is nearer.
    nearness: Vec<usize>,
    /// The number of documents whose inheritance is complete.
    complete: usize,
}

impl Texts {
    /// Reads a document.
    pub(super) fn parse(&mut self, label: &str, text: &str, language: Language) -> Result<Node> {
        let number = self.labels.len();
        self.labels.push(label.to_owned());
        self.texts.push(if label == COMMAND_LINE { Arc::default() } else { text.into() });
        self.nearness.push(0);
        parse::parse(text, language, number).map_err(|(spot, problem)| {
            let detail = format!("line {}: {problem}", spot.line);
            let error = Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(Path::new(label));
            error.showing(self.excerpt(spot, true))
        })
    }

    /// The line at `spot`, with its value or its key as what is wrong. `None` if neither is in a text.
    pub(super) fn excerpt(&self, spot: Spot, is_value: bool) -> Option<Excerpt> {
        let (first, second) = if is_value { (spot.value, spot.key) } else { (spot.key, spot.value) };
        let part = [first, second].into_iter().find(|part| !part.is_empty())?;
        let text = self.texts.get(spot.document).filter(|text| !text.is_empty())?;
        let line = text.lines().nth(spot.line.saturating_sub(1)).unwrap_or_default();
        Some(Excerpt::new((spot.line > 0).then_some(spot.line), line, part.start as usize..part.end as usize))
    }

    /// The number of documents.
    pub(super) fn count(&self) -> usize {
        self.labels.len()
    }

    /// Adds a source of settings that is not a file. It is nearer than all others.
    pub(super) fn add(&mut self, label: &str) -> Spot {
        self.add_text(label, Arc::default(), 0..0, 0..0)
    }

    /// Adds the option of the command line that sets `key` to `value`.
    pub(super) fn add_option(&mut self, key: &str, value: &str) -> Spot {
        let text = format!("{OPTION}{key}={value}");
        let (from, to) = (OPTION.len(), OPTION.len() + key.len());
        let end = text.len();
        self.add_text(&format!("{OPTION}{key}"), text.into(), from..to, to + 1..end)
    }

    fn add_text(&mut self, label: &str, text: Arc<str>, key: Range<usize>, value: Range<usize>) -> Spot {
        let document = self.labels.len();
        self.labels.push(label.to_owned());
        self.texts.push(text);
        self.nearness.push(0);
        self.complete(document);
        let column = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let [key, value] = [key, value].map(|part| Columns { start: column(part.start), end: column(part.end) });
        Spot { document, line: 0, key, value }
    }

    /// Notes that everything that document `number` inherits was read.
    pub(super) fn complete(&mut self, number: usize) {
        self.complete += 1;
        self.nearness[number] = self.complete;
    }

    /// True if document `one` is nearer to the user than document `other`.
    pub(super) fn is_nearer(&self, one: usize, other: usize) -> bool {
        let nearness = |number: usize| self.nearness.get(number).copied().unwrap_or(0);
        nearness(one) > nearness(other)
    }

    /// True if document `number` is an option of the command line.
    pub(super) fn is_option(&self, number: usize) -> bool {
        self.labels.get(number).is_some_and(|label| label.starts_with(OPTION))
    }

    /// The place in words: `job.toml:12`.
    pub(super) fn name(&self, spot: Spot) -> String {
        let label = self.labels.get(spot.document).map_or("", String::as_str);
        match spot.line {
            0 => label.to_owned(),
            _ if label == COMMAND_LINE => label.to_owned(),
            line => format!("{label}:{line}"),
        }
    }

    /// Returns an error with mistakes in the order of their lines, each once: at most the first 100, and at most 1000
    /// characters of each text.
    pub(super) fn error(&self, mut placed: Vec<Placed>) -> Error {
        const MOST: usize = 100;
        const MOST_LETTERS: usize = 1000;
        let mut known = HashSet::new();
        placed.retain(|Placed { mistake, .. }| {
            known.insert((mistake.place.clone(), mistake.value.clone(), mistake.problem.clone()))
        });
        placed.sort_by_key(|placed| placed.spot.order());
        let more = placed.len() > MOST;
        placed.truncate(MOST);
        let placed = placed.into_iter().map(|Placed { spot, mut mistake }| {
            mistake.line = (!mistake.place.starts_with(OPTION)).then(|| self.name(spot));
            // Without a value, it is the key that is wrong.
            mistake.excerpt = self.excerpt(spot, !mistake.value.is_empty()).map(Box::new);
            mistake
        });
        let mut mistakes: Vec<Mistake> = placed.collect();
        if more {
            mistakes.push(Mistake::new("the document", "", format!("has more mistakes than these {MOST}")));
        }
        for Mistake { place, value, problem, .. } in &mut mistakes {
            for text in [place, value, problem] {
                if let Some((end, _)) = text.char_indices().nth(MOST_LETTERS) {
                    text.replace_range(end.., "...");
                }
            }
        }
        Error::of_mistakes(mistakes)
    }
}
