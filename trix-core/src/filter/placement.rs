//! Places converted audio in the output: drops what lies before the start and behind the end, adds silence, and cuts the
//! result into blocks.

use std::collections::VecDeque;

use trix_av::{AvError, codec::Output, frame::Frame, graph::Graph};
use trix_model::{error::Result, time::TimeBase};

use super::{audio_ledger::AudioLedger, audio_track::AudioTrack, continuity::SILENCE};
use crate::plan::AudioTarget;

/// Reason for silence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// The audio begins later than the output.
    Before,
    /// The audio is shorter than requested.
    After,
    /// The encoder needs padding.
    Encoder,
}

/// The last step of a conversion.
#[derive(Default)]
pub(super) struct Placement {
    /// Silence to output next.
    due: VecDeque<(Silence, i64)>,
    /// Cuts the output into blocks of one length.
    blocks: Option<Graph>,
    ready: VecDeque<Frame>,
    /// The first block in the track's format.
    form: Option<Frame>,
    /// Samples at the start that are still to be dropped.
    skip: i64,
    /// Samples output so far, including the silence before the origin.
    position: i64,
    /// True if the end of the cut was reached.
    is_full: bool,
    record: AudioLedger,
}

impl Placement {
    /// True if the first block has its place.
    pub(super) fn has_begun(&self) -> bool {
        self.form.is_some()
    }

    /// True if the end of the cut was reached.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Sets the place of the first block, in samples from the origin, and queues the silence before it. A negative place
    /// drops samples.
    pub(super) fn begin(&mut self, first: &Frame, place: i64, track: &AudioTrack) {
        self.skip = place.saturating_neg().max(0);
        self.form = Some(first.clone());
        self.queue(Silence::Encoder, track.target.lead as i64);
        self.queue(Silence::Before, place.max(0));
    }

    fn queue(&mut self, why: Silence, samples: i64) {
        if samples > 0 {
            self.due.push_back((why, samples));
        }
    }

    /// Outputs one block of the silence that is queued. False if there is none.
    pub(super) fn put_silence(&mut self, track: &AudioTrack) -> Result<bool> {
        let Some((why, samples)) = self.due.pop_front() else { return Ok(false) };
        let now = samples.min(SILENCE);
        if samples > now {
            self.due.push_front((why, samples - now));
        }
        if let Some(silence) = self.form.as_ref().map(|form| form.silence_like_this(now as usize)) {
            match why {
                Silence::Before => self.record.silence_before += now as u64,
                Silence::After => self.record.silence_after += now as u64,
                Silence::Encoder => self.record.encoder_padding += now as u64,
            }
            self.put(silence, why != Silence::Encoder, track)?;
        }
        Ok(true)
    }

    /// Outputs the part of a converted block that lies between start and end.
    pub(super) fn push(&mut self, frame: Frame, track: &AudioTrack) -> Result<()> {
        let samples = frame.samples() as i64;
        let skipped = self.skip.min(samples);
        self.skip -= skipped;
        self.record.cut_before_start += skipped as u64;
        match skipped {
            0 => self.put(frame, true, track),
            _ if skipped == samples => Ok(()),
            _ => self.put(frame.part(skipped as usize, (samples - skipped) as usize), true, track),
        }
    }

    /// Outputs the part of a block that lies before the end.
    fn put(&mut self, mut frame: Frame, is_limited: bool, track: &AudioTrack) -> Result<()> {
        let AudioTarget { lead, block, sample_rate, .. } = track.target;
        let samples = frame.samples() as i64;
        let limit = limit(track).filter(|_| is_limited).unwrap_or(i64::MAX);
        let room = limit.saturating_sub(self.position).clamp(0, samples);
        self.record.cut_after_end += (samples - room) as u64;
        self.is_full |= is_limited && self.position + room >= limit;
        if room == 0 {
            return Ok(());
        }
        if room < samples {
            frame = frame.part(0, room as usize);
        }
        frame.set_time(self.position - lead as i64);
        self.position += room;
        if block == 0 {
            self.ready.push_back(frame);
            return Ok(());
        }
        if self.blocks.is_none() {
            let mut blocks = track.graph_in(&frame, TimeBase::new(1, i64::from(sample_rate)), "anull")?;
            blocks.set_frame_samples(block);
            self.blocks = Some(blocks);
        }
        let Some(blocks) = &mut self.blocks else { return Ok(()) };
        blocks.send(Some(&frame)).map_err(|code| track.failed(code))
    }

    /// Queues the silence after the last block.
    pub(super) fn follow_with_silence(&mut self, track: &AudioTrack) {
        if let Some(length) = track.edit.length.filter(|length| length.pad) {
            let whole = i64::try_from(length.samples).unwrap_or(i64::MAX).saturating_add(track.target.lead as i64);
            self.queue(Silence::After, whole.saturating_sub(self.position));
        }
        self.queue(Silence::Encoder, track.target.tail as i64);
    }

    /// Lets the last, shorter block out.
    pub(super) fn close(&mut self, track: &AudioTrack) -> Result<()> {
        let Some(blocks) = &mut self.blocks else { return Ok(()) };
        match blocks.send(None) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => Err(track.failed(code)),
        }
    }

    /// Returns a block of the output. `None` if more input is needed, or after the end.
    pub(super) fn receive(&mut self, track: &AudioTrack) -> Result<Option<Frame>> {
        let next = match &mut self.blocks {
            Some(blocks) => match blocks.receive().map_err(|code| track.failed(code))? {
                Output::Item(frame) => Some(frame),
                Output::Hungry | Output::End => None,
            },
            None => self.ready.pop_front(),
        };
        Ok(next.map(|mut frame| {
            if track.is_nameless() {
                frame.forget_layout();
            }
            frame
        }))
    }

    pub(super) fn record(&self, ledger: &mut AudioLedger) {
        let AudioLedger { cut_before_start, cut_after_end, silence_before, silence_after, encoder_padding, .. } =
            self.record;
        *ledger = AudioLedger {
            cut_before_start,
            cut_after_end,
            silence_before,
            silence_after,
            encoder_padding,
            ..std::mem::take(ledger)
        };
    }
}

/// Forced end of the output, in samples, including the silence before the origin.
fn limit(track: &AudioTrack) -> Option<i64> {
    let AudioTarget { origin, end, sample_rate, lead, .. } = track.target;
    let end = end.map(|end| track.edit.place(end, origin, sample_rate).max(0));
    let asked = track.edit.length.filter(|length| length.trim);
    let asked = asked.map(|length| i64::try_from(length.samples).unwrap_or(i64::MAX));
    [end, asked].into_iter().flatten().min().map(|end| end.saturating_add(lead as i64))
}
