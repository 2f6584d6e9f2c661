//! Converts several frames at once.
//!
//! Invariant: frames leave in the order in which they came, with the bytes that one thread would give them.

use std::{collections::VecDeque, sync::Arc};

use trix_model::error::Result;

use super::{recipe::Recipe, single::Single};
use crate::{
    decode::video::DecodedFrame,
    pool::{Pending, Workers},
};

/// The conversion of frames of one format, on the threads of a pool or on the caller's.
pub(super) struct Parallel {
    recipe: Arc<Recipe>,
    /// Conversions that no thread uses.
    idle: Vec<Single>,
    workers: Option<Workers>,
    /// The frames that are being converted, in their order.
    under_way: VecDeque<Pending<Converted>>,
}

/// The result for a frame, and the conversion that made it.
type Converted = (Single, Result<DecodedFrame>);

impl Parallel {
    /// The conversion of frames, of which `first` is ready. Without `workers`, frames are converted on the caller's thread.
    pub(super) fn new(recipe: Recipe, first: Single, workers: Option<Workers>) -> Self {
        // The memory of several frames at once is planned for frames of the film's first format.
        let is_planned = recipe.shape == recipe.first;
        let takes_time = !first.is_identity() || recipe.request.filtering.transform.pad.is_some();
        let workers = workers.filter(|_| is_planned && takes_time);
        let (recipe, idle) = (Arc::new(recipe), vec![first]);
        Parallel { recipe, idle, workers, under_way: VecDeque::new() }
    }

    /// Takes a frame and returns those that are finished, in order.
    ///
    /// # Errors
    /// `Unsupported` or `Codec` if a frame cannot be converted. Frames that are finished are lost then.
    pub(super) fn push(&mut self, decoded: DecodedFrame) -> Result<Vec<DecodedFrame>> {
        let Some(workers) = self.workers.clone() else {
            let mut single = self.take(&decoded)?;
            let converted = single.convert(&self.recipe, decoded);
            self.idle.push(single);
            return converted.map(|frame| vec![frame]);
        };
        let mut finished = Vec::new();
        while self.under_way.len() >= workers.threads() || self.under_way.front().is_some_and(Pending::is_ready) {
            finished.extend(self.next()?);
        }
        let (mut single, recipe) = (self.take(&decoded)?, Arc::clone(&self.recipe));
        self.under_way.push_back(workers.begin(move || {
            let converted = single.convert(&recipe, decoded);
            (single, converted)
        }));
        Ok(finished)
    }

    /// Waits for the frames that are being converted, and returns them.
    ///
    /// # Errors
    /// As [`Parallel::push`].
    pub(super) fn finish(&mut self) -> Result<Vec<DecodedFrame>> {
        let mut finished = Vec::new();
        while let Some(frame) = self.next()? {
            finished.push(frame);
        }
        Ok(finished)
    }

    /// A conversion that no thread uses.
    fn take(&mut self, decoded: &DecodedFrame) -> Result<Single> {
        self.idle.pop().map_or_else(|| Single::new(&self.recipe, decoded), Ok)
    }

    /// Waits for the next frame in order.
    fn next(&mut self) -> Result<Option<DecodedFrame>> {
        let Some(pending) = self.under_way.pop_front() else { return Ok(None) };
        let (single, converted) = pending.wait()?;
        self.idle.push(single);
        converted.map(Some)
    }
}

impl Drop for Parallel {
    /// Waits for the threads that still convert frames, so that none outlives its job.
    fn drop(&mut self) {
        self.under_way.iter().for_each(Pending::give_up);
        for pending in self.under_way.drain(..) {
            // Nobody wants the frame.
            let _ = pending.wait();
        }
    }
}
