//! Uploads as bytes: parts, seals, promotion.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use appliance_app::ports::objects::{Body, ObjectName, Objects};
use appliance_app::ports::{StoreErrorKind, StoreResult};
use appliance_domain::upload::{PartPlan, StoredPart};
use appliance_domain::{UploadId, VersionId};
use appliance_store::FileObjects;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::support::{body, refused, upload_id, version_id};

const PLAN: PartPlan = PartPlan { size: 10, part_size: 4 };

fn sha(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn hex_sha(bytes: &[u8]) -> String {
    hex::encode(sha(bytes))
}

fn objects() -> (tempfile::TempDir, Arc<FileObjects>) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Arc::new(FileObjects::open(&folder.path().join("objects")).unwrap());
    (folder, objects)
}

async fn put(objects: &FileObjects, upload: UploadId, number: u64, bytes: &[u8]) -> StoreResult<StoredPart> {
    objects.write_part(upload, PLAN, number, body(bytes), None).await
}

async fn staged(objects: &FileObjects, upload: UploadId) -> Vec<u8> {
    fs::read(objects.staged_file(upload).await.unwrap()).unwrap()
}

async fn filled(objects: &FileObjects) -> UploadId {
    let upload = upload_id();
    for (number, bytes) in [(3, &b"89"[..]), (1, b"0123"), (2, b"4567")] {
        put(objects, upload, number, bytes).await.unwrap();
    }
    upload
}

/// A body that the test feeds, and its feeder.
fn fed() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Body) {
    let (feed, from) = mpsc::channel(4);
    (feed, stream::unfold(from, |mut from| async move { from.recv().await.map(|item| (item, from)) }).boxed())
}

#[tokio::test]
async fn parts_in_any_order_make_the_file() {
    let (_folder, objects) = objects();
    let upload = upload_id();
    let part = objects.write_part(upload, PLAN, 3, body(b"89"), Some(sha(b"89"))).await.unwrap();
    assert_eq!(part, StoredPart { number: 3, size: 2, etag: hex_sha(b"89") });
    put(&objects, upload, 1, b"0123").await.unwrap();
    put(&objects, upload, 2, b"4567").await.unwrap();
    assert_eq!(staged(&objects, upload).await, b"0123456789");
}

#[tokio::test]
async fn a_part_of_another_length_or_checksum_is_a_mismatch() {
    let (_folder, objects) = objects();
    let upload = upload_id();
    let mismatch = StoreErrorKind::Mismatch;
    refused(put(&objects, upload, 1, b"012").await, mismatch);
    refused(put(&objects, upload, 1, b"01234").await, mismatch);
    refused(put(&objects, upload, 4, b"01").await, mismatch);
    refused(put(&objects, upload, 0, b"0123").await, mismatch);
    refused(objects.write_part(upload, PLAN, 1, body(b"0123"), Some(sha(b"other"))).await, mismatch);
    let broken: Body =
        stream::iter([Ok(Bytes::from_static(b"01")), Err(std::io::Error::other("the line broke"))]).boxed();
    refused(objects.write_part(upload, PLAN, 1, broken, None).await, mismatch);
    put(&objects, upload, 1, b"0123").await.unwrap();
}

