#!/usr/bin/env bash
# scripts/setup.sh [build|demo|serve|test|failures|vmaf|vendored]: installs what Trix needs for this purpose, packages through apt,
# Rust through rustup or apt. Each of build, demo, test and failures includes the ones before it; without an argument, the purpose is
# test. The purpose vmaf is the demo, and what the feature vmaf needs. The purpose vendored is what `make vendored` needs; it stands
# alone. Does nothing, quickly, where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-test}
rust_needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Each line: package | what proves that it is there already, however it came | what it is for

# Trix links these libraries. Its bindings to x264 and x265 are generated from the installed headers.
to_build='
libavcodec-dev    | pkg-config --exists libavcodec    | decoders, audio encoders and their headers
libavformat-dev   | pkg-config --exists libavformat   | reading and writing of containers
libavfilter-dev   | pkg-config --exists libavfilter   | deinterlacing, scaling, resampling
libavutil-dev     | pkg-config --exists libavutil     | frames and buffers of the FFmpeg libraries
libswscale-dev    | pkg-config --exists libswscale    | pixel format and size conversion
libswresample-dev | pkg-config --exists libswresample | sample format and rate conversion
libx264-dev       | pkg-config --exists x264          | the H.264 encoder
libx265-dev       | pkg-config --exists x265          | the HEVC encoder
clang             | has_libclang                      | binding generation (bindgen): its library, and the C headers that it needs
pkg-config        | command -v pkg-config             | finding the libraries above
make              | command -v make                   | the commands of this repository
gcc               | command -v gcc                    | linking
libc6-dev         | test -e /usr/include/stdio.h      | the C library to link with
'

# The demo makes its own master.
for_the_demo='
ffmpeg            | command -v ffmpeg                 | makes the sample master
'

# The ingest service has its workflow engine from the Python index.
for_the_service='
python3-venv      | python3 -m ensurepip --version    | the environment of the workflow engine
ca-certificates   | test -e /etc/ssl/certs/ca-certificates.crt | fetching it
'

# The tests check every result with programs that share as little code with Trix as possible.
for_tests='
x264              | command -v x264                   | the peer for H.264, in the benchmarks too
x265              | command -v x265                   | the peer for HEVC, in the benchmarks too
mediainfo         | command -v mediainfo              | a foreign parser of what was written
gstreamer1.0-tools | command -v gst-launch-1.0        | parsers and a player that share nothing with FFmpeg
gstreamer1.0-plugins-base | has_gstreamer typefindfunctions | the same: recognition of containers
gstreamer1.0-plugins-good | has_gstreamer qtdemux      | the same: readers of MP4, QuickTime, Matroska and WebM
gstreamer1.0-plugins-bad | has_gstreamer mxfdemux      | the same: readers of MXF and MPEG-TS
gstreamer1.0-libav | has_gstreamer avdec_aac           | the same: decoders
valgrind          | command -v valgrind               | memory errors across the C boundary
groff-base        | command -v groff                  | the manual page, as man shows it
python3-venv      | python3 -m ensurepip --version    | the environment of the Python package
npm               | command -v npm                    | fetching the players for the browser
ca-certificates   | test -e /etc/ssl/certs/ca-certificates.crt | the same
postgresql        | test -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" | the catalogue of the ingest service
chromium-headless-shell | command -v chromium-headless-shell | a browser that plays what was written
'

# Two web servers stand before a farm that fails.
for_failures='
nginx-light       | command -v nginx                   | the web server before the API servers
iproute2          | command -v ip                      | a network that is split in two
'

# The feature vmaf builds Netflix's library from source.
for_vmaf='
meson             | command -v meson                  | prepares the build of VMAF
ninja-build       | command -v ninja                  | builds VMAF
g++               | command -v g++                    | the same: it is partly C++
'

# The libraries of the wheel are built from source, with a compiler of their own (scripts/vendored.sh).
for_vendored='
cmake             | command -v cmake                  | builds x265, opus, soxr and WebP
ninja-build       | command -v ninja                  | builds what cmake and meson prepare
make              | command -v make                   | builds FFmpeg, x264 and the others
nasm              | command -v nasm                   | assembles the fast code of x86
pkg-config        | command -v pkg-config             | tells FFmpeg where its libraries are
perl              | command -v perl                   | runs the configuration of libvpx
xz-utils          | command -v xz                     | unpacks the sources
binutils          | command -v readelf                | inspects the result
python3           | command -v python3                | writes the notice and the list of components
python3-venv      | has_venv                          | holds zig and meson, which come from the Python index
'

