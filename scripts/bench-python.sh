#!/usr/bin/env bash
# scripts/bench-python.sh [ARGUMENT...]: compares the wheel in target/wheel/dist with other packages for Python, in a virtual
# environment of its own (target/bench-python/venv). PYTHON=python3.13 chooses the interpreter; the arguments go to
# benches/python/compare.py.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

venv=$PWD/target/bench-python/venv
python=$venv/bin/python
requirements=benches/python/requirements.txt

# A package without a wheel for this interpreter is left out; the comparison says so.
install() {
    local line
    while read -r line; do
        [[ -z $line || $line == \#* ]] || pip "$python" install --only-binary :all: "$line" ||
            echo "bench-python: $line does not install" >&2
    done <"$requirements"
}

make_venv "$venv" "${PYTHON:-python3}" "$("${PYTHON:-python3}" --version && cat "$requirements")" install
pip "$python" install --force-reinstall --no-deps target/wheel/dist/*.whl
cargo build --release --locked --quiet -p trix-benches --bin clip
"$python" benches/python/compare.py "$@"
