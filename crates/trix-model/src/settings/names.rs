//! Finds two products of a job that have the same name.
//!
//! Invariant: a name is taken only if both products are made together.

use std::{collections::HashMap, path::PathBuf};

/// The names of products. Two products with one name are made together if one of them is made for every source.
#[derive(Default)]
#[doc(hidden)]
pub struct Names(HashMap<PathBuf, bool>);

impl Names {
    /// True if a product that is made together with this one has the same name. Adds the name.
    #[doc(hidden)]
    pub fn is_taken(&mut self, name: PathBuf, is_certain: bool) -> bool {
        let other = self.0.get(&name).copied();
        self.0.insert(name, other == Some(true) || is_certain);
        other.is_some_and(|other| other || is_certain)
    }
}
