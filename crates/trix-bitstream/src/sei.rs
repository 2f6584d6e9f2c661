//! Writes captions and dynamic HDR metadata into coded frames, and finds them there.
//!
//! Invariant: inserting NAL units does not change the coded slices. What is read from a frame is what was inserted.

use std::{borrow::Cow, sync::Arc};

use trix_model::{calendar, extras::Extras, frame_facts::FieldOrder};

use crate::{
    messages::{each_message, unescaped},
    nal::{self, Framing, NalCodec},
};

/// `user_data_registered_itu_t_t35` (H.264 D.1, H.265 D.2.1).
const REGISTERED: u8 = 4;

/// Start of a caption message (ATSC A/53 part 4, 6.2.3): United States, ATSC, `GA94`, `cc_data`.
const CAPTIONS: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 3];

/// Start of an HDR10+ message (SMPTE ST 2094-40, annex A): United States, Samsung, 1, application 4.
const HDR10_PLUS: [u8; 6] = [0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04];

/// Maximum number of caption constructs in a message: the count has five bits.
const TRIPLETS: usize = 31;

/// Inserts `extras` into a coded frame (NAL units with start codes). Returns the parts of the new frame, one after the
/// other, or `None` if there is nothing to insert.
pub fn with_extras<'a>(frame: &'a [u8], codec: NalCodec, extras: &Extras) -> Option<Vec<Cow<'a, [u8]>>> {
    if extras.is_empty() {
        return None;
    }
    let mut before = Vec::new();
    for triplets in extras.captions.chunks(3 * TRIPLETS) {
        let count = (triplets.len() / 3) as u8;
        // process_cc_data_flag and the count, then a reserved byte. A marker byte ends the data.
        let mut message = [&CAPTIONS[..], &[0x40 | count, 0xff], triplets].concat();
        message.push(0xff);
        before.extend(message_unit(codec, &message));
    }
    if let Some(message) = &extras.hdr10_plus {
        before.extend(message_unit(codec, message));
    }
    let mut after = Vec::new();
    if let (Some(unit), NalCodec::Hevc) = (&extras.dolby_vision, codec) {
        // Type 62 is the last NAL unit of the access unit.
        after.extend([0, 0, 0, 1, 62 << 1, 1]);
        after.extend_from_slice(unit);
    }
    let (first, rest) = frame.split_at(first_slice(frame, codec));
    Some(vec![first.into(), before.into(), rest.into(), after.into()])
}

/// `pic_timing` (H.265 D.2.3).
const TIMING: u8 = 1;

/// Inserts the field order into a coded HEVC frame (NAL units with start codes). The parameter sets of the stream must
/// promise such messages and must not describe the decoder's buffer model (HRD). Returns the parts of the new frame, one
/// after the other, or `None` if the frame already has such a message.
pub fn with_field_order(frame: &[u8], order: FieldOrder) -> Option<Vec<Cow<'_, [u8]>>> {
    let mut found = false;
    let units = nal::units(frame, Framing::StartCodes);
    each_message_in(&units, NalCodec::Hevc, |kind, _| found |= kind == usize::from(TIMING));
    if found {
        return None;
    }
    // pic_struct (table D.2), then source_scan_type interlaced and no duplicate. A marker bit fills the byte.
    let structure: u8 = if order == FieldOrder::Top { 3 } else { 4 };
    let unit = unit_of(NalCodec::Hevc, &[TIMING, 1, structure << 4 | 1]);
    let (first, rest) = frame.split_at(first_slice(frame, NalCodec::Hevc));
    Some(vec![first.into(), unit.into(), rest.into()])
}

/// Marks HEVC parameter sets (NAL units with start codes) as those of an interlaced source. x265 marks every source
/// that it codes as frames as progressive, and then no frame may be marked as interlaced.
pub fn of_interlaced_source(sets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sets.len() + 8);
    for unit in nal::units(sets, Framing::StartCodes) {
        out.extend([0, 0, 0, 1]);
        // Video (32) and sequence (33) parameter sets: profile_tier_level starts after 6 and 3 bytes, and its source
        // flags 5 bytes later (H.265 7.3.2.1, 7.3.2.2, 7.3.3).
        let flags = match unit.first().map(|header| (header >> 1) & 0x3f) {
            Some(32) => 11,
            Some(33) => 8,
            _ => {
                out.extend_from_slice(unit);
                continue;
            }
        };
        let mut body = unescaped(unit);
        if let Some(byte) = body.get_mut(flags) {
            *byte = *byte & 0x3f | 0x40;
        }
        out.extend(escaped(&body));
    }
    out
}

