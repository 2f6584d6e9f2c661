//! Facts in the sequence parameter sets of H.264 and HEVC that libavcodec does not pass on: the tier, and the buffer
//! model (hypothetical reference decoder).
//!
//! Invariant: every loop is bounded by the limits of the standards, whatever the numbers in a set are.

use crate::{bits::Bits, messages::unescaped, nal::NalCodec};

/// What a sequence parameter set states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceSet {
    /// HEVC: true for the High tier, false for the Main tier.
    pub is_high_tier: Option<bool>,
    /// The first schedule of the buffer model.
    pub schedule: Option<Schedule>,
}

/// How the bits of a stream arrive in the decoder's buffer (H.264 E.2.2, H.265 E.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// True for a constant bit rate.
    pub is_constant: bool,
    /// The largest bit rate in bits per second.
    pub bit_rate: u64,
}

/// Reads `unit`, a NAL unit. `None` if it is no sequence parameter set of `codec`.
pub fn read(unit: &[u8], codec: NalCodec) -> Option<SequenceSet> {
    if !codec.is_sequence_set(unit) {
        return None;
    }
    let header = if codec == NalCodec::H264 { 1 } else { 2 };
    let body = unescaped(unit.get(header..)?);
    let mut found = SequenceSet::default();
    let mut bits = Bits::new(&body);
    // A damaged set gives the facts up to the damage.
    let _ = match codec {
        NalCodec::H264 => h264(&mut bits, &mut found),
        NalCodec::Hevc => hevc(&mut bits, &mut found),
    };
    Some(found)
}

