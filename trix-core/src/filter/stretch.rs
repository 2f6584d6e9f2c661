//! Changes the tempo of audio and keeps its pitch: overlaps similar pieces of the audio (WSOLA; W. Verhelst and M.
//! Roelands, ICASSP 1993).
//!
//! Invariant: each piece lies within 10 ms of its exact place, and errors do not add up. The first sample stays the
//! first. The output length follows from the tempo, to the nearest sample.

use trix_model::time::Rational;

/// Changes the tempo of audio.
pub(super) struct Stretch {
    /// Tempo factor: above 1 is faster.
    tempo: Rational,
    /// Samples between the middles of consecutive pieces. A piece is twice as long.
    hop: i64,
    /// Maximum shift of a piece in samples, to find a similar place.
    reach: i64,
    /// Input that may still be needed, by channel, and its mix, which measures similarity.
    channels: Vec<Vec<f64>>,
    mix: Vec<f64>,
    /// Number of the first kept sample in the input.
    from: i64,
    /// Samples received.
    received: i64,
    ended: bool,
    /// Number of the next piece, and the middle of the last one in the input.
    piece: i64,
    last: i64,
    /// The second half of the last piece, faded out, by channel.
    tail: Vec<Vec<f64>>,
    /// Samples output.
    yielded: i64,
    window: Vec<f64>,
}

/// Weight of each channel in the mix relative to the one before, so that channels of opposite phase do not cancel out.
const LESSER: f64 = 0.8;

/// Step of the coarse search in samples.
const COARSE: i64 = 4;

impl Stretch {
    /// Creates a stretch for this number of channels at `sample_rate`.
    pub(super) fn new(tempo: Rational, channels: usize, sample_rate: u32) -> Self {
        // Pieces of 40 ms hold two periods of 50 Hz, and a distance of 20 ms holds one.
        let hop = i64::from(sample_rate / 50).max(2);
        let window = |at: i64| 0.5 - 0.5 * (std::f64::consts::PI * (at as f64 + 0.5) / hop as f64).cos();
        Stretch {
            tempo,
            hop,
            reach: hop / 2,
            channels: vec![Vec::new(); channels],
            mix: Vec::new(),
            from: 0,
            received: 0,
            ended: false,
            piece: 0,
            last: 0,
            tail: vec![Vec::new(); channels],
            yielded: 0,
            window: (0..hop).map(window).collect(),
        }
    }

    /// Takes samples: one list for each channel, all of the same length.
    pub(super) fn push(&mut self, planes: &[Vec<f64>]) {
        let samples = planes.first().map_or(0, Vec::len);
        let start = self.mix.len();
        self.mix.resize(start + samples, 0.0);
        let mut share = 1.0;
        for (plane, channel) in planes.iter().zip(&mut self.channels) {
            self.mix[start..].iter_mut().zip(plane).for_each(|(mix, sample)| *mix += share * sample);
            channel.extend_from_slice(plane);
            share *= LESSER;
        }
        self.received += samples as i64;
    }

    /// Marks the end of the input.
    pub(super) fn finish(&mut self) {
        self.ended = true;
    }

    /// Returns samples by channel. `None` if more input is needed, or after the end.
    pub(super) fn take(&mut self) -> Option<Vec<Vec<f64>>> {
        loop {
            let ideal = self.ideal(self.piece);
            if !self.ended && ideal + self.reach + self.hop > self.received {
                return None;
            }
            let whole = self.place(self.received, self.tempo.inverse());
            if self.ended && self.yielded >= whole {
                return None;
            }
            let middle = if self.piece == 0 { 0 } else { self.best_middle(ideal) };
            let mut block = self.lay(middle);
            self.last = middle;
            self.piece += 1;
            self.forget();
            if let Some(block) = &mut block {
                if self.ended {
                    let left = usize::try_from(whole - self.yielded).unwrap_or(0);
                    block.iter_mut().for_each(|channel| channel.truncate(left));
                }
                self.yielded += block.first().map_or(0, Vec::len) as i64;
                return Some(std::mem::take(block));
            }
        }
    }

    /// Overlaps the piece around `middle` with the last one, and returns the finished samples. `None` for the first
    /// piece.
    fn lay(&mut self, middle: i64) -> Option<Vec<Vec<f64>>> {
        let mut done = Vec::new();
        for channel in 0..self.channels.len() {
            let sample = |at: i64| self.sample(&self.channels[channel], at);
            let rising: Vec<f64> =
                (0..self.hop).zip(&self.window).map(|(at, share)| share * sample(middle - self.hop + at)).collect();
            let falling = (0..self.hop).zip(self.window.iter().rev()).map(|(at, share)| share * sample(middle + at));
            let falling = falling.collect();
            let before = std::mem::replace(&mut self.tail[channel], falling);
            done.push(rising.iter().zip(&before).map(|(now, before)| now + before).collect());
        }
        (self.piece > 0).then_some(done)
    }

