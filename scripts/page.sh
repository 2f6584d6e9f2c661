#!/usr/bin/env bash
# scripts/page.sh [FILE...]: tests the web page of the ingest service in a browser: all tests, or these files of trix-service/tests/page.
# What they need is installed into target/page, when the list of packages has changed. Names of the environment:
#   TRIXD             a built program, in place of target/service/debug/trixd
#   TRIX_TEMPORAL     another workflow engine
#   TRIX_CHROMIUM     another browser
#   TRIX_SCREENSHOTS  a folder for pictures of all pages
#   TRIX_KEEP         if set, the folders of the farms stay
set -euo pipefail
cd "$(dirname "$0")/.."

give_up() {
    printf 'page.sh: %s\n' "$@" >&2
    exit 1
}

# The first one whose test runner has --test-concurrency. Debian 12 has a later one.
oldest=18.19
for program in node npm; do
    command -v "$program" >/dev/null || give_up "$program is missing: make setup installs it"
done
version=$(node --version)
printf '%s\n' "$oldest" "${version#v}" | sort -V -C || give_up "Node $version is too old: $oldest or newer is needed"
TRIX_CHROMIUM=${TRIX_CHROMIUM:-$(command -v chromium-headless-shell || true)}
[[ -x $TRIX_CHROMIUM ]] || give_up "Chromium is missing: make setup installs chromium-headless-shell"
command -v ffmpeg >/dev/null || give_up "ffmpeg is missing: make setup installs it"
TRIXD=$(realpath -m "${TRIXD:-target/service/debug/trixd}")
[[ -x $TRIXD ]] || give_up "$TRIXD is missing: cargo build --manifest-path trix-service/Cargo.toml --target-dir target/service"
TRIX_TEMPORAL=$(scripts/engine.sh)
[[ -z ${TRIX_SCREENSHOTS:-} ]] || TRIX_SCREENSHOTS=$(realpath -m "$TRIX_SCREENSHOTS")
export TRIX_CHROMIUM TRIXD TRIX_TEMPORAL TRIX_SCREENSHOTS

project=trix-service/tests/page
folder=$PWD/target/page
mkdir -p "$folder"
# Files that the project no longer has would be tested too.
rm -f "$folder"/*.js
cp "$project"/*.js "$project/package.json" "$project/package-lock.json" "$project/.npmrc" "$folder"
if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/installed"; then
    echo "page.sh: installing what the tests need"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$folder/package-lock.json" "$folder/node_modules/installed"
fi

cd "$folder"
files=("$@")
((${#files[@]})) || files=(./*.test.js)
# One file after the other: a second browser would disturb what is measured.
exec node --test --test-concurrency=1 --test-reporter=spec "${files[@]##*/}"
