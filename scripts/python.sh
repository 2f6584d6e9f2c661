#!/usr/bin/env bash
# scripts/python.sh [wheel|test|lint|generate]: the Python package, in a virtual environment of its own (target/python/venv).
#
#   wheel     builds the wheel against the libraries of this system and installs it there
#   test      the same, then the tests; arguments after it go to pytest
#   lint      the stubs against the compiled module, and types
#   generate  writes python/trix/records.py and jobs.py from the schemas of the installed module
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-test}
shift || true
folder=$PWD/target/python
venv=$folder/venv
# The wheel of this purpose only; a release is built elsewhere.
profile=${TRIX_PYTHON_PROFILE:-dev}

tools=("maturin>=1.9,<2" "numpy>=1.23" "pytest>=8" "hypothesis>=6" "tqdm>=4.60")
for_lint=("mypy>=1.13" "pyright>=1.1.390")

# A stamp says what was installed, so that nothing is fetched twice.
prepare() { # PACKAGE...
    [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
    local stamp=$venv/installed wanted
    wanted=$(printf '%s\n' "$@")
    [[ -e $stamp ]] && ! grep -Fxvqf "$stamp" <<<"$wanted" && return
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$wanted" >>"$stamp"
}

build() {
    rm -rf "$folder/wheels"
    "$venv/bin/maturin" build --quiet --locked --profile "$profile" --auditwheel skip \
        --manifest-path trix-py/Cargo.toml --interpreter "$venv/bin/python" --out "$folder/wheels"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$folder"/wheels/*.whl
}

prepare "${tools[@]}"
case $purpose in
wheel)
    build
    ls -l "$folder"/wheels/*.whl
    ;;
test)
    build
    "$venv/bin/python" -m pytest -q trix-py/tests -c trix-py/pyproject.toml "$@"
    ;;
lint)
    prepare "${for_lint[@]}"
    build
    "$venv/bin/python" -m mypy.stubtest trix._trix
    "$venv/bin/python" -m mypy --strict -p trix
    "$venv/bin/pyright" --pythonpath "$venv/bin/python" --project trix-py
    ;;
generate)
    "$venv/bin/python" trix-py/scripts/generate.py "$@"
    ;;
*)
    echo "python.sh: $purpose is no purpose; wheel, test, lint and generate are" >&2
    exit 2
    ;;
esac
