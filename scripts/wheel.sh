#!/usr/bin/env bash
# scripts/wheel.sh build|test: the Python wheel for every Linux on x86_64 with glibc 2.28 or newer, with all libraries inside.
#
#   build   makes target/wheel/dist/trix_media-*.whl with the libraries of `make vendored`
#   test    checks the tag, the size and the contents of that wheel, runs the Python tests with it in a new virtual environment,
#           and encodes with it in a new root of Debian that has nothing but Python
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

purpose=${1:-}
folder=$PWD/target/wheel
tools=$folder/tools
prefix=$(realpath -m "${TRIX_VENDORED:-target/vendored}")/prefix
most=30000000 # bytes

give_up() {
    printf 'wheel: %s\n' "$@" >&2
    exit 1
}

prepare() {
    local requirements=scripts/wheel/requirements.txt
    make_venv "$tools" python3 "$(<"$requirements")" \
        pip "$tools/bin/python" install --no-deps --require-hashes --only-binary :all: --requirement "$requirements"
}

build() {
    local rust
    [[ -e $prefix/cargo.toml ]] || give_up "$prefix/cargo.toml is missing: run \`make vendored\`"
    rust=$(rustc --version | cut -d ' ' -f 2)
    rm -rf "$folder/maturin" "$folder/dist"
    mkdir -p "$folder/dist"
    scripts/vendored/release.sh "$tools/bin/maturin" build --release --locked --config "$prefix/cargo.toml" \
        --target-dir "$prefix/../target" --features vendored --manifest-path trix-py/Cargo.toml --compatibility manylinux_2_28 --auditwheel check \
        --out "$folder/maturin"
    "$tools/bin/python" scripts/wheel/finish.py "$folder"/maturin/*.whl "$folder/dist" "$prefix" "$rust"
}

the_wheel() {
    compgen -G "$folder/dist/*.whl" || give_up "there is no wheel: run \`make wheel\`"
}

# The tag, the size, and what has to be inside.
audit() { # WHEEL
    local wheel=$1 size contents path report
    size=$(stat -c %s "$wheel")
    ((size <= most)) || give_up "$wheel has $size bytes, more than $most"
    report=$("$tools/bin/auditwheel" show "$wheel")
    grep -qE '"manylinux_2_(1[0-9]|2[0-8])_x86_64"' <<<"$report" || give_up "auditwheel does not find manylinux_2_28:" "$report"
    contents=$(python3 -m zipfile -l "$wheel" | awk '{ print $1 }')
    for path in trix/_trix.abi3.so trix/py.typed dist-info/licenses/{LICENSE,NOTICE,NOTICE-RUST} \
        dist-info/licenses/licences/{ffmpeg/COPYING.GPLv2,x264/COPYING,x265/COPYING} dist-info/sboms/trix-media.cdx.json; do
        grep -q "$path\$" <<<"$contents" || give_up "$wheel lacks $path"
    done
    rm -rf "$folder/contents"
    python3 -m zipfile -e "$wheel" "$folder/contents"
    ! grep -aqF -e "$PWD" -e "${CARGO_HOME:-$HOME/.cargo}" "$folder/contents/trix/_trix.abi3.so" ||
        give_up "the module names folders of this machine"
    scripts/vendored/inspect.sh "$folder/contents/trix/_trix.abi3.so" >"$folder/glibc"
    echo "wheel: $(basename "$wheel"): $size bytes, needs glibc $(<"$folder/glibc")"
}

# The tests, with the wheel as a user installs it.
suite() { # WHEEL
    local venv=$folder/venv
    rm -rf "$venv"
    python3 -m venv "$venv"
    pip "$venv/bin/python" install --requirement trix-py/requirements.txt
    pip "$venv/bin/python" install "$1"
    "$venv/bin/python" -m pytest -q trix-py/tests -c trix-py/pyproject.toml
}

# A system without any of the libraries. The root has no pip, so the packages are put into a folder for its Python here.
bare_root() { # WHEEL
    local release=trixie python=3.13 home
    home=$folder/roots/$release/target
    rm -rf "$home"
    mkdir -p "$home"
    pip "$tools/bin/python" install --target "$home/site" --python-version "$python" --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_27_x86_64 --only-binary :all: --constraint trix-py/requirements.txt "$1"
    cp scripts/wheel/bare.py "$home"
    # shellcheck disable=SC2016 # the shell in the root expands it
    TRIX_ROOTS=$folder/roots scripts/debian.sh "$release" bash -euc '
        command -v python3 >/dev/null || { apt-get -qq update && apt-get -qq install -y --no-install-recommends python3; } >/dev/null
        # With the libraries of a system, this would be no test.
        ! ldconfig -p | grep -E "libav|libx26|libzimg" || { echo "wheel: the root is not bare" >&2 && exit 1; }
        cd /tmp
        PYTHONPATH=$1/site PATH=$1/site/bin:$PATH python3 -W error "$1/bare.py"' bare "$PWD/target"
}

prepare
case $purpose in
build) build ;;
test)
    wheel=$(the_wheel)
    audit "$wheel"
    suite "$wheel"
    bare_root "$wheel"
    ;;
*) give_up "'$purpose' is no purpose; build and test are" ;;
esac
