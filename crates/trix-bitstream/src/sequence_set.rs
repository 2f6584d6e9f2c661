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
    /// The first schedule of the buffer model, for the stream with all of its sub-layers.
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

/// Reads `unit`, a NAL unit. `None` if it is no sequence parameter set of `codec`, or one of a second layer.
pub fn read(unit: &[u8], codec: NalCodec) -> Option<SequenceSet> {
    if !codec.is_first_sequence_set(unit) {
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
    // Constraints and level.
    bits.skip(16)?;
    let _number = bits.golomb()?;
    if WITH_CHROMA.contains(&profile) {
        let chroma = bits.golomb()?;
        if chroma == 3 {
            let _separate_planes = bits.flag()?;
        }
        // Bit depths of luma and chroma.
        bits.golombs(2)?;
        let _transform_bypass = bits.flag()?;
        let has_scaling_lists = bits.flag()?;
        if has_scaling_lists {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let _frame_number_bits = bits.golomb()?;
    match bits.golomb()? {
        0 => {
            let _order_count_bits = bits.golomb()?;
        }
        1 => {
            // Two offsets, then one for each frame of a cycle.
            let _always_zero = bits.flag()?;
            bits.golombs(2)?;
            let cycle = bits.golomb()?;
            bits.golombs(cycle.min(255))?;
        }
        _ => {}
    }
    let _reference_frames = bits.golomb()?;
    let _has_gaps = bits.flag()?;
    // Width and height in macroblocks.
    bits.golombs(2)?;
    let is_frames_only = bits.flag()?;
    if !is_frames_only {
        let _is_adaptive = bits.flag()?;
    }
    let _direct_inference = bits.flag()?;
    window(bits)?;
    let has_usability = bits.flag()?;
    if !has_usability {
        return None;
    }
    appearance(bits)?;
    let has_timing = bits.flag()?;
    if has_timing {
        // Units in a tick, ticks in a second, and whether the rate is fixed.
        bits.skip(32 + 32 + 1)?;
    }
    // The schedules of NAL units, then those of slices.
    for _ in 0..2 {
        if bits.flag()? {
            let count = bits.golomb()?;
            let scale = bits.take(4)?;
            let _scale_of_sizes = bits.take(4)?;
            let schedule = schedules(bits, count, scale, false)?;
            found.schedule.get_or_insert(schedule);
            // Four lengths of 5 bits.
            bits.skip(4 * 5)?;
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
        bits.golombs(4)?;
    }
    Some(())
}

/// The start of the video usability information, which both standards share: aspect ratio, overscan, colour, chroma.
fn appearance(bits: &mut Bits<'_>) -> Option<()> {
    const OWN_RATIO: u32 = 255;
    let has_aspect = bits.flag()?;
    if has_aspect && bits.take(8)? == OWN_RATIO {
        bits.skip(16 + 16)?;
    }
    let has_overscan = bits.flag()?;
    if has_overscan {
        bits.skip(1)?;
    }
    let has_signal = bits.flag()?;
    if has_signal {
        // Video format and range.
        bits.skip(3 + 1)?;
        let has_color = bits.flag()?;
        if has_color {
            bits.skip(3 * 8)?;
        }
    }
    let has_chroma_place = bits.flag()?;
    if has_chroma_place {
        bits.golombs(2)?;
    }
    Some(())
}

/// `count` + 1 schedules, at most 32. Returns the first one.
fn schedules(bits: &mut Bits<'_>, count: u32, scale: u32, with_units: bool) -> Option<Schedule> {
    let mut first = None;
    for _ in 0..=count.min(31) {
        let value = u64::from(bits.golomb()?) + 1;
        // The size of the buffer, then size and rate for parts of a frame.
        bits.golombs(if with_units { 3 } else { 1 })?;
        let is_constant = bits.flag()?;
        first.get_or_insert(Schedule { is_constant, bit_rate: value << (6 + scale) });
    }
    first
}

/// H.265, 7.3.2.2.
fn hevc(bits: &mut Bits<'_>, found: &mut SequenceSet) -> Option<()> {
    let _video_set = bits.take(4)?;
    let layers = bits.take(3)?;
    let _nesting = bits.flag()?;
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
        bits.skip(88 * usize::from(profile) + 8 * usize::from(level))?;
    }
    let _number = bits.golomb()?;
    let chroma = bits.golomb()?;
    if chroma == 3 {
        let _separate_planes = bits.flag()?;
    }
    // Width and height.
    bits.golombs(2)?;
    window(bits)?;
    // Bit depths of luma and chroma.
    bits.golombs(2)?;
    let order_bits = bits.golomb()? as usize + 4;
    let has_all_layers = bits.flag()?;
    // Three limits of the buffer of decoded frames, for each sub-layer or for all.
    bits.golombs(3 * if has_all_layers { layers + 1 } else { 1 })?;
    // Two sizes of coding blocks, two of transform blocks, two depths of transform trees.
    bits.golombs(6)?;
    let has_scaling = bits.flag()?;
    if has_scaling && bits.flag()? {
        hevc_scaling_lists(bits)?;
    }
    // Asymmetric partitions and sample adaptive offset.
    bits.skip(2)?;
    let has_pcm = bits.flag()?;
    if has_pcm {
        // Two bit depths, two sizes of blocks, and the loop filter.
        bits.skip(4 + 4)?;
        bits.golombs(2)?;
        bits.skip(1)?;
    }
    reference_sets(bits)?;
    let has_long_term = bits.flag()?;
    if has_long_term {
        for _ in 0..bits.golomb()?.min(32) {
            bits.skip(order_bits + 1)?;
        }
    }
    // Prediction of motion vectors and strong intra smoothing.
    bits.skip(2)?;
    let has_usability = bits.flag()?;
    if !has_usability {
        return None;
    }
    appearance(bits)?;
    // Neutral chroma, fields, and information about fields.
    bits.skip(3)?;
    window(bits)?;
    let has_timing = bits.flag()?;
    if !has_timing {
        return None;
    }
    // Units in a tick, and ticks in a second.
    bits.skip(32 + 32)?;
    let has_ticks_of_order = bits.flag()?;
    if has_ticks_of_order {
        let _ticks = bits.golomb()?;
    }
    let has_buffer_model = bits.flag()?;
    if has_buffer_model {
        found.schedule = hevc_buffer_model(bits, layers)?;
    }
    Some(())
}

/// H.265, 7.3.4.
fn hevc_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            let is_written = bits.flag()?;
            let values = if is_written { 64.min(1 << (4 + 2 * size)) } else { 0 };
            // Either the list to copy, or the values, with one for the mean from 16x16 on.
            let mean = u32::from(is_written && size > 1);
            bits.golombs(u32::from(!is_written) + mean + values)?;
        }
    }
    Some(())
}

