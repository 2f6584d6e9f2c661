//! Puts the codec delay into finished track descriptions of Matroska (CodecDelay, RFC 9559, 5.1.4.1.28).
//!
//! A track gets a name that is longer by the size of the element. Later, the element replaces the extra bytes.
//!
//! Invariant: no byte of the file moves, and only the track descriptions change.

use trix_model::time::{TimeBase, Timestamp};

use crate::ebml::{self, head_of};

/// Nanoseconds.
const NANO: TimeBase = TimeBase::new(1, 1_000_000_000);

/// Element identifiers with their marker bits.
mod id {
    pub const NAME: u32 = 0x536e;
    pub const CODEC_DELAY: [u8; 2] = [0x56, 0xaa];
}

/// Size of CodecDelay in bytes: its identifier, its length and 32 bits of nanoseconds.
const ELEMENT: usize = 7;

/// Bytes before the text of a short name element.
const NAME_HEAD: usize = 3;

/// The delay of a track, for which the name of the track reserves space.
pub struct Missing {
    title: String,
    nanoseconds: u32,
}

impl Missing {
    /// No delay yet, for a track with this title; empty for none.
    pub fn new(title: &str) -> Self {
        Missing { title: title.to_owned(), nanoseconds: 0 }
    }

    /// Sets the delay. Returns false, and no delay, if it has more than 32 bits of nanoseconds.
    #[must_use]
    pub fn settle(&mut self, delay: Timestamp) -> bool {
        let nanoseconds = u32::try_from(delay.rescale(NANO));
        self.nanoseconds = nanoseconds.unwrap_or(0);
        nanoseconds.is_ok()
    }

    /// The track name that reserves space for the element.
    pub fn placeholder(&self) -> String {
        let room = if self.title.is_empty() { ELEMENT - NAME_HEAD } else { ELEMENT };
        format!("{}{}", self.title, "-".repeat(room))
    }

    /// Replaces the name `element`, whose text is `text` bytes long. `None` if its length field is too wide.
    fn replace(&self, element: &mut [u8], text: usize) -> Option<()> {
        let (name, delay) = element.split_at_mut_checked(element.len().checked_sub(ELEMENT)?)?;
        if !name.is_empty() {
            // The length field keeps its width, which may be larger than necessary.
            let head = name.len() + ELEMENT - text;
            let width = head.checked_sub(2)?;
            let length = (self.title.len() as u64) | 1 << (7 * width);
            name.get_mut(2..head)?.copy_from_slice(&length.to_be_bytes()[8usize.checked_sub(width)?..]);
        }
        delay[..2].copy_from_slice(&id::CODEC_DELAY);
        delay[2] = 0x84;
        delay[3..].copy_from_slice(&self.nanoseconds.to_be_bytes());
        Some(())
    }
}

/// Writes the delays into the entries of `tracks`, the content of the Tracks element, and updates the checksum. `missing`
/// has one entry for each track. `None` if a name is not the placeholder.
pub fn enter(tracks: &mut [u8], missing: &[Option<Missing>]) -> Option<()> {
    let mut entries = missing.iter();
    let mut checksum = None;
    let mut at = 0;
    while at < tracks.len() {
        let (element, size, width) = head_of(&tracks[at..])?;
        let content = at + width..(at + width).checked_add(usize::try_from(size?).ok()?)?;
        match element {
            ebml::id::CRC_32 => checksum = Some(content.clone()),
            ebml::id::TRACK_ENTRY => {
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
        let sum = crc32fast::hash(tracks.get(place.end..)?);
        *tracks.get_mut(place)?.first_chunk_mut::<4>()? = sum.to_le_bytes();
    }
    entries.all(Option::is_none).then_some(())
}

fn enter_one(entry: &mut [u8], missing: &Missing) -> Option<()> {
    let mut at = 0;
    while at < entry.len() {
        let (element, size, width) = head_of(&entry[at..])?;
        let text = usize::try_from(size?).ok()?;
        let end = (at + width).checked_add(text)?;
        if element == id::NAME {
            let is_ours = entry.get(at + width..end)? == missing.placeholder().as_bytes();
            return if is_ours { missing.replace(&mut entry[at..end], text) } else { None };
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_stated_in_nanoseconds() {
        let mut missing = Missing::new("");
        assert!(missing.settle(Timestamp::new(1056, TimeBase::new(1, 48_000))));
        assert_eq!(missing.nanoseconds, 22_000_000);
        assert!(!missing.settle(Timestamp::new(5, TimeBase::new(1, 1))));
        assert_eq!(missing.nanoseconds, 0);
    }

    /// A track entry with a name of `text` in a length field of `width` bytes.
    fn entry(text: &str, width: u32) -> Vec<u8> {
        let length = text.len() as u64 | 1 << (7 * width);
        let name = [&[0x53, 0x6e], &length.to_be_bytes()[8 - width as usize..], text.as_bytes()].concat();
        [&[0xae, 0x80 | name.len() as u8][..], &name].concat()
    }

    #[test]
    fn the_checksum_covers_the_changed_entries() {
        let mut missing = Missing::new("one");
        assert!(missing.settle(Timestamp::new(1056, TimeBase::new(1, 48_000))));
        let entries = [entry(&missing.placeholder(), 1), entry("two", 1)].concat();
        let mut tracks = [&[0xbf, 0x84, 0, 0, 0, 0][..], &entries].concat();
        enter(&mut tracks, &[Some(missing), None]).unwrap();
        assert_eq!(tracks[2..6], crc32fast::hash(&tracks[6..]).to_le_bytes());
        // The check value of this polynomial (CRC-32/ISO-HDLC).
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(tracks[6..13], [0xae, 0x8d, 0x53, 0x6e, 0x83, b'o', b'n']);
    }

    #[test]
    fn other_names_and_odd_elements_are_refused() {
        let entered = |tracks: &[u8], title: &str| enter(&mut tracks.to_vec(), &[Some(Missing::new(title))]);
        let name = Missing::new("").placeholder();
        assert_eq!(entered(&entry(&name, 1), ""), Some(()));
        assert_eq!(entered(&entry(&name, 1), "another"), None);
        assert_eq!(entered(&[], ""), None, "a track is missing");
        for width in 2..=8 {
            assert_eq!(entered(&entry(&name, width), ""), None, "no room for the element");
            assert_eq!(entered(&entry("titled-------", width), "titled"), Some(()));
        }
        let whole = [&[0xbf, 0x84, 0, 0, 0, 0][..], &entry(&name, 1)].concat();
        (0..whole.len()).for_each(|cut| assert_eq!(entered(&whole[..cut], ""), None));
        // A checksum that says it is longer than the rest, and one that is too short.
        assert_eq!(enter(&mut [0xbf, 0x88, 0, 0, 0, 0], &[]), None);
        assert_eq!(enter(&mut [0xbf, 0x82, 0, 0], &[]), None);
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
                assert_eq!((element, size), (id::NAME, Some(length as u64)));
                at = width + length;
            }
            assert_eq!(&entry[at..], [0x56, 0xaa, 0x84, 0x01, 0x4f, 0xb1, 0x80]);
        }
    }
}
