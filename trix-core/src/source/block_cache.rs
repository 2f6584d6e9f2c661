//! Decides which blocks of a file stay in memory: those just read, and those that a start-to-end pass has not reached
//! yet.
//!
//! Invariant: memory holds at most the recent and the parked blocks of [`Bounds`]. The block that is needed last is
//! dropped first.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use sha2::Sha256;

/// A block, or its readable part.
pub(super) type Block = Arc<Vec<u8>>;

/// The size of blocks, and the number of blocks that stay in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes per block.
    pub(super) block: usize,
    /// Number of blocks that stay because they were just read.
    pub(super) recent: usize,
    /// Number of blocks that stay because they are needed later.
    pub(super) parked: usize,
}

/// - Blocks of 1 MiB: a network mount answers a few large requests sooner than many small ones, and an index at the end
///   of a file needs only one or two blocks.
/// - 16 recent ones: for a second reader close behind the first (the container checks read pieces of 256 KiB in
///   parallel with the demuxer), and for a demuxer that alternates between tracks, each of which needs one block.
/// - 128 parked ones: for an index at the end, and for the positions that are sampled before the main pass. Five
///   positions of 48 frames at 100 Mbit/s and 25 frames per second are 120 MB.
pub(super) const BOUNDS: Bounds = Bounds { block: 1 << 20, recent: 16, parked: 128 };

/// Maximum number of bytes that stay in memory.
pub(crate) const STORE: u64 = (BOUNDS.block * (BOUNDS.recent + BOUNDS.parked)) as u64;

/// The unfinished hash of a file.
pub(super) struct Hashing {
    /// The next block to hash.
    pub(super) next: u64,
    /// `None` while a thread uses it.
    pub(super) hasher: Option<Sha256>,
    /// True if a skipped block could not be read. The error is reported when the hash is requested.
    pub(super) is_stuck: bool,
}

struct Shelved {
    block: Block,
    /// The number of the request that used the block last.
    used: u64,
    /// True if a start-to-end pass has read the block.
    is_reached: bool,
}

/// The blocks in memory, and the passes that still need them.
pub(super) struct BlockCache {
    bounds: Bounds,
    /// Number of blocks in the file.
    total: u64,
    blocks: HashMap<u64, Shelved>,
    requests: u64,
    /// The positions of the start-to-end passes, by pass number.
    marks: BTreeMap<u64, u64>,
    marked: u64,
    /// Blocks that a thread is reading from disk.
    pub(super) loading: HashSet<u64>,
    pub(super) hashing: Option<Hashing>,
    pub(super) digest: Option<[u8; 32]>,
}

impl BlockCache {
    pub(super) fn new(bounds: Bounds, total: u64) -> Self {
        BlockCache {
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

    /// Starts a pass at the start of the file, and returns its number.
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

    /// Returns block `number` if it is in memory, and makes it the most recent. `is_reached` is true for a start-to-end
    /// pass, false for a lookup.
    pub(super) fn take(&mut self, number: u64, is_reached: bool) -> Option<Block> {
        self.requests += 1;
        let shelved = self.blocks.get_mut(&number)?;
        shelved.used = self.requests;
        shelved.is_reached |= is_reached;
        Some(Block::clone(&shelved.block))
    }

    /// Returns block `number` if it is in memory, without making it more recent.
    pub(super) fn look_at(&self, number: u64) -> Option<Block> {
        self.blocks.get(&number).map(|shelved| Block::clone(&shelved.block))
    }

    pub(super) fn put(&mut self, number: u64, block: Block, is_reached: bool) {
        self.requests += 1;
        self.blocks.insert(number, Shelved { block, used: self.requests, is_reached });
        self.tidy();
    }

    /// The distance of the nearest pass that will still reach block `number`, or `None` if there is none.
    fn distance(&self, number: u64, is_reached: bool) -> Option<u64> {
        let hash = self.hashing.as_ref().map(|hashing| hashing.next);
        let nearest = self.marks.values().copied().chain(hash).filter_map(|place| number.checked_sub(place)).min();
        // A pass already past this block alternates between tracks and will come back, since a lookup reads only blocks
        // that contain data.
        nearest.or_else(|| (!is_reached && !self.marks.is_empty()).then_some(self.total))
    }

    /// Drops blocks that are neither recent nor needed. If too many are needed, drops those that are needed last.
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

    /// Decides whether the hash must read the blocks that a pass at `reached` has skipped. Returns the end of this gap if
    /// the gap has at most as many blocks as the rest of the file, so that only the smaller part can be read twice.
    ///
    /// Example: the hash is at block 10, the pass has read the blocks from 500 on, and there is no more room. In a file of
    /// 10,000 blocks, the hash reads blocks 10 to 499, even if the pass reads them later. In a file of 1,000 blocks, the
    /// later blocks are dropped and read again.
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

    fn read(cache: &mut BlockCache, mark: u64, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            cache.move_mark(mark, number);
            cache.put(number, block(), true);
        }
    }

    #[test]
    fn a_reading_leaves_only_the_last_blocks_behind() {
        let mut cache = BlockCache::new(BOUNDS, 1000);
        let mark = cache.mark();
        read(&mut cache, mark, 0..500);
        assert_eq!(cache.numbers(), (500 - RECENT as u64..500).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_reading_is_yet_to_reach_stays_and_the_nearest_stay_longest() {
        let mut cache = BlockCache::new(BOUNDS, 1000);
        let mark = cache.mark();
        for number in (900..1000).chain(300..400) {
            cache.put(number, block(), false);
        }
        // The first positions were dropped because they are farthest away. The last blocks read stay as recent ones.
        let kept = cache.numbers();
        assert_eq!(kept.len(), RECENT + PARKED);
        assert_eq!(kept[..100], (300..400).collect::<Vec<_>>());
        assert_eq!(kept[100], 900);
        read(&mut cache, mark, 0..350);
        assert_eq!(cache.numbers().iter().filter(|number| **number >= 350).count(), RECENT + PARKED - 50 - RECENT);
        cache.unmark(mark);
        cache.tidy();
        assert_eq!(cache.numbers().len(), RECENT);
    }

    #[test]
    fn what_is_not_hashed_stays() {
        let mut cache = BlockCache::new(BOUNDS, 1000);
        cache.hashing = Some(Hashing { next: 0, hasher: Some(Sha256::default()), is_stuck: false });
        let mark = cache.mark();
        read(&mut cache, mark, 900..950);
        assert_eq!(cache.numbers().len(), 50);
        cache.hashing = None;
        cache.tidy();
        assert_eq!(cache.numbers().len(), RECENT);
    }

    #[test]
    fn a_gap_is_filled_when_more_follows_than_lies_between() {
        let mut cache = BlockCache::new(BOUNDS, 10_000);
        cache.hashing = Some(Hashing { next: 10, hasher: Some(Sha256::default()), is_stuck: false });
        let mark = cache.mark();
        read(&mut cache, mark, 500..500 + PARKED as u64 - 1);
        assert_eq!(cache.gap(500 + PARKED as u64), None, "there is room yet");
        read(&mut cache, mark, [800]);
        assert_eq!(cache.gap(800), Some(500));
        assert_eq!(cache.gap(9_800), None, "less follows");
        cache.total = 1_000;
        assert_eq!(cache.gap(800), None, "less follows");
    }
}
