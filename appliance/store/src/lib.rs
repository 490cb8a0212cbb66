//! The default adapters of Strongroom's ports: SQLite is the truth, files hold the objects, sled keeps what can be
//! rebuilt.
//!
//! Invariants: one process at a time holds a [`Store`] (a lock on `db/lock`); every write to a database is one
//! transaction on its one writer thread, and is on disk before the call returns; an object that can be read is whole;
//! deleting `cache/` loses nothing but warmth. Deliberately not here: rules of use cases, HTTP, engines, and the S3 and
//! PostgreSQL adapters.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
mod inspect;
mod objects;
mod rate_limit;
mod sqlite;

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

pub use error::OpenError;
pub use inspect::inspect;
pub use objects::FileObjects;
pub use rate_limit::SledRateLimit;
pub use sqlite::{CONTROL_SCHEMA, SqliteAccounts, SqliteTenant, TENANT_SCHEMA};

/// All default adapters over one data folder.
///
/// ```text
/// db/control.sqlite           people and sessions
/// db/tenants/default.sqlite   projects, uploads, assets, transcripts, events, jobs
/// db/lock                     held by the process that has the store open
/// objects/…                   staging, masters, previews
/// cache/                      sled, may be deleted at any time while nothing runs
/// ```
#[derive(Debug)]
pub struct Store {
    accounts: Arc<SqliteAccounts>,
    tenant: Arc<SqliteTenant>,
    objects: Arc<FileObjects>,
    rate_limit: Arc<SledRateLimit>,
}

impl Store {
    /// Opens the store in `dir` (`var/lib/strongroom`), making what is missing and migrating older schemas.
    ///
    /// Errors: [`OpenError::Busy`] while another process has it open, [`OpenError::NewerSchema`] where a newer release
    /// wrote a database.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let db = dir.join("db");
        private_folder(&db.join("tenants"))?;
        private_folder(&dir.join("objects"))?;
        private_folder(&dir.join("cache"))?;
        let lock = Arc::new(lock(&db.join("lock"))?);
        let objects = FileObjects::open(&dir.join("objects"))?;
        let tenant = SqliteTenant::open_with(&db.join("tenants/default.sqlite"), objects.staging_index(), Some(lock))?;
        Ok(Self {
            accounts: Arc::new(SqliteAccounts::open(&db.join("control.sqlite"))?),
            tenant: Arc::new(tenant),
            objects: Arc::new(objects),
            rate_limit: Arc::new(SledRateLimit::open(&dir.join("cache/rate-limit"))?),
        })
    }

    /// People and sessions.
    #[must_use]
    pub fn accounts(&self) -> Arc<SqliteAccounts> {
        Arc::clone(&self.accounts)
    }

    /// The tenant's database: both `Catalog` and `Jobs`.
    #[must_use]
    pub fn tenant(&self) -> Arc<SqliteTenant> {
        Arc::clone(&self.tenant)
    }

    /// Staging, masters and previews.
    #[must_use]
    pub fn objects(&self) -> Arc<FileObjects> {
        Arc::clone(&self.objects)
    }

    /// Counts of failures.
    #[must_use]
    pub fn rate_limit(&self) -> Arc<SledRateLimit> {
        Arc::clone(&self.rate_limit)
    }
}

/// Makes a folder that only this user can enter; one that exists is left as it is.
pub(crate) fn private_folder(path: &Path) -> Result<(), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| OpenError::Folder { path: path.to_owned(), source })
}

/// The lock ends with the file handle, so a killed process leaves none behind.
fn lock(path: &Path) -> Result<File, OpenError> {
    let folder = |source| OpenError::Folder { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(folder)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Busy { path: path.to_owned() }),
        Err(errno) => Err(folder(errno.into())),
    }
}
