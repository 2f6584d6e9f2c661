#!/usr/bin/env bash
# scripts/bench-service.sh [ARGUMENT...]: measures how much load the ingest service bears, on this machine and in a temporary folder. The
# arguments go to benches/service.py; --help lists them. TRIXD names a built program, in place of building one.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in ffmpeg setpriv /usr/lib/postgresql/*/bin/initdb; do
    command -v "$program" >/dev/null || {
        echo "bench-service: $program is missing: make setup installs it" >&2
        exit 1
    }
done
temporal=$(scripts/engine.sh)
if [[ -z ${TRIXD:-} ]]; then
    cargo build --release --locked --manifest-path trix-service/Cargo.toml --target-dir target/service
    TRIXD=target/service/release/trixd
fi
exec python3 benches/service.py --trixd "$(realpath "$TRIXD")" --temporal "$temporal" "$@"
