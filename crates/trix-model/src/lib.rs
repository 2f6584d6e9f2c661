//! The nouns of Trix: types that all other crates share.
//!
//! Invariant: nothing here calls C, and nothing reads or writes a file.

#![forbid(unsafe_code)]

pub mod amount;
pub mod time;
pub mod intervals;
pub mod timecode;
pub mod format;
pub mod color;
pub mod hdr;
pub mod orientation;
pub mod frame_facts;
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
