//! Long tests: an ingest that is killed at random moments ends with the bytes of one that was not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use trix_core::Plan;
use trix_fixtures::{folder, program};

use crate::support::{self, Dice, names};

/// Kills of one ingest, and of several in all.
const OF_ONE: usize = 100;
const OF_SEVERAL: usize = 60;

/// A film of so many seconds, with audio.
fn film(seconds: u32) -> PathBuf {
    trix_fixtures::clip::made(&format!("kills-film-{seconds}.mkv"), |path| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=256x144:rate=25 -f lavfi -i sine=sample_rate=48000 -t {seconds} -c:v libx264 \
             -preset ultrafast -g 50 -c:a flac -f matroska {}",
            path.display()
        ));
    })
}

/// An ingest, with or without a process for each chunk.
fn ingest(seconds: u32, folder: &Path, is_isolated: bool) -> Command {
    let isolate = if is_isolated { "on" } else { "off" };
    let line = format!(
        "ingest {{}} -o {{}} --profile preview --set chunks=on --set preview_preset=slower --isolate {isolate}"
    );
    support::command(&line, &[&film(seconds), folder])
}

/// Starts an ingest, and kills it after `time`, unless it has ended. Its exit code then.
fn killed(mut command: Command, time: Duration) -> Option<i32> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("trix");
    thread::sleep(time);
    child.kill().expect("a child can be killed");
    child.wait().expect("it ended").code()
}

/// The copies of an ingest. The manifest beside them has the time of the ingest.
fn copies(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let own = names(folder).into_iter().filter(|name| !name.ends_with(".json"));
    own.map(|name| (name.clone(), fs::read(folder.join(name)).expect("a copy"))).collect()
}

#[test]
fn an_ingest_that_is_killed_a_hundred_times_ends_with_the_same_bytes() {
    const SECONDS: u32 = 300;
    let (whole, folder) = (folder(), folder());
    let once = support::watch(ingest(SECONDS, whole.path(), false)).done().took;
    let wanted = copies(whole.path());
    let plan = support::trix(
        "plan {} --profile preview --set chunks=on --set preview_preset=slower --json",
        &[&film(SECONDS)],
    );
    let plan: Plan = serde_json::from_str(&plan.done().out).expect("a plan");
    let all = plan.chunks.expect("chunks").ranges.len();
    let kept = || {
        let stores = names(folder.path()).into_iter().filter(|name| name.ends_with(".trix-chunks"));
        let entries = stores.flat_map(|store| names(&folder.path().join(store)));
        entries.filter(|name| name.ends_with(".chunk")).count()
    };
    let cores = thread::available_parallelism().expect("cores").get();
    let mut dice = Dice(7);
    for kill in 0..OF_ONE {
        // About twice the time in which a core makes a chunk; less near the end, so that it is not reached.
        let share = if kept() + 2 * cores < all { 2200 } else { 300 };
        let share = u32::try_from(dice.below(share)).expect("a small number");
        let time = once * u32::try_from(cores.min(all)).expect("few") * share / u32::try_from(1000 * all).expect("few");
        assert_eq!(
            killed(ingest(SECONDS, folder.path(), kill % 3 == 0), time),
            None,
            "{} of {all} chunks at kill {kill}",
            kept()
        );
    }
    let before = kept();
    assert!(before > all / 4, "{before} of {all} chunks were made in {OF_ONE} runs");
    let last = support::watch(ingest(SECONDS, folder.path(), false));
    last.done();
    assert!(last.err.contains(&format!("{before} of {all} chunks are kept")), "{last:?}");
    assert!(copies(folder.path()) == wanted, "{:?}", names(folder.path()));
}

#[test]
fn ingests_that_are_killed_anywhere_end_with_the_same_bytes() {
    const SECONDS: u32 = 40;
    let whole = folder();
    let once = support::watch(ingest(SECONDS, whole.path(), false)).done().took;
    let wanted = copies(whole.path());
    assert!(wanted.len() > 1, "{:?}", names(whole.path()));
    let (mut dice, mut kills, mut ends) = (Dice(11), 0, 0);
    while kills < OF_SEVERAL {
        let folder = folder();
        loop {
            // Most moments are in the chunks; some are before them, while they are joined, and while names are given.
            let time = once * u32::try_from(dice.below(700)).expect("a small number") / 1000;
            match killed(ingest(SECONDS, folder.path(), kills % 3 == 0), time) {
                Some(code) => {
                    assert_eq!(code, 0);
                    break;
                }
                None => kills += 1,
            }
            // A kill between the last name and the manifest leaves copies that the next run does not replace.
            if names(folder.path()).iter().any(|name| !name.starts_with('.')) {
                break;
            }
        }
        let made = copies(folder.path());
        for (name, bytes) in wanted.iter().filter(|(name, _)| made.iter().any(|(own, _)| own == name)) {
            let own = made.iter().find(|(own, _)| own == name).map(|(_, bytes)| bytes);
            assert!(own == Some(bytes), "{name} after {kills} kills");
        }
        ends += usize::from(made.len() == wanted.len());
    }
    // Otherwise the moments were badly chosen.
    assert!(ends >= 3, "{ends} ingests came to their end in {kills} kills");
}
