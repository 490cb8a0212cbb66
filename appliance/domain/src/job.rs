//! Units of background work. A job is leased to one worker at a time; the lease's fence number makes late writers harmless.

use crate::id::{AssetId, JobId, ProjectId, UploadId, VersionId};
use crate::people::words;
use crate::problem::Problem;
use crate::time::Timestamp;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Check an upload's bytes and promote it.
    Verify,
    /// Make a version playable.
    PreviewFast,
    /// Make the whole ladder.
    PreviewFull,
    /// Write down what is said.
    Transcribe,
}
words!(JobKind {
    Verify = "verify",
    PreviewFast = "preview-fast",
    PreviewFull = "preview-full",
    Transcribe = "transcribe",
});

impl JobKind {
    /// All kinds, in the order in which they should run.
    pub const ALL: [Self; 4] = [Self::Verify, Self::PreviewFast, Self::PreviewFull, Self::Transcribe];

    /// Lower runs first.
    #[must_use]
    pub const fn priority(self) -> i64 {
        match self {
            Self::Verify => 0,
            Self::PreviewFast => 10,
            Self::PreviewFull => 20,
            Self::Transcribe => 30,
        }
    }

    /// Whether it keeps a core busy for long: such jobs run few at a time.
    #[must_use]
    pub const fn heavy(self) -> bool {
        matches!(self, Self::PreviewFull | Self::Transcribe)
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits for a worker (or for its time, after a failure).
    Queued,
    /// Leased.
    Running,
    /// Ended well.
    Done,
    /// Ended badly, for good: the dead letter.
    Failed,
    /// Ended by a person.
    Cancelled,
}
words!(JobState {
    Queued = "queued",
    Running = "running",
    Done = "done",
    Failed = "failed",
    Cancelled = "cancelled",
});

/// A unit of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Stable id.
    pub id: JobId,
    /// What.
    pub kind: JobKind,
    /// In which project.
    pub project: ProjectId,
    /// On which upload (for [`JobKind::Verify`]).
    pub upload: Option<UploadId>,
    /// On which asset (all other kinds).
    pub asset: Option<AssetId>,
    /// On which version.
    pub version: Option<VersionId>,
    /// Where it stands.
    pub state: JobState,
    /// Starts so far.
    pub attempt: u32,
    /// Starts at most.
    pub max_attempts: u32,
    /// 0 to 1.
    pub progress: f32,
    /// What it does right now, in a few words.
    pub note: Option<String>,
    /// Why it failed last.
    pub problem: Option<Problem>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A job in the hands of one worker. Whoever writes for the job proves it by the fence: it grows with each lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The job as leased.
    pub job: Job,
    /// Grows with each lease of this job.
    pub fence: i64,
}
