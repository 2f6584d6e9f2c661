//! What Trix is about, without what does it: types that all other crates share.
//!
//! - the nouns: [`time`], [`calendar`], [`format`](mod@format), [`color`], [`hdr`], [`frame_facts`], [`layout`], and more
//! - what happens to a job: [`error`], [`mistake`], [`damage`], [`decision`], [`control`]
//! - what a user asks for: [`settings`], from a [`Job`](settings::job::Job) to each of its outputs
//! - what a job resolves to: a [`plan`], as plain data that travels as JSON
//!
//! `#[doc(hidden)]` marks what only the crates of Trix use. Programs use this crate through `trix-core`.
//!
//! Invariant: nothing here calls C, and nothing reads or writes a file. So the same settings have the same mistakes and
//! the same text everywhere; what depends on the installed libraries, the planner of `trix-core` checks.

#![forbid(unsafe_code)]

pub mod amount;
pub mod time;
pub mod calendar;
pub mod intervals;
pub mod timecode;
pub mod format;
pub mod color;
pub mod hdr;
pub mod orientation;
pub mod frame_facts;
pub mod stream_kind;
pub mod layout;
pub mod chapter;
pub mod extras;
pub mod path_text;
pub mod error;
pub mod mistake;
pub mod json;
pub mod error_document;
pub mod check;
pub mod decision;
pub mod damage;
pub mod control;
pub mod settings;
pub mod machine;
pub mod plan;
