#!/usr/bin/env bash
# Makes the clips of the sample project: make-clips.sh OUTDIR
#
#   scene-02-camera-one.mp4   60 s, 1920x1080, 30 fps, H.264 + AAC, burnt-in timecode and frame number, spoken words
#   scene-02-pickup.mov       20 s, 1280x720, 24000/1001 fps, ProRes 4:2:2 10 bit + PCM: cannot be copied for browsers
#   voice-notes.flac          about 30 s of speech
#   location-still.png        2560x1440
#
# The same files come out of the same ffmpeg and espeak-ng on every run. What exists already is left alone.
set -euo pipefail

# What is said, and how many seconds apart. Words of the demo speech pack
# (models/packs/demo-speech-en), with a capital after each full stop: espeak-ng pauses only there.
CAMERA_LINES=(
    "Camera one. Record scene two. Action."
    "Sound ready. Light ready. Camera ready. Action."
    "Record the scene. Stop the sound. Cut."
    "Take six. Open the right window. Go."
    "Open the left door. Start camera six. Go."
    "Stop the camera. Close the window. Cut."
    "Start the scene. Stop the sound. Close the light."
    "Stop camera one. Start camera two. Record the door."
    "Camera two ready. Start the camera. Action."
    "Record scene one. Take two. Ready. Action."
)
CAMERA_EVERY=6
PICKUP_LINES=(
    "Camera one. Record scene two. Action."
    "Open the window and close the door."
    "Close the right window and open the left window."
    "Record the scene. Stop the sound. Cut."
)
PICKUP_EVERY=5
NOTE_LINES=(
    "Sound ready. Light ready. Camera ready. Action."
    "Take six. Open the right window. Go."
    "Stop camera one. Start camera two. Record the door."
    "Start the scene. Stop the sound. Close the light."
    "Open the window and close the door."
    "Stop the camera. Close the window. Cut."
)
NOTE_EVERY=5
VOICE=en-us

OUT=${1:?usage: make-clips.sh OUTDIR}
mkdir -p "$OUT"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

ff() { timeout 300 ffmpeg -hide_banner -nostdin -v error -y "$@"; }

font() {
    local file
    for file in "$(fc-match -f '%{file}' 'DejaVu Sans Mono:bold' 2>/dev/null || true)" \
        /usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf /usr/share/fonts/dejavu/DejaVuSansMono-Bold.ttf \
        /usr/share/fonts/TTF/DejaVuSansMono-Bold.ttf; do
        if [ -f "$file" ]; then echo "$file"; return; fi
    done
    echo "make-clips: no font found; install fonts-dejavu-core" >&2
    exit 1
}

# speech SECONDS EVERY OUT.wav LINE...: the lines, evenly apart, over a bed of very quiet room tone. Put end to end and
# not with `amix`, whose result can depend on the load of the machine.
speech() {
    local seconds=$1 every=$2 out=$3 n=0 inputs=() graph="" parts="" line
    shift 3
    for line in "$@"; do
        espeak-ng -v "$VOICE" -s 130 -w "$WORK/line-$n.wav" "$line"
        inputs+=(-i "$WORK/line-$n.wav")
        graph+="[$n:a]aresample=48000,adelay=800,apad=whole_dur=$every,atrim=0:$every,asetpts=N/SR/TB[l$n];"
        parts+="[l$n]"
        n=$((n + 1))
    done
    ff "${inputs[@]}" -f lavfi -i "anoisesrc=r=48000:a=0.002:c=pink:seed=7:d=$seconds" -filter_complex \
        "${graph}${parts}concat=n=$n:v=0:a=1,apad=whole_dur=$seconds,atrim=0:$seconds,aformat=sample_fmts=dbl:channel_layouts=mono[words];[$n:a]aformat=sample_fmts=dbl:channel_layouts=mono[room];[words][room]amerge=inputs=2,pan=mono|c0=c0+c1[a]" \
        -map '[a]' -ac 1 -c:a pcm_s16le -fflags +bitexact -flags:a +bitexact "$out"
}

