//! A long test: the archive copies of a large master fit into a memory limit that is too small for all of them at once.
//!
//! Where control groups can be made (as root), the kernel ends a process beyond the limit. Elsewhere, the memory is only looked at.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::Duration,
};

use trix_core::{Plan, plan::MemoryPlan};
use trix_fixtures::{folder, program};

use crate::support::{self, names};

/// More frames than x264 and x265 look ahead.
const FRAMES: u32 = 64;

/// A master of `height` rows at 10 bits.
fn master(height: u32) -> PathBuf {
    trix_fixtures::clip::made(&format!("archive-memory-{height}.mov"), |path| {
        let width = height * 16 / 9;
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size={width}x{height}:rate=25 -frames:v {FRAMES} \
             -pix_fmt yuv422p10le -c:v prores_ks -profile:v 3 -q:v 6 -f mov {}",
            path.display()
        ));
    })
}

/// Kibibytes that a process and those that it started have, pages that several of them share counted once.
fn taken_kib(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let own = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok());
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| list.split_whitespace().filter_map(|own| own.parse().ok()).collect::<Vec<_>>())
        .collect();
    own.unwrap_or(0) + children.into_iter().map(taken_kib).sum::<u64>()
}

/// The most memory that a command takes, looked at twenty times a second, in kibibytes.
fn peak_kib(mut command: Command) -> u64 {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("trix");
    let mut peak = 0;
    loop {
        peak = peak.max(taken_kib(child.id()));
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break assert!(status.success(), "{status}"),
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
    peak
}

/// A control group with a memory limit.
struct Group(PathBuf);

impl Group {
    /// `None` where none can be made.
    fn of(bytes: u64) -> Option<Self> {
        let name = format!("trix-test-{}", process::id());
        [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")].iter().find_map(
            |(parent, limit)| {
                let folder = Path::new(parent).join(&name);
                fs::create_dir(&folder).ok()?;
                let group = Self(folder);
                // Writes into a file of its own fail where no controller gives the folder one.
                let file = group.0.join(limit);
                (file.exists() && fs::write(file, bytes.to_string()).is_ok()).then_some(group)
            },
        )
    }

    /// The command, within the group.
    fn confine(&self, command: &Command) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(self.0.join("cgroup.procs"));
        shell.arg(command.get_program()).args(command.get_args()).env_remove("COLUMNS");
        shell
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let removed = fs::remove_dir(&self.0);
        assert!(removed.is_ok() || thread::panicking(), "{removed:?}");
    }
}

fn planned(limit: &str, height: u32, chunks: &str) -> MemoryPlan {
    let line = format!("plan {{}} --profile archive --set memory={limit} --chunks {chunks} --machine 2,32GiB --json");
    let ran = support::watch(support::command(&line, &[&master(height)]));
    let plan: Plan = serde_json::from_str(&ran.done().out).expect("a plan");
    plan.memory
}

/// Makes the archive of a master within `gib` gibibytes, and 15 %: in one piece, and in chunks.
fn fits(height: u32, gib: u64) {
    let limit = format!("{gib}GiB");
    let all = planned("auto", height, "off").estimate;
    assert!(all > gib << 30, "{all} bytes are no test");
    for chunks in ["off", "on"] {
        assert!(planned(&limit, height, chunks).estimate <= gib << 30);
        let group = Group::of((gib << 30) * 115 / 100);
        let peak = ingested(&limit, height, chunks, group.as_ref());
        let bound = if group.is_some() { "set for a control group" } else { "only looked at" };
        let mib = peak >> 10;
        writeln!(io::stderr(), "{height} rows, chunks {chunks}: {mib} MiB of {gib} GiB ({bound})")
            .expect("a terminal or a file");
        assert!(peak * 100 <= (gib << 20) * 115, "{peak} KiB of {gib} GiB");
    }
}

/// Makes the archive of a master, in a group if there is one; the most memory that it took, in kibibytes.
fn ingested(limit: &str, height: u32, chunks: &str, group: Option<&Group>) -> u64 {
    let folder = folder();
    let line = format!("ingest {{}} -o {{}} --profile archive --set memory={limit} --chunks {chunks}");
    let command = support::command(&line, &[&master(height), folder.path()]);
    let peak = peak_kib(match group {
        Some(group) => group.confine(&command),
        None => command,
    });
    let copies = names(folder.path()).into_iter().filter(|name| name.ends_with(".mkv")).count();
    assert_eq!(copies, 5, "{:?}", names(folder.path()));
    peak
}

#[test]
fn the_archive_of_a_1080p_master_takes_2_gib() {
    fits(1080, 2);
}

#[test]
fn the_archive_of_a_2160p_master_takes_6_gib() {
    fits(2160, 6);
}

#[test]
fn a_job_sees_the_limit_of_its_control_group() {
    let Some(group) = Group::of(5 << 29) else {
        return writeln!(io::stderr(), "not run: no control group can be made").expect("a terminal or a file");
    };
    let peak = ingested("auto", 1080, "off", Some(&group));
    writeln!(io::stderr(), "1080 rows: {} MiB in a control group of 2560 MiB", peak >> 10)
        .expect("a terminal or a file");
}
