//! A bundle in a folder, read without following links; and the few ways this executable writes files.
//!
//! Invariants: no name that leads out of the folder is opened; files are made new, never over what is there, except where
//! a caller replaces a whole file by rename.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use bundler_format::volumes::{BundleError, Listed, Medium, versions};
use bundler_format::{Version, is_desktop_litter, limits};
use rustix::fs::{Mode, OFlags};

use crate::error::Failure;

/// A folder with bundle files.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    top: PathBuf,
}

impl Folder {
    pub(crate) fn new(top: &Path) -> Self {
        Self { top: top.to_owned() }
    }

    /// The version asked for, else the newest.
    pub(crate) fn choose(&self, asked: Option<Version>) -> Result<Version, Failure> {
        match asked {
            Some(version) => Ok(version),
            None => Ok(versions(self)?.pop().ok_or(BundleError::NoRelease)?),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.top.join(name)
    }

    fn walk(&self, folder: &Path, prefix: &str, found: &mut Vec<Listed>) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if is_desktop_litter(&name) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() && prefix.matches('/').count() < 8 {
                self.walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.push(Listed { name, regular: kind.is_file() });
            }
            if found.len() > limits::LISTED_MAX {
                break;
            }
        }
        Ok(())
    }
}

impl Medium for Folder {
    fn list(&self) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        self.walk(&self.top, "", &mut found)?;
        Ok(found)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        // Part by part without following links, and without waiting on a pipe that poses as a volume.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut at = rustix::fs::open(&self.top, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() || part == "." || part == ".." {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain name"));
            }
            let kind = if parts.peek().is_some() { OFlags::DIRECTORY } else { OFlags::empty() };
            at = rustix::fs::openat(&at, part, flags | kind, Mode::empty())?;
        }
        let file = File::from(at);
        if file.metadata()?.is_file() {
            Ok(Box::new(file))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(Failure::io("opened", path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Failure::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::stage(path, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads a whole text file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, Failure> {
    String::from_utf8(read_file(path, limit)?).map_err(|_| Failure::stage(path, "it is not UTF-8"))
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(Failure::io("made", path))
}

/// Writes a new file with this mode, folders above it included; refuses to replace one.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::Exists { path: path.to_owned() });
        }
        other => other.map_err(Failure::io("made", path))?,
    };
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Failure::io("written", path))
}

/// Writes a file whole: beside it first, then by rename over what is there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let _ = std::fs::remove_file(&beside);
    write_new(&beside, bytes, 0o644)?;
    std::fs::rename(&beside, path).map_err(Failure::io("put in place", path))
}
