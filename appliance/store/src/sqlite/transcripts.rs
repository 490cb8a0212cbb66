//! Transcripts and their segments.
//!
//! Invariant: the segments of a transcript come from one attempt of one job; a new attempt starts afresh.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::catalog::Change;
use appliance_domain::job::Lease;
use appliance_domain::transcript::{ModelUsed, Segment, Transcript};
use appliance_domain::{Timestamp, VersionId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::columns::{count, id, json, signed, small, to_json};
use crate::sqlite::db::{Failure, Outcome, Write, refuse};
use crate::sqlite::{assets, leases, projects};

pub(crate) fn begin(
    tx: &Write<'_>,
    lease: &Lease,
    version: VersionId,
    language: &str,
    model: &ModelUsed,
    now: Timestamp,
) -> Outcome<()> {
    leases::check(tx, lease)?;
    // The segments go with their transcript (ON DELETE CASCADE).
    tx.prepare_cached("DELETE FROM transcripts WHERE version = ?1")?.execute([version.to_string()])?;
    let (asset, project) = assets::place(tx, version)?;
    let sql = "INSERT INTO transcripts (version, language, model, begun_at) VALUES (?1, ?2, ?3, ?4)";
    tx.prepare_cached(sql)?.execute(params![version.to_string(), language, to_json(model)?, now.0])?;
    projects::changed(tx, project, Change::Transcript(asset), now)
}

pub(crate) fn add(tx: &Write<'_>, lease: &Lease, version: VersionId, segments: &[Segment]) -> Outcome<()> {
    // The port gives no time here: the holder was last heard of just now.
    let seen_at = leases::check(tx, lease)?;
    let (asset, project) = assets::place(tx, version)?;
    let sql = "SELECT 1 FROM transcripts WHERE version = ?1 AND complete = 0";
    if !tx.prepare_cached(sql)?.exists([version.to_string()])? {
        return Err(not_begun(version));
    }
    let sql = "INSERT INTO segments (version, number, start_ms, end_ms, text, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (version, number) DO UPDATE SET start_ms = excluded.start_ms, end_ms = excluded.end_ms,
            text = excluded.text, words = excluded.words";
    let mut statement = tx.prepare_cached(sql)?;
    for segment in segments {
        statement.execute(params![
            version.to_string(),
            segment.index,
            signed(segment.start_ms),
            signed(segment.end_ms),
            segment.text,
            to_json(&segment.words)?,
        ])?;
    }
    if segments.is_empty() { Ok(()) } else { projects::changed(tx, project, Change::Transcript(asset), seen_at) }
}

pub(crate) fn finish(tx: &Write<'_>, lease: &Lease, version: VersionId, now: Timestamp) -> Outcome<()> {
    leases::check(tx, lease)?;
    let (asset, project) = assets::place(tx, version)?;
    let sql = "UPDATE transcripts SET complete = 1, finished_at = ?2 WHERE version = ?1 AND complete = 0";
    if tx.prepare_cached(sql)?.execute(params![version.to_string(), now.0])? == 0 {
        return Err(not_begun(version));
    }
    projects::changed(tx, project, Change::Transcript(asset), now)?;
    leases::finish(tx, lease, now)
}

pub(crate) fn one(db: &Connection, version: VersionId) -> Outcome<Option<Transcript>> {
    let sql = "SELECT version, complete, language, model FROM transcripts WHERE version = ?1";
    let read = |row: &Row<'_>| {
        Ok(Transcript {
            version: id(row, "version")?,
            complete: row.get("complete")?,
            language: row.get("language")?,
            model: json(row, "model")?,
            segments: Vec::new(),
        })
    };
    let found = db.prepare_cached(sql)?.query_row([version.to_string()], read).optional()?;
    let Some(mut transcript) = found else { return Ok(None) };
    let sql = "SELECT number, start_ms, end_ms, text, words FROM segments WHERE version = ?1 ORDER BY number";
    let read = |row: &Row<'_>| {
        Ok(Segment {
            index: small(row, "number")?,
            start_ms: count(row, "start_ms")?,
            end_ms: count(row, "end_ms")?,
            text: row.get("text")?,
            words: json(row, "words")?,
        })
    };
    transcript.segments = db.prepare_cached(sql)?.query_map([version.to_string()], read)?.collect::<Result<_, _>>()?;
    Ok(Some(transcript))
}

fn not_begun(version: VersionId) -> Failure {
    refuse(StoreErrorKind::Conflict, format!("no transcript of `{version}` is being written"))
}
