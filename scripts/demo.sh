#!/usr/bin/env bash
# Makes a sample master, once, and ingests it with the trix that was just built.
set -euo pipefail
cd "$(dirname "$0")/.."

trix=${CARGO_TARGET_DIR:-target}/release/trix
dir=target/demo
master=$dir/sample-master.mov
dub=$dir/sample-dub.wav
partial=$dir/.sample-master.partial.mov

# Ten seconds as an edit suite would deliver them: 1080p25 ProRes 422 HQ, BT.709, stereo in 24 bits, and the sound of a
# second language in a file of its own.
# A slow zoom under drifting light, both drawn small and scaled up so that the ramps have all ten bits; a test chart
# with running time code; film grain over everything, because that is what encoders find hard.
make_master() {
    local to_master="scale=1920:1080:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv422p10le"
    local bt709="setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    # -q:v fixes the quantiser: prores_ks is several times faster when it need not search for one.
    ffmpeg -nostdin -y -v error \
        -f lavfi -i "mandelbrot=s=960x540:r=25:start_scale=1.2:end_scale=0.02:end_pts=250:maxiter=300" \
        -f lavfi -i "gradients=s=480x270:r=25:n=4:c0=0x10243f:c1=0x4f86b8:c2=0xe0b070:c3=0x6b2d4a:speed=0.01:seed=4" \
        -f lavfi -i "testsrc2=s=480x270:r=25" \
        -f lavfi -i "color=0x828282:s=1920x1080:r=25" \
        -f lavfi -i "aevalsrc=0.2*sin(2*PI*440*t)|0.2*sin(2*PI*554.37*t):c=stereo:s=48000" \
        -filter_complex "
            [0]${to_master}[zoom]; [1]${to_master}[light];
            [2]scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le[chart];
            [3]format=yuv422p,noise=c0s=5:c0f=t,format=yuv422p10le[grain];
            [zoom][light]blend=c0_mode=softlight:c1_mode=average:c2_mode=average[scene];
            [scene][chart]overlay=format=yuv422p10:x='1340+40*sin(t)':y='750+30*cos(t*1.3)'[shot];
            [shot][grain]blend=c0_mode=grainmerge,${bt709}[picture]" \
        -map "[picture]" -map 4:a -t 10 \
        -c:v prores_ks -profile:v 3 -q:v 9 -pix_fmt yuv422p10le \
        -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 \
        -c:a pcm_s24le -metadata:s:a:0 language=eng \
        "$partial"
    ffmpeg -nostdin -y -v error -f lavfi -i "aevalsrc=0.2*sin(2*PI*330*t)|0.2*sin(2*PI*392*t):c=stereo:s=48000" \
        -t 10 -c:a pcm_s24le "$dub"
    mv "$partial" "$master"
}

mkdir -p "$dir"
trap 'rm -f "$partial"' EXIT
if [[ ! -e $master || ! -e $dub ]]; then
    echo "Making the sample master (once): $master"
    make_master
fi

# The profile's own preset is slower than anyone wants to wait for a demonstration.
command=("$trix" ingest "$master" -o "$dir/out" --profile archive,preview --set preset=superfast
    --audio "$dub:lang=rus,title=Dub" --overwrite)
printf '\n+ %s\n' "${command[*]}"
"${command[@]}"

echo
echo "Written:"
for file in "$master" "$dub" "$dir"/out/*; do
    printf '  %6s  %s\n' "$(du -h --apparent-size "$file" | cut -f1)" "$file"
done
