//! Finds the frames at which new scenes begin, and divides a film there.

mod detector;
mod grid;
mod nearest;
mod outline;
mod search;

pub(super) use self::search::{SceneSearch, SearchThreads};
pub(crate) use self::{detector::Break, search::Findings};
