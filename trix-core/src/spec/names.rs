//! Whether two things that a job makes have one name.
//!
//! Invariant: a name is taken only by what is made together with it.

use std::{collections::HashMap, path::PathBuf};

/// The names of what is made. Two of one name are made together where one of them is made for every source.
#[derive(Default)]
pub(crate) struct Names(HashMap<PathBuf, bool>);

impl Names {
    /// Whether something that is made together with it has this name already; from now on, this has it.
    pub(crate) fn is_taken(&mut self, name: PathBuf, is_certain: bool) -> bool {
        let other = self.0.get(&name).copied();
        self.0.insert(name, other == Some(true) || is_certain);
        other.is_some_and(|other| other || is_certain)
    }
}
