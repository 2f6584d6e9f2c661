//! Tests that run the code of the fuzz targets on their seeds, and on mutations of the seeds.
//!
//! Invariant: the mutations depend on [`SEED`] and the file's name alone, so that a failure comes back with every run;
//! its message says which input it was.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Start value of the mutations. Another number gives other mutations.
const SEED: u64 = 0x7472_6978_2d31;

/// Number of mutations of each seed.
const MUTATIONS: u64 = 300;

/// Time limit for one input. An input takes milliseconds, and this test does not measure a busy machine.
const ONE_INPUT: Duration = Duration::from_secs(20);

/// Time limit for all mutations of a target. The test skips the rest and prints a message.
const ALL_MUTATIONS: Duration = Duration::from_secs(60);

#[test]
fn no_bytes_crash_or_hang_the_parsers() {
    replay(&["bitstream", "probe"], targets::bitstream);
}

#[test]
fn no_media_file_crashes_or_hangs_the_reader() {
    replay(&["probe"], targets::probe);
}

#[test]
fn no_job_crashes_or_hangs_the_planner() {
    replay(&["spec"], targets::spec);
}

/// A pseudo-random generator: Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Boundary values of sizes and counts.
const EDGES: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/// Applies a few changes at random positions: the kinds of damage that files suffer and that attackers make.
fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        // Headers decide the most, so half of the changes go to the first bytes.
        let reach = if random.next() & 1 == 0 { bytes.len().min(256) } else { bytes.len() };
        let at = random.below(reach);
        match random.below(7) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => {
                let value = EDGES[random.below(EDGES.len())];
                let end = (at + 1 + random.below(8)).min(bytes.len());
                bytes[at..end].fill(value);
            }
            3 => bytes.truncate(at),
            4 => {
                let end = (at + 1 + random.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + 1 + random.below(64)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => {
                let other = random.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    bytes
}

/// Runs `target`, the first of `names`, on the seeds of all of them and on mutations of these. Reports every input that fails.
#[allow(clippy::print_stdout, reason = "a test that leaves something out says so")]
fn replay(names: &[&str], target: fn(&[u8])) {
    let name = names[0];
    let began = Instant::now();
    let (mut failures, mut left_out) = (Vec::new(), 0);
    let mut judge = |label: String, bytes: Vec<u8>| {
        if let Err(what) = within(ONE_INPUT, target, &bytes) {
            failures.push(format!("{label}: {what}; kept as {}", keep(name, &label, &bytes).display()));
        }
    };
    for path in names.iter().flat_map(|name| seeds(name)) {
        let label = path.file_name().expect("a name").to_string_lossy().into_owned();
        let seed = fs::read(&path).expect("a seed can be read");
        let mut random = Random(label.bytes().fold(SEED, |state, byte| state.rotate_left(5) ^ u64::from(byte)));
        judge(label.clone(), seed.clone());
        for number in 0..MUTATIONS {
            let mutation = mutate(&seed, &mut random);
            if began.elapsed() < ALL_MUTATIONS {
                judge(format!("{label}+{number}"), mutation);
            } else {
                left_out += 1;
            }
        }
    }
    if left_out > 0 {
        println!("{name}: {left_out} mutations were left out after {} s", ALL_MUTATIONS.as_secs());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn seeds(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let entries = fs::read_dir(folder).expect("a folder of seeds");
    let mut seeds: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    seeds.sort();
    assert!(seeds.len() > 5, "the seeds of {name} are missing");
    seeds
}

/// Runs `target` on its own thread. Returns a panic, or a run longer than `limit`, as text.
fn within(limit: Duration, target: fn(&[u8]), bytes: &[u8]) -> Result<(), String> {
    let (done, outcome) = mpsc::channel();
    let bytes = bytes.to_vec();
    // The thread is not joined. A thread that hangs ends with the test process.
    std::thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(|| target(&bytes)))));
    match outcome.recv_timeout(limit) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(panic)) => Err(format!("panicked: {}", words(panic.as_ref()))),
        Err(_) => Err(format!("takes longer than {} s", limit.as_secs())),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

/// Saves an input that failed, for `cargo fuzz run` or as a new seed.
fn keep(name: &str, label: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz-failures");
    fs::create_dir_all(&folder).expect("a folder for inputs");
    let path = folder.join(format!("{name}-{label}"));
    fs::write(&path, bytes).expect("an input can be written");
    path
}
