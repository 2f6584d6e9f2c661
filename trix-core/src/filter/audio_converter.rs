//! The filter stage of one audio track: it fills gaps, converts every block to the track's format, and places the
//! result in the output.
//!
//! Invariant: samples are counted before and after each step (`audio_ledger`). Memory does not grow with the amount of
//! silence.

use std::collections::VecDeque;

use trix_av::{AvError, codec::Output, frame::Frame, graph::Graph, layout::ChannelLayout};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    audio::{self, any_layout, failed},
    audio_ledger::{AudioLedger, Conversion},
    continuity::{Continuity, LONGEST, SILENCE, Shape},
    resampler::{self, INSIDE},
    stretch::Stretch,
};
use crate::{
    decode::{audio::AudioChange, audio_start::Passed},
    plan::{AudioTarget, Remix},
    settings::audio_edit::AudioEdit,
};

/// The filter stage of one audio track.
pub struct AudioConverter {
    target: AudioTarget,
    edit: AudioEdit,
    stream: usize,
    line: Continuity,
    /// Format of the first block.
    first_shape: Option<Shape>,
    /// The step before the conversion if the tempo changes and the pitch does not.
    front: Option<Front>,
    /// Blocks that wait for their conversion.
    staged: VecDeque<Frame>,
    values: Option<Values>,
    /// Converted blocks that wait for their place in the output.
    converted: VecDeque<Frame>,
    /// Silence to output next.
    due: VecDeque<(Silence, i64)>,
    /// Cuts the output into blocks of one length.
    blocks: Option<Graph>,
    ready: VecDeque<Frame>,
    /// The first block in the track's format.
    form: Option<Frame>,
    /// Samples at the start that are still to be dropped.
    skip: i64,
    /// Samples before the first block that were not decoded.
    passed: i64,
    /// Samples output so far, including the silence before the origin.
    position: i64,
    /// State of the input.
    state: State,
    /// Start and end of the input audio, in the source's time.
    first: Option<Timestamp>,
    reached: Option<Timestamp>,
    record: AudioLedger,
}

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

/// The conversion of blocks of one format.
struct Values {
    graph: Graph,
    shape: Shape,
    record: Conversion,
    is_closing: bool,
}

/// Changes the tempo of gapless audio.
struct Front {
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
    is_finished: bool,
}

impl AudioConverter {
    /// Creates a converter for audio of stream `stream`, with times in `time_base`.
    pub(crate) fn new(target: AudioTarget, stream: usize, time_base: TimeBase) -> Self {
        let edit = AudioEdit::default();
        AudioConverter {
            line: Continuity::new(stream, time_base, edit.drift),
            target,
            edit,
            stream,
            first_shape: None,
            front: None,
            staged: VecDeque::new(),
            values: None,
            converted: VecDeque::new(),
            due: VecDeque::new(),
            blocks: None,
            ready: VecDeque::new(),
            form: None,
            skip: 0,
            passed: 0,
            position: 0,
            state: State::Open,
            first: None,
            reached: None,
            record: AudioLedger::default(),
        }
    }

    /// Applies `edit` to the audio. Call it before the first block.
    pub(crate) fn edited(mut self, edit: AudioEdit) -> Self {
        self.line.set_drift(edit.drift);
        self.edit = edit;
        self
    }

