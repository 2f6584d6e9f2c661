//! Runs a program to its end and says what it cost.
//!
//! Invariant: time and memory are the kernel's account of that one child, not a guess from outside.

use std::{
    io,
    process::{Command, Stdio},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// What one run cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of processor time, in the program and in the kernel, on all cores together.
    pub cpu: f64,
    /// Most bytes of memory at once; 0 where it was not measured.
    pub peak_bytes: u64,
    /// Bytes of the output file.
    pub output_bytes: u64,
}

/// Runs `command`, which must succeed.
///
/// The peak is only true while this program itself is small: the kernel counts the memory of the process that a child
/// was split off from. That is why frames and scores are handled in children, too.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(mut command: Command) -> io::Result<Cost> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let done = command.spawn()?.wait4()?;
    let wall = began.elapsed().as_secs_f64();
    if !done.status.success() {
        return Err(io::Error::other(format!("{command:?} failed: {}", done.status)));
    }
    let usage = done.rusage;
    let cpu = (usage.utime + usage.stime).as_secs_f64();
    Ok(Cost { wall, cpu, peak_bytes: usage.maxrss, output_bytes: 0 })
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

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_child_is_charged_for_what_it_does() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]);
        let cost = run(busy).unwrap();
        assert!(cost.cpu > 0.0 && cost.wall > 0.0 && cost.peak_bytes > 100_000, "{cost:?}");
        assert!(run(Command::new("false")).is_err());
    }
}
