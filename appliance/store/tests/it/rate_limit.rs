//! Restraint: how failures add up, and what becomes of a damaged cache.

use std::fs;

use appliance_app::ports::RateLimit;
use appliance_store::SledRateLimit;

use crate::support::at;

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn five_failures_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let limit = SledRateLimit::open(&folder.path().join("r")).unwrap();
    for _ in 0..5 {
        assert_eq!(limit.failed("ada", at(0)).await.unwrap(), None);
    }
    assert_eq!(limit.refused_until("ada", at(0)).await.unwrap(), None);
    for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert_eq!(limit.failed("ada", at(0)).await.unwrap(), Some(at(seconds * 1000)));
    }
    assert_eq!(limit.refused_until("ada", at(899_999)).await.unwrap(), Some(at(900_000)));
    assert_eq!(limit.refused_until("ada", at(900_000)).await.unwrap(), None);
    assert_eq!(limit.refused_until("bob", at(0)).await.unwrap(), None, "names do not share their failures");
}

#[tokio::test]
async fn success_and_an_hour_without_failures_forget() {
    let folder = tempfile::tempdir().unwrap();
    let limit = SledRateLimit::open(&folder.path().join("r")).unwrap();
    for _ in 0..6 {
        limit.failed("ada", at(0)).await.unwrap();
        limit.failed("bob", at(0)).await.unwrap();
    }
    limit.succeeded("ada").await.unwrap();
    limit.succeeded("ada").await.unwrap();
    assert_eq!(limit.refused_until("ada", at(1)).await.unwrap(), None);
    assert_eq!(limit.failed("ada", at(1)).await.unwrap(), None);
    assert!(limit.failed("bob", at(HOUR - 1)).await.unwrap().is_some());
    assert_eq!(limit.failed("bob", at(2 * HOUR)).await.unwrap(), None);
}

#[tokio::test]
async fn failures_are_remembered_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    let limit = SledRateLimit::open(&path).unwrap();
    for _ in 0..6 {
        limit.failed("ada", at(0)).await.unwrap();
    }
    drop(limit);
    let limit = SledRateLimit::open(&path).unwrap();
    assert_eq!(limit.refused_until("ada", at(1)).await.unwrap(), Some(at(2000)));
}

#[tokio::test]
async fn a_clock_that_was_set_back_never_locks_anybody_out_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let limit = SledRateLimit::open(&folder.path().join("r")).unwrap();
    for _ in 0..9 {
        limit.failed("ada", at(1000 * HOUR)).await.unwrap();
    }
    assert_eq!(limit.refused_until("ada", at(0)).await.unwrap(), Some(at(900_000)));
}

#[tokio::test]
async fn a_cache_that_does_not_open_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    let limit = SledRateLimit::open(&path).unwrap();
    limit.failed("ada", at(0)).await.unwrap();
    drop(limit);
    fs::write(path.join("conf"), b"this is no configuration of sled").unwrap();
    fs::write(path.join("db"), vec![0xa5; 1 << 20]).unwrap();
    let limit = SledRateLimit::open(&path).unwrap();
    assert_eq!(limit.failed("ada", at(0)).await.unwrap(), None);

    let path = folder.path().join("a-file");
    fs::write(&path, b"not a folder").unwrap();
    SledRateLimit::open(&path).unwrap();
}
