//! Where everything lies under ROOT. The only place that joins names to paths.
//!
//! Invariant: names from a manifest are joined part by part from a validated [`RelPath`]; nothing a bundle says can lead
//! out of the folder it is joined to.

use bundler_format::{Digest, RelPath};
use installer_plan::SlotName;
use std::path::{Path, PathBuf};

/// The paths of one host.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Under this root: `/`, or a folder for development and tests.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `opt/strongroom`.
    #[must_use]
    pub fn code(&self) -> PathBuf {
        self.root.join("opt/strongroom")
    }

    /// The link that is switched: `opt/strongroom/current`.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.code().join("current")
    }

    /// The link before it takes the place of `current`.
    #[must_use]
    pub fn current_new(&self) -> PathBuf {
        self.code().join("current.new")
    }

    /// What `current` says for a slot: relative, so that ROOT can be moved.
    #[must_use]
    pub fn current_target(slot: SlotName) -> PathBuf {
        Path::new("slots").join(slot.as_str())
    }

    /// `opt/strongroom/slots`.
    #[must_use]
    pub fn slots(&self) -> PathBuf {
        self.code().join("slots")
    }

    /// A slot.
    #[must_use]
    pub fn slot(&self, slot: SlotName) -> PathBuf {
        self.slots().join(slot.as_str())
    }

    /// A slot while it is built.
    #[must_use]
    pub fn slot_new(&self, slot: SlotName) -> PathBuf {
        self.slots().join(format!("{slot}.new"))
    }

    /// What stood in a slot, on its way out.
    #[must_use]
    pub fn slot_old(&self, slot: SlotName) -> PathBuf {
        self.slots().join(format!("{slot}.old"))
    }

    /// The manifest of the release in a slot.
    #[must_use]
    pub fn slot_manifest(&self, slot: SlotName) -> PathBuf {
        self.slot(slot).join("release.json")
    }

    /// The blob store.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.code().join("blobs/sha256")
    }

    /// A blob: there only when complete.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// Where blobs grow.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.code().join("blobs/.staging")
    }

    /// A blob that grows.
    #[must_use]
    pub fn part(&self, digest: &Digest) -> PathBuf {
        self.staging().join(format!("{}.part", digest.hex()))
    }

    /// `var/lib/strongroom/installer`.
    #[must_use]
    pub fn installer(&self) -> PathBuf {
        self.root.join("var/lib/strongroom/installer")
    }

    /// One of the two copies of the journal.
    #[must_use]
    pub fn journal(&self, copy: usize) -> PathBuf {
        self.installer().join(format!("journal.{copy}.json"))
    }

    /// The lock file.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.installer().join("lock")
    }

    /// Manifests and signatures of updates under way, one folder for each.
    #[must_use]
    pub fn pending(&self) -> PathBuf {
        self.installer().join("pending")
    }

    /// The pinned trust root.
    #[must_use]
    pub fn trust_root(&self) -> PathBuf {
        self.root.join("etc/strongroom/trust/root.json")
    }

    /// Where systemd finds its units.
    #[must_use]
    pub fn units(&self) -> PathBuf {
        self.root.join("etc/systemd/system")
    }
}

/// A folder and a validated relative path. Part by part: no part can be `..`, empty or absolute.
#[must_use]
pub fn join(folder: &Path, path: &RelPath) -> PathBuf {
    let mut joined = folder.to_owned();
    for part in path.parts() {
        joined.push(part);
    }
    joined
}
