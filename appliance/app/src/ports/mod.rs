//! What the use cases need from the outside, as traits. Adapters live in `appliance-store`, `runtime-worker` and the
//! composition root; in-memory fakes and the conformance suites behind the feature `testing`.
//!
//! Invariants: no SDK type crosses a port; each port owns its error kinds; every write that belongs together is one
//! call, and one transaction of the adapter.

pub mod accounts;
pub mod catalog;
pub mod jobs;
pub mod media;
pub mod objects;
pub mod system;

pub use accounts::Accounts;
pub use catalog::Catalog;
pub use jobs::Jobs;
pub use media::{Media, Observer, Speech};
pub use objects::Objects;
pub use system::{Clock, Ids, RateLimit};

/// What went wrong in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// No such row or object.
    NotFound,
    /// The row is not in the state that the act needs, or the name is taken.
    Conflict,
    /// The lease is no longer held: another worker has the job.
    LeaseLost,
    /// The bytes do not match their checksum or length.
    Mismatch,
    /// No space left.
    Full,
    /// The store itself failed.
    Internal,
}

/// A store's error: what was being done, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    /// Class.
    pub kind: StoreErrorKind,
    /// What was being done or what is wrong, in one clause.
    pub what: String,
    /// The cause beneath.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error without a cause beneath.
    pub fn new(kind: StoreErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// An error with its cause.
    pub fn caused(
        kind: StoreErrorKind,
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, what: what.into(), source: Some(source.into()) }
    }
}

/// The result of a store call.
pub type StoreResult<T> = Result<T, StoreError>;
