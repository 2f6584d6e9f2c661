//! Minimum, maximum and energy of audio in buckets along the timeline.
//!
//! Invariant: the number of buckets never exceeds the bound. If it would, pairs of buckets are merged. So memory does
//! not grow with the duration, and the result does not depend on how audio is divided into blocks.

use trix_av::frame::Frame;
use trix_model::time::{TimeBase, Timestamp};

/// The samples in a part of one channel. All zeros if there was no audio.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    /// The lowest sample; full scale is -1.
    pub(super) low: f32,
    /// The highest sample; full scale is 1.
    pub(super) high: f32,
    /// The sum of the squares of all samples.
    pub(super) energy: f64,
    filled: bool,
}

impl Bucket {
    fn add(&mut self, sample: f32) {
        self.join(Bucket { low: sample, high: sample, energy: f64::from(sample) * f64::from(sample), filled: true });
    }

    fn join(&mut self, other: Bucket) {
        if !other.filled {
            return;
        }
        let energy = self.energy + other.energy;
        *self = match self.filled {
            true => Bucket { low: self.low.min(other.low), high: self.high.max(other.high), energy, filled: true },
            false => other,
        };
    }
}

/// The buckets of all channels of a track.
pub(super) struct Peaks {
    origin: Timestamp,
    mixed: bool,
    bound: usize,
    channels: Vec<Vec<Bucket>>,
    /// Base-2 logarithm of the samples per bucket.
    shift: u32,
    rate: u32,
    /// End of the audio so far, in samples since the origin.
    end: i64,
    /// Forced end, in the source's time.
    until: Option<Timestamp>,
}

/// Minimum difference in milliseconds between a time and the number of samples so far that counts as a gap and not as
/// rounding. Encoded audio uses the same limit.
const GAP: i64 = 40;

impl Peaks {
    /// Creates at most `bound` buckets for audio from `origin` on. `mixed` averages the channels.
    pub(super) fn new(origin: Timestamp, mixed: bool, bound: usize) -> Self {
        Peaks { origin, mixed, bound: bound.max(2), channels: Vec::new(), shift: 0, rate: 0, end: 0, until: None }
    }

    /// Ignores audio from `until` on, in the source's time.
    pub(super) fn end_at(&mut self, until: Timestamp) {
        self.until = Some(until);
    }

