//! Where ffmpeg and ffprobe are and how they are started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Fault, MediaError};
use crate::launch::Launcher;

/// The media tools. Cheap to clone; build it once at start.
#[derive(Clone, Debug)]
pub struct Tools {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ffmpeg: Vec<OsString>,
    ffprobe: Vec<OsString>,
    launcher: Launcher,
    version: tokio::sync::OnceCell<String>,
}

/// What protects the machine from the tools, for the administrator's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Isolation {
    /// Children have no network at all (else only the protocol allow-list stands).
    pub no_network: bool,
    /// Children are killed by the kernel when the appliance dies.
    pub dies_with_parent: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    Ffmpeg,
    Ffprobe,
}

impl Tools {
    /// The tools that a slot carries, started through the loader that the slot carries.
    ///
    /// # Errors
    /// One of the files is missing.
    pub fn packaged(slot: &Path) -> Result<Self, MediaError> {
        let slot = std::path::absolute(slot).map_err(|error| MediaError::io("find", slot, error))?;
        let lib = slot.join("ffmpeg/lib");
        let loader = lib.join("ld-linux-x86-64.so.2");
        let start = |name: &'static str| {
            let program = slot.join("ffmpeg/bin").join(name);
            if !program.is_file() || !loader.is_file() {
                return Err(MediaError::from(Fault::ToolMissing { name }));
            }
            Ok(vec![loader.clone().into(), "--library-path".into(), lib.clone().into(), program.into()])
        };
        Self::with(start("ffmpeg")?, start("ffprobe")?)
    }

    /// The tools on the search path of this process.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn on_path() -> Result<Self, MediaError> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let find = |name: &'static str| {
            std::env::split_paths(&path)
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(name))
                .find(|file| file.is_file())
                .map(|file: PathBuf| vec![file.into_os_string()])
                .ok_or(MediaError::from(Fault::ToolMissing { name }))
        };
        Self::with(find("ffmpeg")?, find("ffprobe")?)
    }

    /// The packaged tools next to the executable's folder (`<slot>/bin`), else those on the search path.
    ///
    /// # Errors
    /// Neither is complete.
    pub fn find(exe_dir: &Path) -> Result<Self, MediaError> {
        match exe_dir.parent().map(Self::packaged) {
            Some(Ok(tools)) => Ok(tools),
            _ => Self::on_path(),
        }
    }

    fn with(ffmpeg: Vec<OsString>, ffprobe: Vec<OsString>) -> Result<Self, MediaError> {
        let launcher =
            Launcher::probe().map_err(|error| MediaError::io("start a thread for", Path::new("ffmpeg"), error))?;
        Ok(Self { inner: Arc::new(Inner { ffmpeg, ffprobe, launcher, version: tokio::sync::OnceCell::new() }) })
    }

    /// Which walls stand on this machine; tried once when the tools were found.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        let launcher = &self.inner.launcher;
        Isolation { no_network: launcher.no_network, dies_with_parent: launcher.dies_with_parent }
    }

    /// First line of `ffmpeg -version`, asked once.
    ///
    /// # Errors
    /// ffmpeg does not run.
    pub async fn version(&self) -> Result<&str, MediaError> {
        self.inner.version.get_or_try_init(|| crate::supervise::version(self)).await.map(String::as_str)
    }

    pub(crate) fn launcher(&self) -> &Launcher {
        &self.inner.launcher
    }

    pub(crate) fn program(&self, program: Program) -> &[OsString] {
        match program {
            Program::Ffmpeg => &self.inner.ffmpeg,
            Program::Ffprobe => &self.inner.ffprobe,
        }
    }
}
