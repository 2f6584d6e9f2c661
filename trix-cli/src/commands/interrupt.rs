//! Ctrl-C and termination signals.

use trix_core::{Cancel, ErrorKind};

use crate::exit;

/// A handle that Ctrl-C or a termination signal cancels. A second signal ends the process at once.
pub(super) fn cancel_on_interrupt() -> Cancel {
    let cancel = Cancel::default();
    let handle = cancel.clone();
    // Without a handler, Ctrl-C still ends the process, but without cleaning up.
    let _ = ctrlc::set_handler(move || {
        if handle.is_cancelled() {
            std::process::exit(i32::from(exit::code(ErrorKind::Cancelled)));
        }
        handle.cancel();
    });
    cancel
}
