//! Writes the codec delay of audio tracks into Matroska: how much audio a decoder yields before the first audible
//! sample.
//!
//! Matroska has the element CodecDelay for it (RFC 9559, 5.1.4.1.28). Readers discard that much audio and move the
//! track's times back by it. Some releases of libavformat write the element only for Opus. In that case, the other
//! tracks get a name that is longer by the size of the element. When the file is complete, the element replaces the
//! extra bytes.
//!
//! Invariant: no byte of the file moves, and only the track descriptions change.

use std::{
    fs::OpenOptions,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use trix_av::{ability, stream::CodecParameters};
use trix_bitstream::{
    codec_delay::{self, Missing},
    ebml::id,
};
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    settings::job::Container,
    source::matroska::{Element, Look},
};

/// Samples of silence to insert before the `priming` samples of an encoder. Matroska counts milliseconds, so silence and
/// priming together last a whole number of them.
pub fn lead(container: Container, priming: usize, rate: u32, codec: &str) -> usize {
    // An Opus decoder itself discards exactly as much as the encoder's header states.
    if !has_lead(container, codec) || priming == 0 || rate == 0 {
        return 0;
    }
    let (mut gcd, mut rest) = (rate as usize, 1000);
    while rest != 0 {
        (gcd, rest) = (rest, gcd % rest);
    }
    // The smallest number of samples that lasts whole milliseconds.
    let step = rate as usize / gcd;
    priming.next_multiple_of(step) - priming
}

/// True if silence can come before the priming samples of a lossy `codec` in `container`: see [`lead`].
pub(crate) fn has_lead(container: Container, codec: &str) -> bool {
    has_delays(container) && codec != "opus"
}

/// True if the container has the CodecDelay element.
fn has_delays(container: Container) -> bool {
    match container {
        Container::Matroska | Container::WebM => true,
        // These have edit lists, which libavformat writes from the first packet's time.
        Container::Mp4 | Container::Mov => false,
        // These cannot state it. Their times are early by the delay.
        Container::MpegTs | Container::M2ts | Container::Mxf => false,
    }
}

/// The delay to add to the times of a track in the file, if the muxer does not add it.
pub(super) fn to_add(container: Container, parameters: &CodecParameters) -> Option<Timestamp> {
    of(container, parameters).filter(|_| !ability::matroska_delay(&parameters.codec_name()).is_added)
}

/// Duration of the inaudible start of an audio track, if the container has the element.
pub(super) fn of(container: Container, parameters: &CodecParameters) -> Option<Timestamp> {
    let (samples, rate) = parameters.priming();
    (has_delays(container) && samples > 0).then(|| Timestamp::new(samples.into(), TimeBase::new(1, rate.into())))
}

/// The delay of a track that libavformat does not write. `None` if it does.
pub(super) fn missing(delay: Timestamp, codec: &str, metadata: &[(String, String)]) -> Option<Missing> {
    let mut missing = later(metadata);
    let fits = missing.settle(delay);
    (fits && !ability::matroska_delay(codec).is_written).then_some(missing)
}

/// The same, for a delay that is only known when packets arrive.
pub(super) fn later(metadata: &[(String, String)]) -> Missing {
    let title = metadata.iter().find(|(key, _)| key == "title");
    Missing::new(title.map_or("", |(_, title)| title))
}

/// Writes the missing delays into the finished file at `path`. `missing` has one entry for each track.
///
/// # Errors
/// `Io` if the file cannot be changed, `Bug` if its track descriptions are not where libavformat puts them.
pub(super) fn complete(path: &Path, missing: &[Option<Missing>]) -> Result<()> {
    /// Maximum number of elements to look at. libavformat writes fewer than ten before the tracks.
    const ELEMENTS: usize = 64;
    if missing.iter().all(Option::is_none) {
        return Ok(());
    }
    let io = |error| Error::io(Stage::Mux, path, "cannot be completed", error);
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let found = Look::new(&mut file, ELEMENTS).and_then(|mut look| look.top(id::TRACKS)).map_err(io)?;
    let misplaced = || Error::bug(Stage::Mux, "the muxer wrote no tracks before the first cluster").in_file(path);
    let Element { start, end, .. } = found.ok_or_else(misplaced)?;
    let mut tracks = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    Read::take(&mut file, end - start).read_to_end(&mut tracks).map_err(io)?;
    codec_delay::enter(&mut tracks, missing).ok_or_else(|| {
        Error::bug(Stage::Mux, "the muxer did not write the names of tracks as they were given").in_file(path)
    })?;
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    file.write_all(&tracks).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_makes_whole_milliseconds() {
        for (rate, priming, total) in
            [(48_000, 1024, 1056), (44_100, 1024, 1323), (8000, 1024, 1024), (48_000, 256, 288), (96_000, 1024, 1056)]
        {
            assert_eq!(priming + lead(Container::Matroska, priming, rate, "aac"), total, "{rate}");
            assert_eq!(lead(Container::Mp4, priming, rate, "aac"), 0);
        }
        assert_eq!(lead(Container::Matroska, 312, 48_000, "opus"), 0);
    }
}
