//! What a person is told when something of theirs failed: stored with the upload or job it concerns.

use serde::{Deserialize, Serialize};

/// One sentence with the cause, one with the remedy, under a stable code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, dotted: `media.input-broken`.
    pub code: String,
    /// The sentence shown.
    pub title: String,
    /// What to do now.
    pub remedy: String,
    /// Whether the same act may succeed later without a change.
    pub retryable: bool,
}

impl Problem {
    /// The problem that an error describes.
    #[must_use]
    pub fn of(error: &dyn runtime_diag::Diagnose) -> Self {
        Self {
            code: error.code().to_owned(),
            title: error.to_string(),
            remedy: error.remedy(),
            retryable: error.retry() == runtime_diag::Retry::Later,
        }
    }
}
