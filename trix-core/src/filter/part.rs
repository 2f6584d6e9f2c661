//! The part of a film that a filter stage works on.
//!
//! Invariant: a stage for a part gives the frames, times and counts that a stage for the whole film gives of that part.

use trix_model::plan::FrameRange;

/// A part of a film, of which a stage gets the frames around it, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The frames that are counted.
    pub(crate) range: FrameRange,
    /// The first frame of the film.
    pub(crate) first: u64,
    /// The time of that frame where it enters the stage.
    pub(crate) origin: i64,
}
