//! Reads the header of an audio frame: AC-3, E-AC-3, DTS, MPEG audio, AAC in ADTS, FLAC.
//!
//! Invariant: bytes that do not begin with the codec's sync word give no header.

/// Codec, sample rate and channels of an audio frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioHeader {
    /// FFmpeg's name of the codec. Transport streams do not distinguish the layers of MPEG audio.
    pub codec: &'static str,
    /// Samples per second.
    pub rate: u32,
    /// Number of full-range channels.
    pub channels: u32,
    /// True if there is a channel for low-frequency effects (LFE).
    pub has_effects: bool,
}

impl std::fmt::Display for AudioHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let AudioHeader { codec, rate, channels, has_effects } = self;
        write!(f, "{codec}, {rate} Hz, {channels}.{} channels", u8::from(*has_effects))
    }
}

/// True if frames of `codec` (FFmpeg's name) have a header that [`read`] understands.
pub fn describes_itself(codec: &str) -> bool {
    matches!(codec, "ac3" | "eac3" | "dts" | "mp1" | "mp2" | "mp3" | "aac" | "flac")
}

/// Reads the header of the frame at the start of `data`. `None` if no frame begins there.
pub fn read(codec: &str, data: &[u8]) -> Option<AudioHeader> {
    match codec {
        "ac3" | "eac3" => ac3(data),
        "dts" => dts(data),
        "mp1" | "mp2" | "mp3" => mpeg(data),
        "aac" => adts(data),
        "flac" => flac(data),
        _ => None,
    }
}

/// Reads `count` bits from bit `at` on, most significant bit first.
fn bits(data: &[u8], at: usize, count: usize) -> Option<u32> {
    (at..at + count).try_fold(0, |value, bit| {
        let byte = data.get(bit / 8)?;
        Some(value << 1 | u32::from(byte >> (7 - bit % 8) & 1))
    })
}

/// ATSC A/52, 5.3 and annex E.1.2.
fn ac3(data: &[u8]) -> Option<AudioHeader> {
    const RATES: [u32; 3] = [48_000, 44_100, 32_000];
    /// Table 5.8.
    const CHANNELS: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
    if bits(data, 0, 16)? != 0x0b77 {
        return None;
    }
    let fscod = bits(data, 32, 2)? as usize;
    if bits(data, 40, 5)? > 10 {
        let rate = match fscod {
            3 => RATES.get(bits(data, 34, 2)? as usize)? / 2,
            _ => RATES[fscod],
        };
        let channels = CHANNELS[bits(data, 36, 3)? as usize];
        return Some(AudioHeader { codec: "eac3", rate, channels, has_effects: bits(data, 39, 1)? == 1 });
    }
    let acmod = bits(data, 48, 3)?;
    // The mix levels lie between the channel mode and the LFE flag.
    let levels =
        2 * usize::from(acmod & 1 != 0 && acmod != 1) + 2 * usize::from(acmod & 4 != 0) + 2 * usize::from(acmod == 2);
    let has_effects = bits(data, 51 + levels, 1)? == 1;
    let (rate, channels) = (*RATES.get(fscod)?, CHANNELS[acmod as usize]);
    Some(AudioHeader { codec: "ac3", rate, channels, has_effects })
}

/// ETSI TS 102 114, 5.4.1: the core substream.
fn dts(data: &[u8]) -> Option<AudioHeader> {
    /// Table 5-5; zeros are invalid.
    const RATES: [u32; 16] =
        [0, 8000, 16_000, 32_000, 0, 0, 11_025, 22_050, 44_100, 0, 0, 12_000, 24_000, 48_000, 0, 0];
    /// Table 5-4.
    const CHANNELS: [u32; 16] = [1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8];
    if bits(data, 0, 32)? != 0x7ffe_8001 {
        return None;
    }
    let rate = RATES[bits(data, 66, 4)? as usize];
    let channels = *CHANNELS.get(bits(data, 60, 6)? as usize)?;
    let has_effects = matches!(bits(data, 85, 2), Some(1 | 2));
    (rate > 0).then_some(AudioHeader { codec: "dts", rate, channels, has_effects })
}

