//! HLS playlists (RFC 8216 and its second edition, draft-pantos-hls-rfc8216bis).
//!
//! [`media`] writes the playlist of a rendition, [`master`] the playlist of all renditions, and [`read`] reads the former.
//!
//! Invariant: durations add up to the length of the rendition, although each is rounded. Rates are measured.

pub mod master;
pub mod media;
pub mod read;
