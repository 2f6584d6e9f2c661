//! The plan of a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    plan::content::ContentPlan,
    settings::{container::Container, job::VerifyLevel},
};

/// A file that will be written.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FilePlan {
    /// The file.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// How it is checked.
    pub verify: VerifyLevel,
    /// True if a file of this name may be replaced.
    pub overwrite: bool,
    /// Its container.
    pub container: Container,
    /// What is written into it.
    pub content: ContentPlan,
}
