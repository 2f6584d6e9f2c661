//! Results of verification.

use serde::{Deserialize, Serialize};

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// Name of the check.
    pub name: String,
    /// Expected value.
    pub expected: String,
    /// Found value.
    pub found: String,
    /// True if the check passed.
    pub ok: bool,
}

impl Check {
    /// Compares `found` with `expected`; `ok` if they are equal.
    pub fn equal<T: ToString>(name: impl Into<String>, expected: T, found: T) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Check { name: name.into(), ok: expected == found, expected, found }
    }
}
