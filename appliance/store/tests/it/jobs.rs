//! A job's life: leased, heard of, ended, tried again, cancelled.

use appliance_app::ports::catalog::{Catalog, Change};
use appliance_app::ports::jobs::{Held, Verdict};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::JobId;
use appliance_domain::job::{Job, JobKind, JobState};
use appliance_domain::upload::UploadState;

use crate::support::{Bench, NOW, TTL, at, job_on, problem, promotion_of, refused, uuid};

async fn job(bench: &Bench, id: JobId) -> Job {
    bench.tenant.job(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_leased_job_counts_its_attempt_and_is_nobody_elses() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    let before = bench.tenant.last_event().await.unwrap();
    let lease = bench.lease(JobKind::Verify).await;
    assert_eq!((lease.job.id, lease.job.state, lease.job.attempt), (id, JobState::Running, 1));
    assert_eq!((lease.job.upload, lease.job.max_attempts), (Some(upload.id), 2));
    assert_eq!(bench.told(upload.project, before).await, [Change::Upload(upload.id)]);
    assert!(bench.tenant.lease(&JobKind::ALL, "w", at(TTL - 1), TTL).await.unwrap().is_none());
    assert_eq!(bench.tenant.job(JobId::from_uuid(uuid())).await.unwrap(), None);
}

#[tokio::test]
async fn an_expired_lease_is_free_again_under_a_higher_fence() {
    let bench = Bench::new();
    bench.verifying().await;
    let first = bench.lease(JobKind::Verify).await;
    let second = bench.lease_at(JobKind::Verify, at(TTL)).await;
    assert_eq!((second.job.id, second.job.attempt), (first.job.id, 2));
    assert!(second.fence > first.fence);
    assert_eq!(bench.tenant.heartbeat(&first, at(TTL), TTL, 0.5, None).await.unwrap(), Held::No);
    assert_eq!(bench.tenant.heartbeat(&second, at(TTL), TTL, 0.5, None).await.unwrap(), Held::Yes);
}

#[tokio::test]
async fn a_job_lost_with_its_last_attempt_is_failed_and_so_is_its_upload() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    bench.lease(JobKind::Verify).await;
    bench.lease_at(JobKind::Verify, at(TTL)).await;
    assert!(bench.tenant.lease(&[JobKind::Verify], "w", at(2 * TTL), TTL).await.unwrap().is_none());
    let dead = job(&bench, id).await;
    let cause = dead.problem.unwrap();
    assert_eq!((dead.state, dead.attempt, dead.finished_at), (JobState::Failed, 2, Some(at(2 * TTL))));
    assert_eq!((cause.code.as_str(), cause.title.as_str()), ("job.lost", "the job ended with its process 2 times"));
    let found = bench.tenant.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.problem.unwrap().code.as_str()), (UploadState::Refused, "job.lost"));
}

#[tokio::test]
async fn a_heartbeat_extends_the_lease_and_notes_progress() {
    let bench = Bench::new();
    bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    let held = bench.tenant.heartbeat(&lease, at(TTL - 1), TTL, 0.25, Some("reading")).await.unwrap();
    assert_eq!(held, Held::Yes);
    let seen = job(&bench, lease.job.id).await;
    assert_eq!((seen.progress, seen.note.as_deref()), (0.25, Some("reading")));
    assert!(bench.tenant.lease(&[JobKind::Verify], "w", at(TTL), TTL).await.unwrap().is_none());
    bench.tenant.heartbeat(&lease, at(TTL), TTL, f32::NAN, Some(&"x".repeat(1000))).await.unwrap();
    let seen = job(&bench, lease.job.id).await;
    assert_eq!((seen.progress, seen.note.map(|note| note.len())), (0.0, Some(200)));
}

