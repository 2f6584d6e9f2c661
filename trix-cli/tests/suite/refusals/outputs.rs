//! Tests that Trix rejects an output that it cannot write, and keeps an existing file with this name.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use trix_fixtures::{Clip, TempDir, folder, program};

use crate::support::{self, names, start, trix, words};

fn source() -> PathBuf {
    Clip::default().encoded("-c:v libx264", "mp4")
}

/// Copies the source to a folder where a test may damage it.
fn copy_into(folder: &TempDir) -> PathBuf {
    let copy = folder.path().join("source.mp4");
    fs::copy(source(), &copy).expect("a copy");
    copy
}

#[test]
fn the_source_is_never_its_own_output() {
    let folder = folder();
    let source = copy_into(&folder);
    let before = fs::read(&source).expect("a source");
    fs::create_dir(folder.path().join("sub")).expect("a folder");
    let link = folder.path().join("link.mp4");
    symlink(&source, &link).expect("a link");
    let hard = folder.path().join("hard.mp4");
    fs::hard_link(&source, &hard).expect("a link");
    let around = folder.path().join("sub/../source.mp4");
    let standing = names(folder.path());
    for output in [&source, &around, &link, &hard] {
        for overwrite in ["", "--overwrite"] {
            let ran = trix(&format!("encode {{}} -o {{}} {overwrite}"), &[&source, output]);
            assert!(ran.refused(2, output).contains("is the source"), "{ran:?}");
        }
        // The reverse case: the source is a link, and the output is its target.
        let ran = trix("encode {} -o {} --overwrite", &[output, &source]);
        assert!(ran.refused(2, &source).contains("is the source"), "{ran:?}");
    }
    assert_eq!(names(folder.path()), standing);
    assert_eq!(fs::read(&source).expect("a source"), before);
}

#[test]
fn no_image_of_a_sequence_is_replaced() {
    let folder = folder();
    let images = folder.path().join("f_%04d.jpg");
    program::ffmpeg(&format!("-f lavfi -i testsrc=size=64x64:rate=25 -frames:v 3 {}", images.display()));
    let before = fs::read(folder.path().join("f_0002.jpg")).expect("an image");
    let text = "overwrite_stills = true\n[source]\npath = \"f_%04d.jpg\"\n[[outputs]]\npath = \"copy.mkv\"\n\
                [[stills]]\ntype = \"poster\"\npath = \"f_0002.jpg\"\n";
    support::file(&folder, "job.toml", text);
    let mut command = support::command("run job.toml", &[]);
    command.current_dir(folder.path());
    let ran = support::watch(command);
    assert!(ran.code == Some(2) && ran.err.contains("the output is the source itself"), "{ran:?}");
    assert!(fs::read(folder.path().join("f_0002.jpg")).expect("an image") == before);
}

