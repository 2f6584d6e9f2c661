//! Encodes a film in parts, which are kept: a job that was killed goes on with the parts that are missing.
//!
//! 1. The plan divides the frames of the source into ranges ([`crate::plan::ChunkPlan`]).
//! 2. A [unit](mod@unit) encodes one range, for every encode whose chunk is not in the [store](mod@store).
//! 3. The pipeline joins the chunks: it takes their packets in place of those of encoders (`pipeline/pass/stitch.rs`).
//!
//! Invariant: the joined stream is the same, whatever the order in which chunks were made, and however often the job was killed.

mod key;
pub(crate) mod record;
pub(crate) mod store;
mod unit;
mod work;

pub(crate) use self::store::{ChunkKey, ChunkReader, FOLDER, Store};
pub(crate) use self::work::{Chunked, OnChunks, Units};