case $purpose in
build) packages=$to_build ;;
demo) packages=$to_build$for_the_demo ;;
serve) packages=$to_build$for_the_demo$for_the_service ;;
test) packages=$to_build$for_the_demo$for_tests ;;
failures) packages=$to_build$for_the_demo$for_tests$for_failures ;;
vmaf) packages=$to_build$for_the_demo$for_vmaf ;;
vendored) packages=$for_vendored ;;
*) echo "setup: $purpose is no purpose; build, demo, serve, test, failures, vmaf and vendored are" >&2 && exit 2 ;;
esac

has_gstreamer() {
    command -v gst-inspect-1.0 >/dev/null && gst-inspect-1.0 --exists "$1"
}

# The library, and the headers of the compiler (stddef.h and so on), which come with clang too.
has_libclang() {
    [[ -n ${LIBCLANG_PATH:-} ]] || /sbin/ldconfig -p | grep 'libclang[-.]' || return
    command -v clang || compgen -G '/usr/lib*/llvm*/lib*/clang/*/include/stddef.h' ||
        compgen -G '/usr/lib*/clang/*/include/stddef.h'
}

has_venv() {
    python3 -c 'import ensurepip, venv'
}

has_apt() {
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null
}

give_up() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# Prints "package reason" for each package that is missing. dpkg is asked once for all; only what it does not know is
# looked for one by one, because a library built by hand is as good.
missing_packages() {
    local installed='' name proof why
    if has_apt; then
        # shellcheck disable=SC2046 # one word per package is what is wanted
        installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' \
            $(awk -F'|' 'NF { print $1 }' <<<"$packages") 2>/dev/null || true)
    fi
    while IFS='|' read -r name proof why; do
        name=${name// /}
        [[ -n $name ]] || continue
        grep -qx "$name installed" <<<"$installed" && continue
        $proof >/dev/null 2>&1 || echo "$name $why"
    done <<<"$packages"
}

apt() {
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || give_up "needs root or sudo to run: apt-get $*"
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}

# What apt would install: "57 packages, 39 MB to fetch, 171 MB on the disk". Fails where apt cannot. (A simulation, since
# with --assume-no, apt installs what needs nothing else.)
apt_plan() { # PACKAGE...
    local versions
    versions=$(apt-get -s install --no-install-recommends "$@" 2>/dev/null | sed -nE 's/^Inst ([^ ]+) .*\(([^ ]+) .*/\1=\2/p')
    [[ -n $versions ]] || return
    # shellcheck disable=SC2086 # one word per package is what is wanted
    apt-cache --no-all-versions show $versions | awk '
        /^Package: / { packages++ }
        /^Size: / { fetch += $2 / 1e6 }
        /^Installed-Size: / { disk += $2 / 1e3 }
        END { printf "%d package%s, %.0f MB to fetch, %.0f MB on the disk\n", packages, packages == 1 ? "" : "s", fetch, disk }'
}

# The package lists of a fresh system are empty and those of an old one name files that are gone: update, once, when
# the first try fails.
apt_update() {
    echo "setup: refreshing the package lists"
    apt update || true # a stranger's broken repository must not stop what the others can deliver
}

apt_install() {
    local plan is_fresh=false
    plan=$(apt_plan "$@") || { apt_update && is_fresh=true && plan=$(apt_plan "$@"); } || plan="what it says below"
    echo "setup: apt installs $plan"
    apt install -y --no-install-recommends "$@" && return
    ! $is_fresh || return
    apt_update
    apt install -y --no-install-recommends "$@"
}

at_least() { # VERSION MINIMUM
    [[ -n $1 ]] && printf '%s\n' "$2" "$1" | sort -V -C
}

cargo_version() {
    cargo --version 2>/dev/null | awk '{ print $2 }' || true
}

# What apt would install of a package: "1.85.0" for 1:1.85.0+dfsg-2, nothing when there is no such package.
apt_candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -nE 's/^ *Candidate: ([0-9]+:)?([0-9][0-9.]*).*/\2/p'
}

