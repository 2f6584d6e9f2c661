# shellcheck shell=bash
# Network namespaces of the engine and the workers, and the bridge that joins them.

can_make_networks() {
    if ((EUID != 0)); then
        say "not root: engine and workers run without network namespaces"
        return 1
    elif ! unshare --net true 2>/dev/null; then
        say "this system makes no network namespaces: engine and workers run without them"
        return 1
    fi
}

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
