//! The header of a track: its init segment (ISO/IEC 14496-12, 8.2; ISO/IEC 23000-19, 7.3.1).
//!
//! The sample description comes from libavformat: the records of H.264, HEVC, AAC, AC-3, E-AC-3, Opus and FLAC, colour,
//! static HDR metadata and Dolby Vision, as its MP4 muxer writes them for the packets of the first segment. This module
//! writes the rest, because libavformat makes its own decisions about times. It cannot write exact durations into a
//! fragment before it has seen the next one. Nor can it make the decode time of every segment equal to the time of its
//! first frame.
//!
//! Invariant: the header keeps its length when the measured values are entered at the end.

use std::ops::Range;

use trix_av::{
    output::{self, NewStream},
    packet::Packet,
    side_data,
    stream::StreamKind,
};
use trix_bitstream::boxes::{self, Writer};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::mux::TrackSpec;

/// Movie timescale in ticks a second. Only the total duration uses it.
const MOVIE: u32 = 1000;

/// An init segment.
pub(super) struct Header {
    bytes: Vec<u8>,
    /// The sample entry: its four-character code and the data after it.
    entry: Range<usize>,
    duration: usize,
}

impl Header {
    /// Creates the header of a track with `timescale` ticks a second that is presented from tick `shift` on. Its first
    /// packets provide the sample description.
    ///
    /// # Errors
    /// `Unsupported` if libavformat has no sample description for the track.
    pub(super) fn new(spec: &TrackSpec, timescale: u32, shift: u32, first: &[Packet]) -> Result<Self> {
        let mut stsd = sample_description(spec, first)?;
        if spec.display.dolby_vision.is_some_and(|config| config.profile == 5) && stsd.get(20..24) == Some(b"hvc1") {
            // Only a Dolby Vision decoder shows the right colours, so no other decoder may try (Dolby Vision Streams
            // Within the ISO Base Media File Format, 3.1).
            stsd[20..24].copy_from_slice(b"dvh1");
        }
        let is_video = spec.parameters.kind() == StreamKind::Video;
        let mut to = Writer::new();
        to.within(b"ftyp", |to| {
            to.bytes(b"iso6");
            to.u32(0);
            [b"iso6", b"cmfc", b"dash"].into_iter().for_each(|brand| to.bytes(brand));
            // This brand requires video without an edit list (ISO/IEC 23000-19, 7.2).
            if is_video && shift == 0 {
                to.bytes(b"cmf2");
            }
        });
        let mut duration = 0;
        to.within(b"moov", |to| {
            to.full(b"mvhd", 0, 0, |to| {
                [0, 0, MOVIE, 0, 0x1_0000].into_iter().for_each(|value| to.u32(value));
                to.u16(0x100);
                to.zeros(10);
                matrix(to, [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
                to.zeros(24);
                to.u32(2);
            });
            to.within(b"trak", |to| track(to, spec, timescale, shift, &stsd));
            to.within(b"mvex", |to| {
                to.full(b"mehd", 1, 0, |to| {
                    duration = to.written();
                    to.u64(0);
                });
                to.full(b"trex", 0, 0, |to| [1, 1, 0, 0, 0].into_iter().for_each(|value| to.u32(value)));
            });
        });
        let bytes = to.into_bytes();
        let path: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
        let entry = boxes::at_path(&bytes, &path).map(|stsd| stsd.start + 12..stsd.end);
        let entry = entry.ok_or_else(|| Error::bug(Stage::Mux, "a header without a sample description"))?;
        Ok(Header { bytes, entry, duration })
    }

    /// The complete init segment.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The sample entry: four-character code and content.
    pub(super) fn entry(&self) -> &[u8] {
        &self.bytes[self.entry.clone()]
    }

    /// Enters the final values: total duration in milliseconds, average and peak bit rate.
    pub(super) fn complete(&mut self, millis: u64, average: u64, peak: u64) {
        self.bytes[self.duration..self.duration + 8].copy_from_slice(&millis.to_be_bytes());
        let [peak, average] = [peak, average].map(|rate| u32::try_from(rate).unwrap_or(u32::MAX).to_be_bytes());
        let entry = self.entry.start - 4..self.entry.end;
        for name in [b"btrt", b"esds"] {
            let Some(found) = child(&self.bytes, entry.clone(), name) else { continue };
            // In both boxes, the two rates come last in a part of fixed length. libavformat measured them on one
            // segment only.
            let rates = match name {
                b"btrt" => Some(found.start + 4),
                _ => decoder_config(&self.bytes[found.clone()]).map(|at| found.start + at + 5),
            };
            if let Some(place) = rates.and_then(|at| self.bytes.get_mut(at..at + 8)) {
                place[..4].copy_from_slice(&peak);
                place[4..].copy_from_slice(&average);
            }
        }
    }
}

/// Finds a box in the sample entry at `entry`, which begins with its size (ISO/IEC 14496-12, 8.5.2.2).
pub(super) fn child(data: &[u8], entry: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    let code = data.get(entry.start + 4..entry.start + 8)?;
    let fields = if matches!(code, b"avc1" | b"hvc1" | b"dvh1") { 78 } else { 28 };
    boxes::find(data, entry.start + 8 + fields..entry.end, name)
}

/// The offset in ticks between media times and presentation times in an init segment.
pub(super) fn shift_of(header: &[u8]) -> u32 {
    let elst = boxes::at_path(header, &[b"moov", b"trak", b"edts", b"elst"]);
    elst.and_then(|elst| boxes::u32_at(header, elst.start + 12)).unwrap_or(0)
}

/// Offset of the decoder's object type in the content of an esds box (ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6).
pub(super) fn decoder_config(esds: &[u8]) -> Option<usize> {
    let mut at = 4;
    // A descriptor: a tag, then a length in up to four bytes of seven bits each.
    let enter = |at: &mut usize, tag: u8| {
        (*esds.get(*at)? == tag).then_some(())?;
        *at += 1;
        while esds.get(*at)? & 0x80 != 0 {
            *at += 1;
        }
        *at += 1;
        Some(())
    };
    enter(&mut at, 3)?;
    at += 3;
    enter(&mut at, 4)?;
    Some(at)
}

fn matrix(to: &mut Writer, values: [i32; 9]) {
    values.into_iter().for_each(|value| to.i32(value));
}

fn track(to: &mut Writer, spec: &TrackSpec, timescale: u32, shift: u32, stsd: &[u8]) {
    let is_video = spec.parameters.kind() == StreamKind::Video;
    // Flags: enabled, part of the movie, and the size is in square samples.
    to.full(b"tkhd", 0, 7, |to| {
        [0, 0, 1, 0, 0].into_iter().for_each(|value| to.u32(value));
        to.zeros(8);
        to.u16(0);
        to.u16(u16::from(!is_video));
        to.u16(if is_video { 0 } else { 0x100 });
        to.u16(0);
        matrix(to, spec.display.orientation.to_matrix());
        let (width, height) = shown_size(spec);
        [width, height].into_iter().for_each(|side| to.u32(side << 16));
    });
    if shift > 0 {
        // Hides the priming samples of audio, or the initial reordering delay of video. A duration of zero means: to
        // the end of all fragments (8.6.6.1).
        to.within(b"edts", |to| {
            to.full(b"elst", 0, 0, |to| [1, 0, shift, 0x1_0000].into_iter().for_each(|value| to.u32(value)));
        });
    }
    to.within(b"mdia", |to| {
        to.full(b"mdhd", 0, 0, |to| {
            [0, 0, timescale, 0].into_iter().for_each(|value| to.u32(value));
            to.u16(packed_language(spec));
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
                to.bytes(stsd);
                for name in [b"stts", b"stsc", b"stco"] {
                    to.full(name, 0, 0, |to| to.u32(0));
                }
                to.full(b"stsz", 0, 0, |to| to.zeros(8));
            });
        });
    });
}

