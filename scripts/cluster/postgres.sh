# shellcheck shell=bash
# PostgreSQL. These functions run in the folder of the cluster.

# Sets `data`, `programs` and `secret`, the file of the password. Makes the data if there are none.
make_database() {
    data=$cluster/postgres/data
    secret=$cluster/secret
    # The version that made the data, or the newest one.
    programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [[ ! -e $data/PG_VERSION ]] || programs=/usr/lib/postgresql/$(<"$data/PG_VERSION")/bin
    [[ -x $programs/postgres ]] || give_up "$programs is not installed, and $data needs this version of PostgreSQL"
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
}

sql() { # DATABASE QUERY
    PGPASSWORD=$(<"$secret") PGCONNECT_TIMEOUT=3 "$programs/psql" -h 127.0.0.1 -p "$postgres" -U trix -d "$1" -XAtqc "$2"
}

start_postgres() {
    local listen=127.0.0.1
    [[ $catalogue_at == "$listen" ]] || listen=$listen,$catalogue_at
    start postgres INT "${as_postgres[@]}" "$programs/postgres" -D "$data" -p "$postgres" -c listen_addresses="$listen" \
        -c unix_socket_directories= -c logging_collector=on -c log_directory="$logs/postgres" -c log_filename=%Y-%m-%d.log \
        -c log_rotation_age=1d -c log_rotation_size=0
    eventually 30 PostgreSQL sql postgres 'SELECT 1'
    [[ $(sql postgres "SELECT 1 FROM pg_database WHERE datname = 'trix'") == 1 ]] || sql postgres 'CREATE DATABASE trix'
}
