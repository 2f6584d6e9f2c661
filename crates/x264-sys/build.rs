//! Finds libx264 with pkg-config and generates bindings from its header.
//!
//! The name of libx264's entry point contains the build number (`x264_encoder_open_164`), so that a program cannot link
//! with another ABI than the one it was compiled for. This script reads the number from the header and binds the
//! function under the stable name `encoder_open`.

use std::{env, fs, path::PathBuf};

fn main() {
    let library = pkg_config::Config::new()
        .statik(env::var_os("CARGO_FEATURE_VENDORED").is_some())
        .atleast_version("0.155")
        .probe("x264")
        .expect("libx264 and its header are needed: apt-get install libx264-dev");

    let mut bindings = bindgen::Builder::default()
        .header_contents("wrapper.h", "#include <stdint.h>\n#include <stdarg.h>\n#include <x264.h>\n")
        .allowlist_item("(x264|X264|nal)_.*")
        .layout_tests(false)
        .derive_debug(false)
        .generate_comments(false);
    for path in &library.include_paths {
        bindings = bindings.clang_arg(format!("-I{}", path.display()));
    }
    let text = bindings.generate().expect("bindgen reads x264.h").to_string();

    // Without rustfmt, bindgen formats its output differently.
    let dense: String = text.split_whitespace().collect();
    let build: u32 = dense
        .split("pubconstX264_BUILD:u32=")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .and_then(|number| number.parse().ok())
        .expect("x264.h defines X264_BUILD");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("bindings.rs"), text).expect("OUT_DIR can be written");
    fs::write(out.join("entry.rs"), format!("pub use x264_encoder_open_{build} as encoder_open;\n"))
        .expect("OUT_DIR can be written");
    println!("cargo::rerun-if-changed=build.rs");
}
