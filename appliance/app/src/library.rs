//! Assets as people see them: the version, the links to play it, the steps of its jobs, the transcript.
//!
//! Invariant: state is derived from job facts and the published preview, never stored a second time.

use appliance_domain::job::{Job, JobKind, JobState};
use appliance_domain::media::{Asset, Preview, PreviewStage};
use appliance_domain::people::Session;
use appliance_domain::problem::Problem;
use appliance_domain::transcript::{Transcript, web_vtt};
use appliance_domain::{AssetId, EventSeq, JobId, ProjectId, VersionId};

use crate::ports::catalog::Event;
use crate::{Actor, App, AppError, Viewer};

/// The scope of media links under which captions are served.
pub const CAPTIONS: &str = "captions";

/// Where an asset stands, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetState {
    /// Nothing can be played yet.
    Processing,
    /// Something can be played; better is on its way.
    Playable,
    /// All that will be made is there.
    Ready,
    /// Nothing can be played, and nothing more will be tried by itself.
    Failed,
}

/// One step on the way of a file.
#[derive(Clone, Debug)]
pub struct Step {
    /// `verified`, `playable`, `ladder`, `transcript`.
    pub name: &'static str,
    /// Where it stands.
    pub state: StepState,
    /// 0 to 1.
    pub progress: f32,
    /// What it does right now, or why it does not.
    pub note: Option<String>,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// A worker is at it.
    Running,
    /// Done.
    Done,
    /// Failed or stopped.
    Failed,
    /// There is nothing to do.
    Skipped,
}

/// Links to play a version, path-absolute.
#[derive(Clone, Debug)]
pub struct Links {
    /// Seconds since the epoch.
    pub expires: i64,
    /// The generation behind them.
    pub preview: Preview,
    /// Prefix of the generation's files.
    pub prefix: String,
    /// The captions, if there are any.
    pub captions: Option<String>,
}

/// An asset as people see it.
#[derive(Clone, Debug)]
pub struct AssetView {
    /// The asset.
    pub asset: Asset,
    /// Name of who brought it.
    pub created_by: String,
    /// As a whole.
    pub state: AssetState,
    /// In order.
    pub steps: Vec<Step>,
    /// How to play it.
    pub links: Option<Links>,
    /// What went wrong, if nothing can be played.
    pub problem: Option<Problem>,
}

/// A page of them.
#[derive(Clone, Debug)]
pub struct AssetViews {
    /// Newest first.
    pub items: Vec<AssetView>,
    /// Where the next page begins.
    pub next: Option<AssetId>,
}

/// The step that a kind of job works on.
#[must_use]
pub fn step_of(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Verify => "verified",
        JobKind::PreviewFast => "playable",
        JobKind::PreviewFull => "ladder",
        JobKind::Transcribe => "transcript",
    }
}

impl App {
    /// A page of a project's assets.
    pub async fn assets(&self, viewer: &Viewer, cursor: Option<AssetId>, limit: u32) -> Result<AssetViews, AppError> {
        let page = self.ports.catalog.assets(viewer.project, cursor, limit.clamp(1, 200)).await?;
        let ids: Vec<AssetId> = page.items.iter().map(|a| a.id).collect();
        let jobs = self.ports.jobs.jobs_of(&ids, &[]).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for asset in page.items {
            let own = jobs.iter().filter(|j| j.asset == Some(asset.id)).cloned().collect::<Vec<_>>();
            items.push(self.view_asset(&viewer.actor.session, asset, &own).await?);
        }
        Ok(AssetViews { items, next: page.next })
    }

    /// One asset.
    pub async fn asset(&self, viewer: &Viewer, id: AssetId) -> Result<AssetView, AppError> {
        let asset = self.ports.catalog.asset(id).await?.ok_or(AppError::NotFound { what: "asset" })?;
        let jobs = self.ports.jobs.jobs_of(&[id], &[]).await?;
        self.view_asset(&viewer.actor.session, asset, &jobs).await
    }

