//! Divides the bits of a film among its chunks.
//!
//! The first pass gave all frames one constant quality. The second one gives them another: every quantiser of the first pass is
//! multiplied by the same factor, the one with which the film has the bit rate that the job wants.
//!
//! Encoders keep to the bit rate of a chunk within a few per cent. Some chunks come first, and show how exactly. The others get the
//! bits that are left, corrected by that. Some of them come last, and correct what is still wrong then. They can be encoded again.
//!
//! Invariant: the bit rates of the chunks have the average that the job wants, unless the greatest rate forbids it.

use super::first_pass::FrameBits;

/// The bit rate of a film.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedRate {
    /// Average, in kbit/s.
    pub(super) kbps: f64,
    /// The most that a chunk can have, in kbit/s.
    pub(super) most: Option<f64>,
    /// Frames a second.
    pub(super) frames_per_second: f64,
}

/// By how much a quantiser changes the bits of coefficients and those of motion vectors: exponents that x264 uses.
const TEXTURE: f64 = 1.1;
const MOTION: f64 = 0.5;

/// The factor of the quantisers lies between this and its inverse. It changes a quantiser by 48 steps.
const LEAST_FACTOR: f64 = 1.0 / 256.0;

/// The bit rates of the chunks in kbit/s, at least 1.
pub(super) fn allocate(chunks: &[Vec<FrameBits>], wanted: WantedRate) -> Vec<u32> {
    let WantedRate { kbps, most, frames_per_second } = wanted;
    let seconds: Vec<f64> = chunks.iter().map(|frames| frames.len() as f64 / frames_per_second).collect();
    let bits_of = |factor: f64| -> Vec<f64> {
        let own = chunks.iter().zip(&seconds).map(|(frames, seconds)| {
            let bits: f64 = frames.iter().map(|frame| frame.at(factor)).sum();
            most.map_or(bits, |most| bits.min(most * 1000.0 * seconds))
        });
        own.collect()
    };
    let total = kbps * 1000.0 * seconds.iter().sum::<f64>();
    let (mut low, mut high) = (LEAST_FACTOR.ln(), -LEAST_FACTOR.ln());
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match bits_of(middle.exp()).iter().sum::<f64>() > total {
            true => low = middle,
            false => high = middle,
        }
    }
    // An encoder takes whole numbers. What is left over goes to the next chunk.
    let mut left = 0.0;
    let rate = |(bits, seconds): (f64, &f64)| {
        let exact = if *seconds > 0.0 { (bits + left) / seconds / 1000.0 } else { 0.0 };
        let whole = exact.round().max(1.0).min(most.unwrap_or(f64::INFINITY).floor().max(1.0));
        left += bits - whole * 1000.0 * seconds;
        whole as u32
    };
    bits_of(high.exp()).into_iter().zip(&seconds).map(rate).collect()
}

/// The most chunks that come first.
const MOST_SAMPLES: usize = 4;

/// One of so many chunks comes last, and takes the bits that are left then.
const LAST: usize = 8;

/// In which of three rounds each of the chunks is encoded. Those with the most bits come last: they can be corrected best.
pub(super) fn rounds(chunks: &[Vec<FrameBits>]) -> Vec<u8> {
    let (count, mut rounds) = (chunks.len(), vec![1; chunks.len()]);
    let bits = |number: &usize| chunks[*number].iter().map(|frame| frame.at(1.0)).sum::<f64>();
    let mut largest: Vec<usize> = (0..count).collect();
    largest.sort_by(|one, other| bits(other).total_cmp(&bits(one)));
    largest.iter().take((count / LAST).max(usize::from(count > 2))).for_each(|number| rounds[*number] = 2);
    let others: Vec<usize> = (0..count).filter(|number| rounds[*number] == 1).collect();
    let samples = count.div_ceil(3).min(MOST_SAMPLES);
    for sample in 0..samples {
        rounds[others[(2 * sample + 1) * others.len() / (2 * samples)]] = 0;
    }
    rounds
}

/// By how much the bits of the film may differ from those that are wanted, before chunks are encoded again.
const TOLERANCE: f64 = 0.005;

