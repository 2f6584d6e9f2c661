# shellcheck shell=bash
# The packages of Debian that a cluster needs.

# Each line: package | what proves that it is there already | what it is for
needed='
nginx        | command -v nginx                                              | the proxy before the API servers
postgresql   | compgen -G "/usr/lib/postgresql/*/bin/initdb"                 | the catalogue
openssl      | command -v openssl                                            | the certificate, and passwords
iproute2     | command -v ip                                                 | the networks of the workers
curl         | command -v curl                                               | asking whether the cluster answers
python3-venv | python3 -c "import ensurepip, venv"                           | the environment of the engine
ffmpeg       | command -v ffmpeg                                             | the sample master
'

install_missing() {
    local name proof why as_root=() missing=()
    while IFS='|' read -r name proof why; do
        [[ -n $name ]] || continue
        eval "$proof" >/dev/null 2>&1 </dev/null && continue
        say "missing: ${name// /}, for${why}"
        missing+=("${name// /}")
    done <<<"$needed"
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || give_up "this system has no apt-get: install them with its own package manager"
    if ((EUID != 0)); then
        command -v sudo >/dev/null || give_up "needs root or sudo to run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "apt may also start nginx and PostgreSQL as services of this system: the cluster does not use them"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
    # The package lists of a fresh system are empty.
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" || {
        "${apt[@]}" update
        "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
    }
}
