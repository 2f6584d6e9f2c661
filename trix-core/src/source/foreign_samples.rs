//! Finds samples that libavformat does not read.

use trix_av::stream::StreamFacts;
use trix_model::time::Timestamp;

use super::{
    movie::{read, track_of},
    opened::Source,
};

/// Finds tracks of an MP4 or MOV file with samples of several codecs. libavformat reads the samples of only one codec.
/// Returns the stream index, the decoding time of the first sample of another codec, and that codec.
pub(crate) fn foreign_samples(source: &Source) -> Vec<(usize, Timestamp, String)> {
    let movie = source.reader().ok().and_then(|mut reader| read(&mut reader));
    let Some(movie) = movie else { return Vec::new() };
    let named = |codec: [u8; 4]| String::from_utf8_lossy(&codec).into_owned();
    let foreign = |facts: &StreamFacts| {
        let (time, codec) = track_of(&movie, facts)?.foreign()?;
        Some((facts.index, time, named(codec)))
    };
    source.streams().iter().filter_map(foreign).collect()
}
