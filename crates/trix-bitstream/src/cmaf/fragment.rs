//! A media segment: a movie fragment and its data (ISO/IEC 14496-12, 8.8; ISO/IEC 23000-19, 7.3).
//!
//! Invariant: a segment is self-contained. It has one fragment of one track, directly followed by its data. Its decode
//! time is the sum of all durations before it. Its offsets count from its own start.

use std::borrow::Cow;

use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::{
    boxes::{self, Writer},
    manifest::SegmentPlace,
};

/// A sample of a segment.
pub struct Sample<'a> {
    /// The coded data as parts, one after the other.
    pub data: Vec<Cow<'a, [u8]>>,
    /// Ticks until the next sample is decoded.
    pub duration: u32,
    /// Ticks from decoding to presentation.
    pub offset: i32,
    /// True if decoding can start with this sample.
    pub sync: bool,
}

impl Sample<'_> {
    fn size(&self) -> usize {
        self.data.iter().map(|part| part.len()).sum()
    }
}

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other sample; depends on others and is not a sync sample.
const SYNC: u32 = 0x0200_0000;
const NOT_SYNC: u32 = 0x0101_0000;

/// A segment, of which the data of the samples stay where they are.
pub struct Segment {
    /// Everything before the data of the first sample. The data of all samples follow, and end the segment.
    pub head: Vec<u8>,
    /// Size of the whole segment.
    pub bytes: u64,
    /// End of its first sample. A player needs this much of the segment for the keyframe.
    pub first_sample_end: u64,
}

/// Writes fragment `sequence`, counted from 1, with a decode time of `decode_time` ticks.
///
/// # Errors
/// `Unsupported` if there is no sample, or if a box of 32 bits cannot hold the data of all of them.
pub fn write(sequence: u32, decode_time: u64, samples: &[Sample<'_>]) -> Result<Segment> {
    const BOX_HEADER: usize = 8;
    let size: usize = samples.iter().map(Sample::size).sum();
    let (Ok(media_data), false) = (u32::try_from(size + BOX_HEADER), samples.is_empty()) else {
        let detail = format!("a segment of {size} bytes in {} samples cannot be addressed", samples.len());
        return Err(Error::new(ErrorKind::Unsupported, Stage::Mux, detail));
    };
    let mut to = Writer::new();
    to.within(b"styp", |to| {
        to.bytes(b"cmfs");
        to.u32(0);
        [b"cmfs", b"cmff", b"msdh"].into_iter().for_each(|brand| to.bytes(brand));
    });
    let start = to.written();
    let mut place = 0;
    to.within(b"moof", |to| {
        to.full(b"mfhd", 0, 0, |to| to.u32(sequence));
        to.within(b"traf", |to| {
            // default-base-is-moof
            to.full(b"tfhd", 0, 0x02_0000, |to| to.u32(1));
            to.full(b"tfdt", 1, 0, |to| to.u64(decode_time));
            // data offset; duration, size, flags and signed composition offset of each sample
            to.full(b"trun", 1, 0x0f01, |to| {
                to.u32(samples.len() as u32);
                place = to.written();
                to.u32(0);
                for sample in samples {
                    to.u32(sample.duration);
                    to.u32(sample.size() as u32);
                    to.u32(if sample.sync { SYNC } else { NOT_SYNC });
                    to.i32(sample.offset);
                }
            });
        });
    });
    let data = to.written() + BOX_HEADER;
    to.put_u32(place, (data - start) as u32);
    to.u32(media_data);
    to.bytes(b"mdat");
    let (bytes, first_sample_end) = ((data + size) as u64, (data + samples[0].size()) as u64);
    Ok(Segment { head: to.into_bytes(), bytes, first_sample_end })
}

/// The index of the segments that directly follow it, in ticks of `timescale` a second (ISO/IEC 14496-12, 8.16.3).
///
/// # Errors
/// `Unsupported` for more than 65,535 segments, for a segment of 2 GiB or more, and for one of 2^32 ticks or more.
pub fn index(segments: &[SegmentPlace], timescale: u32) -> Result<Vec<u8>> {
    // Segment durations are sums of 32-bit durations. A reference has 31 bits for the size.
    let reference = |segment: &SegmentPlace| {
        let size = u32::try_from(segment.bytes).ok().filter(|size| *size < 1 << 31)?;
        Some((size, u32::try_from(segment.duration).ok()?))
    };
    let references: Option<Vec<(u32, u32)>> = segments.iter().map(reference).collect();
    let (Some(references), Ok(count)) = (references, u16::try_from(segments.len())) else {
        let detail = format!("an index cannot describe {} segments of these sizes and durations", segments.len());
        return Err(Error::new(ErrorKind::Unsupported, Stage::Mux, detail));
    };
    let mut to = Writer::new();
    to.full(b"sidx", 1, 0, |to| {
        to.u32(1);
        to.u32(timescale);
        to.u64(segments.first().and_then(|first| u64::try_from(first.start).ok()).unwrap_or(0));
        to.u64(0);
        to.u16(0);
        to.u16(count);
        for (size, duration) in references {
            // Each segment begins with a sync sample that is presented first: SAP type 1.
            [size, duration, 0x9000_0000].into_iter().for_each(|value| to.u32(value));
        }
    });
    Ok(to.into_bytes())
}

/// The properties that a segment states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Number of the segment in the track, from 1.
    pub sequence: u32,
    /// Decode time of the first sample in ticks.
    pub decode_time: u64,
    /// Duration of all samples in ticks.
    pub duration: u64,
    /// Earliest presentation time of its samples in ticks.
    pub earliest: i64,
    /// Number of samples.
    pub samples: u32,
    /// True if decoding can start with the first sample.
    pub starts_with_sync: bool,
}

