# shellcheck shell=bash
# Virtual environments of Python that are made once and kept. Scripts read this file with `source`.

pip() { # PYTHON ARGUMENT...
    "$1" -m pip --quiet --disable-pip-version-check "${@:2}"
}

# An environment in FOLDER, made with PYTHON and filled by COMMAND. WANTED tells what is installed in it: the environment is
# made again when that changes, and only then.
make_venv() { # FOLDER PYTHON WANTED COMMAND...
    # COMMAND may be a function, which would see variables of this one: there are none.
    [[ -e $1/installed && $(<"$1/installed") == "$3" ]] && return
    rm -rf "$1"
    "$2" -m venv "$1"
    "${@:4}"
    echo "$3" >"$1/installed"
}
