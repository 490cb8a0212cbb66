//! What can keep the appliance from running.

use std::path::PathBuf;

use appliance_app::AppError;
use runtime_diag::{Diagnose, Exit};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("{what} could not be started")]
    Start {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` could not be read or written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the configuration `{}` has a mistake", path.display())]
    Config {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("the appliance cannot listen on `{address}`")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the certificate could not be made or read: {what}")]
    Certificate { what: String },
    #[error(transparent)]
    Store(#[from] appliance_store::OpenError),
    #[error(transparent)]
    Media(#[from] runtime_media::MediaError),
    #[error(transparent)]
    App(#[from] AppError),
}

impl Diagnose for ServerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "server.start",
            Self::File { .. } => "server.file",
            Self::Config { .. } => "config.invalid",
            Self::Listen { .. } => "server.listen",
            Self::Certificate { .. } => "server.certificate",
            Self::Store(error) => error.code(),
            Self::Media(error) => error.code(),
            Self::App(error) => error.code(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Start { .. } => "look at the limits of this user (`ulimit -a`) and try again".into(),
            Self::File { .. } => {
                "check that the folder exists, that this user may write to it and that there is space".into()
            }
            Self::Config { .. } => "correct the line that is named; unknown names are mistakes".into(),
            Self::Listen { .. } => "stop the program that uses this address, or choose another with `--listen`".into(),
            Self::Certificate { .. } => {
                "check `[tls]` in the configuration, or remove it to use the appliance's own authority".into()
            }
            Self::Store(error) => error.remedy(),
            Self::Media(error) => error.remedy(),
            Self::App(error) => error.remedy(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Config { .. } | Self::Certificate { .. } => Exit::Usage,
            Self::Store(error) => error.exit(),
            Self::Media(error) => error.exit(),
            Self::App(error) => error.exit(),
            Self::Start { .. } | Self::File { .. } | Self::Listen { .. } => Exit::Failure,
        }
    }
}
