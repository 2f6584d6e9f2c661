//! Repairs the edit list of MP4 and MOV if frames are shown before the keyframe that precedes them in the file.
//!
//! Invariant: only the edit list of the one track changes, in place: no byte of the file moves. libavformat starts the
//! track at the first frame in the file, which hides frames that are shown earlier.

use std::ops::Range;

use trix_model::time::{TimeBase, Timestamp};

use crate::boxes;

/// The track whose edit list is wrong.
pub struct Shown {
    /// Index of the track.
    pub track: usize,
    /// Presentation time of the first frame in the file.
    pub first: Timestamp,
    /// Earliest presentation time.
    pub earliest: Timestamp,
}

/// Finds a box named `name` in `range`, after the first `skip` boxes of that name. Returns the range of its content.
fn find(data: &[u8], range: Range<usize>, name: &[u8; 4], skip: usize) -> Option<Range<usize>> {
    boxes::all(data, range).filter(|(found, _)| found == name).nth(skip).map(|(_, content)| content)
}

/// Starts the video track with the frame that is shown first. `moov` is the whole box, and `movie` is the movie's time
/// base. `None`, and nothing changes, if the box does not have libavformat's structure.
///
/// libavformat writes an empty edit up to the first frame in the file, then one edit from that frame on (ISO/IEC
/// 14496-12, 8.6.6: duration in movie ticks, media time in track ticks).
pub fn repair(moov: &mut [u8], shown: &Shown, movie: TimeBase) -> Option<()> {
    const BOX_HEADER: usize = 8;
    let trak = find(moov, BOX_HEADER..moov.len(), b"trak", shown.track)?;
    let edts = find(moov, trak, b"edts", 0)?;
    let elst = find(moov, edts.clone(), b"elst", 0)?;
    let wide = match moov.get(elst.start)? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let (width, entry) = if wide { (8, 20) } else { (4, 12) };
    let number = |moov: &[u8], at: usize| {
        let bytes = moov.get(at..at + width)?;
        Some(bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let entries = elst.start + 8;
    let [empty, real] = [entries, entries + entry];
    let all_ones = if wide { u64::MAX } else { u32::MAX.into() };
    // The list fills its box, and nothing follows it.
    if elst.end != edts.end || elst.end != real + entry {
        return None;
    }
    if boxes::u32_at(moov, entries - 4)? != 2 || number(moov, empty + width)? != all_ones {
        return None;
    }
    let (first, earliest) = (shown.first.rescale(movie), shown.earliest.rescale(movie));
    let duration = number(moov, real)?.checked_add_signed(first.checked_sub(earliest)?)?;
    let behind = shown.earliest.rescale(shown.first.base).checked_sub(shown.first.ticks)?;
    let media = number(moov, real + width)?.checked_add_signed(behind)?;
    let put = |moov: &mut [u8], at: usize, value: u64| {
        moov[at..at + width].copy_from_slice(&value.to_be_bytes()[8 - width..]);
    };
    put(moov, real, duration);
    put(moov, real + width, media);
    if earliest > 0 {
        put(moov, empty, earliest as u64);
        return Some(());
    }
    // No empty edit is left. Move the other edit to the front, and turn its old place into a free box after the list.
    moov.copy_within(real..real + entry, empty);
    moov[entries - 4..entries].copy_from_slice(&1u32.to_be_bytes());
    for content in [&edts, &elst] {
        let start = content.start - BOX_HEADER;
        let size = (content.end - start - entry) as u32;
        moov[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }
    let free = edts.end - entry;
    moov[free..free + 4].copy_from_slice(&(entry as u32).to_be_bytes());
    moov[free + 4..free + 8].copy_from_slice(b"free");
    moov[free + 8..free + entry].fill(0);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::Writer;

    const MILLI: TimeBase = TimeBase::new(1, 1000);

    /// A moov box with two tracks. The second has an empty edit of 80 ms and then an edit from media tick `media` on.
    fn moov(wide: bool, media: u64) -> Vec<u8> {
        let mut to = Writer::new();
        let number = |to: &mut Writer, value: u64| match wide {
            true => to.u64(value),
            false => to.u32(value as u32),
        };
        to.within(b"moov", |to| {
            to.within(b"trak", |_| {});
            to.within(b"trak", |to| {
                to.within(b"edts", |to| {
                    to.full(b"elst", u8::from(wide), 0, |to| {
                        to.u32(2);
                        for (duration, media) in [(80, u64::MAX), (2000, media)] {
                            number(to, duration);
                            number(to, media);
                            to.u32(0x1_0000);
                        }
                    });
                });
                to.within(b"mdia", |to| to.u32(7));
            });
        });
        to.into_bytes()
    }

    /// The edits of the second track: duration and media time.
    fn edits(moov: &[u8], wide: bool) -> Vec<(u64, u64)> {
        let trak = find(moov, 8..moov.len(), b"trak", 1).unwrap();
        assert!(find(moov, trak.clone(), b"mdia", 0).is_some(), "the next box stays where it is");
        let elst = find(moov, find(moov, trak, b"edts", 0).unwrap(), b"elst", 0).unwrap();
        let count = boxes::u32_at(moov, elst.start + 4).unwrap() as usize;
        let (width, entry) = if wide { (8, 20) } else { (4, 12) };
        assert_eq!(elst.len(), 8 + count * entry);
        let number = |at: usize| moov[at..at + width].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        (0..count).map(|index| elst.start + 8 + index * entry).map(|at| (number(at), number(at + width))).collect()
    }

    fn shown(track: usize, first: i64, earliest: i64) -> Shown {
        let time = |ticks| Timestamp::new(ticks, TimeBase::new(1, 12_800));
        Shown { track, first: time(first), earliest: time(earliest) }
    }

    #[test]
    fn the_track_starts_with_the_frame_that_is_shown_first() {
        for wide in [false, true] {
            let empty = if wide { u64::MAX } else { u32::MAX.into() };
            // Two frames of 40 ms are shown before the first frame in the file, at 80 ms.
            let mut some = moov(wide, 1024);
            repair(&mut some, &shown(1, 1024, 512), MILLI).unwrap();
            assert_eq!(edits(&some, wide), [(40, empty), (2040, 512)]);
            let mut none = moov(wide, 1024);
            repair(&mut none, &shown(1, 1024, 0), MILLI).unwrap();
            assert_eq!((edits(&none, wide), none.len()), (vec![(2080, 0)], some.len()));
        }
    }

    #[test]
    fn another_structure_stays_as_it_is() {
        let whole = moov(false, 1024);
        let refused = |moov: &[u8], shown: Shown| {
            let mut changed = moov.to_vec();
            assert_eq!(repair(&mut changed, &shown, MILLI), None);
            assert_eq!(changed, moov);
        };
        refused(&whole, shown(0, 1024, 512));
        refused(&whole, shown(2, 1024, 512));
        refused(&whole, shown(1, i64::MAX, i64::MIN));
        // More ticks than the media time has.
        refused(&whole, shown(1, 4096, 0));
        (0..whole.len()).for_each(|cut| refused(&whole[..cut], shown(1, 1024, 512)));
    }
}
