//! What can be wrong with the bytes of a bundle on a medium.
//!
//! Invariant: every variant names the file, and damage inside a volume also the entry, the range in the blob and the
//! range in the volume. Deliberately not here: signature errors (`VerifyError`).

use std::io;
use std::ops::Range;

use runtime_diag::{Diagnose, Exit, Retry};

use crate::{Digest, EntryName, FormatError, VerifyError};

/// A place in a volume whose bytes are not the signed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file on the medium, relative to its top: `2026.4.0/v0000.tar.zst`.
    pub volume: String,
    /// Where in the volume file the damaged frame begins, and how far it was read.
    pub volume_range: Range<u64>,
    /// The tar entry.
    pub entry: EntryName,
    /// The range of bytes in the entry's blob; empty when the tar header before it is damaged.
    pub blob_range: Range<u64>,
    /// The digest that was signed, of the chunk, or of the tar header.
    pub expected: Digest,
    /// The digest of what is there; `None` when it cannot be decompressed.
    pub got: Option<Digest>,
    /// Why it cannot be decompressed.
    pub reason: Option<String>,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is damaged in entry `{}`, ", self.volume, self.entry)?;
        if self.blob_range.is_empty() {
            f.write_str("tar header")?;
        } else {
            write!(f, "bytes {}..{} of the blob", self.blob_range.start, self.blob_range.end)?;
        }
        write!(
            f,
            " (volume bytes {}..{}): expected `{}`, ",
            self.volume_range.start, self.volume_range.end, self.expected
        )?;
        match (&self.got, &self.reason) {
            (Some(got), _) => write!(f, "got `{got}`"),
            (None, Some(reason)) => write!(f, "cannot be decompressed: {reason}"),
            (None, None) => f.write_str("cannot be decompressed"),
        }
    }
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// No version on the medium.
    #[error("the medium holds no `<version>/release.json`")]
    NoRelease,
    /// A file that the manifest names is not there.
    #[error("`{file}` is not on the medium")]
    Missing {
        /// Relative to the top of the medium.
        file: String,
    },
    /// A file ends before its signed size.
    #[error("`{file}` is cut short: {got} bytes in place of {expected}")]
    CutShort {
        /// Relative to the top of the medium.
        file: String,
        /// Signed size.
        expected: u64,
        /// Size on the medium.
        got: u64,
    },
    /// A file goes on after its signed size.
    #[error("`{file}` goes on after its {expected} bytes")]
    TooLong {
        /// Relative to the top of the medium.
        file: String,
        /// Signed size.
        expected: u64,
    },
    /// Damage at a known place in a volume.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// The archive is complete before the end of the volume.
    #[error("`{volume}` has {extra} bytes after the end of its archive (volume bytes {at}..{})", at + extra)]
    AfterEnd {
        /// Relative to the top of the medium.
        volume: String,
        /// Where the archive ended.
        at: u64,
        /// Bytes after it.
        extra: u64,
    },
    /// A file's digest is not the signed one.
    #[error("`{file}` is not what was signed (bytes 0..{size}): expected `{expected}`, got `{got}`")]
    OtherContent {
        /// Relative to the top of the medium.
        file: String,
        /// Its size.
        size: u64,
        /// Signed.
        expected: Digest,
        /// On the medium.
        got: Digest,
    },
    /// Every chunk is as signed, but not the whole: the manifest contradicts itself.
    #[error("blob `{blob}` has the digest `{got}` although each of its chunks is as signed")]
    Contradiction {
        /// The blob as named.
        blob: Digest,
        /// What its bytes hash to.
        got: Digest,
    },
    /// A file in the folder of the version that the manifest does not name.
    #[error("`{file}` does not belong in the folder of the release")]
    Unknown {
        /// Relative to the top of the medium.
        file: String,
    },
    /// A file larger than its kind may be.
    #[error("`{file}` is larger than {limit} bytes")]
    OverLimit {
        /// Relative to the top of the medium.
        file: String,
        /// The limit.
        limit: u64,
    },
    /// More files than a reader lists.
    #[error("the medium holds more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// The version's folder and the version in its manifest differ.
    #[error("the folder `{folder}` holds release `{version}`")]
    OtherFolder {
        /// The name of the folder.
        folder: String,
        /// The version in the manifest.
        version: crate::Version,
    },
    /// The medium could not be read.
    #[error("`{file}` cannot be read at byte {at}")]
    Unreadable {
        /// Relative to the top of the medium.
        file: String,
        /// Where.
        at: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The receiver of verified bytes failed.
    #[error("verified bytes {}..{} of blob `{blob}` could not be kept", range.start, range.end)]
    Sink {
        /// The blob.
        blob: Digest,
        /// The range in it.
        range: Range<u64>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The decompressor could not be set up.
    #[error("the decompressor could not be set up")]
    Decompressor(#[source] io::Error),
    /// A signature or the trust in it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The trust root that the bundle carries cannot be read.
    #[error("`{file}` cannot be used")]
    CarriedRoot {
        /// Relative to the top of the medium.
        file: String,
        /// Why.
        #[source]
        source: FormatError,
    },
}

const AGAIN: &str = "copy the whole folder again from where the bundle was made, then verify again";

impl Diagnose for BundleError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoRelease => "bundle.no-release",
            Self::Missing { .. } => "bundle.missing-file",
            Self::CutShort { .. } => "bundle.cut-short",
            Self::TooLong { .. } => "bundle.too-long",
            Self::Damaged(_) => "bundle.damaged-volume",
            Self::AfterEnd { .. } => "bundle.bytes-after-end",
            Self::OtherContent { .. } => "bundle.digest-mismatch",
            Self::Contradiction { .. } => "bundle.contradiction",
            Self::Unknown { .. } => "bundle.unknown-file",
            Self::OverLimit { .. } => "bundle.over-limit",
            Self::TooManyFiles { .. } => "bundle.too-many-files",
            Self::OtherFolder { .. } => "bundle.other-folder",
            Self::Unreadable { .. } => "bundle.unreadable",
            Self::Sink { .. } => "bundle.not-kept",
            Self::Decompressor(_) => "bundle.decompressor",
            Self::Verify(error) => error.code(),
            Self::CarriedRoot { source, .. } => source.code(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoRelease => "name the folder that holds `start-here.txt`".to_owned(),
            Self::Missing { file }
            | Self::CutShort { file, .. }
            | Self::TooLong { file, .. }
            | Self::AfterEnd { volume: file, .. } => {
                format!("copy `{file}` again from where the bundle was made")
            }
            Self::OtherContent { file, .. } => format!("copy `{file}` again from where the bundle was made"),
            Self::Damaged(damage) => format!(
                "copy `{}` again from where the bundle was made; if it stays so, use another stick",
                damage.volume
            ),
            Self::Contradiction { .. } => "ask the vendor for a corrected release; this one was cut wrongly".to_owned(),
            Self::Unknown { file } => format!("remove `{file}`, or copy the bundle to an empty stick"),
            Self::OverLimit { .. } | Self::TooManyFiles { .. } => AGAIN.to_owned(),
            Self::OtherFolder { version, .. } => format!("name the folder `{version}`"),
            Self::Unreadable { .. } => {
                "try another port or reader; if it stays so, copy the bundle to another stick".to_owned()
            }
            Self::Sink { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make space, then start again".to_owned()
            }
            Self::Sink { .. } => "see the cause; nothing that runs has been touched".to_owned(),
            Self::Decompressor(_) => "make memory free, then start again".to_owned(),
            Self::Verify(error) => error.remedy(),
            Self::CarriedRoot { source, .. } => source.remedy(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unreadable { .. } | Self::Sink { .. } | Self::Decompressor(_) => Retry::Later,
            Self::NoRelease
            | Self::Missing { .. }
            | Self::CutShort { .. }
            | Self::TooLong { .. }
            | Self::Damaged(_)
            | Self::AfterEnd { .. }
            | Self::OtherContent { .. }
            | Self::Contradiction { .. }
            | Self::Unknown { .. }
            | Self::OverLimit { .. }
            | Self::TooManyFiles { .. }
            | Self::OtherFolder { .. }
            | Self::CarriedRoot { .. } => Retry::Never,
            Self::Verify(error) => error.retry(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoRelease | Self::Missing { .. } | Self::CutShort { .. } => Exit::Missing,
            Self::TooLong { .. }
            | Self::Damaged(_)
            | Self::AfterEnd { .. }
            | Self::OtherContent { .. }
            | Self::Contradiction { .. }
            | Self::Unknown { .. }
            | Self::OverLimit { .. }
            | Self::TooManyFiles { .. }
            | Self::OtherFolder { .. } => Exit::Corrupt,
            Self::Unreadable { .. } => Exit::MediumUnreadable,
            Self::Sink { source, .. } if source.kind() == io::ErrorKind::StorageFull => Exit::NoSpace,
            Self::Sink { .. } | Self::Decompressor(_) => Exit::Failure,
            Self::Verify(error) => error.exit(),
            Self::CarriedRoot { source, .. } => source.exit(),
        }
    }
}
