//! The argument vectors of ffmpeg, in parts: how an input may be opened, how pictures are prepared, how HLS is written.
//!
//! Invariants: every input is `file:` + absolute path, behind a protocol, demuxer and decoder allow-list, with the demuxer
//! forced; nothing read from a file is put into an argument except numbers and words that were matched here.
//! Stock filters and options of ffmpeg 5.1 and later only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::container::Container;
use crate::error::MediaError;
use crate::facts::{Probe, VideoFacts};
use crate::ladder::{Encoder, Rung};
use crate::rate;

/// Picture codecs that are opened. A name here is both ffmpeg's codec name and (mostly) its decoder's.
pub(crate) const VIDEO_CODECS: &[&str] = &[
    "h264",
    "hevc",
    "av1",
    "vp8",
    "vp9",
    "mpeg1video",
    "mpeg2video",
    "mpeg4",
    "h263",
    "prores",
    "dnxhd",
    "mjpeg",
    "ffv1",
    "dvvideo",
    "png",
    "webp",
    "gif",
    "tiff",
    "qtrle",
    "rawvideo",
    "v210",
];

/// Sound codecs that are opened; every `pcm_*` as well.
pub(crate) const AUDIO_CODECS: &[&str] =
    &["aac", "mp1", "mp2", "mp3", "flac", "alac", "ac3", "eac3", "opus", "vorbis", "wavpack"];

const PCM: &[&str] = &[
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_s32be",
    "pcm_f32le",
    "pcm_f32be",
    "pcm_f64le",
    "pcm_u8",
    "pcm_s8",
    "pcm_alaw",
    "pcm_mulaw",
    "pcm_bluray",
    "pcm_dvd",
];

/// Decoders whose name is not their codec's.
const DECODERS: &[&str] = &["libdav1d", "libaom-av1", "mp3float", "mp2float", "mp1float", "libopus", "libvorbis"];

pub(crate) fn audio_codec_allowed(codec: &str) -> bool {
    AUDIO_CODECS.contains(&codec) || PCM.contains(&codec)
}

/// Builds an argument vector.
#[derive(Debug, Default)]
pub(crate) struct Args(Vec<OsString>);

impl Args {
    pub(crate) fn new(words: &[&str]) -> Self {
        let mut args = Self::default();
        args.add(words);
        args
    }

    pub(crate) fn add(&mut self, words: &[&str]) -> &mut Self {
        self.0.extend(words.iter().map(OsString::from));
        self
    }

    pub(crate) fn pair(&mut self, option: &str, value: impl Into<OsString>) -> &mut Self {
        self.0.push(option.into());
        self.0.push(value.into());
        self
    }

    pub(crate) fn done(self) -> Vec<OsString> {
        self.0
    }
}

/// The walls around an input, for ffmpeg and ffprobe alike: to be followed by `-i`.
pub(crate) fn walls(args: &mut Args, container: Container, max_pixels: u64, max_streams: u32) {
    let demuxer = container.demuxer();
    let decoders = [VIDEO_CODECS, AUDIO_CODECS, PCM, DECODERS].concat().join(",");
    args.add(&["-protocol_whitelist", "file", "-f", demuxer, "-format_whitelist", demuxer])
        .pair("-codec_whitelist", decoders)
        .pair("-max_pixels", max_pixels.to_string())
        .pair("-max_streams", max_streams.to_string());
}

/// `file:` + path: a name that begins with a dash or holds a colon stays a name.
pub(crate) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// Where the input is, absolutely: the children run in the output folder.
pub(crate) fn absolute(input: &Path) -> Result<PathBuf, MediaError> {
    std::path::absolute(input).map_err(|error| MediaError::io("find", input, error))
}

/// Ten times what any preview needs; images were measured by the probe.
pub(crate) const MAX_PIXELS: u64 = 134_217_728;
pub(crate) const MAX_STREAMS: u32 = 64;

