//! The worker against a queue in memory, with short leases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use appliance_app::ports::Observer;
use appliance_app::runner::{Outcome, VerdictKind};
use appliance_domain::job::{JobKind, JobState, Lease};
use fakes::{Now, Queue, Runner, problem};
use runtime_worker::{Lanes, Pace, Worker};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PACE: Pace = Pace {
    lease: Duration::from_millis(300),
    look: Duration::from_millis(20),
    finish: Duration::from_millis(150),
    clean_up: Duration::from_millis(150),
    back_off: Duration::from_millis(10),
    back_off_most: Duration::from_millis(50),
};

fn start(queue: &Arc<Queue>, runner: &Arc<Runner>) -> (CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let worker =
        Worker::new(Arc::clone(queue) as _, Arc::clone(runner) as _, Arc::new(Now), "box", Lanes::for_cores(2), PACE);
    (stop.clone(), tokio::spawn(worker.run(stop)))
}

fn retry() -> Outcome {
    Outcome::GaveUp { problem: Some(problem(true)), verdict: VerdictKind::Retry }
}

async fn until_cancelled(cancel: CancellationToken) -> Outcome {
    cancel.cancelled().await;
    Outcome::GaveUp { problem: None, verdict: VerdictKind::Cancel }
}

#[tokio::test]
async fn each_job_runs_once_and_ends_once() {
    let queue = Queue::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let runner = Runner::new(move |_, _, _| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Outcome::Done }
    });
    let ids: Vec<_> = (0..40).map(|n| queue.add(n, JobKind::ALL[n as usize % 4], 3)).collect();
    let (stop, worker) = start(&queue, &runner);
    for id in ids {
        queue.until(id, |job| job.state == JobState::Done).await;
    }
    stop.cancel();
    worker.await.unwrap();
    assert_eq!((runs.load(Ordering::Relaxed), queue.ends.load(Ordering::Relaxed)), (40, 40));
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_until_attempts_are_used_up() {
    let queue = Queue::new();
    let flaky =
        Runner::new(|lease: Lease, _, _| async move { if lease.job.attempt < 3 { retry() } else { Outcome::Done } });
    let id = queue.add(1, JobKind::Verify, 3);
    let (stop, worker) = start(&queue, &flaky);
    assert_eq!(queue.until(id, |job| job.state == JobState::Done).await.attempt, 3);
    stop.cancel();
    worker.await.unwrap();

    let never = Runner::new(|_, _, _| async { retry() });
    let id = queue.add(2, JobKind::Verify, 3);
    let (stop, worker) = start(&queue, &never);
    let job = queue.until(id, |job| job.state == JobState::Failed).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!((job.attempt, job.problem), (3, Some(problem(true))));
    assert_eq!(never.ended.lock().unwrap().as_slice(), [(id, Some(problem(true)))], "told once, at the dead letter");
}

