//! Takes rights from this process.
//!
//! Invariant: what the kernel cannot enforce is left out, and the rest is enforced.

use std::{
    collections::BTreeMap,
    env::consts::ARCH,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    path_beneath_rules,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

/// What x264, x265 and the C library look at while they run: the processors, and the memory.
const SYSTEM: [&str; 2] = ["/proc", "/sys/devices/system"];

/// Lets this thread, and those that it starts, read `sources` and the state of the system, write below `store`, and open no
/// socket.
pub(super) fn confine(sources: &[PathBuf], store: &Path) {
    // Both are a second line of defence: an old kernel runs the codecs without it.
    let _ = confine_files(sources, store);
    let _ = without_sockets().map(|program| apply_filter(&program));
}

/// Landlock (Linux 5.13).
fn confine_files(sources: &[PathBuf], store: &Path) -> Result<(), RulesetError> {
    let abi = ABI::V5;
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(sources, read))?
        .add_rules(path_beneath_rules([store], AccessFs::from_all(abi)))?
        .restrict_self()?;
    Ok(())
}

/// A program for the kernel that refuses new sockets (seccomp).
fn without_sockets() -> Option<BpfProgram> {
    let arch = TargetArch::try_from(ARCH).ok()?;
    let calls = BTreeMap::from([(libc::SYS_socket, Vec::new())]);
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(calls, SeccompAction::Allow, refused, arch).ok()?.try_into().ok()
}
