#!/usr/bin/env bash
# Builds the command line and tries it on small files, each decoded and compared by the ffmpeg program: the least that
# has to hold with libraries that nobody has run the whole suite on.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build -p trix-cli --locked
trix=${CARGO_TARGET_DIR:-target}/debug/trix
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ffmpeg() {
    command ffmpeg -nostdin -y -v error "$@"
}

# The decoded samples of a kind of stream (v or a), as one hash.
essence() { # FILE KIND [OPTION...]
    ffmpeg -i "$1" -map "0:$2:0" "${@:3}" -f md5 -
}

"$trix" doctor
ffmpeg -f lavfi -i testsrc2=s=320x180:r=25:d=2 -f lavfi -i sine=f=440:r=48000:d=2 \
    -c:v ffv1 -c:a pcm_s16le "$folder/source.mkv"
"$trix" probe "$folder/source.mkv"

tried=0
while read -r name options; do
    echo "+ trix encode source.mkv -o $name $options"
    # shellcheck disable=SC2086 # options are words
    "$trix" encode "$folder/source.mkv" -o "$folder/$name" --verify full $options >/dev/null
    # Of a transport stream it tells the stream once more, as one of its programme.
    frames=$(ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0 \
        "$folder/$name" | sed -n '1s/,//;1p')
    [[ $frames == 50 ]] || { echo "smoke: $name has $frames frames, not 50" >&2 && exit 1; }
    tried=$((tried + 1))
done <<<'h264.mp4 --preset ultrafast --audio aac
h264.ts --preset ultrafast --audio aac
h264.mkv --lossless --preset ultrafast --audio flac
h264-10.mov --depth 10 --preset ultrafast --audio copy
hevc.mkv --video x265 --preset ultrafast --audio opus
hevc-10.mp4 --video x265 --depth 10 --preset ultrafast --audio none
hevc-12.mkv --video x265 --depth 12 --preset ultrafast --audio aac
hevc-lossless.mkv --video x265 --lossless --preset ultrafast --audio copy
ffv1.mkv --video ffv1 --audio copy
prores.mov --video prores --audio copy'

for name in h264.mkv hevc-lossless.mkv ffv1.mkv; do
    for kind in v a; do
        [[ $(essence "$folder/$name" $kind) == $(essence "$folder/source.mkv" $kind) ]] ||
            { echo "smoke: $name does not hold what the source holds" >&2 && exit 1; }
    done
done
echo "smoke: $tried files are whole, 3 of them without loss"
