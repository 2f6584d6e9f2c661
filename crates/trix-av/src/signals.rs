//! The signal that the system sends when a file exceeds the size limit of the process.
//!
//! Invariant: nothing here runs unless a program calls it. The library itself never changes signals.

use std::ffi::c_int;

use rustix::process::Signal;

unsafe extern "C" {
    /// C standard, 7.14.1: sets the handler of `signal`. A handler is a pointer to a function, or 0 or 1.
    fn signal(signal: c_int, handler: usize) -> usize;
}

/// For programs, at their start: keeps the process alive when a file reaches its size limit (`ulimit -f`, SIGXFSZ). The
/// write fails instead (EFBIG), and the job ends with an error that names the file.
pub fn survive_file_size_limit() {
    /// "Ignore": the value is the same on all systems with POSIX signals.
    const IGNORE: usize = 1;
    // SAFETY: ignoring a signal installs no function of ours, so that nothing runs in the context of a signal.
    unsafe { signal(Signal::XFSZ.as_raw(), IGNORE) };
}
