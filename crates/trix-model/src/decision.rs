//! Decisions that the settings left open.

use serde::{Deserialize, Serialize};

/// A decision that the job left open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// The decision.
    pub what: String,
    /// Its reason: flags of the source, a measurement, a limit of the output.
    pub why: String,
}

impl Decision {
    /// Records that `what` is done because of `why`.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Decision { what: what.into(), why: why.into() }
    }
}