    /// True if the conversion of a sample does not depend on those long before it, for audio of `sample_rate`.
    pub(crate) fn can_begin_late(&self, sample_rate: u32) -> bool {
        let AudioEdit { tempo, drift, limit_dbtp, .. } = self.edit;
        let one = Rational::new(1, 1);
        let is_plain = self.target.sample_rate == sample_rate && !self.target.dithered;
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
            let next = match &mut self.blocks {
                Some(blocks) => match blocks.receive() {
                    Ok(Output::Item(frame)) => Some(frame),
                    Ok(Output::Hungry) => None,
                    Ok(Output::End) => return Ok(None),
                    Err(code) => return Err(failed(self.stream, code)),
                },
                None => self.ready.pop_front(),
            };
            if let Some(mut frame) = next {
                if self.is_nameless() {
                    frame.forget_layout();
                }
                return Ok(Some(frame));
            }
            if !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Samples of silence after the end of the output.
    pub fn tail(&self) -> usize {
        self.target.tail
    }

    /// End of the audio received so far, as a position in the output in samples. It follows from the times of the
    /// blocks, before silence is added or the end is cut. `None` before the first block.
    pub fn reach(&self) -> Option<i64> {
        let AudioTarget { origin, sample_rate, .. } = self.target;
        self.reached.map(|time| self.edit.place(time, origin, sample_rate))
    }

    /// The sample counts so far. The receiver of the blocks sets `encoded`.
    pub(crate) fn ledger(&self) -> AudioLedger {
        AudioLedger {
            decoded: self.line.decoded,
            filled_gaps: self.line.gaps.clone(),
            cut_overlaps: self.line.overlaps.clone(),
            left_after_end: self.line.left,
            ..self.record.clone()
        }
    }

    /// Changes of the source's audio format so far.
    pub(crate) fn changes(&self) -> &[AudioChange] {
        &self.line.changes
    }

    /// Makes one processing step. False if more input is needed.
    fn step(&mut self) -> Result<bool> {
        if let Some((why, samples)) = self.due.pop_front() {
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
                self.put(silence, why != Silence::Encoder)?;
            }
            return Ok(true);
        }
        if let Some(frame) = self.converted.pop_front() {
            self.place_block(frame)?;
            return Ok(true);
        }
        if let Some(values) = &mut self.values {
            match values.graph.receive() {
                Ok(Output::Item(frame)) => {
                    values.record.given += frame.samples() as u64;
                    self.converted.push_back(frame);
                    return Ok(true);
                }
                Ok(Output::Hungry) => {}
                Ok(Output::End) => {
                    if let Some(values) = self.values.take() {
                        self.record.converted.push(values.record);
                    }
                    return Ok(true);
                }
                Err(code) => return Err(failed(self.stream, code)),
            }
        }
        if let Some(frame) = self.staged.pop_front() {
            self.convert(frame)?;
            return Ok(true);
        }
        if let Some(frame) = self.line.next_block() {
            self.stage(frame)?;
            return Ok(true);
        }
        match self.state {
            State::Open | State::Closed => Ok(false),
            State::Ending => {
                if let Some(front) = self.front.as_mut().filter(|front| !front.is_finished) {
                    let rest = front.finish(&mut self.record.brought).map_err(|code| failed(self.stream, code))?;
                    self.record.stretched = Some(front.stretched.clone());
                    self.staged.extend(rest);
                } else if self.values.is_some() {
                    self.close_values()?;
                } else {
                    self.state = State::Converted;
                    self.follow_with_silence();
                }
                Ok(true)
            }
            State::Converted => {
                self.state = State::Closed;
                if let Some(blocks) = &mut self.blocks {
                    match blocks.send(None) {
                        Ok(()) | Err(AvError::EOF) => {}
                        Err(code) => return Err(failed(self.stream, code)),
                    }
                }
                Ok(true)
            }
        }
    }

    /// Passes a source block to its conversion, or to the time stretch.
    fn stage(&mut self, frame: Frame) -> Result<()> {
        if !self.edit.keeps_pitch() {
            self.staged.push_back(frame);
            return Ok(());
        }
        let shape = Shape::of(&frame);
        match &self.front {
            Some(front) if front.shape == shape => {}
            Some(front) => {
                // The time stretch keeps one format: the first.
                let (layout, rate) = (front.layout.clone(), front.sample_rate);
                let chain = format!(
                    "aresample=osr={rate}:ochl={layout}:osf=dblp:rematrix_maxval=1:{INSIDE}:{},aformat=sample_fmts=dblp",
                    resampler::options(resampler::best())
                );
                let graph = self.build(&frame, &chain)?;
                if let Some(front) = &mut self.front {
                    let rest = front
                        .change(graph, shape, &mut self.record.brought)
                        .map_err(|code| failed(self.stream, code))?;
                    self.staged.extend(rest);
                }
            }
            None => {
                let graph = self.build(&frame, "aformat=sample_fmts=dblp")?;
                let speed = self.edit.speed();
                let (layout, sample_rate) = (String::new(), frame.sample_rate());
                self.front = Some(Front {
                    graph,
                    shape,
                    stretch: Stretch::new(speed, frame.channels(), sample_rate),
                    layout,
                    sample_rate,
                    samples: 0,
                    form: Conversion { taken: 0, given: 0, ratio: Rational::new(1, 1) },
                    stretched: Conversion { taken: 0, given: 0, ratio: speed.inverse() },
                    is_finished: false,
                });
            }
        }
        if let Some(front) = &mut self.front {
            let ready = front.push(&frame).map_err(|code| failed(self.stream, code))?;
            self.staged.extend(ready);
        }
        Ok(())
    }

