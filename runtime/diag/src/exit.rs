//! The one table of exit codes. Documented in `docs/guides/exit-codes.md`; never renumbered.

/// Exit codes by class: 2x trust, 3x media, 4x space, 5x path and schema, 6x health, 7x rolled back, 8x rollback failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An error without a class of its own.
    Failure = 1,
    /// Wrong arguments or configuration.
    Usage = 2,
    /// No signature, or one that does not hold, or by a signer who is not trusted.
    Untrusted = 20,
    /// The release is older than what is installed, below the floor, or revoked.
    Downgrade = 21,
    /// The trust store cannot be read; nothing is trusted until it is recovered.
    TrustStore = 22,
    /// Bytes on the medium are not the bytes that were signed.
    Corrupt = 30,
    /// A volume or a blob is missing or cut short.
    Missing = 31,
    /// The medium could not be read.
    MediumUnreadable = 32,
    /// Not enough space.
    NoSpace = 40,
    /// This release cannot be reached from the one that runs.
    UpgradePath = 50,
    /// The document is of a newer or unknown format.
    Schema = 51,
    /// The release was installed but is not healthy.
    Unhealthy = 60,
    /// The release was not healthy; the one before it runs again.
    RolledBack = 70,
    /// Neither the new release nor the one before it is healthy.
    RollbackFailed = 80,
    /// Another process holds the lock.
    Busy = 90,
    /// Ended by the person (Ctrl-C).
    Interrupted = 130,
}

impl Exit {
    /// The number that the operating system sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
