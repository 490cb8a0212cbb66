//! The loops that lease jobs.
//!
//! Heavy jobs (a whole ladder, a transcript) and light ones (checking an upload, the first preview) have lanes of their
//! own, so that a file plays within seconds while another one is encoded. Invariants: a lane runs one job at a time; no
//! lane leases after the stop; [`Worker::run`] returns only when no job runs.

use std::sync::Arc;
use std::time::Duration;

use appliance_app::ports::{Clock, Jobs};
use appliance_app::runner::JobRunner;
use appliance_domain::job::JobKind;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::lease::{Hands, carry_out};

/// How many jobs run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Light jobs at once.
    pub light: usize,
    /// Heavy jobs at once.
    pub heavy: usize,
}

impl Lanes {
    /// For a machine with this many cores: on two cores, one heavy job and two light ones beside it, so that a small file
    /// does not wait for a large one to be looked at.
    #[must_use]
    pub fn for_cores(cores: usize) -> Self {
        let each = (cores / 4).clamp(1, 8);
        Self { light: each + 1, heavy: each }
    }
}

/// The worker's sense of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A lease lasts this long; a heartbeat every third of it extends it.
    pub lease: Duration,
    /// Without a wake-up, the queue is looked at this often: jobs become due, leases of dead workers run out.
    pub look: Duration,
    /// On a stop, a run may go on for this long to finish.
    pub finish: Duration,
    /// A run that is told to stop may take this long to clean up before it is dropped.
    pub clean_up: Duration,
    /// Before the second try; doubled with each try, up to `back_off_most`.
    pub back_off: Duration,
    /// The longest wait between tries.
    pub back_off_most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            look: Duration::from_secs(2),
            finish: Duration::from_secs(5),
            clean_up: Duration::from_secs(5),
            back_off: Duration::from_secs(10),
            back_off_most: Duration::from_secs(600),
        }
    }
}

impl Pace {
    /// The wait after this many starts, in milliseconds.
    pub(crate) fn back_off_ms(&self, attempt: u32) -> i64 {
        let doubled = self.back_off.saturating_mul(1 << attempt.saturating_sub(1).min(20));
        i64::try_from(doubled.min(self.back_off_most).as_millis()).unwrap_or(i64::MAX)
    }
}

/// Leases jobs and has them run.
pub struct Worker {
    jobs: Arc<dyn Jobs>,
    runner: Arc<dyn JobRunner>,
    clock: Arc<dyn Clock>,
    owner: String,
    lanes: Lanes,
    pace: Pace,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("owner", &self.owner).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker of this name (shown to people beside the jobs it holds).
    #[must_use]
    pub fn new(
        jobs: Arc<dyn Jobs>,
        runner: Arc<dyn JobRunner>,
        clock: Arc<dyn Clock>,
        owner: impl Into<String>,
        lanes: Lanes,
        pace: Pace,
    ) -> Self {
        Self { jobs, runner, clock, owner: owner.into(), lanes, pace }
    }

    /// Works until `stop`, then finishes or gives back what runs.
    pub async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        let kinds =
            |heavy: bool| JobKind::ALL.into_iter().filter(move |kind| kind.heavy() == heavy).collect::<Vec<_>>();
        let mut lanes = JoinSet::new();
        for (heavy, count) in [(false, this.lanes.light), (true, this.lanes.heavy)] {
            for number in 0..count {
                let (this, kinds, stop) = (Arc::clone(&this), kinds(heavy), stop.clone());
                let owner = format!("{}/{}-{number}", this.owner, if heavy { "heavy" } else { "light" });
                lanes.spawn(async move { this.lane(&kinds, &owner, &stop).await });
            }
        }
        while let Some(end) = lanes.join_next().await {
            if let Err(error) = end {
                tracing::error!(error = %error, "a lane of the worker ended");
            }
        }
    }

    async fn lane(&self, kinds: &[JobKind], owner: &str, stop: &CancellationToken) {
        let mut ready = self.jobs.watch_ready();
        let ttl = i64::try_from(self.pace.lease.as_millis()).unwrap_or(i64::MAX);
        while !stop.is_cancelled() {
            // Seen before the look: a job that becomes ready during it wakes the next round.
            ready.mark_unchanged();
            match self.jobs.lease(kinds, owner, self.clock.now(), ttl).await {
                Ok(Some(lease)) => {
                    let job = &lease.job;
                    tracing::info!(job = %job.id, kind = job.kind.as_str(), attempt = job.attempt, owner, "job started");
                    let hands =
                        Hands { jobs: &*self.jobs, runner: &self.runner, clock: &*self.clock, pace: &self.pace, stop };
                    carry_out(&hands, lease).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(error = %runtime_diag::one_line(&error), "queue not read"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.pace.look) => {}
                // A queue that is gone wakes nobody; the timer goes on.
                Ok(()) = ready.changed() => {}
            }
        }
    }
}
