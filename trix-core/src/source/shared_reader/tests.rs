//! A small store: blocks of a few bytes, so that tests reach every bound.

use std::{thread, time::Duration};

use proptest::prelude::*;

use super::*;

const SMALL: Bounds = Bounds { block: 16, recent: 3, parked: 6 };

/// Storage without a file. It counts the bytes read, and fails from a bad position on.
struct Fake {
    bytes: Vec<u8>,
    read: Arc<AtomicU64>,
    bad: u64,
    wait: Duration,
}

impl Storage for Fake {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        thread::sleep(self.wait);
        if offset >= self.bad {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        // At most seven bytes at a time, since short reads are normal.
        let end = self.bytes.len().min(offset as usize + buffer.len().min(7)).min(self.bad as usize);
        let some = &self.bytes[(offset as usize).min(end)..end];
        buffer[..some.len()].copy_from_slice(some);
        self.read.fetch_add(some.len() as u64, Ordering::Relaxed);
        Ok(some.len())
    }

    fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.bytes.len() as u64, modified: (0, 0), file: (0, 0) })
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn store(length: usize) -> (Arc<SharedFile>, Arc<AtomicU64>) {
    let (read, wait) = (Arc::default(), Duration::ZERO);
    let fake = Fake { bytes: bytes(length), read: Arc::clone(&read), bad: u64::MAX, wait };
    let stamp = fake.stamp().unwrap();
    (SharedFile::within(SMALL, Box::new(fake), stamp), read)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn read(reader: &mut SharedReader, from: u64, count: usize) -> Vec<u8> {
    let mut found = Vec::new();
    reader.seek(SeekFrom::Start(from)).unwrap();
    reader.by_ref().take(count as u64).read_to_end(&mut found).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// In any order of reads, each reader sees the bytes of the file, and memory and counters stay as documented.
    #[test]
    fn readers_of_one_store_see_the_bytes_of_the_file(
        length in 1usize..1500,
        hashes_from in 0usize..60,
        steps in prop::collection::vec((0usize..4, 0u64..1600, 0usize..200, any::<bool>()), 0..60),
    ) {
        let whole = bytes(length);
        let (store, read) = store(length);
        let (first, mark) = store.marked_reader(None);
        let (second, other) = store.marked_reader(None);
        other.goes_through();
        let mut readers = [first, second, store.reader(None), store.reader(None)];
        for (step, (who, place, count, seeks)) in steps.into_iter().enumerate() {
            if step == hashes_from {
                store.hash();
            }
            if step == 20 {
                mark.goes_through();
            }
            let reader = &mut readers[who];
            let from = if seeks { reader.seek(SeekFrom::Start(place)).unwrap() } else { reader.stream_position().unwrap() };
            let mut found = Vec::new();
            reader.by_ref().take(count as u64).read_to_end(&mut found).unwrap();
            let from = length.min(from as usize);
            prop_assert_eq!(&found, &whole[from..length.min(from + count)]);
            prop_assert!(store.lock().numbers().len() <= SMALL.recent + SMALL.parked);
        }
        prop_assert_eq!(store.finish(&|| false).unwrap(), sha256(&whole));
        prop_assert_eq!(store.finish(&|| false).unwrap(), sha256(&whole));
        prop_assert!(store.disk_bytes() >= length as u64);
        prop_assert_eq!(store.disk_bytes(), read.load(Ordering::Relaxed));
        drop((readers, mark, other));
        prop_assert!(store.lock().numbers().len() <= SMALL.recent, "what nobody needs is let go");
    }
}

#[test]
fn an_index_at_the_end_and_places_that_were_looked_at_are_read_once() {
    let (store, _) = store(4096);
    let (mut reader, mark) = store.marked_reader(None);
    store.hash();
    let mut bitstream_facts = store.reader(None);
    // The head, the index, a few positions: six blocks after the head are the maximum that can stay.
    for (from, count) in [(0, 32), (4060, 36), (0, 20), (2048, 16), (3072, 30)] {
        read(&mut bitstream_facts, from, count);
    }
    mark.goes_through();
    assert_eq!(read(&mut reader, 0, 4096), bytes(4096));
    assert_eq!(store.finish(&|| false).unwrap(), sha256(&bytes(4096)));
    assert_eq!(store.disk_bytes(), 4096);
}

#[test]
fn a_second_reading_close_behind_costs_nothing() {
    let (store, _) = store(4096);
    store.hash();
    let [(mut ahead, one), (mut behind, other)] = [store.marked_reader(None), store.marked_reader(None)];
    one.goes_through();
    other.goes_through();
    for at in (0..4096).step_by(8) {
        read(&mut ahead, at, 8);
        if at % 32 == 0 {
            read(&mut behind, at.saturating_sub(40), 8);
        }
    }
    store.finish(&|| false).unwrap();
    assert_eq!(store.disk_bytes(), 4096);
}

/// Reads two tracks alternately, each of which fills one half.
fn by_turns(length: u64) -> u64 {
    let (store, _) = store(length as usize);
    let (mut reader, mark) = store.marked_reader(None);
    store.hash();
    mark.goes_through();
    for at in (0..length / 2).step_by(8) {
        read(&mut reader, at, 8);
        read(&mut reader, length / 2 + at, 8);
    }
    assert_eq!(store.finish(&|| false).unwrap(), sha256(&bytes(length as usize)));
    store.disk_bytes()
}

#[test]
fn tracks_that_lie_far_apart_are_read_once_as_far_as_memory_goes() {
    assert_eq!(by_turns(6 * 16 * 2), 6 * 16 * 2);
    // Beyond that, the smaller of the gap and the data after it is read twice.
    let twice = by_turns(8192);
    assert!((8192..=8192 * 3 / 2).contains(&twice), "{twice}");
}

#[test]
fn what_a_reading_skips_is_read_once_for_the_hash() {
    // The gap is larger than the kept blocks, and the data after it is larger still.
    let (store, _) = store(8192);
    let (mut reader, mark) = store.marked_reader(None);
    store.hash();
    mark.goes_through();
    read(&mut reader, 0, 100);
    read(&mut reader, 2000, 8192 - 2000);
    assert_eq!(store.finish(&|| false).unwrap(), sha256(&bytes(8192)));
    assert_eq!(store.disk_bytes(), 8192);
}

#[test]
fn without_a_wish_for_it_nothing_is_hashed_and_nothing_kept_for_it() {
    let (store, _) = store(4096);
    let (mut reader, mark) = store.marked_reader(None);
    mark.goes_through();
    read(&mut reader, 2048, 2048);
    let cache = store.lock();
    assert!(cache.hashing.is_none() && cache.digest.is_none());
    assert_eq!(cache.numbers().len(), SMALL.recent);
}

#[test]
fn what_stands_before_a_bad_sector_can_be_read() {
    let (read, wait) = (Arc::default(), Duration::ZERO);
    let fake = Fake { bytes: bytes(100), read, bad: 40, wait };
    let stamp = fake.stamp().unwrap();
    let store = SharedFile::within(SMALL, Box::new(fake), stamp);
    let mut reader = store.reader(None);
    let mut found = [0; 40];
    reader.read_exact(&mut found).unwrap();
    assert_eq!(found, bytes(40)[..]);
    let error = reader.read(&mut found).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    let error = store.finish(&|| false).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    // The rest of the file can still be read, and the hash remains an error.
    let (mut reader, mark) = store.marked_reader(None);
    mark.goes_through();
    assert_eq!(self::read(&mut reader, 0, 40), bytes(40));
    assert!(store.finish(&|| false).is_err());
}

#[test]
fn a_gap_that_cannot_be_read_does_not_stop_who_skips_it() {
    struct Hole(Fake);
    impl Storage for Hole {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if (100..200).contains(&offset) { Err(io::Error::other("a hole")) } else { self.0.read_at(buffer, offset) }
        }
        fn stamp(&self) -> io::Result<Stamp> {
            self.0.stamp()
        }
    }
    let fake = Fake { bytes: bytes(4096), read: Arc::default(), bad: u64::MAX, wait: Duration::ZERO };
    let stamp = fake.stamp().unwrap();
    let store = SharedFile::within(SMALL, Box::new(Hole(fake)), stamp);
    let (mut reader, mark) = store.marked_reader(None);
    store.hash();
    mark.goes_through();
    assert_eq!(read(&mut reader, 0, 90), bytes(90));
    assert_eq!(read(&mut reader, 208, 4096), bytes(4096)[208..]);
    assert_eq!(store.finish(&|| false).unwrap_err().to_string(), "a hole");
}

