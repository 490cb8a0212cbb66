//! Projects, members, uploads, assets, previews, transcripts and the events about them (the tenant's database).
//!
//! Invariant: each method is one transaction; a method that changes what a viewer can see also appends the event that
//! tells them (`Event`), and a method that takes a [`Lease`] checks its fence first (`LeaseLost` otherwise, nothing
//! written) and ends the job where it says so.

use appliance_domain::job::Lease;
use appliance_domain::media::{Asset, MediaFacts, Preview, PreviewStage};
use appliance_domain::names::ProjectName;
use appliance_domain::people::{Project, ProjectRole};
use appliance_domain::problem::Problem;
use appliance_domain::transcript::{ModelUsed, Segment, Transcript};
use appliance_domain::upload::{StoredPart, Upload};
use appliance_domain::{AssetId, EventSeq, ProjectId, Timestamp, UploadId, UserId, VersionId};
use async_trait::async_trait;

use super::StoreResult;
use super::jobs::NewJob;

/// Something that happened in a project, for open browsers. Kinds and bodies are the ones of `/ws`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Position in the tenant's stream; grows by at least one.
    pub seq: EventSeq,
    /// In which project.
    pub project: ProjectId,
    /// What happened.
    pub change: Change,
    /// When.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An upload moved on.
    Upload(UploadId),
    /// An asset appeared or changed (a step of its jobs included).
    Asset(AssetId),
    /// Its transcript changed.
    Transcript(AssetId),
    /// The project itself or its members changed.
    Project,
}

/// A page of assets, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct AssetPage {
    /// The assets.
    pub items: Vec<Asset>,
    /// Where the next page begins (an asset id), if there is one.
    pub next: Option<AssetId>,
}

/// A verified upload about to become an asset.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// The upload.
    pub upload: UploadId,
    /// Id of the new asset.
    pub asset: AssetId,
    /// Id of its first version.
    pub version: VersionId,
    /// Title of the asset.
    pub title: String,
    /// Hex SHA-256 computed from the bytes.
    pub sha256: String,
    /// The master may not be deleted before.
    pub locked_until: Timestamp,
    /// What is inside.
    pub facts: MediaFacts,
}

/// A project with what the asker is in it.
#[derive(Clone, Debug)]
pub struct ProjectEntry {
    /// The project.
    pub project: Project,
    /// The asker's role.
    pub role: ProjectRole,
    /// Number of assets.
    pub assets: u64,
    /// Newest version with a card picture, for the cover.
    pub cover: Option<(VersionId, Preview)>,
}

/// The tenant's database, apart from its jobs.
#[async_trait]
pub trait Catalog: Send + Sync {
    // -- projects ---------------------------------------------------------------------------------------------------
    /// Adds a project with its first owner.
    async fn create_project(&self, project: &Project, owner: UserId) -> StoreResult<()>;
    /// The projects that this person belongs to, last changed first.
    async fn projects_of(&self, user: UserId) -> StoreResult<Vec<ProjectEntry>>;
    /// One of them. `None` when it does not exist or the person does not belong to it.
    async fn project_of(&self, user: UserId, project: ProjectId) -> StoreResult<Option<ProjectEntry>>;
    /// The role of a person in a project.
    async fn role(&self, user: UserId, project: ProjectId) -> StoreResult<Option<ProjectRole>>;
    /// Whether the project exists.
    async fn project_exists(&self, project: ProjectId) -> StoreResult<bool>;
    /// Renames. `NotFound` when unknown.
    async fn rename_project(&self, project: ProjectId, name: &ProjectName, now: Timestamp) -> StoreResult<()>;
    /// Everybody in it.
    async fn members(&self, project: ProjectId) -> StoreResult<Vec<(UserId, ProjectRole)>>;
    /// Adds a member or changes their role. `Conflict` when that would leave the project without an owner.
    async fn set_member(&self, project: ProjectId, user: UserId, role: ProjectRole, now: Timestamp) -> StoreResult<()>;
    /// Removes a member. `Conflict` when that would leave the project without an owner.
    async fn remove_member(&self, project: ProjectId, user: UserId, now: Timestamp) -> StoreResult<()>;

