#!/usr/bin/env bash
# scripts/vendored/inspect.sh FILE: refuses a program or shared object that would not run on every Linux with the oldest glibc of compiler.sh.
# Prints the newest version of glibc that it needs.
set -euo pipefail

file=$1
oldest=$(sed -n "s/^target=.*gnu\.//p" "$(dirname "$0")/compiler.sh")

# The libraries that every Linux with glibc has.
of_glibc='^(lib(c|m)\.so\.6|lib(dl|resolv)\.so\.2|libpthread\.so\.0|lib(rt|util)\.so\.1|ld-linux-x86-64\.so\.2)$'

give_up() {
    echo "vendored: $file: $1" >&2
    exit 1
}

# Into variables: in a pipe, a failure of readelf would look like a file without faults.
dynamic=$(readelf -dW "$file")
symbols=$(readelf --dyn-syms -W "$file")
[[ $dynamic == *NEEDED* ]] || give_up "is not linked dynamically"
[[ $dynamic != *TEXTREL* ]] || give_up "the code is not position-independent (TEXTREL)"
other=$(sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' <<<"$dynamic" | grep -Ev "$of_glibc" || true)
[[ -z $other ]] || give_up "needs libraries that a system may lack: ${other//$'\n'/ }"
newest=$(grep -oE '@GLIBC_[0-9.]+' <<<"$symbols" | sed 's/@GLIBC_//' | sort -uV | tail -n 1)
[[ -n $newest ]] || give_up "names no version of glibc"
[[ $(printf '%s\n' "$newest" "$oldest" | sort -V | tail -n 1) == "$oldest" ]] || give_up "needs glibc $newest, not $oldest"
echo "$newest"
