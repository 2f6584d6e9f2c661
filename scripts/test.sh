#!/usr/bin/env bash
# The examples in the documentation, which nextest cannot run, then the whole suite, quick tests and long ones, then those of the
# ingest service and of the Python package.
set -euo pipefail
cd "$(dirname "$0")/.."

# One run shows every failure; it ends on the closing lines of the runner.
status=0
cargo test --doc -p trix-model -p trix-core --locked || status=$?
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast ${CI:+--profile ci} || status=$?
else
    cargo test --workspace --tests --locked --no-fail-fast || status=$?
fi
scripts/service.sh test || status=$?
scripts/python.sh test || status=$?
exit "$status"
