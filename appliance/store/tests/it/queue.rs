//! The queue under load, after crashes, and against late writers.

use std::collections::HashSet;
use std::sync::Arc;

use appliance_app::ports::catalog::Catalog;
use appliance_app::ports::jobs::{Held, Verdict};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::job::{JobKind, JobState};
use appliance_domain::media::PreviewStage;
use appliance_domain::transcript::ModelUsed;
use appliance_domain::upload::UploadState;
use appliance_domain::{AssetId, UploadId};

use crate::support::{Bench, NOW, TTL, at, job_on, preview, problem, promotion_of, refused, upload_id};

#[tokio::test]
async fn the_most_urgent_job_comes_first_then_the_oldest() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::Transcribe, JobKind::PreviewFull]).await;
    let younger = bench.asset(&[JobKind::PreviewFast, JobKind::PreviewFull]).await;
    bench.sql(&format!("UPDATE jobs SET created_at = created_at + 1 WHERE asset = '{}'", younger.asset));
    let mut order = Vec::new();
    while let Some(lease) = bench.tenant.lease(&JobKind::ALL, "w", at(1), TTL).await.unwrap() {
        order.push((lease.job.kind, lease.job.asset.unwrap()));
    }
    assert_eq!(
        order,
        [
            (JobKind::PreviewFast, younger.asset),
            (JobKind::PreviewFull, made.asset),
            (JobKind::PreviewFull, younger.asset),
            (JobKind::Transcribe, made.asset),
        ]
    );
}

#[tokio::test]
async fn only_jobs_of_the_wanted_kinds_are_leased() {
    let bench = Bench::new();
    bench.asset(&[JobKind::PreviewFast]).await;
    let none = bench.tenant.lease(&[JobKind::Transcribe, JobKind::PreviewFull], "w", NOW, TTL).await.unwrap();
    assert!(none.is_none());
    assert!(bench.tenant.lease(&[], "w", NOW, TTL).await.unwrap().is_none());
    bench.lease(JobKind::PreviewFast).await;
}

#[tokio::test]
async fn a_version_never_has_two_live_jobs_of_one_kind() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast, JobKind::PreviewFull]).await;
    let lease = bench.lease(JobKind::PreviewFast).await;
    let then = [job_on(made, JobKind::PreviewFull), job_on(made, JobKind::Transcribe)];
    let shown = preview("g1", PreviewStage::Fast, true);
    bench.tenant.publish_preview(&lease, made.version, &shown, &then, NOW).await.unwrap();
    let mut kinds: Vec<_> = bench.tenant.jobs_of(&[made.asset], &[]).await.unwrap().iter().map(|j| j.kind).collect();
    kinds.sort_by_key(|kind| kind.priority());
    assert_eq!(kinds, [JobKind::PreviewFast, JobKind::PreviewFull, JobKind::Transcribe]);
}

#[tokio::test]
async fn jobs_are_listed_by_project_and_by_what_they_concern() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast]).await;
    bench.asset(&[JobKind::PreviewFast]).await;
    bench.sql("UPDATE jobs SET created_at = created_at + 1 WHERE kind = 'preview-fast'");
    let kinds = |jobs: Vec<appliance_domain::job::Job>| jobs.iter().map(|job| job.kind).collect::<Vec<_>>();
    let both = [JobKind::Verify, JobKind::PreviewFast];
    assert_eq!(kinds(bench.tenant.jobs_of(&[made.asset], &[made.upload]).await.unwrap()), both);
    assert_eq!(kinds(bench.tenant.jobs_of(&[made.asset], &[]).await.unwrap()), both[1..]);
    assert!(bench.tenant.jobs_of(&[], &[]).await.unwrap().is_empty());
    assert!(bench.tenant.jobs_of(&[] as &[AssetId], &[upload_id()] as &[UploadId]).await.unwrap().is_empty());
    let newest_first = [JobKind::PreviewFast, JobKind::Verify];
    assert_eq!(kinds(bench.tenant.jobs_of_project(made.project, 10).await.unwrap()), newest_first);
    assert_eq!(kinds(bench.tenant.jobs_of_project(made.project, 1).await.unwrap()), newest_first[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_never_get_the_same_job() {
    const JOBS: usize = 1000;
    let bench = Bench::new();
    let (project, _) = bench.project().await;
    // One statement: a thousand commits to disk would take a minute.
    bench.sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
        INSERT INTO jobs (id, kind, priority, project, state, max_attempts, created_at, run_after)
        SELECT printf('job_%032x', i), 'transcribe', 30, '{project}', 'queued', 3, {now}, {now} FROM n",
        now = NOW.0
    ));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let tenant = Arc::clone(&bench.tenant);
            tokio::spawn(async move {
                let mut got = Vec::new();
                while let Some(lease) =
                    tenant.lease(&[JobKind::Transcribe], &format!("w{worker}"), NOW, TTL).await.unwrap()
                {
                    got.push(lease.job.id);
                }
                got
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), JOBS);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), JOBS);
}

#[tokio::test]
async fn a_late_writer_writes_nothing_at_all() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast, JobKind::Transcribe]).await;
    let (upload, _) = bench.verifying().await;
    let verify = bench.lease(JobKind::Verify).await;
    let fast = bench.lease(JobKind::PreviewFast).await;
    let words = bench.lease(JobKind::Transcribe).await;
    for kind in [JobKind::Verify, JobKind::PreviewFast, JobKind::Transcribe] {
        bench.lease_at(kind, at(TTL)).await;
    }
    let before = bench.tenant.last_event().await.unwrap();
    let db = &bench.tenant;
    let (version, lost) = (made.version, StoreErrorKind::LeaseLost);
    let (promotion, would_be) = promotion_of(&upload);
    let model = ModelUsed { pack: "p".into(), version: "1".into(), digest: "d".into() };
    let shown = preview("g1", PreviewStage::Fast, true);
    let then = [job_on(made, JobKind::PreviewFull)];
    refused(db.refuse_upload(&verify, upload.id, &problem("x"), NOW).await, lost);
    refused(db.promote(&verify, &promotion, &[], NOW).await, lost);
    refused(db.publish_preview(&fast, version, &shown, &then, NOW).await, lost);
    refused(db.begin_transcript(&words, version, "en", &model, NOW).await, lost);
    refused(db.add_segments(&words, version, &[]).await, lost);
    refused(db.finish_transcript(&words, version, NOW).await, lost);
    for lease in [&verify, &fast, &words] {
        refused(db.complete(lease, NOW).await, lost);
        refused(db.give_up(lease, None, &Verdict::Fail, NOW).await, lost);
        assert_eq!(db.heartbeat(lease, at(9 * TTL), TTL, 1.0, Some("late")).await.unwrap(), Held::No);
        let job = db.job(lease.job.id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempt, job.note), (JobState::Running, 2, None));
    }
    assert_eq!(db.upload(upload.id).await.unwrap().unwrap().state, UploadState::Verifying);
    assert_eq!(db.asset(would_be.asset).await.unwrap(), None);
    assert_eq!(db.preview_stage(version).await.unwrap(), None);
    assert_eq!(db.transcript(version).await.unwrap(), None);
    assert_eq!(db.jobs_of(&[made.asset], &[]).await.unwrap().len(), 2, "no job was added");
    assert_eq!(db.last_event().await.unwrap(), before, "nothing was told");
}