# Pictures are computed at half size where that does not show, because `geq` is slow.

# ridge OUT.png WIDTH HEIGHT RGB WAVES PHASE: one mountain range with an alpha edge; whole waves, so it could go round.
ridge() {
    local line="H*(0.42+0.16*sin(2*PI*X*$5/W+$6)+0.09*sin(2*PI*X*$(($5 * 3 + 1))/W+$6*2)+0.03*sin(2*PI*X*$(($5 * 9 + 2))/W+$6*3)+0.012*sin(2*PI*X*$(($5 * 31))/W+$6))"
    ff -f lavfi -i "color=c=$4:s=$(($2 / 2))x$(($3 / 2)):r=1,format=rgba" -frames:v 1 \
        -vf "geq=r='r(X,Y)*(1-0.35*Y/H)':g='g(X,Y)*(1-0.35*Y/H)':b='b(X,Y)*(1-0.25*Y/H)':a='clip(255*(Y-$line)/1.5,0,255)',scale=$2:$3:flags=bicubic" "$1"
}

# sky OUT.png WIDTH HEIGHT R1 G1 B1 R2 G2 B2: from the first colour at the top to the second at the horizon, with a
# grain that hides the steps. A quarter of the width, four times.
sky() {
    local t="pow(min(Y/(H*0.72),1),1.6)"
    ff -f lavfi -i "color=c=black:s=$(($2 / 4))x$3:r=1,format=rgb24" -frames:v 1 \
        -vf "geq=r='min($4+($7-$4)*$t+2*random(1),255)':g='min($5+($8-$5)*$t+2*random(2),255)':b='min($6+($9-$6)*$t+2*random(3),255)',split=4[a][b][c][d];[a][b][c][d]hstack=4" "$1"
}

# sun OUT.png SIZE R G B: a disc in a glow.
sun() {
    local d="hypot(X-W/2,Y-H/2)/(W/2)"
    ff -f lavfi -i "color=c=black:s=$(($2 / 2))x$(($2 / 2)):r=1,format=rgba" -frames:v 1 \
        -vf "geq=r='$3':g='min($4+30*lt($d,0.2),255)':b='min($5+60*lt($d,0.2),255)':a='255*clip((0.21-$d)*80,0,1)+(1-clip((0.21-$d)*80,0,1))*170*pow(max(1-$d,0),2.2)',scale=$2:$2:flags=bicubic" "$1"
}

# layers WIDTH HEIGHT R1 G1 B1 R2 G2 B2 SUN FAR MIDDLE NEAR: all pictures of one landscape.
layers() {
    local width=$1 height=$2
    sky "$WORK/sky.png" "$width" "$height" "$3" "$4" "$5" "$6" "$7" "$8"
    # shellcheck disable=SC2086
    sun "$WORK/sun.png" $((height * 10 / 9 / 4 * 4)) $9
    ridge "$WORK/far.png" $((width * 2)) $((height / 2)) "${10}" 3 1.0
    ridge "$WORK/middle.png" $((width * 2)) $((height * 2 / 5)) "${11}" 4 2.3
    ridge "$WORK/near.png" $((width * 3)) $((height * 3 / 10)) "${12}" 7 4.1
}

LAYERS=(-i sky.png -i sun.png -i far.png -i middle.png -i near.png)

# landscape RATE UNIT: the sun sinks, three ranges pass at three speeds. UNIT is pixels per second of the slowest.
landscape() {
    local still="loop=-1:1:0,setpts=N/($1)/TB" n graph=""
    for n in 1 2 3 4; do graph+="[$n:v]format=yuva420p,$still[i$n];"; done
    echo "[0:v]format=yuv420p,$still,fps=$1[i0];$graph[i0][i1]overlay=x=W*0.62-w/2-t*$2*0.4:y=H*0.42-h/2+t*$2*0.35:eval=frame:format=yuv420[a];[a][i2]overlay=x=-t*$2:y=H*0.46:eval=frame[b];[b][i3]overlay=x=-t*$2*2:y=H*0.60:eval=frame[c];[c][i4]overlay=x=-t*$2*4.5:y=H*0.74:eval=frame"
}

