//! The header of a track: its init segment (ISO/IEC 14496-12, 8.2; ISO/IEC 23000-19, 7.3.1).
//!
//! The sample description comes from outside: libavformat writes it for each codec. This module writes the rest.
//!
//! Invariant: the header keeps its length when the measured values are entered at the end.

use std::ops::Range;

use trix_model::{
    error::{Error, Result, Stage},
    orientation::Orientation,
};

use crate::{
    boxes::{self, Writer},
    manifest::Content,
    sample_entry,
};

/// Movie timescale in ticks a second. Only the total duration uses it.
const MOVIE: u32 = 1000;

/// A track whose header is written.
pub struct Track<'a> {
    /// What its samples are.
    pub content: &'a Content,
    /// Ticks a second of its times.
    pub timescale: u32,
    /// The tick that is presented first. What is before it is decoded and hidden.
    pub shift: u32,
    /// Language as three small letters of ISO 639-2/T.
    pub language: &'a str,
    /// The whole stsd box, with one sample entry.
    pub description: &'a [u8],
}

impl Track<'_> {
    fn is_video(&self) -> bool {
        matches!(self.content, Content::Video(_))
    }
}

/// An init segment.
pub struct Header {
    bytes: Vec<u8>,
    /// The sample entry: its four-character code and the data after it.
    entry: Range<usize>,
    duration: usize,
}

impl Header {
    /// The header of `track`.
    ///
    /// # Errors
    /// `Bug` if the sample description is not an stsd box with an entry.
    pub fn new(track: &Track<'_>) -> Result<Self> {
        let mut to = Writer::new();
        to.within(b"ftyp", |to| {
            to.bytes(b"iso6");
            to.u32(0);
            [b"iso6", b"cmfc", b"dash"].into_iter().for_each(|brand| to.bytes(brand));
            // This brand requires video without an edit list (ISO/IEC 23000-19, 7.2).
            if track.is_video() && track.shift == 0 {
                to.bytes(b"cmf2");
            }
        });
        let mut duration = 0;
        to.within(b"moov", |to| {
            to.full(b"mvhd", 0, 0, |to| {
                [0, 0, MOVIE, 0, 0x1_0000].into_iter().for_each(|value| to.u32(value));
                to.u16(0x100);
                to.zeros(10);
                matrix(to, Orientation::default());
                to.zeros(24);
                to.u32(2);
            });
            to.within(b"trak", |to| write_track(to, track));
            to.within(b"mvex", |to| {
                to.full(b"mehd", 1, 0, |to| {
                    duration = to.written();
                    to.u64(0);
                });
                to.full(b"trex", 0, 0, |to| [1, 1, 0, 0, 0].into_iter().for_each(|value| to.u32(value)));
            });
        });
        let bytes = to.into_bytes();
        let entry = sample_entry::in_header(&bytes);
        let entry = entry.ok_or_else(|| Error::bug(Stage::Mux, "a header without a sample description"))?;
        Ok(Header { bytes, entry, duration })
    }

    /// The complete init segment.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The sample entry: four-character code and content.
    pub fn entry(&self) -> &[u8] {
        &self.bytes[self.entry.clone()]
    }

    /// Enters the final values: total duration in milliseconds, average and peak bit rate in bits a second.
    pub fn complete(&mut self, millis: u64, average: u64, peak: u64) {
        self.bytes[self.duration..self.duration + 8].copy_from_slice(&millis.to_be_bytes());
        let [peak, average] = [peak, average].map(|rate| u32::try_from(rate).unwrap_or(u32::MAX).to_be_bytes());
        let entry = self.entry.start - 4..self.entry.end;
        for name in [b"btrt", b"esds"] {
            let Some(found) = sample_entry::child(&self.bytes, entry.clone(), name) else { continue };
            // In both boxes, the two rates come last in a part of fixed length. libavformat measured them on one
            // segment only.
            let rates = match name {
                b"btrt" => Some(found.start + 4),
                _ => sample_entry::decoder_config(&self.bytes[found.clone()]).map(|at| found.start + at + 5),
            };
            let rates = rates.filter(|at| at + 8 <= found.end);
            if let Some(place) = rates.and_then(|at| self.bytes.get_mut(at..at + 8)) {
                place[..4].copy_from_slice(&peak);
                place[4..].copy_from_slice(&average);
            }
        }
    }
}

