//! The queue of background work (in the tenant's database, so that a job and the row it concerns commit together).
//!
//! Invariants: a job is leased to one worker at a time; an expired lease is free again; the fence grows with each lease;
//! a job ends once.

use appliance_domain::job::{Job, JobKind, JobState, Lease};
use appliance_domain::problem::Problem;
use appliance_domain::{AssetId, JobId, ProjectId, Timestamp, UploadId, VersionId};
use async_trait::async_trait;

use super::StoreResult;

/// A job to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Stable id.
    pub id: JobId,
    /// What.
    pub kind: JobKind,
    /// In which project.
    pub project: ProjectId,
    /// On which upload.
    pub upload: Option<UploadId>,
    /// On which asset.
    pub asset: Option<AssetId>,
    /// On which version.
    pub version: Option<VersionId>,
    /// Starts at most.
    pub max_attempts: u32,
    /// When it was asked for; it may run from then on.
    pub created_at: Timestamp,
}

/// What a heartbeat learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Go on.
    Yes,
    /// A person wants it stopped.
    CancelRequested,
    /// Another worker has it, or it ended: stop at once and write nothing.
    No,
}

/// What becomes of a job that did not end well.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Try again from then on, if attempts are left; else it is failed.
    RetryAt(Timestamp),
    /// Failed for good.
    Fail,
    /// Stopped by a person.
    Cancel,
    /// The appliance stops: as if the attempt had not been made.
    GiveBack,
}

/// The queue.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Leases the most urgent job of these kinds (priority, then age) that may run now: queued and due, or running under
    /// a lease that has expired. A job whose attempts are used up when its lease expires becomes failed instead
    /// (problem code `job.lost`). `owner` is for people.
    async fn lease(&self, kinds: &[JobKind], owner: &str, now: Timestamp, ttl_ms: i64) -> StoreResult<Option<Lease>>;
    /// Extends the lease and notes progress.
    async fn heartbeat(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl_ms: i64,
        progress: f32,
        note: Option<&str>,
    ) -> StoreResult<Held>;
    /// Ends the job as done. A job that this lease already ended is fine; `LeaseLost` when another has it.
    async fn complete(&self, lease: &Lease, now: Timestamp) -> StoreResult<()>;
    /// Ends the attempt. Returns the state that the job is in afterwards.
    async fn give_up(
        &self,
        lease: &Lease,
        problem: Option<&Problem>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> StoreResult<JobState>;
    /// Asks for a stop: a queued job is cancelled at once, a running one at its next heartbeat.
    async fn request_cancel(&self, id: JobId, now: Timestamp) -> StoreResult<JobState>;
    /// Failed or cancelled → queued with fresh attempts. `Conflict` from other states.
    async fn retry(&self, id: JobId, now: Timestamp) -> StoreResult<()>;
    /// One job.
    async fn job(&self, id: JobId) -> StoreResult<Option<Job>>;
    /// The newest jobs of a project, newest first.
    async fn jobs_of_project(&self, project: ProjectId, limit: u32) -> StoreResult<Vec<Job>>;
    /// All jobs of these assets and uploads, oldest first.
    async fn jobs_of(&self, assets: &[AssetId], uploads: &[UploadId]) -> StoreResult<Vec<Job>>;
    /// Wakes (with any value) when a job may have become ready.
    fn watch_ready(&self) -> tokio::sync::watch::Receiver<u64>;
}
