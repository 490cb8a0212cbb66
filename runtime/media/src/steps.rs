//! The single steps of a build: each starts at most one child and leaves files under names of ours.
//!
//! Invariants: steps know nothing of each other; all paths are relative to the output folder, which is the children's
//! working folder; each reports its own progress within the span it is given.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::args::{self, Args, Reading};
use crate::cancel::{Cancel, Observer};
use crate::error::MediaError;
use crate::facts::{AudioFacts, Probe, VideoFacts};
use crate::ladder::{AudioPlan, Encoder, Profile, Rung};
use crate::launch::DRIVER_MEMORY;
use crate::rate;
use crate::sprites::Grid;
use crate::supervise::{Finished, Job, Limits, Stdout, run};
use crate::tools::{Program, Tools};
use crate::waveform::Peaks;

/// Segments of a copy are cut at the source's key frames, at or after this.
const COPY_SEGMENT_US: u64 = 4_000_000;

/// What all steps of one build share.
pub(crate) struct Bench<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) input: PathBuf,
    pub(crate) probe: &'a Probe,
    pub(crate) profile: Profile,
    pub(crate) out: &'a Path,
    pub(crate) meter: Meter<'a>,
    pub(crate) cancel: &'a Cancel,
}

/// Passes progress on, at most twice a second and never backwards.
pub(crate) struct Meter<'a> {
    observer: &'a dyn Observer,
    last: Mutex<(f32, Option<Instant>)>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(observer: &'a dyn Observer) -> Self {
        Self { observer, last: Mutex::new((0.0, None)) }
    }

    /// At the end of a step: told always.
    pub(crate) fn reached(&self, fraction: f32, note: &str) {
        self.tell(fraction, note, true);
    }

    fn tell(&self, fraction: f32, note: &str, always: bool) {
        let fraction = {
            let Ok(mut last) = self.last.lock() else { return };
            let now = Instant::now();
            if !always && last.1.is_some_and(|before| now.duration_since(before) < Duration::from_millis(500)) {
                return;
            }
            *last = (last.0.max(fraction.clamp(0.0, 1.0)), Some(now));
            last.0
        };
        self.observer.progress(fraction, note);
    }

    /// Progress of one step from `from` to `to`, by time of the output.
    pub(crate) fn span(&self, from: f32, to: f32, seconds: f64, note: &'static str) -> impl Fn(u64) + Send + Sync + '_ {
        move |reached_us| {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a bar on a screen")]
            let part = (reached_us as f64 / 1e6 / seconds.max(0.1)).min(1.0) as f32;
            self.tell(from + (to - from) * part, note, false);
        }
    }
}

/// Part of the whole bar that a step fills.
pub(crate) type Span = (f32, f32);

