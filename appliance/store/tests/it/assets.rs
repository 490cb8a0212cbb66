//! Assets and previews.

use appliance_app::ports::catalog::{Catalog, Change};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::AssetId;
use appliance_domain::job::{JobKind, JobState};
use appliance_domain::media::PreviewStage;
use appliance_domain::upload::UploadState;

use crate::support::{Bench, NOW, at, job_on, preview, promotion_of, refused, uuid, version_id};

#[tokio::test]
async fn a_promoted_upload_is_an_asset_with_the_jobs_that_follow() {
    let bench = Bench::new();
    let (upload, verify) = bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    let before = bench.tenant.last_event().await.unwrap();
    let (promotion, made) = promotion_of(&upload);
    let fast = job_on(made, JobKind::PreviewFast);
    bench.tenant.promote(&lease, &promotion, std::slice::from_ref(&fast), at(5)).await.unwrap();

    let asset = bench.tenant.asset(made.asset).await.unwrap().unwrap();
    assert_eq!((asset.project, asset.upload, asset.created_by), (upload.project, upload.id, upload.owner));
    assert_eq!((asset.title.as_str(), asset.created_at), ("take 1", at(5)));
    assert_eq!((asset.version.id, asset.version.number, asset.version.size), (made.version, 1, 10));
    assert_eq!((&asset.version.file_name, asset.version.locked_until), (&upload.file_name, promotion.locked_until));
    assert_eq!((&asset.version.sha256, &asset.version.facts), (&promotion.sha256, &promotion.facts));
    assert_eq!(asset.version.preview, None);
    assert_eq!(bench.tenant.asset_of_version(made.version).await.unwrap(), Some(asset));
    assert_eq!(bench.tenant.asset_of_version(version_id()).await.unwrap(), None);

    let found = bench.tenant.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.asset), (UploadState::Promoted, Some(made.asset)));
    assert_eq!(bench.tenant.job(verify).await.unwrap().unwrap().state, JobState::Done);
    assert_eq!(bench.tenant.job(fast.id).await.unwrap().unwrap().state, JobState::Queued);
    assert_eq!(bench.told(upload.project, before).await, [Change::Upload(upload.id), Change::Asset(made.asset)]);
    bench.tenant.complete(&lease, at(6)).await.unwrap();
}

#[tokio::test]
async fn an_asset_that_cannot_be_added_whole_leaves_nothing() {
    let bench = Bench::new();
    let (upload, verify) = bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    let (promotion, made) = promotion_of(&upload);
    let mut stray = job_on(made, JobKind::PreviewFast);
    stray.version = Some(version_id());
    let before = bench.tenant.last_event().await.unwrap();
    refused(bench.tenant.promote(&lease, &promotion, &[stray], NOW).await, StoreErrorKind::NotFound);
    assert_eq!(bench.tenant.asset(made.asset).await.unwrap(), None);
    assert_eq!(bench.tenant.upload(upload.id).await.unwrap().unwrap().state, UploadState::Verifying);
    assert_eq!(bench.tenant.job(verify).await.unwrap().unwrap().state, JobState::Running);
    assert_eq!(bench.tenant.last_event().await.unwrap(), before);
}

#[tokio::test]
async fn pages_hold_each_asset_once_newest_first_also_when_some_arrive_meanwhile() {
    let bench = Bench::new();
    let first = bench.open_upload().await;
    let add = async |ms| {
        let upload = Bench::upload_of(first.project, first.owner);
        bench.tenant.create_upload(&upload).await.unwrap();
        bench.record_all(&upload).await;
        bench.tenant.begin_verifying(upload.id, "k", &crate::support::job_on_upload(&upload)).await.unwrap();
        let lease = bench.lease(JobKind::Verify).await;
        let (promotion, made) = promotion_of(&upload);
        bench.tenant.promote(&lease, &promotion, &[], at(ms)).await.unwrap();
        made.asset
    };
    // Two of the same millisecond: the id decides.
    let (a, b, c) = (add(1).await, add(2).await, add(2).await);
    let ids = |items: Vec<appliance_domain::media::Asset>| items.iter().map(|asset| asset.id).collect::<Vec<_>>();
    let page = bench.tenant.assets(first.project, None, 2).await.unwrap();
    assert_eq!(page.next, Some(b));
    assert_eq!(ids(page.items), [c, b]);
    let newer = add(9).await;
    let rest = bench.tenant.assets(first.project, Some(b), 2).await.unwrap();
    assert_eq!((ids(rest.items), rest.next), (vec![a], None));
    let all = bench.tenant.assets(first.project, None, 4).await.unwrap();
    assert_eq!((ids(all.items), all.next), (vec![newer, c, b, a], None));
    let unknown = AssetId::from_uuid(uuid());
    refused(bench.tenant.assets(first.project, Some(unknown), 2).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_fast_preview_never_replaces_a_full_one() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast, JobKind::PreviewFull]).await;
    assert_eq!(bench.tenant.preview_stage(made.version).await.unwrap(), None);
    let (fast, full) = (bench.lease(JobKind::PreviewFast).await, bench.lease(JobKind::PreviewFull).await);
    let whole = preview("g2", PreviewStage::Full, true);
    bench.tenant.publish_preview(&full, made.version, &whole, &[], NOW).await.unwrap();
    let transcribe = job_on(made, JobKind::Transcribe);
    let late = preview("g1", PreviewStage::Fast, false);
    bench.tenant.publish_preview(&fast, made.version, &late, std::slice::from_ref(&transcribe), NOW).await.unwrap();
    let asset = bench.tenant.asset(made.asset).await.unwrap().unwrap();
    assert_eq!(asset.version.preview, Some(whole));
    assert_eq!(bench.tenant.preview_stage(made.version).await.unwrap(), Some(PreviewStage::Full));
    assert_eq!(bench.tenant.job(fast.job.id).await.unwrap().unwrap().state, JobState::Done);
    assert_eq!(bench.tenant.job(transcribe.id).await.unwrap().unwrap().state, JobState::Queued);
}

#[tokio::test]
async fn a_newer_generation_of_the_same_stage_replaces_the_one_before() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast]).await;
    let lease = bench.lease(JobKind::PreviewFast).await;
    let before = bench.tenant.last_event().await.unwrap();
    bench
        .tenant
        .publish_preview(&lease, made.version, &preview("g1", PreviewStage::Fast, true), &[], NOW)
        .await
        .unwrap();
    assert_eq!(bench.told(made.project, before).await, [Change::Asset(made.asset)]);
    bench.sql("UPDATE jobs SET state = 'queued' WHERE kind = 'preview-fast'");
    let again = bench.lease(JobKind::PreviewFast).await;
    let second = preview("g2", PreviewStage::Fast, true);
    bench.tenant.publish_preview(&again, made.version, &second, &[], NOW).await.unwrap();
    assert_eq!(bench.tenant.asset(made.asset).await.unwrap().unwrap().version.preview, Some(second));
}

#[tokio::test]
async fn a_preview_of_an_unknown_version_is_not_found_and_ends_nothing() {
    let bench = Bench::new();
    bench.asset(&[JobKind::PreviewFast]).await;
    let lease = bench.lease(JobKind::PreviewFast).await;
    let shown = preview("g1", PreviewStage::Fast, true);
    let result = bench.tenant.publish_preview(&lease, version_id(), &shown, &[], NOW).await;
    refused(result, StoreErrorKind::NotFound);
    assert_eq!(bench.tenant.job(lease.job.id).await.unwrap().unwrap().state, JobState::Running);
}
