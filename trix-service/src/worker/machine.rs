//! The machine of a worker.

use crate::catalogue::MachineState;

/// How this machine is.
pub fn state() -> MachineState {
    let text = |path: &str| std::fs::read_to_string(path).ok();
    // proc(5): the first number is the mean of a minute.
    let load = text("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok());
    let memory = text("/proc/meminfo").unwrap_or_default();
    MachineState {
        load,
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as i64),
        memory: bytes(&memory, "MemTotal"),
        memory_free: bytes(&memory, "MemAvailable"),
    }
}

/// A value of /proc/meminfo, which counts in units of 1024 bytes.
fn bytes(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<i64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let state = state();
        assert!(state.cores >= 1 && state.load.is_some_and(|load| load >= 0.0));
        assert!(state.memory > state.memory_free && state.memory_free > Some(0), "{state:?}");
        assert_eq!(bytes("MemTotal:       16384 kB\n", "MemTotal"), Some(16 << 20));
    }
}