    /// Sends a block to the graph for its format. The first block of a format creates the graph.
    fn convert(&mut self, frame: Frame) -> Result<()> {
        let shape = Shape::of(&frame);
        self.first_shape.get_or_insert_with(|| shape.clone());
        if self.values.as_ref().is_some_and(|values| values.shape != shape) {
            self.staged.push_front(frame);
            return self.close_values();
        }
        if self.values.is_none() {
            let (remix, first) = self.remix_of(&shape)?;
            let chain = audio::chain(&self.target, &self.edit, &frame, remix.as_ref(), first.as_deref());
            let graph = self.build(&frame, &chain)?;
            let ratio = audio::ratio(&self.target, &self.edit, shape.rate);
            let record = Conversion { taken: 0, given: 0, ratio };
            self.values = Some(Values { graph, shape, record, is_closing: false });
        }
        let Some(values) = &mut self.values else { return Ok(()) };
        values.record.taken += frame.samples() as u64;
        values.graph.send(Some(&frame)).map_err(|code| failed(self.stream, code))
    }

    /// Lets the conversion return the samples that it still holds.
    fn close_values(&mut self) -> Result<()> {
        let Some(values) = self.values.as_mut().filter(|values| !values.is_closing) else { return Ok(()) };
        values.is_closing = true;
        match values.graph.send(None) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => Err(failed(self.stream, code)),
        }
    }

    /// The change of channels for blocks of this format, and the layout that they must be converted to first.
    fn remix_of(&self, shape: &Shape) -> Result<(Option<Remix>, Option<String>)> {
        let remix = &self.target.remix;
        let Some(first) = self.first_shape.as_ref().filter(|first| first.layout != shape.layout) else {
            return Ok((remix.clone(), None));
        };
        let refuse = |layout: &str| {
            let (from, to) = (&first.layout, &shape.layout);
            let detail = format!("the audio changes from {from} to {to}, which cannot be brought to {layout}");
            let time = self.line.changes.last().map(|change| change.time);
            Error::new(ErrorKind::Unsupported, Stage::Filter, detail).in_stream(self.stream).at(time)
        };
        // One and two channels have a usual meaning and need no layout name.
        let own = ChannelLayout::from_name(&shape.layout).map(|layout| layout.name);
        let usual = [(1, "mono"), (2, "stereo")].into_iter().find(|(count, _)| *count == shape.channels);
        let own = own.or_else(|| usual.map(|(_, name)| name.to_owned()));
        let to = &self.target.layout;
        let Some(own) = own.filter(|_| !self.is_nameless()) else { return Err(refuse(to)) };
        match remix {
            Some(Remix::Matrix { .. } | Remix::Pick { .. }) => {
                let named = ChannelLayout::from_name(&first.layout).map(|layout| layout.name);
                let named = named.or_else(|| self.target.assumed_layout.clone());
                let first = named.ok_or_else(|| refuse("the channels of the matrix"))?;
                Ok((remix.clone(), Some(first)))
            }
            _ if own == *to => Ok((None, None)),
            _ => Ok((Some(Remix::Standard), None)),
        }
    }

    /// Determines the place of a converted block in the output.
    fn place_block(&mut self, frame: Frame) -> Result<()> {
        if self.form.is_none() {
            let place = self.place()?.saturating_add(self.passed);
            self.skip = place.saturating_neg().max(0);
            self.form = Some(frame.clone());
            for (why, samples) in [(Silence::Encoder, self.target.lead as i64), (Silence::Before, place.max(0))] {
                if samples > 0 {
                    self.due.push_back((why, samples));
                }
            }
            self.converted.push_front(frame);
            return Ok(());
        }
        let samples = frame.samples() as i64;
        let skipped = self.skip.min(samples);
        self.skip -= skipped;
        self.record.cut_before_start += skipped as u64;
        match skipped {
            0 => self.put(frame, true),
            _ if skipped == samples => Ok(()),
            _ => self.put(frame.part(skipped as usize, (samples - skipped) as usize), true),
        }
    }

    /// Outputs the part of a block that lies before the end.
    fn put(&mut self, mut frame: Frame, is_limited: bool) -> Result<()> {
        let samples = frame.samples() as i64;
        let limit = self.limit().filter(|_| is_limited).unwrap_or(i64::MAX);
        let room = limit.saturating_sub(self.position).clamp(0, samples);
        self.record.cut_after_end += (samples - room) as u64;
        if is_limited && self.position + room >= limit && self.state == State::Open {
            self.state = State::Ending;
            self.line.stop();
        }
        if room == 0 {
            return Ok(());
        }
        if room < samples {
            frame = frame.part(0, room as usize);
        }
        frame.set_time(self.position - self.target.lead as i64);
        self.position += room;
        if self.target.block == 0 {
            self.ready.push_back(frame);
            return Ok(());
        }
        if self.blocks.is_none() {
            let mut blocks = self.build_with(&frame, TimeBase::new(1, i64::from(self.target.sample_rate)), "anull")?;
            blocks.set_frame_samples(self.target.block);
            self.blocks = Some(blocks);
        }
        let Some(blocks) = &mut self.blocks else { return Ok(()) };
        blocks.send(Some(&frame)).map_err(|code| failed(self.stream, code))
    }

    /// Forced end of the output, in samples, including the silence before the origin.
    fn limit(&self) -> Option<i64> {
        let AudioTarget { origin, end, sample_rate, lead, .. } = self.target;
        let end = end.map(|end| self.edit.place(end, origin, sample_rate).max(0));
        let asked = self.edit.length.filter(|length| length.trim);
        let asked = asked.map(|length| i64::try_from(length.samples).unwrap_or(i64::MAX));
        [end, asked].into_iter().flatten().min().map(|end| end.saturating_add(lead as i64))
    }

    /// Queues the silence after the last block.
    fn follow_with_silence(&mut self) {
        let lead = self.target.lead as i64;
        if let Some(length) = self.edit.length.filter(|length| length.pad) {
            let whole = i64::try_from(length.samples).unwrap_or(i64::MAX).saturating_add(lead);
            if whole > self.position {
                self.due.push_back((Silence::After, whole - self.position));
            }
        }
        if self.target.tail > 0 {
            self.due.push_back((Silence::Encoder, self.target.tail as i64));
        }
    }

    fn build(&self, frame: &Frame, chain: &str) -> Result<Graph> {
        self.build_with(frame, TimeBase::new(1, i64::from(frame.sample_rate().max(1))), chain)
    }

    fn build_with(&self, frame: &Frame, time_base: TimeBase, chain: &str) -> Result<Graph> {
        // Most filters require a channel layout, even if they ignore it.
        let by_number = matches!(self.target.remix, Some(Remix::Pick { .. } | Remix::Matrix { .. }));
        let is_any = self.is_nameless() || by_number || frame.channels() <= 2;
        let any = any_layout(frame.channels()).filter(|_| is_any);
        let is_first = self.first_shape.as_ref().is_none_or(|first| first.layout == frame.layout());
        let assumed = self.target.assumed_layout.as_deref().filter(|_| is_first).or(any.as_deref());
        Graph::for_audio(frame, time_base, assumed, chain).map_err(|(code, said)| {
            Error::new(ErrorKind::Unsupported, Stage::Filter, format!("audio cannot be converted: {code} ({said})"))
                .in_stream(self.stream)
                .caused_by(code)
        })
    }

    /// True if the output has a number of channels but no layout.
    fn is_nameless(&self) -> bool {
        ChannelLayout::from_name(&self.target.layout).is_none()
    }

    /// Position of the first source sample in the output. Negative if the sample is dropped.
    fn place(&self) -> Result<i64> {
        let AudioTarget { origin, sample_rate, .. } = self.target;
        let first = self.first.unwrap_or(origin);
        let place = self.edit.place(first, origin, sample_rate);
        if place > LONGEST * i64::from(sample_rate) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, "audio begins more than a day late")
                .in_stream(self.stream)
                .at(Some(first)));
        }
        Ok(place)
    }
}

impl Front {
    /// Takes a block and returns finished blocks.
    fn push(&mut self, frame: &Frame) -> std::result::Result<Vec<Frame>, AvError> {
        self.form.taken += frame.samples() as u64;
        self.graph.send(Some(frame))?;
        self.take_in()?;
        Ok(self.collect())
    }

    /// Switches to blocks of another format. `graph` converts them to the first format.
    fn change(
        &mut self,
        graph: Graph,
        shape: Shape,
        record: &mut Vec<Conversion>,
    ) -> std::result::Result<Vec<Frame>, AvError> {
        self.flush()?;
        let ratio = Rational::new(i64::from(self.sample_rate), i64::from(shape.rate.max(1)));
        record.push(std::mem::replace(&mut self.form, Conversion { taken: 0, given: 0, ratio }));
        (self.graph, self.shape) = (graph, shape);
        Ok(self.collect())
    }

    /// Ends the input and returns the remaining blocks.
    fn finish(&mut self, record: &mut Vec<Conversion>) -> std::result::Result<Vec<Frame>, AvError> {
        self.is_finished = true;
        self.flush()?;
        record.push(self.form.clone());
        self.stretch.finish();
        Ok(self.collect())
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
