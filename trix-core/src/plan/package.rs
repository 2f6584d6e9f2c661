//! The plan of a package.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trix_model::{decision::Decision, time::Timestamp};

use crate::{
    plan::{
        content::ContentPlan,
        metadata::{SubtitlePlan, TrackTags},
    },
    spec::package::PackageSettings,
};

/// A package that will be written.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackagePlan {
    /// The folder.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// True if a folder of this name may be replaced.
    pub overwrite: bool,
    /// How it is cut.
    pub settings: PackageSettings,
    /// Its renditions of video and audio.
    pub renditions: Vec<RenditionPlan>,
    /// Its renditions of text.
    pub subtitles: Vec<TextPlan>,
    /// What is presented at time zero of all of them, in the source's time.
    pub origin: Timestamp,
    /// What was decided without being asked.
    pub decisions: Vec<Decision>,
    /// What the source has and the package will not.
    pub notes: Vec<String>,
}

/// A rendition of video or audio.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RenditionPlan {
    /// Its name, and that of its folder.
    pub id: String,
    /// What is written into it.
    pub content: ContentPlan,
}

/// A rendition of text.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TextPlan {
    /// Its name, and that of its folder.
    pub id: String,
    /// What is converted to WebVTT.
    pub subtitle: SubtitlePlan,
    /// Language, title and purpose.
    pub tags: TrackTags,
}
