//! What each kind of job does: verify → promote → preview → transcript.
//!
//! Invariants: every job may be run again from the start after a crash at any point and ends in the same state; ids and
//! generation names are derived from the input, so that a second run meets the first one's work; what viewers see changes
//! in one transaction at the end.

use std::path::PathBuf;
use std::sync::Arc;

use appliance_domain::job::{Job, JobKind, Lease};
use appliance_domain::media::{Asset, Preview, PreviewStage};
use appliance_domain::problem::Problem;
use appliance_domain::upload::{Upload, UploadState};
use appliance_domain::{AssetId, JobId, VersionId};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::library::step_of;
use crate::live::Moment;
use crate::ports::catalog::Promotion;
use crate::ports::jobs::NewJob;
use crate::ports::media::{EngineError, SpeechRequest};
use crate::ports::{Observer, StoreError, StoreErrorKind};
use crate::runner::{JobRunner, Outcome, VerdictKind};

/// Starts of a job at most. High, since an attempt that was lost with its process (a power cut) is rarely the job's fault.
pub(crate) const STARTS_MAX: u32 = 20;
/// An attempt from this one on that ends in an error is the last.
const TRIES_MAX: u32 = 3;

/// Why a job stopped before its end.
#[derive(Debug)]
enum Halt {
    Store(StoreError),
    Engine(EngineError),
    /// The thing that the job is about is gone: there is nothing left to do.
    Moot,
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// One attempt at one job.
struct Attempt<'a> {
    app: &'a App,
    lease: &'a Lease,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
}

/// Tells the worker (who keeps it) and the open browsers (who show it).
struct Told<'a> {
    attempt: &'a Attempt<'a>,
    /// The part of the job's whole progress that this stretch of work is.
    part: std::ops::Range<f32>,
}

impl Observer for Told<'_> {
    fn progress(&self, fraction: f32, note: &str) {
        let fraction = self.part.start + fraction.clamp(0.0, 1.0) * (self.part.end - self.part.start);
        self.attempt.observer.progress(fraction, note);
        let job = &self.attempt.lease.job;
        let moment = match (job.asset, job.upload) {
            (Some(asset), _) => Moment::Step {
                project: job.project,
                asset,
                step: step_of(job.kind),
                progress: fraction,
                note: note.to_owned(),
            },
            (None, Some(upload)) => Moment::Upload { project: job.project, upload, progress: fraction },
            (None, None) => return,
        };
        self.attempt.app.live.send(moment);
    }
}

#[async_trait]
impl JobRunner for App {
    async fn run(&self, lease: &Lease, observer: Arc<dyn Observer>, cancel: CancellationToken) -> Outcome {
        let attempt = Attempt { app: self, lease, observer, cancel };
        let result = match lease.job.kind {
            JobKind::Verify => attempt.verify().await,
            JobKind::PreviewFast => attempt.preview(PreviewStage::Fast).await,
            JobKind::PreviewFull => attempt.preview(PreviewStage::Full).await,
            JobKind::Transcribe => attempt.transcribe().await,
        };
        if let Err(error) = self.ports.objects.discard_work(&attempt.work_name()).await {
            tracing::warn!(job = %lease.job.id, error = %error, "work folder not removed");
        }
        match result {
            Ok(()) | Err(Halt::Moot) => Outcome::Done,
            Err(halt) => gave_up(&lease.job, halt),
        }
    }

    async fn after_end(&self, lease: &Lease, problem: Option<&Problem>) {
        let (JobKind::Verify, Some(upload)) = (lease.job.kind, lease.job.upload) else { return };
        let stopped = Problem {
            code: "job.cancelled".into(),
            title: "checking this file was stopped".into(),
            remedy: "upload it again".into(),
            retryable: true,
        };
        let now = self.ports.clock.now();
        if let Err(error) = self.ports.catalog.fail_upload(upload, problem.unwrap_or(&stopped), now).await {
            tracing::error!(upload = %upload, error = %error, "upload not marked as refused");
        }
    }
}

fn gave_up(job: &Job, halt: Halt) -> Outcome {
    let again = if job.attempt < TRIES_MAX { VerdictKind::Retry } else { VerdictKind::Fail };
    let (problem, verdict) = match halt {
        Halt::Engine(EngineError::Cancelled) => (None, VerdictKind::Cancel),
        Halt::Engine(EngineError::Input(problem)) => (Some(problem), VerdictKind::Fail),
        Halt::Engine(EngineError::Engine(problem)) => (Some(problem), again),
        Halt::Store(error) if error.kind == StoreErrorKind::LeaseLost => (None, VerdictKind::Lost),
        Halt::Store(error) => {
            tracing::error!(job = %job.id, error = %runtime_diag::one_line(&error), "job stopped by the store");
            let full = error.kind == StoreErrorKind::Full;
            let problem = Problem {
                code: if full { "store.full" } else { "store.failed" }.into(),
                title: if full {
                    "there is no space left on the appliance"
                } else {
                    "the appliance could not read or write its data"
                }
                .into(),
                remedy: if full {
                    "ask an administrator to free space, then try again"
                } else {
                    "try again; an administrator finds the cause in the log"
                }
                .into(),
                retryable: true,
            };
            (Some(problem), again)
        }
        Halt::Moot => (None, VerdictKind::Lost),
    };
    Outcome::GaveUp { problem, verdict }
}