# burn SIZE RATE START TITLE: what a camera burns in.
burn() {
    local style="fontfile=$(font):fontcolor=white:box=1:boxcolor=black@0.45"
    echo "drawtext=$style:boxborderw=$(($1 / 4)):fontsize=$1:x=w*0.04:y=h*0.05:text='$4',drawtext=$style:boxborderw=$(($1 / 4)):fontsize=$1:x=w*0.04:y=h*0.95-th:timecode='$3':rate=$2,drawtext=$style:boxborderw=$(($1 / 4)):fontsize=$1:x=w*0.96-tw:y=h*0.95-th:text='frame %{eif\\:n\\:d\\:5}',drawtext=fontfile=$(font):fontcolor=0xff4d4d:fontsize=$1:x=w*0.96-tw:y=h*0.05:text='● REC':enable='lt(mod(t\\,2)\\,1.4)'"
}

EXACT=(-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact)

camera() {
    layers 1920 1080 24 26 66 255 150 92 "255 205 130" 0x7a4a78 0x4a2f5e 0x1d1730
    speech 60 "$CAMERA_EVERY" "$WORK/camera.wav" "${CAMERA_LINES[@]}"
    (cd "$WORK" && ff "${LAYERS[@]}" -i camera.wav -filter_complex \
        "$(landscape 30 8),$(burn 44 30 '01\:00\:00\:00' 'SCENE 02  CAMERA ONE')[v]" -map '[v]' -map 5:a -t 60 -r 30 \
        -c:v libx264 -preset ultrafast -tune fastdecode -crf 19 -bf 2 -profile:v high -level 4.0 -pix_fmt yuv420p \
        -g 60 -keyint_min 60 -sc_threshold 0 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv \
        -c:a aac -b:a 128k -ac 2 "${EXACT[@]}" -timecode 01:00:00:00 -movflags +faststart "$1")
}

pickup() {
    layers 1280 720 8 30 52 120 214 200 "235 250 225" 0x2f6f78 0x1d4a57 0x0b2028
    speech 20 "$PICKUP_EVERY" "$WORK/pickup.wav" "${PICKUP_LINES[@]}"
    (cd "$WORK" && ff "${LAYERS[@]}" -i pickup.wav -filter_complex \
        "$(landscape 24000/1001 10),$(burn 30 24000/1001 '02\:10\:00\:00' 'SCENE 02  PICKUP')[v]" -map '[v]' -map 5:a -t 20.02 \
        -r 24000/1001 -c:v prores -profile:v 0 -vendor apl0 -pix_fmt yuv422p10le -c:a pcm_s16le -ac 2 "${EXACT[@]}" \
        -timecode 02:10:00:00 "$1")
}

notes() {
    speech 31 "$NOTE_EVERY" "$WORK/notes.wav" "${NOTE_LINES[@]}"
    ff -i "$WORK/notes.wav" -c:a flac "${EXACT[@]}" "$1"
}

still() {
    layers 2560 1440 18 22 60 255 176 124 "255 232 190" 0x8a5f8f 0x51407a 0x1b1a3a
    (cd "$WORK" && ff "${LAYERS[@]}" -filter_complex "$(landscape 30 10),scale=out_range=pc,format=rgb24[v]" -map '[v]' \
        -frames:v 1 "${EXACT[@]}" -f image2 -update 1 -c:v png "$1")
}

# once NAME MAKER: under a name of its own until it is whole.
once() {
    [ -s "$OUT/$1" ] && return
    local partial="$WORK/result.${1##*.}"
    "$2" "$partial"
    mv "$partial" "$OUT/.$1.partial"
    mv "$OUT/.$1.partial" "$OUT/$1"
    echo "made $1"
}

once scene-02-camera-one.mp4 camera
once scene-02-pickup.mov pickup
once voice-notes.flac notes
once location-still.png still
