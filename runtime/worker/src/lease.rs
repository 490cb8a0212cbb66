//! One leased job from its start to its verdict.
//!
//! Invariants: the run is a task of its own, so that heartbeats go on whatever it does, and a panic in it is contained; a
//! lost lease drops the run at once; whatever else stops it lets it clean up first, for a bounded time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use appliance_app::ports::jobs::{Held, Verdict};
use appliance_app::ports::{Clock, Jobs, Observer, StoreErrorKind};
use appliance_app::runner::{JobRunner, Outcome, VerdictKind};
use appliance_domain::job::{JobState, Lease};
use appliance_domain::problem::Problem;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::worker::Pace;

/// What a run needs of the worker.
pub(crate) struct Hands<'a> {
    pub(crate) jobs: &'a dyn Jobs,
    pub(crate) runner: &'a Arc<dyn JobRunner>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) pace: &'a Pace,
    pub(crate) stop: &'a CancellationToken,
}

/// Why a run was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    /// A person asked for it.
    ByPerson,
    /// The appliance goes down.
    ByAppliance,
    /// Somebody else holds the job now.
    LeaseLost,
}

/// The last progress that was told, for the next heartbeat.
#[derive(Debug, Default)]
struct Told(Mutex<(f32, Option<String>)>);

impl Observer for Told {
    fn progress(&self, fraction: f32, note: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (fraction.clamp(0.0, 1.0), Some(note.to_owned()));
    }
}

/// Runs a leased job and writes its end.
pub(crate) async fn carry_out(hands: &Hands<'_>, lease: Lease) {
    let told = Arc::new(Told::default());
    let cancel = CancellationToken::new();
    // Dropping the worker must not leave the run behind.
    let _guard = cancel.clone().drop_guard();
    let (runner, observer, token, leased) =
        (Arc::clone(hands.runner), Arc::clone(&told), cancel.clone(), lease.clone());
    let mut run: JoinHandle<Outcome> = tokio::spawn(async move { runner.run(&leased, observer, token).await });
    let (end, stopped) = watch_over(hands, &lease, &told, &cancel, &mut run).await;
    run.abort();
    tracing::debug!(job = %lease.job.id, fence = lease.fence, ?end, ?stopped, "run ended");
    let Some(end) = judge(hands, &lease, end, stopped) else { return };
    let state = write(hands, &lease, &end).await;
    if let (End::GivenUp(problem, _), Some(JobState::Failed | JobState::Cancelled)) = (&end, state) {
        hands.runner.after_end(&lease, problem.as_ref()).await;
    }
}

/// What is to be written.
#[derive(Debug)]
enum End {
    Done,
    GivenUp(Option<Problem>, Verdict),
}

/// Waits for the run, beating; `None` when it was dropped.
async fn watch_over(
    hands: &Hands<'_>,
    lease: &Lease,
    told: &Told,
    cancel: &CancellationToken,
    run: &mut JoinHandle<Outcome>,
) -> (Option<Result<Outcome, JoinError>>, Option<Stopped>) {
    let pace = hands.pace;
    let third = pace.lease / 3;
    let mut beat = interval_at(Instant::now() + third, third);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut held_until = Instant::now() + pace.lease;
    let mut stopped = None;
    let mut patience: Option<Instant> = None;
    let mut stopping = false;
    loop {
        tokio::select! {
            end = &mut *run => return (Some(end), stopped),
            // Out of patience: first with a run that was to finish, then with one that was to stop.
            () = sleep_until(patience.unwrap_or(held_until)), if patience.is_some() => {
                if stopped.is_some() {
                    return (None, stopped);
                }
                stopped = Some(Stopped::ByAppliance);
                cancel.cancel();
                patience = Some(Instant::now() + pace.clean_up);
            }
            () = hands.stop.cancelled(), if !stopping => {
                stopping = true;
                if stopped.is_none() {
                    patience = Some(Instant::now() + pace.finish);
                }
            }
            _ = beat.tick() => {
                let (fraction, note) = told.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let ttl = i64::try_from(pace.lease.as_millis()).unwrap_or(i64::MAX);
                let beat = hands.jobs.heartbeat(lease, hands.clock.now(), ttl, fraction, note.as_deref());
                // A store that does not answer must not hide that the lease runs out.
                match tokio::time::timeout(third, beat).await {
                    Ok(Ok(Held::Yes)) => held_until = Instant::now() + pace.lease,
                    Ok(Ok(Held::CancelRequested)) => {
                        held_until = Instant::now() + pace.lease;
                        if stopped.is_none() {
                            stopped = Some(Stopped::ByPerson);
                            cancel.cancel();
                            patience = Some(Instant::now() + pace.clean_up);
                        }
                    }
                    Ok(Ok(Held::No)) => return (None, Some(Stopped::LeaseLost)),
                    Ok(Err(error)) if error.kind == StoreErrorKind::LeaseLost => return (None, Some(Stopped::LeaseLost)),
                    Ok(Err(error)) => {
                        tracing::warn!(job = %lease.job.id, error = %runtime_diag::one_line(&error), "heartbeat not written");
                    }
                    Err(_) => tracing::warn!(job = %lease.job.id, "heartbeat not answered"),
                }
                // Nobody confirmed the lease in its whole time: another worker may have the job.
                if Instant::now() >= held_until {
                    return (None, Some(Stopped::LeaseLost));
                }
            }
        }
    }
}

