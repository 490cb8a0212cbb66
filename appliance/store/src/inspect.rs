//! A look at databases from outside, for health checks: nothing is written, migrated or locked.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::OpenError;
use crate::sqlite::{CONTROL_SCHEMA, TENANT_SCHEMA};

/// Says whether this release can open the databases in `dir` (`var/lib/strongroom`). Ones that do not exist yet are fine.
///
/// # Errors
/// [`OpenError::Database`] for a file that is no sound database, [`OpenError::NewerSchema`] for one by a newer release.
pub fn inspect(dir: &Path) -> Result<(), OpenError> {
    let db = dir.join("db");
    look(&db.join("control.sqlite"), CONTROL_SCHEMA)?;
    look(&db.join("tenants/default.sqlite"), TENANT_SCHEMA)
}

fn look(path: &Path, known: u32) -> Result<(), OpenError> {
    if !path.exists() {
        return Ok(());
    }
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if found > known {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known });
    }
    // Reads every table's root without reading the whole file.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_accepts_what_this_release_wrote_and_refuses_what_it_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(inspect(folder.path()).is_ok());
        drop(crate::Store::open(folder.path()).unwrap());
        assert!(inspect(folder.path()).is_ok());
        let control = folder.path().join("db/control.sqlite");
        Connection::open(&control).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(inspect(folder.path()), Err(OpenError::NewerSchema { found: 99, .. })));
        std::fs::write(&control, b"not a database, but long enough to be taken for one".repeat(100)).unwrap();
        assert!(matches!(inspect(folder.path()), Err(OpenError::Database { .. })));
    }
}
