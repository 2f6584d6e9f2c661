//! Joins decoded blocks of audio: fills gaps with silence and cuts overlaps.
//!
//! Invariant: every input sample is output, or cut and counted with its place, or left because the end was reached.
//! Every sample of silence is counted with its place.

use std::collections::VecDeque;

use trix_av::frame::Frame;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

use crate::{decode::audio::AudioChange, filter::audio_ledger::Moved};

/// Maximum length of one block of silence, in samples.
pub(super) const SILENCE: i64 = 16_384;

/// Maximum difference in milliseconds between the times of blocks and the number of samples. EBU R 37 calls audio with
/// a larger difference out of sync. Containers that round their times, or state times only for chunks, stay below it.
pub(crate) const TOLERANCE: i64 = 40;

/// Longest gap in seconds that is filled with silence or with repeated frames. A longer gap is taken for a wrong time,
/// because what fills it would fill a disk.
pub(super) const LONGEST: i64 = 24 * 3600;

/// Format of an audio block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rate: u32,
    pub(super) channels: usize,
    pub(super) layout: String,
    pub(super) format: String,
}

impl Shape {
    pub(super) fn of(frame: &Frame) -> Self {
        let (rate, channels) = (frame.sample_rate(), frame.channels());
        Shape { rate, channels, layout: frame.layout(), format: frame.sample_format_name() }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} Hz, {}, {}", self.rate, self.layout, self.format)
    }
}

/// The next output.
enum Piece {
    Block(Frame),
    Silence(i64),
}

/// Joins the blocks of one stream into one sequence without gaps.
pub(super) struct Continuity {
    stream: usize,
    time_base: TimeBase,
    /// Duration by the source's times divided by duration by its samples. 1 if the clocks of the source agree.
    drift: Rational,
    run: Option<Run>,
    pieces: VecDeque<Piece>,
    /// A block in the format that silence must have.
    form: Option<Frame>,
    /// Samples received.
    pub(super) decoded: u64,
    /// Silence for times without audio in the source.
    pub(super) gaps: Moved,
    /// Samples that were cut because their time had already passed.
    pub(super) overlaps: Moved,
    /// Samples received after the end.
    pub(super) left: u64,
    /// Changes of the audio format.
    pub(super) changes: Vec<AudioChange>,
}

/// Consecutive blocks of one format.
struct Run {
    shape: Shape,
    /// Time of the first sample.
    anchor: Timestamp,
    /// Position of the next source sample, in samples from the anchor.
    input: i64,
    /// Samples output. Equal to `input` unless an overlap is being cut.
    count: i64,
    is_cutting: bool,
}

impl Run {
    fn time(&self, samples: i64, drift: Rational) -> Timestamp {
        let second = TimeBase::new(1, i64::from(self.shape.rate));
        let base = match second.num.checked_mul(drift.num).zip(second.den.checked_mul(drift.den)) {
            Some((num, den)) => TimeBase::new(num, den),
            None => second,
        };
        self.anchor.plus(Timestamp::new(samples, base))
    }
}

impl Continuity {
    pub(super) fn new(stream: usize, time_base: TimeBase, drift: Rational) -> Self {
        Continuity {
            stream,
            time_base,
            drift,
            run: None,
            pieces: VecDeque::new(),
            form: None,
            decoded: 0,
            gaps: Moved::default(),
            overlaps: Moved::default(),
            left: 0,
            changes: Vec::new(),
        }
    }

    /// Continues as if `samples` had been output since `anchor`. `next` is the first block that follows them.
    pub(super) fn begin_behind(&mut self, anchor: Timestamp, samples: i64, next: &Frame) {
        self.run = Some(Run { shape: Shape::of(next), anchor, input: samples, count: samples, is_cutting: false });
    }

    /// Sets a drift to compensate. Call it before the first block.
    pub(super) fn set_drift(&mut self, drift: Rational) {
        self.drift = drift;
    }

    /// Start time of a block, as the source states it.
    pub(super) fn time_of(&self, frame: &Frame) -> Option<Timestamp> {
        frame.pts().map(|pts| Timestamp::new(pts, self.time_base))
    }

