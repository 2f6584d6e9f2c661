//! The texts that a job is made of, and where in them its parts stand.
//!
//! Invariant: a place that is told can be found: the name of the document, and a line of it.

use std::path::Path;

use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::document::{
    node::{Node, Spot},
    parse::{self, Language},
};

/// Every document that was read, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    labels: Vec<String>,
}

impl Texts {
    /// Reads a document.
    pub(super) fn parse(&mut self, label: &str, text: &str, language: Language) -> Result<Node> {
        let number = self.labels.len();
        self.labels.push(label.to_owned());
        parse::parse(text, language, number).map_err(|(line, problem)| {
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, format!("line {line}: {problem}")).in_file(Path::new(label))
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.labels.len()
    }

    /// A document that is no file: the command line.
    pub(super) fn add(&mut self, label: &str) -> Spot {
        self.labels.push(label.to_owned());
        Spot { document: self.labels.len() - 1, line: 0 }
    }

    /// A spot in words: `job.toml:12`.
    pub(super) fn told(&self, spot: Spot) -> String {
        let label = self.labels.get(spot.document).map_or("", String::as_str);
        match spot.line {
            0 => label.to_owned(),
            line => format!("{label}:{line}"),
        }
    }
}
