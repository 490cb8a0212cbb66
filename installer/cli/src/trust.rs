//! The trust root of a host: given by a person at the first install, pinned from then on.
//!
//! Invariant: once pinned, no other root is used to install anything; the root that a medium carries is never used.
//! Deliberately not here: replacing a root.

use crate::error::Failure;
use crate::host_fs::{HostFs, folder_of, make_folders, read_limited, read_whole, write_whole};
use crate::layout::Layout;
use bundler_format::{Digest, TrustRoots, limits};
use serde::Serialize;
use std::path::Path;

/// A trust root and where it comes from.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The root itself.
    pub roots: TrustRoots,
    /// SHA-256 of the file: what people compare.
    pub fingerprint: Digest,
    /// The host holds on to it already.
    pub pinned: bool,
    bytes: Vec<u8>,
}

/// The machine form of `trust show`.
#[derive(Debug, Serialize)]
pub struct Shown {
    fingerprint: Digest,
    pinned: bool,
    channel: String,
    threshold: u32,
    keys: Vec<ShownKey>,
}

#[derive(Debug, Serialize)]
struct ShownKey {
    name: String,
    id: String,
}

impl Trust {
    /// The root to install with: the pinned one; before the first install the one given.
    ///
    /// # Errors
    /// [`Failure::NoTrustRoot`], [`Failure::OtherTrustRoot`], [`Failure::TrustRoot`].
    pub fn to_install(fs: &dyn HostFs, layout: &Layout, given: Option<&Path>) -> Result<Self, Failure> {
        let pinned = Self::pinned(fs, layout)?;
        let given = given.map(Self::read).transpose()?;
        match (pinned, given) {
            (Some(pinned), Some(given)) if given.roots != pinned.roots => Err(Failure::OtherTrustRoot {
                given: given.fingerprint.to_string(),
                pinned: pinned.fingerprint.to_string(),
            }),
            (Some(pinned), _) => Ok(pinned),
            (None, Some(given)) => Ok(given),
            (None, None) => Err(Failure::NoTrustRoot),
        }
    }

    /// The root to look at a medium with, where nothing is installed from it: the one given, else the pinned one.
    ///
    /// # Errors
    /// [`Failure::NoTrustRoot`], [`Failure::TrustRoot`].
    pub fn to_check(fs: &dyn HostFs, layout: &Layout, given: Option<&Path>) -> Result<Self, Failure> {
        match given {
            Some(path) => Self::read(path),
            None => Self::pinned(fs, layout)?.ok_or(Failure::NoTrustRoot),
        }
    }

    /// The pinned root, if there is one.
    ///
    /// # Errors
    /// [`Failure::TrustRoot`], [`Failure::Disk`].
    pub fn pinned(fs: &dyn HostFs, layout: &Layout) -> Result<Option<Self>, Failure> {
        let path = layout.trust_root();
        read_whole(fs, &path, limits::ROOT_MAX)?.map(|bytes| Self::parse(&path, bytes, true)).transpose()
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::File::open(path).and_then(|file| read_limited(file, limits::ROOT_MAX));
        Self::parse(path, bytes.map_err(|source| Failure::Medium { path: path.to_owned(), source })?, false)
    }

    fn parse(path: &Path, bytes: Vec<u8>, pinned: bool) -> Result<Self, Failure> {
        let roots = TrustRoots::parse(&bytes).map_err(|source| Failure::TrustRoot { path: path.to_owned(), source })?;
        Ok(Self { roots, fingerprint: Digest::of(&bytes), pinned, bytes })
    }

    /// Holds on to it from now on. Again does nothing.
    ///
    /// # Errors
    /// [`Failure::Disk`].
    pub fn pin(&mut self, fs: &dyn HostFs, layout: &Layout) -> Result<(), Failure> {
        if !self.pinned {
            let path = layout.trust_root();
            make_folders(fs, folder_of(&path))?;
            write_whole(fs, &path, &self.bytes, 0o644)?;
            self.pinned = true;
        }
        Ok(())
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let state = if self.pinned { "pinned" } else { "not pinned yet" };
        let mut text = format!("fingerprint  {}\n", self.fingerprint);
        text.push_str(&format!("state        {state}\n"));
        text.push_str(&format!("channel      {}\n", self.roots.channel()));
        text.push_str(&format!("needs        {} of {} keys\n", self.roots.threshold(), self.roots.keys().len()));
        for key in self.roots.keys() {
            text.push_str(&format!("key          {}  {}\n", key.id(), key.name()));
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let key = |key: &bundler_format::RootKey| ShownKey { name: key.name().to_string(), id: key.id().to_string() };
        Shown {
            fingerprint: self.fingerprint,
            pinned: self.pinned,
            channel: self.roots.channel().to_string(),
            threshold: self.roots.threshold(),
            keys: self.roots.keys().iter().map(key).collect(),
        }
    }
}
