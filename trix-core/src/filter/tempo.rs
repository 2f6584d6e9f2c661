//! Changes the tempo of gapless audio without its pitch.

use trix_av::{AvError, codec::Output, frame::Frame, graph::Graph};
use trix_model::{error::Result, time::Rational};

use super::{
    audio_ledger::{AudioLedger, Conversion},
    audio_track::AudioTrack,
    continuity::Shape,
    resampler::{self, INSIDE},
    stretch::Stretch,
};

/// The step that changes the tempo. It converts all blocks to the format of the first one, in 64-bit floating point.
#[derive(Default)]
pub(super) struct TempoStage {
    work: Option<Work>,
    /// Conversions to the first format that have ended.
    brought: Vec<Conversion>,
    /// Samples into and out of the time stretch, once it has ended.
    stretched: Option<Conversion>,
}

struct Work {
    graph: Graph,
    shape: Shape,
    stretch: Stretch,
    layout: String,
    sample_rate: u32,
    samples: i64,
    /// Samples into and out of the graph.
    form: Conversion,
    /// Samples into and out of the time stretch.
    stretched: Conversion,
}

impl TempoStage {
    /// Takes a block and returns finished blocks.
    pub(super) fn push(&mut self, frame: &Frame, track: &AudioTrack) -> Result<Vec<Frame>> {
        let shape = Shape::of(frame);
        let mut ready = Vec::new();
        let work = match self.work.take() {
            Some(work) if work.shape == shape => work,
            Some(mut work) => {
                let (layout, rate) = (&work.layout, work.sample_rate);
                let chain = format!(
                    "aresample=osr={rate}:ochl={layout}:osf=dblp:rematrix_maxval=1:{INSIDE}:{},aformat=sample_fmts=dblp",
                    resampler::options(resampler::best())
                );
                let graph = track.graph(frame, &chain)?;
                self.brought.push(work.change(graph, shape).map_err(|code| track.failed(code))?);
                ready = work.collect();
                work
            }
            None => Work::new(track.graph(frame, "aformat=sample_fmts=dblp")?, shape, track.edit.speed()),
        };
        let work = self.work.insert(work);
        work.push(frame).map_err(|code| track.failed(code))?;
        ready.extend(work.collect());
        Ok(ready)
    }

    /// Ends the input and returns the remaining blocks. `None` if the stage has ended before, or had no input.
    pub(super) fn finish(&mut self, track: &AudioTrack) -> Result<Option<Vec<Frame>>> {
        let Some(mut work) = self.work.take() else { return Ok(None) };
        work.flush().map_err(|code| track.failed(code))?;
        work.stretch.finish();
        let rest = work.collect();
        self.brought.push(work.form);
        self.stretched = Some(work.stretched);
        Ok(Some(rest))
    }

    pub(super) fn record(&self, ledger: &mut AudioLedger) {
        ledger.brought.clone_from(&self.brought);
        ledger.stretched.clone_from(&self.stretched);
    }
}

impl Work {
    fn new(graph: Graph, shape: Shape, speed: Rational) -> Self {
        Work {
            graph,
            stretch: Stretch::new(speed, shape.channels, shape.rate),
            layout: String::new(),
            sample_rate: shape.rate,
            samples: 0,
            form: Conversion { taken: 0, given: 0, ratio: Rational::new(1, 1) },
            stretched: Conversion { taken: 0, given: 0, ratio: speed.inverse() },
            shape,
        }
    }

    fn push(&mut self, frame: &Frame) -> std::result::Result<(), AvError> {
        self.form.taken += frame.samples() as u64;
        self.graph.send(Some(frame))?;
        self.take_in()
    }

    /// Switches to blocks of another format. `graph` converts them to the first format. Returns the counts of the old
    /// graph.
    fn change(&mut self, graph: Graph, shape: Shape) -> std::result::Result<Conversion, AvError> {
        self.flush()?;
        let ratio = Rational::new(i64::from(self.sample_rate), i64::from(shape.rate.max(1)));
        (self.graph, self.shape) = (graph, shape);
        Ok(std::mem::replace(&mut self.form, Conversion { taken: 0, given: 0, ratio }))
    }

    fn flush(&mut self) -> std::result::Result<(), AvError> {
        match self.graph.send(None) {
            Ok(()) | Err(AvError::EOF) => self.take_in(),
            Err(code) => Err(code),
        }
    }

    fn take_in(&mut self) -> std::result::Result<(), AvError> {
        while let Output::Item(block) = self.graph.receive()? {
            let mut planes = vec![Vec::new(); block.channels()];
            planes.iter_mut().enumerate().for_each(|(channel, plane)| block.read_channel(channel, plane));
            self.layout = block.layout();
            self.form.given += block.samples() as u64;
            self.stretched.taken += block.samples() as u64;
            self.stretch.push(&planes);
        }
        Ok(())
    }

    fn collect(&mut self) -> Vec<Frame> {
        let mut ready = Vec::new();
        while let Some(planes) = self.stretch.take() {
            let frame = Frame::of_audio(&planes, &self.layout, self.sample_rate, self.samples);
            let samples = planes.first().map_or(0, Vec::len);
            self.samples += samples as i64;
            self.stretched.given += samples as u64;
            ready.extend(frame);
        }
        ready
    }
}
