//! The engines: looking into media, making previews, writing down speech. They run as child processes elsewhere.

use std::path::{Path, PathBuf};

use appliance_domain::media::{MediaFacts, Preview};
use appliance_domain::problem::Problem;
use appliance_domain::transcript::{ModelUsed, Segment};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Receives progress: a fraction from 0 to 1 and a few words.
pub trait Observer: Send + Sync {
    /// Called at most a few times a second.
    fn progress(&self, fraction: f32, note: &str);
}

/// Why an engine did not do its work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The input is at fault: trying again does not help.
    #[error("{}", .0.title)]
    Input(Problem),
    /// The engine is at fault (crash, time, memory, device): trying again may help.
    #[error("{}", .0.title)]
    Engine(Problem),
    /// Stopped on request.
    #[error("stopped on request")]
    Cancelled,
}

/// Looks into media and makes previews.
#[async_trait]
pub trait Media: Send + Sync {
    /// Reads the file by its content: refuses what is not media, then probes it.
    async fn inspect(&self, file: &Path, cancel: &CancellationToken) -> Result<MediaFacts, EngineError>;
    /// Builds what makes it playable into `out` (an empty folder).
    async fn build_fast(
        &self,
        file: &Path,
        facts: &MediaFacts,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Preview, EngineError>;
    /// Builds the whole ladder into `out`, reusing the files of the fast generation in `fast`.
    async fn build_full(
        &self,
        file: &Path,
        facts: &MediaFacts,
        fast: &Path,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Preview, EngineError>;
    /// Whether the full ladder has anything that the fast preview lacks.
    fn has_full(&self, facts: &MediaFacts) -> bool;
    /// Part of the generation's name: changes when the pipeline's output changes.
    fn pipeline_version(&self) -> &str;
    /// Decodes the sound to 16 kHz mono f32 little-endian samples in `out`; returns the time of the first sample.
    async fn speech_audio(
        &self,
        file: &Path,
        facts: &MediaFacts,
        out: &Path,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<u64, EngineError>;
}

/// Audio to be written down.
#[derive(Clone, Debug)]
pub struct SpeechRequest {
    /// 16 kHz mono f32 little-endian.
    pub audio: PathBuf,
    /// Time of its first sample in the media, milliseconds.
    pub offset_ms: u64,
}

/// Writes down speech.
#[async_trait]
pub trait Speech: Send + Sync {
    /// The model that would be used, and its language; `None` when no pack is installed.
    fn model(&self) -> Option<(ModelUsed, String)>;
    /// Segments go to `segments` as they come, with times in the media.
    async fn transcribe(
        &self,
        request: &SpeechRequest,
        segments: tokio::sync::mpsc::Sender<Segment>,
        observer: &dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError>;
}
