//! A long test: an ingest that is killed at random moments, a hundred times in all, ends with the bytes of one that was not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use trix_fixtures::{folder, program};

use crate::support::{self, Dice, names};

/// Kills in all.
const KILLS: usize = 100;

/// Forty seconds with audio.
fn film() -> PathBuf {
    trix_fixtures::clip::made("kills-film.mkv", |path| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=256x144:rate=25 -f lavfi -i sine=sample_rate=48000 -t 40 -c:v libx264 -preset ultrafast \
             -g 50 -c:a flac -f matroska {}",
            path.display()
        ));
    })
}

fn ingest(folder: &Path) -> Command {
    let line = "ingest {} -o {} --profile preview --set chunks=on --set preview_preset=slower";
    support::command(line, &[&film(), folder])
}

/// The copies of an ingest. The manifest beside them has the time of the ingest.
fn copies(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let own = names(folder).into_iter().filter(|name| !name.ends_with(".json"));
    own.map(|name| (name.clone(), fs::read(folder.join(name)).expect("a copy"))).collect()
}

#[test]
fn an_ingest_that_is_killed_a_hundred_times_ends_with_the_same_bytes() {
    let whole = folder();
    let once = support::watch(ingest(whole.path())).done().took;
    let wanted = copies(whole.path());
    assert!(wanted.len() > 1, "{:?}", names(whole.path()));
    let (mut dice, mut kills, mut ends) = (Dice(11), 0, 0);
    while kills < KILLS {
        let folder = folder();
        loop {
            let mut command = ingest(folder.path());
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("trix");
            // Most moments are in the chunks; some are before them, while they are joined, and while names are given.
            thread::sleep(once * u32::try_from(dice.below(700)).expect("a small number") / 1000);
            child.kill().expect("a child can be killed");
            match child.wait().expect("it ended").code() {
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
