//! Where things lie on an installed host, under any root; and where the parts that came with this executable lie.

use std::path::{Path, PathBuf};

/// Folders under the root.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("etc/strongroom/appliance.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("var/lib/strongroom")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.data().join("keys")
    }
}

/// The release that this executable belongs to: `<slot>/bin/strongroom`. An executable that was built but not installed
/// has none, and takes its tools from the search path.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    exe: PathBuf,
    slot: Option<PathBuf>,
}

impl Slot {
    /// Finds the slot of the running executable. Links are resolved once, so that a later switch of `current` does not
    /// mix two releases in one process.
    pub(crate) fn of_this_process() -> std::io::Result<Self> {
        let exe = std::env::current_exe()?.canonicalize()?;
        let slot = exe.parent().and_then(Path::parent).filter(|slot| slot.join("release.json").is_file());
        Ok(Self { slot: slot.map(Path::to_owned), exe })
    }

    pub(crate) fn exe(&self) -> &Path {
        &self.exe
    }

    pub(crate) fn exe_dir(&self) -> &Path {
        self.exe.parent().unwrap_or(Path::new("/"))
    }

    /// Folder of the packs that came with the release. Packs of an appliance that was not installed may be named by
    /// `STRONGROOM_MODELS`.
    pub(crate) fn models(&self) -> Option<PathBuf> {
        match &self.slot {
            Some(slot) => Some(slot.join("models")),
            None => std::env::var_os("STRONGROOM_MODELS").map(PathBuf::from),
        }
    }

    /// The version of the release.
    pub(crate) fn release(&self) -> Option<String> {
        let text = std::fs::read(self.slot.as_ref()?.join("release.json")).ok()?;
        let release: serde_json::Value = serde_json::from_slice(&text).ok()?;
        release.get("version")?.as_str().map(str::to_owned)
    }
}
