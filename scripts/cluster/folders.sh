# shellcheck shell=bash
# What a cluster is made of: its programs, the certificate that the user names, and its folders.

# Sets `temporal` and `trixd`. Builds trixd, unless the user names one.
find_programs() {
    temporal=$(scripts/engine.sh)
    if [[ -z ${TRIXD:-} ]]; then
        cargo build --release --locked --manifest-path trix-service/Cargo.toml --target-dir target/service
    fi
    trixd=$(realpath "${TRIXD:-target/service/release/trixd}")
    [[ -x $trixd ]] || give_up "TRIXD: $trixd is no program"
}

# Sets `certificate` and `key`. They are empty if the user names none.
find_certificate() {
    certificate=${TRIX_CERTIFICATE:-} key=${TRIX_KEY:-}
    [[ -n $certificate || -n $key ]] || return 0
    [[ -r $certificate && -r $key ]] || give_up "TRIX_CERTIFICATE and TRIX_KEY name two files that can be read"
    certificate=$(realpath "$certificate") key=$(realpath "$key")
}

# Sets `cluster`, the folder of all files, and `logs` and `run` in it, and `as_postgres`: what runs a command as the user postgres.
make_folders() {
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
    # Without its mark, a mount counts as missing.
    touch "$cluster"/{output,preview,cache}/.trix-mount
}

# Keeps a second cluster out of the folder. All processes inherit the lock: it is free when the last one has ended.
lock() {
    exec 9>"$run/lock"
    flock -n 9 || give_up "a cluster runs in $cluster" "if its script was killed, this ends it: kill \$(cat $run/*.pid)"
}

# Makes a sample master, if there is no master.
make_master() {
    [[ -z $(ls "$cluster/source") ]] || return 0
    say "makes a sample master"
    ffmpeg -hide_banner -loglevel error -nostdin \
        -f lavfi -i "testsrc2=size=1280x720:rate=25:duration=60,noise=alls=6:allf=t" -f lavfi -i "sine=frequency=440:duration=60" \
        -c:v libx264 -preset veryfast -crf 12 -g 50 -c:a pcm_s16le -f mov -y "$cluster/sample.part"
    mv "$cluster/sample.part" "$cluster/source/sample-master.mov"
}