#[tokio::test]
async fn a_stored_part_survives_a_bad_attempt_to_send_it_again() {
    let (_folder, objects) = objects();
    let upload = filled(&objects).await;
    refused(put(&objects, upload, 2, b"xx").await, StoreErrorKind::Mismatch);
    refused(objects.write_part(upload, PLAN, 2, body(b"xxxx"), Some(sha(b"yyyy"))).await, StoreErrorKind::Mismatch);
    assert_eq!(staged(&objects, upload).await, b"0123456789");
    put(&objects, upload, 2, b"4567").await.unwrap();
    let again = put(&objects, upload, 2, b"wxyz").await.unwrap();
    assert_eq!(again.etag, hex_sha(b"wxyz"));
    assert_eq!(staged(&objects, upload).await, b"0123wxyz89");
    let left: Vec<_> = fs::read_dir(objects.staged_file(upload).await.unwrap().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn a_part_sent_again_is_copied_into_place_after_a_crash_in_between() {
    let (folder, objects) = objects();
    let upload = filled(&objects).await;
    let data = objects.staged_file(upload).await.unwrap();
    fs::write(data.with_file_name("redo-2-4"), b"wxyz").unwrap();
    drop(objects);
    let objects = FileObjects::open(&folder.path().join("objects")).unwrap();
    objects.seal(upload).await.unwrap();
    assert_eq!(fs::read(&data).unwrap(), b"0123wxyz89");
    assert_eq!(objects.digest_staged(upload, &|_| {}).await.unwrap(), (hex_sha(b"0123wxyz89"), 10));
}

#[tokio::test]
async fn of_two_who_write_the_same_part_one_is_refused() {
    let (_folder, objects) = objects();
    let upload = upload_id();
    let (feed, slow) = fed();
    let writer = tokio::spawn({
        let objects = Arc::clone(&objects);
        async move { objects.write_part(upload, PLAN, 1, slow, None).await }
    });
    feed.send(Ok(Bytes::from_static(b"01"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    refused(put(&objects, upload, 1, b"abcd").await, StoreErrorKind::Conflict);
    put(&objects, upload, 2, b"4567").await.unwrap();
    feed.send(Ok(Bytes::from_static(b"23"))).await.unwrap();
    drop(feed);
    writer.await.unwrap().unwrap();
    put(&objects, upload, 3, b"89").await.unwrap();
    assert_eq!(staged(&objects, upload).await, b"0123456789");
}

#[tokio::test]
async fn a_writer_that_goes_away_gives_its_part_back() {
    let (_folder, objects) = objects();
    let upload = upload_id();
    let (feed, slow) = fed();
    let writer = tokio::spawn({
        let objects = Arc::clone(&objects);
        async move { objects.write_part(upload, PLAN, 1, slow, None).await }
    });
    feed.send(Ok(Bytes::from_static(b"01"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    writer.abort();
    let _ = writer.await;
    put(&objects, upload, 1, b"0123").await.unwrap();
}

#[tokio::test]
async fn a_seal_waits_for_writers_and_refuses_the_next() {
    let (_folder, objects) = objects();
    let upload = upload_id();
    let (feed, slow) = fed();
    let spawn = |body| {
        let objects = Arc::clone(&objects);
        tokio::spawn(async move { objects.write_part(upload, PLAN, 1, body, None).await })
    };
    let writer = spawn(slow);
    feed.send(Ok(Bytes::from_static(b"01"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let seal = tokio::spawn({
        let objects = Arc::clone(&objects);
        async move { objects.seal(upload).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!seal.is_finished());
    let late = spawn(body(b"abcd"));
    feed.send(Ok(Bytes::from_static(b"23"))).await.unwrap();
    drop(feed);
    writer.await.unwrap().unwrap();
    seal.await.unwrap().unwrap();
    refused(late.await.unwrap(), StoreErrorKind::Conflict);
    refused(put(&objects, upload, 2, b"4567").await, StoreErrorKind::Conflict);
    objects.seal(upload).await.unwrap();
    put(&objects, upload_id(), 2, b"4567").await.unwrap();
}

#[tokio::test]
async fn the_digest_is_of_the_staged_bytes_and_tells_its_progress() {
    let (_folder, objects) = objects();
    let upload = filled(&objects).await;
    let told = Mutex::new(Vec::new());
    let digest = objects.digest_staged(upload, &|done| told.lock().unwrap().push(done)).await.unwrap();
    assert_eq!(digest, (hex_sha(b"0123456789"), 10));
    assert_eq!(told.into_inner().unwrap(), [10]);
    refused(objects.digest_staged(upload_id(), &|_| {}).await, StoreErrorKind::NotFound);
    refused(objects.staged_file(upload_id()).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn dropping_what_is_staged_is_fine_twice() {
    let (_folder, objects) = objects();
    let upload = filled(&objects).await;
    objects.discard_staged(upload).await.unwrap();
    objects.discard_staged(upload).await.unwrap();
    refused(objects.staged_file(upload).await, StoreErrorKind::NotFound);
    refused(put(&objects, upload, 1, b"0123").await, StoreErrorKind::Conflict);
}

async fn master(objects: &FileObjects, version: VersionId) -> Vec<u8> {
    fs::read(objects.master_file(version).await.unwrap()).unwrap()
}

#[tokio::test]
async fn promoting_twice_is_fine_for_the_same_bytes_and_a_conflict_for_others() {
    let (_folder, objects) = objects();
    let (upload, version) = (filled(&objects).await, version_id());
    let digest = hex_sha(b"0123456789");
    refused(objects.master_file(version).await, StoreErrorKind::NotFound);
    objects.promote(upload, version, &digest).await.unwrap();
    objects.promote(upload, version, &digest).await.unwrap();
    refused(objects.promote(upload, version, &hex_sha(b"other")).await, StoreErrorKind::Conflict);
    refused(objects.promote(upload, version, "../../x").await, StoreErrorKind::Mismatch);
    let path = objects.master_file(version).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
    objects.discard_staged(upload).await.unwrap();
    objects.promote(upload, version, &digest).await.unwrap();
    assert_eq!(master(&objects, version).await, b"0123456789");
    let head = objects.head(&ObjectName::Master(version)).await.unwrap();
    assert_eq!((head.size, head.etag), (10, digest.clone()));
    refused(objects.promote(upload_id(), version_id(), &digest).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn promoted_bytes_are_not_written_to_even_after_a_restart() {
    let (folder, objects) = objects();
    let (upload, version) = (filled(&objects).await, version_id());
    objects.promote(upload, version, &hex_sha(b"0123456789")).await.unwrap();
    drop(objects);
    let objects = FileObjects::open(&folder.path().join("objects")).unwrap();
    refused(put(&objects, upload, 1, b"xxxx").await, StoreErrorKind::Conflict);
    assert_eq!(master(&objects, version).await, b"0123456789");
}

#[tokio::test]
async fn a_promotion_cut_short_is_finished_by_the_next() {
    let (folder, objects) = objects();
    let (upload, version) = (filled(&objects).await, version_id());
    // As after a crash between the note and the link, with a note of other bytes.
    let home = folder.path().join("objects/masters").join(version.to_string());
    fs::create_dir(&home).unwrap();
    fs::write(home.join("original.sha256"), "0".repeat(64)).unwrap();
    refused(objects.head(&ObjectName::Master(version)).await, StoreErrorKind::NotFound);
    objects.promote(upload, version, &hex_sha(b"0123456789")).await.unwrap();
    assert_eq!(objects.head(&ObjectName::Master(version)).await.unwrap().etag, hex_sha(b"0123456789"));
}
