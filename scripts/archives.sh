# shellcheck shell=bash
# What this machine's apt knows of the archives of Debian. Scripts read this file with `source`.

# "address release" for each part of the archive (main archive, updates, security).
archives() {
    # shellcheck disable=SC2016 # apt expands the words in brackets
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "main" { print $3, $4 }' | sort -u
}

# The address of the main archive. Empty if apt knows none.
main_archive() {
    local codename address suite
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [[ -n $(archives) ]] || apt-get -qq update || true
    while read -r address suite; do
        [[ $suite != "$codename" ]] || echo "$address"
    done < <(archives) | head -n 1
}

# The file of keys that apt trusts for an address. Empty if apt uses its default keys.
keyring_of() { # ADDRESS
    local file
    file=$(grep -rlF "${1%/}" /etc/apt/sources.list /etc/apt/sources.list.d --include='*.list' --include='*.sources' \
        2>/dev/null | head -n 1) || true
    [[ -n $file ]] || return 0
    sed -nE 's/^Signed-By:[[:space:]]*(\/[^[:space:]]+).*/\1/p; s/.*signed-by=(\/[^],[:space:]]+).*/\1/p' "$file" |
        head -n 1
}