/// The bit rates of the chunks in kbit/s, which had the `rates` and have `taken` so many bits, with others for some of them: the film
/// then has the bits that it was to have. `None` if it has, nearly, or if nothing can be changed.
///
/// The chunks that come last are corrected. If that changed them by too much, those are corrected, too, that are farthest from the bits
/// that they were to have.
pub(super) fn corrected(
    chunks: &[Vec<FrameBits>],
    rates: &[u32],
    taken: &[f64],
    wanted: WantedRate,
) -> Option<Vec<u32>> {
    let bits = |(frames, kbps): (&Vec<FrameBits>, &u32)| {
        frames.len() as f64 / wanted.frames_per_second * f64::from(*kbps) * 1000.0
    };
    let target: f64 = chunks.iter().zip(&allocate(chunks, wanted)).map(bits).sum();
    let total: f64 = taken.iter().sum();
    if total <= 0.0 || (total / target - 1.0).abs() <= TOLERANCE {
        return None;
    }
    let rounds = rounds(chunks);
    let last = rounds.iter().max();
    let (mut changed, mut others): (Vec<usize>, Vec<usize>) =
        (0..chunks.len()).partition(|number| Some(&rounds[*number]) == last);
    let distance = |number: &usize| (taken[*number] - bits((&chunks[*number], &rates[*number]))).abs();
    others.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
    let ratio = loop {
        let of_changed: f64 = changed.iter().map(|number| taken[*number]).sum();
        let ratio = (target - total + of_changed) / of_changed;
        if (ratio - 1.0).abs() <= MOST_CORRECTION {
            break ratio;
        }
        match others.pop() {
            Some(number) => changed.push(number),
            None => break ratio.clamp(1.0 - 2.0 * MOST_CORRECTION, 1.0 + 2.0 * MOST_CORRECTION),
        }
    };
    let most = wanted.most.unwrap_or(f64::INFINITY);
    let rate = |(number, kbps): (usize, &u32)| match changed.contains(&number) {
        true => (f64::from(*kbps) * ratio).round().clamp(1.0, most.max(1.0)) as u32,
        false => *kbps,
    };
    let new: Vec<u32> = rates.iter().enumerate().map(rate).collect();
    (new != rates).then_some(new)
}

/// By how much the bits of a chunk are corrected at most.
const MOST_CORRECTION: f64 = 0.2;

/// The bit rates of the chunks in kbit/s, if those that came `first` have taken so many bits. They keep their places in the list.
pub(super) fn allocate_rest(chunks: &[Vec<FrameBits>], first: &[Option<f64>], wanted: WantedRate) -> Vec<u32> {
    let seconds = |frames: &Vec<FrameBits>| frames.len() as f64 / wanted.frames_per_second * 1000.0;
    let rates = allocate(chunks, wanted);
    let (mut asked, mut taken, mut left) = (0.0, 0.0, 0.0);
    for ((frames, first), kbps) in chunks.iter().zip(first).zip(&rates) {
        match first {
            Some(bits) => (asked, taken) = (asked + f64::from(*kbps) * seconds(frames), taken + bits),
            None => left += f64::from(*kbps) * seconds(frames),
        }
    }
    if asked <= 0.0 || taken <= 0.0 || left <= 0.0 {
        return rates;
    }
    // What is left of all bits, for an encoder that takes more or less than it is asked to.
    let correction = (left + asked - taken) / left * asked / taken;
    let correction = correction.clamp(1.0 - MOST_CORRECTION, 1.0 + MOST_CORRECTION);
    let rest: Vec<Vec<FrameBits>> =
        chunks.iter().zip(first).filter(|(_, first)| first.is_none()).map(|(own, _)| own.clone()).collect();
    let average = left / rest.iter().map(seconds).sum::<f64>();
    let mut corrected = allocate(&rest, WantedRate { kbps: average * correction, ..wanted }).into_iter();
    let rate =
        |(kbps, first): (u32, &Option<f64>)| if first.is_none() { corrected.next().unwrap_or(kbps) } else { kbps };
    rates.into_iter().zip(first).map(rate).collect()
}