/// Offset of the start code of the first coded slice, or the end of the frame if it has no slice.
fn first_slice(frame: &[u8], codec: NalCodec) -> usize {
    let slice = nal::units(frame, Framing::StartCodes).into_iter().find(|unit| codec.is_slice(unit));
    let Some(slice) = slice else { return frame.len() };
    let start = slice.as_ptr() as usize - frame.as_ptr() as usize;
    let code = start.saturating_sub(3);
    if code > 0 && frame[code - 1] == 0 { code - 1 } else { code }
}

/// A NAL unit with one message of registered user data.
fn message_unit(codec: NalCodec, message: &[u8]) -> Vec<u8> {
    let mut body = vec![REGISTERED];
    let mut size = message.len();
    while size >= 255 {
        body.push(255);
        size -= 255;
    }
    body.push(size as u8);
    body.extend_from_slice(message);
    unit_of(codec, &body)
}

/// A NAL unit with SEI messages. Each message starts with its type and size.
fn unit_of(codec: NalCodec, messages: &[u8]) -> Vec<u8> {
    // rbsp_trailing_bits
    let body = [messages, &[0x80]].concat();
    let header: &[u8] = match codec {
        NalCodec::H264 => &[6],
        // Type 39: SEI before the slices.
        NalCodec::Hevc => &[39 << 1, 1],
    };
    [&[0, 0, 0, 1], header, &escaped(&body)].concat()
}

/// Adds emulation prevention (H.264 and H.265, 7.4.2), so that no three bytes look like a start code.
fn escaped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 8);
    let mut zeros = 0;
    for &byte in body {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

/// Reads the extras of a coded frame with any framing.
pub fn extras(units: &[&[u8]], codec: NalCodec) -> Extras {
    let mut found = Extras::default();
    each_message_in(units, codec, |kind, message| take_extra(kind, message, &mut found));
    // Type 62 of HEVC: the RPU of Dolby Vision.
    found.dolby_vision = units.iter().rev().find_map(|unit| match (codec, unit) {
        (NalCodec::Hevc, [header, _, body @ ..]) if header >> 1 & 0x3f == 62 => Some(Arc::from(body)),
        _ => None,
    });
    found
}

/// Calls `visit` with the type and payload of every SEI message among `units`.
fn each_message_in(units: &[&[u8]], codec: NalCodec, mut visit: impl FnMut(usize, &[u8])) {
    for unit in units {
        match (codec, unit) {
            (NalCodec::H264, [header, body @ ..]) if header & 0x1f == 6 => each_message(body, &mut visit),
            // Types 39 and 40: before and behind the slices.
            (NalCodec::Hevc, [header, _, body @ ..]) if matches!(header >> 1 & 0x3f, 39 | 40) => {
                each_message(body, &mut visit);
            }
            _ => {}
        }
    }
}

/// Reads the static HDR metadata of a coded frame, which consists of `units`: the mastering display in the steps of
/// [`MasteringDisplay::in_steps`], and the light levels MaxCLL and MaxFALL.
///
/// [`MasteringDisplay::in_steps`]: trix_model::hdr::MasteringDisplay::in_steps
pub fn static_hdr(units: &[&[u8]], codec: NalCodec) -> (Option<[u32; 10]>, Option<[u32; 2]>) {
    let (mut mastering, mut light) = (None, None);
    each_message_in(units, codec, |kind, message| {
        // SEI types of D.1 in both standards. Chromaticities have 16 bits, luminances 32 and light levels 16.
        let half = |at: usize| u32::from(u16::from_be_bytes([message[at], message[at + 1]]));
        match (kind, message.len()) {
            (137, 24) => {
                mastering = Some(std::array::from_fn(|index| match index {
                    0..8 => half(2 * index),
                    _ => half(4 * index - 16) << 16 | half(4 * index - 14),
                }))
            }
            (144, 4) => light = Some([half(0), half(2)]),
            _ => {}
        }
    });
    (mastering, light)
}

/// The text of the first user data message among `units` that names the encoder, as x264 and x265 write it.
pub fn signature(units: &[&[u8]], codec: NalCodec) -> Option<String> {
    let mut found = None;
    each_message_in(units, codec, |kind, message| {
        // Type 5 of D.1 in both standards: 16 bytes identify the format of the text that follows.
        let text = message.get(16..).filter(|_| kind == 5 && found.is_none());
        let text = text.and_then(|text| text.split(|byte| *byte == 0).next());
        found = text.and_then(|text| String::from_utf8(text.to_vec()).ok()).or(found.take());
    });
    found
}

/// What a camcorder writes into its frames (Modified Digital Video Pack, of AVCHD and its relatives).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Camera {
    /// When the frame was recorded: RFC 3339, without an offset if the clock of the camera has no time zone.
    pub recorded: Option<String>,
    /// The maker and the model.
    pub model: Option<String>,
}

