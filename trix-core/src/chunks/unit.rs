//! Encodes one chunk: decodes its frames, filters them, and runs every encoder that wants them.
//!
//! Invariant: the result depends on the source, the range and the settings of the encode alone. It does not depend on which
//! encodes run beside it, on other chunks, or on the machine.

use std::collections::BTreeMap;

use trix_av::stream::StreamFacts;
use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
    plan::FrameRange,
    time::Timestamp,
};

use super::{
    fault,
    record::{ChunkRecord, Look, StepAccount},
    setup::ChunkTask,
    store::Store,
    track::{Sign, Track, TrackAccount},
};
use crate::{
    decode::video::DecodedFrame,
    encode::shared::Queues,
    filter::{frames::FrameFilter, part::Part, transform::CYCLE},
    index,
    plan::{Cut, EncodePlan, Plan, StepId},
    planner::scenes::Break,
    reading::reader::{FrameReader, shorten},
    source::Source,
};

/// What an error says that a job in one piece does not have.
pub(crate) const IN_ONE_PIECE: &str = "encode the film in one piece";

/// Decoder threads of a unit. Units run side by side, so that more would wait for each other.
const DECODER_THREADS: u32 = 1;

/// What a unit has to do.
pub(super) struct Unit<'a> {
    pub(super) plan: &'a Plan,
    pub(super) range: FrameRange,
    /// What is made of these frames.
    pub(super) tasks: &'a [ChunkTask],
    pub(super) store: &'a Store,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
}

/// A filter step, and all that takes its frames.
struct Node {
    step: StepId,
    filter: FrameFilter,
    account: StepAccount,
    /// True if the film has other chunks.
    is_part: bool,
    children: Vec<Node>,
    tracks: Vec<Track>,
}

impl Node {
    /// Filters a frame; `None` marks the end. Frames before `range` are there for the filters, and those after it for filters and
    /// encoders.
    fn push(&mut self, frame: Option<DecodedFrame>, range: FrameRange, tell: &dyn Fn(Sign)) -> Result<()> {
        let is_end = frame.is_none();
        let own = frame.as_ref().filter(|frame| range.contains(frame.number)).map(|frame| frame.pts);
        if let Some(frame) = frame.as_ref().filter(|_| own.is_some()) {
            self.account.decoded += 1;
            self.account.extras.add(&frame.extras);
        }
        let out = self.filter.push(frame)?;
        if let Some(ticks) = own {
            self.account.ends = self.filter.look();
            if self.account.begins.is_none()
                && let Some(look) = self.account.ends.clone()
            {
                self.account.begins = Some(Look { time: Timestamp::new(ticks, self.filter.source_base()), look });
            }
        }
        for frame in out {
            for child in &mut self.children {
                child.push(Some(frame.clone()), range, tell)?;
            }
            if frame.number < range.start {
                continue;
            }
            for track in &mut self.tracks {
                track.push(frame.clone(), range)?;
            }
        }
        if is_end {
            self.account.counts = self.filter.counts();
            self.account.changes = self.filter.changes().to_vec();
            if self.is_part
                && let Some(became) = self.filter.lost_cycle()
            {
                let detail = format!("inverse telecine loses its place where the video becomes {became}");
                return Err(Error::new(ErrorKind::Unsupported, Stage::Filter, format!("{detail}; {IN_ONE_PIECE}")));
            }
            self.children.iter_mut().try_for_each(|child| child.push(None, range, tell))?;
            self.tracks.iter_mut().try_for_each(|track| track.end(range, tell))?;
        }
        Ok(())
    }

    /// Takes the frames that are left in encoders which follow others.
    fn drain(&mut self, tell: &dyn Fn(Sign)) -> Result<()> {
        self.tracks.iter_mut().try_for_each(|track| track.drain(tell))?;
        self.children.iter_mut().try_for_each(|child| child.drain(tell))
    }

    /// Makes the filter convert later frames to the format of `frame`, the first one of the film.
    fn after(&mut self, plan: &Plan, frame: &DecodedFrame) -> Result<()> {
        self.filter.after(&plan.step(self.step).filtering, frame.clone())
    }

