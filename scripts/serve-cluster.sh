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

# ---- processes

# Copies lines to a file a day.
daily() { # FOLDER
    local line
    # What it copies ends first.
    trap '' INT TERM HUP
    mkdir -p "$1"
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$1/$(printf '%(%F)T').log"
    done
}

# Runs a program, and starts it anew when it ends, until this supervisor gets SIGTERM: then the program gets SIGNAL, and ten seconds later
# SIGKILL. The file NAME.pid has the number of the process.
supervise() { # NAME SIGNAL COMMAND...
    local name=$1 signal=$2 child='' is_over=false began status
    shift 2
    trap - EXIT
    # Ctrl-C reaches the whole group of processes; the script ends them in their order.
    trap '' INT HUP
    trap 'is_over=true; [[ -z $child ]] || kill -s "$signal" "$child" 2>/dev/null || true' TERM
    # If the script was killed, nothing starts anew.
    while ! $is_over && kill -0 $$ 2>/dev/null; do
        # A session of its own keeps Ctrl-C of the terminal away from the program.
        setsid "$@" </dev/null &
        child=$!
        echo "$child" >"$run/$name.pid"
        # The signal came before the number was known.
        ! $is_over || kill -s "$signal" "$child" 2>/dev/null || true
        status=0
        wait "$child" || status=$?
        began=$SECONDS
        while kill -0 "$child" 2>/dev/null; do
            ((SECONDS - began < 10)) || kill -KILL "$child" 2>/dev/null || true
            sleep 0.1
        done
        $is_over || echo "$name ended ($status)"
        $is_over || sleep 1
    done
    rm -f "$run/$name.pid"
}

supervisors=()

start() { # NAME SIGNAL COMMAND...
    supervise "$@" > >(daily "$logs/output/$1") 2>&1 &
    supervisors+=($!)
}

# ---- networks

# Makes something, and writes down how it is removed.
make() { # UNDO COMMAND...
    "${@:2}" || give_up "failed: ${*:2}" "does a cluster with another folder (TRIX_CLUSTER) run, or was it killed?"
    echo "$1" >>"$run/made"
}

# Removes what this script has made, the last first.
remove_networks() {
    local undo
    [[ -e $run/made ]] || return 0
    while IFS= read -r undo; do
        # shellcheck disable=SC2086 # the words of a command
        $undo 2>/dev/null || true
    done < <(tac "$run/made")
    rm -f "$run/made"
}

# A network namespace, joined to the bridge by a link of the same name.
make_namespace() { # NAME NUMBER
    make "ip netns delete $1" ip netns add "$1"
    make "ip link delete $1" ip link add "$1" type veth peer name eth0 netns "$1"
    ip link set "$1" master "$bridge" up
    ip -n "$1" link set lo up
    ip -n "$1" address add "$net.$2/24" dev eth0
    ip -n "$1" link set eth0 up
}

make_networks() {
    local number taken
    taken=$(ip -4 route show root "$net.0/24")
    [[ -z $taken ]] || give_up "the network $net.0/24 is in use ($taken): choose another one with TRIX_CLUSTER_NET"
    make "ip link delete $bridge" ip link add "$bridge" type bridge
    ip address add "$net.1/24" dev "$bridge"
    ip link set "$bridge" up
    make_namespace trix-engine 2
    for ((number = 1; number <= workers; number++)); do
        make_namespace "trix-worker-$number" "1$number"
    done
}

# ---- the end

