//! Why the store could not be opened. Errors of calls after that are the ports' own `StoreError`.

use std::path::PathBuf;

use appliance_app::ports::{StoreError, StoreErrorKind};
use runtime_diag::{Diagnose, Exit, Retry};

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A folder or file could not be made or opened.
    #[error("cannot open `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error("another process has the data folder open: it holds `{}`", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// SQLite could not open or migrate a database.
    #[error("cannot open the database `{}`", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A newer release wrote the database.
    #[error("the database `{}` has schema {found}, and this release knows schemas up to {known}", path.display())]
    NewerSchema {
        /// Which.
        path: PathBuf,
        /// What it says of itself.
        found: u32,
        /// The newest that this release writes.
        known: u32,
    },
    /// The cache could not even be made anew.
    #[error("cannot make the cache `{}`", path.display())]
    Cache {
        /// Which.
        path: PathBuf,
        /// Why.
        source: sled::Error,
    },
}

impl Diagnose for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "store.folder",
            Self::Busy { .. } => "store.busy",
            Self::Database { .. } => "store.database",
            Self::NewerSchema { .. } => "store.newer-schema",
            Self::Cache { .. } => "store.cache",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Folder { path, .. } => {
                format!("make sure that `{}` can be written by the user that runs the appliance", path.display())
            }
            Self::Busy { .. } => "stop the other process, or wait until it has ended".to_owned(),
            Self::Database { path, .. } => {
                format!("check the disk, then put back the last backup of `{}`", path.display())
            }
            Self::NewerSchema { .. } => {
                "start the newer release again, or put back the backup made before it".to_owned()
            }
            Self::Cache { path, .. } => format!("delete `{}`: it is made anew, and nothing is lost", path.display()),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Busy { .. } => Retry::Later,
            Self::Folder { .. } | Self::Database { .. } | Self::NewerSchema { .. } | Self::Cache { .. } => Retry::Never,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Busy { .. } => Exit::Busy,
            Self::NewerSchema { .. } => Exit::Schema,
            Self::Folder { .. } | Self::Database { .. } | Self::Cache { .. } => Exit::Failure,
        }
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        Self::caused(StoreErrorKind::Internal, "the store cannot be opened", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_error_does_not_repeat_its_source() {
        let error = OpenError::Folder { path: "db".into(), source: std::io::Error::other("no such disk") };
        assert_eq!(error.to_string(), "cannot open `db`");
        assert_eq!(runtime_diag::one_line(&error), "cannot open `db`: no such disk");
    }

    #[test]
    fn a_newer_schema_has_its_own_exit_code() {
        let error = OpenError::NewerSchema { path: "db/control.sqlite".into(), found: 9, known: 1 };
        assert_eq!(error.exit(), Exit::Schema);
        assert!(error.to_string().contains("schema 9"));
    }
}
