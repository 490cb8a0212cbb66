//! The `Catalog` port on SQLite: hands over to the modules of the tables, one transaction each.

use appliance_app::ports::StoreResult;
use appliance_app::ports::catalog::{AssetPage, Catalog, Event, ProjectEntry, Promotion};
use appliance_app::ports::jobs::NewJob;
use appliance_domain::job::Lease;
use appliance_domain::media::{Asset, Preview, PreviewStage};
use appliance_domain::names::ProjectName;
use appliance_domain::people::{Project, ProjectRole};
use appliance_domain::problem::Problem;
use appliance_domain::transcript::{ModelUsed, Segment, Transcript};
use appliance_domain::upload::{StoredPart, Upload};
use appliance_domain::{AssetId, EventSeq, ProjectId, Timestamp, UploadId, UserId, VersionId};
use async_trait::async_trait;

use crate::sqlite::{SqliteTenant, assets, events, projects, transcripts, uploads};

#[async_trait]
impl Catalog for SqliteTenant {
    async fn create_project(&self, project: &Project, owner: UserId) -> StoreResult<()> {
        let project = project.clone();
        self.db.write("add the project", move |tx| projects::create(tx, &project, owner)).await
    }

    async fn projects_of(&self, user: UserId) -> StoreResult<Vec<ProjectEntry>> {
        self.db.read("list the projects", move |db| projects::of(db, user)).await
    }

    async fn project_of(&self, user: UserId, project: ProjectId) -> StoreResult<Option<ProjectEntry>> {
        self.db.read("read the project", move |db| projects::one_of(db, user, project)).await
    }

    async fn role(&self, user: UserId, project: ProjectId) -> StoreResult<Option<ProjectRole>> {
        self.db.read("read the role", move |db| projects::role(db, user, project)).await
    }

    async fn project_exists(&self, project: ProjectId) -> StoreResult<bool> {
        self.db.read("read the project", move |db| projects::exists(db, project)).await
    }

    async fn rename_project(&self, project: ProjectId, name: &ProjectName, now: Timestamp) -> StoreResult<()> {
        let name = name.clone();
        self.db.write("rename the project", move |tx| projects::rename(tx, project, &name, now)).await
    }

    async fn members(&self, project: ProjectId) -> StoreResult<Vec<(UserId, ProjectRole)>> {
        self.db.read("list the members", move |db| projects::members(db, project)).await
    }

    async fn set_member(&self, project: ProjectId, user: UserId, role: ProjectRole, now: Timestamp) -> StoreResult<()> {
        self.db.write("set the role", move |tx| projects::set_member(tx, project, user, role, now)).await
    }

    async fn remove_member(&self, project: ProjectId, user: UserId, now: Timestamp) -> StoreResult<()> {
        self.db.write("remove the member", move |tx| projects::remove_member(tx, project, user, now)).await
    }

    async fn create_upload(&self, upload: &Upload) -> StoreResult<()> {
        let upload = upload.clone();
        self.db.write("add the upload", move |tx| uploads::create(tx, &upload)).await
    }

    async fn upload(&self, id: UploadId) -> StoreResult<Option<Upload>> {
        self.db.read("read the upload", move |db| uploads::one(db, id)).await
    }

    async fn resumable_upload(
        &self,
        project: ProjectId,
        owner: UserId,
        fingerprint: &str,
        size: u64,
    ) -> StoreResult<Option<Upload>> {
        let fingerprint = fingerprint.to_owned();
        let act = "look for the upload";
        self.db.read(act, move |db| uploads::resumable(db, project, owner, &fingerprint, size)).await
    }

    async fn active_uploads(&self, project: ProjectId, owner: UserId) -> StoreResult<Vec<Upload>> {
        self.db.read("list the uploads", move |db| uploads::active(db, project, owner)).await
    }

    async fn parts(&self, id: UploadId) -> StoreResult<Vec<StoredPart>> {
        self.db.read("list the parts", move |db| uploads::parts(db, id)).await
    }

    async fn record_part(&self, id: UploadId, part: &StoredPart) -> StoreResult<()> {
        let part = part.clone();
        self.db.write("note the part", move |tx| uploads::record_part(tx, id, &part)).await
    }

    async fn begin_verifying(&self, id: UploadId, idempotency_key: &str, job: &NewJob) -> StoreResult<()> {
        let (key, job) = (idempotency_key.to_owned(), job.clone());
        self.db.write("begin to verify the upload", move |tx| uploads::begin_verifying(tx, id, &key, &job)).await
    }

