//! The filter stage of one audio track: it fills gaps, converts every block to the track's format, and places the
//! result in the output.
//!
//! Blocks pass these steps in order: `continuity`, `tempo`, `audio_format`, `placement`.
//!
//! Invariant: samples are counted before and after each step (`audio_ledger`). Memory does not grow with the amount of
//! silence.

use std::collections::VecDeque;

use trix_av::{codec::Output, frame::Frame};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    audio_format::FormatStage,
    audio_ledger::AudioLedger,
    audio_track::AudioTrack,
    continuity::{Continuity, LONGEST},
    placement::Placement,
    tempo::TempoStage,
};
use crate::{
    decode::{audio::AudioChange, audio_start::Passed},
    plan::AudioTarget,
    settings::audio_edit::AudioEdit,
};

/// The filter stage of one audio track.
pub struct AudioConverter {
    track: AudioTrack,
    line: Continuity,
    tempo: TempoStage,
    /// Blocks that wait for their conversion.
    staged: VecDeque<Frame>,
    format: FormatStage,
    /// Converted blocks that wait for their place in the output.
    converted: VecDeque<Frame>,
    placement: Placement,
    /// Samples before the first block that were not decoded.
    passed: i64,
    /// State of the input.
    state: State,
    /// Start and end of the input audio, in the source's time.
    first: Option<Timestamp>,
    reached: Option<Timestamp>,
}

/// State of a converter's input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// More blocks may arrive.
    Open,
    /// All blocks have arrived, or the end of the cut was reached.
    Ending,
    /// All blocks are converted. Silence may follow.
    Converted,
    /// Nothing follows.
    Closed,
}

impl AudioConverter {
    /// Creates a converter for audio of stream `stream`, with times in `time_base`.
    pub(crate) fn new(target: AudioTarget, stream: usize, time_base: TimeBase) -> Self {
        let edit = AudioEdit::default();
        AudioConverter {
            line: Continuity::new(stream, time_base, edit.drift),
            track: AudioTrack { target, edit, stream, first_shape: None },
            tempo: TempoStage::default(),
            staged: VecDeque::new(),
            format: FormatStage::default(),
            converted: VecDeque::new(),
            placement: Placement::default(),
            passed: 0,
            state: State::Open,
            first: None,
            reached: None,
        }
    }

    /// Applies `edit` to the audio. Call it before the first block.
    pub(crate) fn edited(mut self, edit: AudioEdit) -> Self {
        self.line.set_drift(edit.drift);
        self.track.edit = edit;
        self
    }

    /// True if the conversion of a sample does not depend on those long before it, for audio of `sample_rate`.
    pub(crate) fn can_begin_late(&self, sample_rate: u32) -> bool {
        let AudioEdit { tempo, drift, limit_dbtp, .. } = self.track.edit;
        let one = Rational::new(1, 1);
        let is_plain = self.track.target.sample_rate == sample_rate && !self.track.target.dithered;
        is_plain && tempo == one && drift == one && limit_dbtp.is_none()
    }

    /// Continues as if what `passed` names had been taken, without output. `next` is the first block that follows. Call it
    /// before the first block.
    pub(crate) fn pass_over(&mut self, passed: Passed, next: &Frame) {
        self.first = Some(passed.first);
        self.passed = passed.samples;
        self.line.begin_behind(passed.first, passed.samples, next);
    }

    /// Takes a block. `None` marks the end of the stream. All output must have been received before. Returns false if
    /// the end of the cut was already reached, or at the end of the stream.
    ///
    /// # Errors
    /// `MalformedInput` if the audio begins more than a day after the origin, or has a gap of more than a day.
    pub fn push(&mut self, frame: Option<&Frame>) -> Result<bool> {
        let Some(frame) = frame else {
            if self.state == State::Open {
                self.state = State::Ending;
            }
            return Ok(false);
        };
        if self.state != State::Open {
            self.line.leave(frame);
            return Ok(false);
        }
        if let Some(start) = self.line.time_of(frame) {
            let length = Timestamp::new(frame.samples() as i64, TimeBase::new(1, i64::from(frame.sample_rate())));
            let end = start.plus(length);
            self.first.get_or_insert(start);
            self.reached = Some(self.reached.map_or(end, |reached| reached.max(end)));
        }
        self.line.push(frame)?;
        Ok(true)
    }

