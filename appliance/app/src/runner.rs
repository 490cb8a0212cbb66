//! Runs one leased job to its end.

use std::sync::Arc;

use appliance_domain::job::Lease;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::ports::Observer;
use crate::ports::jobs::Verdict;
use appliance_domain::problem::Problem;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The job's own transaction (or `complete`) ends it as done.
    Done,
    /// It did not work out.
    GaveUp {
        /// What is told to people; `None` when stopped or given back.
        problem: Option<Problem>,
        /// What becomes of the job.
        verdict: VerdictKind,
    },
}

/// A [`Verdict`] before the worker has put a time to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// Try again after a back-off.
    Retry,
    /// Failed for good.
    Fail,
    /// Stopped by a person.
    Cancel,
    /// The lease is lost: write nothing.
    Lost,
}

impl VerdictKind {
    /// The verdict to store, with the time of the next try; `None` when nothing may be written.
    #[must_use]
    pub fn at(self, retry_at: appliance_domain::Timestamp) -> Option<Verdict> {
        match self {
            Self::Retry => Some(Verdict::RetryAt(retry_at)),
            Self::Fail => Some(Verdict::Fail),
            Self::Cancel => Some(Verdict::Cancel),
            Self::Lost => None,
        }
    }
}

/// Knows how to do each kind of job.
#[async_trait]
pub trait JobRunner: Send + Sync {
    /// Does the job. Progress goes to `observer`; `cancel` fires when a person asks for a stop, when the lease is lost
    /// or when the appliance stops.
    async fn run(&self, lease: &Lease, observer: Arc<dyn Observer>, cancel: CancellationToken) -> Outcome;
    /// Called once after a job has failed for good or was cancelled, so that what it concerned does not wait for ever.
    async fn after_end(&self, lease: &Lease, problem: Option<&Problem>);
}
