//! Which blocks of a file stay in memory: those just read, and those that a reading from start to end is yet to reach.
//!
//! Invariant: no more than the recent and the parked blocks of [`Bounds`] together; what has to go is what is needed last.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use sha2::Sha256;

/// A block, or the part of it that could be read.
pub(super) type Block = Arc<Vec<u8>>;

/// How large blocks are, and how many stay in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of a block.
    pub(super) block: usize,
    /// Blocks that stay because they were just read.
    pub(super) recent: usize,
    /// Blocks that stay because they are needed later.
    pub(super) parked: usize,
}

/// - Blocks of 1 MiB: a network mount answers few large requests sooner than many small ones, and an index at the end of
///   a file costs no more than one or two.
/// - 16 recent ones: for a second reader close behind the first (the checks of a container read pieces of 256 KiB beside
///   the demuxer), and for a demuxer that goes to and fro between tracks, each of which needs one block.
/// - 128 parked ones, for an index at the end and for the places that are looked at before the reading begins: five
///   places of 48 pictures at 100 Mbit/s and 25 pictures a second are 120 MB.
pub(super) const BOUNDS: Bounds = Bounds { block: 1 << 20, recent: 16, parked: 128 };

/// Bytes that stay in memory at the most.
pub(crate) const STORE: u64 = (BOUNDS.block * (BOUNDS.recent + BOUNDS.parked)) as u64;

/// The hash of a file while it is made.
pub(super) struct Hashing {
    /// The block that comes next.
    pub(super) next: u64,
    /// `None` while a thread is at work with it.
    pub(super) hasher: Option<Sha256>,
    /// Whether what was skipped could not be read; whoever asks for the hash is told why.
    pub(super) is_stuck: bool,
}

struct Shelved {
    block: Block,
    /// When it was last asked for, in requests.
    used: u64,
    /// Whether a reading from start to end came by.
    is_reached: bool,
}

/// The blocks in memory, and who still needs which.
pub(super) struct Shelf {
    bounds: Bounds,
    /// Blocks of the file.
    total: u64,
    blocks: HashMap<u64, Shelved>,
    requests: u64,
    /// Where the readings from start to end stand, by number of the reading.
    marks: BTreeMap<u64, u64>,
    marked: u64,
    /// Blocks that a thread is reading from disk now.
    pub(super) loading: HashSet<u64>,
    pub(super) hashing: Option<Hashing>,
    pub(super) digest: Option<[u8; 32]>,
}

impl Shelf {
    pub(super) fn new(bounds: Bounds, total: u64) -> Self {
        Shelf {
            bounds,
            total,
            blocks: HashMap::new(),
            requests: 0,
            marks: BTreeMap::new(),
            marked: 0,
            loading: HashSet::new(),
            hashing: None,
            digest: None,
        }
    }

    /// A reading begins at the start of the file; its number.
    pub(super) fn mark(&mut self) -> u64 {
        self.marked += 1;
        self.marks.insert(self.marked, 0);
        self.marked
    }

    pub(super) fn move_mark(&mut self, mark: u64, block: u64) {
        self.marks.insert(mark, block);
    }

    pub(super) fn unmark(&mut self, mark: u64) {
        self.marks.remove(&mark);
    }

    /// Block `number`, if it is here, as the most recent; `is_reached` by a reading from start to end, or only looked at.
    pub(super) fn take(&mut self, number: u64, is_reached: bool) -> Option<Block> {
        self.requests += 1;
        let shelved = self.blocks.get_mut(&number)?;
        shelved.used = self.requests;
        shelved.is_reached |= is_reached;
        Some(Block::clone(&shelved.block))
    }

    /// Block `number`, if it is here; it becomes no more recent by this.
    pub(super) fn look_at(&self, number: u64) -> Option<Block> {
        self.blocks.get(&number).map(|shelved| Block::clone(&shelved.block))
    }

    pub(super) fn put(&mut self, number: u64, block: Block, is_reached: bool) {
        self.requests += 1;
        self.blocks.insert(number, Shelved { block, used: self.requests, is_reached });
        self.tidy();
    }

    /// How far away the nearest reading is that will come to `number`; `None` when there is none.
    fn distance(&self, number: u64, is_reached: bool) -> Option<u64> {
        let hash = self.hashing.as_ref().map(|hashing| hashing.next);
        let nearest = self.marks.values().copied().chain(hash).filter_map(|place| number.checked_sub(place)).min();
        // A reading that is beyond it goes to and fro between tracks, and comes back: nobody looks at a place that
        // holds nothing.
        nearest.or_else(|| (!is_reached && !self.marks.is_empty()).then_some(self.total))
    }