/// The offset in ticks between media times and presentation times in an init segment.
pub fn shift_of(header: &[u8]) -> u32 {
    let elst = boxes::at_path(header, &[b"moov", b"trak", b"edts", b"elst"]);
    elst.and_then(|elst| boxes::u32_at(header, elst.start + 12)).unwrap_or(0)
}

fn matrix(to: &mut Writer, orientation: Orientation) {
    orientation.to_matrix().into_iter().for_each(|value| to.i32(value));
}

fn write_track(to: &mut Writer, track: &Track<'_>) {
    let is_video = track.is_video();
    // Flags: enabled, part of the movie, and the size is in square samples.
    to.full(b"tkhd", 0, 7, |to| {
        [0, 0, 1, 0, 0].into_iter().for_each(|value| to.u32(value));
        to.zeros(8);
        to.u16(0);
        to.u16(u16::from(!is_video));
        to.u16(if is_video { 0 } else { 0x100 });
        to.u16(0);
        let (orientation, (width, height)) = match track.content {
            Content::Video(video) => (video.orientation, video.shown_size()),
            Content::Audio(_) => (Orientation::default(), (0, 0)),
        };
        matrix(to, orientation);
        [width, height].into_iter().for_each(|side| to.u32(side << 16));
    });
    if track.shift > 0 {
        // Hides the priming samples of audio, or the initial reordering delay of video. A duration of zero means: to
        // the end of all fragments (8.6.6.1).
        to.within(b"edts", |to| {
            to.full(b"elst", 0, 0, |to| [1, 0, track.shift, 0x1_0000].into_iter().for_each(|value| to.u32(value)));
        });
    }
    to.within(b"mdia", |to| {
        to.full(b"mdhd", 0, 0, |to| {
            [0, 0, track.timescale, 0].into_iter().for_each(|value| to.u32(value));
            to.u16(packed_language(track.language));
            to.u16(0);
        });
        to.full(b"hdlr", 0, 0, |to| {
            to.u32(0);
            to.bytes(if is_video { b"vide" } else { b"soun" });
            to.zeros(12);
            to.bytes(if is_video { b"Pictures\0" } else { b"Sound\0" });
        });
        to.within(b"minf", |to| {
            match is_video {
                true => to.full(b"vmhd", 0, 1, |to| to.zeros(8)),
                false => to.full(b"smhd", 0, 0, |to| to.zeros(4)),
            }
            to.within(b"dinf", |to| {
                to.full(b"dref", 0, 0, |to| {
                    to.u32(1);
                    to.full(b"url ", 0, 1, |_| {});
                });
            });
            to.within(b"stbl", |to| {
                write_description(to, track);
                for name in [b"stts", b"stsc", b"stco"] {
                    to.full(name, 0, 0, |to| to.u32(0));
                }
                to.full(b"stsz", 0, 0, |to| to.zeros(8));
            });
        });
    });
}

fn write_description(to: &mut Writer, track: &Track<'_>) {
    let needs_dolby_vision = match track.content {
        Content::Video(video) => video.dolby_vision.is_some_and(|config| config.profile == 5),
        Content::Audio(_) => false,
    };
    match track.description.split_at_checked(20) {
        // Only a Dolby Vision decoder shows the right colours, so no other decoder may try (Dolby Vision Streams
        // Within the ISO Base Media File Format, 3.1).
        Some((before, entry)) if needs_dolby_vision && entry.starts_with(b"hvc1") => {
            [before, b"dvh1", &entry[4..]].into_iter().for_each(|part| to.bytes(part));
        }
        _ => to.bytes(track.description),
    }
}

/// ISO/IEC 14496-12, 8.4.2.3: three letters of five bits each.
fn packed_language(letters: &str) -> u16 {
    letters.bytes().take(3).fold(0, |sum, letter| sum << 5 | u16::from(letter.saturating_sub(0x60) & 0x1f))
}
