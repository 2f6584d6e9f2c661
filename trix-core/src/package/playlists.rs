//! The playlists and the manifest as files of a package.

use std::{fs, path::Path};

use trix_bitstream::{
    dash, hls,
    manifest::{
        Content, Manifest,
        names::{KEYFRAMES, MANIFEST, MASTER, PLAYLIST},
    },
};
use trix_model::error::Result;

use super::track::unwritable;

/// Writes all playlists and the manifest. `target` is the target duration in seconds.
pub(super) fn write(root: &Path, manifest: &Manifest, target: u64) -> Result<()> {
    let put = |path: &Path, text: String| fs::write(path, text).map_err(|error| unwritable(path, error));
    for rendition in &manifest.media {
        let folder = root.join(&rendition.description.id);
        put(&folder.join(PLAYLIST), hls::media::playlist(rendition, target))?;
        if matches!(rendition.content, Content::Video(_)) {
            put(&folder.join(KEYFRAMES), hls::media::keyframes(rendition, target))?;
        }
    }
    for text in &manifest.texts {
        put(&root.join(&text.description.id).join(PLAYLIST), hls::media::texts(text, target))?;
    }
    put(&root.join(MASTER), hls::master::playlist(manifest))?;
    put(&root.join(MANIFEST), dash::manifest(manifest))
}
