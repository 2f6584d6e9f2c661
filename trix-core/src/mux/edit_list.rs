//! Repairs the edit list of MP4 and MOV if frames are shown before the keyframe that precedes them in the file.
//!
//! Invariant: only the edit list of the video track changes, in place. libavformat starts the track at the first frame
//! in the file, which hides frames that are shown earlier.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Result, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};

use trix_model::time::{TimeBase, Timestamp};

/// Facts of the muxer about the video track.
pub(super) struct Shown {
    /// Index of the track.
    pub(super) track: usize,
    /// Presentation time of the first frame in the file.
    pub(super) first: Timestamp,
    /// Earliest presentation time.
    pub(super) earliest: Timestamp,
}

/// A box (ISO/IEC 14496-12, 4.2) in memory.
struct FoundBox {
    whole: Range<usize>,
    content: Range<usize>,
}

/// Finds a box named `name` in `range`, after the first `skip` boxes of that name.
fn find(data: &[u8], range: Range<usize>, name: &[u8; 4], mut skip: usize) -> Option<FoundBox> {
    let mut at = range.start;
    while at + 8 <= range.end {
        let size = u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?) as usize;
        // The boxes searched here never need a large size.
        if size < 8 || at + size > range.end {
            return None;
        }
        if data.get(at + 4..at + 8)? == name {
            if skip == 0 {
                return Some(FoundBox { whole: at..at + size, content: at + 8..at + size });
            }
            skip -= 1;
        }
        at += size;
    }
    None
}

/// Starts the video track of the file at `path` with the frame that is shown first. `movie` is the movie's time base.
/// False if the file does not have libavformat's structure; verification then reports what is wrong.
pub(super) fn repair(path: &Path, shown: &Shown, movie: TimeBase) -> Result<bool> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let Some((start, mut moov)) = read_moov(&mut file)? else { return Ok(false) };
    if rewrite(&mut moov, shown, movie).is_none() {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(start))?;
    file.write_all(&moov)?;
    Ok(true)
}

/// Reads the `moov` box. Returns its offset and its bytes.
fn read_moov(file: &mut File) -> Result<Option<(u64, Vec<u8>)>> {
    let mut at = 0;
    loop {
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        if file.read(&mut header)? < 8 {
            return Ok(None);
        }
        let [a, b, c, d, name @ ..] = header;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 => u64::from_be_bytes(header[8..].try_into().unwrap_or_default()),
            size => u64::from(size),
        };
        if size < 8 {
            return Ok(None);
        }
        if name.starts_with(b"moov") {
            let mut moov = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            file.take(size).read_to_end(&mut moov)?;
            return Ok(Some((at, moov)));
        }
        at += size;
    }
}

/// Changes the edit list in `moov`.
///
/// libavformat writes an empty edit up to the first frame in the file, then one edit from that frame on (ISO/IEC
/// 14496-12, 8.6.6: duration in movie ticks, media time in track ticks).
fn rewrite(moov: &mut [u8], shown: &Shown, movie: TimeBase) -> Option<()> {
    let trak = find(moov, 8..moov.len(), b"trak", shown.track)?;
    let edts = find(moov, trak.content, b"edts", 0)?;
    let elst = find(moov, edts.content.clone(), b"elst", 0)?;
    let wide = match moov.get(elst.content.start)? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let (width, entry) = if wide { (8, 20) } else { (4, 12) };
    let number = |moov: &[u8], at: usize| {
        let bytes = moov.get(at..at + width)?;
        Some(bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let entries = elst.content.start + 8;
    let [empty, real] = [entries, entries + entry];
    let count = u32::from_be_bytes(moov.get(entries - 4..entries)?.try_into().ok()?);
    let all_ones = if wide { u64::MAX } else { u32::MAX.into() };
    if count != 2 || number(moov, empty + width)? != all_ones {
        return None;
    }
    let (first, earliest) = (shown.first.rescale(movie), shown.earliest.rescale(movie));
    let duration = number(moov, real)?.checked_add_signed(first - earliest)?;
    let ahead = shown.first.ticks - shown.earliest.rescale(shown.first.base);
    let media = number(moov, real + width)?.checked_add_signed(-ahead)?;
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
    for place in [&edts.whole, &elst.whole] {
        let size = (place.len() - entry) as u32;
        moov[place.start..place.start + 4].copy_from_slice(&size.to_be_bytes());
    }
    let free = edts.whole.end - entry;
    moov[free..free + 4].copy_from_slice(&(entry as u32).to_be_bytes());
    moov[free + 4..free + 8].copy_from_slice(b"free");
    moov[free + 8..free + entry].fill(0);
    Some(())
}
