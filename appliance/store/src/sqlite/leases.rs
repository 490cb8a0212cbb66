//! What the holder of a job does: take it, stay heard, end it.
//!
//! Invariants: the fence grows by one with each lease; whoever writes for a job passes [`check`] in the same transaction;
//! attempts are counted when a lease is taken.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::jobs::{Held, Verdict};
use appliance_domain::Timestamp;
use appliance_domain::job::{Job, JobKind, JobState, Lease};
use appliance_domain::problem::Problem;
use rusqlite::{OptionalExtension, params};

use crate::sqlite::columns::to_json;
use crate::sqlite::db::{Failure, Outcome, Write, refuse};
use crate::sqlite::jobs::{self, JOB};

/// Longest note that is kept, in characters.
const NOTE_MAX: usize = 200;

pub(crate) fn take(
    tx: &Write<'_>,
    kinds: &[JobKind],
    owner: &str,
    now: Timestamp,
    ttl_ms: i64,
) -> Outcome<Option<Lease>> {
    end_the_lost(tx, now)?;
    let Some(id) = most_urgent(tx, kinds, now)? else { return Ok(None) };
    let sql = format!(
        "UPDATE jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, lease_owner = ?2,
            lease_expires = ?3, seen_at = ?4, progress = 0, note = NULL WHERE id = ?1 RETURNING {JOB}, fence"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let lease = statement.query_row(params![id, owner, now.plus_ms(ttl_ms).0, now.0], |row| {
        Ok(Lease { job: jobs::job(row)?, fence: row.get("fence")? })
    })?;
    jobs::tell(tx, &lease.job, now)?;
    Ok(Some(lease))
}

/// Ends the jobs whose holder is gone and that nobody may take again: no attempts left, or a stop was asked for.
fn end_the_lost(tx: &Write<'_>, now: Timestamp) -> Outcome<()> {
    let sql = format!(
        "SELECT {JOB}, cancel_requested FROM jobs WHERE state = 'running' AND lease_expires <= ?1
            AND (attempt >= max_attempts OR cancel_requested = 1)"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let lost = statement
        .query_map([now.0], |row| Ok((jobs::job(row)?, row.get("cancel_requested")?)))?
        .collect::<Result<Vec<(Job, bool)>, _>>()?;
    for (job, cancelled) in lost {
        if cancelled {
            jobs::end(tx, &job, JobState::Cancelled, None, now)?;
        } else {
            jobs::end(tx, &job, JobState::Failed, Some(&lost_problem(job.attempt)), now)?;
        }
    }
    Ok(())
}

fn lost_problem(attempts: u32) -> Problem {
    let times = if attempts == 1 { "time" } else { "times" };
    Problem {
        code: "job.lost".to_owned(),
        title: format!("the job ended with its process {attempts} {times}"),
        remedy: "retry it; if it fails again, look at the log of the appliance".to_owned(),
        retryable: true,
    }
}

/// The id of the job to take: by priority, then age. One look into an index for each kind, so that a long queue of
/// other kinds costs nothing.
fn most_urgent(tx: &Write<'_>, kinds: &[JobKind], now: Timestamp) -> Outcome<Option<String>> {
    let queued = "SELECT created_at, id FROM jobs
        WHERE state = 'queued' AND kind = ?1 AND run_after <= ?2 ORDER BY created_at, id LIMIT 1";
    let expired = "SELECT created_at, id FROM jobs
        WHERE state = 'running' AND kind = ?1 AND lease_expires <= ?2 ORDER BY created_at, id LIMIT 1";
    let mut best: Option<(i64, i64, String)> = None;
    for kind in kinds {
        for sql in [queued, expired] {
            let found = tx
                .prepare_cached(sql)?
                .query_row(params![kind.as_str(), now.0], |row| Ok((kind.priority(), row.get(0)?, row.get(1)?)))
                .optional()?;
            best = match (best, found) {
                (Some(best), Some(found)) => Some(best.min(found)),
                (best, found) => best.or(found),
            };
        }
    }
    Ok(best.map(|(_, _, id)| id))
}

/// Passes for who holds the job; `LeaseLost` for everybody else. Returns when the holder was last heard of.
pub(crate) fn check(tx: &Write<'_>, lease: &Lease) -> Outcome<Timestamp> {
    let sql = "SELECT seen_at FROM jobs WHERE id = ?1 AND state = 'running' AND fence = ?2";
    let mut statement = tx.prepare_cached(sql)?;
    let seen = statement.query_row(params![lease.job.id.to_string(), lease.fence], |row| row.get(0)).optional()?;
    seen.map(Timestamp).ok_or_else(|| lost(lease))
}

fn lost(lease: &Lease) -> Failure {
    refuse(StoreErrorKind::LeaseLost, format!("the lease of the job `{}` is no longer held", lease.job.id))
}

pub(crate) fn heartbeat(
    tx: &Write<'_>,
    lease: &Lease,
    now: Timestamp,
    ttl_ms: i64,
    progress: f32,
    note: Option<&str>,
) -> Outcome<Held> {
    let progress = if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) };
    let note: Option<String> = note.map(|note| note.chars().take(NOTE_MAX).collect());
    let sql = "UPDATE jobs SET lease_expires = ?3, seen_at = ?4, progress = ?5, note = ?6
        WHERE id = ?1 AND state = 'running' AND fence = ?2 RETURNING cancel_requested";
    let values = params![lease.job.id.to_string(), lease.fence, now.plus_ms(ttl_ms).0, now.0, progress, note];
    let held = tx.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(match held {
        None => Held::No,
        Some(false) => Held::Yes,
        Some(true) => Held::CancelRequested,
    })
}

