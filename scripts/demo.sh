#!/usr/bin/env bash
# Shows in a minute what Trix does: makes a sample master, once, and takes it through probe, ingest and verify, with the
# trix that was just built (or with $TRIX). TRIX_DEMO names another folder than target/demo.
set -euo pipefail
cd "$(dirname "$0")/.."

trix=${TRIX:-${CARGO_TARGET_DIR:-target}/release/trix}
dir=${TRIX_DEMO:-target/demo}
master=$dir/sample-master.mov
dub=$dir/sample-dub.wav
partial=$dir/.sample-master.partial.mov

bold='' plain=''
[[ ! -t 1 ]] || bold=$'\e[1m' plain=$'\e[0m'

# What comes next, and why.
step() { # TITLE REASON...
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
    shift
    printf '  %s\n' "$@"
}

# Prints a command, as one would type it, and runs it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# A source for ffmpeg that sounds like somebody who speaks: overtones of a voice, two resonances of a mouth, syllables of
# different strength, and pauses between sentences.
voice() { # PITCH SYLLABLES SEED: in Hz, a second, any number
    local beat="($2*t+0.4*sin(1.7*t+$3))" at="mod(t+$3\,3.1)"
    local syllable="pow(abs(sin(PI*$beat))\,0.8)*(0.3+0.7*abs(sin($3+12.9898*floor($beat))))"
    local sentence="min(1\,8*$at)*max(0\,min(1\,7*(2.5-$at)))"
    local turn="2*PI*($1*t+0.9*sin(2*PI*0.7*t)+0.05*sin(2*PI*5*t))" overtones='' overtone
    for overtone in 1:1 2:0.8 3:0.7 4:0.6 5:0.4 7:0.3 11:0.2; do
        overtones+="${overtones:+"+"}${overtone#*:}*sin(${overtone%:*}*$turn)"
    done
    printf 'aevalsrc=0.2*%s*%s*(%s):s=48000,equalizer=f=650:t=h:w=200:g=9,equalizer=f=1700:t=h:w=300:g=6' \
        "$syllable" "$sentence" "$overtones"
}

# Eight seconds as an edit suite would deliver them: 720p25 ProRes 422 HQ, BT.709, stereo in 24 bits, and the audio of a
# second language in a file of its own.
# A slow zoom under drifting light, both drawn small and scaled up so that the ramps have all ten bits; a test chart
# with running time code; film grain over everything, because that is what encoders find hard.
make_master() {
    local to_master="scale=1280:720:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv422p10le"
    local bt709="setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    # -q:v fixes the quantiser: prores_ks is several times faster when it need not search for one.
    ffmpeg -nostdin -y -v error \
        -f lavfi -i "mandelbrot=s=640x360:r=25:start_scale=1.2:end_scale=0.05:end_pts=200:maxiter=200" \
        -f lavfi -i "gradients=s=320x180:r=25:n=4:c0=0x10243f:c1=0x4f86b8:c2=0xe0b070:c3=0x6b2d4a:speed=0.01:seed=4" \
        -f lavfi -i "testsrc2=s=320x180:r=25" \
        -f lavfi -i "color=0x828282:s=1280x720:r=25" \
        -f lavfi -i "$(voice 118 4.3 1)" \
        -filter_complex "
            [0]${to_master}[zoom]; [1]${to_master}[light];
            [2]scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le[chart];
            [3]format=yuv422p,noise=c0s=5:c0f=t,format=yuv422p10le[grain];
            [zoom][light]blend=c0_mode=softlight:c1_mode=average:c2_mode=average[scene];
            [scene][chart]overlay=format=yuv422p10:x='890+28*sin(t)':y='500+20*cos(t*1.3)'[shot];
            [shot][grain]blend=c0_mode=grainmerge,${bt709}[picture]" \
        -map "[picture]" -map 4:a -t 8 \
        -c:v prores_ks -profile:v 3 -q:v 9 -pix_fmt yuv422p10le \
        -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 \
        -c:a pcm_s24le -ac 2 -metadata:s:a:0 language=eng \
        "$partial"
    ffmpeg -nostdin -y -v error -f lavfi -i "$(voice 196 4.9 2)" -t 8 -c:a pcm_s24le -ac 2 "$dub"
    mv "$partial" "$master"
}

mkdir -p "$dir"
trap 'rm -f "$partial"' EXIT

step "1 of 4: a master" "Eight seconds of 720p ProRes and a dub, both made up by ffmpeg. They take the place of your own."
if [[ -e $master && -e $dub ]]; then
    echo "  They are there already: $master, $dub"
else
    make_master
    echo "  $master, $dub"
fi

step "2 of 4: look at it" "What the file contains, and how each number was found. A contradiction would begin with '!'."
run "$trix" probe "$master"

step "3 of 4: make the copies" \
    "One decode feeds five archive copies, a preview, a poster, thumbnails and a waveform, each with the dub." \
    "Each file is read back and compared before it gets its name. superfast only shortens the demonstration."
run "$trix" ingest "$master" -o "$dir/out" --profile archive,preview --set preset=superfast \
    --audio "$dub:lang=rus,title=Dub" --overwrite
echo
echo "Written:"
for file in "$dir"/out/*; do
    printf '  %6s  %s\n' "$(du -h --apparent-size "$file" | cut -f1)" "$file"
done

step "4 of 4: a copy that lost its end" \
    "The first two thirds of a copy, as after a transfer that was interrupted. ffmpeg decodes it and exits with 0." \
    "trix verify says what is missing, and exits with 4."
copy=$dir/out/sample-master.hevc-10.mkv
cut=$dir/cut-short.mkv
head -c $(($(stat -c %s "$copy") * 2 / 3)) "$copy" >"$cut"
code=0
run ffmpeg -nostdin -v error -i "$cut" -f null - || code=$?
echo "exit code $code"
code=0
run "$trix" verify "$cut" || code=$?
echo "exit code $code"

step "Try next" "with a file of your own in the place of FILM.mov:"
cat <<NEXT

  $trix probe FILM.mov
  $trix ingest FILM.mov -o copies --profile archive,preview
  $trix verify --against FILM.mov copies/FILM.hevc-10.mkv

README.md shows what the reports mean; docs/guide.md goes through every task.
NEXT
