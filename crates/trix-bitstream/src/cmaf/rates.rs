//! Bit rates of the written segments, for playlists.
//!
//! Invariant: rates are measured on the segments on disk, and rounded up.

/// A segment: its size in bytes, and its duration in ticks of some clock.
pub type Weight = (u64, u64);

/// Bits per second of `bytes` over `ticks`, with `scale` ticks a second.
fn rate(bytes: u64, ticks: u64, scale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(scale);
    u64::try_from(bits.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX)
}

/// Average over all segments (HLS: the average segment bit rate).
pub fn average(segments: &[Weight], scale: u32) -> u64 {
    let (bytes, ticks) = segments.iter().fold((0u64, 0u64), |(bytes, ticks), (more, longer)| {
        (bytes.saturating_add(*more), ticks.saturating_add(*longer))
    });
    if ticks == 0 { 0 } else { rate(bytes, ticks, scale) }
}

/// Highest rate of a run of segments that lasts from half the target duration to one and a half times as long (HLS: the
/// peak segment bit rate). `target` is in seconds. If no run has such a length, the highest rate of a single segment.
pub fn peak(segments: &[Weight], scale: u32, target: u64) -> u64 {
    let doubled = u128::from(target) * u128::from(scale);
    let mut most = None;
    for start in 0..segments.len() {
        let (mut bytes, mut ticks) = (0u64, 0u64);
        for (more, longer) in &segments[start..] {
            (bytes, ticks) = (bytes.saturating_add(*more), ticks.saturating_add(*longer));
            if 2 * u128::from(ticks) > 3 * doubled {
                break;
            }
            if 2 * u128::from(ticks) >= doubled {
                most = most.max(Some(rate(bytes, ticks, scale)));
            }
        }
    }
    let single = || segments.iter().map(|(bytes, ticks)| rate(*bytes, *ticks, scale)).max();
    most.or_else(single).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_last_segment_counts_with_the_one_before_it() {
        let segments = [(1000, 100), (3000, 100), (500, 2)];
        assert_eq!(average(&segments, 100), (4500 * 800_u64).div_ceil(202));
        // 3500 bytes in 1.02 s give a higher rate than 3000 in 1 s.
        assert_eq!(peak(&segments, 100, 1), (3500 * 800_u64).div_ceil(102));
        assert_eq!(peak(&[(500, 2)], 100, 1), 500 * 8 * 50);
        assert_eq!(peak(&[], 100, 1), 0);
    }
}
