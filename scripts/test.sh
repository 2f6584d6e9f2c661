#!/usr/bin/env bash
# The whole suite: unit and integration tests, then the examples in the documentation, which nextest cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked ${CI:+--profile ci}
else
    cargo test --workspace --tests --locked ${CI:+--no-fail-fast}
fi
cargo test --doc --workspace --locked
