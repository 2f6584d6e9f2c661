//! The outputs of a job while the parts that they share are planned: threads, filter steps, encodes.
//!
//! Invariant: outputs share an encode only if everything that decides about its packets is equal.

use crate::{
    mux::codec_delay,
    plan::{
        AudioContent, AudioEncode, AudioPlan, ContentPlan, Cut, EncodeId, EncodePlan, FilePlan, OutputPlan,
        PackagePlan, RenditionPlan, Sink, VideoEncode,
    },
    settings::job::OutputSettings,
};

/// A file or rendition, with its settings.
pub(super) struct Drafted {
    pub(super) sink: Sink,
    /// The name of a rendition.
    pub(super) id: String,
    pub(super) settings: OutputSettings,
    pub(super) plan: OutputPlan,
}

impl Drafted {
    /// The decoded frames that it takes.
    pub(super) fn cut(&self) -> Cut {
        Cut { start: self.plan.start, end: self.plan.end, frames: self.plan.frames }
    }

    /// True if both have the same encode of video. The options of both encoders are planned.
    fn shares_video(&self, other: &Drafted) -> bool {
        self.plan.video.is_some()
            && self.plan.video == other.plan.video
            && (self.plan.threads, self.plan.origin) == (other.plan.threads, other.plan.origin)
            && self.cut() == other.cut()
    }
}

/// For each of `drafts`, the first that has the same encode of video; it can be the draft itself.
pub(super) fn firsts(drafts: &[Drafted]) -> Vec<usize> {
    let first = |at: usize| drafts[..at].iter().position(|other| other.shares_video(&drafts[at])).unwrap_or(at);
    (0..drafts.len()).map(first).collect()
}

/// Moves `drafts` into the plan. Returns the encodes, and the files; the renditions are added to `packages`.
pub(super) fn settle(drafts: Vec<Drafted>, packages: &mut [PackagePlan]) -> (Vec<EncodePlan>, Vec<FilePlan>) {
    let (mut encodes, mut files) = (Vec::new(), Vec::new());
    for Drafted { sink, id, plan, .. } in drafts {
        let span_end = plan.span_end();
        let OutputPlan { path, verify, overwrite, threads, container, .. } = plan;
        let origin = plan.origin;
        // Threads of all encoders are settled.
        let threads = threads.unwrap_or(1);
        let video = plan.video.map(|video| VideoEncode { video, threads, origin, sharing: None });
        let video = video.map(|own| number(&mut encodes, EncodePlan::Video(Box::new(own))));
        let audio = plan.audio.into_iter().map(|audio| {
            if audio.copied {
                return AudioContent::Copied(Box::new(audio));
            }
            let own = AudioEncode {
                origin: audio.origin.unwrap_or(origin),
                end: end(&audio, span_end),
                whole_milliseconds: !audio.lossless && codec_delay::has_lead(container, &audio.codec),
                audio,
            };
            AudioContent::Encoded(number(&mut encodes, EncodePlan::Audio(Box::new(own))))
        });
        let content = ContentPlan {
            video,
            video_copy: plan.video_copy,
            audio: audio.collect(),
            metadata: plan.metadata,
            origin,
            start: plan.start,
            end: plan.end,
            frames: plan.frames,
            decisions: plan.decisions,
            notes: plan.notes,
        };
        match sink {
            Sink::Output(_) => files.push(FilePlan { path, verify, overwrite, container, content }),
            Sink::Rendition { package, .. } => packages[package.0].renditions.push(RenditionPlan { id, content }),
        }
    }
    (encodes, files)
}

/// Where audio ends. The end of an external track is in its own time, and part of its edit.
fn end(audio: &AudioPlan, span_end: Option<trix_model::time::Timestamp>) -> Option<trix_model::time::Timestamp> {
    span_end.filter(|_| audio.stream.external_audio().is_none())
}

/// The number of an encode. Adds it if there is none like it.
fn number(encodes: &mut Vec<EncodePlan>, own: EncodePlan) -> EncodeId {
    EncodeId(encodes.iter().position(|known| *known == own).unwrap_or_else(|| {
        encodes.push(own);
        encodes.len() - 1
    }))
}
