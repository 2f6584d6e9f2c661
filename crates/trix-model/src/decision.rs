//! Decisions that the settings left open.

use serde::{Deserialize, Serialize};

/// Something that was decided without being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// What is done.
    pub what: String,
    /// What it follows from: flags of the source, a measurement, a limit of the output.
    pub why: String,
}

impl Decision {
    /// Records that `what` is done because of `why`.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Decision { what: what.into(), why: why.into() }
    }
}
