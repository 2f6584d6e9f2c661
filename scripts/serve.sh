#!/usr/bin/env bash
# scripts/serve.sh: runs the ingest service on this machine: engine, dispatcher, API server with the web page, and one worker. Its files lie
# in target/farm, or in the folder that TRIX_FARM names. The first time, it makes a sample master and tells the first password.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$(scripts/engine.sh)
cargo build --release --locked --manifest-path trix-service/Cargo.toml --target-dir target/service
farm=${TRIX_FARM:-$PWD/target/farm}
mkdir -p "$farm"/{source,output,preview,cache}
if [[ -z $(ls "$farm/source") ]]; then
    ffmpeg -hide_banner -loglevel error -nostdin \
        -f lavfi -i "testsrc2=size=1280x720:rate=25:duration=60,noise=alls=6:allf=t" -f lavfi -i "sine=frequency=440:duration=60" \
        -c:v libx264 -preset veryfast -crf 12 -g 50 -c:a pcm_s16le "$farm/source/sample-master.mov"
fi
cat >"$farm/trixd.toml" <<TOML
[mounts]
source = "$farm/source"
output = "$farm/output"
preview = "$farm/preview"
cache = "$farm/cache"

[catalogue]
url = "sqlite://$farm/catalogue.db"

[engine]
program = "$engine"
folder = "$farm/engine"

[logs]
folder = "$farm/logs"
TOML
exec target/service/release/trixd --config "$farm/trixd.toml" serve
