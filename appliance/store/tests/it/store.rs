//! The store as a whole: opening, locking, crashing, migrating.

use std::fs;
use std::path::Path;

use appliance_app::ports::catalog::Catalog;
use appliance_app::ports::{Accounts, Jobs, Objects};
use appliance_domain::job::{JobKind, JobState};
use appliance_domain::upload::UploadState;
use appliance_store::{OpenError, SqliteTenant, Store};
use runtime_diag::{Diagnose, Exit};

use crate::support::{Bench, NOW, TTL, at, body, promotion_of};

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let bench = Bench::new();
    let (upload, job) = bench.verifying().await;
    bench.lease(JobKind::Verify).await;
    let bench = bench.reopened();
    assert_eq!(bench.tenant.upload(upload.id).await.unwrap().unwrap().state, UploadState::Verifying);
    assert!(bench.tenant.lease(&[JobKind::Verify], "w", NOW, TTL).await.unwrap().is_none(), "still leased");
    let lease = bench.lease_at(JobKind::Verify, at(TTL)).await;
    assert_eq!((lease.job.id, lease.fence), (job, 2));
    assert_eq!(bench.store.accounts().count().await.unwrap(), 0);
}

/// The files of the database as a power cut would leave them: while it is open, the log not yet folded in.
fn copied(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn after_a_power_cut_each_change_is_there_whole_or_not_at_all() {
    let bench = Bench::new();
    let (upload, verify) = bench.verifying().await;
    let lease = bench.lease(JobKind::Verify).await;
    let (promotion, made) = promotion_of(&upload);
    let then = [crate::support::job_on(made, JobKind::PreviewFast)];
    let cut = async |after: bool| {
        let folder = tempfile::tempdir().unwrap();
        copied(&bench.path().join("db/tenants"), folder.path());
        let tenant = SqliteTenant::open(&folder.path().join("default.sqlite")).unwrap();
        let state = tenant.upload(upload.id).await.unwrap().unwrap().state;
        assert_eq!(state, if after { UploadState::Promoted } else { UploadState::Verifying });
        assert_eq!(tenant.asset(made.asset).await.unwrap().is_some(), after);
        assert_eq!(tenant.job(then[0].id).await.unwrap().is_some(), after);
        let job = tenant.job(verify).await.unwrap().unwrap().state;
        assert_eq!(job, if after { JobState::Done } else { JobState::Running });
        assert_eq!(tenant.last_event().await.unwrap(), bench.tenant.last_event().await.unwrap());
    };
    cut(false).await;
    bench.tenant.promote(&lease, &promotion, &then, NOW).await.unwrap();
    cut(true).await;
}

#[tokio::test]
async fn a_second_process_does_not_get_in() {
    let bench = Bench::new();
    let error = Store::open(bench.path()).unwrap_err();
    assert!(matches!(error, OpenError::Busy { .. }));
    assert_eq!(error.exit(), Exit::Busy);
    let tenant = bench.store.tenant();
    let Bench { store, tenant: other, folder } = bench;
    drop((store, other));
    assert!(matches!(Store::open(folder.path()), Err(OpenError::Busy { .. })), "a part of it is still in use");
    drop(tenant);
    Store::open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_and_left_alone() {
    let bench = Bench::new();
    bench.sql("PRAGMA user_version = 99");
    let Bench { store, tenant, folder } = bench;
    drop((store, tenant));
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 99, known: 1, .. }), "{error}");
    assert_eq!(error.exit(), Exit::Schema);
    let connection = rusqlite::Connection::open(folder.path().join("db/tenants/default.sqlite")).unwrap();
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn deleting_the_cache_loses_nothing() {
    let bench = Bench::new();
    let (upload, _) = bench.verifying().await;
    let Bench { store, tenant, folder } = bench;
    drop((store, tenant));
    fs::remove_dir_all(folder.path().join("cache")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.tenant().upload(upload.id).await.unwrap().unwrap().id, upload.id);
}

#[tokio::test]
async fn only_ended_uploads_that_left_something_in_staging_are_to_be_swept() {
    let bench = Bench::new();
    let objects = bench.store.objects();
    let (open, aborted) = (bench.open_upload().await, bench.open_upload().await);
    let bare = bench.open_upload().await;
    for upload in [&open, &aborted] {
        objects.write_part(upload.id, upload.plan, 1, body(b"abcd"), None).await.unwrap();
    }
    bench.tenant.abort_upload(aborted.id, NOW).await.unwrap();
    bench.tenant.abort_upload(bare.id, NOW).await.unwrap();
    assert_eq!(bench.tenant.uploads_with_staging().await.unwrap(), [aborted.id]);
    objects.discard_staged(aborted.id).await.unwrap();
    assert!(bench.tenant.uploads_with_staging().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_query_of_a_hot_path_uses_an_index() {
    let bench = Bench::new();
    let connection = rusqlite::Connection::open(bench.path().join("db/tenants/default.sqlite")).unwrap();
    for (sql, index) in [
        (
            "SELECT * FROM assets WHERE project = 'p' AND (created_at, id) < (1, 'x') ORDER BY created_at DESC, id DESC LIMIT 9",
            "assets_by_project",
        ),
        (
            "SELECT id FROM assets WHERE project = 'p' AND has_card = 1 ORDER BY created_at DESC, id DESC LIMIT 1",
            "assets_for_cover",
        ),
        (
            "SELECT id FROM jobs WHERE state = 'queued' AND kind = 'k' AND run_after <= 1 ORDER BY created_at, id LIMIT 1",
            "jobs_waiting",
        ),
        ("SELECT id FROM jobs WHERE state = 'running' AND lease_expires <= 1", "jobs_leased"),
        ("SELECT id FROM jobs WHERE project = 'p' ORDER BY created_at DESC, id DESC LIMIT 9", "jobs_by_project"),
        ("SELECT id FROM jobs WHERE asset IN (SELECT value FROM json_each('[]'))", "jobs_by_asset"),
        ("SELECT id FROM jobs WHERE upload IN (SELECT value FROM json_each('[]'))", "jobs_by_upload"),
        ("SELECT * FROM events WHERE project = 'p' AND seq > 7 ORDER BY seq LIMIT 9", "events_by_project"),
        ("SELECT id FROM uploads WHERE state = 'open' AND expires_at <= 1 ORDER BY expires_at", "uploads_by_end"),
        (
            "SELECT * FROM uploads WHERE project = 'p' AND owner = 'o' AND state IN ('open', 'verifying', 'refused')
            ORDER BY created_at, id",
            "uploads_active",
        ),
        (
            "SELECT * FROM uploads WHERE project = 'p' AND owner = 'o' AND fingerprint = 'f' AND size = 1
            AND state = 'open' ORDER BY created_at DESC LIMIT 1",
            "uploads_resumable",
        ),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> = statement.query_map([], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}