    async fn view_asset(&self, session: &Session, asset: Asset, jobs: &[Job]) -> Result<AssetView, AppError> {
        let latest = |kind| jobs.iter().rev().find(|j| j.kind == kind && j.version == Some(asset.version.id));
        let (fast, full) = (latest(JobKind::PreviewFast), latest(JobKind::PreviewFull));
        let transcribe = latest(JobKind::Transcribe);
        let steps = vec![
            Step { name: "verified", state: StepState::Done, progress: 1.0, note: None },
            step("playable", fast, asset.version.preview.is_some()),
            self.ladder_step(&asset, full),
            self.transcript_step(&asset, transcribe),
        ];
        let state = match (&asset.version.preview, fast, full) {
            (Some(_), _, Some(job)) if is_pending(job) => AssetState::Playable,
            (Some(_), _, _) => AssetState::Ready,
            (None, Some(job), _) if !is_pending(job) => AssetState::Failed,
            (None, _, _) => AssetState::Processing,
        };
        let problem = match state {
            AssetState::Failed => fast.and_then(|j| j.problem.clone()).or_else(|| Some(stopped())),
            _ => None,
        };
        let links = match asset.version.preview.clone() {
            Some(preview) => Some(self.links(session, asset.version.id, preview).await?),
            None => None,
        };
        let created_by = self.display_name(asset.created_by).await?;
        Ok(AssetView { asset, created_by, state, steps, links, problem })
    }

    fn ladder_step(&self, asset: &Asset, job: Option<&Job>) -> Step {
        let preview = asset.version.preview.as_ref();
        let mut found = step("ladder", job, preview.is_some_and(|p| p.stage == PreviewStage::Full));
        if job.is_none() && preview.is_some() && !self.ports.media.has_full(&asset.version.facts) {
            found.state = StepState::Skipped;
        }
        found
    }

    fn transcript_step(&self, asset: &Asset, job: Option<&Job>) -> Step {
        let mut found = step("transcript", job, false);
        if job.is_none() && asset.version.preview.is_some() {
            found.state = StepState::Skipped;
            found.note = Some(match (&asset.version.facts.audio_codec, self.ports.speech.model()) {
                (None, _) => "there is no sound".into(),
                (_, None) => "no speech model is installed".into(),
                _ => "not asked for".into(),
            });
        }
        found
    }

    /// Links are made to last at least the set span, and rounded up to the hour, so that the same viewer gets the same
    /// link for a while and the browser's cache serves it.
    async fn links(&self, session: &Session, version: VersionId, preview: Preview) -> Result<Links, AppError> {
        const HOUR: i64 = 3600;
        let least = self.ports.clock.now().plus_ms(self.settings.media_url_ms).seconds();
        let expires = least.div_euclid(HOUR).saturating_add(1).saturating_mul(HOUR);
        let prefix = self.edge.media_prefix(session.id, version, &preview.generation, expires);
        let captions = match self.ports.catalog.transcript(version).await? {
            Some(t) if !t.segments.is_empty() => {
                let folder = self.edge.media_prefix(session.id, version, CAPTIONS, expires);
                // The number of segments makes a new name as the captions grow.
                Some(format!("{folder}{}-{}.vtt", t.language, t.segments.len()))
            }
            _ => None,
        };
        Ok(Links { expires, preview, prefix, captions })
    }

    /// The cover of a project: the link to a small picture.
    #[must_use]
    pub fn cover_link(&self, actor: &Actor, version: VersionId, preview: &Preview) -> Option<String> {
        let card = preview.card.as_ref()?;
        let expires =
            self.ports.clock.now().plus_ms(self.settings.media_url_ms).seconds().div_euclid(3600) * 3600 + 3600;
        Some(format!("{}{card}", self.edge.media_prefix(actor.session.id, version, &preview.generation, expires)))
    }

    /// Checks a media link and that its session still lives.
    pub async fn check_media_link(&self, token: &str, version: VersionId, scope: &str) -> Result<i64, AppError> {
        let now = self.ports.clock.now();
        let link = self.edge.check_media(token, version, scope, now)?;
        if !self.ports.accounts.session_is_live(link.session, now).await? {
            return Err(AppError::BadLink);
        }
        Ok(link.expires)
    }

    /// The captions of a version as WebVTT. The caller has checked the link.
    pub async fn captions(&self, version: VersionId) -> Result<String, AppError> {
        let found = self.ports.catalog.transcript(version).await?;
        found.map(|t| web_vtt(&t.segments)).ok_or(AppError::NotFound { what: "transcript" })
    }