impl Bench<'_> {
    async fn ffmpeg(&self, step: &'static str, args: Args, stdout: Stdout<'_>) -> Result<Finished, MediaError> {
        let mut limits = Limits::for_media(self.probe.seconds(), self.probe.size);
        if self.profile.encoder != Encoder::X264 {
            limits.kernel.memory = DRIVER_MEMORY;
        }
        let job = Job { step, program: Program::Ffmpeg, arguments: args.done(), folder: Some(self.out), limits };
        run(self.tools, job, stdout, self.cancel).await
    }

    async fn measured(&self, step: &'static str, mut args: Args, span: Span) -> Result<(), MediaError> {
        // Before the outputs is where global options belong, but ffmpeg takes them anywhere.
        args::progress(&mut args);
        let tell = self.meter.span(span.0, span.1, self.probe.seconds(), step);
        self.ffmpeg(step, args, Stdout::Progress(&tell)).await.map(drop)
    }

    fn input(&self, reading: Reading) -> Args {
        args::input(self.probe, &self.input, reading)
    }

    fn folder(&self, name: &str) -> Result<(), MediaError> {
        let path = self.out.join(name);
        std::fs::create_dir_all(&path).map_err(|error| MediaError::io("create", &path, error))
    }

    /// `thumbs/poster.jpg` and `thumbs/card.jpg`: the key frame at or before a tenth of the length.
    pub(crate) async fn poster(&self, video: &VideoFacts) -> Result<(), MediaError> {
        self.folder("thumbs")?;
        let tenth = self.probe.duration_ms.map(|ms| ms * 100);
        let seek = Reading { key_frames: true, from_us: tenth.filter(|us| *us > 0) };
        let first = self.poster_from(video, seek).await;
        if first.is_ok() && self.out.join("thumbs/poster.jpg").is_file() {
            return Ok(());
        }
        // Files without an index of key frames: the first picture that decodes.
        self.poster_from(video, Reading::default()).await
    }

    async fn poster_from(&self, video: &VideoFacts, reading: Reading) -> Result<(), MediaError> {
        let mut args = self.input(reading);
        let mut chain = args::prepare(video);
        chain.push("split=2[a][b]".to_owned());
        let (poster, card) = (args::fit(video, 1280), args::fit(video, 480));
        let graph = format!(
            "[0:v:0]{};[a]{}[poster];[b]{}[card]",
            chain.join(","),
            args::scale_jpeg(video, poster.0, poster.1),
            args::scale_jpeg(video, card.0, card.1)
        );
        args.pair("-filter_complex", graph);
        args::jpeg_output(&mut args, "[poster]", "3", "thumbs/poster.jpg");
        args::jpeg_output(&mut args, "[card]", "4", "thumbs/card.jpg");
        self.ffmpeg("the poster", args, Stdout::Collect(4096)).await.map(drop)
    }

    /// `image/full.jpg`, `thumbs/poster.jpg`, `thumbs/card.jpg` of a still picture, in one decode.
    pub(crate) async fn image(&self, video: &VideoFacts) -> Result<(), MediaError> {
        self.folder("image")?;
        self.folder("thumbs")?;
        let mut args = self.input(Reading::default());
        let mut chain = args::prepare(video);
        chain.push("split=3[a][b][c]".to_owned());
        let scale = |long: u32| {
            let (width, height) = args::fit(video, long);
            args::scale_jpeg(video, width, height)
        };
        let graph = format!(
            "[0:v:0]{};[a]{}[full];[b]{}[poster];[c]{}[card]",
            chain.join(","),
            scale(2560),
            scale(1280),
            scale(480)
        );
        args.pair("-filter_complex", graph);
        args::jpeg_output(&mut args, "[full]", "2", "image/full.jpg");
        args::jpeg_output(&mut args, "[poster]", "3", "thumbs/poster.jpg");
        args::jpeg_output(&mut args, "[card]", "4", "thumbs/card.jpg");
        self.ffmpeg("the picture", args, Stdout::Collect(4096)).await.map(drop)
    }

    /// `hls/copy/` and, with sound, `hls/a128/`: no picture is decoded.
    pub(crate) async fn copy(&self, audio: Option<AudioPlan>, span: Span) -> Result<(), MediaError> {
        self.folder("hls/copy")?;
        let mut args = self.input(Reading::default());
        args.add(&["-map", "0:v:0", "-c:v", "copy"]);
        args::hls_output(&mut args, "copy", COPY_SEGMENT_US);
        self.sound_output(&mut args, audio, COPY_SEGMENT_US)?;
        self.measured("the copy", args, span).await
    }

    /// `hls/a128/` alone, for files without a picture.
    pub(crate) async fn sound(&self, audio: AudioPlan, span: Span) -> Result<(), MediaError> {
        let mut args = self.input(Reading::default());
        self.sound_output(&mut args, Some(audio), COPY_SEGMENT_US)?;
        self.measured("the sound", args, span).await
    }

    fn sound_output(&self, args: &mut Args, audio: Option<AudioPlan>, segment_us: u64) -> Result<(), MediaError> {
        let (Some(plan), Some(track)) = (audio, self.probe.audio.first()) else { return Ok(()) };
        self.folder("hls/a128")?;
        args.add(&["-map", "0:a:0"]);
        match plan {
            AudioPlan::Copy => {
                args.add(&["-c:a", "copy"]);
            }
            AudioPlan::Encode => args::encode_audio(args, track.channels),
        }
        args::hls_output(args, "a128", segment_us);
        Ok(())
    }

    /// All `rungs` (largest first) from one decode, each scaled from the one above it; with sound if asked.
    pub(crate) async fn ladder(
        &self,
        video: &VideoFacts,
        rungs: &[Rung],
        audio: Option<AudioPlan>,
        encoder: Encoder,
        span: Span,
    ) -> Result<(), MediaError> {
        let frame_rate = video.frame_rate.unwrap_or((25, 1));
        let mut args = self.input(Reading::default());
        args.pair("-filter_complex", ladder_graph(video, rungs, frame_rate));
        let segment = rate::segment_us(frame_rate);
        for rung in rungs {
            self.folder(&format!("hls/{}", rung.name))?;
            args.add(&["-map", &format!("[{}]", rung.name), "-fps_mode", "passthrough"]);
            args::encode_video(&mut args, rung, frame_rate, encoder, self.profile.cores.clamp(1, 16));
            args::hls_output(&mut args, &rung.name, segment);
        }
        self.sound_output(&mut args, audio, segment)?;
        self.measured("the encoding", args, span).await
    }

    /// `thumbs/sprites_000.jpg` … and `thumbs/sprites.vtt`, from key frames only.
    pub(crate) async fn sprites(&self, video: &VideoFacts, span: Span) -> Result<(), MediaError> {
        let grid = Grid::new(video, self.probe.duration_ms.unwrap_or(0));
        let mut args = self.input(Reading { key_frames: true, from_us: None });
        let mut chain = vec![
            format!("fps=fps=1000/{}:start_time=0", grid.step_ms),
            // Key frames can end long before the media does: the last one stands until the end.
            "tpad=stop=-1:stop_mode=clone".to_owned(),
            format!("trim=end_frame={}", grid.cells),
        ];
        chain.extend(args::prepare(video));
        chain.push(args::scale_jpeg(video, grid.width, grid.height));
        chain.push("tile=10x10".to_owned());
        args.pair("-filter_complex", format!("[0:v:0]{}[tiles]", chain.join(",")))
            .add(&["-map", "[tiles]", "-fps_mode", "passthrough", "-map_metadata", "-1", "-fflags", "+bitexact"])
            .pair("-frames:v", grid.sheets().to_string())
            .add(&["-c:v", "mjpeg", "-q:v", "5", "-flags:v", "+bitexact", "-f", "image2", "-start_number", "0"])
            .add(&["thumbs/sprites_%03d.jpg"]);
        self.measured("the scrub pictures", args, span).await?;
        let path = self.out.join("thumbs/sprites.vtt");
        std::fs::write(&path, grid.vtt()).map_err(|error| MediaError::io("write", &path, error))
    }

    /// `waveform/peaks.json`.
    pub(crate) async fn waveform(&self, span: Span) -> Result<(), MediaError> {
        self.folder("waveform")?;
        let mut args = self.input(Reading::default());
        args.add(&["-map", "0:a:0", "-vn", "-af", args::ON_THE_CLOCK, "-ac", "1", "-ar", "8000"]).add(&[
            "-c:a",
            "pcm_s16le",
            "-f",
            "s16le",
            "pipe:1",
        ]);
        let mut peaks = Peaks::new();
        let tell = self.meter.span(span.0, span.1, self.probe.seconds(), "the waveform");
        let mut take = |bytes: &[u8]| {
            peaks.push(bytes);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of media")]
            tell((peaks.seconds() * 1e6) as u64);
        };
        self.ffmpeg("the waveform", args, Stdout::Stream(&mut take)).await?;
        let path = self.out.join("waveform/peaks.json");
        let text = peaks.finish().map_err(|error| MediaError::io("write", &path, std::io::Error::other(error)))?;
        std::fs::write(&path, text).map_err(|error| MediaError::io("write", &path, error))
    }

    /// Decodes the first second of a rendition as a player would get it.
    pub(crate) async fn decodes(&self, name: &str) -> Result<bool, MediaError> {
        let mut args = Args::new(&["-hide_banner", "-nostdin", "-v", "error", "-xerror"]);
        args.add(&["-protocol_whitelist", "file", "-f", "hls", "-format_whitelist", "hls,mov"])
            .add(&["-allowed_extensions", "ALL"])
            .pair("-i", format!("file:hls/{name}/index.m3u8"))
            .add(&["-t", "1", "-f", "framecrc", "pipe:1"]);
        match self.ffmpeg("the check", args, Stdout::Collect(1 << 20)).await {
            Ok(finished) => Ok(finished
                .stdout
                .split(|byte| *byte == b'\n')
                .any(|line| line.first().is_some_and(u8::is_ascii_digit))),
            Err(error) if error.class() == crate::error::Class::Cancelled => Err(error),
            Err(error) => {
                tracing::debug!(name, log = error.log(), "a rendition does not decode");
                Ok(false)
            }
        }
    }
}

/// Sound of the first track, if the file has any.
pub(crate) fn first_track(probe: &Probe) -> Option<&AudioFacts> {
    probe.audio.first()
}

fn ladder_graph(video: &VideoFacts, rungs: &[Rung], frame_rate: (u32, u32)) -> String {
    let mut chain = vec![args::steady(frame_rate)];
    chain.extend(args::prepare(video));
    let mut graph = format!("[0:v:0]{}", chain.join(","));
    for (n, rung) in rungs.iter().enumerate() {
        let scale = if n == 0 {
            format!(",{}", args::scale_video(video, rung.width, rung.height))
        } else {
            format!("[t{n}]scale={}:{}:flags=bicubic,setsar=1", rung.width, rung.height)
        };
        graph.push_str(&scale);
        if n + 1 < rungs.len() {
            graph.push_str(&format!(",split=2[{}][t{}];", rung.name, n + 1));
        } else {
            graph.push_str(&format!("[{}]", rung.name));
        }
    }
    graph
}