    /// Takes a block.
    ///
    /// # Errors
    /// `MalformedInput` for a gap of more than a day.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<()> {
        let samples = frame.samples() as i64;
        if samples == 0 {
            return Ok(());
        }
        self.decoded += samples as u64;
        let stated = self.time_of(frame);
        let drift = self.drift;
        let shape = Shape::of(frame);
        if self.run.as_ref().is_none_or(|run| run.shape != shape) {
            let expected = self.run.as_ref().map(|run| run.time(run.count, drift));
            let anchor = expected.or(stated).unwrap_or_else(|| Timestamp::new(0, self.time_base));
            if let Some(run) = &self.run {
                let time = stated.unwrap_or(anchor);
                let (from, to) = (run.shape.to_string(), shape.to_string());
                self.changes.push(AudioChange { stream: self.stream, time, from, to });
            }
            // Continue to cut an overlap that has begun.
            let behind = self.run.as_ref().map_or(0, |run| run.input - run.count);
            let old = self.run.as_ref().map_or(1, |run| i64::from(run.shape.rate));
            let input = behind.saturating_mul(i64::from(shape.rate)) / old.max(1);
            self.run = Some(Run { shape, anchor, input, count: 0, is_cutting: false });
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        let rate = i64::from(run.shape.rate.max(1));
        if let Some(stated) = stated {
            let since = stated.plus(Timestamp::new(run.anchor.ticks.saturating_neg(), run.anchor.base));
            let place = crate::settings::audio_edit::slowed(since, drift).rescale(TimeBase::new(1, rate));
            let step = place.saturating_sub(run.input);
            if step.saturating_abs().saturating_mul(1000) > TOLERANCE * rate {
                if step > LONGEST * rate {
                    let hours = step / rate / 3600;
                    let detail =
                        format!("the audio has a gap of {hours} hours; more than a day is no gap but a broken time");
                    let place = run.time(run.input, drift);
                    return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, detail)
                        .in_stream(self.stream)
                        .at(Some(place)));
                }
                run.input = place;
            }
        }
        if run.input > run.count {
            let gap = run.input.saturating_sub(run.count);
            self.gaps.add(run.time(run.count, drift), gap as u64);
            self.pieces.push_back(Piece::Silence(gap));
            run.count = run.input;
        }
        let cut = run.count.saturating_sub(run.input).min(samples);
        if cut > 0 {
            match run.is_cutting {
                true => self.overlaps.add_on(cut as u64),
                false => self.overlaps.add(stated.unwrap_or_else(|| run.time(run.input, drift)), cut as u64),
            }
        }
        run.is_cutting = cut > 0;
        run.input += samples;
        if cut == samples {
            return Ok(());
        }
        let block = if cut > 0 { frame.part(cut as usize, (samples - cut) as usize) } else { frame.clone() };
        self.form = self.form.take().or_else(|| Some(block.clone()));
        self.pieces.push_back(Piece::Block(block));
        run.count += samples - cut;
        Ok(())
    }

    /// Returns the next block. Silence has the format of the audio before it.
    pub(super) fn next_block(&mut self) -> Option<Frame> {
        match self.pieces.pop_front()? {
            Piece::Block(block) => {
                self.form = Some(block.clone());
                Some(block)
            }
            Piece::Silence(samples) => {
                let now = samples.min(SILENCE);
                if samples > now {
                    self.pieces.push_front(Piece::Silence(samples - now));
                }
                self.form.as_ref().map(|form| form.silence_like_this(now as usize))
            }
        }
    }

    /// Discards and counts pending output: the end was reached.
    pub(super) fn stop(&mut self) {
        for piece in self.pieces.drain(..) {
            match piece {
                Piece::Block(block) => self.left += block.samples() as u64,
                Piece::Silence(samples) => self.gaps.take_back(samples as u64),
            }
        }
    }

    /// Counts a block that arrives after the end.
    pub(super) fn leave(&mut self, frame: &Frame) {
        self.decoded += frame.samples() as u64;
        self.left += frame.samples() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(samples: usize, pts: i64) -> Frame {
        Frame::of_audio(&[vec![0.5; samples]], "mono", 48_000, pts).expect("a block")
    }

    fn drained(line: &mut Continuity) -> (usize, usize) {
        let (mut loud, mut silent) = (0, 0);
        while let Some(frame) = line.next_block() {
            let mut samples = Vec::new();
            frame.read_channel(0, &mut samples);
            loud += samples.iter().filter(|sample| **sample == 0.5).count();
            silent += samples.iter().filter(|sample| **sample == 0.0).count();
        }
        (loud, silent)
    }

    fn line() -> Continuity {
        Continuity::new(1, TimeBase::new(1, 48_000), Rational::new(1, 1))
    }

    #[test]
    fn gaps_are_filled_and_overlaps_cut() {
        let mut line = line();
        for pts in [0, 4800, 14_400, 12_000] {
            line.push(&block(4800, pts)).unwrap();
        }
        assert_eq!(drained(&mut line), (4800 * 3, 4800));
        assert_eq!((line.gaps.samples, line.overlaps.samples, line.decoded), (4800, 4800, 19_200));
        assert_eq!(line.gaps.places[0].time.ticks, 9600);
        // Blocks before the expected time are cut until that time is reached again.
        line.push(&block(4800, 16_800)).unwrap();
        assert_eq!(drained(&mut line), (2400, 0));
    }

    #[test]
    fn rounded_times_are_no_gaps() {
        let mut line = line();
        for (index, pts) in [0i64, 4000, 10_000, 14_500].into_iter().enumerate() {
            line.push(&block(4800, pts)).unwrap();
            assert_eq!(drained(&mut line), (4800, 0), "block {index}");
        }
    }

    #[test]
    fn a_gap_of_more_than_2_to_the_31_samples_is_counted_and_one_of_days_is_refused() {
        let mut line = line();
        line.push(&block(4800, 0)).unwrap();
        let far = 3_000_000_000;
        line.push(&block(4800, far)).unwrap();
        assert_eq!(line.gaps.samples, far as u64 - 4800);
        let error = line.push(&block(4800, far * 3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedInput);
    }

    #[test]
    fn a_drift_that_is_known_is_no_gap() {
        let mut line = Continuity::new(1, TimeBase::new(1, 48_000), Rational::new(1001, 1000));
        for index in 0..2000 {
            line.push(&block(4800, index * 4800 * 1001 / 1000)).unwrap();
        }
        assert_eq!(drained(&mut line), (4800 * 2000, 0));
    }
}
