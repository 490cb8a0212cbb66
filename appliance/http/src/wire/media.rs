//! Wire forms of assets, previews and transcripts.

use appliance_app::library::{AssetState, AssetView, Step, StepState};
use appliance_domain::transcript::{Segment, Transcript};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ProblemPart, time, time_of_seconds};

/// Frames per second as a fraction.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrameRate)]
pub(crate) struct RateBody {
    num: u32,
    den: u32,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonBody {
    id: String,
    display_name: String,
}

/// The master of an asset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub(crate) struct VersionBody {
    id: String,
    number: u32,
    file_name: String,
    size: u64,
    sha256: String,
    content_type: String,
    locked_until: String,
}

/// What is inside the master.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub(crate) struct MediaBody {
    duration_ms: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<RateBody>,
    frames: Option<u64>,
    video_codec: Option<String>,
    audio_codec: Option<String>,
    has_audio: bool,
}

/// One step on the way of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub(crate) struct StepBody {
    /// `verified`, `playable`, `ladder` or `transcript`.
    name: &'static str,
    /// `waiting`, `running`, `done`, `failed` or `skipped`.
    state: &'static str,
    /// 0 to 1.
    progress: f32,
    note: Option<String>,
}

impl From<&Step> for StepBody {
    fn from(step: &Step) -> Self {
        let state = match step.state {
            StepState::Waiting => "waiting",
            StepState::Running => "running",
            StepState::Done => "done",
            StepState::Failed => "failed",
            StepState::Skipped => "skipped",
        };
        Self { name: step.name, state, progress: step.progress, note: step.note.clone() }
    }
}

/// One rung that can be played.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rendition)]
pub(crate) struct RenditionBody {
    name: String,
    width: u32,
    height: u32,
    bandwidth: u64,
    /// `copy` or `encoded`.
    source: &'static str,
}

/// How to play an asset. Links are path-absolute; what they refer to is relative and inherits their permission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(crate) struct PreviewBody {
    generation: String,
    expires_at: String,
    hls: Option<String>,
    poster: Option<String>,
    card: Option<String>,
    sprites: Option<String>,
    waveform: Option<String>,
    captions: Option<String>,
    image: Option<String>,
    renditions: Vec<RenditionBody>,
}

/// A piece of media.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Asset)]
pub(crate) struct AssetBody {
    id: String,
    project_id: String,
    title: String,
    /// `video`, `audio` or `image`.
    kind: &'static str,
    /// `processing`, `playable`, `ready` or `failed`.
    state: &'static str,
    created_at: String,
    created_by: PersonBody,
    upload_id: String,
    version: VersionBody,
    media: MediaBody,
    steps: Vec<StepBody>,
    preview: Option<PreviewBody>,
    problem: Option<ProblemPart>,
}

impl From<&AssetView> for AssetBody {
    fn from(view: &AssetView) -> Self {
        let (asset, version) = (&view.asset, &view.asset.version);
        let facts = &version.facts;
        let state = match view.state {
            AssetState::Processing => "processing",
            AssetState::Playable => "playable",
            AssetState::Ready => "ready",
            AssetState::Failed => "failed",
        };
        Self {
            id: asset.id.to_string(),
            project_id: asset.project.to_string(),
            title: asset.title.clone(),
            kind: facts.kind.as_str(),
            state,
            created_at: time(asset.created_at),
            created_by: PersonBody { id: asset.created_by.to_string(), display_name: view.created_by.clone() },
            upload_id: asset.upload.to_string(),
            version: VersionBody {
                id: version.id.to_string(),
                number: version.number,
                file_name: version.file_name.to_string(),
                size: version.size,
                sha256: version.sha256.clone(),
                content_type: facts.content_type.clone(),
                locked_until: time(version.locked_until),
            },
            media: MediaBody {
                duration_ms: facts.duration_ms,
                width: facts.width,
                height: facts.height,
                frame_rate: facts.frame_rate.map(|r| RateBody { num: r.num, den: r.den }),
                frames: facts.frames,
                video_codec: facts.video_codec.clone(),
                audio_codec: facts.audio_codec.clone(),
                has_audio: facts.audio_codec.is_some(),
            },
            steps: view.steps.iter().map(Into::into).collect(),
            preview: view.links.as_ref().map(preview),
            problem: view.problem.as_ref().map(Into::into),
        }
    }
}

fn preview(links: &appliance_app::library::Links) -> PreviewBody {
    let p = &links.preview;
    let url = |path: &Option<String>| path.as_ref().map(|path| format!("{}{path}", links.prefix));
    let rendition = |r: &appliance_domain::media::Rendition| RenditionBody {
        name: r.name.clone(),
        width: r.width,
        height: r.height,
        bandwidth: r.bandwidth,
        source: if r.copied { "copy" } else { "encoded" },
    };
    PreviewBody {
        generation: p.generation.clone(),
        expires_at: time_of_seconds(links.expires),
        hls: url(&p.hls),
        poster: url(&p.poster),
        card: url(&p.card),
        sprites: url(&p.sprites),
        waveform: url(&p.waveform),
        captions: links.captions.clone(),
        image: url(&p.image),
        renditions: p.renditions.iter().map(rendition).collect(),
    }
}

/// A page of assets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssetPage)]
pub(crate) struct AssetPageBody {
    pub(crate) items: Vec<AssetBody>,
    pub(crate) next_cursor: Option<String>,
}

/// One word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Word)]
pub(crate) struct WordBody {
    start_ms: u64,
    end_ms: u64,
    text: String,
    /// 0 to 1.
    confidence: f32,
}

/// A stretch of speech.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
pub(crate) struct SegmentBody {
    id: String,
    start_ms: u64,
    end_ms: u64,
    text: String,
    words: Vec<WordBody>,
}

impl From<&Segment> for SegmentBody {
    fn from(s: &Segment) -> Self {
        let word = |w: &appliance_domain::transcript::Word| WordBody {
            start_ms: w.start_ms,
            end_ms: w.end_ms,
            text: w.text.clone(),
            confidence: w.confidence,
        };
        Self {
            id: s.index.to_string(),
            start_ms: s.start_ms,
            end_ms: s.end_ms,
            text: s.text.clone(),
            words: s.words.iter().map(word).collect(),
        }
    }
}

/// Which model wrote a transcript.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelUsed)]
pub(crate) struct ModelBody {
    pack: String,
    version: String,
    digest: String,
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transcript)]
pub(crate) struct TranscriptBody {
    asset_id: String,
    version_id: String,
    /// `partial` or `final`.
    state: &'static str,
    language: String,
    model: ModelBody,
    segments: Vec<SegmentBody>,
}

impl TranscriptBody {
    pub(crate) fn of(asset: appliance_domain::AssetId, t: &Transcript) -> Self {
        Self {
            asset_id: asset.to_string(),
            version_id: t.version.to_string(),
            state: if t.complete { "final" } else { "partial" },
            language: t.language.clone(),
            model: ModelBody {
                pack: t.model.pack.clone(),
                version: t.model.version.clone(),
                digest: t.model.digest.clone(),
            },
            segments: t.segments.iter().map(Into::into).collect(),
        }
    }
}
