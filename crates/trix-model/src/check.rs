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
    /// The failed ones of `checks` as one text. `None` if all passed.
    pub fn failed(checks: &[Check]) -> Option<String> {
        let failed = checks.iter().filter(|check| !check.ok);
        let failed: Vec<String> =
            failed.map(|check| format!("{}: expected {}, found {}", check.name, check.expected, check.found)).collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }

    /// Compares `found` with `expected`; `ok` if they are equal.
    pub fn equal<T: ToString>(name: impl Into<String>, expected: T, found: T) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Check { name: name.into(), ok: expected == found, expected, found }
    }
}