    /// Lets go of what is neither recent nor needed, and of what is needed last where that is too much.
    pub(super) fn tidy(&mut self) {
        if self.blocks.len() <= self.bounds.recent {
            return;
        }
        let mut by_age: Vec<(u64, u64, bool)> =
            self.blocks.iter().map(|(number, shelved)| (shelved.used, *number, shelved.is_reached)).collect();
        by_age.sort_unstable_by(|one, other| other.cmp(one));
        let mut needed = Vec::new();
        for (_, number, is_reached) in by_age.drain(..).skip(self.bounds.recent) {
            match self.distance(number, is_reached) {
                Some(distance) => needed.push((distance, number)),
                None => drop(self.blocks.remove(&number)),
            }
        }
        needed.sort_unstable();
        for (_, number) in needed.drain(..).skip(self.bounds.parked) {
            self.blocks.remove(&number);
        }
    }

    /// Where the next block is that is here, when the hash waits for blocks that a reading at `reached` skipped, and
    /// when reading them costs less than reading again what has to go for lack of room. Somebody may come for them
    /// yet: then what lies between is read twice, and otherwise what follows would be. So the smaller of the two is
    /// all that is ever read twice.
    pub(super) fn gap(&self, reached: u64) -> Option<u64> {
        let hashing = self.hashing.as_ref().filter(|hashing| hashing.hasher.is_some() && !hashing.is_stuck)?;
        let next = hashing.next;
        if reached <= next || self.blocks.contains_key(&next) || self.loading.contains(&next) {
            return None;
        }
        let beyond = || self.blocks.keys().copied().filter(|number| *number > next);
        let end = beyond().min().filter(|_| beyond().count() >= self.bounds.parked)?;
        (end - next <= self.total.saturating_sub(reached.max(end))).then_some(end)
    }

    #[cfg(test)]
    pub(super) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.blocks.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECENT: usize = BOUNDS.recent;
    const PARKED: usize = BOUNDS.parked;

    fn block() -> Block {
        Block::new(Vec::new())
    }

    fn read(shelf: &mut Shelf, mark: u64, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            shelf.move_mark(mark, number);
            shelf.put(number, block(), true);
        }
    }

    #[test]
    fn a_reading_leaves_only_the_last_blocks_behind() {
        let mut shelf = Shelf::new(BOUNDS, 1000);
        let mark = shelf.mark();
        read(&mut shelf, mark, 0..500);
        assert_eq!(shelf.numbers(), (500 - RECENT as u64..500).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_reading_is_yet_to_reach_stays_and_the_nearest_stay_longest() {
        let mut shelf = Shelf::new(BOUNDS, 1000);
        let mark = shelf.mark();
        for number in (900..1000).chain(300..400) {
            shelf.put(number, block(), false);
        }
        // The first places went, being farthest; the last blocks read are there as recent ones.
        let kept = shelf.numbers();
        assert_eq!(kept.len(), RECENT + PARKED);
        assert_eq!(kept[..100], (300..400).collect::<Vec<_>>());
        assert_eq!(kept[100], 900);
        read(&mut shelf, mark, 0..350);
        assert_eq!(shelf.numbers().iter().filter(|number| **number >= 350).count(), RECENT + PARKED - 50 - RECENT);
        shelf.unmark(mark);
        shelf.tidy();
        assert_eq!(shelf.numbers().len(), RECENT);
    }

    #[test]
    fn what_is_not_hashed_stays() {
        let mut shelf = Shelf::new(BOUNDS, 1000);
        shelf.hashing = Some(Hashing { next: 0, hasher: Some(Sha256::default()), is_stuck: false });
        let mark = shelf.mark();
        read(&mut shelf, mark, 900..950);
        assert_eq!(shelf.numbers().len(), 50);
        shelf.hashing = None;
        shelf.tidy();
        assert_eq!(shelf.numbers().len(), RECENT);
    }

    #[test]
    fn a_gap_is_filled_when_more_follows_than_lies_between() {
        let mut shelf = Shelf::new(BOUNDS, 10_000);
        shelf.hashing = Some(Hashing { next: 10, hasher: Some(Sha256::default()), is_stuck: false });
        let mark = shelf.mark();
        read(&mut shelf, mark, 500..500 + PARKED as u64 - 1);
        assert_eq!(shelf.gap(500 + PARKED as u64), None, "there is room yet");
        read(&mut shelf, mark, [800]);
        assert_eq!(shelf.gap(800), Some(500));
        assert_eq!(shelf.gap(9_800), None, "less follows");
        shelf.total = 1_000;
        assert_eq!(shelf.gap(800), None, "less follows");
    }
}