rust_from_rustup() {
    echo "setup: installing Rust (stable) with rustup"
    rustup toolchain install stable --profile minimal -c clippy -c rustfmt
    rustup default >/dev/null 2>&1 || rustup default stable
    hash -r
    at_least "$(cargo_version)" "$rust_needed" ||
        give_up "cargo is still $(cargo_version), older than $rust_needed: another toolchain than stable is chosen." \
            "Choose stable by: rustup default stable"
}

install_rust() {
    echo "setup: cargo $rust_needed or newer is needed, found: $(cargo_version | grep . || echo none)"
    if command -v rustup >/dev/null; then
        rust_from_rustup
        return
    fi
    if has_apt; then
        [[ -n $(apt_candidate cargo) ]] || apt update || true
        if at_least "$(apt_candidate cargo)" "$rust_needed"; then
            apt_install cargo rustc rust-clippy rustfmt
            return
        elif [[ -n $(apt_candidate rustup) ]]; then
            apt_install rustup ca-certificates
            rust_from_rustup
            return
        fi
    fi
    give_up "this system has no package with Rust $rust_needed or newer." \
        "Install rustup as https://rustup.rs shows, open a new shell, and run this again."
}

missing=$(missing_packages)
if [[ -n $missing ]]; then
    if has_apt; then
        echo "setup: missing for this purpose ($purpose)"
    else
        echo "setup: missing for this purpose ($purpose), under the names that Debian gives them"
    fi
    while read -r name why; do
        printf '  %-18s %s\n' "$name" "$why"
    done <<<"$missing"
    has_apt || give_up "this system has no apt-get: install them with its own package manager and run this again."
    # shellcheck disable=SC2046 # one word per package is what is wanted
    apt_install $(awk '{ print $1 }' <<<"$missing")
fi

# The libraries are C, C++ and assembler.
if [[ $purpose == vendored ]]; then
    [[ -n $missing ]] || echo "setup: nothing is missing for this purpose ($purpose)"
elif at_least "$(cargo_version)" "$rust_needed"; then
    [[ -n $missing ]] || echo "setup: nothing is missing for this purpose ($purpose, cargo $(cargo_version))"
else
    install_rust
fi

# The players with which the browser of the tests plays packages: file | package of npm, member | SHA-512. They lie in the build folder
# and never enter the repository.
players='
hls.min.js      | hls.js@1.7.4 dist/hls.min.js                 | a8076573f6eabe4ed382c60dfa104645e7440daee97a6152eba752e2202631c1b585f2f9c70abae8a908e3b289411ed138d69b9c26dc33933e5b9a70c44fcf12
dash.all.min.js | dashjs@5.2.1 dist/modern/umd/dash.all.min.js | 27fc1bc42a31a51193a3a88702054294bfd6568f11850bae2cb0f0b3862e9f1ff72ddc6b1e4d539bff3b6f2d4c4ceb614f6ca8d2717537925ef745e09f3f194a
'

# Fetches PACKAGE and prints its MEMBER; the package comes from the registry that npm is set up with.
member_of() { # PACKAGE MEMBER
    local folder status=0
    folder=$(mktemp -d)
    npm pack --loglevel=error --pack-destination "$folder" "$1" >/dev/null && tar -xzOf "$folder"/*.tgz "package/$2" || status=$?
    rm -rf "$folder"
    return $status
}

fetch_players() {
    local folder=target/players file source sum package member
    mkdir -p "$folder"
    while IFS='|' read -r file source sum; do
        file=${file// /}
        [[ -n $file ]] || continue
        sum=${sum// /}
        sha512sum --quiet --check --status - <<<"$sum  $folder/$file" 2>/dev/null && continue
        echo "setup: fetching $file"
        read -r package member <<<"$source"
        # npm must not read the list that this loop reads.
        if ! member_of "$package" "$member" >"$folder/$file.part" </dev/null ||
            ! sha512sum --quiet --check - <<<"$sum  $folder/$file.part"; then
            rm -f "$folder/$file.part"
            # Everything but two tests works without.
            echo "setup: $file could not be fetched; the tests that play packages in a browser will fail" >&2
            continue
        fi
        mv "$folder/$file.part" "$folder/$file"
    done <<<"$players"
}

# Nothing else than a test plays packages in a browser.
[[ $purpose != test ]] || fetch_players