/// What a camcorder wrote into one of `units`.
pub fn camera(units: &[&[u8]], codec: NalCodec) -> Option<Camera> {
    const PACK: [u8; 20] = *b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM";
    let mut found = None;
    each_message_in(units, codec, |kind, message| {
        // A byte counts the entries.
        if let (5, Some([count, entries @ ..])) = (kind, message.strip_prefix(&PACK)) {
            found = found.take().or(Some(camera_entries(entries, usize::from(*count))));
        }
    });
    found
}

/// Reads `count` entries of five bytes: an identifier and four bytes of data.
fn camera_entries(entries: &[u8], count: usize) -> Camera {
    let entry = |id: u8| entries.chunks_exact(5).take(count).find(|entry| entry[0] == id).map(|entry| &entry[1..]);
    // Decimal digits, four bits each.
    let digits = |byte: u8| {
        let (high, low) = (byte >> 4, byte & 15);
        (high < 10 && low < 10).then_some(high * 10 + low)
    };
    let recorded = || {
        let ([zone, century, year, month], [day, hour, minute, second]) = (entry(0x18)?, entry(0x19)?) else {
            return None;
        };
        let (century, year, month, day) = (digits(*century)?, digits(*year)?, digits(*month)?, digits(*day)?);
        let (hour, minute, second) = (digits(*hour)?, digits(*minute)?, digits(*second)?);
        let days = calendar::days_of(u16::from(century) * 100 + u16::from(year), month)?;
        if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        // All bits set: no zone. Else a sign, hours, and half an hour.
        let offset = (*zone != 0xff).then(|| {
            let sign = if zone & 0x20 != 0 { '-' } else { '+' };
            format!("{sign}{:02}:{}", zone >> 1 & 15, if zone & 1 != 0 { "30" } else { "00" })
        });
        let offset = offset.unwrap_or_default();
        Some(format!("{century:02}{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}"))
    };
    let maker = match entry(0xe0) {
        Some([1, 3, ..]) => "Panasonic",
        Some([1, 8, ..]) => "Sony",
        Some([0x10, 0x11, ..]) => "Canon",
        Some([0x11, 4, ..]) => "JVC",
        _ => "",
    };
    let name: Vec<u8> = [0xe4, 0xe5, 0xe6].into_iter().filter_map(entry).flatten().copied().collect();
    let name: String = name
        .iter()
        .take_while(|byte| byte.is_ascii_graphic() || **byte == b' ')
        .map(|byte| char::from(*byte))
        .collect();
    let model = [maker, name.trim()].join(" ").trim().to_owned();
    Camera { recorded: recorded(), model: Some(model).filter(|model| !model.is_empty()) }
}