/// Reads a segment that [`write()`] wrote. `None` if it is incomplete or has other boxes.
pub fn read(segment: &[u8]) -> Option<Facts> {
    let names: Vec<[u8; 4]> = boxes::all(segment, 0..segment.len()).map(|(name, _)| name).collect();
    if names != [*b"styp", *b"moof", *b"mdat"] {
        return None;
    }
    let mfhd = boxes::at_path(segment, &[b"moof", b"mfhd"])?;
    let tfdt = boxes::at_path(segment, &[b"moof", b"traf", b"tfdt"])?;
    let trun = boxes::at_path(segment, &[b"moof", b"traf", b"trun"])?;
    let mdat = boxes::find(segment, 0..segment.len(), b"mdat")?;
    if mdat.end != segment.len() || boxes::u32_at(segment, trun.start)? != 0x0100_0f01 {
        return None;
    }
    let decode_time = boxes::u64_at(segment, tfdt.start + 4)?;
    let samples = boxes::u32_at(segment, trun.start + 4)?;
    let (mut duration, mut size, mut earliest, mut first_flags) = (0u64, 0u64, i64::MAX, NOT_SYNC);
    for index in 0..samples as usize {
        let at = trun.start + 12 + index * 16;
        if at + 16 > trun.end {
            return None;
        }
        if index == 0 {
            first_flags = boxes::u32_at(segment, at + 8)?;
        }
        let offset = boxes::u32_at(segment, at + 12)?.cast_signed();
        let decoded = i64::try_from(decode_time.checked_add(duration)?).ok()?;
        earliest = earliest.min(decoded.checked_add(offset.into())?);
        duration += u64::from(boxes::u32_at(segment, at)?);
        size += u64::from(boxes::u32_at(segment, at + 4)?);
    }
    (size == mdat.len() as u64).then_some(Facts {
        sequence: boxes::u32_at(segment, mfhd.start + 4)?,
        decode_time,
        duration,
        earliest,
        samples,
        starts_with_sync: first_flags == SYNC,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_says_what_was_written() {
        let sample = |data: &'static [u8], offset, sync| Sample { data: vec![data.into()], duration: 10, offset, sync };
        let samples = [sample(b"key", 0, true), sample(b"later", 10, false), sample(b"b", -10, false)];
        let Segment { head, bytes: size, first_sample_end } = write(3, 600, &samples).unwrap();
        let bytes = [&head[..], b"key", b"later", b"b"].concat();
        assert_eq!(size, bytes.len() as u64);
        let facts = read(&bytes).unwrap();
        let expected =
            Facts { sequence: 3, decode_time: 600, duration: 30, earliest: 600, samples: 3, starts_with_sync: true };
        assert_eq!(facts, expected);
        assert!(bytes[..first_sample_end as usize].ends_with(b"key"));
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None);
        }
        assert!(write(1, 0, &[]).is_err());
    }
}
