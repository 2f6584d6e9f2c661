//! Tests that two hundred jobs in one process leave no memory and no threads behind.
//!
//! The jobs run in a separate process, because other tests in the same process would change these numbers.

use std::{fs, thread, time::Duration};

use trix_core::settings::{job::VerifyLevel, video::Encoder};
use trix_fixtures::{Clip, folder};

use crate::support::{alone, done, quick, video_job};

/// Resident memory of this process in kB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("kilobytes")
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("Linux").count()
}

#[test]
fn two_hundred_jobs_leave_no_memory_and_no_threads_behind() {
    alone(module_path!(), "two_hundred_jobs_in_a_process", &[]);
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn two_hundred_jobs_in_a_process() {
    let clip = Clip { width: 64, height: 64, frames: 5, ..Clip::default() };
    let (source, folder) = (clip.y4m(), folder());
    let at_first = threads();
    let mut after_twenty = 0;
    for round in 0..200 {
        let encoder = if round % 2 == 0 { Encoder::X264 } else { Encoder::X265 };
        let output = folder.path().join(format!("{round}.mp4"));
        let mut job = video_job(&source, &output, encoder, quick(""));
        // Each job has a thread pool for verification. Half of the jobs also decode and compare on it.
        if round % 4 < 2 {
            job.outputs[0].verify = VerifyLevel::Full;
        }
        let report = done(&job);
        assert_eq!(report.outputs[0].ledger.expect("a ledger").emitted, 5);
        fs::remove_file(&output).expect("the output is there");
        if round == 19 {
            after_twenty = resident();
        }
    }
    let growth = resident().saturating_sub(after_twenty);
    assert!(growth < 30_000, "180 jobs left {growth} kB behind, from {after_twenty} kB on");
    // The system lists a thread for a moment after its end.
    let mut left = threads();
    for _ in 0..50 {
        if left <= at_first {
            break;
        }
        thread::sleep(Duration::from_millis(20));
        left = threads();
    }
    assert_eq!(left, at_first, "threads left behind");
}
