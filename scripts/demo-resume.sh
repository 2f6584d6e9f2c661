#!/usr/bin/env bash
# Shows that an ingest which is killed goes on where it was, with the same bytes: with the trix that was just built (or with $TRIX).
set -euo pipefail
cd "$(dirname "$0")/.."

trix=${TRIX:-${CARGO_TARGET_DIR:-target}/release/trix}
dir=${TRIX_DEMO:-target/demo}/resume
film=$dir/film.mkv
rm -rf "$dir/killed" "$dir/whole"
mkdir -p "$dir"

# A minute of video with scenes of different lengths.
if [[ ! -s $film ]]; then
    ffmpeg -nostdin -y -v error -f lavfi -i testsrc2=size=960x540:rate=25:duration=60 \
        -vf "negate=enable='between(t,7,19)+between(t,33,41)'" -c:v libx264 -preset veryfast -crf 16 "$dir/part.mkv"
    mv "$dir/part.mkv" "$film"
fi
ingest=(ingest "$film" --profile preview --set chunks=on --set preview_preset=slow)

printf '\nAn ingest that nobody disturbs:\n\n'
"$trix" "${ingest[@]}" -o "$dir/whole"

printf '\nThe same ingest, killed with kill -9 as soon as two chunks are kept:\n\n'
"$trix" "${ingest[@]}" -o "$dir/killed" >/dev/null 2>&1 &
until (( $(find "$dir/killed" -name '*.chunk' 2>/dev/null | wc -l) >= 2 )); do
    sleep 0.02
done
kill -9 $!
wait $! 2>/dev/null || true
printf '$ ls -A %s\n' "$dir/killed"
ls -A "$dir/killed"
printf '\n$ trix status %s\n' "$dir/killed"
"$trix" status "$dir/killed"

printf '\nThe same command again:\n\n'
"$trix" "${ingest[@]}" -o "$dir/killed"

for copy in "$dir"/whole/*.mp4; do
    cmp "$copy" "$dir/killed/${copy##*/}"
    printf '\n%s has the same bytes in both folders.\n' "${copy##*/}"
done
