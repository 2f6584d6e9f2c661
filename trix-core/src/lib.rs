//! A media engine that accounts for every frame: one source in, every copy out, verified, from one decode.
//!
//! The modules stand in the order in which the data walks; whoever reads them from top to bottom has followed a frame
//! from the disk to a verified copy.
//!
//! - the nouns: [`error`], [`media`] (times, formats, colour, packets, frames)
//! - what is asked for, and what it resolves to: [`spec`]
//! 1. [`source`] opens a file, [`probe`] describes it
//! 2. [`demux`] reads packets
//! 3. [`decode`] turns packets into frames
//! 4. [`filter`] changes size, chroma, depth and sample format
//! 5. [`encode`] drives x264, x265 and libavcodec's sound encoders; [`still`] makes pictures beside the film
//! 6. [`mux`] writes the container, beside its final name; [`package`] a folder of segments and playlists
//! 7. [`verify`] reads it again; [`quality`] scores it; [`loudness`] measures sound; [`report`] says what was found
//! - [`pipeline`] runs all of it on named threads; [`doctor`] says what this build can do
//!
//! ```no_run
//! use trix_core::{Control, Job, run};
//! let report = run(&Job::new("master.mov", "copy.mp4"), &Control::default())?;
//! assert!(report.outputs[0].verification.checks.iter().all(|check| check.ok));
//! # Ok::<(), trix_core::Error>(())
//! ```

pub mod media;
pub mod spec;
pub mod source;
mod extent;
mod integrity;
pub mod probe;
pub mod demux;
pub mod decode;
pub mod filter;
pub mod encode;
pub mod still;
pub mod mux;
pub mod package;
pub mod verify;
pub mod quality;
pub mod loudness;
pub mod report;
pub mod pipeline;
pub mod doctor;

pub use pipeline::{Control, run};
pub use report::{OutputReport, Report};
pub use source::{Limits, Source};
pub use spec::job::Job;
pub use trix_av::{signals::survive_file_size_limit, stream::StreamKind};
pub use trix_model::{
    control::{self, cancel::Cancel},
    damage::{self, OnDamage},
    error::{self, Error, ErrorKind, Result, Stage},
    mistake,
};
