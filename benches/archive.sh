#!/usr/bin/env bash
# Ingests a master with ffmpeg, x264, libx265, mediainfo and sha256sum: one run for each copy, one
# after the other. The peer comparison runs it beside `trix ingest --profile archive,preview`.
#
# usage: archive.sh SOURCE FOLDER STEP...
#
# SOURCE has 1920x1080 frames, 25 a second, of 10 bits 4:2:2 in BT.709, and audio. STEPs are the products besides the
# five archive copies: preview, loudness, stills, verify, hashes.
#
# Encoders and filters choose their numbers of threads, unless THREADS_h264_8 (and so on, by copy) and FILTER_THREADS
# set them. PRESET is that of x264 and x265, "medium" if it is not set.
set -euo pipefail

source=$1 folder=$2
shift 2
stem=$(basename "${source%.*}")
preset=${PRESET:-medium}
scratch=$(mktemp -d "$folder/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

quiet_ffmpeg() {
    ffmpeg -hide_banner -nostdin -v error -y ${FILTER_THREADS:+-filter_threads "$FILTER_THREADS"} "$@"
}

# The filters that convert the master's 4:2:2 of 10 bits to 4:2:2 of $1 bits.
to_depth() {
    local dither=none
    case $1 in
        8) dither=error_diffusion format=yuv422p ;;
        10) echo null && return ;;
        12) format=yuv422p12le ;;
    esac
    echo "zscale=w=1920:h=1080:filter=lanczos:dither=$dither:rin=limited:r=limited,format=pix_fmts=$format"
}

# x264 writes Matroska, so that the times are right, and ffmpeg adds the audio. x264 prints a summary even with --quiet;
# it is shown only if x264 fails.
h264() {
    local threads=THREADS_h264_$1
    quiet_ffmpeg -i "$source" -an -vf "$(to_depth "$1")" -strict -1 -f yuv4mpegpipe - |
        x264 --demuxer y4m --quiet --no-progress --preset "$preset" --crf 16 --output-depth "$1" --output-csp i422 \
            --colorprim bt709 --transfer bt709 --colormatrix bt709 ${!threads:+--threads "${!threads}"} \
            -o "$scratch/frames.mkv" - 2>"$scratch/x264.log" || { cat "$scratch/x264.log" >&2 && exit 1; }
    quiet_ffmpeg -i "$scratch/frames.mkv" -i "$source" -map 0:v -map 1:a -c copy "$folder/$stem.h264-$1.mkv"
}

# The x265 program writes no container, and ffmpeg cannot find the times of reordered frames in a raw stream. So libx265
# runs inside ffmpeg.
hevc() {
    local threads=THREADS_hevc_$1
    quiet_ffmpeg -i "$source" -vf "$(to_depth "$1")" -c:v libx265 -preset "$preset" -crf 18 \
        -x265-params "log-level=none${!threads:+:pools=${!threads}}" -c:a copy "$folder/$stem.hevc-$1.mkv"
}

preview() {
    quiet_ffmpeg -i "$source" \
        -vf "zscale=w=1280:h=720:filter=lanczos:dither=error_diffusion:rin=limited:r=limited,format=pix_fmts=yuv420p" \
        -c:v libx264 -preset veryfast -crf 26 -force_key_frames 'expr:gte(t,n_forced*2)' \
        ${THREADS_preview:+-threads "$THREADS_preview"} \
        -c:a aac -b:a 128k -movflags +faststart "$folder/$stem.preview.mp4"
}

loudness() {
    ffmpeg -hide_banner -nostdin -nostats -i "$source" -map 0:a -af ebur128=peak=true:framelog=verbose -f null - \
        2>"$folder/$stem.loudness.txt"
}

# A poster, and a sheet of twenty thumbnails.
stills() {
    local seconds
    seconds=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$source")
    quiet_ffmpeg -i "$source" -vf "thumbnail,scale=1280:-2" -frames:v 1 -q:v 3 "$folder/$stem.poster.jpg"
    quiet_ffmpeg -i "$source" -vf "fps=20/$seconds,scale=160:-2,tile=10x2" -frames:v 1 -q:v 5 "$folder/$stem.sprites.jpg"
}

packets() {
    ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 "$1"
}

# Reads every copy back, compares its number of frames with the master's, and stores a report of mediainfo.
verify() {
    local expected copy found
    expected=$(packets "$source")
    for copy in "$folder/$stem".*.mkv "$folder/$stem".*.mp4; do
        found=$(packets "$copy")
        if [ "$found" != "$expected" ]; then
            echo "$copy has $found frames instead of $expected" >&2
            exit 1
        fi
        mediainfo --Output=JSON "$copy" >"$copy.mediainfo.json"
    done
}

hashes() {
    (cd "$folder" && sha256sum "$source" "$stem".*.{mkv,mp4,jpg}) >"$scratch/sha256sums"
    mv "$scratch/sha256sums" "$folder/sha256sums"
}

h264 8
h264 10
hevc 8
hevc 10
hevc 12
shopt -s nullglob
for step in "$@"; do
    "$step"
done
