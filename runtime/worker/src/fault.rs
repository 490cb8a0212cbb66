//! What goes wrong with engine processes, in plain sentences.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use appliance_app::ports::media::EngineError;
use appliance_domain::problem::Problem;
use runtime_diag::{Diagnose, Exit, Retry};
use runtime_protocol::{CANCELLED, Failure, FrameError};

/// Why an engine did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineFault {
    /// The process could not be started.
    #[error("the engine could not be started")]
    Start(#[source] io::Error),
    /// The process does not read what it is told.
    #[error("the engine does not listen")]
    Deaf(#[source] io::Error),
    /// The process writes what is not a message.
    #[error("the engine does not speak the appliance's protocol")]
    Protocol(#[source] FrameError),
    /// A message that does not belong there, or the end of the stream within one.
    #[error("the engine answered out of order")]
    Order,
    /// No sign of life.
    #[error("the engine gave no sign of life for {seconds} s and was stopped")]
    Hung {
        /// How long.
        seconds: u64,
    },
    /// Alive, but without progress.
    #[error("the engine made no progress for {seconds} s and was stopped")]
    Stalled {
        /// How long.
        seconds: u64,
    },
    /// It ended itself (SIGABRT): a check inside it failed.
    #[error("the engine stopped itself on an internal error")]
    Aborted,
    /// It was ended by the processor or the kernel for what it did.
    #[error("the engine crashed ({signal})")]
    Crashed {
        /// Name of the signal.
        signal: &'static str,
    },
    /// It used instructions that this processor lacks (SIGILL).
    #[error("the engine uses instructions that this processor does not have")]
    Processor,
    /// It ran out of memory, or the kernel took it to save memory.
    #[error("the engine ran out of memory")]
    Memory,
    /// It was ended by a signal from outside.
    #[error("the engine was ended from outside (signal {signal})")]
    Killed {
        /// Number of the signal.
        signal: i32,
    },
    /// It left on its own.
    #[error("the engine left with exit code {code}")]
    Left {
        /// As seen by the kernel.
        code: i32,
    },
    /// It explained itself.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// Stopped on request.
    #[error("stopped on request")]
    Cancelled,
}

impl EngineFault {
    /// Sorts the end of a process that nobody here has stopped, by its signal and its last words.
    pub(crate) fn of_exit(status: ExitStatus, last_words: &str) -> Self {
        // How the C++ and Rust run-times announce a failed allocation before they abort.
        let starved = ["bad_alloc", "memory allocation of", "failed to allocate", "not enough memory", "out of memory"];
        let starved = starved.iter().any(|words| last_words.contains(words));
        match (status.signal(), status.code()) {
            (Some(6) | None, _) if starved => Self::Memory,
            (Some(4), _) => Self::Processor,
            (Some(6), _) => Self::Aborted,
            (Some(7), _) => Self::Crashed { signal: "SIGBUS" },
            (Some(8), _) => Self::Crashed { signal: "SIGFPE" },
            (Some(11), _) => Self::Crashed { signal: "SIGSEGV" },
            (Some(31), _) => Self::Crashed { signal: "SIGSYS" },
            // Nobody here sent it, so the kernel did.
            (Some(9), _) => Self::Memory,
            (Some(signal), _) => Self::Killed { signal },
            (None, code) => Self::Left { code: code.unwrap_or(-1) },
        }
    }

    /// What the application is told.
    pub(crate) fn into_engine_error(self) -> EngineError {
        match self {
            Self::Cancelled => EngineError::Cancelled,
            Self::Failed(failure) if failure.code == CANCELLED => EngineError::Cancelled,
            Self::Failed(failure) => {
                let problem = Problem {
                    code: failure.code,
                    title: failure.message,
                    remedy: failure.remedy,
                    retryable: failure.retry == Retry::Later,
                };
                if failure.input { EngineError::Input(problem) } else { EngineError::Engine(problem) }
            }
            fault => EngineError::Engine(Problem::of(&fault)),
        }
    }
}

impl Diagnose for EngineFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Start(_) => "engine.start",
            Self::Deaf(_) => "engine.deaf",
            Self::Protocol(_) => "engine.protocol",
            Self::Order => "engine.order",
            Self::Hung { .. } => "engine.hung",
            Self::Stalled { .. } => "engine.stalled",
            Self::Aborted => "engine.aborted",
            Self::Crashed { .. } => "engine.crashed",
            Self::Processor => "engine.processor",
            Self::Memory => "engine.memory",
            Self::Killed { .. } => "engine.killed",
            Self::Left { .. } => "engine.left",
            Self::Failed(_) => "engine.failed",
            Self::Cancelled => "engine.cancelled",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Start(_) => "check that the appliance's executable is in place and may be run".into(),
            Self::Deaf(_) | Self::Protocol(_) | Self::Order => {
                "restart the appliance; if it happens again, report it with the appliance's log".into()
            }
            Self::Hung { .. } | Self::Stalled { .. } => {
                "it is tried again by itself; if it happens again, give the appliance more processor time".into()
            }
            Self::Aborted | Self::Crashed { .. } => {
                "it is tried again by itself; if it happens again, report it with the engine's last words from the log"
                    .into()
            }
            Self::Processor => "run the appliance on a processor with AVX2, or use a release built for this one".into(),
            Self::Memory => "give the appliance more memory, or use a smaller model".into(),
            Self::Killed { .. } | Self::Left { .. } => {
                "it is tried again by itself; the log says what the engine said last".into()
            }
            Self::Failed(failure) => failure.remedy.clone(),
            Self::Cancelled => "start it again when it is wanted".into(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Start(_)
            | Self::Deaf(_)
            | Self::Protocol(_)
            | Self::Order
            | Self::Hung { .. }
            | Self::Stalled { .. }
            | Self::Aborted
            | Self::Crashed { .. }
            | Self::Memory
            | Self::Killed { .. }
            | Self::Left { .. } => Retry::Later,
            Self::Failed(failure) => failure.retry,
            Self::Processor | Self::Cancelled => Retry::Never,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Cancelled => Exit::Interrupted,
            Self::Start(_)
            | Self::Deaf(_)
            | Self::Protocol(_)
            | Self::Order
            | Self::Hung { .. }
            | Self::Stalled { .. }
            | Self::Aborted
            | Self::Crashed { .. }
            | Self::Processor
            | Self::Memory
            | Self::Killed { .. }
            | Self::Left { .. }
            | Self::Failed(_) => Exit::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_named_by_signal_and_last_words() {
        let of = |raw: i32, words: &str| EngineFault::of_exit(ExitStatus::from_raw(raw), words).code();
        assert_eq!(of(6, "GGML_ASSERT(x) failed"), "engine.aborted");
        assert_eq!(of(6, "terminate called after throwing an instance of 'std::bad_alloc'"), "engine.memory");
        assert_eq!(of(9, ""), "engine.memory");
        assert_eq!(of(11, ""), "engine.crashed");
        assert_eq!(of(4, ""), "engine.processor");
        assert_eq!(of(15, ""), "engine.killed");
        assert_eq!(of(3 << 8, ""), "engine.left");
    }

    #[test]
    fn what_the_engine_explains_reaches_the_person_unchanged() {
        let failure = |input| Failure {
            code: "speech.language".into(),
            message: "the speech model does not know the language `de`".into(),
            remedy: "choose another".into(),
            retry: Retry::Never,
            input,
        };
        let EngineError::Input(problem) = EngineFault::Failed(failure(true)).into_engine_error() else { panic!() };
        assert_eq!((problem.code.as_str(), problem.retryable), ("speech.language", false));
        assert!(matches!(EngineFault::Failed(failure(false)).into_engine_error(), EngineError::Engine(_)));
    }
}