/// How an input is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    /// Decode key frames only.
    pub(crate) key_frames: bool,
    /// Begin at the key frame at or before this many microseconds.
    pub(crate) from_us: Option<u64>,
}

/// `ffmpeg … -i file:…` up to the outputs. The picture (or, without one, the sound) begins at zero afterwards.
pub(crate) fn input(probe: &Probe, path: &Path, reading: Reading) -> Args {
    let mut args = Args::new(&["-hide_banner", "-nostdin", "-y", "-v", "warning", "-nostats"]);
    if reading.key_frames {
        args.add(&["-skip_frame", "nokey"]);
    }
    if let Some(from) = reading.from_us {
        args.pair("-ss", format!("{from}us")).add(&["-noaccurate_seek"]);
    }
    let lead = probe
        .video
        .as_ref()
        .map_or_else(|| probe.audio.first().map_or(0, |track| track.lead_us), |video| video.lead_us);
    if lead != 0 {
        args.pair("-itsoffset", format!("{}us", -lead));
    }
    walls(&mut args, probe.container, MAX_PIXELS, MAX_STREAMS);
    args.pair("-i", file_url(path));
    args
}

/// Progress on stdout, for [`crate::supervise::Stdout::Progress`].
pub(crate) fn progress(args: &mut Args) {
    args.add(&["-progress", "pipe:1", "-stats_period", "0.5"]);
}

/// Nothing of the file's own words goes into a preview (place names, serial numbers), and nothing that varies by run.
const CLEAN: &[&str] =
    &["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:a", "+bitexact"];

/// One HLS rendition in `hls/<name>/`. `avoid_negative_ts` stays off so that the edit list tells the true start, which
/// `mp4::settle` then moves into the segments.
pub(crate) fn hls_output(args: &mut Args, name: &str, segment_us: u64) {
    args.add(CLEAN)
        .add(&["-avoid_negative_ts", "disabled", "-max_muxing_queue_size", "4096", "-f", "hls"])
        .pair("-hls_time", format!("{segment_us}us"))
        .add(&["-hls_playlist_type", "vod", "-hls_list_size", "0", "-hls_segment_type", "fmp4"])
        .add(&["-hls_flags", "independent_segments", "-hls_fmp4_init_filename", "init.mp4"])
        .pair("-hls_segment_filename", format!("hls/{name}/s%05d.m4s"))
        .pair("-start_number", "0")
        .add(&[&format!("hls/{name}/index.m3u8")]);
}

/// Sound on the clock of the picture: silence before a late start, a cut before an early one, drift taken up.
pub(crate) const ON_THE_CLOCK: &str = "aresample=async=1000:first_pts=0";

/// AAC-LC 128 kb/s at 48 kHz.
pub(crate) fn encode_audio(args: &mut Args, channels: u32) {
    let channels = if channels == 1 { "1" } else { "2" };
    args.add(&["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", channels, "-af", ON_THE_CLOCK]);
}

/// H.264 High, 8-bit 4:2:0, closed groups of exactly two seconds.
pub(crate) fn encode_video(args: &mut Args, rung: &Rung, frame_rate: (u32, u32), encoder: Encoder, threads: u32) {
    let group = rate::gop_frames(frame_rate).to_string();
    args.add(&["-c:v", encoder.name(), "-profile:v", "high", "-pix_fmt", "yuv420p"])
        .add(&["-g", &group, "-keyint_min", &group])
        .pair("-maxrate", rung.max_rate.to_string())
        .pair("-bufsize", (rung.max_rate * 2).to_string())
        .add(&["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"]);
    match encoder {
        Encoder::X264 => {
            args.add(&["-preset", &rung.preset, "-sc_threshold", "0", "-flags:v", "+cgop+bitexact"])
                .pair("-threads", threads.to_string())
                .pair("-crf", rung.crf.to_string());
        }
        Encoder::Nvenc => {
            args.add(&[
                "-preset",
                "p4",
                "-rc",
                "vbr",
                "-no-scenecut",
                "1",
                "-forced-idr",
                "1",
                "-strict_gop",
                "1",
                "-bf",
                "2",
            ])
            .pair("-cq", (rung.crf + 2).to_string());
        }
    }
}

