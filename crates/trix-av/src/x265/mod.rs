//! Owners of an x265 encoder and its parameters, at any bit depth that the library was built with.

mod api;
mod parameters;
mod analysis;
mod sharing;
mod encoder;

pub use self::{
    analysis::{Analysis, Refinement, Role},
    api::build,
    encoder::Encoder,
    parameters::{Parameters, Threads},
};
