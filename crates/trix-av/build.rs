//! Detects abilities that some releases of the installed libraries have and others lack.
//!
//! Each ability is detected by compiling a few lines of C with the headers, never by comparing versions. The sources of
//! this crate test for it with `#[cfg(NAME)]`. Abilities that only a running library shows are in `src/ability.rs`.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

/// Name of the ability | library for pkg-config | header | C code that compiles only with the ability.
const ABILITIES: [(&str, &str, &str, &str); 4] = [
    // Flags of a frame state its field order. Without this ability, separate fields of the struct do.
    (
        "frame_flags_tell_fields",
        "libavutil",
        "libavutil/frame.h",
        "int probe = AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST;",
    ),
    // Side data of a stream are part of its codec parameters. Without this ability, they are part of the stream.
    (
        "parameters_hold_side_data",
        "libavcodec",
        "libavcodec/codec_par.h",
        "int probe(AVCodecParameters *p) { return p->coded_side_data ? p->nb_coded_side_data : 0; }",
    ),
    // Codec parameters hold the frame rate of the bitstream.
    (
        "parameters_tell_rate",
        "libavcodec",
        "libavcodec/codec_par.h",
        "int probe(AVCodecParameters *p) { return p->framerate.num; }",
    ),
    // The x265 parameters hold the names of thread pools. Without this ability, they hold a pointer to the names.
    (
        "x265_parameters_hold_pools",
        "x265",
        "x265.h",
        "_Static_assert(sizeof(((x265_param *)0)->numaPools) > sizeof(char *), \"a pointer\");",
    ),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_VENDORED").is_some() {
        require_vendored();
    }
    for (name, library, header, code) in ABILITIES {
        println!("cargo::rustc-check-cfg=cfg({name})");
        let folder = pkg_config::get_variable(library, "includedir").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|error| panic!("{library} and its headers are needed: {error}"));
        println!("cargo::rerun-if-changed={}", folder.join(header).display());
        let include = format!("#include <stdint.h>\n#include <{header}>\n");
        // A broken compiler or header must not look like a library without the ability.
        assert!(compiles(&folder, &include), "a C compiler is needed that compiles: {include}");
        if compiles(&folder, &format!("{include}{code}\n")) {
            println!("cargo::rustc-cfg={name}");
        }
    }
}

/// Fails where pkg-config does not find the libraries of `make vendored`. Otherwise, those of the system would be linked.
fn require_vendored() {
    // Only those libraries have this file.
    pkg_config::Config::new().cargo_metadata(false).probe("trix-vendored").unwrap_or_else(|error| {
        panic!(
            "the feature `vendored` links the libraries of `make vendored`, and pkg-config does not find them. Run \
             `make build-vendored`, or give cargo `--config target/vendored/prefix/cargo.toml`: {error}"
        )
    });
}

fn compiles(folder: &Path, code: &str) -> bool {
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut command = cc::Build::new().cargo_metadata(false).out_dir(out).include(folder).get_compiler().to_command();
    let child = command
        .args(["-fsyntax-only", "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("a C compiler is needed ({command:?}): {error}"));
    let mut input = child.stdin.take().expect("the input is piped");
    input.write_all(code.as_bytes()).expect("the compiler reads its input");
    drop(input);
    child.wait().expect("the compiler ends").success()
}
