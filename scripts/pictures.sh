#!/usr/bin/env bash
# Draws the pictures of the README from the files of the demo: a terminal with the reports of trix (docs/images/terminal.svg),
# and the stills that the preview profile makes (docs/images/stills.jpg). What the terminal shows is what trix printed.
set -euo pipefail
cd "$(dirname "$0")/.."

trix=$(realpath "${TRIX:-${CARGO_TARGET_DIR:-target}/release/trix}")
demo=${TRIX_DEMO:-target/demo}
images=$PWD/docs/images
mkdir -p "$images"

[[ -e $demo/out/sample-master.poster.jpg ]] || { echo "pictures: run make demo first" >&2 && exit 1; }

ffmpeg -nostdin -y -v error -i "$demo/out/sample-master.poster.jpg" -i "$demo/out/sample-master.sprites.jpg" \
    -i "$demo/out/sample-master.waveform.png" -filter_complex "
        [0]scale=800:-2[poster]; [1]scale=800:-2[sheet]; [2]scale=800:100[line];
        color=white:s=800x100[paper]; [paper][line]overlay,format=yuvj420p[wave];
        [poster][sheet][wave]vstack=inputs=3" \
    -frames:v 1 -q:v 6 "$images/stills.jpg"

session=$(mktemp -d)
trap 'rm -rf "$session"' EXIT
ln -s "$(realpath "$demo/sample-master.mov")" "$session/film.mov"
ln -s "$(realpath "$demo/sample-dub.wav")" "$session/dub.wav"

# Prints a command and what it says. The hash is shortened, as its end says no more.
show() { # COMMAND...
    echo "\$ $*"
    (cd "$session" && "$@" 2>&1) | sed -E 's/(sha256 +[0-9a-f]{12})[0-9a-f]+/\1.../' || true
}
trix() { "$trix" "$@"; }

# Draws text as a terminal: a window with a row for each line. Commands are green, labels grey, what fails red.
draw() {
    awk '
        function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
        function part(class, text) { return "<tspan class=\"" class "\">" escaped(text) "</tspan>" }
        {
            if (length($0) > width) width = length($0)
            if (/^\$ /) row = part("c", $0)
            else if (/^ +FAILED|^trix: /) row = part("f", $0)
            else if (match($0, /^ +(ok|[a-z0-9]+) +/)) row = part("l", substr($0, 1, RLENGTH)) escaped(substr($0, RLENGTH + 1))
            else row = part(/^[a-z].*  [0-9.]+ .iB$/ ? "n" : "t", $0)
            rows[NR] = row
        }
        END {
            w = int(width * 7.83) + 40; h = NR * 18 + 52
            printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", w, h, w, h
            print "<style>text { font: 13px \"DejaVu Sans Mono\", Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre }"
            print ".c { fill: #a3be8c; font-weight: bold } .l { fill: #88a0b8 } .n { fill: #ebcb8b } .f { fill: #ff7b72 }</style>"
            printf "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#20242c\"/>\n", w, h
            print "<circle cx=\"20\" cy=\"18\" r=\"6\" fill=\"#ff5f56\"/><circle cx=\"40\" cy=\"18\" r=\"6\" fill=\"#ffbd2e\"/>" \
                "<circle cx=\"60\" cy=\"18\" r=\"6\" fill=\"#27c93f\"/>"
            for (i = 1; i <= NR; i++) printf "<text x=\"20\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", i * 18 + 32, rows[i]
            print "</svg>"
        }'
}

{
    show trix ingest film.mov -o copies --profile preview --audio dub.wav:lang=rus,title=Dub
    head -c $(($(stat -c %s "$demo/out/sample-master.hevc-10.mkv") * 2 / 3)) "$demo/out/sample-master.hevc-10.mkv" \
        >"$session/cut-short.mkv"
    echo
    # The checks; the message on standard error says the failed ones again.
    show trix verify cut-short.mkv | grep -v '^trix: '
} | draw >"$images/terminal.svg"

echo "pictures: docs/images/terminal.svg and docs/images/stills.jpg are new"
