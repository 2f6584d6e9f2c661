#!/usr/bin/env bash
# scripts/vendored/release.sh COMMAND...: runs a command that builds with cargo what other machines will run. Messages of a panic
# name source files; they must not name folders of this machine.
set -euo pipefail
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
exec "$@"