/// What is to be written, if anything may be.
fn judge(
    hands: &Hands<'_>,
    lease: &Lease,
    end: Option<Result<Outcome, JoinError>>,
    stopped: Option<Stopped>,
) -> Option<End> {
    if stopped == Some(Stopped::LeaseLost) {
        tracing::warn!(job = %lease.job.id, fence = lease.fence, "lease lost, run dropped");
        return None;
    }
    let retry_at = hands.clock.now().plus_ms(hands.pace.back_off_ms(lease.job.attempt));
    let by_stop = |stopped| match stopped {
        Stopped::ByPerson => Some(End::GivenUp(None, Verdict::Cancel)),
        Stopped::ByAppliance => Some(End::GivenUp(None, Verdict::GiveBack)),
        Stopped::LeaseLost => None,
    };
    match (end, stopped) {
        (Some(Ok(Outcome::Done)), _) => Some(End::Done),
        (Some(Ok(Outcome::GaveUp { verdict: VerdictKind::Lost, .. })), _) => None,
        // An input that is at fault stays at fault, whoever stopped the run meanwhile.
        (Some(Ok(Outcome::GaveUp { problem, verdict: VerdictKind::Fail })), _) => {
            Some(End::GivenUp(problem, Verdict::Fail))
        }
        (_, Some(stopped)) => by_stop(stopped),
        (Some(Ok(Outcome::GaveUp { problem, verdict: VerdictKind::Retry })), None) => {
            // What cannot get better by itself is not tried again.
            let hopeless = problem.as_ref().is_some_and(|problem| !problem.retryable);
            Some(End::GivenUp(problem, if hopeless { Verdict::Fail } else { Verdict::RetryAt(retry_at) }))
        }
        (Some(Ok(Outcome::GaveUp { problem, verdict: VerdictKind::Cancel })), None) => {
            Some(End::GivenUp(problem, Verdict::Cancel))
        }
        (Some(Err(_)) | None, None) => {
            tracing::error!(job = %lease.job.id, kind = lease.job.kind.as_str(), "job runner panicked");
            Some(End::GivenUp(Some(crashed()), Verdict::RetryAt(retry_at)))
        }
    }
}

/// Writes the end of a job, again while the store fails; the state it is in afterwards, if it was written.
async fn write(hands: &Hands<'_>, lease: &Lease, end: &End) -> Option<JobState> {
    const TRIES: u32 = 5;
    let mut pause = Duration::from_millis(50).min(hands.pace.lease / 10);
    for attempt in 1..=TRIES {
        let now = hands.clock.now();
        let written = match end {
            End::Done => hands.jobs.complete(lease, now).await.map(|()| JobState::Done),
            End::GivenUp(problem, verdict) => hands.jobs.give_up(lease, problem.as_ref(), verdict, now).await,
        };
        match written {
            Ok(state) => return Some(state),
            Err(error) if error.kind == StoreErrorKind::LeaseLost => {
                tracing::warn!(job = %lease.job.id, fence = lease.fence, "lease lost before the end was written");
                return None;
            }
            Err(error) => {
                let error = runtime_diag::one_line(&error);
                tracing::error!(job = %lease.job.id, attempt, error, "end of a job not written");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    // The lease runs out, and the job is tried again.
    None
}

fn crashed() -> Problem {
    Problem {
        code: "job.crashed".into(),
        title: "the appliance met an internal error while it worked on this".into(),
        remedy: "it is tried again by itself; if it happens again, report it with the appliance's log".into(),
        retryable: true,
    }
}
