//! CMAF tracks (ISO/IEC 23000-19): a header and segments, as bytes.
//!
//! [`boundaries`] chooses where segments begin. [`samples`] turns packets into samples, [`fragment`] samples into a segment.
//! [`header`] writes what comes before the first segment, around a sample entry ([`crate::sample_entry`]). [`codecs`]
//! and [`rates`] give what playlists say of a track: the name of its codec and its bit rates.
//!
//! Times: the decode time of a segment is the time of its first frame. If frames are reordered, all of them are delayed
//! by the same amount, and an edit in the header removes this delay. Signed offsets without an edit would mean the
//! same. But libavformat, and every program that uses it to read, would then show these frames later than their audio.
//! If an encoder yields priming samples, audio begins before zero, and an edit in the header states this too.

pub mod boundaries;
pub mod codecs;
pub mod fragment;
pub mod header;
pub mod rates;
pub mod samples;