#[tokio::test]
async fn completing_twice_is_fine_and_completing_what_another_has_is_not() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFull]).await;
    let lost = bench.lease(JobKind::PreviewFull).await;
    let lease = bench.lease_at(JobKind::PreviewFull, at(TTL)).await;
    refused(bench.tenant.complete(&lost, at(TTL)).await, StoreErrorKind::LeaseLost);
    let before = bench.tenant.last_event().await.unwrap();
    bench.tenant.complete(&lease, at(TTL)).await.unwrap();
    bench.tenant.complete(&lease, at(TTL + 5)).await.unwrap();
    refused(bench.tenant.complete(&lost, at(TTL)).await, StoreErrorKind::LeaseLost);
    let done = job(&bench, lease.job.id).await;
    assert_eq!((done.state, done.progress, done.finished_at), (JobState::Done, 1.0, Some(at(TTL))));
    assert_eq!(bench.told(made.project, before).await, [Change::Asset(made.asset)], "told once");
}

#[tokio::test]
async fn a_failure_is_tried_again_at_its_time_until_attempts_are_used_up() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    let ready = bench.tenant.watch_ready();
    let woken = *ready.borrow();
    let lease = bench.lease(JobKind::Verify).await;
    let again = Verdict::RetryAt(at(500));
    let state = bench.tenant.give_up(&lease, Some(&problem("engine.crash")), &again, at(1)).await.unwrap();
    assert_eq!(state, JobState::Queued);
    assert!(*ready.borrow() > woken);
    assert_eq!(job(&bench, id).await.problem, Some(problem("engine.crash")));
    assert!(bench.tenant.lease(&[JobKind::Verify], "w", at(499), TTL).await.unwrap().is_none());
    refused(bench.tenant.give_up(&lease, None, &again, at(1)).await, StoreErrorKind::LeaseLost);

    let lease = bench.lease_at(JobKind::Verify, at(500)).await;
    let state = bench.tenant.give_up(&lease, Some(&problem("engine.time")), &again, at(501)).await.unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(bench.tenant.lease(&[JobKind::Verify], "w", at(9999), TTL).await.unwrap().is_none(), "a dead letter");
    let dead = job(&bench, id).await;
    assert_eq!((dead.problem, dead.finished_at), (Some(problem("engine.time")), Some(at(501))));
    assert_eq!(bench.tenant.upload(upload.id).await.unwrap().unwrap().state, UploadState::Refused);
}

#[tokio::test]
async fn a_job_given_back_has_not_used_an_attempt() {
    let bench = Bench::new();
    let (_, id) = bench.verifying().await;
    for _ in 0..5 {
        let lease = bench.lease(JobKind::Verify).await;
        assert_eq!(lease.job.attempt, 1);
        let state = bench.tenant.give_up(&lease, None, &Verdict::GiveBack, NOW).await.unwrap();
        assert_eq!(state, JobState::Queued);
    }
    assert_eq!(job(&bench, id).await.attempt, 0);
    assert_eq!(bench.lease(JobKind::Verify).await.fence, 6, "the fence grows all the same");
}

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast]).await;
    let id = bench.tenant.jobs_of(&[made.asset], &[]).await.unwrap()[0].id;
    let before = bench.tenant.last_event().await.unwrap();
    assert_eq!(bench.tenant.request_cancel(id, at(7)).await.unwrap(), JobState::Cancelled);
    let ended = job(&bench, id).await;
    assert_eq!((ended.state, ended.finished_at), (JobState::Cancelled, Some(at(7))));
    assert!(bench.tenant.lease(&JobKind::ALL, "w", at(8), TTL).await.unwrap().is_none());
    assert_eq!(bench.told(made.project, before).await, [Change::Asset(made.asset)]);
    assert_eq!(bench.tenant.request_cancel(id, at(8)).await.unwrap(), JobState::Cancelled, "once is enough");
    refused(bench.tenant.request_cancel(JobId::from_uuid(uuid()), NOW).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_running_job_learns_of_its_cancellation_at_the_next_heartbeat() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    assert_eq!(bench.tenant.request_cancel(id, NOW).await.unwrap(), JobState::Running);
    let held = bench.tenant.heartbeat(&lease, NOW, TTL, 0.1, None).await.unwrap();
    assert_eq!(held, Held::CancelRequested);
    let state = bench.tenant.give_up(&lease, None, &Verdict::Cancel, NOW).await.unwrap();
    assert_eq!(state, JobState::Cancelled);
    let found = bench.tenant.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.problem.unwrap().code.as_str()), (UploadState::Refused, "job.cancelled"));
}