impl Attempt<'_> {
    fn told(&self, part: std::ops::Range<f32>) -> Told<'_> {
        Told { attempt: self, part }
    }

    fn work_name(&self) -> String {
        format!("{}-{}", self.lease.job.id, self.lease.fence)
    }

    fn next_job(&self, kind: JobKind, asset: AssetId, version: VersionId) -> NewJob {
        NewJob {
            id: JobId::from_uuid(self.app.ports.ids.uuid()),
            kind,
            project: self.lease.job.project,
            upload: None,
            asset: Some(asset),
            version: Some(version),
            max_attempts: STARTS_MAX,
            created_at: self.app.ports.clock.now(),
        }
    }

    // -- verify -----------------------------------------------------------------------------------------------------

    async fn verify(&self) -> Result<(), Halt> {
        let ports = &self.app.ports;
        let id = self.lease.job.upload.ok_or(Halt::Moot)?;
        let upload = ports.catalog.upload(id).await?.ok_or(Halt::Moot)?;
        if upload.state != UploadState::Verifying {
            // A run before this one got to the end of its transaction.
            return Ok(());
        }
        ports.objects.seal(id).await?;
        let told = self.told(0.0..1.0);
        let size = upload.plan.size;
        let (sha256, found) = ports
            .objects
            .digest_staged(id, &|done| told.progress(0.8 * done as f32 / size.max(1) as f32, "checking the bytes"))
            .await?;
        if let Some(problem) = mismatch(&upload, &sha256, found) {
            return Ok(ports.catalog.refuse_upload(self.lease, id, &problem, ports.clock.now()).await?);
        }
        told.progress(0.85, "looking inside");
        let file = ports.objects.staged_file(id).await?;
        let facts = match ports.media.inspect(&file, &self.cancel).await {
            Ok(facts) => facts,
            Err(EngineError::Input(problem)) => {
                tracing::info!(upload = %id, code = problem.code, "upload refused");
                return Ok(ports.catalog.refuse_upload(self.lease, id, &problem, ports.clock.now()).await?);
            }
            Err(other) => return Err(other.into()),
        };
        // Derived ids: a run after a crash finds the master that the run before it made.
        let (asset, version) = (AssetId::from_uuid(id.uuid()), VersionId::from_uuid(id.uuid()));
        ports.objects.promote(id, version, &sha256).await?;
        let now = ports.clock.now();
        let promotion = Promotion {
            upload: id,
            asset,
            version,
            title: title_of(upload.file_name.as_str()),
            sha256,
            locked_until: now.plus_days(self.app.settings.retention_days),
            facts,
        };
        let then = [self.next_job(JobKind::PreviewFast, asset, version)];
        ports.catalog.promote(self.lease, &promotion, &then, now).await?;
        tracing::info!(upload = %id, asset = %asset, "promoted");
        Ok(ports.objects.discard_staged(id).await?)
    }

    // -- preview ----------------------------------------------------------------------------------------------------

    async fn subject(&self) -> Result<Asset, Halt> {
        let version = self.lease.job.version.ok_or(Halt::Moot)?;
        self.app.ports.catalog.asset_of_version(version).await?.ok_or(Halt::Moot)
    }

    async fn preview(&self, stage: PreviewStage) -> Result<(), Halt> {
        let ports = &self.app.ports;
        let asset = self.subject().await?;
        let version = &asset.version;
        let master = ports.objects.master_file(version.id).await?;
        let name = self.work_name();
        let out = ports.objects.work_dir(&name).await?;
        let told = self.told(0.0..1.0);
        let mut preview = match stage {
            PreviewStage::Fast => ports.media.build_fast(&master, &version.facts, &out, &told, &self.cancel).await?,
            PreviewStage::Full => {
                let fast = self.published(&asset).await?;
                ports.media.build_full(&master, &version.facts, &fast, &out, &told, &self.cancel).await?
            }
        };
        preview.generation = generation(&version.sha256, ports.media.pipeline_version(), stage);
        preview.stage = stage;
        ports.objects.publish_dir(&out, version.id, &preview.generation).await?;
        let then = if stage == PreviewStage::Fast { self.after_fast(&asset) } else { Vec::new() };
        ports.catalog.publish_preview(self.lease, version.id, &preview, &then, ports.clock.now()).await?;
        tracing::info!(asset = %asset.id, generation = preview.generation, "preview published");
        Ok(())
    }

    /// The folder of the generation that viewers have now.
    async fn published(&self, asset: &Asset) -> Result<PathBuf, Halt> {
        let current: Option<&Preview> = asset.version.preview.as_ref();
        let generation = &current.ok_or(Halt::Moot)?.generation;
        Ok(self.app.ports.objects.preview_dir(asset.version.id, generation).await?)
    }

    fn after_fast(&self, asset: &Asset) -> Vec<NewJob> {
        let (ports, facts) = (&self.app.ports, &asset.version.facts);
        let mut then = Vec::new();
        if ports.media.has_full(facts) {
            then.push(self.next_job(JobKind::PreviewFull, asset.id, asset.version.id));
        }
        if facts.audio_codec.is_some() && ports.speech.model().is_some() {
            then.push(self.next_job(JobKind::Transcribe, asset.id, asset.version.id));
        }
        then
    }

    // -- transcript -------------------------------------------------------------------------------------------------

    async fn transcribe(&self) -> Result<(), Halt> {
        let ports = &self.app.ports;
        let asset = self.subject().await?;
        let version = asset.version.id;
        let (model, language) = ports.speech.model().ok_or_else(no_model)?;
        let told = self.told(0.0..0.2);
        let master = ports.objects.master_file(version).await?;
        let audio = ports.objects.work_dir(&self.work_name()).await?.join("speech.f32");
        told.progress(0.0, "reading the sound");
        let offset_ms = ports.media.speech_audio(&master, &asset.version.facts, &audio, &told, &self.cancel).await?;
        ports.catalog.begin_transcript(self.lease, version, &language, &model, ports.clock.now()).await?;
        let (sender, mut segments) = tokio::sync::mpsc::channel(64);
        let request = SpeechRequest { audio, offset_ms };
        let told = self.told(0.2..1.0);
        let engine = ports.speech.transcribe(&request, sender, &told, &self.cancel);
        // The receiver goes with the block: when keeping fails, the engine's next segment finds nobody and it stops.
        let keep = async move {
            while let Some(segment) = segments.recv().await {
                ports.catalog.add_segments(self.lease, version, std::slice::from_ref(&segment)).await?;
                self.app.live.send(Moment::Segment { project: asset.project, asset: asset.id, segment });
            }
            Ok::<(), StoreError>(())
        };
        let (engine, kept) = tokio::join!(engine, keep);
        kept?;
        engine?;
        Ok(ports.catalog.finish_transcript(self.lease, version, ports.clock.now()).await?)
    }
}

