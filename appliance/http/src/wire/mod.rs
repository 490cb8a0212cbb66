//! Wire forms: what the API says and hears. Domain types never leave this crate by themselves.

mod media;

pub(crate) use media::{AssetBody, AssetPageBody, SegmentBody, TranscriptBody};

use appliance_app::ports::catalog::ProjectEntry;
use appliance_app::uploads::UploadView;
use appliance_app::{Actor, App};
use appliance_domain::Timestamp;
use appliance_domain::job::Job;
use appliance_domain::people::User;
use appliance_domain::upload::UploadState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// RFC 3339 in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_string()).unwrap_or_default()
}

/// RFC 3339 in UTC, from seconds since the epoch.
pub(crate) fn time_of_seconds(seconds: i64) -> String {
    time(Timestamp(seconds.saturating_mul(1000)))
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Items<T> {
    pub(crate) items: Vec<T>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) display_name: String,
    /// `admin`, `member` or `viewer`.
    pub(crate) role: &'static str,
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            display_name: user.display_name.to_string(),
            role: user.role.as_str(),
        }
    }
}

/// The signed-in person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    pub(crate) user: UserBody,
    /// Nothing else works before the one-time password is changed.
    pub(crate) must_change_password: bool,
    pub(crate) expires_at: String,
}

impl From<&Actor> for SessionBody {
    fn from(actor: &Actor) -> Self {
        Self {
            user: (&actor.user).into(),
            must_change_password: actor.user.must_change_password,
            expires_at: time(actor.session.expires_at),
        }
    }
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectBody {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Of the asker: `owner`, `editor` or `viewer`.
    pub(crate) role: &'static str,
    pub(crate) asset_count: u64,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    /// A small picture.
    pub(crate) cover: Option<String>,
}

impl ProjectBody {
    pub(crate) fn of(app: &App, actor: &Actor, entry: &ProjectEntry) -> Self {
        let cover = entry.cover.as_ref().and_then(|(version, preview)| app.cover_link(actor, *version, preview));
        Self {
            id: entry.project.id.to_string(),
            name: entry.project.name.to_string(),
            role: entry.role.as_str(),
            asset_count: entry.assets,
            created_at: time(entry.project.created_at),
            updated_at: time(entry.project.updated_at),
            cover,
        }
    }
}

/// What went wrong with an upload, a step or a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemPart {
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) remedy: String,
    pub(crate) retryable: bool,
}

impl From<&appliance_domain::Problem> for ProblemPart {
    fn from(p: &appliance_domain::Problem) -> Self {
        Self { code: p.code.clone(), title: p.title.clone(), remedy: p.remedy.clone(), retryable: p.retryable }
    }
}

/// A stored part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Part)]
pub(crate) struct PartBody {
    pub(crate) number: u64,
    pub(crate) size: u64,
    pub(crate) etag: String,
}

/// A file on its way in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadBody {
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) file_name: String,
    pub(crate) size: u64,
    pub(crate) part_size: u64,
    pub(crate) part_count: u64,
    /// `open`, `verifying`, `refused`, `promoted` or `aborted`.
    pub(crate) state: &'static str,
    pub(crate) parts: Vec<PartBody>,
    /// Of the verification, 0 to 1.
    pub(crate) progress: f32,
    pub(crate) asset_id: Option<String>,
    pub(crate) problem: Option<ProblemPart>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) created_at: String,
    pub(crate) expires_at: String,
}

impl From<&UploadView> for UploadBody {
    fn from(view: &UploadView) -> Self {
        let upload = &view.upload;
        let part = |p: &appliance_domain::upload::StoredPart| PartBody {
            number: p.number,
            size: p.size,
            etag: p.etag.clone(),
        };
        let done = upload.state == UploadState::Promoted;
        Self {
            id: upload.id.to_string(),
            project_id: upload.project.to_string(),
            file_name: upload.file_name.to_string(),
            size: upload.plan.size,
            part_size: upload.plan.part_size,
            part_count: upload.plan.count(),
            state: upload.state.as_str(),
            parts: view.parts.iter().map(part).collect(),
            progress: if done { 1.0 } else { view.job.as_ref().map_or(0.0, |j| j.progress) },
            asset_id: upload.asset.map(|a| a.to_string()),
            problem: upload.problem.as_ref().map(Into::into),
            fingerprint: upload.fingerprint.clone(),
            created_at: time(upload.created_at),
            expires_at: time(upload.expires_at),
        }
    }
}

/// A unit of background work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobBody {
    id: String,
    /// `verify`, `preview-fast`, `preview-full` or `transcribe`.
    kind: &'static str,
    /// Id of the upload or asset.
    subject: Option<String>,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    attempt: u32,
    max_attempts: u32,
    progress: f32,
    note: Option<String>,
    problem: Option<ProblemPart>,
    created_at: String,
    finished_at: Option<String>,
}

impl From<&Job> for JobBody {
    fn from(job: &Job) -> Self {
        let subject = job.asset.map(|a| a.to_string()).or_else(|| job.upload.map(|u| u.to_string()));
        Self {
            id: job.id.to_string(),
            kind: job.kind.as_str(),
            subject,
            state: job.state.as_str(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            progress: job.progress,
            note: job.note.clone(),
            problem: job.problem.as_ref().map(Into::into),
            created_at: time(job.created_at),
            finished_at: job.finished_at.map(time),
        }
    }
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Old and new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    pub(crate) current_password: String,
    pub(crate) new_password: String,
}
