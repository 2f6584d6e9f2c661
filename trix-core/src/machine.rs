//! The machine on which this process runs.

use std::{fs, num::NonZero, thread};

use trix_model::machine::Machine;

/// This machine: the cores and the memory that this process may use. Limits of its control group count.
pub fn this_machine() -> Machine {
    let cores = thread::available_parallelism().map_or(1, NonZero::get) as u32;
    let system = rustix::system::sysinfo();
    let installed = system.totalram.saturating_mul(system.mem_unit.into());
    let limits = LIMITS.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    let memory = limits.fold(installed, u64::min);
    Machine { cores: cores.clamp(1, Machine::MOST_CORES), memory: (memory > 0).then_some(memory) }
}

/// The memory limit of the control group, in version 2 and in version 1. A file has a number, or the word `max`.
const LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

#[cfg(test)]
mod tests {
    use super::*;

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
