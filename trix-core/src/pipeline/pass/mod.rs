//! One reading of the source: its stages, their threads, and the data between them.
//!
//! ```text
//! demux -+- packets --> decode -- frames ----+--> filter --+--> encode -- packets --> mux of one output
//!        |                                   |             +--> encode -- packets --> mux of another
//!        |                                   +--> filter -----> ...
//!        +- packets --> decode -- audio -----+--> convert, encode -- packets --+--> mux
//!        |                                   +--> ...                          +--> mux
//!        +- packets of copied tracks ----------------------------------------------> mux
//! external audio tracks ----- audio --------> convert, encode -- packets -----------> mux
//! ```
//!
//! Each step runs once, however many consumers it has. Several consumers share data by reference.
//!
//! Invariant: no stage waits for a particular stage while holding data that this stage needs. So the pipeline cannot
//! deadlock, however a source interleaves its streams. External audio tracks and frames wait for each other
//! (`pace.rs`): audio for frames, which need none of it, and copied frames for audio, but only for a limited time.

mod build;
mod copy_watch;
mod feed;
mod listen;
mod mux;
mod pace;
mod catch_up;
mod queued;
mod record;
mod stitch;
mod route;
mod external_audio;
mod audio;
mod audio_cut;
mod tracks;
mod video;

pub(crate) use self::{
    build::{PassMonitors, start},
    feed::{Feed, Program, together},
    record::{OutputOutcome, Pass, PassOutcome},
};