/// ISO/IEC 11172-3, 2.4.2.3, and 13818-3.
fn mpeg(data: &[u8]) -> Option<AudioHeader> {
    const RATES: [u32; 3] = [44_100, 48_000, 32_000];
    if bits(data, 0, 11)? != 0x7ff {
        return None;
    }
    let divisor = match bits(data, 11, 2)? {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let codec = match bits(data, 13, 2)? {
        1 => "mp3",
        2 => "mp2",
        3 => "mp1",
        _ => return None,
    };
    let rate = RATES.get(bits(data, 20, 2)? as usize)? / divisor;
    let channels = if bits(data, 24, 2)? == 3 { 1 } else { 2 };
    Some(AudioHeader { codec, rate, channels, has_effects: false })
}

/// ISO/IEC 14496-3, 1.A.3.2.
fn adts(data: &[u8]) -> Option<AudioHeader> {
    const RATES: [u32; 13] =
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
    if bits(data, 0, 12)? != 0xfff || bits(data, 13, 2)? != 0 {
        return None;
    }
    let rate = *RATES.get(bits(data, 18, 4)? as usize)?;
    let (channels, has_effects) = match bits(data, 23, 3)? {
        6 => (5, true),
        7 => (7, true),
        channels => (channels, false),
    };
    Some(AudioHeader { codec: "aac", rate, channels, has_effects })
}

/// RFC 9639, 9.1. The rate is 0 if only the stream header states it.
fn flac(data: &[u8]) -> Option<AudioHeader> {
    const RATES: [u32; 12] =
        [0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
    if bits(data, 0, 15)? != 0x7ffc {
        return None;
    }
    let rate = RATES.get(bits(data, 20, 4)? as usize).copied().unwrap_or(0);
    let channels = match bits(data, 24, 4)? {
        8..=10 => 2,
        one => one + 1,
    };
    Some(AudioHeader { codec: "flac", rate, channels, has_effects: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_standards_have_them() {
        let is = |codec: &str, data: &[u8], rate, channels, has_effects| {
            let header = read(codec, data).expect("a header");
            let said = (header.codec, header.rate, header.channels, header.has_effects);
            assert_eq!(said, (codec, rate, channels, has_effects));
        };
        // 48 kHz, 3/2 with LFE: the mix levels of centre and surround come before the flag.
        is("ac3", &[0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0], 48_000, 5, true);
        // 44.1 kHz, 2/0: the surround mode comes before the flag.
        is("ac3", &[0x0b, 0x77, 0, 0, 0x5e, 0x40, 0x40, 0], 44_100, 2, false);
        is("eac3", &[0x0b, 0x77, 0, 0x80, 0x3f, 0x86, 0, 0], 48_000, 5, true);
        is("mp1", &[0xff, 0xff, 0xa4, 0x00], 48_000, 2, false);
        is("mp2", &[0xff, 0xfd, 0xa4, 0x00], 48_000, 2, false);
        is("mp3", &[0xff, 0xf3, 0x90, 0xc4], 22_050, 1, false);
        is("aac", &[0xff, 0xf1, 0x4c, 0x80, 0, 0, 0], 48_000, 2, false);
        is("flac", &[0xff, 0xf8, 0xca, 0x98], 48_000, 2, false);
        is("dts", &[0x7f, 0xfe, 0x80, 0x01, 0xfc, 0x3c, 0x3f, 0xf2, 0x76, 0xe0, 0x04], 48_000, 5, true);
    }

    #[test]
    fn other_bytes_say_nothing() {
        for codec in ["ac3", "dts", "mp2", "aac", "flac", "opus"] {
            assert_eq!(read(codec, &[0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c]), None);
            assert_eq!(read(codec, &[]), None);
            assert_eq!(read(codec, &[0xff]), None);
        }
    }
}