/// The matrix the picture is in. Untagged pictures are what players take them for: BT.709 from 720 lines on, else BT.601.
fn matrix(video: &VideoFacts) -> Option<&'static str> {
    let rgb = ["rgb", "bgr", "gbr", "pal8", "gray", "ya8", "argb", "abgr", "mono"];
    if rgb.iter().any(|word| video.pix_fmt.starts_with(word)) {
        return None;
    }
    Some(match video.colour_space.as_deref() {
        Some("bt709") => "bt709",
        Some("bt2020nc" | "bt2020c") => "bt2020",
        Some("smpte170m" | "bt470bg" | "fcc") => "bt601",
        _ if video.width.min(video.height) >= 720 => "bt709",
        _ => "bt601",
    })
}

/// Fields to frames, HDR to SDR, alpha onto grey. What comes out is progressive SDR, already turned by ffmpeg.
pub(crate) fn prepare(video: &VideoFacts) -> Vec<String> {
    let mut chain = Vec::new();
    if video.interlaced {
        chain.push("bwdif=mode=send_frame:deint=all".to_owned());
    }
    if video.hdr {
        chain.push(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,\
             zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
                .to_owned(),
        );
    }
    if video.alpha {
        // Not `drawbox`: with `replace` it crashes ffmpeg 5.1 on pictures with alpha.
        chain.push(
            "format=rgba,split[art][shade];[shade]lutrgb=r=128:g=128:b=128:a=255[grey];[grey][art]overlay=format=rgb"
                .to_owned(),
        );
    }
    chain
}

fn scaled_from(video: &VideoFacts) -> String {
    let source = if video.hdr {
        Some("bt709")
    } else if video.alpha {
        None
    } else {
        matrix(video)
    };
    source.map_or_else(String::new, |matrix| format!(":in_color_matrix={matrix}"))
}

/// Scales to a size in BT.709 limited range, as browsers expect of H.264.
pub(crate) fn scale_video(video: &VideoFacts, width: u32, height: u32) -> String {
    format!(
        "scale={width}:{height}:flags=bicubic{}:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1",
        scaled_from(video)
    )
}

/// Scales to a size in full-range BT.601, as browsers expect of JPEG.
pub(crate) fn scale_jpeg(video: &VideoFacts, width: u32, height: u32) -> String {
    format!(
        "scale={width}:{height}:flags=bicubic{}:out_color_matrix=bt601:out_range=pc,format=yuvj420p,setsar=1",
        scaled_from(video)
    )
}

/// Frames on the grid of the exact rate; for a steady source this changes nothing.
pub(crate) fn steady((num, den): (u32, u32)) -> String {
    format!("fps=fps={num}/{den}:start_time=0")
}

/// A JPEG without the file's own words.
pub(crate) fn jpeg_output(args: &mut Args, label: &str, quality: &str, path: &str) {
    args.add(&["-map", label]).add(CLEAN).add(&[
        "-frames:v",
        "1",
        "-update",
        "1",
        "-c:v",
        "mjpeg",
        "-flags:v",
        "+bitexact",
        "-q:v",
        quality,
        "-f",
        "image2",
        path,
    ]);
}

/// The largest even size of this shape within a box whose long side is `long`; never larger than the source.
pub(crate) fn fit(video: &VideoFacts, long: u32) -> (u32, u32) {
    let (width, height) = (f64::from(video.width.max(2)), f64::from(video.height.max(2)));
    let factor = (f64::from(long) / width.max(height)).min(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 2 and the source's size")]
    let even = |value: f64| ((value / 2.0 + 1e-6).floor() as u32 * 2).max(2);
    (even(width * factor), even(height * factor))
}
