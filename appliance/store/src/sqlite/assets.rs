//! Assets, their versions and the previews that viewers get.

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::catalog::{AssetPage, Change, Promotion};
use appliance_app::ports::jobs::NewJob;
use appliance_domain::job::Lease;
use appliance_domain::media::{Asset, Preview, PreviewStage, Version};
use appliance_domain::names::FileName;
use appliance_domain::upload::UploadState;
use appliance_domain::{AssetId, ProjectId, Timestamp, VersionId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::columns::{count, id, json, maybe_json, parsed, signed, small, time, to_json};
use crate::sqlite::db::{Failure, Outcome, Write, refuse};
use crate::sqlite::{jobs, leases, projects, uploads};

/// More than any page shows.
const PAGE_MAX: u32 = 1000;

const ASSET: &str = "SELECT a.id AS id, a.project AS project, a.title AS title, a.created_by AS created_by,
        a.created_at AS created_at, a.upload AS upload, v.id AS version, v.number AS number, v.file_name AS file_name,
        v.size AS size, v.sha256 AS sha256, v.locked_until AS locked_until, v.facts AS facts, v.preview AS preview
    FROM assets a JOIN versions v ON v.id = a.version";

fn asset(row: &Row<'_>) -> rusqlite::Result<Asset> {
    Ok(Asset {
        id: id(row, "id")?,
        project: id(row, "project")?,
        title: row.get("title")?,
        created_by: id(row, "created_by")?,
        created_at: time(row, "created_at")?,
        upload: id(row, "upload")?,
        version: Version {
            id: id(row, "version")?,
            number: small(row, "number")?,
            file_name: parsed(row, "file_name", FileName::parse)?,
            size: count(row, "size")?,
            sha256: row.get("sha256")?,
            locked_until: time(row, "locked_until")?,
            facts: json(row, "facts")?,
            preview: maybe_json(row, "preview")?,
        },
    })
}

pub(crate) fn page(db: &Connection, project: ProjectId, cursor: Option<AssetId>, limit: u32) -> Outcome<AssetPage> {
    let limit = limit.min(PAGE_MAX);
    // The page begins below the row of the cursor, so that assets that arrive meanwhile shift nothing.
    let (created_at, last) = match cursor {
        None => (i64::MAX, String::new()),
        Some(cursor) => {
            let sql = "SELECT created_at FROM assets WHERE id = ?1 AND project = ?2";
            let mut statement = db.prepare_cached(sql)?;
            let found = statement.query_row([cursor.to_string(), project.to_string()], |row| row.get(0)).optional()?;
            let unknown = || refuse(StoreErrorKind::NotFound, format!("there is no asset `{cursor}` to go on from"));
            (found.ok_or_else(unknown)?, cursor.to_string())
        }
    };
    let sql = format!(
        "{ASSET} WHERE a.project = ?1 AND (a.created_at, a.id) < (?2, ?3)
            ORDER BY a.created_at DESC, a.id DESC LIMIT ?4"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![project.to_string(), created_at, last, limit + 1], asset)?;
    let mut items = rows.collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(|asset| asset.id) } else { None };
    Ok(AssetPage { items, next })
}

pub(crate) fn one(db: &Connection, id: AssetId) -> Outcome<Option<Asset>> {
    Ok(db.prepare_cached(&format!("{ASSET} WHERE a.id = ?1"))?.query_row([id.to_string()], asset).optional()?)
}

pub(crate) fn of_version(db: &Connection, id: VersionId) -> Outcome<Option<Asset>> {
    let sql = format!("{ASSET} WHERE a.id = (SELECT asset FROM versions WHERE id = ?1)");
    Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], asset).optional()?)
}

pub(crate) fn promote(
    tx: &Write<'_>,
    lease: &Lease,
    promotion: &Promotion,
    then: &[NewJob],
    now: Timestamp,
) -> Outcome<()> {
    leases::check(tx, lease)?;
    let upload = uploads::existing(tx, promotion.upload)?;
    if upload.state != UploadState::Verifying {
        return Err(uploads::not_in(&upload, UploadState::Verifying));
    }
    let (asset, version) = (promotion.asset.to_string(), promotion.version.to_string());
    let sql = "INSERT INTO assets (id, project, title, created_by, created_at, upload, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.prepare_cached(sql)?.execute(params![
        asset,
        upload.project.to_string(),
        promotion.title,
        upload.owner.to_string(),
        now.0,
        upload.id.to_string(),
        version,
    ])?;
    let sql = "INSERT INTO versions (id, asset, number, file_name, size, sha256, locked_until, facts)
        VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7)";
    tx.prepare_cached(sql)?.execute(params![
        version,
        asset,
        upload.file_name.as_str(),
        signed(upload.plan.size),
        promotion.sha256,
        promotion.locked_until.0,
        to_json(&promotion.facts)?,
    ])?;
    tx.prepare_cached("UPDATE uploads SET asset = ?2 WHERE id = ?1")?.execute([upload.id.to_string(), asset])?;
    uploads::move_to(tx, &upload, UploadState::Promoted, None, now)?;
    projects::changed(tx, upload.project, Change::Asset(promotion.asset), now)?;
    jobs::add_all(tx, then)?;
    leases::finish(tx, lease, now)
}

/// The asset and the project of a version, and what viewers get of it now.
fn version(db: &Connection, id_: VersionId) -> Outcome<(AssetId, ProjectId, Option<Preview>)> {
    let sql = "SELECT v.asset AS asset, a.project AS project, v.preview AS preview
        FROM versions v JOIN assets a ON a.id = v.asset WHERE v.id = ?1";
    let read = |row: &Row<'_>| Ok((id(row, "asset")?, id(row, "project")?, maybe_json(row, "preview")?));
    db.prepare_cached(sql)?.query_row([id_.to_string()], read).optional()?.ok_or_else(|| unknown_version(id_))
}

/// The asset and the project of a version.
pub(crate) fn place(db: &Connection, id: VersionId) -> Outcome<(AssetId, ProjectId)> {
    version(db, id).map(|(asset, project, _)| (asset, project))
}

pub(crate) fn publish_preview(
    tx: &Write<'_>,
    lease: &Lease,
    id: VersionId,
    preview: &Preview,
    then: &[NewJob],
    now: Timestamp,
) -> Outcome<()> {
    leases::check(tx, lease)?;
    let (asset, project, current) = version(tx, id)?;
    // A late fast preview never takes the full ladder away.
    if current.is_none_or(|current| current.stage <= preview.stage) {
        tx.prepare_cached("UPDATE versions SET preview = ?2 WHERE id = ?1")?
            .execute([id.to_string(), to_json(preview)?])?;
        tx.prepare_cached("UPDATE assets SET has_card = ?3 WHERE id = ?1 AND version = ?2")?.execute(params![
            asset.to_string(),
            id.to_string(),
            preview.card.is_some()
        ])?;
        projects::changed(tx, project, Change::Asset(asset), now)?;
    }
    jobs::add_all(tx, then)?;
    leases::finish(tx, lease, now)
}

pub(crate) fn preview_stage(db: &Connection, id: VersionId) -> Outcome<Option<PreviewStage>> {
    let sql = "SELECT preview FROM versions WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_row([id.to_string()], |row| maybe_json::<Preview>(row, "preview")).optional()?;
    Ok(found.flatten().map(|preview| preview.stage))
}

fn unknown_version(id: VersionId) -> Failure {
    refuse(StoreErrorKind::NotFound, format!("there is no version `{id}`"))
}