#[tokio::test]
async fn what_cannot_get_better_is_not_tried_again() {
    let queue = Queue::new();
    let runner =
        Runner::new(|_, _, _| async { Outcome::GaveUp { problem: Some(problem(false)), verdict: VerdictKind::Retry } });
    let id = queue.add(1, JobKind::Transcribe, 5);
    let (stop, worker) = start(&queue, &runner);
    assert_eq!(queue.until(id, |job| job.state == JobState::Failed).await.attempt, 1);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_panic_costs_an_attempt_and_not_the_worker() {
    let queue = Queue::new();
    let runner = Runner::new(|lease: Lease, _, _| async move {
        assert!(lease.job.attempt > 1, "as if a bug were met");
        Outcome::Done
    });
    let id = queue.add(1, JobKind::Verify, 3);
    let (stop, worker) = start(&queue, &runner);
    assert_eq!(queue.until(id, |job| job.state == JobState::Done).await.attempt, 2);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_long_job_keeps_its_lease_and_tells_its_progress() {
    let queue = Queue::new();
    let runner = Runner::new(|_, observer: Arc<dyn Observer>, _| async move {
        observer.progress(0.5, "half");
        tokio::time::sleep(PACE.lease * 3).await;
        Outcome::Done
    });
    let id = queue.add(1, JobKind::Transcribe, 1);
    let (stop, worker) = start(&queue, &runner);
    let job = queue.until(id, |job| job.progress > 0.0).await;
    assert_eq!((job.progress, job.note.as_deref()), (0.5, Some("half")));
    assert_eq!(queue.until(id, |job| job.state == JobState::Done).await.attempt, 1);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_job_of_a_dead_worker_is_run_by_another() {
    let queue = Queue::new();
    let id = queue.add(1, JobKind::Verify, 3);
    let stuck = Runner::new(|_, _, _| std::future::pending());
    let (_stop, dead) = start(&queue, &stuck);
    queue.until(id, |job| job.state == JobState::Running).await;
    dead.abort();
    let runner = Runner::new(|_, _, _| async { Outcome::Done });
    let (stop, worker) = start(&queue, &runner);
    assert_eq!(queue.until(id, |job| job.state == JobState::Done).await.attempt, 2);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_lost_lease_drops_the_run_at_once_and_writes_nothing() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for deaf in [false, true] {
        let queue = Queue::new();
        let drops = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&drops);
        let runner = Runner::new(move |_, _, _| {
            let dropped = Dropped(Arc::clone(&count));
            async move {
                let _held = dropped;
                std::future::pending().await
            }
        });
        let id = queue.add(1, JobKind::Transcribe, 3);
        let (stop, worker) = start(&queue, &runner);
        queue.until(id, |job| job.state == JobState::Running).await;
        // Taken by another worker; or nobody can tell, because the store does not answer for a whole lease.
        queue.steal(id);
        queue.deaf.store(usize::from(deaf), Ordering::Relaxed);
        let begin = Instant::now();
        while drops.load(Ordering::Relaxed) == 0 {
            assert!(begin.elapsed() < Duration::from_secs(5), "the run goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        worker.await.unwrap();
        assert_eq!(queue.ends.load(Ordering::Relaxed), 0);
        assert!(runner.ended.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_person_stops_a_running_job_even_if_it_does_not_listen() {
    for listens in [true, false] {
        let queue = Queue::new();
        let runner = Runner::new(move |_, _, cancel| async move {
            if listens { until_cancelled(cancel).await } else { std::future::pending().await }
        });
        let id = queue.add(1, JobKind::Transcribe, 3);
        let (stop, worker) = start(&queue, &runner);
        queue.until(id, |job| job.state == JobState::Running).await;
        appliance_app::ports::Jobs::request_cancel(&*queue, id, appliance_domain::Timestamp(0)).await.unwrap();
        queue.until(id, |job| job.state == JobState::Cancelled).await;
        stop.cancel();
        worker.await.unwrap();
        assert_eq!(runner.ended.lock().unwrap().as_slice(), [(id, None)]);
    }
}

#[tokio::test]
async fn a_stop_lets_a_short_job_finish_and_gives_a_long_one_back() {
    let queue = Queue::new();
    let runner = Runner::new(|lease: Lease, _, cancel| async move {
        if lease.job.kind == JobKind::Verify {
            tokio::time::sleep(PACE.finish / 2).await;
            return Outcome::Done;
        }
        until_cancelled(cancel).await
    });
    let (short, long) = (queue.add(1, JobKind::Verify, 3), queue.add(2, JobKind::Transcribe, 3));
    let (stop, worker) = start(&queue, &runner);
    queue.until(long, |job| job.state == JobState::Running).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(queue.see(short).state, JobState::Done);
    let long = queue.see(long);
    assert_eq!((long.state, long.attempt), (JobState::Queued, 0), "as if the attempt had not been made");
    assert!(runner.ended.lock().unwrap().is_empty());
}

#[tokio::test]
async fn on_two_cores_one_heavy_job_runs_at_a_time_with_a_light_one_beside_it() {
    let queue = Queue::new();
    let (heavy, most, light) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&heavy), Arc::clone(&most), Arc::clone(&light));
    let runner = Runner::new(move |lease: Lease, _, _| {
        let (heavy, most, light) = (Arc::clone(&counters.0), Arc::clone(&counters.1), Arc::clone(&counters.2));
        async move {
            if lease.job.kind.heavy() {
                let now = heavy.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(60)).await;
                heavy.fetch_sub(1, Ordering::SeqCst);
            } else if heavy.load(Ordering::SeqCst) > 0 {
                light.fetch_add(1, Ordering::SeqCst);
            }
            Outcome::Done
        }
    });
    let heavies: Vec<_> = (0..4).map(|n| queue.add(n, JobKind::Transcribe, 1)).collect();
    let (stop, worker) = start(&queue, &runner);
    queue.until(heavies[0], |job| job.state == JobState::Running).await;
    queue.add(9, JobKind::Verify, 1);
    for id in heavies {
        queue.until(id, |job| job.state == JobState::Done).await;
    }
    stop.cancel();
    worker.await.unwrap();
    assert_eq!((most.load(Ordering::SeqCst), light.load(Ordering::SeqCst)), (1, 1));
}
