//! Tests of the output of `trix probe` for every media file, word for word, and of its speed.
//!
//! After an intended change, `INSTA_UPDATE=always cargo test -p trix-cli --test suite probe::` updates the snapshots.
//! Read the differences before you commit them.

use std::{path::Path, process::Command};

use trix_fixtures::{Clip, master, media};

use crate::support::{trix, words};

/// Raw planes without a header: nothing in the file describes them.
const REFUSED: &str = "sparks_ref_480x270.yuv42010le.yuv";

fn name(file: &Path) -> String {
    file.file_name().expect("a name").to_string_lossy().into_owned()
}

fn readable() -> impl Iterator<Item = std::path::PathBuf> {
    media::files().into_iter().filter(|file| name(file) != REFUSED)
}

/// Values that depend on the release of FFmpeg: the file, the text of some releases, and the text of the others.
const BY_RELEASE: &[(&str, &str, &str)] = &[
    ("sample_eac3joc.mp4", "\"Dolby Digital Plus + Dolby Atmos\"", "null"),
    ("sample_eac3joc.mp4", " Dolby Digital Plus + Dolby Atmos", ""),
    // One of the two clocks in this file has a timescale of zero.
    ("no_timescale.mp4", "\"bit_rate\": 96961", "\"bit_rate\": 79913"),
];

/// Compares with a snapshot. The path of the media folder on this machine is removed from the text.
fn compare(snapshot: &str, file: &Path, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/probe");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut said = said.replace(&file.display().to_string(), &name(file));
    for (_, newer, older) in BY_RELEASE.iter().filter(|(of, ..)| *of == name(file)) {
        said = said.replace(newer, older);
    }
    settings.bind(|| insta::assert_snapshot!(snapshot, said));
}

#[test]
fn the_words_about_every_media_file_are_the_known_ones() {
    for file in readable() {
        let ran = trix("probe {}", &[&file]);
        fits_a_terminal(&ran.done().out);
        compare(&format!("{}.words", name(&file)), &file, &ran.out);
    }
}

#[test]
fn the_json_about_every_media_file_is_the_known_one() {
    for file in readable() {
        let ran = trix("probe {} --json", &[&file]);
        compare(&format!("{}.json", name(&file)), &file, &ran.done().out);
    }
}

/// Asserts that no line is wider than a terminal, except the first one, which is a file name.
fn fits_a_terminal(said: &str) {
    let wide: Vec<&str> = said.lines().skip(1).filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty() && said.lines().count() > 4, "{said}");
}

#[test]
fn no_line_but_a_name_is_longer_than_a_terminal_is_wide() {
    let clips = [Clip::default().y4m(), master()];
    clips.iter().for_each(|file| fits_a_terminal(&trix("probe {}", &[file]).done().out));
    // Without `--count`, the snapshot test checks the width for media files.
    for file in clips.into_iter().chain(readable()) {
        fits_a_terminal(&trix("probe --count {}", &[&file]).done().out);
    }
}

#[test]
fn a_probe_of_every_media_file_takes_less_than_a_second_of_work() {
    for file in readable() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trix"));
        let child = command.args(words("probe {} --json", &[&file])).stdout(std::process::Stdio::null()).spawn();
        // Processor time of all threads, because the machine can be busy with other tests.
        let ended = wait4::Wait4::wait4(&mut child.expect("trix starts")).expect("trix ends");
        assert!(ended.status.success(), "{}", file.display());
        let work = ended.rusage.utime + ended.rusage.stime;
        assert!(work.as_millis() < 1000, "{} took {work:?}", file.display());
    }
}
