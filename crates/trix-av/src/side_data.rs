//! Side data that libav* attaches to streams and frames: orientation, HDR, captions.
//!
//! Invariant: bytes are only read as a struct whose layout libavutil guarantees for their kind, and only if there are
//! enough of them.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::enum_field;
use crate::rational::from_av;

/// `AVMasteringDisplayMetadata` (libavutil/mastering_display_metadata.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Mastering {
    primaries: [[av::AVRational; 2]; 3],
    white: [av::AVRational; 2],
    min_luminance: av::AVRational,
    max_luminance: av::AVRational,
    has_primaries: c_int,
    has_luminance: c_int,
}

/// `AVContentLightMetadata` (libavutil/mastering_display_metadata.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Light {
    max_cll: u32,
    max_fall: u32,
}

/// Reads a plain C struct from its bytes. `None` if there are too few.
///
/// # Safety
/// Every bit pattern is a valid `T`.
unsafe fn read<T: Copy>(bytes: &[u8]) -> Option<T> {
    // SAFETY: there are enough bytes; the read does not need them aligned.
    (bytes.len() >= size_of::<T>()).then(|| unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The bytes of a plain C struct.
fn bytes<T: Copy>(value: &T) -> Vec<u8> {
    // SAFETY: the structs above have no padding.
    unsafe { std::slice::from_raw_parts((&raw const *value).cast::<u8>(), size_of::<T>()) }.to_vec()
}

pub(crate) fn mastering(data: &[u8]) -> Option<MasteringDisplay> {
    // SAFETY: integers only.
    let raw: Mastering = unsafe { read(data) }?;
    let point = |[x, y]: [av::AVRational; 2]| Chromaticity { x: from_av(x), y: from_av(y) };
    // Some releases of libavcodec set the flags only for values within the standard's ranges. Trix keeps what a file
    // states, so the values decide here and not the flags.
    let said = |value: &av::AVRational| value.num > 0 && value.den > 0;
    let complete = raw.primaries.iter().chain([&raw.white]).flatten().any(said) && said(&raw.max_luminance);
    complete.then(|| MasteringDisplay {
        primaries: raw.primaries.map(point),
        white: point(raw.white),
        min_luminance: from_av(raw.min_luminance),
        max_luminance: from_av(raw.max_luminance),
    })
}

fn mastering_bytes(display: &MasteringDisplay) -> Vec<u8> {
    // In the steps of the standards, as every muxer writes them.
    let [gx, gy, bx, by, rx, ry, wx, wy, most, least] = display.in_steps().map(|step| step as c_int);
    let place = |num| av::AVRational { num, den: 50_000 };
    let light = |num| av::AVRational { num, den: 10_000 };
    bytes(&Mastering {
        primaries: [[place(rx), place(ry)], [place(gx), place(gy)], [place(bx), place(by)]],
        white: [place(wx), place(wy)],
        min_luminance: light(least),
        max_luminance: light(most),
        has_primaries: 1,
        has_luminance: 1,
    })
}

pub(crate) fn light(data: &[u8]) -> Option<ContentLight> {
    // SAFETY: integers only.
    let raw: Light = unsafe { read(data) }?;
    (raw.max_cll > 0 || raw.max_fall > 0).then_some(ContentLight { max: raw.max_cll, max_average: raw.max_fall })
}

fn light_bytes(light: &ContentLight) -> Vec<u8> {
    bytes(&Light { max_cll: light.max, max_fall: light.max_average })
}

/// `AVDOVIDecoderConfigurationRecord` (libavutil/dovi_meta.h) is eight bytes.
pub fn dolby_vision(data: &[u8]) -> Option<DolbyVision> {
    match *data {
        [major, minor, profile, level, rpu, enhancement, base, compatibility, ..] => Some(DolbyVision {
            version: (major, minor),
            profile,
            level,
            has_rpu: rpu != 0,
            has_enhancement: enhancement != 0,
            has_base: base != 0,
            compatibility,
        }),
        _ => None,
    }
}

fn dolby_vision_bytes(config: &DolbyVision) -> Vec<u8> {
    let DolbyVision { version, profile, level, has_rpu, has_enhancement, has_base, compatibility } = *config;
    let flags = [has_rpu, has_enhancement, has_base].map(u8::from);
    vec![version.0, version.1, profile, level, flags[0], flags[1], flags[2], compatibility]
}

pub(crate) fn matrix(data: &[u8]) -> Option<[i32; 9]> {
    // SAFETY: integers only.
    unsafe { read(data) }
}

/// Kinds of side data of a stream.
pub use av::AVPacketSideDataType as StreamKind;

/// Side data from which a muxer learns how frames are displayed.
pub fn of_display(display: &Display) -> Vec<(StreamKind, Vec<u8>)> {
    let mut list = Vec::new();
    if !display.orientation.is_upright() {
        list.push((StreamKind::AV_PKT_DATA_DISPLAYMATRIX, bytes(&display.orientation.to_matrix())));
    }
    if let Some(mastering) = &display.hdr.mastering {
        list.push((StreamKind::AV_PKT_DATA_MASTERING_DISPLAY_METADATA, mastering_bytes(mastering)));
    }
    if let Some(light) = &display.hdr.light {
        list.push((StreamKind::AV_PKT_DATA_CONTENT_LIGHT_LEVEL, light_bytes(light)));
    }
    if let Some(config) = &display.dolby_vision {
        list.push((StreamKind::AV_PKT_DATA_DOVI_CONF, dolby_vision_bytes(config)));
    }
    list
}

/// The side data of one kind of `stream`.
///
/// # Safety
/// `stream` is a valid stream. The bytes live as long as it is not changed.
pub(crate) unsafe fn of_stream(stream: &av::AVStream, kind: StreamKind) -> Option<&[u8]> {
    #[cfg(parameters_hold_side_data)]
    // SAFETY: every stream has parameters.
    let (list, count) = unsafe { ((*stream.codecpar).coded_side_data, (*stream.codecpar).nb_coded_side_data) };
    #[cfg(not(parameters_hold_side_data))]
    let (list, count) = (stream.side_data, stream.nb_side_data);
    let count = if list.is_null() { 0 } else { count.max(0) as usize };
    (0..count).find_map(|index| {
        // SAFETY: the list holds `count` entries; the kind is read as an integer.
        unsafe {
            let entry = &*list.add(index);
            let same = enum_field!(entry.type_) == kind as c_int && !entry.data.is_null();
            same.then(|| std::slice::from_raw_parts(entry.data, entry.size))
        }
    })
}

/// Attaches a copy of `data` to `stream`.
///
/// # Safety
/// `stream` is a valid stream that the caller owns.
pub(crate) unsafe fn attach(stream: &mut av::AVStream, kind: StreamKind, data: &[u8]) {
    #[cfg(parameters_hold_side_data)]
    // SAFETY: every stream has parameters. The call returns null or an entry that belongs to them.
    let place = unsafe {
        let parameters = &mut *stream.codecpar;
        let list = &raw mut parameters.coded_side_data;
        let entry = av::av_packet_side_data_new(list, &mut parameters.nb_coded_side_data, kind, data.len(), 0);
        entry.as_ref().map_or(std::ptr::null_mut(), |entry| entry.data)
    };
    #[cfg(not(parameters_hold_side_data))]
    // SAFETY: promised by the caller. The call returns null or bytes that belong to the stream.
    let place = unsafe { av::av_stream_new_side_data(stream, kind, data.len()) };
    assert!(!place.is_null(), "memory for side data");
    // SAFETY: the place has room for the data, and nothing else refers to it yet.
    unsafe { place.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
}

/// Removes all side data from parameters, for libraries that store them there. Otherwise a decoder would attach the
/// container's side data to its frames and crop them accordingly, and a muxer would write side data that nobody asked
/// for.
pub(crate) fn clear(parameters: &mut av::AVCodecParameters) {
    #[cfg(parameters_hold_side_data)]
    // SAFETY: list and count belong to the parameters. The call leaves an empty list.
    unsafe {
        av::av_packet_side_data_free(&mut parameters.coded_side_data, &mut parameters.nb_coded_side_data);
    }
    #[cfg(not(parameters_hold_side_data))]
    let _ = parameters;
}

/// Kinds of side data of a frame.
pub use av::AVFrameSideDataType as FrameKind;
use trix_model::{
    frame_facts::Display,
    hdr::{Chromaticity, ContentLight, DolbyVision, MasteringDisplay},
};

/// The side data of one kind of `frame`.
///
/// # Safety
/// `frame` is valid. The bytes live as long as it is not changed.
pub(crate) unsafe fn of_frame(frame: &av::AVFrame, kind: FrameKind) -> Option<&[u8]> {
    let count = if frame.side_data.is_null() { 0 } else { frame.nb_side_data.max(0) as usize };
    (0..count).find_map(|index| {
        // SAFETY: the frame holds `nb_side_data` pointers to entries; the kind is read as an integer.
        unsafe {
            let entry = &**frame.side_data.add(index);
            let same = enum_field!(entry.type_) == kind as c_int && !entry.data.is_null();
            same.then(|| std::slice::from_raw_parts(entry.data, entry.size))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trix_model::time::Rational;

    #[test]
    fn what_is_written_is_what_is_read() {
        let point = |x, y| Chromaticity { x: Rational::new(x, 50_000), y: Rational::new(y, 50_000) };
        let display = MasteringDisplay {
            primaries: [point(35_400, 14_600), point(8_500, 39_850), point(6_550, 2_300)],
            white: point(15_635, 16_450),
            min_luminance: Rational::new(50, 10_000),
            max_luminance: Rational::new(10_000_000, 10_000),
        };
        assert_eq!(mastering(&mastering_bytes(&display)).map(|read| read.in_steps()), Some(display.in_steps()));
        // Flags of a library that considers these values invalid.
        let mut flagged = mastering_bytes(&display);
        let at = std::mem::offset_of!(Mastering, has_primaries);
        flagged[at..].fill(0);
        assert_eq!(mastering(&flagged).map(|read| read.in_steps()), Some(display.in_steps()));
        let without_luminance = std::mem::offset_of!(Mastering, min_luminance);
        flagged[without_luminance..].fill(0);
        assert_eq!(mastering(&flagged), None);
        let content = ContentLight { max: 1000, max_average: 400 };
        assert_eq!(light(&light_bytes(&content)), Some(content));
        assert_eq!(mastering(&[0; 16]), None);
        assert_eq!(light(&[0; 8]), None);
    }
}
