#!/usr/bin/env bash
# scripts/pythons.sh [ARGUMENT...]: tests the wheel in target/wheel/dist with every Python from 3.10 on that this machine has: those
# in PATH and those of pyenv. Each gets an environment of its own (target/pythons/VERSION) with the oldest dependencies that the
# wheel allows and that have a wheel for it. Tests that need more than these are skipped. The arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/venv.sh

folder=$PWD/target/pythons
tools=$folder/tools
uv=$tools/bin/uv # which can install the oldest version of a package; pip cannot

give_up() {
    printf 'pythons: %s\n' "$@" >&2
    exit 1
}

# "VERSION PATH" for each interpreter. Those without the GIL are left out: they have no stable ABI, which the wheel is built for.
pythons() {
    local path
    {
        type -aP python3.{10..29} || true
        ! command -v pyenv >/dev/null || compgen -G "$(pyenv root)/versions/*/bin/python3"
    } | while read -r path; do
        # A command of pyenv is there for versions that are not in use, and fails.
        "$path" -c '
import platform, sys, sysconfig
if sys.version_info >= (3, 10) and platform.python_implementation() == "CPython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print(platform.python_version(), sys.executable)' 2>/dev/null || true
    done | sort -V -s -u -k 1,1
}

install() { # VENV PYTHON WHEEL
    "$uv" venv --quiet --clear --no-python-downloads --python "$2" "$1"
    "$uv" pip install --quiet --python "$1" --resolution lowest --only-binary :all: "$3"
    # The newest that this Python has; trix-py/requirements.txt is for later ones.
    "$uv" pip install --quiet --python "$1" --requirement <(sed -nE 's/^(pytest|hypothesis)==/\1<=/p' trix-py/requirements.txt)
}

wheel=$(compgen -G "$PWD/target/wheel/dist/*.whl") || give_up "there is no wheel: run \`make wheel\`"
found=$(pythons)
[[ -n $found ]] || give_up "there is no Python from 3.10 on"
make_venv "$tools" python3 uv==0.13.9 pip "$tools/bin/python" install uv==0.13.9

# One run shows every failure.
failed=()
while read -r version path; do
    venv=$folder/$version
    install "$venv" "$path" "$wheel"
    echo "pythons: $version, $("$uv" pip freeze --quiet --python "$venv" | grep -E '^(numpy|tqdm)==' | paste -sd ' ')"
    timeout --foreground 15m "$venv/bin/python" -m pytest -q trix-py/tests -c trix-py/pyproject.toml "$@" </dev/null || failed+=("$version")
done <<<"$found"
((${#failed[@]} == 0)) || give_up "the tests fail with ${failed[*]}"
