//! Abilities that some releases of the installed libraries have and others lack, detected by a query or a trial.
//!
//! Invariant: each ability is detected once in a process, on data of our own, and never by a version number. Abilities
//! that the headers show are detected when the crate is built (`build.rs`).

use std::{
    ffi::{CStr, c_int, c_void},
    ptr,
    sync::OnceLock,
};

use ffmpeg_sys_next as av;
use trix_bitstream::ebml::{head_of, id};
use trix_model::time::TimeBase;

use super::{
    codec::Codec,
    named::{demuxer_named, filter_named},
    output::{NewStream, in_memory},
    packet::Packet,
    stream::CodecParameters,
};

/// True if the filter `filter` has an option `option`.
pub(crate) fn filter_has_option(filter: &CStr, option: &CStr) -> bool {
    // SAFETY: filters and their classes are static.
    unsafe { filter_named(filter).as_ref().is_some_and(|filter| class_has_option(filter.priv_class, option)) }
}

/// True if objects of the class have an option `option`.
///
/// # Safety
/// `class` is null or a class of libav*.
pub(crate) unsafe fn class_has_option(class: *const av::AVClass, option: &CStr) -> bool {
    let place = (&raw const class).cast_mut().cast::<c_void>();
    let search = av::AV_OPT_SEARCH_FAKE_OBJ as c_int;
    // SAFETY: promised by the caller; a search in a class alone takes a pointer to it in place of an object.
    !class.is_null() && !unsafe { av::av_opt_find(place, option.as_ptr(), ptr::null(), 0, search) }.is_null()
}

/// True if the buffer source of a video filter graph takes matrix and range. Filters then negotiate both, and convert
/// where they differ.
pub(crate) fn graphs_negotiate_color() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| filter_has_option(c"buffer", c"colorspace"))
}

/// True if this build reads and decodes H.266 elementary streams.
pub fn reads_vvc() -> bool {
    demuxer_named(c"vvc").is_some() && Codec::decoder_named(c"vvc").is_some()
}

/// How the Matroska muxer handles the encoder delay (priming samples) of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatroskaDelay {
    /// It writes the length of the delay (CodecDelay).
    pub is_written: bool,
    /// It adds the delay to the packet times.
    pub is_added: bool,
}

/// How the Matroska muxer handles the encoder delay of `codec`.
pub fn matroska_delay(codec: &str) -> MatroskaDelay {
    static OPUS: OnceLock<MatroskaDelay> = OnceLock::new();
    static OTHERS: OnceLock<MatroskaDelay> = OnceLock::new();
    // Opus had a rule of its own before all codecs shared one.
    match codec {
        "opus" => *OPUS.get_or_init(|| try_matroska(av::AVCodecID::AV_CODEC_ID_OPUS)),
        _ => *OTHERS.get_or_init(|| try_matroska(av::AVCodecID::AV_CODEC_ID_AC3)),
    }
}

/// Writes one packet of audio with an encoder delay, and reads how the muxer handled it.
fn try_matroska(codec: av::AVCodecID) -> MatroskaDelay {
    /// 22 milliseconds, which Matroska stores without rounding.
    const SAMPLES: usize = 1056;
    const RATE: u32 = 48_000;
    // The header that Opus needs (RFC 7845, 5.1): version, channels, pre-skip, rate, gain, mapping.
    let mut head = b"OpusHead\x01\x02".to_vec();
    head.extend((SAMPLES as u16).to_le_bytes());
    head.extend(RATE.to_le_bytes());
    head.extend([0; 3]);
    let parameters = CodecParameters::for_stereo(codec, RATE, SAMPLES, &head);
    let stream = NewStream {
        parameters: &parameters,
        time_base: TimeBase::new(1, RATE.into()),
        rate: None,
        metadata: &[],
        disposition: &[],
        side_data: &[],
    };
    let mut packet = Packet::copy_of(&[0; 64]);
    packet.set_times(Some(0), Some(0), 960);
    packet.set_key(true);
    let file = in_memory("matroska", &stream, &[packet]);
    file.ok().and_then(|file| delay_in(&file)).unwrap_or(MatroskaDelay { is_written: false, is_added: false })
}

/// Reads the delay handling from a file with one packet.
fn delay_in(file: &[u8]) -> Option<MatroskaDelay> {
    let segment = element(file, id::SEGMENT)?;
    let entry = element(element(segment, id::TRACKS)?, id::TRACK_ENTRY)?;
    let cluster = element(segment, id::CLUSTER)?;
    let start = element(cluster, id::TIMESTAMP)?.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    // The track number in one byte, then the time relative to the cluster.
    let block = element(cluster, 0xa3).or_else(|| element(element(cluster, 0xa0)?, 0xa1))?;
    let after = i16::from_be_bytes(*block.get(1..)?.first_chunk()?);
    Some(MatroskaDelay { is_written: element(entry, 0x56aa).is_some(), is_added: start + i64::from(after) > 0 })
}

/// The content of the first element `wanted` in a list of elements.
fn element(mut bytes: &[u8], wanted: u32) -> Option<&[u8]> {
    loop {
        let (found, size, width) = head_of(bytes)?;
        // An element of unknown size extends to the end.
        let size = size.and_then(|size| size.try_into().ok()).unwrap_or(usize::MAX);
        let end = size.saturating_add(width).min(bytes.len());
        if found == wanted {
            return bytes.get(width..end);
        }
        bytes = &bytes[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_filters_are_found_by_name() {
        assert!(filter_has_option(c"scale", c"in_range"));
        assert!(!filter_has_option(c"scale", c"in_rage"));
        assert!(!filter_has_option(c"no such filter", c"in_range"));
    }

    #[test]
    fn what_becomes_of_a_delay_in_matroska_is_read_from_the_file() {
        // Every libavformat that Trix supports writes the delay of Opus. Those that add it to times write it for every
        // codec.
        let (opus, others) = (matroska_delay("opus"), matroska_delay("aac"));
        assert!(opus.is_written);
        assert_eq!(others.is_written, others.is_added);
        assert_eq!(opus.is_added, others.is_added);
    }
}
