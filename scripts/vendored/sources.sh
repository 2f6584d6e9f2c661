# shellcheck shell=bash
# Fetches the tarballs of scripts/vendored/sources.txt. scripts/vendored.sh reads this file with `source`.

# One field of a library. Empty for a library without a tarball. The parts of x265 share its tarball.
field() { # NAME FIELD
    local number
    case $2 in
    release) number=2 ;;
    package) number=3 ;;
    version) number=4 ;;
    distribution) number=5 ;;
    tarball) number=6 ;;
    sum) number=7 ;;
    licences) number=9 ;;
    esac
    awk -F ' *[|] *' -v name="${1%_1[02]}" -v number="$number" \
        '!/^#/ && $1 == name { sub(/ +$/, "", $number); print $number }' "$repository/scripts/vendored/sources.txt"
}

is_right() { # FILE NAME
    [[ -f $1 ]] && sha256sum --quiet --check --status - <<<"$(field "$2" sum)  $1"
}

# Puts the tarball of a library into $cache/sources.
fetch() { # NAME
    local tarball file
    tarball=$(field "$1" tarball)
    file=$cache/sources/$tarball
    ! is_right "$file" "$1" || return 0
    if [[ -n ${TRIX_SOURCES:-} ]]; then
        is_right "$TRIX_SOURCES/$tarball" "$1" ||
            give_up "$TRIX_SOURCES/$tarball is missing or not the file of sources.txt ($(field "$1" sum))"
        cp "$TRIX_SOURCES/$tarball" "$file.part"
    else
        fetch_from_archive "$1" "$file.part"
    fi
    mv "$file.part" "$file"
}

fetch_from_archive() { # NAME FILE
    local package version folder
    package=$(field "$1" package)
    version=$(field "$1" version)
    update_lists
    echo "vendored: fetching the source of $package $version"
    rm -rf "$cache"/sources/fetch.*
    folder=$(mktemp -d "$cache/sources/fetch.XXXXXX")
    # Only the upstream tarball: the archive drops Debian's own part as soon as there is a newer revision.
    (cd "$folder" && apt_private -qq source --download-only --only-source --tar-only "$package=$version") ||
        give_up "the archive no longer has the source of $package $version." \
            "Put $(field "$1" tarball) into a folder and set TRIX_SOURCES to it, or change sources.txt to a newer version."
    if ! is_right "$folder/$(field "$1" tarball)" "$1"; then
        rm -rf "$folder"
        give_up "the archive delivered another file than sources.txt says: $(field "$1" tarball)"
    fi
    mv "$folder/$(field "$1" tarball)" "$2"
    rm -rf "$folder"
}

# apt with lists of its own: nothing that the machine is set up with changes.
apt_private() {
    local apt=$cache/sources/apt
    apt-get -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$apt" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}

# The lists of sources of the distributions in sources.txt, from the mirror of this machine. Once in a run.
update_lists() {
    local apt=$cache/sources/apt mirror keyring distribution
    [[ -z ${lists_are_fresh:-} ]] || return 0
    mirror=$(main_archive)
    [[ -n $mirror ]] || give_up "apt of this machine knows no archive of Debian." \
        "Put the tarballs of scripts/vendored/sources.txt into a folder and set TRIX_SOURCES to it."
    keyring=$(keyring_of "$mirror")
    mkdir -p "$apt"/{lists,cache/archives}/partial
    for distribution in $(awk -F ' *[|] *' '!/^#/ { print $5 }' scripts/vendored/sources.txt | sort -u); do
        echo "deb-src ${keyring:+[signed-by=$keyring] }$mirror $distribution main"
    done >"$apt/sources.list"
    apt_private -qq update || give_up "the lists of the archive could not be fetched"
    lists_are_fresh=yes
}
