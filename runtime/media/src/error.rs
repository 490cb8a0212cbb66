//! What can go wrong with media, in words for a person, with a class for the job runner.
//!
//! Invariants: `Display` never holds text from a child process or from the file (that stays in [`MediaError::log`]);
//! a new [`Fault`] does not compile until its code, class, remedy and exit code are answered.

use std::path::PathBuf;

use runtime_diag::{Diagnose, Exit, Retry};

/// What the job runner does with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The file is damaged; another copy may work.
    InputBroken,
    /// The file is sound but not of a kind that is handled.
    Unsupported,
    /// The file is not media, and is never opened.
    Refused,
    /// Out of memory, disk or another budget.
    Resource,
    /// A hardware encoder failed.
    Device,
    /// No progress, or too slow.
    Timeout,
    /// Stopped on request.
    Cancelled,
    /// A fault of ours.
    Internal,
}

/// What happened, without its context.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// ELF, PE, Mach-O, script, bytecode.
    #[error("the file is a program, not media")]
    Executable,
    /// HLS, DASH, concat, SDP and other lists that point to other files.
    #[error("the file is a playlist that points to other files, not media itself")]
    Playlist,
    /// SVG, HTML, XML.
    #[error("the file is a web or vector document (SVG, HTML or XML), not media")]
    Markup,
    /// Zip, tar, gzip and relatives.
    #[error("the file is an archive; archives are not unpacked")]
    Archive,
    /// Any other text.
    #[error("the file is text, not media")]
    Text,
    /// Bytes that match no known kind.
    #[error("the kind of the file is not recognised")]
    Unknown,
    /// A known kind that is not handled. The word is ours, not the file's.
    #[error("files of the kind `{what}` are not supported")]
    UnsupportedKind {
        /// A media type or a name for it.
        what: &'static str,
    },
    /// A codec outside the allow-list.
    #[error("the file uses a {what} codec that is not supported")]
    UnsupportedCodec {
        /// `video` or `audio`.
        what: &'static str,
    },
    /// More pixels than allowed.
    #[error("the picture is larger than the limit of {megapixels} million pixels")]
    TooManyPixels {
        /// The limit.
        megapixels: u64,
    },
    /// An mp4 or mov without its index.
    #[error("the file has no index (it was cut off before it was finished)")]
    NoIndex,
    /// Media ends before its own index says.
    #[error("the file is cut off: it holds {have} of {want}")]
    Cut {
        /// What is there, `m:ss`.
        have: String,
        /// What the index promises, `m:ss`.
        want: String,
    },
    /// The container opens but nothing in it decodes.
    #[error("the file is damaged and cannot be decoded")]
    Undecodable,
    /// Neither picture nor sound.
    #[error("the file has neither picture nor sound")]
    NoStreams,
    /// ENOSPC or a file-size limit.
    #[error("there is not enough space for the preview")]
    NoSpace,
    /// Memory limit or the kernel's killer.
    #[error("the media tool ran out of memory")]
    NoMemory,
    /// A hardware encoder failed where it worked before.
    #[error("the hardware encoder failed")]
    Device,
    /// No growth of the output.
    #[error("{step} made no progress for {seconds} seconds")]
    Stalled {
        /// The step, in our words.
        step: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// Over the wall-clock cap.
    #[error("{step} took longer than its limit of {seconds} seconds")]
    TooSlow {
        /// The step, in our words.
        step: &'static str,
        /// The cap.
        seconds: u64,
    },
    /// Stopped on request.
    #[error("the work was cancelled")]
    Cancelled,
    /// ffmpeg or ffprobe is not where it should be.
    #[error("`{name}` was not found")]
    ToolMissing {
        /// The executable.
        name: &'static str,
    },
    /// A child ended badly for no reason we know.
    #[error("{step} failed")]
    Tool {
        /// The step, in our words.
        step: &'static str,
    },
    /// What a child printed could not be understood.
    #[error("{step} gave an answer that is not understood")]
    Answer {
        /// The step, in our words.
        step: &'static str,
    },
    /// An output did not pass the check before publication.
    #[error("the preview did not pass its check: {what}")]
    Invalid {
        /// Which check, in our words.
        what: String,
    },
    /// The file system said no. The source holds its reason.
    #[error("could not {act} `{}`", path.display())]
    Io {
        /// A verb.
        act: &'static str,
        /// On what.
        path: PathBuf,
    },
}

/// A fault with what the log wants: the tail of the child's stderr and the operating system's reason.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct MediaError {
    fault: Box<Fault>,
    log: Option<Box<str>>,
    source: Option<std::io::Error>,
}

impl MediaError {
    pub(crate) fn with_log(fault: Fault, log: String) -> Self {
        let log = if log.is_empty() { None } else { Some(log.into_boxed_str()) };
        Self { fault: Box::new(fault), log, source: None }
    }

    pub(crate) fn io(act: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        let no_space = matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        let fault = if no_space { Fault::NoSpace } else { Fault::Io { act, path: path.to_owned() } };
        Self { fault: Box::new(fault), log: None, source: Some(source) }
    }

