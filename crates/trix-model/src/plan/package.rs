//! The plan of a package.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::{
        content::ContentPlan,
        metadata::{SubtitlePlan, TrackTags},
    },
    settings::package::PackageSettings,
    time::Timestamp,
};

/// The plan of one package.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackagePlan {
    /// The folder.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// True if a folder of this name may be replaced.
    pub overwrite: bool,
    /// How it is segmented.
    pub settings: PackageSettings,
    /// Its renditions of video and audio.
    pub renditions: Vec<RenditionPlan>,
    /// Its subtitle renditions.
    pub subtitles: Vec<TextPlan>,
    /// The source time at time zero of all renditions.
    pub origin: Timestamp,
    /// Automatic decisions.
    pub decisions: Vec<Decision>,
    /// Content of the source that the package lacks.
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

/// A subtitle rendition.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TextPlan {
    /// Its name, and that of its folder.
    pub id: String,
    /// The subtitles that are converted to WebVTT.
    pub subtitle: SubtitlePlan,
    /// Language, title and purpose.
    pub tags: TrackTags,
}
