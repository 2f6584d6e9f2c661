#!/usr/bin/env bash
# Runs a command in this repository on another release of Debian: scripts/debian.sh RELEASE COMMAND...
#
# The release lives in a folder of its own (a root, made with debootstrap), with its own libraries, programs and build
# folder. It shares the checkout, the Rust toolchain and the folder of downloaded crates with this machine. The root and
# what was built in it stay in target/roots/RELEASE for the next run; TRIX_ROOTS names another place. Mirror, keys and
# proxy are those of this machine's apt.
#
# The command runs in namespaces of mounts and processes of its own. The system takes both back when the command ends,
# whatever ends it: no mount and no process is left.
set -euo pipefail
# Bash reads a script while it runs it. In braces it is read whole first, so that an edit does not reach a run.
{
cd "$(dirname "$0")/.."
source scripts/archives.sh

release=$1
shift
(($# > 0)) || set -- bash
repository=$PWD
roots=${TRIX_ROOTS:-$repository/target/roots}
home=$roots/$release
root=$home/root

give_up() {
    printf 'debian.sh: %s\n' "$@" >&2
    exit 1
}

# Mounts, chroot and debootstrap need root. What the caller's environment says of Rust goes along.
if ((EUID != 0)); then
    command -v sudo >/dev/null || give_up "a root of Debian needs root or sudo"
    exec sudo --preserve-env=PATH,CARGO_HOME,RUSTUP_HOME,TRIX_ROOTS,TRIX_MEDIA,CI,http_proxy,https_proxy \
        CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" \
        "$repository/scripts/debian.sh" "$release" "$@"
fi

# The second half of this script runs in the new namespaces.
if [[ ${TRIX_INSIDE:-} != "$release" ]]; then
    if ! command -v debootstrap >/dev/null; then
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends debootstrap >/dev/null ||
            give_up "debootstrap is missing and could not be installed"
    fi
    mkdir -p "$home"
    # One run at a time in one root: two would build into one folder and meet in one /tmp.
    exec 9>"$home/lock"
    flock -n 9 || { echo "debian.sh: waiting for another run in $home" >&2 && flock 9; }
    TRIX_INSIDE=$release exec unshare --mount --propagation private --pid --fork --kill-child \
        "$repository/scripts/debian.sh" "$release" "$@"
fi

make_root() {
    local codename mirror address suite name keyring
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=$(main_archive)
    [[ -n $mirror ]] || give_up "apt of this machine names no archive of Debian, so there is nowhere to take $release from"

    echo "debian.sh: making a root of $release from $mirror (once)"
    rm -rf "$root"
    mkdir -p "$root"
    keyring=$(keyring_of "$mirror")
    debootstrap --variant=minbase --include=ca-certificates ${keyring:+--keyring="$keyring"} \
        "$release" "$root" "$mirror" >"$home/debootstrap.log" 2>&1 ||
        give_up "debootstrap failed; $home/debootstrap.log says why: $(tail -n 1 "$home/debootstrap.log")"

    # Updates and security, as this machine has them. Unstable has neither.
    while read -r address suite; do
        name=$release${suite#"$codename"}
        [[ $release == sid && $name != sid ]] || echo "deb $address $name main"
    done < <(archives) >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?|ftp)::|^Acquire::Check-' >"$root/etc/apt/apt.conf.d/90machine" || true
    # Certificates that this machine trusts beside those of Debian: a proxy's, say.
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
        chroot "$root" update-ca-certificates >/dev/null
    fi
    mv "$home/debootstrap.log" "$root/var/log/"
}

# Binds a folder or file of this machine to the same place in the root.
share() { # PATH [OPTION]
    if [[ -d $1 ]]; then
        mkdir -p "$root$1"
    else
        mkdir -p "$(dirname "$root$1")"
        [[ -e $root$1 ]] || touch "$root$1"
    fi
    mount --rbind "$1" "$root$1"
    [[ -z ${2:-} ]] || mount -o "remount,bind,$2" "$root$1"
}

[[ -e $root/var/log/debootstrap.log ]] || make_root

rm -rf "${root:?}/tmp"
mkdir -p -m 1777 "$root/tmp"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"

# The checkout, with a build folder of the root's own laid over the machine's. What was fetched for the browser tests
# is the same for all.
share "$repository"
mkdir -p "$home/target" "$repository/target"
mount --bind "$home/target" "$root$repository/target"
if [[ -d $repository/target/players ]]; then
    share "$repository/target/players"
fi
media=$(realpath -e -q "${TRIX_MEDIA:-$repository/../shared/media}" || true)
if [[ -n $media ]]; then
    share "$media" ro
fi

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot 2>/dev/null || true)
if [[ -n $sysroot && $sysroot != /usr ]]; then
    share "$sysroot" ro
    path=$sysroot/bin:$path
fi
if [[ -d $cargo_home/registry ]]; then
    share "$cargo_home/registry"
fi
runner=$(command -v cargo-nextest || true)
if [[ -n $runner ]]; then
    install -D "$runner" "$root/usr/local/bin/cargo-nextest"
fi

# A command that leaves a process behind has failed: on a machine that runs suite after suite they would pile up.
left_behind() {
    local folder pid
    for folder in /proc/[0-9]*; do
        pid=${folder#/proc/}
        # This script is the first process here and the parent of the command.
        [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
        tr '\0' ' ' <"$folder/cmdline" 2>/dev/null | cut -c 1-120 | grep . || true
    done
}

# The root becomes that of the command's own namespace of mounts: in a mere chroot, Linux lets nobody make a namespace of
# users, which tests need to mount disks that are full.
# shellcheck disable=SC2016 # the inner shell expands it
enter='mount --rbind "$1" "$1" && cd "$1" && mkdir -p .before && pivot_root . .before && umount -l /.before &&
    cd "$2" && shift 2 && exec "$@"'
status=0
env -i HOME=/root PATH="$path" LANG=C.UTF-8 TERM="${TERM:-dumb}" CARGO_HOME="$cargo_home" ${CI:+CI="$CI"} \
    ${media:+TRIX_MEDIA="$media"} ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    unshare --mount --propagation private sh -c "$enter" sh "$root" "$repository" "$@" || status=$?
mount -t proc proc /proc
left=$(left_behind)
if [[ -n $left ]]; then
    printf 'debian.sh: processes are left behind:\n%s\n' "$left" >&2
    ((status != 0)) || status=1
fi
exit "$status"
}
