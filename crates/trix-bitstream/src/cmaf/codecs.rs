//! Codec names for playlists and manifests (RFC 6381).
//!
//! Invariant: a name is derived only from the sample description that players receive.

use trix_model::{color::Transfer, hdr::DolbyVision};

use crate::sample_entry;

/// The `codecs` parameter for a sample entry, which begins with its four-character code. `None` if the codec is
/// unknown.
pub fn name(entry: &[u8]) -> Option<String> {
    let code = entry.first_chunk::<4>()?;
    // The walk over boxes starts at the size field, which precedes the code.
    let size = u32::try_from(entry.len() + 4).ok()?.to_be_bytes();
    let whole = [&size, entry].concat();
    let child = |name: &[u8; 4]| sample_entry::child(&whole, 0..whole.len(), name).map(|range| &whole[range]);
    match code {
        // ISO/IEC 14496-15, 5.3.3.1 and RFC 6381, 3.3: profile, compatibility, level.
        b"avc1" => match child(b"avcC")? {
            [_, profile, compatible, level, ..] => Some(format!("avc1.{profile:02X}{compatible:02X}{level:02X}")),
            _ => None,
        },
        b"hvc1" => hevc(child(b"hvcC")?),
        // Dolby Vision Streams Within the HTTP Live Streaming Format, 2.3: profile and level with two digits each.
        b"dvh1" => match child(b"dvcC").or_else(|| child(b"dvvC"))? {
            [_, _, high, low, ..] => {
                Some(format!("dvh1.{:02}.{:02}", high >> 1, u16::from(high & 1) << 5 | u16::from(low >> 3)))
            }
            _ => None,
        },
        b"mp4a" => aac(child(b"esds")?),
        b"ac-3" | b"ec-3" | b"Opus" | b"fLaC" => Some(String::from_utf8_lossy(code).into_owned()),
        _ => None,
    }
}

/// ISO/IEC 14496-15, annex E.3: profile, compatibility flags in reverse order, tier and level, constraints without
/// trailing zeros.
fn hevc(record: &[u8]) -> Option<String> {
    let [_, profile, rest @ ..] = record else { return None };
    let (flags, rest) = rest.split_first_chunk::<4>()?;
    let (constraints, rest) = rest.split_first_chunk::<6>()?;
    let level = rest.first()?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let flags = u32::from_be_bytes(*flags).reverse_bits();
    let mut name = format!("hvc1.{space}{}.{flags:X}.{tier}{level}", profile & 0x1f);
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    constraints[..used].iter().for_each(|byte| name.push_str(&format!(".{byte:X}")));
    Some(name)
}

/// RFC 6381, 3.3: object type of MPEG-4 systems, then that of MPEG-4 audio (ISO/IEC 14496-3, 1.6.2.1).
fn aac(esds: &[u8]) -> Option<String> {
    let at = sample_entry::decoder_config(esds)?;
    let object = esds.get(at)?;
    if *object != 0x40 {
        return Some(format!("mp4a.{object:02X}"));
    }
    // The rest of the decoder configuration (13 bytes), then the descriptor (tag 5) with the AudioSpecificConfig.
    let rest = esds.get(at + 13..)?;
    let (tag, rest) = rest.split_first()?;
    let length = rest.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let config = rest.get(length..).filter(|_| *tag == 5)?;
    let kind = match (config.first()? >> 3, config.get(1)) {
        (31, Some(next)) => 32 + ((config[0] & 7) << 3 | next >> 5),
        (kind, _) => kind,
    };
    Some(format!("mp4a.40.{kind}"))
}

/// The Dolby Vision codec name of video that other decoders can also play, and the brand of its base layer (HLS,
/// SUPPLEMENTAL-CODECS).
pub fn dolby_vision(config: &DolbyVision) -> Option<(String, &'static str)> {
    let brand = match (config.profile, config.compatibility) {
        (8, 1) => "db1p",
        (8, 2) => "db2g",
        (8, 4) => "db4h",
        _ => return None,
    };
    Some((format!("dvh1.{:02}.{:02}", config.profile, config.level), brand))
}

/// The value of VIDEO-RANGE in HLS.
pub(crate) fn video_range(transfer: Transfer, config: Option<&DolbyVision>) -> &'static str {
    // H.273, table 3: 16 is SMPTE ST 2084, 18 is ARIB STD-B67. Dolby Vision without a compatible base layer uses the
    // former.
    match transfer.0 {
        16 => "PQ",
        18 => "HLG",
        _ if config.is_some_and(|config| config.profile == 5) => "PQ",
        _ => "SDR",
    }
}

/// The codec name of the samples that the init segment `data` describes.
pub fn in_header(data: &[u8]) -> Option<String> {
    name(data.get(sample_entry::in_header(data)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_known_streams() {
        // Main profile, level 3.1, only the first constraint byte: the standard's own example.
        let record = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc(&record).as_deref(), Some("hvc1.1.6.L93.B0"));
        let record = [1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 150];
        assert_eq!(hevc(&record).as_deref(), Some("hvc1.2.4.H150.90"));
        let esds = [
            &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x25, 0, 1, 0, 4, 0x80, 0x80, 0x80, 0x17, 0x40, 0x15][..],
            &[0; 11],
            &[5, 0x80, 0x80, 0x80, 5, 0x11, 0x90, 0x56, 0xe5, 0],
        ];
        assert_eq!(aac(&esds.concat()).as_deref(), Some("mp4a.40.2"));
    }
}
