//! The waveform of audio, for drawing: the lowest and highest sample of each short interval.
//!
//! Invariant: every sample lies in exactly one bucket. Bucket `n` begins at sample `n * rate / buckets`, rounded down.

use serde::{Deserialize, Serialize};

/// The lowest and highest samples, as 16-bit integers so that an hour stays small: 32767 is full scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Peaks {
    /// Buckets per second.
    pub buckets_per_second: u32,
    /// For each channel, the lowest and the highest sample of each bucket, rounded away from zero.
    pub channels: Vec<Vec<(i16, i16)>>,
}

/// Collects [`Peaks`].
pub(super) struct Waveform {
    sample_rate: u64,
    buckets: u64,
    channels: Vec<Channel>,
}

#[derive(Clone, Default)]
struct Channel {
    samples: u64,
    open: Option<(f64, f64)>,
    done: Vec<(i16, i16)>,
}

impl Waveform {
    pub(super) fn new(channels: usize, sample_rate: u32, buckets: u32) -> Self {
        // No more buckets than samples.
        let buckets = buckets.clamp(1, sample_rate.max(1));
        Waveform {
            sample_rate: u64::from(sample_rate),
            buckets: u64::from(buckets),
            channels: vec![Channel::default(); channels],
        }
    }

    pub(super) fn push(&mut self, channel: usize, samples: &[f64]) {
        let (rate, buckets) = (self.sample_rate, self.buckets);
        let Some(channel) = self.channels.get_mut(channel) else { return };
        let mut rest = samples;
        while !rest.is_empty() {
            // The samples before the start of the next bucket.
            let next = (channel.done.len() as u64 + 1) * rate / buckets;
            let take = usize::try_from(next - channel.samples).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at(take);
            for sample in now {
                let (low, high) = channel.open.unwrap_or((*sample, *sample));
                channel.open = Some((low.min(*sample), high.max(*sample)));
            }
            channel.samples += take as u64;
            if channel.samples == next {
                channel.close();
            }
            rest = later;
        }
    }

    pub(super) fn finish(mut self) -> Peaks {
        self.channels.iter_mut().filter(|channel| channel.open.is_some()).for_each(Channel::close);
        Peaks {
            buckets_per_second: self.buckets as u32,
            channels: self.channels.into_iter().map(|channel| channel.done).collect(),
        }
    }
}

impl Channel {
    fn close(&mut self) {
        let (low, high) = self.open.take().unwrap_or_default();
        let whole = |value: f64| {
            let scaled = value * f64::from(i16::MAX);
            let away = if scaled < 0.0 { scaled.floor() } else { scaled.ceil() };
            away.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
        };
        self.done.push((whole(low), whole(high)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_bucket_whatever_the_blocks() {
        let samples: Vec<f64> = (0..1000).map(|at| f64::from(at % 97) / 97.0 - 0.5).collect();
        for block in [1, 7, 64, 1000] {
            // Buckets of 44.1 samples.
            let mut wave = Waveform::new(1, 441, 10);
            samples.chunks(block).for_each(|block| wave.push(0, block));
            let found = wave.finish();
            assert_eq!(found.channels[0].len(), 23);
            for (number, (low, high)) in found.channels[0].iter().enumerate() {
                let range = number * 441 / 10..((number + 1) * 441 / 10).min(1000);
                let fold = |pick: fn(f64, f64) -> f64| samples[range.clone()].iter().copied().reduce(pick).unwrap();
                assert!((f64::from(*low) / 32767.0 - fold(f64::min)).abs() < 1.0 / 32767.0);
                assert!((f64::from(*high) / 32767.0 - fold(f64::max)).abs() < 1.0 / 32767.0);
            }
        }
    }
}
