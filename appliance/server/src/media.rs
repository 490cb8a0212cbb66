//! The media port over `runtime-media`.

use std::io::Read;
use std::path::Path;

use appliance_app::ports::media::{EngineError, Media, Observer};
use appliance_domain::media::{FrameRate, Kind, MediaFacts, Preview, PreviewStage, Rendition};
use appliance_domain::problem::Problem;
use async_trait::async_trait;
use runtime_media::{Built, Cancel, Class, MediaError, Probe, ProbeLimits, Profile, Source, Tools};
use tokio_util::sync::CancellationToken;

/// Looks into media and makes previews with the ffmpeg that came with the release.
pub(crate) struct FfmpegMedia {
    pub(crate) tools: Tools,
    pub(crate) profile: Profile,
}

struct Told<'a>(&'a dyn Observer);

impl runtime_media::Observer for Told<'_> {
    fn progress(&self, fraction: f32, note: &str) {
        self.0.progress(fraction, note);
    }
}

/// Runs media work that stops when the token fires.
async fn stoppable<T>(
    token: &CancellationToken,
    cancel: &Cancel,
    work: impl Future<Output = Result<T, MediaError>>,
) -> Result<T, EngineError> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        result = &mut work => return result.map_err(engine_error),
        () = token.cancelled() => cancel.cancel(),
    }
    // The work ends its children and cleans up after itself.
    work.await.map_err(engine_error)
}

fn engine_error(error: MediaError) -> EngineError {
    if let Some(log) = error.log() {
        tracing::warn!(error = %error, log, "media tool failed");
    }
    match error.class() {
        Class::Cancelled => EngineError::Cancelled,
        Class::InputBroken | Class::Unsupported | Class::Refused => EngineError::Input(Problem::of(&error)),
        Class::Resource | Class::Device | Class::Timeout | Class::Internal => EngineError::Engine(Problem::of(&error)),
    }
}

fn internal(what: &str) -> EngineError {
    EngineError::Engine(Problem {
        code: "media.internal".into(),
        title: what.to_owned(),
        remedy: "try again; an administrator finds the cause in the log".into(),
        retryable: true,
    })
}

fn probe_of(facts: &MediaFacts) -> Result<Probe, EngineError> {
    serde_json::from_value(facts.probe.clone()).map_err(|_| internal("what is known of this file cannot be read"))
}

fn facts_of(probe: &Probe) -> Result<MediaFacts, EngineError> {
    let video = probe.video.as_ref();
    let moving = video.filter(|_| probe.kind == runtime_media::Kind::Video);
    Ok(MediaFacts {
        kind: match probe.kind {
            runtime_media::Kind::Video => Kind::Video,
            runtime_media::Kind::Audio => Kind::Audio,
            runtime_media::Kind::Image => Kind::Image,
        },
        content_type: probe.container.content_type().to_owned(),
        duration_ms: probe.duration_ms,
        width: video.map(|v| v.width),
        height: video.map(|v| v.height),
        frame_rate: moving.and_then(|v| v.frame_rate).map(|(num, den)| FrameRate { num, den }),
        frames: moving.and_then(|v| v.frames),
        video_codec: video.map(|v| v.codec.clone()),
        audio_codec: probe.audio.first().map(|a| a.codec.clone()),
        probe: serde_json::to_value(probe).map_err(|_| internal("what is known of this file cannot be kept"))?,
    })
}

/// The names are the runtime's; a file is offered when it is there.
fn preview_of(built: &Built) -> Preview {
    let manifest = &built.manifest;
    let there = |path: &str| manifest.files.iter().any(|f| f.path == path).then(|| path.to_owned());
    let rendition = |r: &runtime_media::Rendition| Rendition {
        name: r.name.clone(),
        width: r.width,
        height: r.height,
        bandwidth: r.bandwidth,
        copied: r.source == Source::Copy,
    };
    Preview {
        // Named by the pipeline, which knows the master's digest.
        generation: String::new(),
        stage: PreviewStage::Fast,
        hls: there("hls/multivariant.m3u8"),
        poster: there("thumbs/poster.jpg"),
        card: there("thumbs/card.jpg"),
        sprites: there("thumbs/sprites.vtt"),
        waveform: there("waveform/peaks.json"),
        image: there("image/full.jpg"),
        renditions: manifest.renditions.iter().map(rendition).collect(),
    }
}

#[async_trait]
impl Media for FfmpegMedia {
    async fn inspect(&self, file: &Path, cancel: &CancellationToken) -> Result<MediaFacts, EngineError> {
        let path = file.to_owned();
        let head = tokio::task::spawn_blocking(move || {
            let mut head = Vec::new();
            std::fs::File::open(path)?.take(runtime_media::SNIFF_BYTES as u64).read_to_end(&mut head)?;
            Ok::<_, std::io::Error>(head)
        });
        let head = head.await.ok().and_then(Result::ok).ok_or_else(|| internal("the file could not be read"))?;
        let container = runtime_media::sniff(&head).map_err(engine_error)?;
        let looked = runtime_media::probe(&self.tools, file, container, ProbeLimits::default());
        tokio::select! {
            probe = looked => facts_of(&probe.map_err(engine_error)?),
            () = cancel.cancelled() => Err(EngineError::Cancelled),
        }
    }

    async fn build_fast(
        &self,
        file: &Path,
        facts: &MediaFacts,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Preview, EngineError> {
        let (probe, told) = (probe_of(facts)?, Told(observer));
        let c = Cancel::new();
        let work = runtime_media::build_fast(&self.tools, file, &probe, &self.profile, out, &told, &c);
        Ok(preview_of(&stoppable(cancel, &c, work).await?))
    }

    async fn build_full(
        &self,
        file: &Path,
        facts: &MediaFacts,
        fast: &Path,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Preview, EngineError> {
        let (probe, told) = (probe_of(facts)?, Told(observer));
        let c = Cancel::new();
        let work = runtime_media::build_full(&self.tools, file, &probe, &self.profile, fast, out, &told, &c);
        Ok(preview_of(&stoppable(cancel, &c, work).await?))
    }

    fn has_full(&self, facts: &MediaFacts) -> bool {
        facts.kind == Kind::Video
    }

    fn pipeline_version(&self) -> &str {
        "1"
    }

    async fn speech_audio(
        &self,
        file: &Path,
        facts: &MediaFacts,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<u64, EngineError> {
        let (probe, told) = (probe_of(facts)?, Told(observer));
        let c = Cancel::new();
        let work = runtime_media::extract_speech_audio(&self.tools, file, &probe, out, &told, &c);
        Ok(u64::try_from(stoppable(cancel, &c, work).await?.start_ms).unwrap_or(0))
    }
}
