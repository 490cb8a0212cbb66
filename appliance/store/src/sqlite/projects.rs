//! Projects and who belongs to them.
//!
//! Invariant: a project always has an owner.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::catalog::{Change, ProjectEntry};
use appliance_domain::names::ProjectName;
use appliance_domain::people::{Project, ProjectRole};
use appliance_domain::{ProjectId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::columns::{count, id, json, parsed, time, word};
use crate::sqlite::db::{Outcome, Write, refuse};
use crate::sqlite::events;

pub(crate) fn create(tx: &Write<'_>, project: &Project, owner: UserId) -> Outcome<()> {
    let sql = "INSERT INTO projects (id, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4)";
    tx.prepare_cached(sql)?.execute(params![
        project.id.to_string(),
        project.name.as_str(),
        project.created_at.0,
        project.updated_at.0
    ])?;
    write_member(tx, project.id, owner, ProjectRole::Owner)?;
    events::append(tx, project.id, Change::Project, project.created_at)
}

/// Notes that something in the project changed, and tells it.
pub(crate) fn changed(tx: &Write<'_>, project: ProjectId, change: Change, now: Timestamp) -> Outcome<()> {
    let sql = "UPDATE projects SET updated_at = max(updated_at, ?2) WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![project.to_string(), now.0])?;
    events::append(tx, project, change, now)
}

const ENTRY: &str = "SELECT p.id AS id, p.name AS name, p.created_at AS created_at, p.updated_at AS updated_at,
        m.role AS role, (SELECT count(*) FROM assets a WHERE a.project = p.id) AS assets
    FROM members m JOIN projects p ON p.id = m.project";

fn entry(db: &Connection, row: &Row<'_>) -> rusqlite::Result<ProjectEntry> {
    let project = Project {
        id: id(row, "id")?,
        name: parsed(row, "name", ProjectName::parse)?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    };
    let sql = "SELECT v.id AS id, v.preview AS preview FROM assets a JOIN versions v ON v.id = a.version
        WHERE a.project = ?1 AND a.has_card = 1 ORDER BY a.created_at DESC, a.id DESC LIMIT 1";
    let cover = db
        .prepare_cached(sql)?
        .query_row([project.id.to_string()], |row| Ok((id(row, "id")?, json(row, "preview")?)))
        .optional()?;
    Ok(ProjectEntry { project, role: word(row, "role", ProjectRole::from_word)?, assets: count(row, "assets")?, cover })
}

pub(crate) fn of(db: &Connection, user: UserId) -> Outcome<Vec<ProjectEntry>> {
    let sql = format!("{ENTRY} WHERE m.user = ?1 ORDER BY p.updated_at DESC, p.id DESC");
    let mut statement = db.prepare_cached(&sql)?;
    let entries = statement.query_map([user.to_string()], |row| entry(db, row))?.collect::<Result<_, _>>()?;
    Ok(entries)
}

pub(crate) fn one_of(db: &Connection, user: UserId, project: ProjectId) -> Outcome<Option<ProjectEntry>> {
    let sql = format!("{ENTRY} WHERE m.user = ?1 AND m.project = ?2");
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_row(params![user.to_string(), project.to_string()], |row| entry(db, row));
    Ok(found.optional()?)
}

pub(crate) fn role(db: &Connection, user: UserId, project: ProjectId) -> Outcome<Option<ProjectRole>> {
    let sql = "SELECT role FROM members WHERE project = ?1 AND user = ?2";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement
        .query_row(params![project.to_string(), user.to_string()], |row| word(row, "role", ProjectRole::from_word));
    Ok(found.optional()?)
}

pub(crate) fn exists(db: &Connection, project: ProjectId) -> Outcome<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM projects WHERE id = ?1")?.exists([project.to_string()])?)
}

pub(crate) fn rename(tx: &Write<'_>, project: ProjectId, name: &ProjectName, now: Timestamp) -> Outcome<()> {
    let sql = "UPDATE projects SET name = ?2 WHERE id = ?1";
    if tx.prepare_cached(sql)?.execute(params![project.to_string(), name.as_str()])? == 0 {
        return Err(unknown(project));
    }
    changed(tx, project, Change::Project, now)
}

pub(crate) fn members(db: &Connection, project: ProjectId) -> Outcome<Vec<(UserId, ProjectRole)>> {
    let mut statement = db.prepare_cached("SELECT user, role FROM members WHERE project = ?1 ORDER BY user")?;
    let read = |row: &Row<'_>| Ok((id(row, "user")?, word(row, "role", ProjectRole::from_word)?));
    let members = statement.query_map([project.to_string()], read)?.collect::<Result<_, _>>()?;
    Ok(members)
}

pub(crate) fn set_member(
    tx: &Write<'_>,
    project: ProjectId,
    user: UserId,
    role: ProjectRole,
    now: Timestamp,
) -> Outcome<()> {
    if !exists(tx, project)? {
        return Err(unknown(project));
    }
    write_member(tx, project, user, role)?;
    keep_an_owner(tx, project)?;
    changed(tx, project, Change::Project, now)
}

pub(crate) fn remove_member(tx: &Write<'_>, project: ProjectId, user: UserId, now: Timestamp) -> Outcome<()> {
    let sql = "DELETE FROM members WHERE project = ?1 AND user = ?2";
    if tx.prepare_cached(sql)?.execute(params![project.to_string(), user.to_string()])? == 0 {
        return Err(refuse(StoreErrorKind::NotFound, format!("`{user}` is not a member of `{project}`")));
    }
    keep_an_owner(tx, project)?;
    changed(tx, project, Change::Project, now)
}

fn write_member(tx: &Write<'_>, project: ProjectId, user: UserId, role: ProjectRole) -> Outcome<()> {
    let sql = "INSERT INTO members (project, user, role) VALUES (?1, ?2, ?3)
        ON CONFLICT (project, user) DO UPDATE SET role = excluded.role";
    tx.prepare_cached(sql)?.execute(params![project.to_string(), user.to_string(), role.as_str()])?;
    Ok(())
}

/// Refuses the transaction when its change left the project without an owner.
fn keep_an_owner(tx: &Write<'_>, project: ProjectId) -> Outcome<()> {
    let sql = "SELECT 1 FROM members WHERE project = ?1 AND role = ?2";
    if tx.prepare_cached(sql)?.exists(params![project.to_string(), ProjectRole::Owner.as_str()])? {
        return Ok(());
    }
    Err(refuse(StoreErrorKind::Conflict, "the project would be left without an owner"))
}

fn unknown(project: ProjectId) -> crate::sqlite::db::Failure {
    refuse(StoreErrorKind::NotFound, format!("there is no project `{project}`"))
}