fn no_model() -> Halt {
    Halt::Engine(EngineError::Input(Problem {
        code: "speech.no-model".into(),
        title: "no speech model is installed".into(),
        remedy: "install a release that carries a speech pack, then try again".into(),
        retryable: true,
    }))
}

fn mismatch(upload: &Upload, sha256: &str, size: u64) -> Option<Problem> {
    let refuse = |title: String| Problem {
        code: "upload.mismatch".into(),
        title,
        remedy: "upload it again".into(),
        retryable: true,
    };
    if size != upload.plan.size {
        return Some(refuse(format!("`{}` arrived with {size} of {} bytes", upload.file_name, upload.plan.size)));
    }
    match &upload.sha256 {
        Some(promised) if promised != sha256 => {
            Some(refuse(format!("`{}` is not the file that was promised: its checksum differs", upload.file_name)))
        }
        _ => None,
    }
}

/// The file name without its ending.
fn title_of(file_name: &str) -> String {
    match file_name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem.to_owned(),
        _ => file_name.to_owned(),
    }
}

/// The name of a generation: the same bytes, pipeline and stage give the same name.
fn generation(sha256: &str, pipeline: &str, stage: PreviewStage) -> String {
    let stage = match stage {
        PreviewStage::Fast => "fast",
        PreviewStage::Full => "full",
    };
    let digest = hex::encode(Sha256::digest(format!("{sha256}\n{pipeline}\n{stage}")));
    format!("{stage}-{}", digest.get(..16).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_file_name_without_its_ending() {
        assert_eq!(title_of("Spring cut.mov"), "Spring cut");
        assert_eq!(title_of(".hidden"), ".hidden");
        assert_eq!(title_of("v1.2 final"), "v1.2 final".to_owned());
    }

    #[test]
    fn a_generation_depends_on_bytes_pipeline_and_stage() {
        let base = generation("aa", "1", PreviewStage::Fast);
        assert_eq!(base, generation("aa", "1", PreviewStage::Fast));
        assert_ne!(base, generation("ab", "1", PreviewStage::Fast));
        assert_ne!(base, generation("aa", "2", PreviewStage::Fast));
        assert_ne!(base, generation("aa", "1", PreviewStage::Full));
        assert!(base.starts_with("fast-") && base.len() == 21);
    }
}
