//! Runs programs to their end and says what they cost.
//!
//! Invariant: time and the memory of a single process are the kernel's account of that child, not a guess from outside.

use std::{
    fs, io,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::param::clock_ticks_per_second;
use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// What one run cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of processor time, in the program and in the kernel, on all cores together.
    pub cpu: f64,
    /// Seconds of processor time that went elsewhere meanwhile: to other programs of this machine, or, where it is a
    /// virtual one, to other machines. Nothing is read off the clock where this is much.
    pub elsewhere: f64,
    /// Most bytes of memory at once; 0 where it was not measured.
    pub peak_bytes: u64,
    /// Bytes of the output files.
    pub output_bytes: u64,
    /// Seconds on the clock after the last encoded frame, where the tool says so.
    pub after_last_frame: Option<f64>,
}

/// Time from one look at a tree of processes to the next: often enough for encoders, whose memory stays for seconds,
/// and seldom enough to take less than half a per cent of a core.
const LOOK: Duration = Duration::from_millis(100);

/// Runs `commands` one after the other; each must succeed. Their times are added up, and the peak is that of the
/// largest.
///
/// # Errors
/// As [`run`].
pub fn run_all(commands: Vec<Command>, has_pipes: bool) -> io::Result<Cost> {
    let mut whole =
        Cost { wall: 0.0, cpu: 0.0, elsewhere: 0.0, peak_bytes: 0, output_bytes: 0, after_last_frame: None };
    for command in commands {
        let cost = run(command, has_pipes)?;
        whole.wall += cost.wall;
        whole.cpu += cost.cpu;
        whole.elsewhere += cost.elsewhere;
        whole.peak_bytes = whole.peak_bytes.max(cost.peak_bytes);
    }
    Ok(whole)
}

/// Runs `command`, which must succeed. Where it `has_pipes`, the peak is the most that all of its processes held
/// together at one of the looks, ten a second, but no less than the kernel counts of the largest of them.
///
/// The kernel's peak is only true while this program itself is small: it counts the memory of the process that a child
/// was split off from. That is why sources, frames and scores are handled in children, too.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(mut command: Command, has_pipes: bool) -> io::Result<Cost> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let (began, busy) = (Instant::now(), busy());
    let mut child = command.spawn()?;
    let root = child.id();
    let (done, seen) = thread::scope(|scope| {
        let (ended, wait) = mpsc::channel::<()>();
        let looks = has_pipes.then(|| {
            scope.spawn(move || {
                let mut most = 0;
                while wait.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    most = most.max(tree_bytes(root));
                }
                most
            })
        });
        let done = child.wait4();
        let wall = began.elapsed().as_secs_f64();
        drop(ended);
        let seen = looks.and_then(|looks| looks.join().ok()).unwrap_or(0);
        (done.map(|done| (done, wall)), seen)
    });
    let (done, wall) = done?;
    if !done.status.success() {
        return Err(io::Error::other(format!("{command:?} failed: {}", done.status)));
    }
    let usage = done.rusage;
    let cpu = (usage.utime + usage.stime).as_secs_f64();
    let (elsewhere, peak_bytes) = (elsewhere(busy, cpu), usage.maxrss.max(seen));
    Ok(Cost { wall, cpu, elsewhere, peak_bytes, output_bytes: 0, after_last_frame: None })
}

/// Seconds that the cores of this machine worked since it was started, or were taken from it: proc_stat(5), all but
/// idle and waiting; a guest's time is in the user's.
pub fn busy() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let times = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = times.map_while(|time| time.parse().ok()).take(8).collect();
    let worked: u64 = ticks.iter().enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, time)| time).sum();
    worked as f64 / clock_ticks_per_second() as f64
}

/// What of that went elsewhere since it was `before`, while `own` seconds were a run's own.
pub fn elsewhere(before: f64, own: f64) -> f64 {
    (busy() - before - own).max(0.0)
}

/// Memory that a process and those that it started hold now. Pages that several of them share, as those of libraries
/// are, count for each.
fn tree_bytes(root: u32) -> u64 {
    let Ok(folder) = fs::read_dir("/proc") else { return 0 };
    let numbers = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let processes: Vec<(u32, u32)> = numbers.filter_map(|process| Some((process, parent(process)?))).collect();
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(&one) = tree.get(at) {
        tree.extend(processes.iter().filter(|(_, parent)| *parent == one).map(|(process, _)| process));
        at += 1;
    }
    tree.into_iter().filter_map(resident).sum()
}

/// The process that started `process`: proc_pid_stat(5), the second field behind the name in brackets.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes of `process` that are in memory: proc_pid_status(5), in KiB there.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The middle of some numbers; the mean of the two in the middle where their number is even, NaN where there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[length / 2],
        length => (values[length / 2 - 1] + values[length / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-c", text]);
        shell
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_child_is_charged_for_what_it_does() {
        let busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let cost = run(shell(busy), false).unwrap();
        assert!(cost.cpu > 0.0 && cost.wall > 0.0 && cost.peak_bytes > 100_000, "{cost:?}");
        assert!(run(Command::new("false"), false).is_err());
        let twice = run_all(vec![shell(busy), shell(busy)], false).unwrap();
        assert!(twice.cpu > cost.cpu && twice.wall > cost.wall, "{twice:?} {cost:?}");
    }

    #[test]
    fn what_others_do_meanwhile_is_seen() {
        let mut other = Command::new("bash").args(["-c", "while true; do :; done"]).spawn().unwrap();
        let cost = run(shell("sleep 1"), false);
        other.kill().unwrap();
        other.wait().unwrap();
        let cost = cost.unwrap();
        assert!(cost.elsewhere > 0.2 && cost.cpu < 0.2, "{cost:?}");
    }

    #[test]
    fn the_memory_of_a_pipeline_is_added_up() {
        // Each of four processes holds text of 32 MiB, long enough to be seen together; a shell that reads such a text
        // holds it twice for a moment.
        let hold = "text=$(head -c 33554432 /dev/zero | tr '\\0' x); sleep 3; echo ${#text}";
        let one = run(shell(hold), true).unwrap().peak_bytes;
        let four = run(shell(&[format!("({hold})").as_str(); 4].join(" | ")), true).unwrap().peak_bytes;
        assert!((32 << 20..128 << 20).contains(&one) && four >= 128 << 20, "{one} {four}");
    }
}
