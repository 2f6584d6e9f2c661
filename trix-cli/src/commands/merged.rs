//! What happened when the documents of a job were merged.

use trix_core::{decision::Decision, document::Document};

use crate::output;

/// What may surprise in a document that was merged, as decisions for a plan or a report.
pub fn merged(document: &Document) -> impl Iterator<Item = Decision> {
    document.notes().iter().map(|note| Decision::new(note, "the job is merged from several documents"))
}

/// Prints what may surprise in a document that was merged.
pub fn print_notes(document: &Document) {
    document.notes().iter().for_each(|note| output::note(note));
}