    /// Takes a block with its time in `base`.
    pub(super) fn push(&mut self, frame: &Frame, base: TimeBase) {
        let rate = frame.sample_rate();
        if rate == 0 || frame.samples() == 0 {
            return;
        }
        let mut channels: Vec<Vec<f32>> =
            (0..frame.channels()).map(|channel| numbers(&frame.channel(channel), frame.format())).collect();
        if self.mixed {
            channels = vec![average(&channels)];
        }
        let origin = Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base);
        let pts = frame.pts().map(|pts| Timestamp::new(pts, base).plus(origin));
        self.put(&channels, rate, pts);
    }

    /// Adds a block of samples at `rate`, at the time `since` the origin, or directly after the previous block.
    fn put(&mut self, channels: &[Vec<f32>], rate: u32, since: Option<Timestamp>) {
        if self.rate == 0 {
            self.rate = rate;
            self.channels = vec![Vec::new(); channels.len()];
        }
        // The number of audio channels can increase during a stream.
        if channels.len() > self.channels.len() {
            self.channels.resize(channels.len(), Vec::new());
        }
        let stated = since.map(|since| since.rescale(TimeBase::new(1, self.rate.into())));
        let gap = GAP * i64::from(self.rate) / 1000;
        let begins = self.end == 0 && self.channels.iter().all(Vec::is_empty);
        let start = match stated {
            Some(stated) if begins || stated.saturating_sub(self.end) > gap => stated,
            _ => self.end,
        };
        let length = channels.first().map_or(0, Vec::len) as i64;
        // Map audio of another rate than the first to its time of presentation.
        let own = self.rate;
        let place = |index: i64| match rate == own {
            true => start.saturating_add(index),
            false => start.saturating_add(index * i64::from(own) / i64::from(rate)),
        };
        let until = self.last();
        self.end = place(length).min(until).max(self.end);
        self.fit();
        let shift = self.shift;
        for (buckets, samples) in self.channels.iter_mut().zip(channels) {
            for (index, sample) in (0i64..).zip(samples) {
                // Audio before the origin is not heard.
                let Ok(at) = u64::try_from(place(index).min(until)) else { continue };
                // Nor is audio after the end.
                if at == until.unsigned_abs() {
                    break;
                }
                let at = (at >> shift) as usize;
                if at >= buckets.len() {
                    buckets.resize(at + 1, Bucket::default());
                }
                buckets[at].add(*sample);
            }
        }
    }

    /// The forced end, in samples since the origin.
    fn last(&self) -> i64 {
        let origin = Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base);
        let rate = TimeBase::new(1, self.rate.into());
        self.until.map_or(i64::MAX, |until| until.plus(origin).rescale(rate))
    }

    /// True if the audio has come to the forced end.
    pub(super) fn is_complete(&self) -> bool {
        self.rate > 0 && self.end >= self.last()
    }

    /// Enforces the bound for all samples so far.
    fn fit(&mut self) {
        while self.buckets() > self.bound {
            self.double();
        }
    }

    fn double(&mut self) {
        self.shift += 1;
        for buckets in &mut self.channels {
            for pair in 0..buckets.len().div_ceil(2) {
                let mut bucket = buckets[2 * pair];
                if let Some(other) = buckets.get(2 * pair + 1) {
                    bucket.join(*other);
                }
                buckets[pair] = bucket;
            }
            buckets.truncate(buckets.len().div_ceil(2));
        }
    }

    /// Enlarges buckets as far as at least `least` of them remain.
    pub(super) fn coarsen(&mut self, least: usize) {
        while self.buckets() / 2 >= least.max(1) {
            self.double();
        }
    }

    /// Extends the timeline to `end`, in the source's time, if the audio ends before.
    pub(super) fn reach(&mut self, end: Timestamp) {
        let origin = Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base);
        if self.rate > 0 {
            self.end = self.end.max(end.plus(origin).rescale(TimeBase::new(1, self.rate.into())));
            self.fit();
        }
    }

    /// Samples per second. 0 without audio.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Samples on the timeline.
    pub(super) fn samples(&self) -> u64 {
        self.end.max(0) as u64
    }

    /// Samples per bucket.
    pub(super) fn bucket_samples(&self) -> u64 {
        1 << self.shift
    }

    /// Buckets on the timeline.
    pub(super) fn buckets(&self) -> usize {
        (self.samples().div_ceil(self.bucket_samples())) as usize
    }

    /// Number of channels. One if they are mixed.
    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Bucket `index` of a channel.
    pub(super) fn bucket(&self, channel: usize, index: usize) -> Bucket {
        self.channels.get(channel).and_then(|buckets| buckets.get(index)).copied().unwrap_or_default()
    }

    /// Minimum, maximum and energy of the samples `from..to` of a channel, extended to whole buckets, and their RMS
    /// value.
    pub(super) fn part(&self, channel: usize, from: u64, to: u64) -> (Bucket, f64) {
        let size = self.bucket_samples();
        let (first, last) = (from / size, to.max(from + 1).div_ceil(size));
        let mut sum = Bucket::default();
        for index in first..last {
            sum.join(self.bucket(channel, index as usize));
        }
        let samples = (last * size).min(self.samples().max(1)).saturating_sub(first * size).max(1);
        (sum, (sum.energy / samples as f64).sqrt())
    }
}

/// Converts samples of libavutil's formats to numbers from -1 to 1. Other formats give no samples.
fn numbers(bytes: &[u8], format: i32) -> Vec<f32> {
    /// Values that are not numbers become silence. Values beyond full scale are limited, so that their squares can be
    /// summed.
    fn audio(value: f64) -> f32 {
        if value.is_finite() { value.clamp(-1e6, 1e6) as f32 } else { 0.0 }
    }
    let whole = |value: i64, bits: u32| (value as f64 / (1i64 << (bits - 1)) as f64) as f32;
    // Packed and planar formats have the same order.
    match format {
        0 | 5 => bytes.iter().map(|byte| whole(i64::from(*byte) - 128, 8)).collect(),
        1 | 6 => bytes.as_chunks().0.iter().map(|bytes| whole(i16::from_ne_bytes(*bytes).into(), 16)).collect(),
        2 | 7 => bytes.as_chunks().0.iter().map(|bytes| whole(i32::from_ne_bytes(*bytes).into(), 32)).collect(),
        3 | 8 => bytes.as_chunks().0.iter().map(|bytes| audio(f32::from_ne_bytes(*bytes).into())).collect(),
        4 | 9 => bytes.as_chunks().0.iter().map(|bytes| audio(f64::from_ne_bytes(*bytes))).collect(),
        10 | 11 => bytes.as_chunks().0.iter().map(|bytes| whole(i64::from_ne_bytes(*bytes) >> 32, 32)).collect(),
        _ => Vec::new(),
    }
}

