#!/usr/bin/env bash
# The examples in the documentation, which nextest cannot run, then the whole suite, quick tests and long ones.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test --doc -p trix-core --locked
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked ${CI:+--profile ci}
else
    cargo test --workspace --tests --locked ${CI:+--no-fail-fast}
fi
