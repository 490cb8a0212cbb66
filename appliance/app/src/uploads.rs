//! Files on their way in: presigned multipart, as in S3, resumable for a week.

use appliance_domain::job::{Job, JobKind};
use appliance_domain::names::FileName;
use appliance_domain::upload::{PartPlan, SIZE_MAX, StoredPart, Upload, UploadState};
use appliance_domain::{JobId, ProjectId, UploadId};

use crate::ports::jobs::NewJob;
use crate::ports::objects::Body;
use crate::{Actor, App, AppError, Editor};

/// What a client says of a file before it sends it.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// As its owner knows it.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// The client's mark of the file.
    pub fingerprint: Option<String>,
    /// Hex SHA-256 that it promises.
    pub sha256: Option<String>,
}

/// An upload with what is there of it.
#[derive(Clone, Debug)]
pub struct UploadView {
    /// The upload.
    pub upload: Upload,
    /// Parts that are durably stored.
    pub parts: Vec<StoredPart>,
    /// Its verification, once begun.
    pub job: Option<Job>,
}

/// A link to put one part.
#[derive(Clone, Debug)]
pub struct PartLink {
    /// From 1.
    pub number: u64,
    /// Path on this host.
    pub url: String,
    /// Seconds since the epoch.
    pub expires: i64,
}

/// A part as the client believes it was stored.
#[derive(Clone, Debug)]
pub struct ClaimedPart {
    /// From 1.
    pub number: u64,
    /// The ETag that the client was given.
    pub etag: String,
}

impl App {
    /// Begins an upload, or finds the one that was interrupted (`true` when it was found).
    pub async fn begin_upload(&self, editor: &Editor, new: NewUpload) -> Result<(UploadView, bool), AppError> {
        let now = self.ports.clock.now();
        let owner = editor.actor.user.id;
        let file_name = FileName::parse(&new.file_name)?;
        let sha256 = new.sha256.map(|text| parse_sha256(&text)).transpose()?;
        if new.fingerprint.as_ref().is_some_and(|f| f.len() > 500) {
            return Err(invalid(
                "upload.fingerprint",
                "a fingerprint has at most 500 bytes".into(),
                "send a shorter one",
            ));
        }
        let plan = PartPlan::for_size(new.size).ok_or_else(|| match new.size {
            0 => invalid("upload.empty", format!("`{file_name}` is empty"), "choose a file that has content"),
            _ => invalid(
                "upload.too-large",
                format!("`{file_name}` is larger than {} TiB", SIZE_MAX >> 40),
                "cut the file into smaller ones",
            ),
        })?;
        if let Some(fingerprint) = &new.fingerprint {
            let found = self.ports.catalog.resumable_upload(editor.project, owner, fingerprint, new.size).await?;
            if let Some(upload) = found {
                return Ok((self.view_upload(upload).await?, true));
            }
        }
        if self.ports.objects.free_bytes().await? < new.size.saturating_add(self.settings.reserve_bytes) {
            return Err(AppError::Full);
        }
        let upload = Upload {
            id: UploadId::from_uuid(self.ports.ids.uuid()),
            project: editor.project,
            owner,
            file_name,
            plan,
            fingerprint: new.fingerprint,
            sha256,
            state: UploadState::Open,
            asset: None,
            problem: None,
            created_at: now,
            expires_at: now.plus_ms(self.settings.upload_max_ms),
        };
        self.ports.catalog.create_upload(&upload).await?;
        Ok((UploadView { upload, parts: Vec::new(), job: None }, false))
    }

    async fn view_upload(&self, upload: Upload) -> Result<UploadView, AppError> {
        let parts = self.ports.catalog.parts(upload.id).await?;
        let job = self.ports.jobs.jobs_of(&[], &[upload.id]).await?.pop();
        Ok(UploadView { upload, parts, job })
    }

    /// One upload of the actor's.
    pub async fn upload(&self, actor: &Actor, id: UploadId) -> Result<UploadView, AppError> {
        self.editor_of_upload(actor, id).await?;
        let upload = self.ports.catalog.upload(id).await?.ok_or(AppError::NotFound { what: "upload" })?;
        self.view_upload(upload).await
    }

    /// One upload, for the stream of events: the caller has checked that the reader may see the project.
    pub async fn upload_of_project(&self, project: ProjectId, id: UploadId) -> Result<Option<UploadView>, AppError> {
        match self.ports.catalog.upload(id).await?.filter(|u| u.project == project) {
            Some(upload) => Ok(Some(self.view_upload(upload).await?)),
            None => Ok(None),
        }
    }

    /// The actor's uploads in a project that have not become assets.
    pub async fn active_uploads(&self, editor: &Editor) -> Result<Vec<UploadView>, AppError> {
        let mut views = Vec::new();
        for upload in self.ports.catalog.active_uploads(editor.project, editor.actor.user.id).await? {
            views.push(self.view_upload(upload).await?);
        }
        Ok(views)
    }