/// H.264, 7.3.2.1.1.
fn h264(bits: &mut Bits<'_>, found: &mut SequenceSet) -> Option<()> {
    const WITH_CHROMA: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    let profile = bits.take(8)?;
    bits.skip(16)?;
    bits.golomb()?;
    if WITH_CHROMA.contains(&profile) {
        let chroma = bits.golomb()?;
        if chroma == 3 {
            bits.skip(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.skip(1)?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => drop(bits.golomb()?),
        1 => {
            bits.skip(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.skip(1)?;
    bits.golomb()?;
    bits.golomb()?;
    if !bits.flag()? {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    window(bits)?;
    if !bits.flag()? {
        return None;
    }
    appearance(bits)?;
    if bits.flag()? {
        bits.skip(65)?;
    }
    // The schedules of NAL units, then those of slices.
    for _ in 0..2 {
        if bits.flag()? {
            let count = bits.golomb()?;
            let scale = bits.take(4)?;
            bits.skip(4)?;
            let schedule = schedules(bits, count, scale, false)?;
            found.schedule = found.schedule.or(schedule);
            bits.skip(20)?;
        }
    }
    Some(())
}

/// H.264, 7.3.2.1.1.1.
fn scaling_list(bits: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed_golomb()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// A flag, and four offsets if it is set: cropping, or the default display window.
fn window(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? {
        for _ in 0..4 {
            bits.golomb()?;
        }
    }
    Some(())
}

/// The start of the video usability information, which both standards share: aspect ratio, overscan, colour, chroma.
fn appearance(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? && bits.take(8)? == 255 {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(4)?;
        if bits.flag()? {
            bits.skip(24)?;
        }
    }
    if bits.flag()? {
        bits.golomb()?;
        bits.golomb()?;
    }
    Some(())
}

/// `count` + 1 schedules, at most 32. Returns the first one.
fn schedules(bits: &mut Bits<'_>, count: u32, scale: u32, with_units: bool) -> Option<Option<Schedule>> {
    let mut first = None;
    for _ in 0..=count.min(31) {
        let value = u64::from(bits.golomb()?) + 1;
        bits.golomb()?;
        if with_units {
            bits.golomb()?;
            bits.golomb()?;
        }
        let is_constant = bits.flag()?;
        first = first.or(Some(Schedule { is_constant, bit_rate: value << (6 + scale) }));
    }
    Some(first)
}

/// H.265, 7.3.2.2.
fn hevc(bits: &mut Bits<'_>, found: &mut SequenceSet) -> Option<()> {
    bits.skip(4)?;
    let layers = bits.take(3)?;
    bits.skip(1)?;
    // profile_tier_level (7.3.3): profile space, tier, profile, then flags and the level.
    bits.skip(2)?;
    found.is_high_tier = Some(bits.flag()?);
    bits.skip(93)?;
    let mut stated = Vec::new();
    for _ in 0..layers {
        stated.push((bits.flag()?, bits.flag()?));
    }
    if layers > 0 {
        bits.skip(2 * (8 - layers as usize))?;
    }
    for (profile, level) in stated {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    bits.golomb()?;
    if bits.golomb()? == 3 {
        bits.skip(1)?;
    }
    bits.golomb()?;
    bits.golomb()?;
    window(bits)?;
    bits.golomb()?;
    bits.golomb()?;
    let order_bits = bits.golomb()? as usize + 4;
    let first = if bits.flag()? { 0 } else { layers };
    for _ in first..=layers {
        for _ in 0..3 {
            bits.golomb()?;
        }
    }
    for _ in 0..6 {
        bits.golomb()?;
    }
    if bits.flag()? && bits.flag()? {
        hevc_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.golomb()?;
        bits.golomb()?;
        bits.skip(1)?;
    }
    reference_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.golomb()?.min(32) {
            bits.skip(order_bits + 1)?;
        }
    }
    bits.skip(2)?;
    if !bits.flag()? {
        return None;
    }
    appearance(bits)?;
    bits.skip(3)?;
    window(bits)?;
    if !bits.flag()? {
        return None;
    }
    bits.skip(64)?;
    if bits.flag()? {
        bits.golomb()?;
    }
    if bits.flag()? {
        found.schedule = hevc_buffer_model(bits, layers)?;
    }
    Some(())
}

/// H.265, 7.3.4.
fn hevc_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.golomb()?;
                continue;
            }
            if size > 1 {
                bits.golomb()?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                bits.golomb()?;
            }
        }
    }
    Some(())
}

/// The short-term reference picture sets (H.265, 7.3.7).
fn reference_sets(bits: &mut Bits<'_>) -> Option<()> {
    let mut previous = 0;
    for set in 0..bits.golomb()?.min(64) {
        let mut frames = 0;
        if set > 0 && bits.flag()? {
            bits.skip(1)?;
            bits.golomb()?;
            for _ in 0..=previous {
                let is_used = bits.flag()?;
                if is_used || bits.flag()? {
                    frames += 1;
                }
            }
        } else {
            frames = bits.golomb()?.min(16) + bits.golomb()?.min(16);
            for _ in 0..frames {
                bits.golomb()?;
                bits.skip(1)?;
            }
        }
        previous = frames;
    }
    Some(())
}

/// H.265, E.2.2 and E.2.3.
fn hevc_buffer_model(bits: &mut Bits<'_>, layers: u32) -> Option<Option<Schedule>> {
    let (of_units, of_slices) = (bits.flag()?, bits.flag()?);
    let (mut with_units, mut scale) = (false, 0);
    if of_units || of_slices {
        with_units = bits.flag()?;
        if with_units {
            bits.skip(19)?;
        }
        scale = bits.take(4)?;
        bits.skip(if with_units { 8 } else { 4 })?;
        bits.skip(15)?;
    }
    let mut first = None;
    for _ in 0..=layers {
        let (mut is_even, mut has_low_delay, mut count) = (bits.flag()?, false, 0);
        if !is_even {
            is_even = bits.flag()?;
        }
        if is_even {
            bits.golomb()?;
        } else {
            has_low_delay = bits.flag()?;
        }
        if !has_low_delay {
            count = bits.golomb()?;
        }
        for _ in 0..u32::from(of_units) + u32::from(of_slices) {
            first = first.or(schedules(bits, count, scale, with_units)?);
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes of fields that are written as zeros and ones, filled up with zeros.
    fn packed(fields: &[&str]) -> Vec<u8> {
        let bits: Vec<u8> = fields.concat().bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|chunk| chunk.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at))).collect()
    }

    #[test]
    fn a_baseline_set_states_its_schedule() {
        let set = |constant: &str| {
            let fields = [
                // NAL header, profile 66, constraints, level, set 0, frame number, order type 2, references, no gaps.
                "01100111 01000010 00000000 00011110 1 1 011 010 0",
                // 20x15 macroblocks, frames only, direct inference, no cropping, VUI.
                "000010100 0001111 1 1 0 1",
                // Nothing of aspect, overscan, signal, chroma and timing. One schedule: scales 2 and 3, rate 1, size 0.
                "0 0 0 0 0 1 1 0010 0011 010 1",
                constant,
                "00000000000000000000 0 1",
            ];
            read(&packed(&fields), NalCodec::H264).expect("a set").schedule
        };
        assert_eq!(set("1"), Some(Schedule { is_constant: true, bit_rate: 2 << 8 }));
        assert_eq!(set("0"), Some(Schedule { is_constant: false, bit_rate: 2 << 8 }));
    }

    #[test]
    fn the_tier_is_read_before_anything_that_may_be_damaged() {
        let set = |byte: u8| read(&[33 << 1, 1, 0x01, byte, 0x60], NalCodec::Hevc).and_then(|set| set.is_high_tier);
        assert_eq!((set(0x21), set(0x01)), (Some(true), Some(false)));
        assert_eq!(read(&[32 << 1, 1, 0x01, 0x21], NalCodec::Hevc), None);
    }

    proptest! {
        #[test]
        fn no_set_is_trouble(rest in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&[&[0x67][..], &rest].concat(), NalCodec::H264);
            let _ = read(&[&[33 << 1, 1][..], &rest].concat(), NalCodec::Hevc);
        }
    }
}
