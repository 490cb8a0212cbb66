//! The tenant's database as one value: the catalogue and the queue over one file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::OpenError;
use crate::objects::StagingIndex;
use crate::sqlite::db::Database;
use crate::sqlite::events;
use crate::sqlite::schema::TENANT;

/// A tenant's database, on SQLite: implements `Catalog` and `Jobs`, so that a job and the row it concerns commit
/// together.
#[derive(Debug)]
pub struct SqliteTenant {
    pub(crate) db: Database,
    pub(crate) staging: Option<StagingIndex>,
    /// Held for as long as anybody can write.
    _lock: Option<Arc<File>>,
}

impl SqliteTenant {
    /// Opens or makes the database file alone, without objects beside it; its folder must exist.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, None, None)
    }

    pub(crate) fn open_with(
        path: &Path,
        staging: impl Into<Option<StagingIndex>>,
        lock: Option<Arc<File>>,
    ) -> Result<Self, OpenError> {
        let db = Database::open(path, &TENANT, events::last)?;
        Ok(Self { db, staging: staging.into(), _lock: lock })
    }
}
