#!/usr/bin/env bash
# Builds the libraries that the Python wheel contains: FFmpeg, x264, x265 and what they need, as static libraries that
# work on every Linux with glibc 2.28 or newer. docs/vendored.md describes the result.
#
# The sources are the tarballs of Debian's source packages (scripts/vendored/sources.txt). The compiler is zig
# (scripts/vendored/requirements.txt). Everything lies in one folder, target/vendored or TRIX_VENDORED:
#   prefix/     the result: include, lib, lib/pkgconfig, bin (compiler), cargo.toml, licences, NOTICE, sbom.cdx.json
#   built/      each library by itself, under a key of its source, its recipe and its dependencies
#   sources/    tarballs       work/  unfinished builds       logs/  output of the builds       tools/  the compiler
#   target/     what cargo builds with the result       programs/  x264 and x265, for tests
#
# A library whose key is there is not built again. A build that was killed goes on where it stopped.
# TRIX_SOURCES=FOLDER takes tarballs from there. TRIX_JOBS=N sets the number of compilers at once (default: all cores).
set -euo pipefail
# Bash reads a script while it runs it. In braces it is read whole first, so that an edit does not reach a run.
{
cd "$(dirname "$0")/.."
repository=$PWD

give_up() {
    printf 'vendored: %s\n' "$@" >&2
    exit 1
}

cache=$(realpath -m "${TRIX_VENDORED:-target/vendored}")
jobs=${TRIX_JOBS:-$(nproc)}
[[ $(uname -sm) == "Linux x86_64" ]] || give_up "$(uname -sm) is not supported: the recipes are for Linux on x86_64"

source scripts/archives.sh
source scripts/vendored/sources.sh
source scripts/vendored/compiler.sh
source scripts/vendored/recipes.sh

mkdir -p "$cache"/{built,sources,work,logs,tools}
# The compilers inherit the lock: after a kill, the next run begins when the last of them has ended.
exec 9>"$cache/lock"
flock -n 9 || { echo "vendored: waiting for another run in $cache" >&2 && flock 9; }

# Version scripts of the libraries must not take the history of this repository for theirs. What the caller has set for
# compilers is in no key, so it must not reach them.
export GIT_CEILING_DIRECTORIES=$cache LC_ALL=C
unset CFLAGS CXXFLAGS CPPFLAGS LDFLAGS ASFLAGS LIBS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH DESTDIR MAKEFLAGS

declare -A keys=()

# What a library is made of: its recipe and the lists in it, the shared steps, the compiler, its source with the files of the
# licence, and its dependencies.
recipe() { # NAME [DEPENDENCY...]
    local dependency list
    declare -f "build_$1" unpack once with_cmake relocate wrap
    for list in $(compgen -A variable "$1_"); do declare -p "$list"; done
    echo "$compiler $(field "$1" sum) $(field "$1" licences)"
    for dependency in "${@:2}"; do echo "$dependency ${keys[$dependency]}"; done
}

# Builds a library, unless it is there. Its recipe, build_NAME, runs in its folder of work and installs below
# $work/stage; what is there is complete, because it gets its final name only at the end.
library() { # NAME [DEPENDENCY...]
    local name=$1 work log status dependency
    keys[$name]=$(recipe "$@" | sha256sum | cut -c 1-16)
    local id=$name-${keys[$name]}
    [[ ! -e $cache/built/$id ]] || return 0

    work=$cache/work/$id
    log=$cache/logs/$name.log
    # Earlier attempts with another recipe are of no use any more.
    find "$cache/work" -mindepth 1 -maxdepth 1 -name "$name-????????????????" ! -name "$id" -exec rm -rf {} +
    if [[ -d $work ]]; then
        echo "vendored: going on with $name"
        remove_unfinished "$work"
    else
        echo "vendored: building $name"
        mkdir -p "$work"
        : >"$log"
    fi
    [[ -z $(field "$name" tarball) ]] || fetch "$name"

    rm -rf "$work/deps"
    mkdir -p "$work/deps"
    for dependency in "${@:2}"; do cp -a "$cache/built/$dependency-${keys[$dependency]}/." "$work/deps/"; done

    # Not `if ! (...)`: there, bash does not stop at the first command that fails.
    set +e
    (
        set -e
        cd "$work"
        export VENDORED_WORK=$work PKG_CONFIG_LIBDIR=$work/deps/lib/pkgconfig PKG_CONFIG_PATH=
        "build_$name"
    ) >>"$log" 2>&1 </dev/null
    status=$?
    set -e
    ((status == 0)) || { tail -n 20 "$log" >&2 && give_up "$name could not be built; the whole output is in $log"; }
    relocate "$work/stage$export_folder"
    mv "$work/stage$export_folder" "$cache/built/$id"
    rm -rf "$work"
}

# A compiler or archiver that was killed may have left half a file. It wrote it shortly before the build stopped.
remove_unfinished() { # FOLDER
    local last
    last=$(find "$1" -type f -printf '%T@\n' | sort -n | tail -n 1 | cut -d . -f 1)
    find "$1" -type f -regex '.*\.\(o\|a\|lo\|obj\|d\)' -newermt "@$((${last:-0} - 60))" -delete
}

# Makes the pkg-config files of a folder independent of its place, and of the dependencies that were copied for the build.
# libatomic is part of zig; gcc has a library of that name, which x86_64 does not need.
relocate() { # FOLDER
    local file
    for file in "$1"/lib/pkgconfig/*.pc; do
        [[ -e $file ]] || continue
        # shellcheck disable=SC2016 # pkg-config expands the names
        sed -i -E -e "s#-L($work/)?deps/[^ ]*|-latomic##g" -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' \
            -e "s#(=|-I|-L| )$export_folder(/|\$| )#\\1\${pcfiledir}/../..\\2#g" "$file"
        ! grep -nE '(=|-I|-L| )/' "$file" || give_up "$file names a folder of this machine"
    done
}

# Puts all libraries into one folder, with the compiler that a program is linked with.
assemble() {
    local prefix=$cache/prefix new=$cache/prefix.new key name
    key=$( (for name in "${!keys[@]}"; do echo "$name ${keys[$name]}"; done | sort
        cat scripts/vendored/{papers.py,sources.txt} && declare -f assemble) | sha256sum)
    [[ $(cat "$prefix/key" 2>/dev/null) != "$key" ]] || return 0
    rm -rf "$new"
    mkdir -p "$new"
    for name in "${products[@]}"; do cp -a "$cache/built/$name-${keys[$name]}/." "$new/"; done
    rm -rf "$new"/{share,lib/cmake,lib/*.la}
    python3 scripts/vendored/papers.py scripts/vendored/sources.txt "$new" "$(zig version)" "$(clang_version)"
    cat >"$new/lib/pkgconfig/trix-vendored.pc" <<'END'
Name: trix-vendored
Description: Tells these libraries from those of the system
Version: 1
END
    echo "$key" >"$new/key"
    rm -rf "$prefix"
    mv "$new" "$prefix"
}

# What cargo needs to link with the libraries. Programs get a folder of their own, so that those with the libraries of the system
# are not built again each time. Unstripped, objects of nasm show the names of their source files.
settings_of_cargo() {
    cat <<END
[build]
target-dir = "$cache/target"

[env]
PKG_CONFIG_LIBDIR = { value = "$cache/prefix/lib/pkgconfig", force = true }
PKG_CONFIG_PATH = { value = "", force = true }

[target.x86_64-unknown-linux-gnu]
linker = "$cache/prefix/bin/c++"

[profile.release]
strip = true
END
}

install_compiler
library zlib
library x264
library x265_12
library x265_10
library x265 x265_12 x265_10
library zimg
library soxr
library dav1d
library opus
library webp
library vpx
library ffmpeg zlib zimg soxr dav1d opus webp vpx
library runtime
library programs x264 x265
# The parts of x265 are inside the library of that name.
products=(zlib x264 x265 zimg soxr dav1d opus webp vpx ffmpeg runtime)
assemble
# These name the folder of the cache, which may have been moved.
install -D -t "$cache/prefix/bin" "$tools"/bin/{cc,c++}
settings_of_cargo >"$cache/prefix/cargo.toml"
ln -sfn "built/programs-${keys[programs]}/bin" "$cache/programs"
source scripts/vendored/check.sh
check "$cache/prefix"
echo "vendored: cargo links with these under --config $cache/prefix/cargo.toml --features vendored"
exit
}
