//! Encodes a film in parts, which are kept: a job that was killed goes on with the parts that are missing.
//!
//! 1. The plan divides the frames of the source into ranges ([`crate::plan::ChunkPlan`]).
//! 2. A [unit](mod@unit) encodes one range, for every encode whose chunk is not in the [store](mod@store); in this process, or in
//!    [one of its own](mod@process). [`Units`] run side by side.
//! 3. The pipeline joins the chunks: it takes their packets in place of those of encoders (`pipeline/pass/stitch.rs`).
//!
//! Invariant: the joined stream is the same, whatever the order in which chunks were made, and however often the job was killed.

mod control;
pub(crate) mod record;
mod folder;
pub(crate) mod store;
mod setup;
mod key;
mod first_pass;
mod allocation;
mod buffer;
mod errors;
mod chunked_encode;
mod chunked;
mod fault;
mod track;
mod unit;
mod process;
mod beat;
mod units;
mod state;
mod single;

pub(crate) use self::{
    chunked::{ChunkPhase, Chunked},
    errors::{in_chunk, missing},
    setup::ChunkTask,
    state::Notes,
    store::{ChunkKey, ChunkReader, FOLDER, Store},
    unit::IN_ONE_PIECE,
    units::{OnChunks, UnitSettings, Units},
};
pub use self::{
    control::{ChunkControl, Isolate},
    process::ChunkRequest,
    single::{ChunkDone, encode_chunk, encode_chunk_telling, measure_chunk},
    state::{ChunkStatus, StoreStatus, status},
};
