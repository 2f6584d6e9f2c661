//! One reading of the source: which stages run on which threads, and what flows between them.
//!
//! ```text
//! demux -+- packets --> decode -- pictures --+--> filter --+--> encode -- packets --> mux of one output
//!        |                                   |             +--> encode -- packets --> mux of another
//!        |                                   +--> filter -----> ...
//!        +- packets --> decode -- sound -----+--> convert, encode -- packets --+--> mux
//!        |                                   +--> ...                          +--> mux
//!        +- packets of copied tracks ----------------------------------------------> mux
//! tracks beside the source -- sound --------> convert, encode -- packets -----------> mux
//! ```
//!
//! Each step stands once, whoever needs what it makes; what several need is shared by reference.
//!
//! Invariant: no stage waits for a particular other stage's output while holding what that one needs, so that the
//! pipeline cannot lock up, however a source interleaves its streams.

mod build;
mod copy_watch;
mod listen;
mod mux;
mod queued;
mod record;
mod route;
mod side;
mod sound;
mod sound_cut;
mod tracks;
mod video;

pub(crate) use self::{
    build::{Followers, start},
    record::{OutputOutcome, Pass, PassOutcome},
};
