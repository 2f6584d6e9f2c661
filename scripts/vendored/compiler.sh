# shellcheck shell=bash
# Installs zig and makes it the C compiler. scripts/vendored.sh reads this file with `source`.

# The oldest C library that the result works with: that of manylinux_2_28 (AlmaLinux 8, Debian 10).
target=x86_64-linux-gnu.2.28

# Without -O, zig adds checks for undefined behaviour (UBSan). By default it keeps frame pointers. Sections let the linker drop
# what nobody uses; hidden symbols cannot clash with those of another FFmpeg in the same process.
flags='-O3 -g0 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections -fomit-frame-pointer -fno-sanitize=undefined'

# The libraries must not name the folder that they were built in.
arguments="-target $target $flags \${VENDORED_WORK:+-ffile-prefix-map=\"\$VENDORED_WORK\"=.}"

compiler="$(grep '^ziglang==' scripts/vendored/requirements.txt) $arguments"
tools=$cache/tools/$(sha256sum scripts/vendored/requirements.txt | cut -c 1-16)

zig() {
    "$tools"/venv/lib/python*/site-packages/ziglang/zig "$@"
}

clang_version() {
    zig cc --version | sed -nE 's/^clang version ([0-9.]+).*/\1/p'
}

install_compiler() {
    export PATH=$tools/bin:$PATH CC=cc CXX=c++ AR=ar RANLIB=ranlib
    export ZIG_GLOBAL_CACHE_DIR=$tools/cache ZIG_LOCAL_CACHE_DIR=$tools/cache
    if [[ ! -e $tools/ready ]]; then
        echo "vendored: installing the compiler"
        rm -rf "$tools"
        mkdir -p "$tools/bin"
        python3 -m venv "$tools/venv"
        "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
            --only-binary :all: -r scripts/vendored/requirements.txt
        touch "$tools/ready"
    fi
    # These files contain the name of the folder, which may have been moved since the last run.
    wrap cc "cc $arguments" '-x c'
    wrap c++ "c++ $arguments" '-x c++'
    wrap ar ar
    wrap ranlib ranlib
}

# Makes a program of zig a command. LANGUAGE is what it reads from standard input: zig does not guess it, clang does.
wrap() { # COMMAND ARGUMENTS [LANGUAGE]
    local zig
    zig=$(echo "$tools"/venv/lib/python*/site-packages/ziglang/zig)
    cat >"$tools/bin/$1" <<END
#!/bin/sh
: "\${ZIG_GLOBAL_CACHE_DIR:=$tools/cache}" "\${ZIG_LOCAL_CACHE_DIR:=$tools/cache}"
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
case " \$* " in
*" -x "*) ;;
*" - "*) set -- ${3:-} "\$@" ;;
esac
exec "$zig" $2 "\$@"
END
    chmod +x "$tools/bin/$1"
}