impl FrameBits {
    /// The bits with quantisers that are `factor` times as large.
    fn at(self, factor: f64) -> f64 {
        self.texture * factor.powf(-TEXTURE) + self.motion * factor.powf(-MOTION) + self.other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(count: usize, bits: f64) -> Vec<FrameBits> {
        vec![FrameBits { texture: bits * 0.8, motion: bits * 0.15, other: bits * 0.05 }; count]
    }

    fn average(chunks: &[Vec<FrameBits>], rates: &[u32]) -> f64 {
        let count = |frames: &Vec<FrameBits>| frames.len() as f64;
        let all: f64 = chunks.iter().zip(rates).map(|(frames, rate)| count(frames) * f64::from(*rate)).sum();
        all / chunks.iter().map(count).sum::<f64>()
    }

    proptest! {
        #[test]
        fn the_film_has_the_bit_rate_that_is_wanted(
            sizes in prop::collection::vec((50usize..400, 5_000.0f64..200_000.0), 1..40),
            kbps in 500.0f64..20_000.0,
        ) {
            let chunks: Vec<_> = sizes.iter().map(|(count, bits)| frames(*count, *bits)).collect();
            let rates = allocate(&chunks, WantedRate { kbps, most: None, frames_per_second: 25.0 });
            prop_assert!((average(&chunks, &rates) / kbps - 1.0).abs() < 0.005, "{rates:?}");
        }
    }

    #[test]
    fn what_an_encoder_takes_too_little_goes_to_the_chunks_that_are_left() {
        let chunks: Vec<_> = (0..12).map(|number| frames(250, 20_000.0 + 5_000.0 * f64::from(number))).collect();
        let wanted = WantedRate { kbps: 2000.0, most: None, frames_per_second: 25.0 };
        assert_eq!(rounds(&chunks), [1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 2]);
        let first = [1, 4, 6, 9];
        // Of what it is asked for, the encoder takes 95 per cent.
        let took =
            |rates: &[u32]| -> Vec<f64> { rates.iter().map(|kbps| f64::from(*kbps) * 10_000.0 * 0.95).collect() };
        let asked = allocate(&chunks, wanted);
        let taken = took(&asked);
        let known: Vec<_> = (0..12).map(|number| first.contains(&number).then(|| taken[number])).collect();
        let all = took(&allocate_rest(&chunks, &known, wanted));
        let sum: f64 = known.iter().zip(&all).map(|(first, rest)| first.unwrap_or(*rest)).sum();
        assert!((sum / (2000.0 * 120_000.0) - 1.0).abs() < 0.001, "{sum}");
        // The last ones are encoded again if that is not enough, and only then.
        let rates = allocate(&chunks, wanted);
        assert_eq!(
            corrected(&chunks, &rates, &took(&rates).iter().map(|bits| bits / 0.95).collect::<Vec<_>>(), wanted),
            None
        );
        let little: Vec<f64> = took(&rates).iter().map(|bits| bits / 0.95 * 0.98).collect();
        let again = corrected(&chunks, &rates, &little, wanted).expect("others");
        assert!((0..11).all(|number| again[number] == rates[number]) && again[11] > rates[11], "{again:?}");
        // If they cannot correct it, those are encoded again, too, that take most beside what they were asked for.
        let taken: Vec<f64> =
            took(&rates).iter().enumerate().map(|(at, bits)| bits / 0.95 * [1.0, 1.2][at / 10]).collect();
        let again = corrected(&chunks, &rates, &taken, wanted).expect("others");
        assert!((0..10).all(|number| again[number] == rates[number]) && again[10] < rates[10], "{again:?}");

        for (count, wanted) in [(0, [0, 0, 0]), (1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (100, [4, 84, 12])] {
            let found = rounds(&vec![frames(10, 1000.0); count]);
            assert_eq!([0, 1, 2].map(|round| found.iter().filter(|own| **own == round).count()), wanted);
        }
    }

    #[test]
    fn chunks_with_more_to_code_get_more_and_none_gets_more_than_the_greatest_rate() {
        let chunks = [frames(250, 20_000.0), frames(250, 200_000.0), frames(100, 60_000.0), Vec::new()];
        let wanted = WantedRate { kbps: 2000.0, most: None, frames_per_second: 25.0 };
        let rates = allocate(&chunks, wanted);
        assert!(rates[0] < rates[2] && rates[2] < rates[1], "{rates:?}");
        // The ratio is that of the first pass, nearly.
        assert!((f64::from(rates[1]) / f64::from(rates[0]) - 10.0).abs() < 0.2, "{rates:?}");
        let limited = allocate(&chunks, WantedRate { most: Some(3000.0), ..wanted });
        assert_eq!(limited[1], 3000);
        assert!((average(&chunks, &limited) - 2000.0).abs() < 10.0, "{limited:?}");
    }
}
