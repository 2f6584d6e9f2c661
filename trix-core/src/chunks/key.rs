//! The key of a chunk in a store.
//!
//! Invariant: everything that can change the bytes of a chunk changes its key. The place of the source and of the outputs, other
//! outputs and the machine do not.

use serde_json::{Value, json};
use trix_model::error::{Error, Result, Stage};

use super::store::ChunkKey;
use crate::{
    doctor,
    plan::{EncodeId, EncodePlan, FilterPlan, FrameRange, Plan, StepId},
};

/// The keys of the chunks of an encode.
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
        let mut reading = plan.source.settings.clone();
        reading.path = reading.path.file_name().map(Into::into).unwrap_or_default();
        let common = json!({
            "trix": env!("CARGO_PKG_VERSION"),
            "libraries": doctor::libraries(),
            "source": plan.source.identity,
            "reading": reading,
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
    pub(super) fn key(&self, range: FrameRange) -> ChunkKey {
        ChunkKey::of(json!({ "encode": self.common, "range": range }).to_string().as_bytes())
    }
}
