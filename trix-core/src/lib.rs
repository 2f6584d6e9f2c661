//! A media engine that accounts for every frame: one source in, every copy out, verified, from one decode.
//!
//! The modules are listed in dependency order: a module uses only those above it. Read from top to bottom, they follow
//! a frame from the disk to a verified copy.
//!
//! - nouns: [`error`], [`media`] (times, formats, colour, packets, frames)
//! - settings: [`spec`]; the plan that they resolve to, as data: [`plan`]
//! 1. [`source`] opens a file, [`index`] lists the positions of its frames, [`demux`] reads packets
//! 2. [`decode`] turns packets into frames
//! 3. [`filter`] changes size, chroma, depth and sample format
//! 4. [`reading`] gives frames and audio to callers that read a source without a job; [`probe`] describes the source
//! 5. [`encode`] drives x264, x265 and libavcodec's audio encoders
//! 6. [`mux`] writes the container under a temporary name; [`package`] writes a folder of segments and playlists;
//!    [`still`] makes images from the source
//! 7. [`quality`] scores, [`verify`] reads the written files back; [`loudness`] measures audio; [`ledger`] accounts for
//!    frames; [`report`] holds the results
//! 8. [`planner`] resolves settings against a source; [`document`] reads settings from text
//! - [`doctor`] lists what this build can do; [`pipeline`] runs all of it on named threads
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
