//! The filter stage of one sound track: gaps are filled, every block is brought to the form of the track, and the whole
//! is placed in the output.
//!
//! Invariant: samples are counted on each side of each step (`sound_ledger`); memory does not grow with the silence that
//! has to be made.

use std::collections::VecDeque;

use trix_av::{AvError, codec::Output, frame::Frame, graph::Graph, layout::ChannelLayout};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    continuity::{Continuity, LONGEST, SILENCE, Shape},
    sound::{self, any_layout, failed},
    sound_ledger::{Conversion, SoundLedger},
    stretch::Stretch,
};
use crate::{
    decode::audio::SoundChange,
    plan::{Remix, Resampler, SoundTarget},
    spec::audio_edit::SoundEdit,
};

/// The filter stage of one sound track.
pub struct SoundConverter {
    target: SoundTarget,
    edit: SoundEdit,
    stream: usize,
    line: Continuity,
    /// The form of the first block.
    first_shape: Option<Shape>,
    /// What comes before the conversion where the tempo changes and the pitch does not.
    front: Option<Front>,
    /// Blocks that wait for their conversion.
    staged: VecDeque<Frame>,
    values: Option<Values>,
    /// Blocks in the form of the track that wait for their place.
    converted: VecDeque<Frame>,
    /// Silence that comes next.
    due: VecDeque<(Silence, i64)>,
    /// What cuts the output into blocks of one length.
    blocks: Option<Graph>,
    ready: VecDeque<Frame>,
    /// A block in the form of the track; the first.
    form: Option<Frame>,
    /// Samples at the start that are still to be left out.
    skip: i64,
    /// Samples that the output has so far, with the silence before the origin.
    position: i64,
    /// How far the input came.
    state: State,
    /// Where the sound that was put in begins and ends, in the source's time.
    first: Option<Timestamp>,
    reached: Option<Timestamp>,
    books: SoundLedger,
}

/// Why there is silence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// The sound begins later.
    Before,
    /// The sound is shorter than was asked for.
    After,
    /// The encoder needs it.
    Encoder,
}

/// How far the input of a converter came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// More may come.
    Open,
    /// All blocks came, or the end of the cut was reached.
    Ending,
    /// All blocks were converted; silence may follow.
    Converted,
    /// Nothing follows.
    Closed,
}

/// The conversion of blocks of one form.
struct Values {
    graph: Graph,
    shape: Shape,
    books: Conversion,
    is_closing: bool,
}

/// Sound without gaps, made faster or slower.
struct Front {
    graph: Graph,
    shape: Shape,
    stretch: Stretch,
    layout: String,
    sample_rate: u32,
    samples: i64,
    /// What the graph took and gave.
    form: Conversion,
    /// What was stretched.
    stretched: Conversion,
    is_finished: bool,
}

impl SoundConverter {
    /// A converter for sound of stream `stream`, whose times count `time_base`.
    pub(crate) fn new(target: SoundTarget, stream: usize, time_base: TimeBase) -> Self {
        let edit = SoundEdit::default();
        SoundConverter {
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
            position: 0,
            state: State::Open,
            first: None,
            reached: None,
            books: SoundLedger::default(),
        }
    }

    /// The same, with `edit` done to the sound; to be called before anything is put in.
    pub(crate) fn edited(mut self, edit: SoundEdit) -> Self {
        self.line.set_drift(edit.drift);
        self.edit = edit;
        self
    }

    /// Puts a block in; `None` announces the end. All sound must have been taken out before. False says that the end of
    /// the cut is reached and no more is needed.
    ///
    /// # Errors
    /// `MalformedInput` when the sound begins more than a day after the origin, or has a gap of more than a day.
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

    /// Takes a block out, its time in samples since the origin; `None` when more has to be put in, or after the end.
    ///
    /// # Errors
    /// `Unsupported` when the sound has a shape that cannot be converted, `Codec` when conversion fails.
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

    /// Samples of silence that the output has after its end.
    pub fn tail(&self) -> usize {
        self.target.tail
    }

    /// Where the sound that was put in so far ends in the output, in samples, by the times of its blocks and before
    /// silence is added or an end cut. `None` before the first.
    pub fn reach(&self) -> Option<i64> {
        let SoundTarget { origin, sample_rate, .. } = self.target;
        self.reached.map(|time| self.edit.place(time, origin, sample_rate))
    }

