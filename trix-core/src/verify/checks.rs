//! Collects comparisons of expected with found values.

use trix_model::{
    check::Check,
    time::{TimeBase, Timestamp},
};

/// The comparisons so far.
#[derive(Default)]
pub(super) struct Checks(pub(super) Vec<Check>);

impl Checks {
    pub(super) fn equal<T: ToString>(&mut self, name: &str, expected: T, found: T) {
        self.0.push(Check::equal(name, expected, found));
    }

    pub(super) fn judged<T: ToString>(&mut self, name: &str, expected: T, found: T, ok: bool) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.0.push(Check { name: name.to_owned(), expected, found, ok });
    }

    pub(super) fn near(&mut self, name: &str, expected: Option<Timestamp>, found: Option<Timestamp>, micros: i64) {
        let text = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |time| time.to_string());
        let ok = match (expected, found) {
            (Some(expected), Some(found)) => {
                let micro = TimeBase::new(1, 1_000_000);
                (expected.rescale(micro) - found.rescale(micro)).abs() <= micros
            }
            (None, None) => true,
            _ => false,
        };
        self.0.push(Check { name: name.to_owned(), expected: text(expected), found: text(found), ok });
    }
}
