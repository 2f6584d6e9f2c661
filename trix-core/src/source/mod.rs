//! Opens a source. A source is one local file (or a block of memory), identified by its content and subject to limits.
//! It can also be an image sequence in one folder, or raw planes without a header, whose geometry the job states.
//!
//! Invariant: only the bytes that the job names are ever read. Playlists, scripts and manifests that refer to other
//! files are rejected by name, and a demuxer cannot open a second file.

mod block_cache;
mod boxes;
mod clock;
mod companions;
mod container;
mod continuation;
mod digest;
mod editions;
mod edits;
mod essence;
mod fixity;
mod foreign_samples;
mod further;
mod given;
mod handover;
mod header;
mod identity;
mod joints;
mod key;
mod landing;
pub(crate) mod matroska;
pub(crate) mod movie;
mod open;
mod open_ended;
mod opened;
mod origin;
mod packets;
mod padding;
mod part_reading;
mod parts;
mod place;
mod raw;
mod reference;
pub(crate) mod selection;
mod sequence;
mod shared_reader;
mod split;
mod window;

pub(crate) use self::{
    block_cache::STORE,
    digest::{FileHash, hex, sha256_of_file, sha256_watched},
    foreign_samples::foreign_samples,
    identity::identity_of_file,
    joints::Appeared,
    key::SourceKey,
    landing::Way,
    opened::Companion,
};
pub use self::{
    clock::Discontinuity,
    digest::{FileFixity, Fixity},
    fixity::SourceHasher,
    opened::Source,
    place::ReadingPlace,
    sequence::files_of,
    shared_reader::{Stamp, Storage},
};