    /// What became of every sample so far. `encoded` is left to whoever takes the blocks.
    pub(crate) fn ledger(&self) -> SoundLedger {
        SoundLedger {
            decoded: self.line.decoded,
            filled_gaps: self.line.gaps.clone(),
            cut_overlaps: self.line.overlaps.clone(),
            left_after_end: self.line.left,
            ..self.books.clone()
        }
    }

    /// Where the source changed its form so far.
    pub(crate) fn changes(&self) -> &[SoundChange] {
        &self.line.changes
    }

    /// Brings one thing one step on; false when there is nothing to do before more is put in.
    fn step(&mut self) -> Result<bool> {
        if let Some((why, samples)) = self.due.pop_front() {
            let now = samples.min(SILENCE);
            if samples > now {
                self.due.push_front((why, samples - now));
            }
            if let Some(silence) = self.form.as_ref().map(|form| form.silence_like_this(now as usize)) {
                match why {
                    Silence::Before => self.books.silence_before += now as u64,
                    Silence::After => self.books.silence_after += now as u64,
                    Silence::Encoder => self.books.encoder_padding += now as u64,
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
                    values.books.given += frame.samples() as u64;
                    self.converted.push_back(frame);
                    return Ok(true);
                }
                Ok(Output::Hungry) => {}
                Ok(Output::End) => {
                    if let Some(values) = self.values.take() {
                        self.books.converted.push(values.books);
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
                    let rest = front.finish(&mut self.books.brought).map_err(|code| failed(self.stream, code))?;
                    self.books.stretched = Some(front.stretched.clone());
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

    /// Hands a block of the source to its conversion, or to what stretches it.
    fn stage(&mut self, frame: Frame) -> Result<()> {
        if !self.edit.keeps_pitch() {
            self.staged.push_back(frame);
            return Ok(());
        }
        let shape = Shape::of(&frame);
        match &self.front {
            Some(front) if front.shape == shape => {}
            Some(front) => {
                // What is stretched keeps one form: the first.
                let (layout, rate) = (front.layout.clone(), front.sample_rate);
                let chain = format!(
                    "aresample=osr={rate}:ochl={layout}:osf=dblp:rematrix_maxval=1:{},aformat=sample_fmts=dblp",
                    Resampler::best().options()
                );
                let graph = self.build(&frame, &chain)?;
                if let Some(front) = &mut self.front {
                    let rest = front
                        .change(graph, shape, &mut self.books.brought)
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

    /// Puts a block into the graph for its form, which is made when the first of the form comes.
    fn convert(&mut self, frame: Frame) -> Result<()> {
        let shape = Shape::of(&frame);
        self.first_shape.get_or_insert_with(|| shape.clone());
        if self.values.as_ref().is_some_and(|values| values.shape != shape) {
            self.staged.push_front(frame);
            return self.close_values();
        }
        if self.values.is_none() {
            let (remix, first) = self.remix_of(&shape)?;
            let chain = sound::chain(&self.target, &self.edit, &frame, remix.as_ref(), first.as_deref());
            let graph = self.build(&frame, &chain)?;
            let ratio = sound::ratio(&self.target, &self.edit, shape.rate);
            let books = Conversion { taken: 0, given: 0, ratio };
            self.values = Some(Values { graph, shape, books, is_closing: false });
        }
        let Some(values) = &mut self.values else { return Ok(()) };
        values.books.taken += frame.samples() as u64;
        values.graph.send(Some(&frame)).map_err(|code| failed(self.stream, code))
    }

    /// Lets the conversion give what it still holds.
    fn close_values(&mut self) -> Result<()> {
        let Some(values) = self.values.as_mut().filter(|values| !values.is_closing) else { return Ok(()) };
        values.is_closing = true;
        match values.graph.send(None) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => Err(failed(self.stream, code)),
        }
    }

    /// What is done to the channels of blocks of this form, and the layout that they have to be brought to before.
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
        // What one and two channels mean needs no name.
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

    /// Finds the place of a converted block in the output.
    fn place_block(&mut self, frame: Frame) -> Result<()> {
        if self.form.is_none() {
            let place = self.place()?;
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
        self.books.cut_before_start += skipped as u64;
        match skipped {
            0 => self.put(frame, true),
            _ if skipped == samples => Ok(()),
            _ => self.put(frame.part(skipped as usize, (samples - skipped) as usize), true),
        }
    }

    /// Gives a block out, as far as it lies before the end.
    fn put(&mut self, mut frame: Frame, is_limited: bool) -> Result<()> {
        let samples = frame.samples() as i64;
        let limit = self.limit().filter(|_| is_limited).unwrap_or(i64::MAX);
        let room = limit.saturating_sub(self.position).clamp(0, samples);
        self.books.cut_after_end += (samples - room) as u64;
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

    /// Where the output ends whatever comes, in samples with the silence before the origin.
    fn limit(&self) -> Option<i64> {
        let SoundTarget { origin, end, sample_rate, lead, .. } = self.target;
        let end = end.map(|end| self.edit.place(end, origin, sample_rate).max(0));
        let asked = self.edit.length.filter(|length| length.trim);
        let asked = asked.map(|length| i64::try_from(length.samples).unwrap_or(i64::MAX));
        [end, asked].into_iter().flatten().min().map(|end| end.saturating_add(lead as i64))
    }

    /// After the last block.
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
        // Most filters want to know what channels are, though it is all the same to them.
        let by_number = matches!(self.target.remix, Some(Remix::Pick { .. } | Remix::Matrix { .. }));
        let is_any = self.is_nameless() || by_number || frame.channels() <= 2;
        let any = any_layout(frame.channels()).filter(|_| is_any);
        let is_first = self.first_shape.as_ref().is_none_or(|first| first.layout == frame.layout());
        let assumed = self.target.assumed_layout.as_deref().filter(|_| is_first).or(any.as_deref());
        Graph::for_audio(frame, time_base, assumed, chain).map_err(|(code, said)| {
            Error::new(ErrorKind::Unsupported, Stage::Filter, format!("sound cannot be converted: {code} ({said})"))
                .in_stream(self.stream)
                .caused_by(code)
        })
    }

    /// Whether what comes out has a number of channels and no layout.
    fn is_nameless(&self) -> bool {
        ChannelLayout::from_name(&self.target.layout).is_none()
    }

    /// Where the first sample of the source lies in the output; negative for one that is left out.
    fn place(&self) -> Result<i64> {
        let SoundTarget { origin, sample_rate, .. } = self.target;
        let first = self.first.unwrap_or(origin);
        let place = self.edit.place(first, origin, sample_rate);
        if place > LONGEST * i64::from(sample_rate) {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, "sound begins more than a day late")
                .in_stream(self.stream)
                .at(Some(first)));
        }
        Ok(place)
    }
}

impl Front {
    /// Puts a block in; gives what is ready.
    fn push(&mut self, frame: &Frame) -> std::result::Result<Vec<Frame>, AvError> {
        self.form.taken += frame.samples() as u64;
        self.graph.send(Some(frame))?;
        self.take_in()?;
        Ok(self.collect())
    }

    /// Goes on with blocks of another form, which `graph` brings to the first.
    fn change(
        &mut self,
        graph: Graph,
        shape: Shape,
        books: &mut Vec<Conversion>,
    ) -> std::result::Result<Vec<Frame>, AvError> {
        self.flush()?;
        let ratio = Rational::new(i64::from(self.sample_rate), i64::from(shape.rate.max(1)));
        books.push(std::mem::replace(&mut self.form, Conversion { taken: 0, given: 0, ratio }));
        (self.graph, self.shape) = (graph, shape);
        Ok(self.collect())
    }

    /// Announces the end; gives the rest.
    fn finish(&mut self, books: &mut Vec<Conversion>) -> std::result::Result<Vec<Frame>, AvError> {
        self.is_finished = true;
        self.flush()?;
        books.push(self.form.clone());
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
            let frame = Frame::of_sound(&planes, &self.layout, self.sample_rate, self.samples);
            let samples = planes.first().map_or(0, Vec::len);
            self.samples += samples as i64;
            self.stretched.given += samples as u64;
            ready.extend(frame);
        }
        ready
    }
}
