//! Why a release is not installed, each with its remedy and exit code.
//!
//! Deliberately not here: signatures and damage. Those are refused by `bundler-format` before there is a plan.

use crate::slot::{SchemaRange, SlotName};
use runtime_diag::{Diagnose, Exit};

/// A release that will not be installed on this host as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another channel than the host's.
    #[error("release `{version}` is of the channel `{offered}`, this host follows `{pinned}`")]
    Channel {
        /// Of the release.
        version: String,
        /// Its channel.
        offered: String,
        /// The host's channel.
        pinned: String,
    },
    /// Built for other hosts.
    #[error("release `{version}` is for `{offered}`, this host is `{host}`")]
    Platform {
        /// Of the release.
        version: String,
        /// Its platform.
        offered: String,
        /// The host's.
        host: String,
    },
    /// Below the security floor.
    #[error("release `{version}` has the epoch {offered}, this host accepts {floor} or higher")]
    Epoch {
        /// Of the release.
        version: String,
        /// Its epoch.
        offered: u64,
        /// The lowest that is accepted.
        floor: u64,
    },
    /// Not newer than what is installed.
    #[error(
        "release `{version}` (sequence {offered}) is not newer than the installed `{installed}` (sequence {sequence})"
    )]
    Sequence {
        /// Of the release.
        version: String,
        /// Its sequence.
        offered: u64,
        /// The installed version.
        installed: String,
        /// The installed sequence.
        sequence: u64,
    },
    /// The release cannot work on the data as they are.
    #[error("release `{version}` reads data of schema {} to {}, the data on this host have schema {in_use}", .range.reads_from, .range.writes)]
    DataSchema {
        /// Of the release.
        version: String,
        /// What it reads.
        range: SchemaRange,
        /// What is in use.
        in_use: u32,
    },
    /// Not enough room.
    #[error("{needed} bytes are needed, {free} bytes are free")]
    Space {
        /// Bytes that would be written, reserve included.
        needed: u64,
        /// Bytes that may be written.
        free: u64,
    },
    /// An earlier update stands between switch and confirmation.
    #[error("an update to `{version}` is `{state}` and not finished")]
    Unfinished {
        /// Where it goes to.
        version: String,
        /// The state's name.
        state: &'static str,
    },
    /// No release to go back to.
    #[error("slot `{slot}` holds no complete release to go back to")]
    NothingToGoBackTo {
        /// The slot that is not active.
        slot: SlotName,
    },
    /// The release in the other slot failed when it was tried.
    #[error("the release `{version}` in slot `{slot}` was tried on this host and was not healthy")]
    FailedBefore {
        /// Of the release.
        version: String,
        /// Where it stands.
        slot: SlotName,
    },
    /// Nothing is installed.
    #[error("no release is installed")]
    NothingInstalled,
}

impl Diagnose for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Channel { .. } => "plan.other-channel",
            Self::Platform { .. } => "plan.other-platform",
            Self::Epoch { .. } => "plan.epoch-below-floor",
            Self::Sequence { .. } => "plan.not-newer",
            Self::DataSchema { .. } => "plan.data-schema",
            Self::Space { .. } => "plan.no-space",
            Self::Unfinished { .. } => "plan.unfinished-update",
            Self::NothingToGoBackTo { .. } => "plan.nothing-to-go-back-to",
            Self::FailedBefore { .. } => "plan.failed-before",
            Self::NothingInstalled => "plan.nothing-installed",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Channel { pinned, .. } => format!("use a medium of the channel `{pinned}`"),
            Self::Platform { host, .. } => format!("use a release for `{host}`"),
            Self::Epoch { floor, .. } => {
                format!("use a release with the epoch {floor} or higher; the ones below have a known weakness")
            }
            Self::Sequence { .. } => {
                "to go back to the release before this one, use `strongroom-installer rollback`".into()
            }
            Self::DataSchema { range, in_use, .. } if *in_use < range.reads_from => {
                format!("install a release first that brings schema {in_use} to {} or higher", range.reads_from)
            }
            Self::DataSchema { in_use, .. } => {
                format!("restore a backup from before schema {in_use}, or install a release that reads schema {in_use}")
            }
            Self::Space { needed, free } => {
                format!("free at least {} bytes on the file system of `opt/strongroom`", needed.saturating_sub(*free))
            }
            Self::Unfinished { .. } => "finish it with `strongroom-installer resume`".into(),
            Self::NothingToGoBackTo { .. } => "install the release you want from its medium".into(),
            Self::FailedBefore { .. } => "stay on the release that runs, or install another one from its medium".into(),
            Self::NothingInstalled => {
                "install a release with `strongroom-installer apply --from MEDIUM --trust FILE`".into()
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Channel { .. } => Exit::Untrusted,
            Self::Epoch { .. } | Self::Sequence { .. } => Exit::Downgrade,
            Self::Space { .. } => Exit::NoSpace,
            Self::Platform { .. }
            | Self::DataSchema { .. }
            | Self::NothingToGoBackTo { .. }
            | Self::FailedBefore { .. }
            | Self::NothingInstalled => Exit::UpgradePath,
            Self::Unfinished { .. } => Exit::Failure,
        }
    }
}
