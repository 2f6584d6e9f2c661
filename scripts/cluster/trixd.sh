# shellcheck shell=bash
# The processes of the ingest service, and their settings.

# Sets `settings`, the file that all of them read.
write_settings() {
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
}

# Adds a user if there is none. This also makes the tables, before several processes want to.
add_first_user() {
    local users password
    users=$(sql trix 'SELECT count(*) FROM users' 2>/dev/null || echo 0)
    ((users == 0)) || return 0
    password=$(openssl rand -hex 8)
    "$trixd" --config "$settings" user admin --role administrator <<<"$password" ||
        give_up "no user could be added"
    say "first user: admin, password: $password"
}

start_trixd() {
    local number inside=()
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
}