stop() {
    local number
    # A second Ctrl-C does not leave half of it behind.
    trap '' INT TERM HUP
    ((${#supervisors[@]} == 0)) || say "ends"
    # All end side by side, but the engine only after those that need it, and PostgreSQL last.
    for ((number = ${#supervisors[@]} - 1; number >= 0; number--)); do
        if ((number <= last_of_the_base && number + 1 < ${#supervisors[@]})); then
            wait "${supervisors[@]:number+1}" 2>/dev/null || true
        fi
        kill -TERM "${supervisors[number]}" 2>/dev/null || true
    done
    ((${#supervisors[@]} == 0)) || wait "${supervisors[@]}" 2>/dev/null || true
    remove_networks
}

# ---- preparations

install_missing
temporal=$(scripts/engine.sh)
if [[ -z ${TRIXD:-} ]]; then
    cargo build --release --locked --manifest-path trix-service/Cargo.toml --target-dir target/service
fi
trixd=$(realpath "${TRIXD:-target/service/release/trixd}")
[[ -x $trixd ]] || give_up "TRIXD: $trixd is no program"

certificate=${TRIX_CERTIFICATE:-} key=${TRIX_KEY:-}
if [[ -n $certificate || -n $key ]]; then
    [[ -r $certificate && -r $key ]] || give_up "TRIX_CERTIFICATE and TRIX_KEY name two files that can be read"
    certificate=$(realpath "$certificate") key=$(realpath "$key")
fi

as_postgres=()
cluster=${TRIX_CLUSTER:-$PWD/target/cluster}
mkdir -p "$cluster"
if ((EUID == 0)); then
    # PostgreSQL refuses to run as root.
    as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    if ! "${as_postgres[@]}" test -x "$cluster"; then
        [[ -z ${TRIX_CLUSTER:-} ]] || give_up "TRIX_CLUSTER: the user postgres cannot enter $cluster"
        say "the user postgres cannot enter $cluster: the files lie in /var/lib/trix-cluster"
        rmdir "$cluster"
        cluster=/var/lib/trix-cluster
        mkdir -p "$cluster"
    fi
fi
cluster=$(realpath "$cluster")
logs=$cluster/logs run=$cluster/run
mkdir -p "$cluster"/{source,output,preview,cache,nginx/pages} "$logs"/{nginx,postgres} "$run"

# All processes inherit this lock: it is free when the last one has ended.
exec 9>"$run/lock"
flock -n 9 || give_up "a cluster runs in $cluster" "if its script was killed, this ends it: kill \$(cat $run/*.pid)"
# What is left of a run that was killed.
remove_networks
rm -f "$run"/*.pid

if [[ -z $(ls "$cluster/source") ]]; then
    say "makes a sample master"
    ffmpeg -hide_banner -loglevel error -nostdin \
        -f lavfi -i "testsrc2=size=1280x720:rate=25:duration=60,noise=alls=6:allf=t" -f lavfi -i "sine=frequency=440:duration=60" \
        -c:v libx264 -preset veryfast -crf 12 -g 50 -c:a pcm_s16le -f mov -y "$cluster/sample.part"
    mv "$cluster/sample.part" "$cluster/source/sample-master.mov"
fi
# Without its mark, a mount counts as missing.
touch "$cluster"/{output,preview,cache}/.trix-mount

has_networks=false
if ((EUID != 0)); then
    say "not root: engine and workers run without network namespaces"
elif ! unshare --net true 2>/dev/null; then
    say "this system makes no network namespaces: engine and workers run without them"
else
    has_networks=true
fi

# PostgreSQL is the first of the supervised programs, and the engine the second one.
last_of_the_base=1
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

# ---- PostgreSQL

# The version that made the data, or the newest one.
data=$cluster/postgres/data
programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[[ ! -e $data/PG_VERSION ]] || programs=/usr/lib/postgresql/$(<"$data/PG_VERSION")/bin
[[ -x $programs/postgres ]] || give_up "$programs is not installed, and $data needs this version of PostgreSQL"

secret=$cluster/secret
# The user postgres does not see the folder in which this script stands.
cd "$cluster"
if [[ ! -e $data ]]; then
    say "makes a database in $data"
    rm -rf postgres
    mkdir -m 700 postgres
    (umask 077 && openssl rand -hex 16 >"$secret")
    (umask 077 && cp "$secret" postgres/password)
    ((EUID != 0)) || chown -R postgres:postgres postgres logs/postgres
    "${as_postgres[@]}" "$programs/initdb" --pgdata="$data.part" --username=trix --pwfile=postgres/password \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    rm postgres/password
    mv "$data.part" "$data"
fi
cat >"$data/pg_hba.conf" <<HBA
# scripts/serve-cluster.sh writes this file.
host all all 127.0.0.1/32 scram-sha-256
host all all $net.0/24 scram-sha-256
HBA

listen=127.0.0.1
[[ $catalogue_at == "$listen" ]] || listen=$listen,$catalogue_at
start postgres INT "${as_postgres[@]}" "$programs/postgres" -D "$data" -p "$postgres" -c listen_addresses="$listen" \
    -c unix_socket_directories= -c logging_collector=on -c log_directory="$logs/postgres" -c log_filename=%Y-%m-%d.log \
    -c log_rotation_age=1d -c log_rotation_size=0

sql() { # DATABASE QUERY
    PGPASSWORD=$(<"$secret") PGCONNECT_TIMEOUT=3 "$programs/psql" -h 127.0.0.1 -p "$postgres" -U trix -d "$1" -XAtqc "$2"
}

# Calls a command until it succeeds.
eventually() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || give_up "$what does not answer; look into $logs"
        sleep 0.2
    done
}

eventually 30 PostgreSQL sql postgres 'SELECT 1'
[[ $(sql postgres "SELECT 1 FROM pg_database WHERE datname = 'trix'") == 1 ]] || sql postgres 'CREATE DATABASE trix'

# ---- trixd

settings=$cluster/trixd.toml
rm -f "$settings"
(umask 077 && cat >"$settings") <<TOML
# scripts/serve-cluster.sh writes this file. deploy/trixd.toml explains all settings.
[mounts]
source = "$cluster/source"
output = "$cluster/output"
preview = "$cluster/preview"
cache = "$cluster/cache"

[catalogue]
url = "postgres://trix:$(<"$secret")@$catalogue_at:$postgres/trix"

[engine]
address = "http://$engine_at:$engine"
program = "$temporal"
folder = "$cluster/engine"

[logs]
folder = "$logs"
TOML

# This also makes the tables, before several processes want to.
users=$(sql trix 'SELECT count(*) FROM users' 2>/dev/null || echo 0)
if ((users == 0)); then
    password=$(openssl rand -hex 8)
    "$trixd" --config "$settings" user admin --role administrator <<<"$password" ||
        give_up "no user could be added"
    say "first user: admin, password: $password"
fi

inside=()
# The parts of the Temporal server call each other on loopback, wherever the server listens: so it needs all addresses of its namespace.
! $has_networks || inside=(ip netns exec trix-engine env TRIXD_ENGINE_ADDRESS="http://0.0.0.0:$engine")
start engine TERM "${inside[@]}" "$trixd" --config "$settings" engine
start dispatcher TERM "$trixd" --config "$settings" dispatcher
for number in 0 1; do
    start "api-$((number + 1))" TERM env TRIXD_API_LISTEN="127.0.0.1:${api[number]}" \
        "$trixd" --config "$settings" --index $((number + 1)) api
done
for ((number = 1; number <= workers; number++)); do
    inside=()
    ! $has_networks || inside=(ip netns exec "trix-worker-$number")
    start "worker-$number" TERM "${inside[@]}" env TRIXD_WORKER_NAME="worker-$number" \
        "$trixd" --config "$settings" --index "$number" worker
done

# ---- nginx

if [[ -z $certificate ]]; then
    certificate=$cluster/nginx/certificate.pem key=$cluster/nginx/key.pem
    # A day before it ends, there is a new one.
    openssl x509 -checkend 86400 -noout -in "$certificate" >/dev/null 2>&1 ||
        (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
            -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$key" -out "$certificate" 2>/dev/null)
fi

cp "$repository/deploy/nginx/away.html" nginx/pages/
# The configuration of a deployment, with other values. Each replacement must find its line.
values=(
    "first API server|127.0.0.1:9001|127.0.0.1:${api[0]}"
    "second API server|127.0.0.1:9002|127.0.0.1:${api[1]}"
    "cache|/var/cache/trixd-nginx|$cluster/nginx/cache"
    "port of http|listen 80|listen 127.0.0.1:$http"
    "port of http, IPv6|listen [::]:80;|"
    "name|trix.example.org|localhost"
    "address of https|https://\$host|https://\$host:$https"
    "port of https|listen 443|listen 127.0.0.1:$https"
    "port of https, IPv6|listen [::]:443 ssl http2;|"
    "certificate, with the ones between it and its root|/etc/trix/tls/certificate.pem|$certificate"
    "key|/etc/trix/tls/key.pem|$key"
    "folder of away.html|/usr/share/trix/nginx|$cluster/nginx/pages"
    "folder of logs|/var/log/trix/nginx|$logs/nginx"
)
text=$(<"$repository/deploy/nginx/trixd.conf")
result=
replaced=0
while IFS= read -r line; do
    for value in "${values[@]}"; do
        IFS='|' read -r mark old new <<<"$value"
        if [[ $line == *"$old"*"# value: $mark" ]]; then
            line=${line/"$old"/"$new"}
            replaced=$((replaced + 1))
            break
        fi
    done
    result+=$line$'\n'
done <<<"$text"
marked=$(grep -c '# value: ' <<<"$text")
((replaced == marked)) || give_up "deploy/nginx/trixd.conf has $marked values, and this script replaces $replaced of them"
printf '%s' "$result" >nginx/trixd.conf
user=
((EUID != 0)) || user='user www-data;'
((EUID != 0)) || chown www-data "$logs/nginx"
cat >nginx/nginx.conf <<NGINX
# scripts/serve-cluster.sh writes this file.
$user
worker_processes 2;
daemon off;
pid $run/nginx-master;
error_log stderr warn;
events {}
http {
    include /etc/nginx/mime.types;
    sendfile on;
    client_body_temp_path $cluster/nginx/body;
    proxy_temp_path $cluster/nginx/proxy;
    fastcgi_temp_path $cluster/nginx/fastcgi;
    uwsgi_temp_path $cluster/nginx/uwsgi;
    scgi_temp_path $cluster/nginx/scgi;
    include $cluster/nginx/trixd.conf;
}
NGINX
start nginx TERM nginx -e stderr -c "$cluster/nginx/nginx.conf"

eventually 60 "the cluster" curl --silent --fail --insecure --max-time 5 "https://127.0.0.1:$https/readyz"
say "the web page is at https://127.0.0.1:$https/"
[[ -n ${TRIX_CERTIFICATE:-} ]] || say "its certificate is self-signed: a browser asks whether to go on"
say "masters: $cluster/source, copies: $cluster/output, logs: $logs, numbers of the processes: $run"
! $has_networks || say "engine and workers have network namespaces; this cuts the second worker off: ip link set trix-worker-2 down"
say "Ctrl-C ends it"
wait
