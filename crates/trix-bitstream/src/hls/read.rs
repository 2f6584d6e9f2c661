//! Reads the playlist of one rendition.
//!
//! Invariant: the result names only parts of the text. A line that cannot be understood is an error, not a guess.

use trix_model::time::{TimeBase, Timestamp};

/// What a playlist states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playlist<'a> {
    /// The header that is fetched before the first segment.
    pub header: Option<Part<'a>>,
    /// The segments and how long each lasts, in microseconds.
    pub segments: Vec<(Part<'a>, Timestamp)>,
    /// Target duration in seconds. Zero if there is none.
    pub target: i64,
    /// True if no more segments come.
    pub is_ended: bool,
}

/// A file, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Address of the file.
    pub name: &'a str,
    /// The bytes that are fetched. `None` for the whole file.
    pub range: Option<ByteRange>,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Number of bytes.
    pub length: u64,
    /// Offset of the first byte.
    pub from: u64,
}

impl ByteRange {
    /// Offset of the byte after the last one. `None` if it has more than 64 bits.
    pub fn end(self) -> Option<u64> {
        self.from.checked_add(self.length)
    }

    /// Reads "length@offset" (RFC 8216, 4.3.2.2).
    fn read(text: &str) -> Option<Self> {
        let (length, from) = text.split_once('@')?;
        Some(ByteRange { length: length.parse().ok()?, from: from.parse().ok()? })
    }
}

/// Reads the playlist of one rendition.
///
/// # Errors
/// The line, or the part of a line, that makes no sense.
pub fn playlist(text: &str) -> Result<Playlist<'_>, &str> {
    let mut playlist = Playlist::default();
    let (mut duration, mut range) = (None, None);
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
            playlist.target = value.parse().map_err(|_| line)?;
        } else if let Some(value) = line.strip_prefix("#EXT-X-MAP:") {
            let quoted = |key: &str| value.split_once(&format!("{key}=\""))?.1.split('"').next();
            let name = quoted("URI").ok_or(line)?;
            playlist.header = Some(part(name, quoted("BYTERANGE"))?);
        } else if let Some(value) = line.strip_prefix("#EXTINF:") {
            duration = value.trim_end_matches(',').parse::<Timestamp>().ok();
        } else if let Some(value) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            range = Some(value);
        } else if line == "#EXT-X-ENDLIST" {
            playlist.is_ended = true;
        } else if !line.starts_with('#') && !line.is_empty() {
            let length = duration.take().ok_or(line)?;
            let micros = Timestamp::new(length.micros(), TimeBase::new(1, 1_000_000));
            playlist.segments.push((part(line, range.take())?, micros));
        }
    }
    Ok(playlist)
}

fn part<'a>(name: &'a str, range: Option<&'a str>) -> Result<Part<'a>, &'a str> {
    let range = range.map(|range| ByteRange::read(range).ok_or(range)).transpose()?;
    Ok(Part { name, range })
}
