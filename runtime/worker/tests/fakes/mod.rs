//! A queue in memory, a runner made of a closure, and the real time.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use appliance_app::ports::jobs::{Held, Jobs, Verdict};
use appliance_app::ports::{Clock, Observer, StoreError, StoreErrorKind, StoreResult};
use appliance_app::runner::{JobRunner, Outcome};
use appliance_domain::job::{Job, JobKind, JobState, Lease};
use appliance_domain::problem::Problem;
use appliance_domain::{AssetId, JobId, ProjectId, Timestamp, UploadId};
use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
    }
}

struct Row {
    job: Job,
    due: Timestamp,
    until: Timestamp,
    fence: i64,
    cancel: bool,
}

pub(crate) struct Queue {
    rows: Mutex<Vec<Row>>,
    wake: watch::Sender<u64>,
    /// How often an end was accepted.
    pub(crate) ends: AtomicUsize,
    /// Heartbeats fail while this is above zero.
    pub(crate) deaf: AtomicUsize,
}

impl Queue {
    pub(crate) fn new() -> Arc<Self> {
        let (rows, wake) = (Mutex::default(), watch::Sender::new(0));
        Arc::new(Self { rows, wake, ends: AtomicUsize::new(0), deaf: AtomicUsize::new(0) })
    }

    pub(crate) fn add(&self, number: u128, kind: JobKind, max_attempts: u32) -> JobId {
        let id = JobId::from_uuid(Uuid::from_u128(number));
        let job = Job {
            id,
            kind,
            project: ProjectId::from_uuid(Uuid::from_u128(1)),
            upload: None,
            asset: None,
            version: None,
            state: JobState::Queued,
            attempt: 0,
            max_attempts,
            progress: 0.0,
            note: None,
            problem: None,
            created_at: Now.now(),
            finished_at: None,
        };
        self.rows.lock().unwrap().push(Row { job, due: Timestamp(0), until: Timestamp(0), fence: 0, cancel: false });
        self.wake.send_modify(|n| *n += 1);
        id
    }

    pub(crate) fn see(&self, id: JobId) -> Job {
        self.rows.lock().unwrap().iter().find(|row| row.job.id == id).unwrap().job.clone()
    }

    /// Lets another worker take the job, as after a lease that ran out.
    pub(crate) fn steal(&self, id: JobId) {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.job.id == id).unwrap();
        row.fence += 1;
        row.until = Now.now().plus_ms(3_600_000);
    }

    pub(crate) async fn until(&self, id: JobId, what: impl Fn(&Job) -> bool) -> Job {
        for _ in 0..1000 {
            let job = self.see(id);
            if what(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still {:?}", self.see(id));
    }

    fn held<T>(&self, lease: &Lease, act: impl FnOnce(&mut Row) -> T) -> StoreResult<T> {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.job.id == lease.job.id && row.fence == lease.fence);
        let row = row.filter(|row| row.job.state == JobState::Running);
        row.map(act).ok_or_else(|| StoreError::new(StoreErrorKind::LeaseLost, "the lease is lost"))
    }
}

#[async_trait]
impl Jobs for Queue {
    async fn lease(&self, kinds: &[JobKind], _: &str, now: Timestamp, ttl_ms: i64) -> StoreResult<Option<Lease>> {
        let mut rows = self.rows.lock().unwrap();
        for row in rows.iter_mut() {
            let expired = row.job.state == JobState::Running && row.until <= now;
            if expired && row.job.attempt >= row.job.max_attempts {
                row.job.state = JobState::Failed;
                continue;
            }
            let due = row.job.state == JobState::Queued && row.due <= now;
            if kinds.contains(&row.job.kind) && (due || expired) {
                row.job.state = JobState::Running;
                row.job.attempt += 1;
                row.fence += 1;
                row.until = now.plus_ms(ttl_ms);
                return Ok(Some(Lease { job: row.job.clone(), fence: row.fence }));
            }
        }
        Ok(None)
    }

    async fn heartbeat(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl_ms: i64,
        progress: f32,
        note: Option<&str>,
    ) -> StoreResult<Held> {
        if self.deaf.load(Ordering::Relaxed) > 0 {
            return Err(StoreError::new(StoreErrorKind::Internal, "the disk is slow"));
        }
        let held = self.held(lease, |row| {
            row.until = now.plus_ms(ttl_ms);
            row.job.progress = progress;
            row.job.note = note.map(ToOwned::to_owned);
            if row.cancel { Held::CancelRequested } else { Held::Yes }
        });
        Ok(held.unwrap_or(Held::No))
    }

    async fn complete(&self, lease: &Lease, _: Timestamp) -> StoreResult<()> {
        self.held(lease, |row| row.job.state = JobState::Done)?;
        self.ends.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn give_up(
        &self,
        lease: &Lease,
        problem: Option<&Problem>,
        verdict: &Verdict,
        _: Timestamp,
    ) -> StoreResult<JobState> {
        let state = self.held(lease, |row| {
            row.job.problem = problem.cloned();
            row.job.state = match verdict {
                Verdict::RetryAt(at) if row.job.attempt < row.job.max_attempts => {
                    row.due = *at;
                    JobState::Queued
                }
                Verdict::RetryAt(_) | Verdict::Fail => JobState::Failed,
                Verdict::Cancel => JobState::Cancelled,
                Verdict::GiveBack => {
                    row.job.attempt -= 1;
                    JobState::Queued
                }
            };
            row.job.state
        })?;
        self.ends.fetch_add(1, Ordering::Relaxed);
        Ok(state)
    }

    async fn request_cancel(&self, id: JobId, _: Timestamp) -> StoreResult<JobState> {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.job.id == id).unwrap();
        row.cancel = true;
        Ok(row.job.state)
    }

    async fn retry(&self, _: JobId, _: Timestamp) -> StoreResult<()> {
        unreachable!("not asked for by the worker")
    }
    async fn job(&self, id: JobId) -> StoreResult<Option<Job>> {
        Ok(Some(self.see(id)))
    }
    async fn jobs_of_project(&self, _: ProjectId, _: u32) -> StoreResult<Vec<Job>> {
        Ok(vec![])
    }
    async fn jobs_of(&self, _: &[AssetId], _: &[UploadId]) -> StoreResult<Vec<Job>> {
        Ok(vec![])
    }
    fn watch_ready(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}

type Act =
    dyn Fn(Lease, Arc<dyn Observer>, CancellationToken) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync;

pub(crate) struct Runner {
    act: Box<Act>,
    /// Jobs whose end the runner was told of.
    pub(crate) ended: Mutex<Vec<(JobId, Option<Problem>)>>,
}

impl Runner {
    pub(crate) fn new<F>(
        act: impl Fn(Lease, Arc<dyn Observer>, CancellationToken) -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Arc::new(Self {
            act: Box::new(move |lease, observer, cancel| Box::pin(act(lease, observer, cancel))),
            ended: Mutex::default(),
        })
    }
}

#[async_trait]
impl JobRunner for Runner {
    async fn run(&self, lease: &Lease, observer: Arc<dyn Observer>, cancel: CancellationToken) -> Outcome {
        (self.act)(lease.clone(), observer, cancel).await
    }
    async fn after_end(&self, lease: &Lease, problem: Option<&Problem>) {
        self.ended.lock().unwrap().push((lease.job.id, problem.cloned()));
    }
}

pub(crate) fn problem(retryable: bool) -> Problem {
    Problem { code: "engine.crashed".into(), title: "the engine crashed".into(), remedy: "try again".into(), retryable }
}
