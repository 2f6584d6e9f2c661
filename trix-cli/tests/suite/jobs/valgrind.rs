//! Tests that valgrind finds no invalid memory access and no use of uninitialised memory, in `trix` and in the codec
//! libraries.

use std::process::Command;

use trix_fixtures::{folder, master};

/// Exit code of valgrind for an error. Trix does not use this code.
const FOUND: &str = "--error-exitcode=99";

fn watched(encoder: &str) {
    let folder = folder();
    let output = folder.path().join("out.mkv");
    let run = Command::new("valgrind")
        .args(["-q", FOUND, env!("CARGO_BIN_EXE_trix"), "encode"])
        .arg(master())
        .arg("-o")
        .arg(&output)
        .args(encoder.split(' '))
        .args("--chroma 420 --size 128x-2 --preset ultrafast --frames 4 --audio flac --threads 1".split(' '))
        .args(["--verify", "full"])
        .output()
        .expect("valgrind can be run; `make setup` installs it");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.is_empty(), "{said}");
    assert!(output.exists());
}

#[test]
fn an_x264_encode_makes_no_memory_error() {
    watched("--video x264 --depth 8");
}

#[test]
fn an_x265_encode_makes_no_memory_error() {
    watched("--video x265 --depth 12");
}

#[test]
fn a_two_pass_encode_makes_no_memory_error() {
    watched("--video x264 --depth 10 --bitrate 200 --passes 2");
}
