//! Jobs as rows: adding, reading, cancelling and retrying them. What the holder of a job does is in `leases.rs`.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::catalog::Change;
use appliance_app::ports::jobs::NewJob;
use appliance_domain::job::{Job, JobKind, JobState};
use appliance_domain::problem::Problem;
use appliance_domain::{AssetId, JobId, ProjectId, Timestamp, UploadId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::columns::{id, maybe_id, maybe_json, small, time, to_json, word};
use crate::sqlite::db::{Outcome, Write, refuse};
use crate::sqlite::{events, uploads};

pub(crate) const JOB: &str = "id, kind, project, upload, asset, version, state, attempt, max_attempts, progress, note,
    problem, created_at, finished_at";

/// More than any list shows.
const LIST_MAX: u32 = 1000;

pub(crate) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: id(row, "id")?,
        kind: word(row, "kind", JobKind::from_word)?,
        project: id(row, "project")?,
        upload: maybe_id(row, "upload")?,
        asset: maybe_id(row, "asset")?,
        version: maybe_id(row, "version")?,
        state: word(row, "state", JobState::from_word)?,
        attempt: small(row, "attempt")?,
        max_attempts: small(row, "max_attempts")?,
        progress: row.get("progress")?,
        note: row.get("note")?,
        problem: maybe_json(row, "problem")?,
        created_at: time(row, "created_at")?,
        finished_at: row.get::<_, Option<i64>>("finished_at")?.map(Timestamp),
    })
}

/// Adds a job. One whose upload or version already has a live job of that kind is skipped: what it is for is under way.
pub(crate) fn add(tx: &Write<'_>, job: &NewJob) -> Outcome<()> {
    let sql = "INSERT INTO jobs (id, kind, priority, project, upload, asset, version, state, max_attempts, created_at,
            run_after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) ON CONFLICT DO NOTHING";
    let added = tx.prepare_cached(sql)?.execute(params![
        job.id.to_string(),
        job.kind.as_str(),
        job.kind.priority(),
        job.project.to_string(),
        job.upload.map(|id| id.to_string()),
        job.asset.map(|id| id.to_string()),
        job.version.map(|id| id.to_string()),
        JobState::Queued.as_str(),
        job.max_attempts,
        job.created_at.0,
    ])?;
    if added > 0 {
        tx.job_ready();
    }
    Ok(())
}

pub(crate) fn add_all(tx: &Write<'_>, jobs: &[NewJob]) -> Outcome<()> {
    jobs.iter().try_for_each(|job| add(tx, job))
}

pub(crate) fn one(db: &Connection, id: JobId) -> Outcome<Option<Job>> {
    let sql = format!("SELECT {JOB} FROM jobs WHERE id = ?1");
    Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], job).optional()?)
}

fn existing(db: &Connection, id: JobId) -> Outcome<Job> {
    one(db, id)?.ok_or_else(|| refuse(StoreErrorKind::NotFound, format!("there is no job `{id}`")))
}

pub(crate) fn of_project(db: &Connection, project: ProjectId, limit: u32) -> Outcome<Vec<Job>> {
    let sql = format!("SELECT {JOB} FROM jobs WHERE project = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2");
    let mut statement = db.prepare_cached(&sql)?;
    let values = params![project.to_string(), limit.min(LIST_MAX)];
    let jobs = statement.query_map(values, job)?.collect::<Result<_, _>>()?;
    Ok(jobs)
}

pub(crate) fn of(db: &Connection, assets: &[AssetId], uploads: &[UploadId]) -> Outcome<Vec<Job>> {
    let sql = format!(
        "SELECT {JOB} FROM jobs WHERE asset IN (SELECT value FROM json_each(?1))
        UNION SELECT {JOB} FROM jobs WHERE upload IN (SELECT value FROM json_each(?2)) ORDER BY created_at, id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let jobs = statement.query_map([to_json(&assets)?, to_json(&uploads)?], job)?.collect::<Result<_, _>>()?;
    Ok(jobs)
}

/// Tells who watches the project that a job moved on.
pub(crate) fn tell(tx: &Write<'_>, job: &Job, now: Timestamp) -> Outcome<()> {
    match (job.asset, job.upload) {
        (Some(asset), _) => events::append(tx, job.project, Change::Asset(asset), now),
        (None, Some(upload)) => events::append(tx, job.project, Change::Upload(upload), now),
        (None, None) => Ok(()),
    }
}

/// Ends a job badly, for good. The upload that it verified is refused with it, so that it does not wait for ever.
pub(crate) fn end(
    tx: &Write<'_>,
    job: &Job,
    state: JobState,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Outcome<()> {
    let sql = "UPDATE jobs SET state = ?2, problem = coalesce(?3, problem), finished_at = ?4, note = NULL,
        lease_owner = NULL, lease_expires = NULL, cancel_requested = 0 WHERE id = ?1";
    let text = problem.map(to_json).transpose()?;
    tx.prepare_cached(sql)?.execute(params![job.id.to_string(), state.as_str(), text, now.0])?;
    tell(tx, job, now)?;
    match (job.kind, job.upload) {
        (JobKind::Verify, Some(upload)) => {
            let problem = problem.cloned().unwrap_or_else(|| unverified(state));
            uploads::fail(tx, upload, &problem, now)
        }
        _ => Ok(()),
    }
}

/// What an upload is told whose check ended without a problem of its own.
fn unverified(state: JobState) -> Problem {
    let (code, title) = match state {
        JobState::Cancelled => ("job.cancelled", "the check of the file was cancelled"),
        JobState::Failed | JobState::Queued | JobState::Running | JobState::Done => {
            ("job.failed", "the check of the file did not end")
        }
    };
    Problem {
        code: code.to_owned(),
        title: title.to_owned(),
        remedy: "retry the job, or send the file again".to_owned(),
        retryable: true,
    }
}

pub(crate) fn request_cancel(tx: &Write<'_>, id: JobId, now: Timestamp) -> Outcome<JobState> {
    let job = existing(tx, id)?;
    match job.state {
        JobState::Queued => {
            end(tx, &job, JobState::Cancelled, None, now)?;
            Ok(JobState::Cancelled)
        }
        JobState::Running => {
            tx.prepare_cached("UPDATE jobs SET cancel_requested = 1 WHERE id = ?1")?.execute([id.to_string()])?;
            Ok(JobState::Running)
        }
        ended @ (JobState::Done | JobState::Failed | JobState::Cancelled) => Ok(ended),
    }
}

pub(crate) fn retry(tx: &Write<'_>, id: JobId, now: Timestamp) -> Outcome<()> {
    let job = existing(tx, id)?;
    if !matches!(job.state, JobState::Failed | JobState::Cancelled) {
        let what = format!("the job is `{}`, not `failed` or `cancelled`", job.state.as_str());
        return Err(refuse(StoreErrorKind::Conflict, what));
    }
    // The fence stays: late writers of earlier attempts must go on losing.
    let sql = "UPDATE jobs SET state = 'queued', attempt = 0, progress = 0, note = NULL, problem = NULL,
        finished_at = NULL, run_after = ?2, cancel_requested = 0 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![id.to_string(), now.0])?;
    if let (JobKind::Verify, Some(upload)) = (job.kind, job.upload) {
        uploads::verify_again(tx, upload, now)?;
    }
    tx.job_ready();
    tell(tx, &job, now)
}