#[tokio::test]
async fn what_a_person_wants_stopped_is_not_started_again() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFull, JobKind::Transcribe]).await;
    let (full, words) = (bench.lease(JobKind::PreviewFull).await, bench.lease(JobKind::Transcribe).await);
    bench.tenant.request_cancel(full.job.id, NOW).await.unwrap();
    bench.tenant.request_cancel(words.job.id, NOW).await.unwrap();
    let state = bench.tenant.give_up(&full, None, &Verdict::GiveBack, NOW).await.unwrap();
    assert_eq!(state, JobState::Cancelled);
    // The other worker dies: its lease runs out.
    assert!(bench.tenant.lease(&JobKind::ALL, "w", at(TTL), TTL).await.unwrap().is_none());
    assert_eq!(job(&bench, words.job.id).await.state, JobState::Cancelled);
    assert_eq!(bench.tenant.jobs_of(&[made.asset], &[]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_job_starts_afresh_when_retried_and_its_upload_with_it() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    refused(bench.tenant.retry(id, NOW).await, StoreErrorKind::Conflict);
    let lease = bench.lease(JobKind::Verify).await;
    refused(bench.tenant.retry(id, NOW).await, StoreErrorKind::Conflict);
    bench.tenant.give_up(&lease, Some(&problem("x")), &Verdict::Fail, NOW).await.unwrap();
    let ready = *bench.tenant.watch_ready().borrow();
    bench.tenant.retry(id, at(5)).await.unwrap();
    assert!(*bench.tenant.watch_ready().borrow() > ready);
    let fresh = job(&bench, id).await;
    assert_eq!((fresh.state, fresh.attempt, fresh.problem, fresh.finished_at), (JobState::Queued, 0, None, None));
    let again = bench.lease_at(JobKind::Verify, at(5)).await;
    assert!(again.fence > lease.fence);
    let (promotion, _) = promotion_of(&upload);
    refused(bench.tenant.promote(&lease, &promotion, &[], at(6)).await, StoreErrorKind::LeaseLost);
    bench.tenant.promote(&again, &promotion, &[], at(6)).await.unwrap();
    refused(bench.tenant.retry(id, at(7)).await, StoreErrorKind::Conflict);
    refused(bench.tenant.retry(JobId::from_uuid(uuid()), NOW).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_verification_is_not_retried_once_its_upload_was_given_up() {
    let bench = Bench::new();
    let (upload, id) = bench.verifying().await;
    bench.tenant.request_cancel(id, NOW).await.unwrap();
    bench.tenant.abort_upload(upload.id, NOW).await.unwrap();
    refused(bench.tenant.retry(id, NOW).await, StoreErrorKind::Conflict);
    assert_eq!(job(&bench, id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_retry_beside_a_live_job_of_the_same_kind_is_a_conflict() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast, JobKind::PreviewFull]).await;
    let full = bench.lease(JobKind::PreviewFull).await;
    bench.tenant.give_up(&full, None, &Verdict::Fail, NOW).await.unwrap();
    let fast = bench.lease(JobKind::PreviewFast).await;
    let shown = crate::support::preview("g1", appliance_domain::media::PreviewStage::Fast, true);
    let then = [job_on(made, JobKind::PreviewFull)];
    bench.tenant.publish_preview(&fast, made.version, &shown, &then, NOW).await.unwrap();
    refused(bench.tenant.retry(full.job.id, NOW).await, StoreErrorKind::Conflict);
}
