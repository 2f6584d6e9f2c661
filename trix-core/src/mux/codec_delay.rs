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
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use trix_av::{ability, stream::CodecParameters};
use trix_bitstream::ebml::head_of;
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::settings::job::Container;

/// Nanoseconds.
const NANO: TimeBase = TimeBase::new(1, 1_000_000_000);

/// Element identifiers with their marker bits.
mod id {
    pub const SEGMENT: u32 = 0x1853_8067;
    pub const CLUSTER: u32 = 0x1f43_b675;
    pub const TRACKS: u32 = 0x1654_ae6b;
    pub const TRACK_ENTRY: u32 = 0xae;
    pub const NAME: u32 = 0x536e;
    pub const CRC_32: u32 = 0xbf;
    pub const CODEC_DELAY: [u8; 2] = [0x56, 0xaa];
}

/// Size of CodecDelay in bytes: its identifier, its length and 32 bits of nanoseconds.
const ELEMENT: usize = 7;

/// Bytes before the text of a short name element.
const NAME_HEAD: usize = 3;

/// Samples of silence to insert before the `priming` samples of an encoder, so that the container can state the total
/// length without rounding. Matroska's times, from which readers subtract it, count milliseconds.
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

/// A delay that libavformat does not write.
pub(super) struct Missing {
    title: String,
    nanoseconds: u32,
}

impl Missing {
    /// The missing delay of a track. `None` if libavformat writes it.
    pub(super) fn new(delay: Timestamp, codec: &str, metadata: &[(String, String)]) -> Option<Self> {
        let nanoseconds = u32::try_from(delay.rescale(NANO)).ok()?;
        (!ability::matroska_delay(codec).is_written).then(|| Missing { nanoseconds, ..Missing::later(metadata) })
    }

    /// The same, for a delay that is only known when packets arrive.
    pub(super) fn later(metadata: &[(String, String)]) -> Self {
        let title = metadata.iter().find(|(key, _)| key == "title").map(|(_, title)| title.clone());
        Missing { title: title.unwrap_or_default(), nanoseconds: 0 }
    }

    /// Sets a delay that was not known before.
    pub(super) fn settle(&mut self, delay: Timestamp) {
        self.nanoseconds = u32::try_from(delay.rescale(NANO)).unwrap_or(0);
    }

    /// The track name that reserves space for the element.
    pub(super) fn placeholder(&self) -> String {
        let room = if self.title.is_empty() { ELEMENT - NAME_HEAD } else { ELEMENT };
        format!("{}{}", self.title, "-".repeat(room))
    }

    /// Replaces the name `element`, whose text is `text` bytes long.
    fn replace(&self, element: &mut [u8], text: usize) {
        let (name, delay) = element.split_at_mut(element.len() - ELEMENT);
        delay[..2].copy_from_slice(&id::CODEC_DELAY);
        delay[2] = 0x84;
        delay[3..].copy_from_slice(&self.nanoseconds.to_be_bytes());
        if !name.is_empty() {
            // The length field keeps its width, which may be larger than necessary.
            let head = name.len() + ELEMENT - text;
            let width = head - 2;
            let length = (self.title.len() as u64) | 1 << (7 * width);
            name[2..head].copy_from_slice(&length.to_be_bytes()[8 - width..]);
        }
    }
}

/// Writes the missing delays into the finished file at `path`. `missing` has one entry for each track.
///
/// # Errors
/// `Io` if the file cannot be changed, `Bug` if its track descriptions are not where libavformat puts them.
pub(super) fn complete(path: &Path, missing: &[Option<Missing>]) -> Result<()> {
    if missing.iter().all(Option::is_none) {
        return Ok(());
    }
    let io = |error| Error::io(Stage::Mux, path, "cannot be completed", error);
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let (at, length) = find_tracks(&mut file).map_err(io)?;
    let mut tracks = vec![0; length];
    file.seek(SeekFrom::Start(at)).map_err(io)?;
    file.read_exact(&mut tracks).map_err(io)?;
    enter(&mut tracks, missing).ok_or_else(|| {
        Error::bug(Stage::Mux, "the muxer did not write the names of tracks as they were given").in_file(path)
    })?;
    file.seek(SeekFrom::Start(at)).map_err(io)?;
    file.write_all(&tracks).map_err(io)
}

/// Offset and length of the content of the Tracks element.
fn find_tracks(file: &mut (impl Read + Seek)) -> io::Result<(u64, usize)> {
    let missing = || io::Error::new(io::ErrorKind::InvalidData, "no tracks before the first cluster");
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 12];
        let read = file.read(&mut head)?;
        let (element, size, width) = head_of(&head[..read]).ok_or_else(missing)?;
        at += width as u64;
        match element {
            id::TRACKS => return Ok((at, usize::try_from(size).map_err(|_| missing())?)),
            id::CLUSTER => return Err(missing()),
            id::SEGMENT => {}
            _ => at = at.checked_add(size).ok_or_else(missing)?,
        }
    }
}

/// Writes the delays into the entries of `tracks` and updates the checksum. `None` if a name is not the placeholder.
fn enter(tracks: &mut [u8], missing: &[Option<Missing>]) -> Option<()> {
    let mut entries = missing.iter();
    let mut checksum = None;
    let mut at = 0;
    while at < tracks.len() {
        let (element, size, width) = head_of(&tracks[at..])?;
        let content = at + width..at + width + usize::try_from(size).ok()?;
        match element {
            id::CRC_32 => checksum = Some(content.clone()),
            id::TRACK_ENTRY => {
                if let Some(missing) = entries.next()? {
                    enter_one(tracks.get_mut(content.clone())?, missing)?;
                }
            }
            _ => {}
        }
        at = content.end;
    }
    if let Some(place) = checksum {
        // RFC 8794, 11.3.1: covers all following bytes, little-endian.
        let sum = crc32(&tracks[place.end..]);
        tracks.get_mut(place)?.copy_from_slice(&sum.to_le_bytes());
    }
    entries.all(Option::is_none).then_some(())
}

fn enter_one(entry: &mut [u8], missing: &Missing) -> Option<()> {
    let mut at = 0;
    while at < entry.len() {
        let (element, size, width) = head_of(&entry[at..])?;
        let text = usize::try_from(size).ok()?;
        let end = at + width + text;
        if element == id::NAME {
            let is_ours = entry.get(at + width..end)? == missing.placeholder().as_bytes();
            return is_ours.then(|| missing.replace(&mut entry[at..end], text));
        }
        at = end;
    }
    None
}

/// CRC-32 of ISO 3309, bit by bit, because track descriptions are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
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

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_long_title_keeps_its_name_beside_the_delay() {
        for length in [0, 1, 119, 120, 200] {
            let missing = Missing { title: "t".repeat(length), nanoseconds: 22_000_000 };
            let text = missing.placeholder();
            let mut entry = vec![0x53, 0x6e];
            match text.len() {
                size @ 0..127 => entry.push(0x80 | size as u8),
                size => entry.extend((0x4000 | size as u16).to_be_bytes()),
            }
            entry.extend(text.as_bytes());
            let before = entry.len();
            enter_one(&mut entry, &missing).unwrap();
            assert_eq!(entry.len(), before);
            let mut at = 0;
            if length > 0 {
                let (element, size, width) = head_of(&entry).unwrap();
                assert_eq!((element, size), (id::NAME, length as u64));
                at = width + length;
            }
            assert_eq!(&entry[at..], [0x56, 0xaa, 0x84, 0x01, 0x4f, 0xb1, 0x80]);
        }
    }
}
