//! The files of a still.

use std::path::{Path, PathBuf};

use trix_model::{
    error::{Error, Result},
    mistake::Mistake,
};

use crate::settings::still::StillFormat;

/// One file of a still, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillFile {
    /// Where it is to be written.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The image format that the extension of a path names.
///
/// # Errors
/// `InvalidSpec` for any other extension.
pub(super) fn format_of(path: &Path) -> Result<StillFormat> {
    StillFormat::from_path(path).ok_or_else(|| {
        let problem = "a name that ends in .jpg, .jpeg, .png or .webp";
        Error::of_mistakes(vec![Mistake::new("path", path.display(), problem)])
    })
}