    /// Notes that a scene begins after the range.
    fn end_scene(&mut self) {
        self.tracks.iter_mut().for_each(Track::end_scene);
        self.children.iter_mut().for_each(Node::end_scene);
    }

    /// True if no encoder needs more frames.
    fn is_whole(&self) -> bool {
        self.tracks.iter().all(Track::is_whole) && self.children.iter().all(Node::is_whole)
    }

    /// Hands each track to `finish`, with the accounts of the steps that lead to it. `before` are those of the steps before
    /// this one.
    fn finish(self, before: &[StepAccount], finish: &dyn Fn(Track, Vec<StepAccount>) -> Result<()>) -> Result<()> {
        let mut steps = before.to_vec();
        steps.push(self.account);
        self.tracks.into_iter().try_for_each(|track| finish(track, steps.clone()))?;
        self.children.into_iter().try_for_each(|child| child.finish(&steps, finish))
    }
}

impl Unit<'_> {
    /// Encodes the frames of the range, and puts the chunks into the store. `tell` is called for each frame, and must return at once.
    ///
    /// # Errors
    /// Those of reading, decoding, filtering, encoding and writing; `Cancelled`.
    pub(super) fn encode(&self, source: Source, cancel: &Cancel, tell: &dyn Fn(Sign)) -> Result<()> {
        let FrameRange { start, end } = self.range;
        let facts = self.film(&source)?.clone();
        let label = source.label();
        let chunks = self.plan.chunks.as_ref().ok_or_else(|| Error::bug(Stage::Plan, "a plan without chunks"))?;
        let (head, tail) = (chunks.ranges.first(), chunks.ranges.last());
        // A filter sees no frame outside of the cut of the job. Pulldown is removed from whole cycles.
        let film =
            FrameRange { start: head.map_or(start, |range| range.start), end: tail.map_or(end, |range| range.end) };
        let first = start.saturating_sub(chunks.lead_in).max(film.start);
        let is_cyclic = self.plan.filters.iter().any(|step| step.filtering.transform.inverse_telecine.is_some());
        let first = if is_cyclic { first - (first - film.start) % CYCLE } else { first };
        let index = index::of(&source, &facts, None)?;
        if let Some(trouble) = index.trouble() {
            let detail = format!("the places of its frames are not known: {trouble}");
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&label));
        }
        let origin = index.time(film.start).map_or(0, |time| time.rescale(facts.time_base));
        let part = Part { range: self.range, first: film.start, origin };
        let mut roots = self.tree(&facts, part)?;
        // The container was checked when the film was divided.
        let begin_checked = |frame| {
            index::begin_at(&source, &facts, &index, frame).map(|begin| begin.map(index::Begin::in_checked_file))
        };
        if first > film.start {
            // What changes in mid-film is converted to what its first frame was.
            let begin = (film.start > 0).then(|| begin_checked(film.start)).transpose()?;
            let again = source.again(cancel)?;
            let mut reader = FrameReader::beginning(again, OnDamage::Fail, Cut::default(), None, 1, begin)?;
            let frame = loop {
                match reader.next_frame()? {
                    Some(frame) if frame.number < film.start => {}
                    frame => break frame,
                }
            };
            if let Some(frame) = frame {
                roots.iter_mut().try_for_each(|root| root.after(self.plan, &frame))?;
            }
        }
        let begin = (first > 0).then(|| begin_checked(first)).transpose()?;
        let whole = Cut::default();
        let mut reader = FrameReader::beginning(source, OnDamage::Fail, whole, None, DECODER_THREADS, begin)?;
        let (mut times, mut scene) = (Vec::new(), Break::default());
        while let Some(mut frame) = reader.next_frame()? {
            if cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Encode));
            }
            if frame.number >= film.end || frame.number >= end && roots.iter().all(Node::is_whole) {
                break;
            }
            if frame.number < first {
                continue;
            }
            fault::strike(frame.number, self.attempt)?;
            if (end.saturating_sub(Break::BEFORE)..=end).contains(&frame.number)
                && scene.push(&frame.frame)
                && frame.number == end
            {
                roots.iter_mut().for_each(Node::end_scene);
            }
            let (number, time) = (frame.number, Timestamp::new(frame.pts, facts.time_base));
            for root in &mut roots {
                shorten(&self.plan.step(root.step).cut, &mut frame, facts.time_base);
                root.push(Some(frame.clone()), self.range, tell)
                    .map_err(|error| error.at(Some(time)).in_file(&label))?;
            }
            if self.range.contains(number) {
                times.push(frame.pts);
                tell(Sign::Frame);
            }
        }
        roots.iter_mut().try_for_each(|root| root.push(None, self.range, tell))?;
        // Those that they follow have ended now.
        roots.iter_mut().try_for_each(|root| root.drain(tell))?;
        if times.len() as u64 != self.range.frames() {
            let (found, wanted) = (times.len(), self.range.frames());
            let detail = format!("{found} frames were decoded in place of {wanted}");
            return Err(Error::bug(Stage::Decode, detail).in_file(&label).in_stream(facts.index));
        }
        let notes = reader.notes();
        let finish = |track: Track, steps: Vec<StepAccount>| {
            track.finish(self.store, |TrackAccount { parameter_sets, info, frames, packets, warnings }| ChunkRecord {
                range: self.range,
                parameter_sets,
                info,
                frames,
                packets,
                times: times.clone(),
                steps,
                notes: notes.clone(),
                warnings,
            })
        };
        roots.into_iter().try_for_each(|root| root.finish(&[], &finish))
    }

    fn film<'s>(&self, source: &'s Source) -> Result<&'s StreamFacts> {
        let first = self.tasks.first().and_then(|task| self.plan.encodes.get(task.id.0));
        let stream = first.and_then(EncodePlan::video);
        let index = stream.map(|encode| encode.video.stream);
        let missing = || Error::bug(Stage::Plan, "the plan encodes a stream that the source lacks");
        index.and_then(|index| source.streams().get(index)).ok_or_else(missing)
    }

    /// The filter steps that the encodes need, each with those after it. `part` is that of the frames of the source.
    fn tree(&self, facts: &StreamFacts, part: Part) -> Result<Vec<Node>> {
        let mut nodes: BTreeMap<StepId, Node> = BTreeMap::new();
        // The time of the film's first frame after each step.
        let mut origins: BTreeMap<StepId, i64> = BTreeMap::new();
        let is_part = self.plan.chunks.as_ref().is_some_and(|chunks| chunks.ranges.len() > 1);
        // A step comes before those that take its frames.
        for (number, plan) in self.plan.filters.iter().enumerate() {
            let (base, origin) = match plan.after {
                None => (facts.time_base, part.origin),
                Some(before) => match (nodes.get(&before), origins.get(&before)) {
                    (Some(before), Some(origin)) => (before.filter.time_base(), *origin),
                    _ => continue,
                },
            };
            let filter = FrameFilter::new(plan.filtering.clone(), facts.index, base).of_part(Part { origin, ..part });
            let step = StepId(number);
            origins.insert(step, filter.origin(origin));
            let (account, children, tracks) = (StepAccount::default(), Vec::new(), Vec::new());
            nodes.insert(step, Node { step, filter, account, is_part, children, tracks });
        }
        let mut queues = Queues::new(false);
        for task in self.tasks {
            let id = task.id;
            let own = self.plan.encodes.get(id.0).and_then(EncodePlan::video);
            let own = own.ok_or_else(|| Error::bug(Stage::Plan, format!("encode {id} is none of video")))?;
            let missing = || Error::bug(Stage::Plan, format!("encode {id} takes frames of no step"));
            let node = nodes.get_mut(&own.video.filter).ok_or_else(missing)?;
            node.tracks.push(Track::open(own, task, self.store, node.filter.time_base(), &mut queues)?);
        }
        // From the last step on, each moves into the one before it, unless nobody needs it.
        let mut roots = Vec::new();
        for number in (0..self.plan.filters.len()).rev() {
            let Some(mut node) = nodes.remove(&StepId(number)) else { continue };
            if node.tracks.is_empty() && node.children.is_empty() {
                continue;
            }
            node.children.reverse();
            match self.plan.step(node.step).after.and_then(|before| nodes.get_mut(&before)) {
                Some(before) => before.children.push(node),
                None => roots.push(node),
            }
        }
        roots.reverse();
        Ok(roots)
    }
}
