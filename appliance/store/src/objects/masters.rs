//! Masters: `masters/<version>/original`, never changed, with its SHA-256 beside it in `original.sha256`.
//!
//! Invariants: the note of the digest is durable before the master appears; the master appears whole, at once.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use appliance_app::ports::objects::ObjectHead;
use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::VersionId;

use crate::objects::files::{failed, open_beneath, sync_folder};

const ORIGINAL: &str = "original";
const NOTE: &str = "original.sha256";
const COPY: &str = ".original.copy";

/// Makes `staged` (if it is still there) the master. Blocking; the caller lets one promotion run at a time.
pub(crate) fn promote(root: &Path, staged: Option<&Path>, version: VersionId, sha256: &str) -> StoreResult<()> {
    if sha256.len() != 64 || !sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(StoreError::new(StoreErrorKind::Mismatch, "the SHA-256 of a master must be 64 hex digits"));
    }
    let size = match staged {
        Some(path) => Some(fs::metadata(path).map_err(|e| failed("cannot read what is staged", e))?.len()),
        None => None,
    };
    match head(root, version) {
        Ok(master) if master.etag == sha256 && size.is_none_or(|size| size == master.size) => return Ok(()),
        Ok(_) => {
            let what = format!("`{version}` already has a master with other bytes");
            return Err(StoreError::new(StoreErrorKind::Conflict, what));
        }
        Err(e) if e.kind == StoreErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let staged = staged.ok_or_else(|| StoreError::new(StoreErrorKind::NotFound, "nothing is staged to promote"))?;
    let folder = root.join(version.to_string());
    place(root, &folder, staged, sha256).map_err(|e| failed(format!("cannot make the master of `{version}`"), e))
}

fn place(root: &Path, folder: &Path, staged: &Path, sha256: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    sync_folder(root)?;
    write_note(folder, sha256)?;
    fs::set_permissions(staged, Permissions::from_mode(0o444))?;
    File::open(staged)?.sync_all()?;
    let original = folder.join(ORIGINAL);
    // A link is made whole or not at all. Some file systems have none, and staging may lie on another one: then copy.
    if fs::hard_link(staged, &original).is_err() {
        copy(staged, &folder.join(COPY), &original)?;
    }
    sync_folder(folder)
}

fn write_note(folder: &Path, sha256: &str) -> io::Result<()> {
    let new = folder.join(".original.sha256.new");
    let mut note = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    note.write_all(sha256.as_bytes())?;
    note.sync_all()?;
    fs::rename(&new, folder.join(NOTE))?;
    sync_folder(folder)
}

fn copy(from: &Path, aside: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::copy(from, aside)?;
    fs::set_permissions(aside, Permissions::from_mode(0o444))?;
    File::open(aside)?.sync_all()?;
    fs::rename(aside, to)
}

/// The master, opened.
pub(crate) fn open(root: &Path, version: VersionId) -> StoreResult<File> {
    let folder = version.to_string();
    open_beneath(root, [folder.as_str(), ORIGINAL]).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => StoreError::new(StoreErrorKind::NotFound, format!("`{version}` has no master")),
        _ => failed(format!("cannot open the master of `{version}`"), e),
    })
}

/// Size and SHA-256 of the master.
pub(crate) fn head(root: &Path, version: VersionId) -> StoreResult<ObjectHead> {
    let unreadable = |e| failed(format!("cannot read the master of `{version}`"), e);
    let size = open(root, version)?.metadata().map_err(unreadable)?.len();
    let folder = version.to_string();
    let mut etag = String::new();
    let note = open_beneath(root, [folder.as_str(), NOTE]).map_err(|e| {
        StoreError::caused(StoreErrorKind::Internal, format!("the master of `{version}` lost its SHA-256"), e)
    })?;
    note.take(64).read_to_string(&mut etag).map_err(unreadable)?;
    Ok(ObjectHead { size, etag })
}

/// Where the master lies.
pub(crate) fn path(root: &Path, version: VersionId) -> StoreResult<PathBuf> {
    open(root, version)?;
    Ok(root.join(version.to_string()).join(ORIGINAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_copied_whole_where_links_do_not_work() {
        let folder = tempfile::tempdir().unwrap();
        let (from, aside, to) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        fs::write(&from, b"bytes").unwrap();
        fs::write(&aside, b"left by a crash").unwrap();
        copy(&from, &aside, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"bytes");
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o444);
        assert!(!aside.exists());
    }
}
