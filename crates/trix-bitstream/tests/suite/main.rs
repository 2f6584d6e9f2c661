//! What this crate writes, as other parsers and its own read it.

#[path = "../support/mod.rs"]
mod support;

mod manifests;
mod segments;
