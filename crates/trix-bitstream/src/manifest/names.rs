//! Names of the files of a package. Playlists and the manifest name the files of a rendition by these.

/// File name of the master playlist.
pub const MASTER: &str = "master.m3u8";
/// File name of the DASH manifest.
pub const MANIFEST: &str = "manifest.mpd";
/// File name of the playlist of a rendition, in its folder.
pub const PLAYLIST: &str = "media.m3u8";
/// File name of the playlist of the keyframes that start the segments, in the folder of a video rendition.
pub const KEYFRAMES: &str = "keyframes.m3u8";
/// File name of the init segment of a rendition with separate segment files.
pub const HEADER: &str = "init.mp4";
/// File name of a rendition in a single file.
pub const SINGLE: &str = "media.mp4";
/// File name of the complete text of a text rendition.
pub const WHOLE_TEXT: &str = "all.vtt";
/// Extension of a media segment.
pub const MEDIA_SEGMENT: &str = "m4s";
/// Extension of a text segment.
pub const TEXT_SEGMENT: &str = "vtt";
/// The names of all media segments, as DASH writes them (ISO/IEC 23009-1, 5.3.9.4.4).
pub const SEGMENT_TEMPLATE: &str = "$Number%05d$.m4s";

/// File name of segment `index`, counted from 0.
pub fn segment(index: usize, extension: &str) -> String {
    format!("{:05}.{extension}", index.saturating_add(1))
}
