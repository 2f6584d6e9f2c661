//! The parts of a film that are encoded to find a factor.

use trix_model::time::{Rational, Timestamp};

use crate::{
    settings::job::{Job, SourceSettings},
    source::Source,
};

/// Seconds of a part.
const PART: f64 = 2.0;

/// A film that is not longer than so many seconds is tried as a whole.
const SHORT: f64 = 12.0;

/// Seconds of all parts: a third of the film, and at most so many.
const MOST: f64 = 96.0;

/// Tries with parts of their own.
const ROUNDS: usize = 2;

/// The seconds that are encoded with several factors, and the length of these parts.
const CURVE: (f64, f64) = (4.0, 0.7);

/// The parts of a film that are encoded.
pub(super) struct Parts {
    /// With several factors.
    pub(super) few: Vec<SourceSettings>,
    /// One by one with the factors that these point to, by round.
    pub(super) rounds: Vec<Vec<SourceSettings>>,
    /// What the rounds are, in messages.
    pub(super) name: String,
}

impl Parts {
    /// Parts at equal distances; all of a short film, and the beginning of one that does not state its length.
    pub(super) fn of(job: &Job, source: &Source) -> Self {
        let seconds = |time: Timestamp| time.micros() as f64 / 1e6;
        let own = &job.source;
        let origin = own.start.map_or(0.0, seconds);
        let own_rate = source.video().map(|facts| facts.average_rate.to_f64());
        let rate = own_rate.filter(|rate| *rate > 0.0).unwrap_or(25.0);
        let whole = source.duration().map(|micros| micros as f64 / 1e6 - origin);
        let frames = own.frames.map(|frames| frames as f64 / rate);
        let length = whole.into_iter().chain(own.duration.map(seconds)).chain(frames).reduce(f64::min);
        let spread = |length: f64, seconds: f64, part: f64| -> Vec<SourceSettings> {
            let count = (seconds / part).ceil().max(1.0);
            let part = part.min(length / count);
            let at = |number: u32| {
                let start = origin + (f64::from(number) + 0.5) * length / count - part / 2.0;
                SourceSettings {
                    start: Some(Timestamp::new((start * 1e6) as i64, Rational::new(1, 1_000_000))),
                    duration: None,
                    frames: Some(((part * rate).round() as u64).max(1)),
                    ..own.clone()
                }
            };
            (0..count as u32).map(at).collect()
        };
        let known = length.unwrap_or(MOST);
        let few = spread(known, CURVE.0.min(known), CURVE.1);
        match length {
            Some(length) if length > SHORT => {
                let mut rounds: Vec<Vec<SourceSettings>> = vec![Vec::new(); ROUNDS];
                for (number, part) in spread(length, (length / 3.0).min(MOST), PART).into_iter().enumerate() {
                    rounds[number % ROUNDS].push(part);
                }
                Parts { few, rounds, name: format!("parts of {PART} s of it, other ones in each try, reach") }
            }
            Some(_) => Parts { few, rounds: vec![vec![own.clone()]], name: "the film reaches".to_owned() },
            None => {
                let begin = SourceSettings { frames: Some((MOST * rate) as u64), ..own.clone() };
                Parts { few, rounds: vec![vec![begin]], name: format!("up to {MOST} s from its start reach") }
            }
        }
    }
}
