//! The memory that a job needs.

use crate::{amount::bytes, decision::Decision, machine::Machine};
use serde::{Deserialize, Serialize};

/// The memory that a job needs.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryPlan {
    /// The largest number of bytes, as estimated.
    pub estimate: u64,
    /// The limit of the job, in bytes.
    pub bound: Option<u64>,
    /// True if queues between stages hold one item each, to stay within the limit or the memory of the machine.
    pub short_queues: bool,
    /// The parts of the estimate.
    pub shares: Vec<MemoryShare>,
    /// For a film in chunks: what one unit of the work takes. As many run at the same time as fit, so that the estimate is what the
    /// job needs at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitMemory>,
}

/// The memory of a unit: the encode of one chunk for some outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UnitMemory {
    /// Bytes of the process, whatever the number of units.
    pub process: u64,
    /// Bytes of reading, decoding and filtering in a unit.
    pub base: u64,
    /// Bytes of each encoder, by the number of the encode; 0 for audio.
    pub encodes: Vec<u64>,
    /// The encodes that share an analysis, and therefore run together: the numbers of each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<Vec<usize>>,
}

/// How the units of a film share memory and cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waves {
    /// The numbers of the encodes of each unit of a chunk. With more than one, the film is decoded as often.
    pub groups: Vec<Vec<usize>>,
    /// Units that run at the same time.
    pub units: usize,
}

impl UnitMemory {
    /// The least that a job takes: one unit with the largest encoder, or the largest group of encoders that run together.
    pub fn least(&self) -> u64 {
        let largest = self.groups().iter().map(|group| self.bytes(group)).max();
        self.process + self.base + largest.unwrap_or(0)
    }

    /// The numbers of the encodes of video: those that run together, and each of the others.
    fn groups(&self) -> Vec<Vec<usize>> {
        let is_grouped = |number: &usize| self.together.iter().any(|group| group.contains(number));
        let alone = (0..self.encodes.len()).filter(|number| self.encodes[*number] > 0 && !is_grouped(number));
        self.together.iter().cloned().chain(alone.map(|number| vec![number])).collect()
    }

    /// Bytes of the encoders of these numbers.
    fn bytes(&self, group: &[usize]) -> u64 {
        group.iter().filter_map(|number| self.encodes.get(*number)).sum()
    }

    /// How many decodes fit into `budget` bytes: one at least.
    pub fn decodes_within(&self, budget: u64) -> u32 {
        let fits = budget.saturating_sub(self.process) / self.base.max(1);
        u32::try_from(fits).unwrap_or(u32::MAX).max(1)
    }

    /// The waves with which the most units run at the same time, `most` at most, within `budget` bytes; of these, those that decode the
    /// least often.
    pub fn waves(&self, budget: u64, most: usize) -> Waves {
        let mut order = self.groups();
        order.sort_by_key(|group| std::cmp::Reverse(self.bytes(group)));
        let free = budget.saturating_sub(self.process);
        let mut best: Option<Waves> = None;
        for count in 1..=order.len().max(1) {
            let groups = self.packed(&order, count);
            let largest = groups.iter().map(|group| self.base + self.bytes(group)).max().unwrap_or(1).max(1);
            // None may fit; one runs anyway.
            let units = usize::try_from(free / largest).unwrap_or(most).min(most);
            if best.as_ref().is_none_or(|best| units > best.units) {
                best = Some(Waves { groups, units });
            }
        }
        best.map_or(Waves { groups: Vec::new(), units: 1 }, |best| Waves { units: best.units.max(1), ..best })
    }

    /// Shares what is in `order`, the largest first, out among `count` groups of nearly equal size.
    fn packed(&self, order: &[Vec<usize>], count: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new()); count];
        for numbers in order {
            if let Some((sum, group)) = groups.iter_mut().min_by_key(|(sum, _)| *sum) {
                *sum += self.bytes(numbers);
                group.extend(numbers);
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }
}

impl MemoryPlan {
    /// Says that the memory of `machine` may not suffice, if the estimate is above it.
    #[doc(hidden)]
    #[must_use]
    pub fn doubt(&self, machine: &Machine) -> Option<Decision> {
        let memory = machine.memory.filter(|_| machine.lacks(self.estimate))?;
        let what = format!("memory may not suffice on a machine with {}", bytes(memory));
        Some(Decision::new(what, format!("the job takes up to {}", bytes(self.estimate))))
    }
}

/// A part of the memory that a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryShare {
    /// What needs the memory: `process`, `source`, `decoder`, `step 0`, an output file or folder, `queues`,
    /// `verification`.
    pub what: String,
    /// Bytes.
    pub bytes: u64,
}

/// Bytes of packets in a queue between two stages: three frames of a 500 Mbit/s master. A larger packet passes alone.
#[doc(hidden)]
pub const PACKETS: usize = 8 << 20;

/// Frames in a queue between two stages. Two absorb short delays of either stage, and take little memory compared with
/// an encoder's lookahead.
#[doc(hidden)]
pub const FRAMES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_encoded_in_waves_where_memory_is_short() {
        let gib = |count: u64| count << 30;
        // The archive of a 2160p master; encode 2 is audio.
        let unit = UnitMemory {
            process: gib(1) / 2,
            base: gib(1) / 2,
            encodes: vec![gib(2), gib(3), 0, gib(3), gib(2), gib(2)],
            together: Vec::new(),
        };
        assert_eq!(unit.least(), gib(4));
        assert_eq!((unit.decodes_within(gib(2)), unit.decodes_within(0)), (3, 1));
        let all = Waves { groups: vec![vec![1, 3, 0, 4, 5]], units: 2 };
        assert_eq!(unit.waves(gib(64), 2), all);
        // Both cores are busy with two waves or more before one of them waits.
        let two = unit.waves(gib(16), 2);
        assert_eq!((two.groups.len(), two.units), (2, 2));
        let singles = unit.waves(gib(8), 2);
        assert_eq!((singles.groups.len(), singles.units), (5, 2));
        // One encode after the other.
        let one = unit.waves(gib(4), 2);
        assert_eq!((one.groups.len(), one.units), (5, 1));
        // Too little memory for anything still runs one at a time.
        assert_eq!(unit.waves(gib(1), 2).units, 1);
        let mut encodes: Vec<usize> = singles.groups.concat();
        encodes.sort_unstable();
        assert_eq!(encodes, [0, 1, 3, 4, 5]);
        // Those that share an analysis stay together, however little memory there is.
        let shared = UnitMemory { together: vec![vec![3, 1, 5]], ..unit };
        assert_eq!(shared.least(), gib(9));
        assert_eq!(shared.waves(gib(10), 2), Waves { groups: vec![vec![3, 1, 5], vec![0, 4]], units: 1 });
    }
}