    /// What happened.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The last 16 KiB that the child wrote to stderr. For the log and for administrators, not for the person who
    /// uploaded: it can quote the file.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// What the job runner does with it.
    #[must_use]
    pub fn class(&self) -> Class {
        match &*self.fault {
            Fault::Empty
            | Fault::Executable
            | Fault::Playlist
            | Fault::Markup
            | Fault::Archive
            | Fault::Text
            | Fault::Unknown => Class::Refused,
            Fault::UnsupportedKind { .. } | Fault::UnsupportedCodec { .. } | Fault::TooManyPixels { .. } => {
                Class::Unsupported
            }
            Fault::NoIndex | Fault::Cut { .. } | Fault::Undecodable | Fault::NoStreams => Class::InputBroken,
            Fault::NoSpace | Fault::NoMemory => Class::Resource,
            Fault::Device => Class::Device,
            Fault::Stalled { .. } | Fault::TooSlow { .. } => Class::Timeout,
            Fault::Cancelled => Class::Cancelled,
            Fault::ToolMissing { .. }
            | Fault::Tool { .. }
            | Fault::Answer { .. }
            | Fault::Invalid { .. }
            | Fault::Io { .. } => Class::Internal,
        }
    }

    /// Whether the same job may succeed later without a change to the file.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self.class() {
            Class::Resource | Class::Device | Class::Timeout => true,
            Class::InputBroken | Class::Unsupported | Class::Refused | Class::Cancelled => false,
            Class::Internal => matches!(&*self.fault, Fault::Tool { .. } | Fault::Io { .. }),
        }
    }
}

impl From<Fault> for MediaError {
    fn from(fault: Fault) -> Self {
        Self { fault: Box::new(fault), log: None, source: None }
    }
}

impl Diagnose for MediaError {
    fn code(&self) -> &'static str {
        match &*self.fault {
            Fault::Empty => "media.empty",
            Fault::Executable => "media.executable",
            Fault::Playlist => "media.playlist",
            Fault::Markup => "media.markup",
            Fault::Archive => "media.archive",
            Fault::Text => "media.text",
            Fault::Unknown => "media.unknown-kind",
            Fault::UnsupportedKind { .. } => "media.unsupported-kind",
            Fault::UnsupportedCodec { .. } => "media.unsupported-codec",
            Fault::TooManyPixels { .. } => "media.too-many-pixels",
            Fault::NoIndex => "media.no-index",
            Fault::Cut { .. } => "media.cut-off",
            Fault::Undecodable => "media.undecodable",
            Fault::NoStreams => "media.no-streams",
            Fault::NoSpace => "media.no-space",
            Fault::NoMemory => "media.no-memory",
            Fault::Device => "media.device",
            Fault::Stalled { .. } => "media.stalled",
            Fault::TooSlow { .. } => "media.too-slow",
            Fault::Cancelled => "media.cancelled",
            Fault::ToolMissing { .. } => "media.tool-missing",
            Fault::Tool { .. } => "media.tool-failed",
            Fault::Answer { .. } => "media.tool-answer",
            Fault::Invalid { .. } => "media.preview-invalid",
            Fault::Io { .. } => "media.io",
        }
    }

    fn remedy(&self) -> String {
        match &*self.fault {
            Fault::Empty | Fault::NoIndex | Fault::Cut { .. } | Fault::Undecodable => {
                "copy the file from its source again and upload the new copy"
            }
            Fault::Executable | Fault::Markup | Fault::Text | Fault::Unknown => "upload a video, audio or image file",
            Fault::Playlist => "upload the media file that the playlist points to",
            Fault::Archive => "unpack the archive and upload the media files in it",
            Fault::UnsupportedKind { .. } | Fault::UnsupportedCodec { .. } => {
                "export the media as MP4, MOV, MKV, WAV, FLAC, PNG or JPEG and upload that"
            }
            Fault::TooManyPixels { .. } => "export the picture at a smaller size and upload that",
            Fault::NoStreams => "check that the export included picture or sound",
            Fault::NoSpace => "free space on the appliance, then retry",
            Fault::NoMemory => "retry when fewer jobs run",
            Fault::Device => "retry in software",
            Fault::Stalled { .. } | Fault::TooSlow { .. } => {
                "retry when fewer jobs run; download the original meanwhile"
            }
            Fault::Cancelled => "start the work again when it is wanted",
            Fault::ToolMissing { .. } => "install the release again: its ffmpeg component is not complete",
            Fault::Tool { .. } | Fault::Answer { .. } | Fault::Invalid { .. } | Fault::Io { .. } => {
                "retry once; if it fails again, send the job's log to the administrator"
            }
        }
        .to_owned()
    }

    fn retry(&self) -> Retry {
        if self.retryable() { Retry::Later } else { Retry::Never }
    }

    fn exit(&self) -> Exit {
        match self.class() {
            Class::InputBroken => Exit::Corrupt,
            Class::Unsupported | Class::Refused => Exit::Schema,
            Class::Resource if matches!(&*self.fault, Fault::NoSpace) => Exit::NoSpace,
            Class::Resource | Class::Device | Class::Timeout | Class::Internal => Exit::Failure,
            Class::Cancelled => Exit::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_repeats_neither_the_source_nor_the_log() {
        let mut error = MediaError::io("write", "preview/x".as_ref(), std::io::Error::other("device gone"));
        error.log = Some("secret text of the file".into());
        let report = runtime_diag::Report::of(&error);
        assert_eq!(report.message, "could not write `preview/x`");
        assert_eq!(report.causes, ["device gone"]);
        assert!(!runtime_diag::render(&error).contains("secret"));
    }

    #[test]
    fn a_full_disk_is_a_resource_fault_and_may_be_retried() {
        let error = MediaError::io("write", "x".as_ref(), std::io::ErrorKind::StorageFull.into());
        assert_eq!((error.class(), error.retryable(), error.exit()), (Class::Resource, true, Exit::NoSpace));
    }
}
