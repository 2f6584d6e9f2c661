//! `trix unit`, which other commands start: encodes one chunk in a process that can do nothing else.
//!
//! Invariant: the process reads the source, writes into the store, and has no network, where the kernel can enforce that. It ends
//! when its parent does.

use std::{
    io::{BufReader, Read, stdin, stdout},
    process, thread,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use trix_core::{ChunkRequest, ErrorKind};

use super::confine::confine;
use crate::{exit, output};

/// Encodes the chunk that standard input asks for, and tells on standard output how far it is.
pub fn unit() -> u8 {
    let mut input = BufReader::new(stdin());
    let request = match ChunkRequest::read(&mut input) {
        Ok(request) => request,
        Err(error) => return output::failure(&error, false),
    };
    confine(&request.files(), request.store());
    let limit = Rlimit { current: Some(request.memory()), maximum: Some(request.memory()) };
    // A system without this limit has others.
    let _ = setrlimit(Resource::Data, limit);
    thread::spawn(move || {
        // The parent says nothing more. The pipe closes when it ends.
        let _ = input.read_to_end(&mut Vec::new());
        process::exit(i32::from(exit::code(ErrorKind::Cancelled)));
    });
    if request.serve(stdout()) { exit::DONE } else { exit::code(ErrorKind::Codec) }
}
