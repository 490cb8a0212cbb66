//! Uploads, their parts and their states.

use appliance_app::ports::catalog::{Catalog, Change};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::job::{JobKind, JobState};
use appliance_domain::upload::{StoredPart, UploadState};

use crate::support::{Bench, NOW, at, job_on_upload, problem, promotion_of, refused, upload_id, user_id};

async fn state(bench: &Bench, id: appliance_domain::UploadId) -> UploadState {
    bench.tenant.upload(id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn an_upload_reads_back_as_it_was_written() {
    let bench = Bench::new();
    let upload = bench.open_upload().await;
    assert_eq!(bench.tenant.upload(upload.id).await.unwrap(), Some(upload.clone()));
    assert_eq!(bench.tenant.upload(upload_id()).await.unwrap(), None);
    assert!(bench.told(upload.project, 0).await.contains(&Change::Upload(upload.id)));
    refused(bench.tenant.create_upload(&upload).await, StoreErrorKind::Conflict);
}

#[tokio::test]
async fn an_interrupted_upload_is_found_by_its_fingerprint_while_it_is_open() {
    let bench = Bench::new();
    let upload = bench.open_upload().await;
    let find = async |owner, fingerprint: &str, size| {
        bench.tenant.resumable_upload(upload.project, owner, fingerprint, size).await.unwrap().map(|found| found.id)
    };
    assert_eq!(find(upload.owner, "f1", 10).await, Some(upload.id));
    assert_eq!(find(upload.owner, "f2", 10).await, None);
    assert_eq!(find(upload.owner, "f1", 11).await, None);
    assert_eq!(find(user_id(), "f1", 10).await, None);
    bench.tenant.abort_upload(upload.id, NOW).await.unwrap();
    assert_eq!(find(upload.owner, "f1", 10).await, None);
}

#[tokio::test]
async fn a_part_is_noted_once_however_often_it_is_sent() {
    let bench = Bench::new();
    let upload = bench.open_upload().await;
    let part = |number, size, etag: &str| StoredPart { number, size, etag: etag.into() };
    bench.tenant.record_part(upload.id, &part(3, 2, "c")).await.unwrap();
    bench.tenant.record_part(upload.id, &part(1, 4, "a")).await.unwrap();
    bench.tenant.record_part(upload.id, &part(1, 4, "b")).await.unwrap();
    assert_eq!(bench.tenant.parts(upload.id).await.unwrap(), [part(1, 4, "b"), part(3, 2, "c")]);
    refused(bench.tenant.record_part(upload.id, &part(4, 4, "d")).await, StoreErrorKind::Mismatch);
    refused(bench.tenant.record_part(upload.id, &part(3, 4, "d")).await, StoreErrorKind::Mismatch);
    refused(bench.tenant.record_part(upload_id(), &part(1, 4, "a")).await, StoreErrorKind::NotFound);
    bench.tenant.abort_upload(upload.id, NOW).await.unwrap();
    refused(bench.tenant.record_part(upload.id, &part(2, 4, "b")).await, StoreErrorKind::Conflict);
}

#[tokio::test]
async fn beginning_to_verify_is_idempotent_under_its_key_and_a_conflict_under_another() {
    let bench = Bench::new();
    let mut ready = bench.tenant.watch_ready();
    let (upload, job) = bench.verifying().await;
    assert!(ready.has_changed().unwrap());
    ready.mark_unchanged();
    let before = bench.tenant.last_event().await.unwrap();
    bench.tenant.begin_verifying(upload.id, "k", &job_on_upload(&upload)).await.unwrap();
    refused(bench.tenant.begin_verifying(upload.id, "other", &job_on_upload(&upload)).await, StoreErrorKind::Conflict);
    let jobs = bench.tenant.jobs_of(&[], &[upload.id]).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [job]);
    assert_eq!(bench.tenant.last_event().await.unwrap(), before);
    assert!(!ready.has_changed().unwrap());

    let lease = bench.lease(JobKind::Verify).await;
    bench.tenant.promote(&lease, &promotion_of(&upload).0, &[], NOW).await.unwrap();
    bench.tenant.begin_verifying(upload.id, "k", &job_on_upload(&upload)).await.unwrap();
    assert_eq!(state(&bench, upload.id).await, UploadState::Promoted, "the same key later changes nothing");
}

#[tokio::test]
async fn verifying_does_not_begin_before_all_parts_are_there_nor_after_an_abort() {
    let bench = Bench::new();
    let upload = bench.open_upload().await;
    refused(bench.tenant.begin_verifying(upload.id, "k", &job_on_upload(&upload)).await, StoreErrorKind::Conflict);
    assert_eq!(state(&bench, upload.id).await, UploadState::Open);
    bench.record_all(&upload).await;
    bench.tenant.abort_upload(upload.id, NOW).await.unwrap();
    refused(bench.tenant.begin_verifying(upload.id, "k", &job_on_upload(&upload)).await, StoreErrorKind::Conflict);
    assert!(bench.tenant.jobs_of(&[], &[upload.id]).await.unwrap().is_empty());
}

#[tokio::test]
async fn refusing_an_upload_ends_its_job_as_done() {
    let bench = Bench::new();
    let (upload, job) = bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    let before = bench.tenant.last_event().await.unwrap();
    bench.tenant.refuse_upload(&lease, upload.id, &problem("media.broken"), at(1)).await.unwrap();
    let found = bench.tenant.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.problem), (UploadState::Refused, Some(problem("media.broken"))));
    assert_eq!(bench.tenant.job(job).await.unwrap().unwrap().state, JobState::Done);
    assert_eq!(bench.told(upload.project, before).await, [Change::Upload(upload.id)]);
    bench.tenant.abort_upload(upload.id, at(2)).await.unwrap();
    assert_eq!(state(&bench, upload.id).await, UploadState::Aborted);
}

