//! Previews: `previews/<version>/<generation>/…`, and the folders in which they are built: `previews/.work/<name>`.
//!
//! Invariants: a generation appears whole, at once, by one rename, after all of it is on disk; it holds plain files and
//! folders only; it never changes.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::VersionId;

use crate::objects::files::{failed, plain, sync_folder};

const WORK: &str = ".work";
/// Folders within folders of a generation, at most.
const DEPTH_MAX: u32 = 8;

/// The folder of a published generation.
pub(crate) fn folder(root: &Path, version: VersionId, generation: &str) -> StoreResult<PathBuf> {
    plain(generation)?;
    let of_version = root.join(version.to_string());
    let path = of_version.join(generation);
    let real = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if real(&of_version) && real(&path) {
        return Ok(path);
    }
    let what = format!("`{version}` has no preview generation `{generation}`");
    Err(StoreError::new(StoreErrorKind::NotFound, what))
}

/// Publishes `local` as a generation, unless there is one.
pub(crate) fn publish(root: &Path, local: &Path, version: VersionId, generation: &str) -> StoreResult<()> {
    match folder(root, version, generation) {
        Ok(_) => return Ok(()),
        Err(e) if e.kind == StoreErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let what = format!("cannot publish the preview generation `{generation}` of `{version}`");
    sync_tree(local, 0).map_err(|e| failed(what.as_str(), e))?;
    let of_version = root.join(version.to_string());
    let put = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&of_version)?;
        sync_folder(root)?;
        match fs::rename(local, of_version.join(generation)) {
            // Somebody else was faster: theirs is kept.
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Err(e) => Err(e),
            Ok(()) => sync_folder(&of_version),
        }
    };
    put().map_err(|e| failed(what.as_str(), e))
}

/// Puts everything on disk and takes the right to write away from the files.
fn sync_tree(path: &Path, depth: u32) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() || depth > DEPTH_MAX {
        return Err(io::Error::other(format!("`{}` is not a folder of a preview", path.display())));
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path(), depth + 1)?;
        } else if kind.is_file() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o444))?;
            File::open(entry.path())?.sync_all()?;
        } else {
            return Err(io::Error::other(format!("`{}` is neither a file nor a folder", entry.path().display())));
        }
    }
    sync_folder(path)
}

/// An empty folder to build in.
pub(crate) fn work(root: &Path, name: &str) -> StoreResult<PathBuf> {
    discard_work(root, name)?;
    let path = root.join(WORK).join(name);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.map_err(|e| failed(format!("cannot make the work folder `{name}`"), e))?;
    Ok(path)
}

pub(crate) fn discard_work(root: &Path, name: &str) -> StoreResult<()> {
    plain(name)?;
    remove(&root.join(WORK).join(name)).map_err(|e| failed(format!("cannot drop the work folder `{name}`"), e))
}

pub(crate) fn sweep_work(root: &Path) -> StoreResult<()> {
    let swept = || -> io::Result<()> {
        let entries = match fs::read_dir(root.join(WORK)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            remove(&entry?.path())?;
        }
        Ok(())
    };
    swept().map_err(|e| failed("cannot drop the work folders", e))
}

/// Removes a folder with all that is in it, or a file; a link is removed, never followed.
fn remove(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match gone {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        gone => gone,
    }
}
