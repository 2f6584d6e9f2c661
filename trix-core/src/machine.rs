//! The machine on which this process runs.

use std::{
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use trix_model::machine::Machine;

/// This machine: the cores and the memory that this process may use. Limits of its control group, and of those around it,
/// count.
pub fn this_machine() -> Machine {
    let cores = thread::available_parallelism().map_or(1, NonZero::get) as u32;
    let system = rustix::system::sysinfo();
    let installed = system.totalram.saturating_mul(system.mem_unit.into());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits =
        limits(&groups).into_iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    let memory = limits.fold(installed, u64::min);
    Machine { cores: cores.clamp(1, Machine::MOST_CORES), memory: (memory > 0).then_some(memory) }
}

/// Bytes of memory that are free on this machine, or can be had at once, within the limits of the control groups. `None` if
/// the system does not say.
pub(crate) fn free_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |file: PathBuf| fs::read_to_string(file).ok();
    let left = |limit: PathBuf| {
        let (usage, cached) = match limit.file_name()?.to_str()? {
            "memory.max" => ("memory.current", "inactive_file"),
            // The usage counts the groups below too, and so has what is taken off.
            _ => ("memory.usage_in_bytes", "total_inactive_file"),
        };
        let stat = read(limit.with_file_name("memory.stat")).unwrap_or_default();
        let used = used(&read(limit.with_file_name(usage))?, &stat, cached)?;
        Some(read(limit)?.trim().parse::<u64>().ok()?.saturating_sub(used))
    };
    Some(limits(&groups).into_iter().filter_map(left).fold(free, u64::min))
}

/// The memory that a control group cannot give up at once: its `usage` without the pages of files that were not read lately,
/// which its statistics name `cached`.
fn used(usage: &str, stat: &str, cached: &str) -> Option<u64> {
    let of = |line: &str| line.strip_prefix(cached)?.strip_prefix(' ')?.trim().parse::<u64>().ok();
    Some(usage.trim().parse::<u64>().ok()?.saturating_sub(stat.lines().find_map(of).unwrap_or(0)))
}

/// The files with the memory limits of the control groups in `groups` (the form of `/proc/self/cgroup`) and of all around
/// them. A file has a number, or the word `max`.
fn limits(groups: &str) -> Vec<PathBuf> {
    let of = |line: &str| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, own) = (parts.next()?, parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let own = Path::new(own.trim_start_matches('/'));
        Some(own.ancestors().map(|group| Path::new(root).join(group).join(file)).collect::<Vec<_>>())
    };
    groups.lines().filter_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_all_control_groups_around_a_process_count() {
        let files = |groups: &str| -> Vec<String> {
            limits(groups).into_iter().map(|file| file.display().to_string()).collect()
        };
        let root = "/sys/fs/cgroup";
        assert_eq!(
            files("0::/system.slice/trixd.service\n"),
            [
                format!("{root}/system.slice/trixd.service/memory.max"),
                format!("{root}/system.slice/memory.max"),
                format!("{root}/memory.max"),
            ]
        );
        assert_eq!(
            files("5:cpu,cpuacct:/a\n4:memory:/jobs\n0::/\n"),
            [
                format!("{root}/memory/jobs/memory.limit_in_bytes"),
                format!("{root}/memory/memory.limit_in_bytes"),
                format!("{root}/memory.max"),
            ]
        );
        // A name of a group may have colons. What is no line of that file names nothing.
        assert_eq!(files("0::/a:b")[0], format!("{root}/a:b/memory.max"));
        assert_eq!(files("nonsense"), [""; 0]);
    }

    #[test]
    fn files_in_memory_that_nobody_reads_are_free() {
        let stat = "cache 900\ninactive_file 100\nactive_file 50\ntotal_inactive_file 700\n";
        assert_eq!(used("1000\n", stat, "inactive_file"), Some(900));
        assert_eq!(used("1000\n", stat, "total_inactive_file"), Some(300));
        assert_eq!(used("1000", "", "inactive_file"), Some(1000));
        assert_eq!((used("500", stat, "total_inactive_file"), used("max", stat, "inactive_file")), (Some(0), None));
        assert!(free_memory().is_some_and(|free| free > 0));
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let here = this_machine();
        assert_eq!(here.cores as usize, thread::available_parallelism().unwrap().get());
        // No machine that runs this test has less than 64 MiB, and none has more than it says.
        let text = fs::read_to_string("/proc/meminfo").unwrap();
        let text = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")).unwrap();
        let installed = text.parse::<u64>().unwrap() << 10;
        assert!(here.memory.is_some_and(|memory| (64 << 20..=installed).contains(&memory)), "{here:?}");
        assert!(here.lacks(u64::MAX) && !here.lacks(0));
    }
}
