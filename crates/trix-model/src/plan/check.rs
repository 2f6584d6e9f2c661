//! Checks that the numbers in a plan name parts that the plan and its source have.
//!
//! Invariant: a plan that passes the check can be run without a look-up that fails.

use std::fmt::Display;

use crate::{
    damage::OnDamage,
    mistake::Mistake,
    plan::{
        chunks::FrameRange,
        content::{AudioContent, ContentPlan},
        encode::EncodePlan,
        ids::{Sink, StepId, StreamId},
        job::Plan,
        metadata::{Metadata, SubtitlePlan},
        still::StillInput,
    },
    stream_kind::StreamKind,
};

/// The mistakes of a plan for a source with streams of the kinds `streams`. A plan that the planner made has none.
#[doc(hidden)]
pub fn mistakes(plan: &Plan, streams: &[StreamKind]) -> Vec<Mistake> {
    let mut check = Check { plan, streams, mistakes: Vec::new() };
    for (number, step) in plan.filters.iter().enumerate() {
        let place = format!("filters[{number}]");
        if let Some(after) = step.after.filter(|after| after.0 >= number) {
            check.wrong(format!("{place}.after"), after, "a step can follow only an earlier step");
        }
        for sink in &step.outputs {
            if !check.has_sink(*sink) {
                check.wrong(format!("{place}.outputs"), format!("{sink:?}"), "the plan has no such file or rendition");
            }
        }
    }
    for (number, encode) in plan.encodes.iter().enumerate() {
        check.encode(&format!("encodes[{number}]"), encode);
    }
    check.chunks();
    for (number, file) in plan.outputs.iter().enumerate() {
        check.content(&format!("outputs[{number}].content"), &file.content);
    }
    for (number, package) in plan.packages.iter().enumerate() {
        for (index, rendition) in package.renditions.iter().enumerate() {
            check.content(&format!("packages[{number}].renditions[{index}].content"), &rendition.content);
        }
        for (index, text) in package.subtitles.iter().enumerate() {
            check.subtitle(format!("packages[{number}].subtitles[{index}].subtitle.stream"), &text.subtitle);
        }
    }
    for (number, still) in plan.stills.iter().enumerate() {
        if let StillInput::Audio { stream, .. } = &still.input {
            check.audio(format!("stills[{number}].input.stream"), *stream);
        }
    }
    check.mistakes
}

struct Check<'a> {
    plan: &'a Plan,
    streams: &'a [StreamKind],
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn wrong(&mut self, place: String, value: impl Display, problem: &str) {
        self.mistakes.push(Mistake::new(place, value, problem));
    }

    fn has_sink(&self, sink: Sink) -> bool {
        match sink {
            Sink::Output(id) => id.0 < self.plan.outputs.len(),
            Sink::Rendition { package, rendition } => {
                self.plan.packages.get(package.0).is_some_and(|package| rendition < package.renditions.len())
            }
        }
    }

    fn step(&mut self, place: String, step: StepId) {
        if step.0 >= self.plan.filters.len() {
            self.wrong(place, step, "the plan has no such filter step");
        }
    }

    fn stream(&mut self, place: String, index: usize, kind: StreamKind) {
        if self.streams.get(index) != Some(&kind) {
            self.wrong(place, index, "the source has no such stream of this kind");
        }
    }

    fn audio(&mut self, place: String, stream: StreamId) {
        match stream {
            StreamId::Source(index) => self.stream(place, index, StreamKind::Audio),
            StreamId::Side { track, index } => {
                if track >= self.plan.external_audio.len() || index != self.streams.len() + track {
                    self.wrong(place, index, "the plan has no such external audio track");
                }
            }
        }
    }

    fn chunks(&mut self) {
        let Some(chunks) = &self.plan.chunks else { return };
        let is_empty = |range: &FrameRange| range.start >= range.end;
        let is_apart = |pair: &[FrameRange]| pair[0].end != pair[1].start;
        let wrong = match () {
            () if chunks.ranges.is_empty() => Some("there is no range"),
            () if chunks.ranges.iter().any(is_empty) => Some("each range has a frame at least"),
            () if chunks.ranges.windows(2).any(is_apart) => Some("each range begins where the one before ends"),
            () => None,
        };
        if let Some(problem) = wrong {
            self.wrong("chunks.ranges".to_owned(), chunks.ranges.len(), problem);
        }
        if self.plan.source.settings.on_damage == OnDamage::Conceal {
            self.wrong("chunks".to_owned(), "", "what replaces damaged frames depends on all frames before them");
        }
    }

    fn subtitle(&mut self, place: String, subtitle: &SubtitlePlan) {
        self.stream(place, subtitle.stream, StreamKind::Subtitle);
    }

    fn encode(&mut self, place: &str, encode: &EncodePlan) {
        match encode {
            EncodePlan::Video(own) => {
                self.stream(format!("{place}.video.video.stream"), own.video.stream, StreamKind::Video);
                self.step(format!("{place}.video.video.filter"), own.video.filter);
                if !(1..=2).contains(&own.video.passes) {
                    self.wrong(format!("{place}.video.video.passes"), own.video.passes, "must be 1 or 2");
                }
            }
            EncodePlan::Audio(own) => self.audio(format!("{place}.audio.audio.stream"), own.audio.stream),
        }
    }

    fn content(&mut self, place: &str, content: &ContentPlan) {
        let ContentPlan { video, video_copy, audio, metadata, .. } = content;
        if let Some(id) = video
            && self.plan.encodes.get(id.0).and_then(EncodePlan::video).is_none()
        {
            self.wrong(format!("{place}.video"), id, "the plan has no such encode of video");
        }
        if let Some(copy) = video_copy {
            self.stream(format!("{place}.video_copy.stream"), copy.stream, StreamKind::Video);
        }
        for (number, track) in audio.iter().enumerate() {
            let place = format!("{place}.audio[{number}]");
            match track {
                AudioContent::Encoded(id) => {
                    if self.plan.encodes.get(id.0).and_then(EncodePlan::audio).is_none() {
                        self.wrong(place, id, "the plan has no such encode of audio");
                    }
                }
                AudioContent::Copied(own) => self.audio(format!("{place}.stream"), own.stream),
            }
        }
        let Metadata { subtitles, attachments, covers, .. } = metadata;
        for (number, subtitle) in subtitles.iter().enumerate() {
            self.subtitle(format!("{place}.carried.subtitles[{number}].stream"), subtitle);
        }
        let attached = attachments.iter().map(|own| own.stream).chain(covers.iter().map(|own| own.stream));
        for index in attached.filter(|index| *index >= self.streams.len()) {
            self.mistakes.push(Mistake::new(format!("{place}.carried"), index, "the source has no such stream"));
        }
    }
}
