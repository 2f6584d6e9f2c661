#!/bin/sh
# Installs Av1an, with VapourSynth from PyPI, into target/bench/av1an, for `make bench-av1an`. Needs Python 3.12 or newer, for
# which PyPI has VapourSynth built.
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/target/bench/av1an
# Av1an joins chunks of x265 with mkvmerge alone.
if ! command -v mkvmerge >/dev/null; then
    echo "av1an: mkvmerge is missing: apt-get install --no-install-recommends mkvtoolnix" >&2
    exit 1
fi
if [ -x "$folder/bin/av1an" ]; then
    exit 0
fi
python=
for own in python3 python3.14 python3.13 python3.12 "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python3; do
    if "$own" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
        python=$own
        break
    fi
done
if [ -z "$python" ]; then
    echo "av1an: no Python 3.12 or newer in PATH or pyenv" >&2
    exit 1
fi
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet vapoursynth==81
export XDG_CONFIG_HOME="$folder/config"
"$folder/venv/bin/vapoursynth" config
# The crate links these names.
libraries=$(echo "$folder"/venv/lib/python3*/site-packages/vapoursynth)
mkdir -p "$folder/lib"
ln -sf "$libraries/libvapoursynth.so.4" "$folder/lib/libvapoursynth.so"
ln -sf "$libraries/libvsscript.so" "$folder/lib/libvapoursynth-script.so"
VAPOURSYNTH_LIB_DIR=$folder/lib RUSTFLAGS="-C link-arg=-Wl,-rpath,$libraries" CARGO_TARGET_DIR=$folder/target \
    cargo install av1an --version 0.5.2 --locked --root "$folder"
rm -rf "$folder/target"
