//! The key of a chunk in a store.
//!
//! Invariant: everything that can change the bytes of a chunk changes its key. The place of the source and of the outputs, other
//! outputs and the machine do not.

use serde_json::{Value, json};
use trix_model::error::{Error, Result, Stage};

use super::{
    setup::Setup,
    store::{ChunkKey, Store},
};
use crate::{
    doctor, index,
    plan::{EncodeId, EncodePlan, FilterPlan, FrameRange, Plan, StepId},
    source::Source,
};

/// Version of the way in which units encode chunks. It grows when that changes their bytes, so that a store from before keeps none
/// of them for a film.
const METHOD: u32 = 3;

/// The keys of the chunks of an encode.
#[derive(Clone)]
pub(super) struct KeyMaker {
    /// What all of them have in common.
    common: Value,
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
        let mut video = own.video.clone();
        let mut steps: Vec<&FilterPlan> = Vec::new();
        let mut next = Some(video.filter);
        while let Some(step) = next.and_then(|step| plan.filters.get(step.0)) {
            steps.push(step);
            next = step.after;
        }
        // Numbers of steps depend on the other outputs of the job.
        video.filter = StepId(0);
        let steps: Vec<Value> =
            steps.iter().rev().map(|step| json!({ "cut": step.cut, "filtering": step.filtering })).collect();
        let common = json!({
            "trix": env!("CARGO_PKG_VERSION"),
            "method": METHOD,
            "libraries": doctor::libraries(),
            "source": source_of(plan),
            "film": [chunks.ranges.first().map(|range| range.start), chunks.ranges.last().map(|range| range.end)],
            "lead_in": chunks.lead_in,
            "steps": steps,
            "video": video,
            "origin": own.origin,
            "threads": own.threads,
        });
        Ok(KeyMaker { common })
    }

    /// The key of the chunk of these frames.
    pub(super) fn key(&self, range: FrameRange, setup: Setup) -> ChunkKey {
        ChunkKey::of(json!({ "encode": self.common, "range": range, "setup": setup }).to_string().as_bytes())
    }
}

/// The source of a plan and how it is read, wherever it is.
fn source_of(plan: &Plan) -> Value {
    let mut reading = plan.source.settings.clone();
    reading.path = reading.path.file_name().map(Into::into).unwrap_or_default();
    json!([plan.source.identity, reading])
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
