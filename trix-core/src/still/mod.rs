//! Stills beside a film: a poster, thumbnails, a waveform.
//!
//! Invariant: memory does not grow with the length of the film, and the same film gives the same files.

pub mod image;
pub mod poster_score;
pub mod poster;
pub mod sprites;
pub mod waveform;
mod files;
mod peaks;
mod render;
mod stage;

pub use self::{
    files::StillFile,
    stage::{AudioStill, FrameStill, Still, StillReport},
};