/// Width and height in square samples, before a player rotates the frame.
pub(super) fn shown_size(spec: &TrackSpec) -> (u32, u32) {
    let (width, height, aspect) = spec.parameters.coded_size();
    let shown = if aspect.is_positive() {
        let (num, den) = (i128::from(aspect.num), i128::from(aspect.den));
        u32::try_from((i128::from(width) * num + den / 2) / den).unwrap_or(width)
    } else {
        width
    };
    (shown.min(u16::MAX.into()), height.min(u16::MAX.into()))
}

/// ISO/IEC 14496-12, 8.4.2.3: three letters of five bits each.
fn packed_language(spec: &TrackSpec) -> u16 {
    let letters = super::language::three_letters(spec);
    letters.bytes().fold(0, |sum, letter| sum << 5 | u16::from(letter - 0x60))
}

/// The stsd box of a file that libavformat makes from the first packets.
fn sample_description(spec: &TrackSpec, first: &[Packet]) -> Result<Vec<u8>> {
    let codec = spec.parameters.codec_name();
    let mut parameters = spec.parameters.clone();
    parameters.set_tag(match codec.as_str() {
        "h264" => *b"avc1",
        "hevc" => *b"hvc1",
        // libavformat has exactly one code for each other codec.
        _ => [0; 4],
    });
    let stream = NewStream {
        parameters: &parameters,
        time_base: spec.time_base,
        rate: spec.rate,
        metadata: &[],
        disposition: &[],
        side_data: &side_data::of_display(&spec.display),
    };
    let file = output::in_memory("mp4", &stream, first).map_err(|code| {
        Error::new(ErrorKind::Unsupported, Stage::Mux, format!("{codec} cannot be described in MP4: {code}"))
            .caused_by(code)
    })?;
    let path: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
    let found = boxes::at_path(&file, &path).map(|content| file[content.start - 8..content.end].to_vec());
    found.ok_or_else(|| Error::new(ErrorKind::Unsupported, Stage::Mux, format!("{codec} has no description in MP4")))
}