    /// The transcript of an asset's newest version.
    pub async fn transcript(&self, _viewer: &Viewer, id: AssetId) -> Result<Transcript, AppError> {
        let asset = self.ports.catalog.asset(id).await?.ok_or(AppError::NotFound { what: "asset" })?;
        self.ports.catalog.transcript(asset.version.id).await?.ok_or(AppError::NotFound { what: "transcript" })
    }

    /// The newest jobs of a project.
    pub async fn jobs(&self, viewer: &Viewer) -> Result<Vec<Job>, AppError> {
        Ok(self.ports.jobs.jobs_of_project(viewer.project, 200).await?)
    }

    /// Tries the failed or stopped jobs of an asset again.
    pub async fn retry_asset(&self, actor: &Actor, id: AssetId) -> Result<(), AppError> {
        self.editor_of_asset(actor, id).await?;
        let now = self.ports.clock.now();
        let mut again = 0_u32;
        for job in self.ports.jobs.jobs_of(&[id], &[]).await? {
            if matches!(job.state, JobState::Failed | JobState::Cancelled) {
                self.ports.jobs.retry(job.id, now).await?;
                again += 1;
            }
        }
        if again == 0 {
            return Err(AppError::Conflict {
                code: "job.nothing-to-retry",
                what: "nothing of this asset has failed".into(),
                remedy: "load the page again",
            });
        }
        Ok(())
    }

    async fn job_for_editor(&self, actor: &Actor, id: JobId) -> Result<Job, AppError> {
        let job = self.ports.jobs.job(id).await?.ok_or(AppError::NotFound { what: "job" })?;
        match crate::Editor::of(self, actor, job.project).await {
            Ok(_) => Ok(job),
            Err(AppError::NotFound { .. }) => Err(AppError::NotFound { what: "job" }),
            Err(other) => Err(other),
        }
    }

    /// Asks a job to stop.
    pub async fn cancel_job(&self, actor: &Actor, id: JobId) -> Result<(), AppError> {
        self.job_for_editor(actor, id).await?;
        self.ports.jobs.request_cancel(id, self.ports.clock.now()).await?;
        Ok(())
    }

    /// Tries one job again.
    pub async fn retry_job(&self, actor: &Actor, id: JobId) -> Result<(), AppError> {
        self.job_for_editor(actor, id).await?;
        self.ports.jobs.retry(id, self.ports.clock.now()).await?;
        Ok(())
    }

    /// Events of the viewer's project after a position.
    pub async fn events(&self, viewer: &Viewer, since: EventSeq) -> Result<Vec<Event>, AppError> {
        Ok(self.ports.catalog.events(viewer.project, since, 500).await?)
    }

    /// Whether the person still may look at a project: asked again while a stream is open.
    pub async fn still_viewer(&self, actor: &Actor, project: ProjectId) -> Result<Viewer, AppError> {
        let live = self.ports.accounts.session_is_live(actor.session.id, self.ports.clock.now()).await?;
        if !live {
            return Err(AppError::SessionRequired);
        }
        Viewer::of(self, actor, project).await
    }
}

fn is_pending(job: &Job) -> bool {
    matches!(job.state, JobState::Queued | JobState::Running)
}

fn stopped() -> Problem {
    Problem {
        code: "job.cancelled".into(),
        title: "the preview was stopped".into(),
        remedy: "try it again".into(),
        retryable: true,
    }
}

fn step(name: &'static str, job: Option<&Job>, there: bool) -> Step {
    let (state, progress) = match job.map(|j| j.state) {
        Some(JobState::Done) => (StepState::Done, 1.0),
        Some(JobState::Running) => (StepState::Running, job.map_or(0.0, |j| j.progress)),
        Some(JobState::Failed | JobState::Cancelled) => (StepState::Failed, 0.0),
        Some(JobState::Queued) => (StepState::Waiting, 0.0),
        None if there => (StepState::Done, 1.0),
        None => (StepState::Waiting, 0.0),
    };
    let note = job.and_then(|j| match (j.state, &j.problem) {
        (JobState::Failed, Some(problem)) => Some(problem.title.clone()),
        (JobState::Cancelled, _) => Some("stopped".into()),
        (JobState::Running, _) => j.note.clone(),
        _ => None,
    });
    Step { name, state, progress, note }
}
