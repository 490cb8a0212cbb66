//! The `Jobs` port on SQLite: hands over to `jobs.rs` and `leases.rs`, one transaction each.

use appliance_app::ports::StoreResult;
use appliance_app::ports::jobs::{Held, Jobs, Verdict};
use appliance_domain::job::{Job, JobKind, JobState, Lease};
use appliance_domain::problem::Problem;
use appliance_domain::{AssetId, JobId, ProjectId, Timestamp, UploadId};
use async_trait::async_trait;

use crate::sqlite::{SqliteTenant, jobs, leases};

#[async_trait]
impl Jobs for SqliteTenant {
    async fn lease(&self, kinds: &[JobKind], owner: &str, now: Timestamp, ttl_ms: i64) -> StoreResult<Option<Lease>> {
        let (kinds, owner) = (kinds.to_vec(), owner.to_owned());
        self.db.write("lease a job", move |tx| leases::take(tx, &kinds, &owner, now, ttl_ms)).await
    }

    async fn heartbeat(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl_ms: i64,
        progress: f32,
        note: Option<&str>,
    ) -> StoreResult<Held> {
        let (lease, note) = (lease.clone(), note.map(str::to_owned));
        let act = "extend the lease";
        self.db.write(act, move |tx| leases::heartbeat(tx, &lease, now, ttl_ms, progress, note.as_deref())).await
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> StoreResult<()> {
        let lease = lease.clone();
        self.db.write("end the job", move |tx| leases::complete(tx, &lease, now)).await
    }

    async fn give_up(
        &self,
        lease: &Lease,
        problem: Option<&Problem>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> StoreResult<JobState> {
        let (lease, problem, verdict) = (lease.clone(), problem.cloned(), verdict.clone());
        let act = "end the attempt";
        self.db.write(act, move |tx| leases::give_up(tx, &lease, problem.as_ref(), &verdict, now)).await
    }

    async fn request_cancel(&self, id: JobId, now: Timestamp) -> StoreResult<JobState> {
        self.db.write("cancel the job", move |tx| jobs::request_cancel(tx, id, now)).await
    }

    async fn retry(&self, id: JobId, now: Timestamp) -> StoreResult<()> {
        self.db.write("retry the job", move |tx| jobs::retry(tx, id, now)).await
    }

    async fn job(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.db.read("read the job", move |db| jobs::one(db, id)).await
    }

    async fn jobs_of_project(&self, project: ProjectId, limit: u32) -> StoreResult<Vec<Job>> {
        self.db.read("list the jobs", move |db| jobs::of_project(db, project, limit)).await
    }

    async fn jobs_of(&self, assets: &[AssetId], uploads: &[UploadId]) -> StoreResult<Vec<Job>> {
        let (assets, uploads) = (assets.to_vec(), uploads.to_vec());
        self.db.read("list the jobs", move |db| jobs::of(db, &assets, &uploads)).await
    }

    fn watch_ready(&self) -> tokio::sync::watch::Receiver<u64> {
        self.db.watch_ready()
    }
}
