//! What all buckets need of the file system: errors with kinds, names that cannot climb, durable folders, files opened
//! without following links.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use rustix::fs::{Mode, OFlags};

/// An IO error as the port's error; `what` is a whole clause.
pub(crate) fn failed(what: impl Into<String>, error: io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        _ => StoreErrorKind::Internal,
    };
    StoreError::caused(kind, what, error)
}

/// Runs blocking work where it holds nobody up. Work whose caller has gone away still ends.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> StoreResult<T> {
    let lost = |error| StoreError::caused(StoreErrorKind::Internal, "work on the object store was lost", error);
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

/// A name of one segment that cannot climb or hide.
pub(crate) fn plain(name: &str) -> StoreResult<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(100).collect();
    Err(StoreError::new(StoreErrorKind::Internal, format!("`{shown}` is not a name for the object store")))
}

/// Makes what was created or renamed in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Opens a file beneath `root` to read, following no link on the way; only a plain file is opened.
pub(crate) fn open_beneath<'p>(root: &Path, segments: impl IntoIterator<Item = &'p str>) -> io::Result<File> {
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // NONBLOCK: a pipe that somebody left there must not hang the reader.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut at: OwnedFd = rustix::fs::open(root, folder, Mode::empty())?;
    let mut segments = segments.into_iter().peekable();
    while let Some(segment) = segments.next() {
        let flags = if segments.peek().is_some() { folder | OFlags::NOFOLLOW } else { file };
        at = rustix::fs::openat(&at, segment, flags, Mode::empty()).map_err(|errno| match errno {
            // A link in the place of a file or folder is no object.
            rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => io::Error::from(io::ErrorKind::NotFound),
            other => other.into(),
        })?;
    }
    let file = File::from(at);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_climbs_or_hides_is_refused() {
        for name in ["", ".", "..", "a/b", ".work", "A", "a b", "a\0", &"x".repeat(101)] {
            assert!(plain(name).is_err(), "{name:?}");
        }
        assert!(plain("full-1_2.3").is_ok());
    }

    #[test]
    fn a_full_disk_has_its_own_kind() {
        let error = failed("cannot write", io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(error.kind, StoreErrorKind::Full);
    }
}
