//! The key of a chunk in a store.
//!
//! Invariant: everything that can change the bytes of a chunk changes its key. The place and the name of the source and of the outputs,
//! other outputs, audio, the end of a film that is far away, and the machine do not.

use serde_json::{Value, json};
use trix_model::error::{Error, Result, Stage};

use super::{
    setup::Setup,
    store::{ChunkKey, Store},
};
use crate::{
    doctor, index,
    plan::{EncodeId, EncodePlan, FilterPlan, FrameRange, Plan, Sharing, StepId},
    settings::job::SourceSettings,
    source::Source,
};

/// Version of the way in which units encode chunks. It grows when that changes their bytes, so that a store from before keeps none
/// of them for a film.
const METHOD: u32 = 5;

/// Frames after a chunk that filters and encoders can look at: x264 and x265 look at 250 and some, and a filter at a few.
const SEEN: u64 = 1024;

/// The keys of the chunks of an encode.
#[derive(Clone)]
pub(super) struct KeyMaker {
    /// What all of them have in common.
    common: Value,
    /// How the film ends, which chunks near the end depend on.
    ending: Value,
    /// The frame after the last one of the film.
    end: u64,
    /// True if frames are left out on the way to the encoder, which then looks ahead at any number of those of the source.
    is_resampled: bool,
}

impl KeyMaker {
    /// Prepares the keys of encode `id`.
    ///
    /// # Errors
    /// `Bug` if the plan has no such encode of video, or no chunks.
    pub(super) fn new(plan: &Plan, id: EncodeId) -> Result<Self> {
        let missing = || Error::bug(Stage::Plan, format!("the plan has no chunks of encode {id}"));
        let own = plan.encodes.get(id.0).and_then(EncodePlan::video).ok_or_else(missing)?;
        let chunks = plan.chunks.as_ref().ok_or_else(missing)?;
        let (head, tail) = chunks.ranges.first().zip(chunks.ranges.last()).ok_or_else(missing)?;
        let mut video = own.video.clone();
        let mut steps: Vec<&FilterPlan> = Vec::new();
        let mut next = Some(video.filter);
        while let Some(step) = next.and_then(|step| plan.filters.get(step.0)) {
            steps.push(step);
            next = step.after;
        }
        steps.reverse();
        // Numbers of steps depend on the other outputs of the job.
        video.filter = StepId(0);
        // Other outputs may ask for a longer one, which does not change what this one's filters make.
        let lead_in = if needs_lead_in(&steps) { chunks.lead_in } else { 0 };
        let mut common = json!({
            "trix": env!("CARGO_PKG_VERSION"),
            "method": METHOD,
            "libraries": doctor::libraries(),
            "source": source_of(plan),
            "start": head.start,
            "lead_in": lead_in,
            "steps": steps.iter().map(|step| json!([step.cut.start, step.filtering])).collect::<Vec<_>>(),
            "video": video,
            "origin": own.origin,
            "threads": own.threads,
        });
        match &own.sharing {
            None => {}
            // Its decisions do not depend on who follows them.
            Some(Sharing::Lead { .. }) => common["shares"] = json!("lead"),
            Some(Sharing::Follower { lead, mode }) => {
                common["shares"] = json!({ "mode": mode, "lead": KeyMaker::new(plan, *lead)?.common });
            }
        }
        let ending = json!([tail.end, steps.iter().map(|step| step.cut).collect::<Vec<_>>()]);
        let is_resampled = steps.iter().any(|step| step.filtering.constant_rate.is_some());
        Ok(KeyMaker { common, ending, end: tail.end, is_resampled })
    }

    /// The key of the chunk of these frames. `lead` is how that of the lead is encoded, if it follows one, and not as every chunk.
    pub(super) fn key(&self, range: FrameRange, setup: Setup, lead: Option<Setup>) -> ChunkKey {
        let sees_end = self.is_resampled || self.end.saturating_sub(range.end) < SEEN;
        let ending = sees_end.then_some(&self.ending);
        let mut described = json!({ "encode": self.common, "range": range, "setup": setup, "ending": ending });
        if let Some(lead) = lead {
            described["lead"] = json!(lead);
        }
        ChunkKey::of(described.to_string().as_bytes())
    }
}

/// True if frames before a chunk change what filters make of it.
fn needs_lead_in(steps: &[&FilterPlan]) -> bool {
    steps.iter().any(|FilterPlan { filtering, .. }| {
        let transform = &filtering.transform;
        transform.deinterlace.is_some() || transform.inverse_telecine.is_some() || filtering.constant_rate.is_some()
    })
}

/// The source of a plan, and what of its reading changes the frames of the film.
fn source_of(plan: &Plan) -> Value {
    let SourceSettings { raw, rate, video_stream, .. } = &plan.source.settings;
    json!([plan.source.identity, raw, rate, video_stream])
}

/// Takes the index of the film of `source` from the store, where another process has put it, or puts it there. A container without a
/// list of its packets is then read once, and not for every chunk.
///
/// # Errors
/// `Io` if the source cannot be read; `Cancelled`.
pub(super) fn share_index(store: &Store, source: &Source, plan: &Plan) -> Result<()> {
    let Some(film) = source.video() else { return Ok(()) };
    let described = json!({ "index of": source_of(plan), "stream": film.index });
    let name = ChunkKey::of(described.to_string().as_bytes());
    let is_known = store.read_bytes(&name).is_some_and(|bytes| index::adopt(source, film, &bytes));
    if !is_known && let Some(bytes) = index::saved(source, film)? {
        // Without it, the next process reads the source again.
        let _ = store.write_bytes(&name, &bytes);
    }
    Ok(())
}
