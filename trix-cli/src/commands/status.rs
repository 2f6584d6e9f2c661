//! `trix status`: how far the jobs with chunks in a folder are.

use crate::{args::Status, exit, output, render::status};

/// Shows the jobs of a folder.
pub fn status(args: &Status) -> u8 {
    match trix_core::status(&args.folder) {
        Ok(found) if args.json => output::json(&found),
        Ok(found) => output::text(&status::text(&found.jobs)),
        Err(error) => return output::failure(&error, args.json),
    }
    exit::DONE
}
