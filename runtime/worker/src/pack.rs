//! The speech pack that is used: found in the folder of packs.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use appliance_domain::transcript::ModelUsed;
use models::{Gpu, InvalidPack, PACK_MAX, Pack, Task};
use runtime_diag::{Diagnose, Exit, Retry};

/// A pack on disk, its document valid and its weights there in full length. Its bytes were verified when it was installed.
#[derive(Clone, Debug)]
pub struct SpeechPack {
    pack: Pack,
    weights: PathBuf,
    digest: String,
}

/// Why a folder holds no usable pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The document is not valid.
    #[error("the model pack in `{}` is not valid", .folder.display())]
    Invalid {
        /// Where.
        folder: PathBuf,
        /// All problems.
        source: InvalidPack,
    },
    /// A file is not there in full.
    #[error("`{}` has {got} bytes, but its pack announces {announced}", .path.display())]
    Size {
        /// Which.
        path: PathBuf,
        /// As found.
        got: u64,
        /// As announced.
        announced: u64,
    },
    /// The pack needs hardware that engines are not given.
    #[error("the model pack `{id}` needs a graphics processor")]
    Gpu {
        /// Which pack.
        id: String,
    },
}

impl Diagnose for PackError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "models.unreadable",
            Self::Invalid { .. } => "models.invalid-pack",
            Self::Size { .. } => "models.incomplete",
            Self::Gpu { .. } => "models.needs-gpu",
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "let the appliance's user read the folder of model packs".into(),
            Self::Invalid { source, .. } => source.remedy(),
            Self::Size { .. } => "install the release again so that its model packs are complete".into(),
            Self::Gpu { .. } => "use a pack that runs without one".into(),
        }
    }
    fn retry(&self) -> Retry {
        Retry::Never
    }
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } => Exit::MediumUnreadable,
            Self::Invalid { .. } => Exit::Schema,
            Self::Size { .. } => Exit::Missing,
            Self::Gpu { .. } => Exit::Failure,
        }
    }
}

impl SpeechPack {
    /// The speech pack of a folder of packs: of several, one with an open vocabulary before one with a closed one, then the
    /// last by name. A folder that does not exist holds none.
    ///
    /// # Errors
    /// [`PackError`] when the folder cannot be read, or holds packs of which none is usable.
    pub fn find(packs: &Path) -> Result<Option<Self>, PackError> {
        let unreadable = |source| PackError::Unreadable { path: packs.to_owned(), source };
        let entries = match std::fs::read_dir(packs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(unreadable)?,
        };
        let mut best: Option<Self> = None;
        let mut refused = None;
        for entry in entries {
            let folder = entry.map_err(unreadable)?.path();
            if !folder.join("pack.toml").is_file() {
                continue;
            }
            match Self::open(&folder) {
                Ok(pack) if best.as_ref().is_none_or(|best| best.rank() < pack.rank()) => best = Some(pack),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(code = error.code(), error = %runtime_diag::one_line(&error), "model pack not used");
                    refused = Some(error);
                }
            }
        }
        match (best, refused) {
            (None, Some(error)) => Err(error),
            (best, _) => Ok(best),
        }
    }

    fn rank(&self) -> (bool, &str, &str) {
        (self.pack.vocabulary.is_none(), &self.pack.id, &self.pack.version)
    }

    /// The pack in one folder.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn open(folder: &Path) -> Result<Self, PackError> {
        let document = folder.join("pack.toml");
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| PackError::Unreadable { path, source }
        };
        let mut text = String::new();
        let file = std::fs::File::open(&document).map_err(unreadable(&document))?;
        // One byte more than allowed, so that the parser sees that it is too long.
        file.take(PACK_MAX as u64 + 1).read_to_string(&mut text).map_err(unreadable(&document))?;
        let pack = Pack::load(&text).map_err(|source| PackError::Invalid { folder: folder.to_owned(), source })?;
        for file in &pack.files {
            let path = folder.join(file.path.as_str());
            let got = std::fs::metadata(&path).map_err(unreadable(&path))?.len();
            if got != file.size {
                return Err(PackError::Size { path, got, announced: file.size });
            }
        }
        match pack.task {
            Task::SpeechToText => {}
        }
        if pack.hardware.gpu == Gpu::Required {
            return Err(PackError::Gpu { id: pack.id });
        }
        // A parsed pack has weights; an empty path would be refused by the engine.
        let weights = pack.weights().map(|file| (folder.join(file.path.as_str()), file.sha256.hex()));
        let (weights, digest) = weights.unwrap_or_default();
        Ok(Self { pack, weights, digest })
    }

    /// What the pack says of itself.
    #[must_use]
    pub const fn pack(&self) -> &Pack {
        &self.pack
    }

    /// The file that the engine loads.
    #[must_use]
    pub fn weights(&self) -> &Path {
        &self.weights
    }

    /// The language it writes when nobody chooses.
    #[must_use]
    pub fn language(&self) -> &str {
        self.pack.languages.first().map_or("en", String::as_str)
    }

    /// As kept with transcripts.
    #[must_use]
    pub fn model(&self) -> ModelUsed {
        ModelUsed { pack: self.pack.id.clone(), version: self.pack.version.clone(), digest: self.digest.clone() }
    }
}
