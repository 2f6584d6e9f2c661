//! The machine that runs a job: the numbers from which threads and memory are planned.
//!
//! Invariant: a plan depends on a machine only through these numbers, and states them.

use std::{fmt, str::FromStr};

use crate::{
    amount::{bytes, counted},
    settings::byte_size::ByteSize,
};
use serde::{Deserialize, Serialize};

/// The machine that runs a job. Threads, and the length of queues, are planned for it.
///
/// ```
/// use trix_model::machine::Machine;
/// let machine: Machine = "16,64GiB".parse()?;
/// assert_eq!(machine, Machine { cores: 16, memory: Some(64 << 30) });
/// assert_eq!(machine.to_string(), "16 cores, 64.0 GiB");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Machine {
    /// Cores that the job can use, 1 to 1024.
    pub cores: u32,
    /// Memory that the job can use, in bytes; `None`: not stated.
    pub memory: Option<u64>,
}

impl Machine {
    /// The largest number of cores.
    pub const MOST_CORES: u32 = 1024;

    /// True if `bytes` are more than the machine has.
    pub fn lacks(&self, bytes: u64) -> bool {
        self.memory.is_some_and(|memory| bytes > memory)
    }
}

impl FromStr for Machine {
    type Err = String;

    /// Reads `CORES` or `CORES,MEMORY`, such as `16,64GiB`. The unit can be a single letter: `64G` is `64GiB`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (cores, memory) = match text.split_once(',') {
            Some((cores, memory)) => (cores, Some(memory)),
            None => (text, None),
        };
        let cores = cores.trim().parse().ok().filter(|cores| (1..=Self::MOST_CORES).contains(cores));
        let cores = cores.ok_or_else(|| {
            format!("'{text}' is not a machine such as 16 or 16,64GiB: cores (1 to {}) and memory", Self::MOST_CORES)
        })?;
        let memory = memory.map(|memory| {
            let is_short = memory.trim_end().ends_with(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']);
            let unit = if is_short { "iB" } else { "" };
            format!("{}{unit}", memory.trim_end()).parse::<ByteSize>().map(|memory| memory.0)
        });
        Ok(Machine { cores, memory: memory.transpose()? })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.cores.into(), "core"))?;
        match self.memory {
            Some(memory) => write!(f, ", {}", bytes(memory)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_with_and_without_memory() {
        let read = |text: &str| text.parse::<Machine>().map(|machine| (machine.cores, machine.memory));
        assert_eq!(read("3"), Ok((3, None)));
        assert_eq!(read("16,64G"), Ok((16, Some(64 << 30))));
        assert_eq!(read("16, 64 GiB"), Ok((16, Some(64 << 30))));
        assert_eq!(read("1,1500MB"), Ok((1, Some(1_500_000_000))));
        assert_eq!(read("2,1048576"), Ok((2, Some(1 << 20))));
        for text in ["", "0", "1025", "-1", "two", ",4G", "4,", "4,much", "4,4G,4G"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