    /// The middle near `ideal` where a piece best continues the last one.
    fn best_middle(&self, ideal: i64) -> i64 {
        let likeness = |middle: i64, step: i64| {
            let (mut product, mut power) = (0.0, 0.0);
            for at in (0..self.hop).step_by(step as usize) {
                let (now, new) =
                    (self.sample(&self.mix, self.last + at), self.sample(&self.mix, middle - self.hop + at));
                product += now * new;
                power += new * new;
            }
            // Silence resembles nothing and stays in place.
            if power > 0.0 { product / power.sqrt() } else { 0.0 }
        };
        // The direct continuation is the most similar, if it is within reach.
        let on = self.last + self.hop;
        if (on - ideal).abs() <= self.reach && likeness(on, 1) > 0.0 {
            return on;
        }
        // Search outwards from the exact place, so that the nearest of equal places wins.
        let best = |around: i64, reach: i64, step: i64| {
            let outwards = (0..=reach / step).flat_map(|away| [around + away * step, around - away * step]);
            let allowed = outwards.filter(|middle| (middle - ideal).abs() <= self.reach);
            let start = (likeness(around, step), around);
            allowed.fold(start, |best, middle| {
                let found = likeness(middle, step);
                if found > best.0 * (1.0 + 1e-9) + 1e-12 { (found, middle) } else { best }
            })
        };
        let (_, coarse) = best(ideal, self.reach, COARSE);
        best(coarse, COARSE, 1).1
    }

    fn sample(&self, of: &[f64], at: i64) -> f64 {
        usize::try_from(at - self.from).ok().and_then(|at| of.get(at)).copied().unwrap_or(0.0)
    }

    /// The exact middle of piece `number` in the input.
    fn ideal(&self, number: i64) -> i64 {
        self.place(number.saturating_mul(self.hop), self.tempo)
    }

    /// `at` times `ratio`, rounded.
    fn place(&self, at: i64, ratio: Rational) -> i64 {
        let (num, den) = (i128::from(ratio.num), i128::from(ratio.den));
        i64::try_from((i128::from(at) * num * 2 + den) / (den * 2)).unwrap_or(i64::MAX)
    }

    /// Drops samples that no later piece needs.
    fn forget(&mut self) {
        let needed = self.last.min(self.ideal(self.piece) - self.reach - self.hop);
        let drop = usize::try_from(needed - self.from).unwrap_or(0).min(self.mix.len());
        self.mix.drain(..drop);
        self.channels.iter_mut().for_each(|channel| std::mem::drop(channel.drain(..drop)));
        self.from += drop as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretched(tempo: (i64, i64), planes: &[Vec<f64>], rate: u32, block: usize) -> Vec<Vec<f64>> {
        let mut stretch = Stretch::new(Rational::new(tempo.0, tempo.1), planes.len(), rate);
        let mut out = vec![Vec::new(); planes.len()];
        let mut most = 0;
        let mut collect = |stretch: &mut Stretch| {
            while let Some(block) = stretch.take() {
                out.iter_mut().zip(block).for_each(|(out, block)| out.extend(block));
            }
            most = most.max(stretch.mix.len());
        };
        for start in (0..planes[0].len()).step_by(block) {
            let piece = |plane: &Vec<f64>| plane[start..(start + block).min(plane.len())].to_vec();
            stretch.push(&planes.iter().map(piece).collect::<Vec<_>>());
            collect(&mut stretch);
        }
        stretch.finish();
        collect(&mut stretch);
        assert!(most < rate as usize / 5 + block, "{most} samples are held");
        out
    }

    fn tone(frequency: f64, rate: u32, samples: usize) -> Vec<f64> {
        (0..samples).map(|at| 0.5 * (std::f64::consts::TAU * frequency * at as f64 / f64::from(rate)).sin()).collect()
    }

    #[test]
    fn lengths_are_exact_whatever_the_blocks() {
        for samples in [1, 100, 5000, 96_001] {
            for (num, den) in [(25, 24), (24, 25), (1001, 960), (1000, 1001), (2, 1), (1, 2)] {
                let plane = tone(440.0, 48_000, samples);
                let whole = stretched((num, den), std::slice::from_ref(&plane), 48_000, samples);
                let expected = (samples as f64 * den as f64 / num as f64).round() as usize;
                assert_eq!(whole[0].len(), expected, "{samples} at {num}/{den}");
                assert_eq!(stretched((num, den), &[plane], 48_000, 333), whole, "{samples} at {num}/{den} in blocks");
            }
        }
    }

    #[test]
    fn a_tone_stays_a_tone() {
        for frequency in [55.0, 440.0, 3000.0] {
            for (num, den) in [(25, 24), (24, 25), (1001, 960)] {
                let out = &stretched((num, den), &[tone(frequency, 48_000, 96_000)], 48_000, 1024)[0];
                for chunk in out[9600..86_400].chunks_exact(4800) {
                    let angle = |at: usize| std::f64::consts::TAU * frequency * at as f64 / 48_000.0;
                    let (cosine, sine) = chunk.iter().enumerate().fold((0.0, 0.0), |(cosine, sine), (at, sample)| {
                        (cosine + sample * angle(at).cos(), sine + sample * angle(at).sin())
                    });
                    // The tone has its original level, with almost nothing else. Where two pieces meet, the level is
                    // slightly lower.
                    let level = f64::hypot(cosine, sine) / 2400.0;
                    let power = chunk.iter().map(|sample| sample * sample).sum::<f64>() / 4800.0;
                    let what = format!("{frequency} Hz at {num}/{den}: {level}, power {power}");
                    assert!((level - 0.5).abs() < 0.05 && (power - level * level / 2.0).abs() < 0.01, "{what}");
                }
            }
        }
    }

    #[test]
    fn channels_stay_together() {
        let left = tone(300.0, 44_100, 44_100);
        let right: Vec<f64> = left.iter().map(|sample| -0.5 * sample).collect();
        let out = stretched((25, 24), &[left, right], 44_100, 1000);
        for (left, right) in out[0].iter().zip(&out[1]) {
            assert!((left * -0.5 - right).abs() < 1e-12);
        }
    }
}
