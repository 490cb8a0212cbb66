//! Files on their way in: their parts and their states.
//!
//! Invariants: `verifying` means that all parts are recorded and that a live job verifies them (a job that ends badly
//! refuses its upload in the same transaction); the state only changes here and in `assets::promote`.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::catalog::Change;
use appliance_app::ports::jobs::NewJob;
use appliance_domain::job::{JobKind, Lease};
use appliance_domain::names::FileName;
use appliance_domain::problem::Problem;
use appliance_domain::upload::{PartPlan, StoredPart, Upload, UploadState};
use appliance_domain::{ProjectId, Timestamp, UploadId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::columns::{count, id, maybe_id, maybe_json, parsed, signed, time, to_json, word};
use crate::sqlite::db::{Failure, Outcome, Write, refuse};
use crate::sqlite::{jobs, leases, projects};

const UPLOAD: &str = "id, project, owner, file_name, size, part_size, fingerprint, sha256, state, asset, problem,
    created_at, expires_at";

fn upload(row: &Row<'_>) -> rusqlite::Result<Upload> {
    Ok(Upload {
        id: id(row, "id")?,
        project: id(row, "project")?,
        owner: id(row, "owner")?,
        file_name: parsed(row, "file_name", FileName::parse)?,
        plan: PartPlan { size: count(row, "size")?, part_size: count(row, "part_size")? },
        fingerprint: row.get("fingerprint")?,
        sha256: row.get("sha256")?,
        state: word(row, "state", UploadState::from_word)?,
        asset: maybe_id(row, "asset")?,
        problem: maybe_json(row, "problem")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

pub(crate) fn create(tx: &Write<'_>, upload: &Upload) -> Outcome<()> {
    let sql = "INSERT INTO uploads (id, project, owner, file_name, size, part_size, fingerprint, sha256, state, asset,
            problem, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    tx.prepare_cached(sql)?.execute(params![
        upload.id.to_string(),
        upload.project.to_string(),
        upload.owner.to_string(),
        upload.file_name.as_str(),
        signed(upload.plan.size),
        signed(upload.plan.part_size),
        upload.fingerprint,
        upload.sha256,
        upload.state.as_str(),
        upload.asset.map(|asset| asset.to_string()),
        upload.problem.as_ref().map(to_json).transpose()?,
        upload.created_at.0,
        upload.expires_at.0,
    ])?;
    projects::changed(tx, upload.project, Change::Upload(upload.id), upload.created_at)
}

pub(crate) fn one(db: &Connection, id: UploadId) -> Outcome<Option<Upload>> {
    let sql = format!("SELECT {UPLOAD} FROM uploads WHERE id = ?1");
    Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], upload).optional()?)
}

pub(crate) fn existing(db: &Connection, id: UploadId) -> Outcome<Upload> {
    one(db, id)?.ok_or_else(|| refuse(StoreErrorKind::NotFound, format!("there is no upload `{id}`")))
}

pub(crate) fn resumable(
    db: &Connection,
    project: ProjectId,
    owner: UserId,
    fingerprint: &str,
    size: u64,
) -> Outcome<Option<Upload>> {
    let sql = format!(
        "SELECT {UPLOAD} FROM uploads WHERE project = ?1 AND owner = ?2 AND fingerprint = ?3 AND size = ?4
            AND state = 'open' ORDER BY created_at DESC LIMIT 1"
    );
    let values = params![project.to_string(), owner.to_string(), fingerprint, signed(size)];
    Ok(db.prepare_cached(&sql)?.query_row(values, upload).optional()?)
}

pub(crate) fn active(db: &Connection, project: ProjectId, owner: UserId) -> Outcome<Vec<Upload>> {
    let sql = format!(
        "SELECT {UPLOAD} FROM uploads WHERE project = ?1 AND owner = ?2
            AND state IN ('open', 'verifying', 'refused') ORDER BY created_at, id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let uploads = statement.query_map([project.to_string(), owner.to_string()], upload)?.collect::<Result<_, _>>()?;
    Ok(uploads)
}

pub(crate) fn parts(db: &Connection, id: UploadId) -> Outcome<Vec<StoredPart>> {
    let sql = "SELECT number, size, etag FROM parts WHERE upload = ?1 ORDER BY number";
    let mut statement = db.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        Ok(StoredPart { number: count(row, "number")?, size: count(row, "size")?, etag: row.get("etag")? })
    };
    let parts = statement.query_map([id.to_string()], read)?.collect::<Result<_, _>>()?;
    Ok(parts)
}

/// No event: who sends the part learns of it from the answer, and nobody else sees parts.
pub(crate) fn record_part(tx: &Write<'_>, id: UploadId, part: &StoredPart) -> Outcome<()> {
    let upload = existing(tx, id)?;
    if upload.state != UploadState::Open {
        return Err(not_in(&upload, UploadState::Open));
    }
    if upload.plan.part(part.number).is_none_or(|(_, length)| length != part.size) {
        let what = format!("part {} of {} bytes is not in the plan of the upload", part.number, part.size);
        return Err(refuse(StoreErrorKind::Mismatch, what));
    }
    let sql = "INSERT INTO parts (upload, number, size, etag) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (upload, number) DO UPDATE SET size = excluded.size, etag = excluded.etag";
    tx.prepare_cached(sql)?.execute(params![id.to_string(), signed(part.number), signed(part.size), part.etag])?;
    Ok(())
}

pub(crate) fn begin_verifying(tx: &Write<'_>, id: UploadId, idempotency_key: &str, job: &NewJob) -> Outcome<()> {
    let upload = existing(tx, id)?;
    let sql = "SELECT idempotency_key FROM uploads WHERE id = ?1";
    let earlier: Option<String> = tx.prepare_cached(sql)?.query_row([id.to_string()], |row| row.get(0))?;
    match (upload.state, earlier) {
        (UploadState::Open, _) => {}
        (UploadState::Verifying | UploadState::Refused | UploadState::Promoted, Some(key))
            if key == idempotency_key =>
        {
            return Ok(());
        }
        (UploadState::Verifying | UploadState::Refused | UploadState::Promoted | UploadState::Aborted, _) => {
            return Err(not_in(&upload, UploadState::Open));
        }
    }
    let sql = "SELECT count(*) AS n FROM parts WHERE upload = ?1";
    let stored = tx.prepare_cached(sql)?.query_row([id.to_string()], |row| count(row, "n"))?;
    if stored != upload.plan.count() {
        let what = format!("{stored} of {} parts of the upload are there", upload.plan.count());
        return Err(refuse(StoreErrorKind::Conflict, what));
    }
    tx.prepare_cached("UPDATE uploads SET idempotency_key = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), idempotency_key])?;
    move_to(tx, &upload, UploadState::Verifying, None, job.created_at)?;
    jobs::add(tx, job)
}

pub(crate) fn refuse_by(tx: &Write<'_>, lease: &Lease, id: UploadId, problem: &Problem, now: Timestamp) -> Outcome<()> {
    leases::check(tx, lease)?;
    let upload = existing(tx, id)?;
    if upload.state != UploadState::Verifying {
        return Err(not_in(&upload, UploadState::Verifying));
    }
    move_to(tx, &upload, UploadState::Refused, Some(problem), now)?;
    leases::finish(tx, lease, now)
}

/// Verifying → refused, unless a live job still verifies it.
pub(crate) fn fail(tx: &Write<'_>, id: UploadId, problem: &Problem, now: Timestamp) -> Outcome<()> {
    let upload = existing(tx, id)?;
    let sql = "SELECT 1 FROM jobs WHERE upload = ?1 AND kind = ?2 AND state IN ('queued', 'running')";
    let live = tx.prepare_cached(sql)?.exists(params![id.to_string(), JobKind::Verify.as_str()])?;
    if upload.state != UploadState::Verifying || live {
        return Ok(());
    }
    move_to(tx, &upload, UploadState::Refused, Some(problem), now)
}

/// Refused → verifying, for a job that verifies it once more.
pub(crate) fn verify_again(tx: &Write<'_>, id: UploadId, now: Timestamp) -> Outcome<()> {
    let upload = existing(tx, id)?;
    match upload.state {
        UploadState::Verifying => Ok(()),
        UploadState::Refused => move_to(tx, &upload, UploadState::Verifying, None, now),
        UploadState::Open | UploadState::Promoted | UploadState::Aborted => {
            Err(not_in(&upload, UploadState::Verifying))
        }
    }
}

pub(crate) fn abort(tx: &Write<'_>, id: UploadId, now: Timestamp) -> Outcome<()> {
    let upload = existing(tx, id)?;
    match upload.state {
        UploadState::Open | UploadState::Refused => {
            move_to(tx, &upload, UploadState::Aborted, upload.problem.as_ref(), now)
        }
        UploadState::Verifying | UploadState::Promoted | UploadState::Aborted => {
            Err(not_in(&upload, UploadState::Open))
        }
    }
}

pub(crate) fn expired(db: &Connection, now: Timestamp) -> Outcome<Vec<UploadId>> {
    let mut statement =
        db.prepare_cached("SELECT id FROM uploads WHERE state = 'open' AND expires_at <= ?1 ORDER BY expires_at")?;
    let uploads = statement.query_map([now.0], |row| id(row, "id"))?.collect::<Result<_, _>>()?;
    Ok(uploads)
}

/// Uploads that have ended: those of `staged`, or all of them where nobody knows what is staged.
pub(crate) fn ended(db: &Connection, staged: Option<&[UploadId]>) -> Outcome<Vec<UploadId>> {
    const ENDED: &str = "state IN ('aborted', 'refused', 'promoted')";
    let Some(staged) = staged else {
        let mut statement = db.prepare_cached(&format!("SELECT id FROM uploads WHERE {ENDED} ORDER BY id"))?;
        let uploads = statement.query_map([], |row| id(row, "id"))?.collect::<Result<_, _>>()?;
        return Ok(uploads);
    };
    let mut statement = db.prepare_cached(&format!("SELECT 1 FROM uploads WHERE id = ?1 AND {ENDED}"))?;
    let mut uploads = Vec::new();
    for upload in staged {
        if statement.exists([upload.to_string()])? {
            uploads.push(*upload);
        }
    }
    Ok(uploads)
}

pub(crate) fn move_to(
    tx: &Write<'_>,
    upload: &Upload,
    state: UploadState,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Outcome<()> {
    let problem = problem.map(to_json).transpose()?;
    tx.prepare_cached("UPDATE uploads SET state = ?2, problem = ?3 WHERE id = ?1")?.execute(params![
        upload.id.to_string(),
        state.as_str(),
        problem
    ])?;
    projects::changed(tx, upload.project, Change::Upload(upload.id), now)
}

pub(crate) fn not_in(upload: &Upload, wanted: UploadState) -> Failure {
    let what = format!("the upload is `{}`, not `{}`", upload.state.as_str(), wanted.as_str());
    refuse(StoreErrorKind::Conflict, what)
}
