//! A media engine that accounts for every frame: one source in, every copy out, verified, from one decode.
//!
//! The modules stand in the order in which one uses the other; whoever reads them from top to bottom has followed a frame
//! from the disk to a verified copy.
//!
//! - the nouns: [`error`], [`media`] (times, formats, colour, packets, frames)
//! - what is asked for: [`spec`]; what it resolves to, as data: [`plan`]
//! 1. [`source`] opens a file, [`index`] knows where its frames stand, [`demux`] reads packets
//! 2. [`decode`] turns packets into frames
//! 3. [`filter`] changes size, chroma, depth and sample format
//! 4. [`reading`] gives frames and audio to all who look at a source without running a job; [`probe`] describes it
//! 5. [`encode`] drives x264, x265 and libavcodec's sound encoders
//! 6. [`mux`] writes the container, beside its final name; [`package`] a folder of segments and playlists; [`still`] makes
//!    pictures beside the film
//! 7. [`quality`] scores, [`verify`] reads what was written again; [`loudness`] measures sound; [`ledger`] accounts for
//!    frames; [`report`] says what was found
//! 8. [`planner`] resolves settings against a source; [`document`] reads settings from text
//! - [`doctor`] says what this build can do; [`pipeline`] runs all of it on named threads
//!
//! ```no_run
//! use trix_core::{Control, Job, run};
//! let report = run(&Job::new("master.mov", "copy.mp4"), &Control::default())?;
//! assert!(report.outputs[0].verification.checks.iter().all(|check| check.ok));
//! # Ok::<(), trix_core::Error>(())
//! ```

pub mod media;
pub mod spec;
pub mod plan;
mod extent;
mod integrity;
pub mod source;
pub mod index;
pub mod demux;
pub mod decode;
pub mod filter;
pub mod reading;
pub mod probe;
pub mod encode;
pub mod mux;
pub mod package;
pub mod still;
mod pool;
pub mod quality;
pub mod verify;
pub mod loudness;
pub mod ledger;
pub mod report;
pub mod planner;
pub mod document;
pub mod doctor;
pub mod pipeline;

pub use trix_av::{signals::survive_file_size_limit, stream::StreamKind};
pub use trix_model::{
    check,
    control::{self, cancel::Cancel},
    damage::{self, OnDamage},
    decision,
    error::{self, Error, ErrorKind, Result, Stage},
    mistake,
};

pub use pipeline::{Control, run, run_opened, run_plan};
pub use plan::Plan;
pub use planner::plan;
pub use report::{OutputReport, Report};
pub use source::Source;
pub use spec::job::Job;
pub use spec::source::Limits;
