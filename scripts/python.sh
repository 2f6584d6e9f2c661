#!/usr/bin/env bash
# scripts/python.sh [wheel|test|generate]: the Python package, in a virtual environment of its own (target/python/venv).
#
#   wheel     builds the wheel against the libraries of this system and installs it there
#   test      the same, then the tests; arguments after it go to pytest
#   generate  writes python/trix/records.py and jobs.py from the schemas of the installed module
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-test}
shift || true
folder=$PWD/target/python
venv=$folder/venv

pip() {
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"
}

# The stamp is what was installed, so that nothing is fetched twice.
prepare() {
    local stamp=$venv/installed
    cmp --silent trix-py/requirements.txt "$stamp" && return
    rm -rf "$venv"
    python3 -m venv "$venv"
    pip install --requirement trix-py/requirements.txt
    cp trix-py/requirements.txt "$stamp"
}

build() {
    rm -rf "$folder/wheels"
    "$venv/bin/maturin" build --quiet --locked --profile dev --auditwheel skip \
        --manifest-path trix-py/Cargo.toml --interpreter "$venv/bin/python" --out "$folder/wheels"
    pip install --no-deps --force-reinstall "$folder"/wheels/*.whl
}

case $purpose in
wheel)
    prepare
    build
    ls -l "$folder"/wheels/*.whl
    ;;
test)
    prepare
    build
    "$venv/bin/python" -m pytest trix-py/tests -c trix-py/pyproject.toml "$@"
    ;;
generate)
    "$venv/bin/python" trix-py/scripts/generate.py "$@"
    ;;
*)
    echo "python.sh: $purpose is no purpose; wheel, test and generate are" >&2
    exit 2
    ;;
esac
