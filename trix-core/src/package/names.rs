//! Names of the files of a package.

/// File name of the master playlist.
pub const MASTER: &str = "master.m3u8";
/// File name of the DASH manifest.
pub const MANIFEST: &str = "manifest.mpd";
/// File name of the playlist of a rendition, in its folder.
pub const PLAYLIST: &str = "media.m3u8";