/// The average of all channels.
fn average(channels: &[Vec<f32>]) -> Vec<f32> {
    let count = channels.len().max(1) as f32;
    let samples = channels.iter().map(Vec::len).min().unwrap_or(0);
    (0..samples).map(|at| channels.iter().map(|channel| channel[at]).sum::<f32>() / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Timestamp = Timestamp::new(0, TimeBase::new(1, 1000));

    fn at(millis: i64) -> Option<Timestamp> {
        Some(Timestamp::new(millis, TimeBase::new(1, 1000)))
    }

    #[test]
    fn hours_of_audio_take_no_more_buckets_than_the_bound() {
        let mut peaks = Peaks::new(ZERO, false, 1024);
        let block = vec![vec![0.5; 800], vec![-0.25; 800]];
        for second in 0..3 * 3600 {
            peaks.put(&block, 800, at(second * 1000));
            assert!(peaks.channels.iter().all(|buckets| buckets.len() <= 1024 && buckets.capacity() <= 4096));
        }
        assert_eq!(peaks.samples(), 3 * 3600 * 800);
        let (bucket, rms) = peaks.part(1, 0, peaks.samples());
        assert_eq!((bucket.low, bucket.high), (-0.25, -0.25));
        assert!((rms - 0.25).abs() < 1e-9, "{rms}");
    }

    #[test]
    fn blocks_do_not_matter_and_gaps_are_silent() {
        let samples: Vec<f32> = (0..10_000).map(|index| ((index * 37) % 200) as f32 / 100.0 - 1.0).collect();
        let mut whole = Peaks::new(ZERO, false, 64);
        whole.put(std::slice::from_ref(&samples), 1000, at(0));
        let mut cut = Peaks::new(ZERO, false, 64);
        for block in samples.chunks(77) {
            cut.put(&[block.to_vec()], 1000, None);
        }
        assert_eq!((whole.shift, &whole.channels[0].len()), (cut.shift, &cut.channels[0].len()));
        for (one, other) in whole.channels[0].iter().zip(&cut.channels[0]) {
            assert_eq!((one.low, one.high), (other.low, other.high));
            assert!((one.energy - other.energy).abs() < 1e-6);
        }
        let mut gap = Peaks::new(ZERO, false, 1 << 12);
        gap.put(&[vec![1.0; 100]], 1000, at(-50));
        gap.put(&[vec![1.0; 100]], 1000, at(60));
        gap.put(&[vec![1.0; 100]], 1000, at(1000));
        let sounding: Vec<usize> = (0..gap.buckets()).filter(|index| gap.bucket(0, *index).high > 0.0).collect();
        assert_eq!(sounding, (0..150).chain(1000..1100).collect::<Vec<_>>());
    }

    #[test]
    fn absurd_times_and_numbers_do_no_harm() {
        let mut peaks = Peaks::new(ZERO, true, 16);
        peaks.put(&[vec![0.0, 1.0]], 8000, Some(Timestamp::new(i64::MAX, TimeBase::new(1, 1))));
        peaks.put(&[vec![0.0, 1.0]], 96_000, Some(Timestamp::new(i64::MIN, TimeBase::new(1, 1))));
        assert!(peaks.buckets() <= 16);
        assert_eq!(numbers(&f32::NAN.to_ne_bytes(), 3), [0.0]);
        assert_eq!(numbers(&[0, 128, 255], 0), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(numbers(&i16::MIN.to_ne_bytes(), 6), [-1.0]);
        assert_eq!(numbers(&[1, 2, 3], 99), [0.0; 0]);
    }
}
