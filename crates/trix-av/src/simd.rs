//! Runs code with the widest vectors of the processor.
//!
//! Invariant: the result does not depend on the processor. No instruction that rounds differently is enabled (no fused
//! multiply-add).

/// Runs `work`, which is compiled twice: for any processor and, on x86-64, for those with AVX2. The closure and the functions
/// that it calls must be `#[inline(always)]`; what is not inlined is compiled for any processor only.
#[inline]
pub fn widest<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn with_avx2<T>(work: impl FnOnce() -> T) -> T {
            work()
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature that the function needs.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once() {
        let mut count = 0;
        assert_eq!(
            widest(|| {
                count += 1;
                count * 7
            }),
            7
        );
        assert_eq!(count, 1);
    }
}