#[test]
fn a_missing_folder_is_made_for_a_sound_job() {
    let folder = folder();
    let output = folder.path().join("new/sub/out.mp4");
    let line = "encode {} -o {} --preset ultrafast";
    for mistake in ["--crf 99", "--gop 0"] {
        trix(&format!("{line} {mistake}"), &[&source(), &output]).refused(2, &output);
        assert_eq!(names(folder.path()), [""; 0], "{mistake}");
    }
    trix(line, &[&source(), &output]).done();
    trix("verify {}", &[&output]).done();
    assert_eq!(names(&folder.path().join("new/sub")), ["out.mp4"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_output_error() {
    let folder = folder();
    support::file(&folder, "film", "no folder");
    let output = folder.path().join("film/sub/out.mp4");
    let ran = trix("encode {} -o {}", &[&source(), &output]);
    assert!(ran.refused(5, &output).contains("its folder cannot be made: Not a directory"), "{ran:?}");
    assert_eq!(names(folder.path()), ["film"]);
}

#[test]
fn an_output_path_that_is_no_file_is_not_replaced() {
    let folder = folder();
    let output = folder.path().join("out.mp4");
    fs::create_dir(&output).expect("a folder");
    trix("encode {} -o {} --overwrite", &[&source(), &output]).refused(5, &output);
    assert_eq!(names(folder.path()), ["out.mp4"]);
    assert_eq!(names(&output), [""; 0]);
    let pipe = folder.path().join("pipe.mp4");
    program::run("mkfifo", [&pipe]);
    trix("encode {} -o {} --overwrite", &[&source(), &pipe]).refused(5, &pipe);
    let beneath = source().join("out.mp4");
    trix("encode {} -o {}", &[&source(), &beneath]).refused(5, &beneath);
}

#[test]
fn a_read_only_folder_is_an_output_error() {
    let folder = folder();
    let output = folder.path().join("out.mp4");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("permissions");
    // Without capabilities, file modes apply to root as well.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_trix")]);
    command.args(words("encode {} -o {}", &[&source(), &output]));
    assert!(support::watch(command).refused(5, &output).contains("Permission denied"));
    assert_eq!(names(folder.path()), [""; 0]);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn an_existing_output_is_kept_without_overwrite() {
    let folder = folder();
    let output = folder.path().join("out.mp4");
    fs::write(&output, "dear").expect("a file");
    let ran = trix("encode {} -o {} --preset ultrafast", &[&source(), &output]);
    assert!(ran.refused(5, &output).contains("`overwrite` replaces it"), "{ran:?}");
    assert_eq!(fs::read(&output).expect("the file"), b"dear");
    trix("encode {} -o {} --preset ultrafast --overwrite", &[&source(), &output]).done();
    trix("verify {}", &[&output]).done();
    assert_eq!(names(folder.path()), ["out.mp4"]);
}

#[test]
fn a_failed_encode_keeps_the_existing_output() {
    let folder = folder();
    let output = folder.path().join("out.mp4");
    fs::write(&output, "dear").expect("a file");
    let bytes = fs::read(Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4")).expect("a fixture");
    let elsewhere = trix_fixtures::folder();
    let cut = support::file(&elsewhere, "cut.mp4", &bytes[..bytes.len() * 2 / 3]);
    trix("encode {} -o {} --overwrite", &[&cut, &output]).refused(3, &cut);
    assert_eq!(fs::read(&output).expect("the file"), b"dear");
    assert_eq!(names(folder.path()), ["out.mp4"]);
}

#[test]
fn a_link_to_an_output_leads_to_one_whole_file() {
    // Trix may replace the link or its target, but must not leave a partial file.
    let folder = folder();
    let (real, link) = (folder.path().join("real.mp4"), folder.path().join("link.mp4"));
    fs::write(&real, "dear").expect("a file");
    symlink(&real, &link).expect("a link");
    trix("encode {} -o {} --preset ultrafast", &[&source(), &link]).refused(5, &link);
    assert_eq!(fs::read(&real).expect("the file"), b"dear");
    trix("encode {} -o {} --preset ultrafast --overwrite", &[&source(), &link]).done();
    trix("verify {}", &[&link]).done();
    assert_eq!(names(folder.path()), ["link.mp4", "real.mp4"]);
}

#[test]
fn names_are_as_long_as_the_file_system_allows() {
    let folder = folder();
    let longest = folder.path().join(format!("{}.mp4", "x".repeat(251)));
    trix("encode {} -o {} --preset ultrafast", &[&source(), &longest]).done();
    assert_eq!(names(folder.path()).len(), 1);
    let longer = folder.path().join(format!("{}.mp4", "y".repeat(252)));
    assert!(trix("encode {} -o {}", &[&source(), &longer]).refused(5, &longer).contains("too long"));
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn of_two_encodes_to_one_output_one_wins_and_the_other_is_refused() {
    let source = Clip { frames: 60, ..Clip::default() }.y4m();
    for round in 0..4 {
        let folder = folder();
        let output = folder.path().join("out.mp4");
        let overwrite = if round % 2 == 0 { "" } else { "--overwrite" };
        let one =
            || start(support::command(&format!("encode {{}} -o {{}} --preset fast {overwrite}"), &[&source, &output]));
        let (first, second) = (one(), one());
        let mut codes = [0; 2];
        for (code, child) in codes.iter_mut().zip([first, second]) {
            let ran = support::finish(child);
            if ran.code != Some(0) {
                ran.refused(5, &output);
                *code = 5;
            }
        }
        codes.sort_unstable();
        assert!(codes == [0, 5] || (round % 2 == 1 && codes == [0, 0]), "{codes:?}");
        trix("verify {} --against {}", &[&output, &source]).done();
        assert_eq!(names(folder.path()), ["out.mp4"]);
    }
}

/// Runs `trix` with a file system of `size` bytes mounted on `folder`. Also returns the contents of the folder after
/// the run. `None`, with a message, if file systems cannot be mounted.
fn on_a_disk_of(
    size: &str,
    folder: &Path,
    prepare: &str,
    line: &str,
    paths: &[&Path],
) -> Option<(support::Ran, String)> {
    if !support::can_mount() {
        return None;
    }
    let script = format!(
        "mount -t tmpfs -o size={size} none \"$0\" && cd \"$0\" && {{ {prepare}; }} && \
         \"$@\"; code=$?; ls -A \"$0\"; cat \"$0\"/*.txt 2>/dev/null; exit $code"
    );
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).arg(folder).arg(env!("CARGO_BIN_EXE_trix")).args(words(line, paths));
    let ran = support::watch(command);
    let left = ran.out.clone();
    Some((ran, left))
}

#[test]
fn a_full_disk_is_an_output_error_and_is_left_empty() {
    let clip = Clip { frames: 60, ..Clip::default() }.y4m();
    let folder = folder();
    for name in ["out.mp4", "out.mkv", "out.mov"] {
        let output = folder.path().join(name);
        for size in ["4k", "16k", "64k", "120k"] {
            let line = "encode {} -o {} --preset ultrafast --qp 8";
            let Some((ran, left)) = on_a_disk_of(size, folder.path(), ":", line, &[&clip, &output]) else { return };
            let message = ran.refused(5, &output);
            assert!(message.contains("No space left"), "{message}");
            // The free space is compared with an estimate before the first frame.
            let warning = format!("trix: note: {}: the outputs may take ", folder.path().display());
            assert_eq!(ran.err.starts_with(&warning), ["4k", "16k"].contains(&size), "{size}: {ran:?}");
            assert_eq!(left, "", "{name} on {size}");
        }
    }
}

#[test]
fn the_space_for_all_masters_is_compared_before_the_first_frame() {
    let (folder, masters) = (folder(), folder());
    let clip = Clip { frames: 60, ..Clip::default() }.y4m();
    for number in 0..8 {
        std::fs::copy(&clip, masters.path().join(format!("{number}.y4m"))).expect("a copy");
    }
    let profile = "[[outputs]]\npath = \"${stem}.mp4\"\nvideo = { type = \"x264\", preset = \"ultrafast\", qp = 8 }\n";
    let profile = support::file(&masters, "one.toml", profile);
    let line = "ingest {} -o {} --profile {}";
    let paths: [&Path; 3] = [masters.path(), folder.path(), &profile];
    let Some((ran, _)) = on_a_disk_of("64k", folder.path(), ":", line, &paths) else { return };
    let warning = format!("trix: note: {}: the copies of all masters may take ", folder.path().display());
    assert_eq!(ran.err.matches("may take").count(), 1, "each master alone has room: {ran:?}");
    assert!(ran.err.starts_with(&warning), "{ran:?}");
}

#[test]
fn a_disk_that_fills_up_keeps_the_existing_files() {
    let clip = Clip { frames: 60, ..Clip::default() }.y4m();
    let folder = folder();
    let output = folder.path().join("out.mp4");
    let (line, prepare) =
        ("encode {} -o {} --overwrite --preset ultrafast --qp 8", "echo dear > out.mp4; ln out.mp4 a.txt");
    let Some((ran, left)) = on_a_disk_of("64k", folder.path(), prepare, line, &[&clip, &output]) else { return };
    ran.refused(5, &output);
    assert_eq!(left, "a.txt\nout.mp4\ndear\n");
}
