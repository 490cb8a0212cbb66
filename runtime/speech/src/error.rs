//! Why a request did not end well.

use std::io;
use std::path::PathBuf;

use models::ggml::Unfit;
use runtime_diag::{Diagnose, Exit, Report, Retry, one_line};
use runtime_protocol::{CANCELLED, Failure, FrameError};

/// Why speech was not written down.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The weights cannot be read.
    #[error("the speech model `{}` cannot be read", .path.display())]
    ModelUnreadable {
        /// Where.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The weights are not what the engine can load.
    #[error("the speech model `{}` is not fit to be loaded", .path.display())]
    ModelUnfit {
        /// Where.
        path: PathBuf,
        /// Cause.
        source: Unfit,
    },
    /// The engine did not load weights that looked fit.
    #[error("the engine does not load the speech model `{}`", .path.display())]
    ModelRefused {
        /// Where.
        path: PathBuf,
    },
    /// The budget is too small for the model.
    #[error("the speech model needs {needs} bytes of memory and may use {has}")]
    Memory {
        /// Estimate.
        needs: u64,
        /// Budget.
        has: u64,
    },
    /// The audio cannot be read.
    #[error("the audio `{}` cannot be read", .path.display())]
    AudioUnreadable {
        /// Where.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The audio is not what was promised.
    #[error("the audio `{}` is not raw 32-bit sound of at most 48 hours: it has {len} bytes", .path.display())]
    AudioShape {
        /// Where.
        path: PathBuf,
        /// Bytes.
        len: u64,
    },
    /// The model does not know the language.
    #[error("the speech model does not know the language `{0}`")]
    Language(String),
    /// The engine gave up on a window.
    #[error("the engine stopped at {at_ms} ms of the audio: {what}")]
    Decode {
        /// Where in the audio.
        at_ms: u64,
        /// What the engine's error number stands for.
        what: &'static str,
    },
    /// The parent speaks another protocol.
    #[error("the appliance speaks protocol {0} to the engine, which knows only {known}", known = runtime_protocol::PROTOCOL)]
    Protocol(u32),
    /// The first message was not `hello`, or a message came at the wrong time.
    #[error("the appliance sent a message out of order")]
    Order,
    /// Frames could not be read.
    #[error("the messages from the appliance cannot be read")]
    Frame(#[source] FrameError),
    /// Events could not be written: the parent is gone.
    #[error("events cannot be written to the appliance")]
    Output(#[source] io::Error),
    /// Stopped on request.
    #[error("stopped on request")]
    Cancelled,
}

impl Diagnose for SpeechError {
    fn code(&self) -> &'static str {
        match self {
            Self::ModelUnreadable { .. } => "speech.model-unreadable",
            Self::ModelUnfit { .. } => "speech.model-unfit",
            Self::ModelRefused { .. } => "speech.model-refused",
            Self::Memory { .. } => "speech.memory",
            Self::AudioUnreadable { .. } => "speech.audio-unreadable",
            Self::AudioShape { .. } => "speech.audio-shape",
            Self::Language(_) => "speech.language",
            Self::Decode { .. } => "speech.decode",
            Self::Protocol(_) => "speech.protocol",
            Self::Order => "speech.order",
            Self::Frame(_) => "speech.frame",
            Self::Output(_) => "speech.output",
            Self::Cancelled => CANCELLED,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::ModelUnreadable { .. } => "install the release again so that its model packs are complete".into(),
            Self::ModelUnfit { source, .. } => source.remedy(),
            Self::ModelRefused { .. } => "install the model pack again from its bundle, or use another pack".into(),
            Self::Memory { .. } => "use a smaller speech model, or give the engine more memory".into(),
            Self::AudioUnreadable { .. } => "try again; if it happens again, check the disk of the appliance".into(),
            Self::AudioShape { .. } => "cut the media into parts of less than 48 hours".into(),
            Self::Language(_) => "choose a language of the installed pack, or install a pack for this one".into(),
            Self::Decode { .. } => "try again; if it stops at the same place, use another speech model".into(),
            Self::Protocol(_) | Self::Order | Self::Frame(_) | Self::Output(_) => {
                "restart the appliance; engine and appliance have to be the same executable".into()
            }
            Self::Cancelled => "start it again when it is wanted".into(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::AudioUnreadable { .. } | Self::Decode { .. } | Self::Frame(_) | Self::Output(_) => Retry::Later,
            Self::ModelUnreadable { .. }
            | Self::ModelUnfit { .. }
            | Self::ModelRefused { .. }
            | Self::Memory { .. }
            | Self::AudioShape { .. }
            | Self::Language(_)
            | Self::Protocol(_)
            | Self::Order
            | Self::Cancelled => Retry::Never,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Cancelled => Exit::Interrupted,
            Self::ModelUnfit { source, .. } => source.exit(),
            Self::ModelUnreadable { .. } | Self::AudioUnreadable { .. } => Exit::MediumUnreadable,
            Self::AudioShape { .. } | Self::Protocol(_) => Exit::Schema,
            Self::ModelRefused { .. }
            | Self::Memory { .. }
            | Self::Language(_)
            | Self::Decode { .. }
            | Self::Order
            | Self::Frame(_)
            | Self::Output(_) => Exit::Failure,
        }
    }
}

impl SpeechError {
    /// As told to the appliance: the message with its causes on one line.
    pub(crate) fn failure(&self) -> Failure {
        let report = Report::of(self);
        let input = match self {
            Self::AudioShape { .. } | Self::Language(_) => true,
            Self::ModelUnreadable { .. }
            | Self::ModelUnfit { .. }
            | Self::ModelRefused { .. }
            | Self::Memory { .. }
            | Self::AudioUnreadable { .. }
            | Self::Decode { .. }
            | Self::Protocol(_)
            | Self::Order
            | Self::Frame(_)
            | Self::Output(_)
            | Self::Cancelled => false,
        };
        Failure { code: report.code, message: one_line(self), remedy: report.remedy, retry: report.retry, input }
    }
}
