//! Everything this executable may end on.

use std::path::{Path, PathBuf};

use bundler_format::volumes::BundleError;
use bundler_format::{FormatError, InvalidText, VerifyError};
use runtime_diag::{Diagnose, Exit, Retry};
use sbom::SbomError;

/// An error of this executable: library errors as they are, and its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("`{}` could not be {what}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("stdout could not be written")]
    Stdout(#[source] std::io::Error),
    #[error("`{}` is there already", path.display())]
    Exists { path: PathBuf },
    #[error("`{}` is not a signing key: {problem}", path.display())]
    NotAKey { path: PathBuf, problem: String },
    #[error("signing key `{signer}` has signed this release already, in `{file}`")]
    SignedAlready { signer: String, file: String },
    #[error("the bundle has a newer release, `{newest}`, than `{version}`")]
    NewerRelease { newest: String, version: String },
    #[error("`{}` cannot be used: {problem}", path.display())]
    Stage { path: PathBuf, problem: String },
    #[error("`{}` has changed while the release was cut", path.display())]
    Changed { path: PathBuf },
    #[error("`{program}` failed: {problem}")]
    Program { program: String, problem: String },
    #[error("no randomness for a key: {0}")]
    Randomness(String),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Text(#[from] InvalidText),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Sbom(#[from] SbomError),
    #[error("`{}` is not a model pack", path.display())]
    Pack {
        path: PathBuf,
        #[source]
        source: models::InvalidPack,
    },
}

impl Failure {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn stage(path: &Path, problem: impl Into<String>) -> Self {
        Self::Stage { path: path.to_owned(), problem: problem.into() }
    }
}

fn no_space(source: &std::io::Error) -> bool {
    source.kind() == std::io::ErrorKind::StorageFull
}

impl Diagnose for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "bundler.io",
            Self::Stdout(_) => "bundler.stdout",
            Self::Exists { .. } => "bundler.exists",
            Self::NotAKey { .. } => "bundler.not-a-key",
            Self::SignedAlready { .. } => "bundler.signed-already",
            Self::NewerRelease { .. } => "bundler.newer-release",
            Self::Stage { .. } => "bundler.stage",
            Self::Changed { .. } => "bundler.changed",
            Self::Program { .. } => "bundler.program",
            Self::Randomness(_) => "bundler.randomness",
            Self::Format(error) => error.code(),
            Self::Text(error) => error.code(),
            Self::Bundle(error) => error.code(),
            Self::Verify(error) => error.code(),
            Self::Sbom(error) => error.code(),
            Self::Pack { source, .. } => source.code(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Io { source, .. } if no_space(source) => "make space, then start again".to_owned(),
            Self::Io { .. } => "check that the path is right and that you may use it".to_owned(),
            Self::Stdout(_) => "check where stdout leads".to_owned(),
            Self::Exists { path } => format!("name another place, or move `{}` away", path.display()),
            Self::NotAKey { .. } => "give the `.key.pem` file that `strongroom-bundler keys new` wrote".to_owned(),
            Self::SignedAlready { .. } => {
                "sign with another key, or leave it: the release has this signature".to_owned()
            }
            Self::NewerRelease { .. } => "cut the older release into a folder of its own".to_owned(),
            Self::Stage { .. } => {
                "correct the staged folder, or stage again with `strongroom-bundler stage`".to_owned()
            }
            Self::Changed { .. } => "cut again while nothing writes to the staged folder".to_owned(),
            Self::Program { program, .. } => format!("install `{program}`, or see what it reports"),
            Self::Randomness(_) => "start again once the system has gathered randomness".to_owned(),
            Self::Format(error) => error.remedy(),
            Self::Text(error) => error.remedy(),
            Self::Bundle(error) => error.remedy(),
            Self::Verify(error) => error.remedy(),
            Self::Sbom(error) => error.remedy(),
            Self::Pack { .. } => "correct the places named in the pack's `pack.toml`".to_owned(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Changed { .. } | Self::Randomness(_) => Retry::Later,
            Self::Io { .. }
            | Self::Stdout(_)
            | Self::Exists { .. }
            | Self::NotAKey { .. }
            | Self::SignedAlready { .. }
            | Self::NewerRelease { .. }
            | Self::Stage { .. }
            | Self::Program { .. } => Retry::Never,
            Self::Format(error) => error.retry(),
            Self::Text(error) => error.retry(),
            Self::Bundle(error) => error.retry(),
            Self::Verify(error) => error.retry(),
            Self::Sbom(error) => error.retry(),
            Self::Pack { source, .. } => source.retry(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Io { source, .. } if no_space(source) => Exit::NoSpace,
            Self::Io { .. } | Self::Stdout(_) | Self::Changed { .. } | Self::Program { .. } | Self::Randomness(_) => {
                Exit::Failure
            }
            Self::Exists { .. }
            | Self::NotAKey { .. }
            | Self::SignedAlready { .. }
            | Self::NewerRelease { .. }
            | Self::Stage { .. } => Exit::Usage,
            Self::Format(error) => error.exit(),
            Self::Text(error) => error.exit(),
            Self::Bundle(error) => error.exit(),
            Self::Verify(error) => error.exit(),
            Self::Sbom(error) => error.exit(),
            Self::Pack { source, .. } => source.exit(),
        }
    }
}