/// Adds a message of registered user data to `found`.
fn take_extra(kind: usize, message: &[u8], found: &mut Extras) {
    if kind != usize::from(REGISTERED) {
        return;
    }
    if message.starts_with(&HDR10_PLUS) {
        found.hdr10_plus = Some(Arc::from(message));
    } else if let Some([flags, _, triplets @ ..]) = message.strip_prefix(&CAPTIONS) {
        let bytes = usize::from(flags & 0x1f) * 3;
        found.captions.extend_from_slice(triplets.get(..bytes).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_and_the_slices_stay() {
        let extras_in = Extras {
            captions: (0..120).collect(),
            dolby_vision: Some(Arc::from([0x19, 8, 9, 0, 0, 3, 1].as_slice())),
            hdr10_plus: Some(Arc::from([&HDR10_PLUS[..], &[0; 300]].concat())),
        };
        let frame = vec![0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 0, 1, 0x26, 1, 7, 7, 7, 0, 0, 1, 0x26, 1, 8];
        let coded = with_extras(&frame, NalCodec::Hevc, &extras_in).unwrap().concat();
        assert_eq!(with_extras(&frame, NalCodec::Hevc, &Extras::default()), None);
        assert_eq!(extras(&nal::units(&coded, Framing::StartCodes), NalCodec::Hevc), extras_in);
        let slices = |data: &[u8]| -> Vec<Vec<u8>> {
            let units = nal::units(data, Framing::StartCodes).into_iter();
            units.filter(|unit| NalCodec::Hevc.is_slice(unit)).map(<[u8]>::to_vec).collect()
        };
        assert_eq!(slices(&coded), slices(&frame));
        assert_eq!(slices(&coded).len(), 2);
        // The delimiter stays first. The messages come before the slices.
        let units = nal::units(&coded, Framing::StartCodes);
        assert_eq!(units[0], [0x46, 1, 0x50]);
        assert_eq!(units.iter().map(|unit| unit[0] >> 1).collect::<Vec<_>>(), [35, 39, 39, 39, 19, 19, 62]);
    }

    #[test]
    fn static_metadata_are_read_as_they_are_written() {
        let steps: [u32; 10] = [13_250, 34_500, 7_500, 3_000, 34_000, 16_000, 15_635, 16_450, 10_000_000, 1];
        let mut message = vec![137, 24];
        message.extend(steps[..8].iter().flat_map(|step| (*step as u16).to_be_bytes()));
        message.extend(steps[8..].iter().flat_map(|step| step.to_be_bytes()));
        message.extend([144, 4, 3, 232, 0, 200, 0x80]);
        for (codec, header) in [(NalCodec::H264, &[6][..]), (NalCodec::Hevc, &[39 << 1, 1])] {
            let unit = [&[0, 0, 1], header, &escaped(&message)].concat();
            let units = nal::units(&unit, Framing::StartCodes);
            assert_eq!(static_hdr(&units, codec), (Some(steps), Some([1000, 200])));
        }
    }

    #[test]
    fn h264_carries_captions_and_no_dolby_vision() {
        let extras_in = Extras {
            captions: vec![0xfc, 0x80, 0x80],
            dolby_vision: Some(Arc::from([0x19].as_slice())),
            hdr10_plus: None,
        };
        let coded = with_extras(&[0, 0, 1, 0x65, 1, 2], NalCodec::H264, &extras_in).unwrap().concat();
        let found = extras(&nal::units(&coded, Framing::StartCodes), NalCodec::H264);
        assert_eq!(found, Extras { dolby_vision: None, ..extras_in });
    }

    #[test]
    fn the_order_of_fields_is_written_once() {
        let frame = vec![0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 0, 1, 0x26, 1, 7, 7, 7];
        let found = with_field_order(&frame, FieldOrder::Bottom).unwrap().concat();
        assert_eq!(
            found,
            [0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 0, 1, 0x4e, 1, 1, 1, 0x41, 0x80, 0, 0, 0, 1, 0x26, 1, 7, 7, 7]
        );
        assert_eq!(with_field_order(&found, FieldOrder::Bottom), None);
    }

    #[test]
    fn what_a_camcorder_wrote_is_read() {
        let uuid = [0x17, 0xee, 0x8c, 0x60, 0xf8, 0x4d, 0x11, 0xd9, 0x8c, 0xd6, 0x08, 0x00, 0x20, 0x0c, 0x9a, 0x66];
        let counted = |count: u8, zone: u8, month: u8, day: u8| {
            let dates = [0x18, zone, 0x20, 0x14, month, 0x19, day, 0x16, 0x32, 0x41];
            let model = [&[0xe0, 1, 8, 0, 0, 0xe4][..], b"HDR-", &[0xe5], b"CX\0\0"].concat();
            [&uuid[..], b"MDPM", &[count], &dates, &model].concat()
        };
        let entries = |zone: u8, month: u8| counted(5, zone, month, 0x09);
        let read = |content: Vec<u8>| {
            let body = [&[6, 5, content.len() as u8][..], &content, &[0x80]].concat();
            camera(&[&escaped(&body)], NalCodec::H264)
        };
        let found = read(entries(2, 3)).unwrap();
        assert_eq!(found.recorded.as_deref(), Some("2014-03-09T16:32:41+01:00"));
        assert_eq!(found.model.as_deref(), Some("Sony HDR-CX"));
        assert_eq!(read(entries(0x2b, 3)).unwrap().recorded.as_deref(), Some("2014-03-09T16:32:41-05:30"));
        assert_eq!(read(entries(0xff, 3)).unwrap().recorded.as_deref(), Some("2014-03-09T16:32:41"));
        assert_eq!(read(entries(0, 0x1a)).unwrap().recorded, None);
        // The 29th of February 2014, and what stands behind the last entry.
        assert_eq!(read(counted(5, 2, 2, 0x29)).unwrap().recorded, None);
        let short = read(counted(2, 2, 3, 0x09)).unwrap();
        assert_eq!((short.recorded.is_some(), short.model), (true, None));
        assert_eq!(read(vec![1; 60]), None);
    }

    #[test]
    fn hostile_messages_end_the_search() {
        for body in [&[6u8, 4][..], &[6, 4, 255, 255], &[6, 255, 255], &[6, 4, 9, 0xb5, 0]] {
            let coded = [&[0, 0, 1], body].concat();
            assert!(extras(&nal::units(&coded, Framing::StartCodes), NalCodec::H264).is_empty());
        }
    }
}