/// The short-term reference picture sets (H.265, 7.3.7).
fn reference_sets(bits: &mut Bits<'_>) -> Option<()> {
    let mut previous = 0;
    for set in 0..bits.golomb()?.min(64) {
        let mut frames = 0;
        let is_predicted = set > 0 && bits.flag()?;
        if is_predicted {
            let _sign = bits.flag()?;
            let _difference = bits.golomb()?;
            for _ in 0..=previous {
                let is_used = bits.flag()?;
                if is_used || bits.flag()? {
                    frames += 1;
                }
            }
        } else {
            frames = bits.golomb()?.min(16) + bits.golomb()?.min(16);
            for _ in 0..frames {
                let _difference = bits.golomb()?;
                let _is_used = bits.flag()?;
            }
        }
        previous = frames;
    }
    Some(())
}

/// H.265, E.2.2 and E.2.3. Each sub-layer has schedules for itself and all below it, so the last ones are those of the
/// whole stream.
fn hevc_buffer_model(bits: &mut Bits<'_>, layers: u32) -> Option<Option<Schedule>> {
    let (of_units, of_slices) = (bits.flag()?, bits.flag()?);
    let (mut with_units, mut scale) = (false, 0);
    if of_units || of_slices {
        with_units = bits.flag()?;
        if with_units {
            // Four fields for parts of a frame.
            bits.skip(8 + 5 + 1 + 5)?;
        }
        scale = bits.take(4)?;
        // The scale of sizes, of a frame and of its parts, then three lengths.
        bits.skip(if with_units { 4 + 4 } else { 4 })?;
        bits.skip(3 * 5)?;
    }
    let mut whole = None;
    for _ in 0..=layers {
        let (mut is_even, mut has_low_delay, mut count) = (bits.flag()?, false, 0);
        if !is_even {
            is_even = bits.flag()?;
        }
        if is_even {
            let _ticks = bits.golomb()?;
        } else {
            has_low_delay = bits.flag()?;
        }
        if !has_low_delay {
            count = bits.golomb()?;
        }
        let mut first = None;
        for _ in 0..u32::from(of_units) + u32::from(of_slices) {
            let schedule = schedules(bits, count, scale, with_units)?;
            first.get_or_insert(schedule);
        }
        whole = first;
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::packed;
    use proptest::prelude::*;

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

    /// A set of HEVC with 1 + `layers` sub-layers, each with one schedule whose rate is the next of `rates`.
    fn hevc_set(header: &str, layers: usize, rates: &[&str]) -> Option<SequenceSet> {
        let zeros = |count: usize| "0".repeat(count);
        let number = ["000", "001", "010"][layers];
        let ordering = "1".repeat(3);
        let mut fields = vec![
            header.to_owned(),
            // Parameter set, sub-layers, nesting; profile space, Main tier, then the rest of the profile and the level.
            format!("0000 {number} 1 00 0 {}", zeros(93)),
            if layers > 0 { zeros(16) } else { String::new() },
            // Set 0, chroma 4:2:0, 64x64 samples, no cropping, 8 bits, order bits, one ordering for all sub-layers.
            format!("1 010 0000001000000 0000001000000 0 1 1 1 0 {ordering}"),
            // Six sizes, no scaling lists, two tools, no PCM, no reference sets, no long-term ones, two tools, VUI.
            "111111 0 00 0 1 0 00 1".to_owned(),
            // Nothing of aspect, overscan, signal and chroma; three flags; no window; timing with a buffer model.
            format!("0 0 0 0 000 0 1 {} 0 1", zeros(64)),
            // Schedules of NAL units only, without those of units; scales 0; three lengths.
            format!("1 0 0 0000 0000 {}", zeros(15)),
        ];
        // A fixed rate with a duration of one, one schedule of this rate and size 0, not constant.
        fields.extend(rates.iter().map(|rate| format!("1 1 1 {rate} 1 0")));
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        read(&packed(&fields), NalCodec::Hevc)
    }

    #[test]
    fn the_schedule_is_that_of_the_whole_stream() {
        let rate = |layers, rates: &[&str]| {
            hevc_set("01000010 00000001", layers, rates).expect("a set").schedule.map(|schedule| schedule.bit_rate)
        };
        assert_eq!(rate(0, &["1"]), Some(1 << 6));
        assert_eq!(rate(2, &["1", "010", "011"]), Some(3 << 6));
    }

    #[test]
    fn a_set_of_a_second_layer_states_nothing_of_the_first() {
        assert!(hevc_set("01000010 00000001", 0, &["1"]).is_some());
        assert_eq!(hevc_set("01000010 00001001", 0, &["1"]), None);
        assert_eq!(hevc_set("01000011 00000001", 0, &["1"]), None);
        assert_eq!(read(&[33 << 1], NalCodec::Hevc), None);
    }

    proptest! {
        #[test]
        fn no_set_is_trouble(rest in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&[&[0x67][..], &rest].concat(), NalCodec::H264);
            let _ = read(&[&[33 << 1, 1][..], &rest].concat(), NalCodec::Hevc);
        }
    }
}
