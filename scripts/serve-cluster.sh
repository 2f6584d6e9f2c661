#!/usr/bin/env bash
# scripts/serve-cluster.sh: runs the ingest service on this machine as a cluster does: PostgreSQL, the workflow engine, a dispatcher, two API
# servers behind nginx with https, and three workers. The engine and each worker have a network namespace of their own. From there they reach
# nothing but each other and the catalogue. Nothing listens on another address than loopback and those of these namespaces and their bridge.
#
# Namespaces need root. Without it, all runs on the loopback of this machine.
#
# Ctrl-C ends all processes, and removes the namespaces and the bridge. The files stay in target/cluster. Names of the environment:
#   TRIX_CLUSTER                    another folder
#   TRIX_CLUSTER_PORT               first of six ports in a row (9440): https, http, two API servers, PostgreSQL, the engine
#   TRIX_CLUSTER_NET                the first three numbers of the network of the namespaces (10.86.71)
#   TRIX_CERTIFICATE, TRIX_KEY      files of a certificate, in place of a self-signed one
#   TRIXD                           a built program, in place of building one
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
# Other users than root do not search these folders.
PATH=$PATH:/usr/sbin:/sbin

workers=3
net=${TRIX_CLUSTER_NET:-10.86.71}
first=${TRIX_CLUSTER_PORT:-9440}
https=$first http=$((first + 1)) api=($((first + 2)) $((first + 3))) postgres=$((first + 4)) engine=$((first + 5))
bridge=trix-bridge

say() {
    printf 'serve-cluster: %s\n' "$@"
}

give_up() {
    say "$@" >&2
    exit 1
}

# The scripts share their variables: a variable that no function declares as its own belongs to all of them.
source scripts/cluster/packages.sh  # install_missing
source scripts/cluster/folders.sh   # find_programs, find_certificate, make_folders, lock, make_master
source scripts/cluster/processes.sh # start, eventually, stop
source scripts/cluster/networks.sh  # can_make_networks, make_networks, remove_networks
source scripts/cluster/postgres.sh  # make_database, start_postgres, sql
source scripts/cluster/trixd.sh     # write_settings, add_first_user, start_trixd
source scripts/cluster/nginx.sh     # make_certificate, configure_nginx, start_nginx

install_missing
find_programs
find_certificate
make_folders
lock
# What is left of a run that was killed.
remove_networks
rm -f "$run"/*.pid
make_master

has_networks=false
! can_make_networks || has_networks=true

trap 'exit 0' INT TERM HUP
trap stop EXIT

catalogue_at=127.0.0.1 engine_at=127.0.0.1
if $has_networks; then
    # Nothing may come between making a thing and writing it down.
    trap '' INT TERM HUP
    make_networks
    trap 'exit 0' INT TERM HUP
    catalogue_at=$net.1 engine_at=$net.2
fi

# The user postgres does not see the folder in which this script stands.
cd "$cluster"
make_database
start_postgres
write_settings
add_first_user
start_trixd
make_certificate
configure_nginx
start_nginx

eventually 60 "the cluster" curl --silent --fail --insecure --max-time 5 "https://127.0.0.1:$https/readyz"
say "the web page is at https://127.0.0.1:$https/"
[[ -n ${TRIX_CERTIFICATE:-} ]] || say "its certificate is self-signed: a browser asks whether to go on"
say "masters: $cluster/source, copies: $cluster/output, logs: $logs, numbers of the processes: $run"
! $has_networks || say "engine and workers have network namespaces; this cuts the second worker off: ip link set trix-worker-2 down"
say "Ctrl-C ends it"
wait
