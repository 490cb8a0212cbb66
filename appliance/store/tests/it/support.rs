//! A store in a folder of its own, and shortcuts to the states that tests start from.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use appliance_app::ports::catalog::{Catalog, Change, Promotion};
use appliance_app::ports::jobs::{Jobs, NewJob};
use appliance_app::ports::objects::Body;
use appliance_app::ports::{StoreErrorKind, StoreResult};
use appliance_domain::job::{JobKind, Lease};
use appliance_domain::media::{Kind, MediaFacts, Preview, PreviewStage};
use appliance_domain::names::{FileName, ProjectName};
use appliance_domain::people::Project;
use appliance_domain::problem::Problem;
use appliance_domain::upload::{PartPlan, StoredPart, Upload, UploadState};
use appliance_domain::{AssetId, JobId, ProjectId, Timestamp, UploadId, UserId, VersionId};
use appliance_store::{SqliteTenant, Store};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const TTL: i64 = 30_000;

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(crate) fn uuid() -> Uuid {
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn user_id() -> UserId {
    UserId::from_uuid(uuid())
}

pub(crate) fn upload_id() -> UploadId {
    UploadId::from_uuid(uuid())
}

pub(crate) fn version_id() -> VersionId {
    VersionId::from_uuid(uuid())
}

pub(crate) fn at(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: StoreResult<T>, kind: StoreErrorKind) {
    let error = result.expect_err("the call is refused");
    assert_eq!(error.kind, kind, "{error}: {:?}", error.source);
}

pub(crate) fn problem(code: &str) -> Problem {
    Problem { code: code.into(), title: "it broke".into(), remedy: "mend it".into(), retryable: false }
}

pub(crate) fn body(bytes: &[u8]) -> Body {
    let chunks: Vec<_> = bytes.chunks(3).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

pub(crate) fn preview(generation: &str, stage: PreviewStage, card: bool) -> Preview {
    Preview {
        generation: generation.into(),
        stage,
        hls: Some("index.m3u8".into()),
        poster: None,
        card: card.then(|| "card.jpg".into()),
        sprites: None,
        waveform: None,
        image: None,
        renditions: Vec::new(),
    }
}

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) tenant: Arc<SqliteTenant>,
    pub(crate) folder: tempfile::TempDir,
}

/// An asset and what led to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) project: ProjectId,
    pub(crate) upload: UploadId,
    pub(crate) asset: AssetId,
    pub(crate) version: VersionId,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self { tenant: store.tenant(), store, folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Drops all handles and opens the same folder once more.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, tenant, folder } = self;
        drop((store, tenant));
        let store = Store::open(folder.path()).unwrap();
        Self { tenant: store.tenant(), store, folder }
    }

    /// A second connection to the tenant's database, for states that no port leads to.
    pub(crate) fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path().join("db/tenants/default.sqlite")).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(crate) async fn project(&self) -> (ProjectId, UserId) {
        let (id, owner) = (ProjectId::from_uuid(uuid()), user_id());
        let name = ProjectName::parse("Spring").unwrap();
        let project = Project { id, name, created_at: NOW, updated_at: NOW };
        self.tenant.create_project(&project, owner).await.unwrap();
        (id, owner)
    }

    /// Three parts of 4, 4 and 2 bytes.
    pub(crate) fn upload_of(project: ProjectId, owner: UserId) -> Upload {
        Upload {
            id: upload_id(),
            project,
            owner,
            file_name: FileName::parse("take 1.mov").unwrap(),
            plan: PartPlan { size: 10, part_size: 4 },
            fingerprint: Some("f1".into()),
            sha256: None,
            state: UploadState::Open,
            asset: None,
            problem: None,
            created_at: NOW,
            expires_at: at(1000),
        }
    }

    pub(crate) async fn open_upload(&self) -> Upload {
        let (project, owner) = self.project().await;
        let upload = Self::upload_of(project, owner);
        self.tenant.create_upload(&upload).await.unwrap();
        upload
    }

    pub(crate) async fn record_all(&self, upload: &Upload) {
        for number in 1..=upload.plan.count() {
            let size = upload.plan.part(number).unwrap().1;
            self.tenant.record_part(upload.id, &StoredPart { number, size, etag: "e".into() }).await.unwrap();
        }
    }

    /// Verifying, under the key `k`.
    pub(crate) async fn verifying(&self) -> (Upload, JobId) {
        let upload = self.open_upload().await;
        self.record_all(&upload).await;
        let job = job_on_upload(&upload);
        self.tenant.begin_verifying(upload.id, "k", &job).await.unwrap();
        (upload, job.id)
    }

    pub(crate) async fn lease(&self, kind: JobKind) -> Lease {
        self.lease_at(kind, NOW).await
    }

    pub(crate) async fn lease_at(&self, kind: JobKind, now: Timestamp) -> Lease {
        self.tenant.lease(&[kind], "test", now, TTL).await.unwrap().expect("a job is ready")
    }

    /// A promoted asset with these jobs on it.
    pub(crate) async fn asset(&self, then: &[JobKind]) -> Made {
        let (upload, _) = self.verifying().await;
        let lease = self.lease(JobKind::Verify).await;
        let (promotion, made) = promotion_of(&upload);
        let then: Vec<_> = then.iter().map(|kind| job_on(made, *kind)).collect();
        self.tenant.promote(&lease, &promotion, &then, NOW).await.unwrap();
        made
    }

    /// All changes told since `since`.
    pub(crate) async fn told(&self, project: ProjectId, since: i64) -> Vec<Change> {
        let events = self.tenant.events(project, since, 1000).await.unwrap();
        events.into_iter().map(|event| event.change).collect()
    }
}

pub(crate) fn job_on_upload(upload: &Upload) -> NewJob {
    NewJob {
        id: JobId::from_uuid(uuid()),
        kind: JobKind::Verify,
        project: upload.project,
        upload: Some(upload.id),
        asset: None,
        version: None,
        max_attempts: 2,
        created_at: NOW,
    }
}

pub(crate) fn job_on(made: Made, kind: JobKind) -> NewJob {
    NewJob {
        id: JobId::from_uuid(uuid()),
        kind,
        project: made.project,
        upload: None,
        asset: Some(made.asset),
        version: Some(made.version),
        max_attempts: 2,
        created_at: NOW,
    }
}

pub(crate) fn promotion_of(upload: &Upload) -> (Promotion, Made) {
    let (asset, version) = (AssetId::from_uuid(uuid()), version_id());
    let promotion = Promotion {
        upload: upload.id,
        asset,
        version,
        title: "take 1".into(),
        sha256: "ab".repeat(32),
        locked_until: at(5000),
        facts: MediaFacts {
            kind: Kind::Video,
            content_type: "video/mp4".into(),
            duration_ms: Some(1000),
            width: Some(16),
            height: Some(9),
            frame_rate: None,
            frames: None,
            video_codec: None,
            audio_codec: None,
            probe: serde_json::json!({ "streams": [] }),
        },
    };
    (promotion, Made { project: upload.project, upload: upload.id, asset, version })
}
