//! The medium: a folder that is only ever read. Finds the bundle under what a person named.
//!
//! Invariants: nothing here can write; every part of a name is opened without following links; litter of desktop systems
//! is passed over before it is looked at. Deliberately not here: what the files mean (`bundler-format`).

use crate::error::Failure;
use bundler_format::volumes::{self, Listed, Medium};
use bundler_format::{Unverified, Version, is_desktop_litter, limits};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How deep the folders of a bundle may lie; they lie three deep.
const DEPTH_MAX: usize = 8;

/// A bundle in a folder: a mounted stick, or a copy of one.
#[derive(Clone, Debug)]
pub struct FolderMedium {
    top: PathBuf,
    named: Option<Version>,
}

impl FolderMedium {
    /// Finds the bundle's top: `from` may be the medium, its `UPDATE` folder, or the folder of one version.
    ///
    /// # Errors
    /// [`Failure::Medium`] when it cannot be read.
    pub fn find(from: &Path) -> Result<Self, Failure> {
        let from = from.canonicalize().map_err(|source| Failure::Medium { path: from.to_owned(), source })?;
        if from.join("release.json").is_file() {
            let named = from.file_name().and_then(|name| name.to_str()).and_then(|name| Version::parse(name).ok());
            if let (Some(parent), Some(version)) = (from.parent(), named) {
                return Ok(Self { top: parent.to_owned(), named: Some(version) });
            }
        }
        let update = from.join("UPDATE");
        Ok(Self { top: if update.is_dir() { update } else { from }, named: None })
    }

    /// The top of the bundle.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The version to use: the one asked for, else the one whose folder was named, else the newest.
    ///
    /// # Errors
    /// [`Failure::NoRelease`], [`Failure::NoSuchVersion`], or the medium cannot be read.
    pub fn choose(&self, asked: Option<&str>) -> Result<Version, Failure> {
        let found = volumes::versions(self)?;
        let newest = found.last().copied().ok_or_else(|| Failure::NoRelease { folder: self.top.clone() })?;
        let asked = asked.map(str::to_owned).or_else(|| self.named.map(|version| version.to_string()));
        match asked {
            None => Ok(newest),
            Some(asked) => found.iter().copied().find(|version| version.to_string() == asked).ok_or_else(|| {
                Failure::NoSuchVersion { version: asked, found: found.iter().map(ToString::to_string).collect() }
            }),
        }
    }

    /// The manifest and the signatures of a version, unproven.
    ///
    /// # Errors
    /// Missing, over a limit, or not readable.
    pub fn read(&self, version: &Version) -> Result<Unverified, Failure> {
        Ok(volumes::read_unverified(self, version)?)
    }
}

impl Medium for FolderMedium {
    fn list(&self) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        walk(&self.top, "", 0, &mut found)?;
        Ok(found)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(open_beneath(&self.top, name)?))
    }
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<Listed>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if is_desktop_litter(&name) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), &format!("{name}/"), depth + 1, found)?;
        } else {
            found.push(Listed { name, regular: kind.is_file() });
        }
        if found.len() > limits::LISTED_MAX {
            return Ok(());
        }
    }
    Ok(())
}

/// Opens part by part, so that no link on the medium can lead elsewhere, and without waiting, so that no pipe can hold us.
fn open_beneath(top: &Path, name: &str) -> io::Result<File> {
    let follow_none = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut at = rustix::fs::open(top, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() || part == "." || part == ".." {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain name"));
        }
        let folder = if parts.peek().is_some() { OFlags::DIRECTORY } else { OFlags::empty() };
        at = rustix::fs::openat(&at, part, follow_none | folder, Mode::empty())?;
    }
    let file = File::from(at);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links_that_lead_out_of_the_medium_are_not_opened() {
        let top = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), top.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), top.path().join("file")).unwrap();
        std::fs::write(top.path().join("plain"), "y").unwrap();
        let medium = FolderMedium { top: top.path().to_owned(), named: None };
        assert!(medium.open("plain").is_ok());
        for name in ["file", "folder/secret", "../secret", "/etc/passwd", "./plain", ""] {
            assert!(medium.open(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn litter_of_desktop_systems_is_passed_over() {
        let top = tempfile::tempdir().unwrap();
        for name in ["._plain", "desktop.ini", "plain"] {
            std::fs::write(top.path().join(name), "y").unwrap();
        }
        for name in ["System Volume Information", ".Trashes"] {
            std::fs::create_dir(top.path().join(name)).unwrap();
            std::fs::write(top.path().join(name).join("x"), "y").unwrap();
        }
        let medium = FolderMedium { top: top.path().to_owned(), named: None };
        assert_eq!(medium.list().unwrap(), vec![Listed { name: "plain".into(), regular: true }]);
    }
}
