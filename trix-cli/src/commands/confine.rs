//! Takes rights from this process.
//!
//! Invariant: what the kernel cannot enforce is left out, and the rest is enforced.

use std::{
    collections::BTreeMap,
    env::consts::ARCH,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, path_beneath_rules,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

/// What x264, x265 and the C library look at while they run: the processors, the memory, and this process itself.
const SYSTEM: [&str; 6] =
    ["/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/self", "/proc/sys/vm", "/sys/devices/system"];

/// Lets this thread, and those that it starts, read `sources` and the state of the system, write below `store`, and open no
/// socket. They execute nothing.
pub(super) fn confine(sources: &[PathBuf], store: &Path) {
    // Both are a second line of defence: an old kernel runs the codecs without it.
    let _ = confine_files(sources, store);
    let _ = without_network().map(|program| apply_filter(&program));
}

/// Landlock (Linux 5.13; TCP: 6.7).
fn confine_files(sources: &[PathBuf], store: &Path) -> Result<(), RulesetError> {
    let abi = ABI::V5;
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(sources, read))?
        .add_rules(path_beneath_rules([store], AccessFs::from_all(abi) & !AccessFs::Execute))?
        .restrict_self()?;
    Ok(())
}

/// A program for the kernel that refuses new sockets, and the interface that makes them without a call (seccomp).
fn without_network() -> Option<BpfProgram> {
    let arch = TargetArch::try_from(ARCH).ok()?;
    let calls = BTreeMap::from(
        [libc::SYS_socket, libc::SYS_socketpair, libc::SYS_io_uring_setup].map(|call| (call, Vec::new())),
    );
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(calls, SeccompAction::Allow, refused, arch).ok()?.try_into().ok()
}
