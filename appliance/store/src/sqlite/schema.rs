//! The schemas, as ordered migrations under `PRAGMA user_version`.
//!
//! Invariants: a migration that was released is never edited; migration `n` takes a database from version `n` to
//! `n + 1` in one transaction with the change of `user_version`; a database that is newer than the list is refused.
//! Ids are stored as people see them (`asset_…`), times as milliseconds since the epoch, shapes that only the
//! application reads as JSON.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::OpenError;

/// The schema of `control.sqlite` that this release writes.
pub const CONTROL_SCHEMA: u32 = 1;
/// The schema of a tenant's database that this release writes.
pub const TENANT_SCHEMA: u32 = 1;

pub(crate) const CONTROL: [&str; CONTROL_SCHEMA as usize] = ["
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_digest BLOB NOT NULL UNIQUE CHECK (length(token_digest) = 32),
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_end ON sessions (expires_at);
"];

pub(crate) const TENANT: [&str; TENANT_SCHEMA as usize] = ["
CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (project, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, project);

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL REFERENCES projects (id),
    owner TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    part_size INTEGER NOT NULL CHECK (part_size > 0),
    fingerprint TEXT,
    sha256 TEXT,
    state TEXT NOT NULL,
    idempotency_key TEXT,
    asset TEXT REFERENCES assets (id) DEFERRABLE INITIALLY DEFERRED,
    problem TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_active ON uploads (project, owner, created_at, id)
    WHERE state IN ('open', 'verifying', 'refused');
CREATE INDEX uploads_resumable ON uploads (project, owner, fingerprint, size, created_at) WHERE state = 'open';
CREATE INDEX uploads_by_end ON uploads (expires_at) WHERE state = 'open';
CREATE INDEX uploads_ended ON uploads (id) WHERE state IN ('aborted', 'refused', 'promoted');

CREATE TABLE parts (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL REFERENCES projects (id),
    title TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    upload TEXT NOT NULL UNIQUE REFERENCES uploads (id),
    -- the newest version
    version TEXT NOT NULL REFERENCES versions (id) DEFERRABLE INITIALLY DEFERRED,
    -- that version's preview has a card picture
    has_card INTEGER NOT NULL DEFAULT 0 CHECK (has_card IN (0, 1))
) STRICT;
CREATE INDEX assets_by_project ON assets (project, created_at, id);
CREATE INDEX assets_for_cover ON assets (project, created_at, id) WHERE has_card = 1;

CREATE TABLE versions (
    id TEXT NOT NULL PRIMARY KEY,
    asset TEXT NOT NULL REFERENCES assets (id),
    number INTEGER NOT NULL CHECK (number > 0),
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    locked_until INTEGER NOT NULL,
    facts TEXT NOT NULL,
    preview TEXT,
    UNIQUE (asset, number)
) STRICT;

CREATE TABLE transcripts (
    version TEXT NOT NULL PRIMARY KEY REFERENCES versions (id),
    language TEXT NOT NULL,
    model TEXT NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
    begun_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE TABLE segments (
    version TEXT NOT NULL REFERENCES transcripts (version) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 0),
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (version, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    priority INTEGER NOT NULL,
    project TEXT NOT NULL REFERENCES projects (id),
    upload TEXT REFERENCES uploads (id),
    asset TEXT REFERENCES assets (id),
    version TEXT REFERENCES versions (id),
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    progress REAL NOT NULL DEFAULT 0,
    note TEXT,
    problem TEXT,
    created_at INTEGER NOT NULL,
    run_after INTEGER NOT NULL,
    finished_at INTEGER,
    -- grows with each lease, never goes back
    fence INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_expires INTEGER,
    -- when the holder was last heard of
    seen_at INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1))
) STRICT;
CREATE INDEX jobs_waiting ON jobs (kind, created_at, id) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_expires) WHERE state = 'running';
CREATE INDEX jobs_by_project ON jobs (project, created_at, id);
CREATE INDEX jobs_by_asset ON jobs (asset, created_at) WHERE asset IS NOT NULL;
CREATE INDEX jobs_by_upload ON jobs (upload, created_at) WHERE upload IS NOT NULL;
-- No version and no upload ever has two live jobs of one kind.
CREATE UNIQUE INDEX jobs_one_live_of_version ON jobs (version, kind)
    WHERE version IS NOT NULL AND state IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_one_live_of_upload ON jobs (upload, kind)
    WHERE upload IS NOT NULL AND state IN ('queued', 'running');

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_project ON events (project, seq);
"];

/// Brings the database to the newest of `migrations`.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    loop {
        // The version is read under the write lock: another process may be migrating the same file.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found > known {
            return Err(OpenError::NewerSchema { path: path.to_owned(), found, known });
        }
        let Some(migration) = migrations.get(found as usize) else { return Ok(()) };
        transaction.execute_batch(migration).map_err(failed)?;
        transaction.pragma_update(None, "user_version", found + 1).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "db/x.sqlite";

    #[test]
    fn a_database_of_the_first_schema_gets_what_came_after_and_keeps_its_rows() {
        let first = "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (7);";
        let second = "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 8;";
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new(PATH), &[first]).unwrap();
        migrate(&mut connection, Path::new(PATH), &[first, second]).unwrap();
        migrate(&mut connection, Path::new(PATH), &[first, second]).unwrap();
        let row = connection.query_row("SELECT a, b FROM t", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(row, (7, 8));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_schema_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let bad = "CREATE TABLE u (a INTEGER) STRICT; CREATE TABLE t (a INTEGER) STRICT;";
        let good = "CREATE TABLE t (a INTEGER) STRICT;";
        let error = migrate(&mut connection, Path::new(PATH), &[good, bad]).unwrap_err();
        assert!(matches!(error, OpenError::Database { .. }));
        let tables: u32 =
            connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'u'", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 1);
    }

    #[test]
    fn the_schemas_are_as_long_as_they_say_and_whole() {
        for migrations in [CONTROL.as_slice(), TENANT.as_slice()] {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate(&mut connection, Path::new(PATH), migrations).unwrap();
            let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(check, "ok");
        }
    }
}
