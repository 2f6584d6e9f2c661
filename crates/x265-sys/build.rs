//! Finds libx265 with pkg-config and generates bindings from its header.
//!
//! The name of libx265's entry point contains the build number (`x265_api_get_199`), so that a program cannot link with
//! another ABI than the one it was compiled for. This script reads the number from the header and binds the function
//! under the stable name `api_get`.

use std::{env, fs, path::PathBuf};

fn main() {
    let library = pkg_config::Config::new()
        .statik(env::var_os("CARGO_FEATURE_VENDORED").is_some())
        .atleast_version("3.4")
        .probe("x265")
        .expect("libx265 and its header are needed: apt-get install libx265-dev");

    let mut bindings = bindgen::Builder::default()
        .header_contents("wrapper.h", "#include <stdint.h>\n#include <x265.h>\n")
        .allowlist_item("(x265|X265)_.*")
        .layout_tests(false)
        .derive_debug(false)
        .generate_comments(false);
    for path in &library.include_paths {
        bindings = bindings.clang_arg(format!("-I{}", path.display()));
    }
    let text = bindings.generate().expect("bindgen reads x265.h").to_string();

    // Without rustfmt, bindgen formats its output differently.
    let dense: String = text.split_whitespace().collect();
    let build: u32 = dense
        .split("pubconstX265_BUILD:u32=")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .and_then(|number| number.parse().ok())
        .expect("x265_config.h defines X265_BUILD");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("bindings.rs"), text).expect("OUT_DIR can be written");
    fs::write(out.join("entry.rs"), format!("pub use x265_api_get_{build} as api_get;\n"))
        .expect("OUT_DIR can be written");
    println!("cargo::rerun-if-changed=build.rs");
}
