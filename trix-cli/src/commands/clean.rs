//! `trix clean`: removes what killed jobs left.

use trix_core::{
    amount::bytes,
    leftovers::{Removal, leftovers},
};

use crate::{args::Clean, exit, output};

/// Lists the leftovers of a folder, and removes them.
pub fn clean(args: &Clean) -> u8 {
    let found = match leftovers(&args.folder, args.recursive) {
        Ok(found) => found,
        Err(error) => return output::failure(&error, false),
    };
    let (mut count, mut size, mut code) = (0, 0, exit::DONE);
    for own in &found {
        let what = if own.is_in_use {
            "in use"
        } else if args.dry_run {
            (count, size) = (count + 1, size + own.bytes);
            "left"
        } else {
            match own.remove() {
                Ok(Removal::Done) => {
                    (count, size) = (count + 1, size + own.bytes);
                    "removed"
                }
                Ok(Removal::InUse) => "in use",
                Ok(Removal::Gone) => continue,
                Err(error) => {
                    code = output::failure(&error, false);
                    continue;
                }
            }
        };
        output::text(&format!("{what:7}  {:>10}  {}\n", bytes(own.bytes), own.path.display()));
    }
    let done = if args.dry_run { "would be removed" } else { "removed" };
    output::text(&format!("{count} {done}, {}\n", bytes(size)));
    code
}
