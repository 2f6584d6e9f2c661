//! What a user asks for: the settings of a job, and the shape of what a program gives to a session.

pub use trix_model::settings::*;

pub mod shape;
