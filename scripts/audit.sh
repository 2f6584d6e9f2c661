#!/usr/bin/env bash
# Checks licences, advisories, bans and origins of the dependencies with cargo-deny. Fails on findings, not on a
# network that is away: then it says what was left unchecked.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked

checks=(licenses bans sources)
if timeout 120 cargo deny --locked fetch db; then
    checks+=(advisories)
else
    # Said again after the findings, where it is not overlooked.
    trap 'echo "audit: no advisory database could be fetched: known vulnerabilities were NOT checked" >&2' EXIT
fi

cargo deny --locked check "${checks[@]}"
