# shellcheck shell=bash
# Links the libraries into one shared object, as the wheel does, and tries it. scripts/vendored.sh reads this file with `source`.

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
    local prefix=$1 folder object flags newest
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

    # Not in an argument of echo: there, a failure would be ignored.
    newest=$(scripts/vendored/inspect.sh "$object")

    # The linker accepts what is missing. Loading with all functions bound does not.
    python3 -c 'import ctypes, os, sys; sys.exit(ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW).check() != 0)' "$object" ||
        give_up "the libraries do not work"
    echo "vendored: all libraries in one shared object: $(stat -c %s "$object") bytes, compressed" \
        "$(gzip -c "$object" | wc -c); needs glibc $newest"
}