/// Ends the job as done, for who holds it.
pub(crate) fn finish(tx: &Write<'_>, lease: &Lease, now: Timestamp) -> Outcome<()> {
    check(tx, lease)?;
    let sql = "UPDATE jobs SET state = 'done', progress = 1, note = NULL, problem = NULL, finished_at = ?2,
        lease_owner = NULL, lease_expires = NULL, cancel_requested = 0 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![lease.job.id.to_string(), now.0])?;
    jobs::tell(tx, &lease.job, now)
}

/// Like [`finish`], and fine when this very lease has already ended the job.
pub(crate) fn complete(tx: &Write<'_>, lease: &Lease, now: Timestamp) -> Outcome<()> {
    let sql = "SELECT 1 FROM jobs WHERE id = ?1 AND state = 'done' AND fence = ?2";
    if tx.prepare_cached(sql)?.exists(params![lease.job.id.to_string(), lease.fence])? {
        return Ok(());
    }
    finish(tx, lease, now)
}

pub(crate) fn give_up(
    tx: &Write<'_>,
    lease: &Lease,
    problem: Option<&Problem>,
    verdict: &Verdict,
    now: Timestamp,
) -> Outcome<JobState> {
    check(tx, lease)?;
    let sql = format!("SELECT {JOB}, cancel_requested FROM jobs WHERE id = ?1");
    let (job, cancelled): (Job, bool) = tx
        .prepare_cached(&sql)?
        .query_row([lease.job.id.to_string()], |row| Ok((jobs::job(row)?, row.get("cancel_requested")?)))?;
    match verdict {
        // Nobody starts again what a person wants stopped.
        Verdict::RetryAt(_) | Verdict::GiveBack if cancelled => end(tx, &job, JobState::Cancelled, problem, now),
        Verdict::RetryAt(at) if job.attempt < job.max_attempts => queue_again(tx, &job, job.attempt, *at, problem, now),
        Verdict::RetryAt(_) | Verdict::Fail => end(tx, &job, JobState::Failed, problem, now),
        Verdict::Cancel => end(tx, &job, JobState::Cancelled, problem, now),
        Verdict::GiveBack => queue_again(tx, &job, job.attempt.saturating_sub(1), now, problem, now),
    }
}

fn end(tx: &Write<'_>, job: &Job, state: JobState, problem: Option<&Problem>, now: Timestamp) -> Outcome<JobState> {
    jobs::end(tx, job, state, problem, now)?;
    Ok(state)
}

fn queue_again(
    tx: &Write<'_>,
    job: &Job,
    attempt: u32,
    run_after: Timestamp,
    problem: Option<&Problem>,
    now: Timestamp,
) -> Outcome<JobState> {
    let sql = "UPDATE jobs SET state = 'queued', attempt = ?2, run_after = ?3, problem = coalesce(?4, problem),
        progress = 0, note = NULL, lease_owner = NULL, lease_expires = NULL WHERE id = ?1";
    let problem = problem.map(to_json).transpose()?;
    tx.prepare_cached(sql)?.execute(params![job.id.to_string(), attempt, run_after.0, problem])?;
    tx.job_ready();
    jobs::tell(tx, job, now)?;
    Ok(JobState::Queued)
}