#[tokio::test]
async fn an_upload_whose_job_failed_is_refused_and_fail_upload_then_changes_nothing() {
    let bench = Bench::new();
    let (upload, _) = bench.verifying().await;
    bench.tenant.fail_upload(upload.id, &problem("early"), NOW).await.unwrap();
    assert_eq!(state(&bench, upload.id).await, UploadState::Verifying, "a job still holds it");
    let lease = bench.lease(JobKind::Verify).await;
    let verdict = appliance_app::ports::jobs::Verdict::Fail;
    bench.tenant.give_up(&lease, Some(&problem("engine.crash")), &verdict, NOW).await.unwrap();
    bench.tenant.fail_upload(upload.id, &problem("late"), NOW).await.unwrap();
    let found = bench.tenant.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.problem), (UploadState::Refused, Some(problem("engine.crash"))));
}

#[tokio::test]
async fn an_upload_that_no_job_holds_any_more_can_be_failed() {
    let bench = Bench::new();
    let (upload, _) = bench.verifying().await;
    bench.sql("DELETE FROM jobs");
    bench.tenant.fail_upload(upload.id, &problem("lost"), NOW).await.unwrap();
    assert_eq!(state(&bench, upload.id).await, UploadState::Refused);
    refused(bench.tenant.fail_upload(upload_id(), &problem("x"), NOW).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn only_open_and_refused_uploads_can_be_aborted() {
    let bench = Bench::new();
    let (verifying, _) = bench.verifying().await;
    refused(bench.tenant.abort_upload(verifying.id, NOW).await, StoreErrorKind::Conflict);
    let made = bench.asset(&[]).await;
    refused(bench.tenant.abort_upload(made.upload, NOW).await, StoreErrorKind::Conflict);
    let open = bench.open_upload().await;
    bench.tenant.abort_upload(open.id, NOW).await.unwrap();
    refused(bench.tenant.abort_upload(open.id, NOW).await, StoreErrorKind::Conflict);
}

#[tokio::test]
async fn active_uploads_are_the_ones_their_owner_still_has_to_think_of() {
    let bench = Bench::new();
    let first = bench.open_upload().await;
    let mut ids = vec![first.id];
    for n in 1..=2 {
        let mut upload = Bench::upload_of(first.project, first.owner);
        upload.created_at = at(n);
        bench.tenant.create_upload(&upload).await.unwrap();
        ids.push(upload.id);
    }
    let active = async || {
        let found = bench.tenant.active_uploads(first.project, first.owner).await.unwrap();
        found.iter().map(|upload| upload.id).collect::<Vec<_>>()
    };
    assert_eq!(active().await, ids);
    bench.tenant.abort_upload(ids[1], NOW).await.unwrap();
    assert_eq!(active().await, [ids[0], ids[2]]);
    assert!(bench.tenant.active_uploads(first.project, user_id()).await.unwrap().is_empty());
}

#[tokio::test]
async fn open_uploads_past_their_time_are_found() {
    let bench = Bench::new();
    let upload = bench.open_upload().await;
    assert!(bench.tenant.expired_uploads(at(999)).await.unwrap().is_empty());
    assert_eq!(bench.tenant.expired_uploads(at(1000)).await.unwrap(), [upload.id]);
    bench.tenant.abort_upload(upload.id, NOW).await.unwrap();
    assert!(bench.tenant.expired_uploads(at(1000)).await.unwrap().is_empty());
}