    async fn refuse_upload(&self, lease: &Lease, id: UploadId, problem: &Problem, now: Timestamp) -> StoreResult<()> {
        let (lease, problem) = (lease.clone(), problem.clone());
        self.db.write("refuse the upload", move |tx| uploads::refuse_by(tx, &lease, id, &problem, now)).await
    }

    async fn fail_upload(&self, id: UploadId, problem: &Problem, now: Timestamp) -> StoreResult<()> {
        let problem = problem.clone();
        self.db.write("refuse the upload", move |tx| uploads::fail(tx, id, &problem, now)).await
    }

    async fn promote(&self, lease: &Lease, promotion: &Promotion, then: &[NewJob], now: Timestamp) -> StoreResult<()> {
        let (lease, promotion, then) = (lease.clone(), promotion.clone(), then.to_vec());
        self.db.write("promote the upload", move |tx| assets::promote(tx, &lease, &promotion, &then, now)).await
    }

    async fn abort_upload(&self, id: UploadId, now: Timestamp) -> StoreResult<()> {
        self.db.write("give the upload up", move |tx| uploads::abort(tx, id, now)).await
    }

    async fn expired_uploads(&self, now: Timestamp) -> StoreResult<Vec<UploadId>> {
        self.db.read("list the expired uploads", move |db| uploads::expired(db, now)).await
    }

    async fn uploads_with_staging(&self) -> StoreResult<Vec<UploadId>> {
        let staging = self.staging.clone();
        let staged = match staging {
            Some(staging) => Some(staging.list().await?),
            None => None,
        };
        self.db.read("list the ended uploads", move |db| uploads::ended(db, staged.as_deref())).await
    }

    async fn assets(&self, project: ProjectId, cursor: Option<AssetId>, limit: u32) -> StoreResult<AssetPage> {
        self.db.read("list the assets", move |db| assets::page(db, project, cursor, limit)).await
    }

    async fn asset(&self, id: AssetId) -> StoreResult<Option<Asset>> {
        self.db.read("read the asset", move |db| assets::one(db, id)).await
    }

    async fn asset_of_version(&self, id: VersionId) -> StoreResult<Option<Asset>> {
        self.db.read("read the asset", move |db| assets::of_version(db, id)).await
    }

    async fn publish_preview(
        &self,
        lease: &Lease,
        version: VersionId,
        preview: &Preview,
        then: &[NewJob],
        now: Timestamp,
    ) -> StoreResult<()> {
        let (lease, preview, then) = (lease.clone(), preview.clone(), then.to_vec());
        let act = "publish the preview";
        self.db.write(act, move |tx| assets::publish_preview(tx, &lease, version, &preview, &then, now)).await
    }

    async fn preview_stage(&self, version: VersionId) -> StoreResult<Option<PreviewStage>> {
        self.db.read("read the preview", move |db| assets::preview_stage(db, version)).await
    }

    async fn begin_transcript(
        &self,
        lease: &Lease,
        version: VersionId,
        language: &str,
        model: &ModelUsed,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (lease, language, model) = (lease.clone(), language.to_owned(), model.clone());
        let act = "begin the transcript";
        self.db.write(act, move |tx| transcripts::begin(tx, &lease, version, &language, &model, now)).await
    }

    async fn add_segments(&self, lease: &Lease, version: VersionId, segments: &[Segment]) -> StoreResult<()> {
        let (lease, segments) = (lease.clone(), segments.to_vec());
        self.db.write("add to the transcript", move |tx| transcripts::add(tx, &lease, version, &segments)).await
    }

    async fn finish_transcript(&self, lease: &Lease, version: VersionId, now: Timestamp) -> StoreResult<()> {
        let lease = lease.clone();
        self.db.write("end the transcript", move |tx| transcripts::finish(tx, &lease, version, now)).await
    }

    async fn transcript(&self, version: VersionId) -> StoreResult<Option<Transcript>> {
        self.db.read("read the transcript", move |db| transcripts::one(db, version)).await
    }

    async fn events(&self, project: ProjectId, since: EventSeq, limit: u32) -> StoreResult<Vec<Event>> {
        self.db.read("list the events", move |db| events::after(db, project, since, limit)).await
    }

    async fn last_event(&self) -> StoreResult<EventSeq> {
        self.db.read("read the newest event", |db| Ok(events::last(db)?)).await
    }

    fn watch_events(&self) -> tokio::sync::watch::Receiver<EventSeq> {
        self.db.watch_events()
    }
}
