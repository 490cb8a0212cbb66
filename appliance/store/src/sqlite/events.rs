//! What happened in a project, in order, for open browsers.
//!
//! Invariant: `seq` grows (AUTOINCREMENT: a position is never given twice, even if rows are deleted one day).

use appliance_app::ports::catalog::{Change, Event};
use appliance_domain::{EventSeq, ProjectId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sqlite::columns::{id, time};
use crate::sqlite::db::{Outcome, Write};

/// Appends an event in the transaction of its change.
pub(crate) fn append(tx: &Write<'_>, project: ProjectId, change: Change, at: Timestamp) -> Outcome<()> {
    if !tx.is_news(project, change) {
        return Ok(());
    }
    let (kind, subject) = match change {
        Change::Upload(id) => ("upload", Some(id.to_string())),
        Change::Asset(id) => ("asset", Some(id.to_string())),
        Change::Transcript(id) => ("transcript", Some(id.to_string())),
        Change::Project => ("project", None),
    };
    let sql = "INSERT INTO events (project, kind, subject, at) VALUES (?1, ?2, ?3, ?4)";
    let seq = tx.prepare_cached(sql)?.insert(params![project.to_string(), kind, subject, at.0])?;
    tx.announce(seq);
    Ok(())
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind: String = row.get("kind")?;
    let change = match kind.as_str() {
        "upload" => Change::Upload(id(row, "subject")?),
        "asset" => Change::Asset(id(row, "subject")?),
        "transcript" => Change::Transcript(id(row, "subject")?),
        _ => Change::Project,
    };
    Ok(Event { seq: row.get("seq")?, project: id(row, "project")?, change, at: time(row, "at")? })
}

pub(crate) fn after(db: &Connection, project: ProjectId, since: EventSeq, limit: u32) -> Outcome<Vec<Event>> {
    let sql =
        "SELECT seq, project, kind, subject, at FROM events WHERE project = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = db.prepare_cached(sql)?;
    let events = statement.query_map(params![project.to_string(), since, limit], event)?.collect::<Result<_, _>>()?;
    Ok(events)
}

pub(crate) fn last(db: &Connection) -> rusqlite::Result<EventSeq> {
    db.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))
}
