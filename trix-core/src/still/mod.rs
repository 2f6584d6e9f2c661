//! Stills beside a film: a poster, thumbnails, a waveform.
//!
//! Invariant: memory does not grow with the length of the film, and the same film gives the same files.

pub(crate) mod image;
pub(crate) mod poster_score;
pub mod poster;
pub mod sprites;
pub mod waveform;
mod files;
mod peaks;
mod render;
mod stage;

pub use self::stage::StillReport;
pub(crate) use self::stage::{AudioStill, FrameStill, Still};

/// A view of frames that need only a size and a conversion to RGB.
#[cfg(test)]
fn plain_view(width: usize, height: usize, time_base: trix_model::time::TimeBase) -> crate::plan::View {
    use trix_model::{
        color::{Color, Matrix, Primaries, Range, Transfer},
        format::{Chroma, FrameFormat},
        time::Timestamp,
    };

    use crate::plan::{Filtering, Transform, View};

    let color = |matrix, range| Color { matrix, range, ..Color::default() };
    let format = FrameFormat { chroma: Chroma::C444, depth: 8, rgb: true, alpha: false };
    let from = color(Matrix(1), Range::Limited);
    let mut transform = Transform::to(width, height, format, Default::default(), from);
    let (primaries, transfer) = (Primaries::UNSPECIFIED, Transfer::UNSPECIFIED);
    transform.to = Color { primaries, transfer, ..color(Matrix::RGB, Range::Full) };
    View {
        filtering: Filtering::by(transform),
        stream: 0,
        time_base,
        origin: Timestamp::new(0, time_base),
        width,
        height,
        decisions: Vec::new(),
    }
}
