//! The header of a Dolby Vision reference processing unit (RPU), to find the profile if no container states it.
//!
//! Invariant: no length in the unit is trusted beyond its bytes.
//!
//! The fields are those of ETSI GS CCM 001 (rpu_data_header). libavcodec uses the same fields to distinguish profiles.

use crate::bits::Bits;

/// The Dolby Vision profile of a unit: 4, 5, 7 or 8. `None` for any other profile, or if the unit is damaged.
pub fn profile(unit: &[u8]) -> Option<u8> {
    const PREFIX: u32 = 25;
    const VIDEO: u32 = 2;
    let mut bits = Bits::new(unit);
    if bits.take(8)? != PREFIX || bits.take(6)? != VIDEO {
        return None;
    }
    let format = bits.take(11)?;
    let (profile, _level) = (bits.take(4)?, bits.take(4)?);
    if !bits.flag()? {
        return None;
    }
    let _resampling = bits.take(1)?;
    let has_fixed_point = bits.take(2)? == 0;
    if has_fixed_point {
        bits.golomb()?;
    }
    let _normalised = bits.take(2)?;
    let is_full_range = bits.flag()?;
    let (mut depth, mut has_resampling, mut has_residual) = (None, false, false);
    if format & 0x700 == 0 {
        let (_base, _enhancement) = (bits.golomb()?, bits.golomb()?);
        depth = bits.golomb()?.checked_add(8);
        let _spatial_and_reserved = bits.take(4)?;
        has_resampling = bits.flag()?;
        has_residual = !bits.flag()?;
    }
    match profile {
        0 if is_full_range => Some(5),
        1 if has_resampling && has_residual => Some(if depth == Some(12) { 7 } else { 4 }),
        1 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::packed;
    use proptest::prelude::*;

    #[test]
    fn profiles_are_recognised_by_the_fields_that_distinguish_them() {
        // Prefix, type, format, profile, level, sequence present, resampling, fixed point, denominator 23, normalised.
        let head = |profile: &str| format!("00011001 000010 00000000000 {profile} 0001 1 0 00 000011000 01");
        // Full range, depths of 10, 10 and 12 bits, spatial filter, reserved, resampling, residual disabled.
        let depths = |depth: &str, rest: &str| format!("011 011 {depth} 0 000 {rest}");
        assert_eq!(profile(&packed(&[&head("0000"), "1", &depths("00101", "0 1")])), Some(5));
        assert_eq!(profile(&packed(&[&head("0001"), "0", &depths("00101", "1 0")])), Some(7));
        assert_eq!(profile(&packed(&[&head("0001"), "0", &depths("010", "1 0")])), Some(4));
        assert_eq!(profile(&packed(&[&head("0001"), "0", &depths("00101", "0 1")])), Some(8));
        assert_eq!(profile(&packed(&[&head("0000"), "0", &depths("00101", "0 1")])), None);
        assert_eq!(profile(&[25]), None);
        assert_eq!(profile(&[0; 64]), None);
    }

    proptest! {
        #[test]
        fn no_unit_is_trouble(rest in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = profile(&[&[25, 8][..], &rest].concat());
        }
    }
}
