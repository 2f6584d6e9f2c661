//! Stages that take audio and write no track: meters and waveforms.
//!
//! Invariant: the measured audio is the audio of an output, from its start to its end.

use std::sync::Arc;

use trix_av::frame::Frame;
use trix_model::{
    error::{Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::data_bursts::BurstFinder,
    filter::audio_converter::AudioConverter,
    loudness::Meter,
    pipeline::{
        channel::Receiver,
        pass::{
            queued::Queued,
            record::{Shared, lock},
        },
    },
    plan::{Loudness, Sink, StillId},
    report::TrackLoudness,
    still::AudioStill,
};

/// Measures loudness if the job asks for it and the layout allows it.
pub(super) struct Gauge {
    wanted: bool,
    meter: Option<Meter>,
}

impl Gauge {
    pub(super) fn new(wanted: bool) -> Self {
        Gauge { wanted, meter: None }
    }

    /// Measures a block. All blocks come from a converter, so they have the same format.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<()> {
        if self.wanted && self.meter.is_none() {
            // Audio without a defined loudness, such as a hundred channels, is not measured.
            self.meter = Meter::for_audio_like(frame).ok();
            self.wanted = self.meter.is_some();
        }
        self.meter.as_mut().map_or(Ok(()), |meter| meter.push(frame))
    }

    pub(super) fn finish(&mut self) -> Option<Loudness> {
        self.meter.take().map(Meter::finish)
    }
}

/// Measures copied audio.
pub(super) struct MeterStage {
    pub(super) converter: AudioConverter,
    pub(super) gauge: Gauge,
    /// Looks for coded audio in the samples, which has no loudness.
    pub(super) bursts: Option<BurstFinder>,
    pub(super) stream: usize,
    pub(super) time_base: TimeBase,
    /// The output, and the number of the track's plan in it.
    pub(super) places: Vec<(Sink, usize)>,
    pub(super) shared: Arc<Shared>,
}

impl MeterStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Frame>>) -> Result<()> {
        let mut wanted = true;
        while wanted && let Some(queued) = input.receive(Stage::Filter)? {
            let found = self.bursts.as_mut().and_then(|finder| finder.push(&queued.item, self.time_base));
            if let Some(found) = found {
                for (output, _) in &self.places {
                    let note = format!("stream {}: {found} is copied as it is; it has no loudness", self.stream);
                    lock(&self.shared.outputs[*output].done).warnings.push(note);
                }
                return Ok(());
            }
            if let Some(passed) = queued.passed {
                self.converter.pass_over(passed, &queued.item);
            }
            let time = queued.item.pts().map(|ticks| Timestamp::new(ticks, self.time_base));
            let pushed = self.converter.push(Some(&queued.item)).and_then(|more| self.measure().map(|()| more));
            wanted = pushed.map_err(|error| error.at(time))?;
        }
        self.converter.push(None)?;
        self.measure()?;
        let Some(loudness) = self.gauge.finish() else { return Ok(()) };
        for (output, track) in &self.places {
            let found = TrackLoudness { track: *track, loudness: loudness.clone() };
            lock(&self.shared.outputs[*output].done).loudness.push(found);
        }
        Ok(())
    }

    fn measure(&mut self) -> Result<()> {
        while let Some(frame) = self.converter.receive()? {
            self.gauge.push(&frame)?;
        }
        Ok(())
    }
}

/// Draws the waveform of an audio track.
pub(super) struct WaveformStage {
    pub(super) id: StillId,
    pub(super) still: AudioStill,
    /// Aligns an external audio track as the outputs do.
    pub(super) converter: Option<AudioConverter>,
    pub(super) end: Option<Timestamp>,
    pub(super) shared: Arc<Shared>,
}

impl WaveformStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Frame>>) -> Result<()> {
        while let Some(Queued { item: frame, .. }) = input.receive(Stage::Filter)? {
            match &mut self.converter {
                None => {
                    if !self.still.push(&frame) {
                        break;
                    }
                }
                Some(converter) => {
                    let wanted = converter.push(Some(&frame))?;
                    self.draw()?;
                    if !wanted {
                        break;
                    }
                }
            }
        }
        if let Some(converter) = &mut self.converter {
            converter.push(None)?;
            self.draw()?;
        }
        *lock(self.shared.still(self.id)) = Some(self.still.finish(self.end)?);
        Ok(())
    }

    fn draw(&mut self) -> Result<()> {
        let Some(converter) = &mut self.converter else { return Ok(()) };
        while let Some(frame) = converter.receive()? {
            self.still.push(&frame);
        }
        Ok(())
    }
}
