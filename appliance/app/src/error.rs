//! What a use case can answer instead of its result. The HTTP crate turns [`Class`] into a status, nothing else.

use appliance_domain::Timestamp;
use appliance_domain::names::BadName;
use runtime_diag::{Diagnose, Retry};

use crate::ports::{StoreError, StoreErrorKind};

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No live session.
    #[error("you are not signed in")]
    SessionRequired,
    /// User name or password do not match.
    #[error("user name or password is wrong")]
    WrongCredentials,
    /// Too many failures.
    #[error("too many failed attempts; the next one is possible in {} s", .wait_ms.div_euclid(1000) + 1)]
    TooManyAttempts {
        /// Milliseconds to wait.
        wait_ms: i64,
    },
    /// The one-time password must be changed first.
    #[error("this account still has its one-time password")]
    ChangePasswordFirst,
    /// The role does not allow it.
    #[error("your role does not allow this")]
    Denied,
    /// It does not exist, or the asker may not know that it does.
    #[error("there is no such {what}")]
    NotFound {
        /// Of what kind.
        what: &'static str,
    },
    /// A name was not taken.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A password was not taken.
    #[error("this password is too weak: {why}")]
    WeakPassword {
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A value out of its range.
    #[error("{what}")]
    Invalid {
        /// Stable code.
        code: &'static str,
        /// The sentence.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The thing is in another state than the act needs.
    #[error("{what}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// The sentence.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A signed URL that is wrong or past its time.
    #[error("this link is not valid or has expired")]
    BadLink,
    /// No space.
    #[error("there is not enough space on the appliance for this file")]
    Full,
    /// The store failed.
    #[error("the appliance could not read or write its data")]
    Store(#[source] StoreError),
}

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Sign in first.
    Unauthenticated,
    /// Not allowed.
    Forbidden,
    /// Not there.
    NotFound,
    /// Wait.
    TooMany,
    /// The request is wrong.
    Unprocessable,
    /// Not in this state.
    Conflict,
    /// No space.
    Full,
    /// Our fault.
    Internal,
}

impl AppError {
    /// Classifies.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::SessionRequired | Self::WrongCredentials => Class::Unauthenticated,
            Self::TooManyAttempts { .. } => Class::TooMany,
            Self::ChangePasswordFirst | Self::Denied | Self::BadLink => Class::Forbidden,
            Self::NotFound { .. } => Class::NotFound,
            Self::Name(_) | Self::WeakPassword { .. } | Self::Invalid { .. } => Class::Unprocessable,
            Self::Conflict { .. } => Class::Conflict,
            Self::Full => Class::Full,
            Self::Store(_) => Class::Internal,
        }
    }

    /// Milliseconds after which trying again makes sense.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::TooManyAttempts { wait_ms } => Some(*wait_ms),
            _ => None,
        }
    }

    pub(crate) fn too_many(until: Timestamp, now: Timestamp) -> Self {
        Self::TooManyAttempts { wait_ms: (until.0 - now.0).max(0) }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Full => Self::Full,
            StoreErrorKind::NotFound => Self::NotFound { what: "object" },
            StoreErrorKind::Conflict => Self::Conflict {
                code: "state.conflict",
                what: error.what,
                remedy: "load it again and look at its state",
            },
            StoreErrorKind::Mismatch => {
                Self::Invalid { code: "upload.mismatch", what: error.what, remedy: "send this part again" }
            }
            StoreErrorKind::LeaseLost | StoreErrorKind::Internal => Self::Store(error),
        }
    }
}

impl Diagnose for AppError {
    fn code(&self) -> &'static str {
        match self {
            Self::SessionRequired => "session.required",
            Self::WrongCredentials => "session.wrong-credentials",
            Self::TooManyAttempts { .. } => "session.locked",
            Self::ChangePasswordFirst => "password.change-required",
            Self::Denied => "permission.denied",
            Self::NotFound { .. } => "not-found",
            Self::Name(_) => "name.invalid",
            Self::WeakPassword { .. } => "password.too-weak",
            Self::Invalid { code, .. } | Self::Conflict { code, .. } => code,
            Self::BadLink => "link.invalid",
            Self::Full => "store.full",
            Self::Store(_) => "store.failed",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::SessionRequired => "sign in".into(),
            Self::WrongCredentials => "check both and try again; an administrator can give you a new password".into(),
            Self::TooManyAttempts { .. } => "wait, then try again".into(),
            Self::ChangePasswordFirst => "choose a new password".into(),
            Self::Denied => "ask an owner of the project or an administrator".into(),
            Self::NotFound { what } => {
                format!("check the link; the {what} may have been removed, or you may not belong to its project")
            }
            Self::Name(_) => "choose another name".into(),
            Self::WeakPassword { .. } => "choose another password of at least 12 characters".into(),
            Self::Invalid { remedy, .. } | Self::Conflict { remedy, .. } => (*remedy).into(),
            Self::BadLink => "load the page again; it fetches a fresh link".into(),
            Self::Full => "ask an administrator to free space or add storage".into(),
            Self::Store(_) => "try again; if it happens again, an administrator finds the cause in the log".into(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::TooManyAttempts { .. } | Self::Store(_) => Retry::Later,
            Self::SessionRequired
            | Self::WrongCredentials
            | Self::ChangePasswordFirst
            | Self::Denied
            | Self::NotFound { .. }
            | Self::Name(_)
            | Self::WeakPassword { .. }
            | Self::Invalid { .. }
            | Self::Conflict { .. }
            | Self::BadLink
            | Self::Full => Retry::Never,
        }
    }
}
