#!/usr/bin/env bash
# fuzz.sh SECONDS TARGET...: runs each target of fuzz/ for so long; the first crash ends it and names its input.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift

cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked

# The sanitizers are unstable flags of rustc: a nightly compiler takes them, a stable one when told to.
cargo=(cargo)
if [[ $(rustc --version) != *nightly* ]]; then
    if rustup toolchain list 2>/dev/null | grep '^nightly' >/dev/null; then
        cargo=(cargo +nightly)
    else
        export RUSTC_BOOTSTRAP=1
    fi
fi

for target in "$@"; do
    # libFuzzer writes what it finds to the first folder and reads the others.
    corpus=("fuzz/corpus/$target")
    mkdir -p "${corpus[0]}"
    [[ ! -d fuzz/seeds/$target ]] || corpus+=("fuzz/seeds/$target")
    echo "fuzz: $target for $seconds s"
    "${cargo[@]}" fuzz run "$target" "${corpus[@]}" -- -max_total_time="$seconds"
done