    // -- uploads ----------------------------------------------------------------------------------------------------
    /// Adds an upload.
    async fn create_upload(&self, upload: &Upload) -> StoreResult<()>;
    /// One upload. `None` when unknown.
    async fn upload(&self, id: UploadId) -> StoreResult<Option<Upload>>;
    /// An open upload of this person in this project with the same fingerprint and size.
    async fn resumable_upload(
        &self,
        project: ProjectId,
        owner: UserId,
        fingerprint: &str,
        size: u64,
    ) -> StoreResult<Option<Upload>>;
    /// This person's uploads in the project that are open, verifying or refused, oldest first.
    async fn active_uploads(&self, project: ProjectId, owner: UserId) -> StoreResult<Vec<Upload>>;
    /// The parts that are durably stored, by number.
    async fn parts(&self, id: UploadId) -> StoreResult<Vec<StoredPart>>;
    /// Notes a stored part (again, if it was sent again). `Conflict` when the upload is not open.
    async fn record_part(&self, id: UploadId, part: &StoredPart) -> StoreResult<()>;
    /// Open → verifying with the job that verifies, under an idempotency key: the same key again changes nothing and is
    /// fine; `Conflict` when the upload is in another state or under another key.
    async fn begin_verifying(&self, id: UploadId, idempotency_key: &str, job: &NewJob) -> StoreResult<()>;
    /// Verifying → refused; ends the job as done (it did what it was for).
    async fn refuse_upload(&self, lease: &Lease, id: UploadId, problem: &Problem, now: Timestamp) -> StoreResult<()>;
    /// Verifying → refused where no job holds it any more (the job failed for good). No-op when not verifying.
    async fn fail_upload(&self, id: UploadId, problem: &Problem, now: Timestamp) -> StoreResult<()>;
    /// Verifying → promoted; adds asset and version, the jobs that follow, and ends the job as done.
    async fn promote(&self, lease: &Lease, promotion: &Promotion, then: &[NewJob], now: Timestamp) -> StoreResult<()>;
    /// Open or refused → aborted. `Conflict` from other states.
    async fn abort_upload(&self, id: UploadId, now: Timestamp) -> StoreResult<()>;
    /// Open uploads past their time.
    async fn expired_uploads(&self, now: Timestamp) -> StoreResult<Vec<UploadId>>;
    /// Uploads that are aborted, refused or promoted: what they left in staging may go.
    async fn uploads_with_staging(&self) -> StoreResult<Vec<UploadId>>;

    // -- assets -----------------------------------------------------------------------------------------------------
    /// A page of assets, newest first, from after `cursor`.
    async fn assets(&self, project: ProjectId, cursor: Option<AssetId>, limit: u32) -> StoreResult<AssetPage>;
    /// One asset. `None` when unknown.
    async fn asset(&self, id: AssetId) -> StoreResult<Option<Asset>>;
    /// The asset whose version this is.
    async fn asset_of_version(&self, id: VersionId) -> StoreResult<Option<Asset>>;
    /// Points viewers at a generation, unless a fuller one is there already; adds the jobs that follow; ends the job as
    /// done.
    async fn publish_preview(
        &self,
        lease: &Lease,
        version: VersionId,
        preview: &Preview,
        then: &[NewJob],
        now: Timestamp,
    ) -> StoreResult<()>;
    /// The stage that viewers get now.
    async fn preview_stage(&self, version: VersionId) -> StoreResult<Option<PreviewStage>>;

    // -- transcripts ------------------------------------------------------------------------------------------------
    /// Starts a transcript afresh: what a lost attempt wrote is dropped.
    async fn begin_transcript(
        &self,
        lease: &Lease,
        version: VersionId,
        language: &str,
        model: &ModelUsed,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Adds segments as they come.
    async fn add_segments(&self, lease: &Lease, version: VersionId, segments: &[Segment]) -> StoreResult<()>;
    /// Marks the transcript complete and ends the job as done.
    async fn finish_transcript(&self, lease: &Lease, version: VersionId, now: Timestamp) -> StoreResult<()>;
    /// The transcript so far.
    async fn transcript(&self, version: VersionId) -> StoreResult<Option<Transcript>>;

    // -- events -----------------------------------------------------------------------------------------------------
    /// Events of a project after `since`, oldest first, at most `limit`.
    async fn events(&self, project: ProjectId, since: EventSeq, limit: u32) -> StoreResult<Vec<Event>>;
    /// The newest position.
    async fn last_event(&self) -> StoreResult<EventSeq>;
    /// A receiver that wakes with the newest position after each committed event.
    fn watch_events(&self) -> tokio::sync::watch::Receiver<EventSeq>;
}