    /// Signs links for parts.
    pub async fn sign_parts(&self, actor: &Actor, id: UploadId, numbers: &[u64]) -> Result<Vec<PartLink>, AppError> {
        let upload = self.open_upload(actor, id).await?;
        let expires = self.ports.clock.now().plus_ms(self.settings.part_url_ms).seconds();
        let sign = |number: &u64| {
            upload.plan.part(*number).map(|_| PartLink {
                number: *number,
                url: self.edge.part_url(id, *number, expires),
                expires,
            })
        };
        numbers.iter().map(sign).collect::<Option<Vec<_>>>().ok_or_else(|| {
            let count = upload.plan.count();
            invalid("upload.part-number", format!("parts of this upload are numbered 1 to {count}"), "ask for those")
        })
    }

    async fn open_upload(&self, actor: &Actor, id: UploadId) -> Result<Upload, AppError> {
        self.editor_of_upload(actor, id).await?;
        let upload = self.ports.catalog.upload(id).await?.ok_or(AppError::NotFound { what: "upload" })?;
        if upload.state == UploadState::Open {
            return Ok(upload);
        }
        Err(not_open(&upload))
    }

    /// Takes one part. The link is the permission: it was signed for this upload and part.
    pub async fn put_part(
        &self,
        token: &str,
        id: UploadId,
        number: u64,
        body: Body,
        sha256: Option<[u8; 32]>,
    ) -> Result<StoredPart, AppError> {
        self.edge.check_part(token, id, number, self.ports.clock.now())?;
        let upload = self.ports.catalog.upload(id).await?.ok_or(AppError::NotFound { what: "upload" })?;
        if upload.state != UploadState::Open {
            return Err(not_open(&upload));
        }
        let part = self.ports.objects.write_part(id, upload.plan, number, body, sha256).await?;
        self.ports.catalog.record_part(id, &part).await?;
        Ok(part)
    }

    /// All parts are sent: checks that they are there, then has the bytes verified. The same key again is fine.
    pub async fn complete_upload(
        &self,
        actor: &Actor,
        id: UploadId,
        idempotency_key: &str,
        claimed: &[ClaimedPart],
    ) -> Result<UploadView, AppError> {
        let editor = self.editor_of_upload(actor, id).await?;
        if idempotency_key.is_empty() || idempotency_key.len() > 200 {
            let what = "the header `Idempotency-Key` must have 1 to 200 bytes".to_owned();
            return Err(invalid("idempotency.key", what, "send a fresh random key with each new act"));
        }
        let upload = self.ports.catalog.upload(id).await?.ok_or(AppError::NotFound { what: "upload" })?;
        if upload.state == UploadState::Open {
            self.check_parts(&upload, claimed).await?;
            self.ports.objects.seal(id).await?;
        }
        let job = NewJob {
            id: JobId::from_uuid(self.ports.ids.uuid()),
            kind: JobKind::Verify,
            project: editor.project,
            upload: Some(id),
            asset: None,
            version: None,
            max_attempts: crate::pipeline::STARTS_MAX,
            created_at: self.ports.clock.now(),
        };
        self.ports.catalog.begin_verifying(id, idempotency_key, &job).await?;
        self.upload(actor, id).await
    }

    async fn check_parts(&self, upload: &Upload, claimed: &[ClaimedPart]) -> Result<(), AppError> {
        let stored = self.ports.catalog.parts(upload.id).await?;
        let missing = (1..=upload.plan.count()).find(|n| !stored.iter().any(|p| p.number == *n));
        if let Some(number) = missing {
            return Err(AppError::Conflict {
                code: "upload.incomplete",
                what: format!("part {number} of {} has not arrived", upload.plan.count()),
                remedy: "send it, then complete the upload",
            });
        }
        let wrong =
            claimed.iter().find(|c| !stored.iter().any(|p| p.number == c.number && p.etag == c.etag.trim_matches('"')));
        match wrong {
            Some(part) => Err(AppError::Conflict {
                code: "upload.part-changed",
                what: format!("part {} is not the one that the client sent", part.number),
                remedy: "send that part again, then complete the upload",
            }),
            None => Ok(()),
        }
    }

    /// Gives an upload up, or dismisses one that was refused.
    pub async fn abort_upload(&self, actor: &Actor, id: UploadId) -> Result<(), AppError> {
        self.editor_of_upload(actor, id).await?;
        self.ports.catalog.abort_upload(id, self.ports.clock.now()).await?;
        self.ports.objects.seal(id).await?;
        self.ports.objects.discard_staged(id).await?;
        Ok(())
    }
}

fn not_open(upload: &Upload) -> AppError {
    AppError::Conflict {
        code: "upload.not-open",
        what: format!("`{}` takes no more parts: it is {}", upload.file_name, upload.state.as_str()),
        remedy: "begin a new upload",
    }
}

fn invalid(code: &'static str, what: String, remedy: &'static str) -> AppError {
    AppError::Invalid { code, what, remedy }
}

fn parse_sha256(text: &str) -> Result<String, AppError> {
    let plain = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let what = "a SHA-256 is 64 hexadecimal digits".to_owned();
    plain
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| invalid("upload.sha256", what, "send it in that form, or leave it out"))
}