#[test]
fn readers_on_several_threads_share_their_blocks() {
    let (store, _) = store(100_000);
    store.hash();
    thread::scope(|scope| {
        for start in 0..4 {
            let (mut reader, mark) = store.marked_reader(None);
            scope.spawn(move || {
                mark.goes_through();
                for at in (0..100_000).step_by(10 + start) {
                    assert_eq!(
                        read(&mut reader, at as u64, 10 + start),
                        bytes(100_000)[at..(at + 10 + start).min(100_000)]
                    );
                }
            });
        }
        scope.spawn(|| store.finish(&|| false).unwrap());
    });
    assert_eq!(store.finish(&|| false).unwrap(), sha256(&bytes(100_000)));
}

#[test]
fn a_read_that_is_under_way_can_be_cancelled() {
    let wait = Duration::from_millis(30);
    let fake = Fake { bytes: bytes(100), read: Arc::default(), bad: u64::MAX, wait };
    let (stamp, bounds) = (fake.stamp().unwrap(), Bounds { block: 100, ..SMALL });
    let store = SharedFile::within(bounds, Box::new(fake), stamp);
    let state = Arc::new(IoState::default());
    let mut readers = [store.reader(Some(Arc::clone(&state))), store.reader(Some(Arc::clone(&state)))];
    thread::scope(|scope| {
        // One reads from disk, and the other waits for it.
        let reading = readers.each_mut().map(|reader| scope.spawn(|| reader.read(&mut [0; 10])));
        thread::sleep(Duration::from_millis(100));
        let asked = std::time::Instant::now();
        state.cancelled.store(true, Ordering::Relaxed);
        for reading in reading {
            assert!(reading.join().unwrap().is_err());
        }
        assert!(asked.elapsed() < Duration::from_millis(200), "{:?}", asked.elapsed());
    });
    // The cancellation does not affect later readers.
    assert_eq!(read(&mut store.reader(None), 0, 5), bytes(5));
}
