#!/usr/bin/env bash
# scripts/python.sh [wheel|test|generate]: the Python package, in a virtual environment of its own (target/python/venv).
#
#   wheel     builds the wheel against the libraries of this system and installs it there
#   test      the same, then the tests; arguments after it go to pytest. They compare the package with the program that cargo
#             built (or TRIX_CLI), if there is one
#   generate  writes the packages python/trix/records and jobs from the schemas of the installed module
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

purpose=${1:-test}
shift || true
folder=$PWD/target/python
venv=$folder/venv
requirements=trix-py/requirements.txt

prepare() {
    make_venv "$venv" python3 "$(<"$requirements")" pip "$venv/bin/python" install --requirement "$requirements"
}

build() {
    rm -rf "$folder/wheels"
    "$venv/bin/maturin" build --quiet --locked --profile dev --auditwheel skip \
        --manifest-path trix-py/Cargo.toml --interpreter "$venv/bin/python" --out "$folder/wheels"
    pip "$venv/bin/python" install --no-deps --force-reinstall "$folder"/wheels/*.whl
}

# The program that cargo built. One that is older than its sources would differ from the package for that reason alone.
built_program() {
    local program=${CARGO_TARGET_DIR:-$PWD/target}/debug/trix newer
    [[ -x $program ]] || return 0
    newer=$(find Cargo.lock crates trix-core trix-cli -newer "$program" -type f -not -path '*/tests/*' -print -quit)
    if [[ -n $newer ]]; then
        echo "python.sh: the tests leave $program out: $newer is newer" >&2
    else
        realpath "$program"
    fi
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
    TRIX_CLI=${TRIX_CLI:-$(built_program)} "$venv/bin/python" -m pytest trix-py/tests -c trix-py/pyproject.toml "$@"
    ;;
generate)
    "$venv/bin/python" trix-py/scripts/generate "$@"
    ;;
*)
    echo "python.sh: $purpose is no purpose; wheel, test and generate are" >&2
    exit 2
    ;;
esac
