# shellcheck shell=bash
# Links the libraries into one shared object, as the wheel does, and tries it. scripts/vendored.sh reads this file with `source`.

# The names of a shared object's libraries that every Linux with glibc has.
of_glibc='^(lib(c|m)\.so\.6|lib(dl|resolv)\.so\.2|libpthread\.so\.0|lib(rt|util)\.so\.1|ld-linux-x86-64\.so\.2)$'

# The lists of recipes.sh in C, with the names that FFmpeg itself has for the names of its configure.
lists() {
    local list names
    for list in encoders muxers filters; do
        names=ffmpeg_$list
        sed -e 's/movtext/mov_text/; s/pcm_\*/pcm_s24le/; s/[^,]*/"&"/g' -e "s/.*/static const char *const ${list}[] = {&};/" \
            <<<"${!names}"
    done
}

check() { # PREFIX
    local prefix=$1 folder object flags newest other
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder is known now
    trap "rm -rf '$folder'" EXIT
    object=$folder/check.so
    echo '{ global: check; local: *; };' >"$folder/exports"
    lists >"$folder/lists.h"
    flags=$(PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig PKG_CONFIG_PATH='' pkg-config --static --cflags --libs \
        libavfilter libavformat libavcodec libswresample libavutil x264 x265)
    # shellcheck disable=SC2086 # flags are words
    "$prefix/bin/c++" -shared -o "$object" -x c -I "$folder" scripts/vendored/check.c -x none $flags \
        -Wl,-s -Wl,--gc-sections -Wl,-Bsymbolic -Wl,--version-script="$folder/exports"

    ! readelf -d "$object" | grep TEXTREL || give_up "the code is not position-independent (TEXTREL)"
    other=$(readelf -d "$object" | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' | grep -Ev "$of_glibc" || true)
    [[ -z $other ]] || give_up "the result needs libraries that a system may lack: $other"
    newest=$(readelf --dyn-syms -W "$object" | grep -oE '@GLIBC_[0-9.]+' | sed 's/@GLIBC_//' | sort -uV | tail -n 1)
    [[ $(printf '%s\n' "$newest" "${target##*gnu.}" | sort -V | tail -n 1) == "${target##*gnu.}" ]] ||
        give_up "the result needs glibc $newest, not ${target##*gnu.}"

    # The linker accepts what is missing. Loading with all functions bound does not.
    python3 -c 'import ctypes, os, sys; sys.exit(ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW).check() != 0)' "$object" ||
        give_up "the libraries do not work"
    echo "vendored: all libraries in one shared object: $(stat -c %s "$object") bytes, compressed" \
        "$(gzip -c "$object" | wc -c); needs glibc $newest"
}