    /// Returns a block whose time is in samples since the origin. `None` if more input is needed, or after the end.
    ///
    /// # Errors
    /// `Unsupported` if the audio has a format that cannot be converted. `Codec` if the conversion fails.
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.placement.receive(&self.track)? {
                return Ok(Some(frame));
            }
            if !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Samples of silence after the end of the output.
    pub fn tail(&self) -> usize {
        self.track.target.tail
    }

    /// End of the audio received so far, as a position in the output in samples. It follows from the times of the
    /// blocks, before silence is added or the end is cut. `None` before the first block.
    pub fn reach(&self) -> Option<i64> {
        let AudioTarget { origin, sample_rate, .. } = self.track.target;
        self.reached.map(|time| self.track.edit.place(time, origin, sample_rate))
    }

    /// The sample counts so far. The receiver of the blocks sets `encoded`.
    pub(crate) fn ledger(&self) -> AudioLedger {
        let mut ledger = AudioLedger {
            decoded: self.line.decoded,
            filled_gaps: self.line.gaps.clone(),
            cut_overlaps: self.line.overlaps.clone(),
            left_after_end: self.line.left,
            ..AudioLedger::default()
        };
        self.tempo.record(&mut ledger);
        self.format.record(&mut ledger);
        self.placement.record(&mut ledger);
        ledger
    }

    /// Changes of the source's audio format so far.
    pub(crate) fn changes(&self) -> &[AudioChange] {
        &self.line.changes
    }

    /// Makes one processing step, the last one that has input. False if more input is needed.
    fn step(&mut self) -> Result<bool> {
        let track = &mut self.track;
        if self.placement.put_silence(track)? {
            self.stop_at_end();
            return Ok(true);
        }
        if let Some(frame) = self.converted.pop_front() {
            self.place(frame)?;
            return Ok(true);
        }
        match self.format.receive(track)? {
            Output::Item(frame) => {
                self.converted.push_back(frame);
                return Ok(true);
            }
            Output::End => return Ok(true),
            Output::Hungry => {}
        }
        if let Some(frame) = self.staged.pop_front() {
            let changed = self.line.changes.last().map(|change| change.time);
            if let Some(frame) = self.format.push(frame, track, changed)? {
                self.staged.push_front(frame);
            }
            return Ok(true);
        }
        if let Some(frame) = self.line.next_block() {
            match track.edit.keeps_pitch() {
                true => self.staged.extend(self.tempo.push(&frame, track)?),
                false => self.staged.push_back(frame),
            }
            return Ok(true);
        }
        match self.state {
            State::Open | State::Closed => return Ok(false),
            State::Ending => {
                if let Some(rest) = self.tempo.finish(track)? {
                    self.staged.extend(rest);
                } else if !self.format.close(track)? {
                    self.state = State::Converted;
                    self.placement.follow_with_silence(track);
                }
            }
            State::Converted => {
                self.state = State::Closed;
                self.placement.close(track)?;
            }
        }
        Ok(true)
    }

    /// Passes a converted block to its place. The first one waits for the silence before it.
    fn place(&mut self, frame: Frame) -> Result<()> {
        if self.placement.has_begun() {
            self.placement.push(frame, &self.track)?;
            self.stop_at_end();
        } else {
            let place = self.start()?.saturating_add(self.passed);
            self.placement.begin(&frame, place, &self.track);
            self.converted.push_front(frame);
        }
        Ok(())
    }

    /// Ends the input if the output has reached its end.
    fn stop_at_end(&mut self) {
        if self.placement.is_full() && self.state == State::Open {
            self.state = State::Ending;
            self.line.stop();
        }
    }

    /// Position of the first source sample in the output. Negative if the sample is dropped.
    fn start(&self) -> Result<i64> {
        let AudioTarget { origin, sample_rate, .. } = self.track.target;
        let first = self.first.unwrap_or(origin);
        let place = self.track.edit.place(first, origin, sample_rate);
        if place > LONGEST * i64::from(sample_rate) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, "audio begins more than a day late")
                .in_stream(self.track.stream)
                .at(Some(first)));
        }
        Ok(place)
    }
}
