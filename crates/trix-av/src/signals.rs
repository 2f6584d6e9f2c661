//! The signal that the system sends when a file becomes larger than the limit of the process.
//!
//! Invariant: nothing here runs unless a program asks for it; the library itself leaves signals alone.

use std::ffi::c_int;

use rustix::process::Signal;

unsafe extern "C" {
    /// C standard, 7.14.1: what happens when `signal` comes; a handler is a pointer to a function, or 0 or 1.
    fn signal(signal: c_int, handler: usize) -> usize;
}

/// For programs, at their start: makes the process outlive a file that reaches the limit of its size (`ulimit -f`,
/// SIGXFSZ). The write fails instead (EFBIG), and the job ends with an error that names the file.
pub fn survive_file_size_limit() {
    /// Ignore it: the value is the same on all systems with POSIX signals.
    const IGNORE: usize = 1;
    // SAFETY: ignoring a signal installs no function of ours, so that nothing runs in the context of a signal.
    unsafe { signal(Signal::XFSZ.as_raw(), IGNORE) };
}
