//! Runs programs to their end and measures their cost.
//!
//! Invariant: time, and memory of a single process, come from the kernel's account of that child, not from an estimate.

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

/// Cost of one run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Wall-clock time in seconds.
    pub wall: f64,
    /// Processor time in seconds, in user and kernel mode, on all cores together.
    pub cpu: f64,
    /// Processor time in seconds that was used elsewhere meanwhile: by other programs on this machine, or by other
    /// virtual machines on the host. If this is large, wall-clock times are not meaningful.
    pub elsewhere: f64,
    /// Peak memory in bytes. 0 if it was not measured.
    pub peak_bytes: u64,
    /// Size of the output files in bytes.
    pub output_bytes: u64,
    /// Seconds on the clock after the last encoded frame, where the tool says so.
    pub after_last_frame: Option<f64>,
}

/// Interval between two looks at a process tree: short enough for encoders, whose memory use lasts for seconds, and
/// long enough to take less than half a per cent of a core.
const LOOK: Duration = Duration::from_millis(100);

/// Runs `commands` one after the other. Each must succeed. Times are summed, and the peak is that of the largest
/// command.
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

/// Runs `command`, which must succeed. If it `has_pipes`, the peak is the largest sum over all of its processes at one
/// moment, sampled ten times a second, but at least the kernel's figure for the largest process.
///
/// The kernel's peak is only correct while this program itself is small: it includes the memory of the process that a
/// child was forked from. That is why sources, frames and scores are also handled in child processes.
///
/// # Errors
/// If the command cannot be started or fails.
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

/// Seconds that the cores of this machine worked since boot, or that the host took: proc_stat(5), everything except
/// idle and waiting. Guest time is included in user time.
pub fn busy() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let times = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = times.map_while(|time| time.parse().ok()).take(8).collect();
    let worked: u64 = ticks.iter().enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, time)| time).sum();
    worked as f64 / clock_ticks_per_second() as f64
}

/// Processor time used elsewhere since `before`, if the run itself used `own` seconds.
pub fn elsewhere(before: f64, own: f64) -> f64 {
    (busy() - before - own).max(0.0)
}

/// Memory that a process and its descendants hold now. Shared pages, such as those of libraries, count for each
/// process.
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

/// The parent of `process`: proc_pid_stat(5), the second field after the name in brackets.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Resident memory of `process` in bytes: proc_pid_status(5), which states KiB.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The median of the values. For an even number, the mean of the two middle values. NaN without values.
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
        // Each of four processes holds 32 MiB of text, long enough to overlap. While a shell reads such text, it holds
        // it twice for a moment.
        let hold = "text=$(head -c 33554432 /dev/zero | tr '\\0' x); sleep 3; echo ${#text}";
        let one = run(shell(hold), true).unwrap().peak_bytes;
        let four = run(shell(&[format!("({hold})").as_str(); 4].join(" | ")), true).unwrap().peak_bytes;
        assert!((32 << 20..128 << 20).contains(&one) && four >= 128 << 20, "{one} {four}");
    }
}
