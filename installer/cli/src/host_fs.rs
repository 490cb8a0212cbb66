//! Every file operation of the installer, behind one trait, so that a test can end the world after any of them.
//!
//! Invariants: each method is one operation of the file system; links are never followed when a file is opened; a file
//! becomes visible under its name only whole ([`write_whole`]: temporary file, sync, rename, sync of the folder).
//! Deliberately not here: the medium, which is only ever read (`medium`).

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Something else.
    Other,
}

/// What a look at a name tells, without following links.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub len: u64,
    /// Bytes of a file that take space on the disk (fewer than `len` where it has holes).
    pub stored: u64,
    /// Permission bits.
    pub mode: u32,
}

/// The file system of the host.
pub trait HostFs {
    /// What the name stands for; `None` = nothing.
    fn look(&self, path: &Path) -> io::Result<Option<Seen>>;
    /// The names in a folder, sorted; a folder that is not there is empty.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Where a symbolic link points; `None` = there is none.
    fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>>;
    /// Opens a regular file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;
    /// Bytes that may still be written on the file system of this folder.
    fn bytes_free(&self, folder: &Path) -> io::Result<u64>;

    /// Makes one folder; its parent is there.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes bytes at an offset; makes the file if it is not there.
    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Sets the permission bits.
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Makes the content of a file durable.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes everything on the file system of this folder durable.
    fn sync_all(&self, folder: &Path) -> io::Result<()>;
    /// Renames; takes the place of a file or link that has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A second name for a file.
    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()>;
    /// A symbolic link.
    fn symlink(&self, target: &Path, name: &Path) -> io::Result<()>;
    /// Removes a file or a link; nothing there is no error.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder; nothing there is no error.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFs;

/// Never follows a link at the last part of the path.
fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl HostFs for RealFs {
    fn look(&self, path: &Path) -> io::Result<Option<Seen>> {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        let stored = meta.blocks().saturating_mul(512).min(meta.len());
        Ok(Some(Seen { kind, len: meta.len(), stored, mode: meta.permissions().mode() & 0o7777 }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match std::fs::read_link(path) {
            Ok(target) => Ok(Some(target)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let file = OpenOptions::new().read(true).custom_flags(no_follow()).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(file))
    }

    fn bytes_free(&self, folder: &Path) -> io::Result<u64> {
        let seen = rustix::fs::statvfs(folder)?;
        Ok(seen.f_bavail.saturating_mul(seen.f_frsize))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
    }

    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)?;
        file.write_all_at(bytes, offset)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        let file = OpenOptions::new().read(true).custom_flags(no_follow()).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().read(true).custom_flags(no_follow()).open(path)?.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(folder)?)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()> {
        std::fs::hard_link(file, name)
    }

    fn symlink(&self, target: &Path, name: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, name)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        absent_is_fine(std::fs::remove_file(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        absent_is_fine(std::fs::remove_dir(path))
    }
}

/// An operation on the host's disk that failed: what was tried, where, why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act} `{}`", .path.display())]
pub struct DiskError {
    /// What was tried, as a verb.
    pub act: &'static str,
    /// Where.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

/// Names the operation and the path beside an error.
pub(crate) trait Doing<T> {
    fn doing(self, act: &'static str, path: &Path) -> Result<T, DiskError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, act: &'static str, path: &Path) -> Result<T, DiskError> {
        self.map_err(|source| DiskError { act, path: path.to_owned(), source })
    }
}

/// The folder that a name is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Makes a folder and those above it, durably. What is there already is left alone.
///
/// # Errors
/// The first operation that fails.
pub fn make_folders(fs: &dyn HostFs, path: &Path) -> Result<(), DiskError> {
    // A link counts as there: a part of ROOT may be one (`/opt` or `/var` on some hosts).
    if path.as_os_str().is_empty() || fs.look(path).doing("look at", path)?.is_some() {
        return Ok(());
    }
    let parent = folder_of(path);
    make_folders(fs, parent)?;
    fs.create_folder(path).doing("make the folder", path)?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    fs.sync_folder(parent).doing("sync the folder", parent)
}

/// Puts a whole file in place: either the old content stands under the name or the new one, never a part.
///
/// # Errors
/// The first operation that fails; the name then has its old content.
pub fn write_whole(fs: &dyn HostFs, path: &Path, bytes: &[u8], mode: u32) -> Result<(), DiskError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    // A left-over of a crash could be longer than the new content.
    fs.remove_file(&temporary).doing("remove", &temporary)?;
    fs.write_at(&temporary, 0, bytes).doing("write", &temporary)?;
    fs.set_mode(&temporary, mode).doing("set the mode of", &temporary)?;
    fs.sync_file(&temporary).doing("sync", &temporary)?;
    fs.rename(&temporary, path).doing("rename to", path)?;
    let folder = folder_of(path);
    fs.sync_folder(folder).doing("sync the folder", folder)
}

/// Reads a whole file of at most `limit` bytes; `None` = not there.
///
/// # Errors
/// The file cannot be read, or is longer.
pub fn read_whole(fs: &dyn HostFs, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let reader = match fs.open(path) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DiskError { act: "open", path: path.to_owned(), source }),
    };
    read_limited(reader, limit).doing("read", path).map(Some)
}

/// Reads to the end, at most `limit` bytes.
pub(crate) fn read_limited(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than the limit of {limit} bytes")));
    }
    Ok(bytes)
}

/// Removes a folder with everything in it; links are removed, not followed. Nothing there is no error.
///
/// # Errors
/// The first operation that fails.
pub fn remove_tree(fs: &dyn HostFs, path: &Path) -> Result<(), DiskError> {
    match fs.look(path).doing("look at", path)? {
        None => Ok(()),
        Some(Seen { kind: Kind::Folder, .. }) => {
            for name in fs.list(path).doing("list", path)? {
                remove_tree(fs, &path.join(name))?;
            }
            fs.remove_folder(path).doing("remove the folder", path)
        }
        Some(_) => fs.remove_file(path).doing("remove", path),
    }
}
