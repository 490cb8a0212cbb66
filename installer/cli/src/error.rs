//! Everything a person can meet when they use the installer, in one enum: each library error forwarded, each error of
//! our own with code, cause, remedy and exit code.
//!
//! Invariant: exhaustive. A new kind must not compile until its code, remedy and exit code are written.

use crate::host_fs::DiskError;
use bundler_format::volumes::BundleError;
use bundler_format::{FormatError, VerifyError};
use installer_plan::{JournalError, Refusal, SlotName};
use runtime_diag::{Diagnose, Exit, Retry};
use std::io;
use std::path::PathBuf;

/// Why a release is not healthy, in the words of its check.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Symptom(pub String);

/// Why the installer ended without doing what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The host's disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The plan says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The signatures.
    #[error(transparent)]
    Untrusted(#[from] VerifyError),
    /// The files on the medium.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A trust root that cannot be used.
    #[error("the trust root `{}` cannot be used", .path.display())]
    TrustRoot {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// The host has no trust root yet and none was given.
    #[error("this host holds on to no trust root yet")]
    NoTrustRoot,
    /// Another trust root than the pinned one was given.
    #[error("the trust root given has the fingerprint `{given}`, this host holds on to `{pinned}`")]
    OtherTrustRoot {
        /// Of the one given.
        given: String,
        /// Of the pinned one.
        pinned: String,
    },
    /// The medium cannot be read.
    #[error("cannot read `{}` on the medium", .path.display())]
    Medium {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no release where one was looked for.
    #[error("there is no release under `{}`", .folder.display())]
    NoRelease {
        /// Where.
        folder: PathBuf,
    },
    /// The version asked for is not on the medium.
    #[error("release `{version}` is not on the medium; it has {}", list(.found))]
    NoSuchVersion {
        /// The one asked for.
        version: String,
        /// Those that are there.
        found: Vec<String>,
    },
    /// The rest of an update is on a medium that is not there.
    #[error("the update to `{version}` needs its medium: blobs are still missing")]
    MediumNeeded {
        /// Of the release.
        version: String,
    },
    /// Another installer is at work.
    #[error("another installer is at work{}", .pid.map(|pid| format!(": process {pid}")).unwrap_or_default())]
    Busy {
        /// Its process id.
        pid: Option<u32>,
        /// The lock.
        path: PathBuf,
    },
    /// Ctrl-C.
    #[error("stopped as asked; what was verified so far is kept")]
    Interrupted,
    /// The handler of Ctrl-C cannot be set.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
    /// Nobody there to say yes.
    #[error("nobody is there to confirm the plan: standard input is not a terminal")]
    NobodyToAsk,
    /// A person said no.
    #[error("the plan was not confirmed; nothing was changed")]
    Declined,
    /// What `current` points to is not a complete release.
    #[error("`{}` does not hold a complete release", .path.display())]
    BrokenInstallation {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Symptom,
    },
    /// Files of a slot are not what was installed.
    #[error("{} files of release `{version}` in slot `{slot}` are damaged: {}", .files.len(), list(.files))]
    DamagedSlot {
        /// Of the release.
        version: String,
        /// The slot.
        slot: SlotName,
        /// The files, relative to the slot.
        files: Vec<String>,
    },
    /// The store keeps giving other bytes than were written.
    #[error("blobs of release `{version}` were fetched again and are still damaged on this host's disk")]
    DiskDamages {
        /// Of the release.
        version: String,
    },
    /// A first install that is not healthy.
    #[error("release `{version}` was installed but is not healthy; it was withdrawn, no release is active")]
    Unhealthy {
        /// Of the release.
        version: String,
        /// Why.
        #[source]
        reason: Symptom,
    },
    /// The new release is not healthy; the old one runs.
    #[error("release `{version}` is not healthy; release `{back}` runs again")]
    RolledBack {
        /// The new one.
        version: String,
        /// The one that runs.
        back: String,
        /// Why the new one does not.
        #[source]
        reason: Symptom,
    },
    /// Neither is healthy.
    #[error("release `{version}` is not healthy, and going back to `{back}` failed, too: {why}")]
    RollbackFailed {
        /// The new one.
        version: String,
        /// The old one.
        back: String,
        /// Why the old one is not healthy.
        why: String,
        /// Why the new one is not healthy.
        #[source]
        reason: Symptom,
    },
    /// Arguments that do not fit together.
    #[error("{problem}")]
    Usage {
        /// What does not fit.
        problem: String,
        /// What to do instead.
        remedy: String,
    },
    /// Output that cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

fn list(items: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = items.iter().take(SHOWN).map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    if text.is_empty() { "none".into() } else { text }
}

impl Diagnose for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk(error) => match error.source.kind() {
                io::ErrorKind::StorageFull => "disk.full",
                io::ErrorKind::PermissionDenied => "disk.not-permitted",
                _ => "disk.failed",
            },
            Self::Refused(error) => error.code(),
            Self::Journal(error) => error.code(),
            Self::Untrusted(error) => error.code(),
            Self::Bundle(error) => error.code(),
            Self::TrustRoot { .. } => "trust.root-unusable",
            Self::NoTrustRoot => "trust.no-root",
            Self::OtherTrustRoot { .. } => "trust.other-root",
            Self::Medium { .. } => "medium.unreadable",
            Self::NoRelease { .. } => "medium.no-release",
            Self::NoSuchVersion { .. } => "medium.no-such-version",
            Self::MediumNeeded { .. } => "medium.needed",
            Self::Busy { .. } => "installer.busy",
            Self::Interrupted => "installer.interrupted",
            Self::Signals(_) => "installer.signals",
            Self::NobodyToAsk => "installer.nobody-to-ask",
            Self::Declined => "installer.declined",
            Self::BrokenInstallation { .. } => "host.broken-installation",
            Self::DamagedSlot { .. } => "host.damaged-slot",
            Self::DiskDamages { .. } => "host.disk-damages",
            Self::Unhealthy { .. } => "health.unhealthy",
            Self::RolledBack { .. } => "health.rolled-back",
            Self::RollbackFailed { .. } => "health.rollback-failed",
            Self::Usage { .. } => "installer.usage",
            Self::Output(_) => "installer.output",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Disk(error) => match error.source.kind() {
                io::ErrorKind::StorageFull => {
                    "free space on that file system, then run the same command again: it goes on where it stopped"
                        .into()
                }
                io::ErrorKind::PermissionDenied => {
                    "run it as root, or use `--root DIR` with a folder of your own".into()
                }
                _ => "check the disk (`dmesg`), then run the same command again: it goes on where it stopped".into(),
            },
            Self::Refused(error) => error.remedy(),
            Self::Journal(error) => error.remedy(),
            Self::Untrusted(error) => error.remedy(),
            Self::Bundle(error) => error.remedy(),
            Self::TrustRoot { .. } => {
                "use the `root.json` that the vendor gave you on another way than this medium".into()
            }
            Self::NoTrustRoot => {
                "name the vendor's trust root with `--trust FILE` and compare its fingerprint with the one \
                 that the vendor told you on another way"
                    .into()
            }
            Self::OtherTrustRoot { .. } => {
                "leave `--trust` out: this host trusts only the root it was installed with".into()
            }
            Self::Medium { .. } => {
                "plug the medium in again or use another copy, then run the same command again".into()
            }
            Self::NoRelease { .. } => {
                "name the medium, its `UPDATE` folder or a version's folder with `--from DIR`".into()
            }
            Self::NoSuchVersion { .. } => "choose one of them with `--version`".into(),
            Self::MediumNeeded { .. } => {
                "plug it in and run `strongroom-installer apply --from DIR`: it goes on where it stopped".into()
            }
            Self::Busy { path, .. } => {
                format!("wait until it has ended, then try again; the lock is `{}`", path.display())
            }
            Self::Interrupted => "run the same command again: it goes on where it stopped".into(),
            Self::Signals(_) | Self::Output(_) => "try again from another terminal".into(),
            Self::NobodyToAsk => "read the plan with `strongroom-installer plan`, then add `--yes`".into(),
            Self::Declined => "run the same command again when you are ready".into(),
            Self::BrokenInstallation { .. } => {
                "remove the link `opt/strongroom/current`, then install the release again \
                 from its medium; data are not touched"
                    .into()
            }
            Self::DamagedSlot { .. } => {
                "check the disk, then install the release again from its medium; what runs was not touched".into()
            }
            Self::DiskDamages { .. } => "check the disk and the memory of this host before you try again".into(),
            Self::Unhealthy { .. } => "repair the cause, then run the same command again".into(),
            Self::RolledBack { .. } => {
                "nothing has to be done to keep working; repair the cause before you install it again".into()
            }
            Self::RollbackFailed { .. } => {
                "repair the cause, then run `strongroom-installer resume`: it tries the way back once more".into()
            }
            Self::Usage { remedy, .. } => remedy.clone(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Busy { .. } | Self::Interrupted | Self::MediumNeeded { .. } => Retry::Later,
            Self::Refused(error) => error.retry(),
            Self::Journal(error) => error.retry(),
            Self::Untrusted(error) => error.retry(),
            Self::Bundle(error) => error.retry(),
            Self::Disk(_)
            | Self::TrustRoot { .. }
            | Self::NoTrustRoot
            | Self::OtherTrustRoot { .. }
            | Self::Medium { .. }
            | Self::NoRelease { .. }
            | Self::NoSuchVersion { .. }
            | Self::Signals(_)
            | Self::NobodyToAsk
            | Self::Declined
            | Self::BrokenInstallation { .. }
            | Self::DamagedSlot { .. }
            | Self::DiskDamages { .. }
            | Self::Unhealthy { .. }
            | Self::RolledBack { .. }
            | Self::RollbackFailed { .. }
            | Self::Usage { .. }
            | Self::Output(_) => Retry::Never,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Disk(error) if error.source.kind() == io::ErrorKind::StorageFull => Exit::NoSpace,
            Self::Disk(_) | Self::Signals(_) | Self::Output(_) => Exit::Failure,
            Self::Refused(error) => error.exit(),
            Self::Journal(error) => error.exit(),
            Self::Untrusted(error) => error.exit(),
            Self::Bundle(error) => error.exit(),
            Self::TrustRoot { .. } | Self::NoTrustRoot => Exit::TrustStore,
            Self::OtherTrustRoot { .. } => Exit::Untrusted,
            Self::Medium { .. } => Exit::MediumUnreadable,
            Self::NoRelease { .. } | Self::NoSuchVersion { .. } | Self::MediumNeeded { .. } => Exit::Missing,
            Self::Busy { .. } => Exit::Busy,
            Self::Interrupted | Self::Declined => Exit::Interrupted,
            Self::NobodyToAsk | Self::Usage { .. } => Exit::Usage,
            Self::BrokenInstallation { .. } => Exit::Failure,
            Self::DamagedSlot { .. } | Self::DiskDamages { .. } => Exit::Corrupt,
            Self::Unhealthy { .. } => Exit::Unhealthy,
            Self::RolledBack { .. } => Exit::RolledBack,
            Self::RollbackFailed { .. } => Exit::RollbackFailed,
        }
    }
}
