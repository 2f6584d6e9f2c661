# shellcheck shell=bash
# Processes and their supervision. All of them run under a supervisor: a process that ends starts anew a second later.

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
        # A session of its own keeps Ctrl-C of the terminal away from the program, and makes its process the leader of a group.
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
        # The rest of its group ends with it. When the first process of nginx is killed, the others keep its ports.
        kill -KILL -- "-$child" 2>/dev/null || true
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

# Calls a command until it succeeds.
eventually() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || give_up "$what does not answer; look into $logs"
        sleep 0.2
    done
}

# PostgreSQL is the first of the supervised programs, and the engine the second one.
last_of_the_base=1

# Ends everything.
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
