//! Previews and reading.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use appliance_app::ports::StoreErrorKind;
use appliance_app::ports::objects::{ObjectName, Objects};
use appliance_domain::VersionId;
use appliance_store::FileObjects;
use futures_util::TryStreamExt;

use crate::support::{refused, version_id};

fn objects() -> (tempfile::TempDir, FileObjects) {
    let folder = tempfile::tempdir().unwrap();
    let objects = FileObjects::open(&folder.path().join("objects")).unwrap();
    (folder, objects)
}

async fn built(objects: &FileObjects, name: &str, playlist: &str) -> std::path::PathBuf {
    let work = objects.work_dir(name).await.unwrap();
    fs::create_dir(work.join("v360")).unwrap();
    fs::write(work.join("index.m3u8"), playlist).unwrap();
    fs::write(work.join("v360/seg-1.m4s"), vec![7; 600_000]).unwrap();
    fs::write(work.join("manifest.json"), "{}").unwrap();
    work
}

fn file(version: VersionId, path: &str) -> ObjectName {
    ObjectName::preview(version, "g1", path).unwrap()
}

async fn bytes(objects: &FileObjects, name: &ObjectName, range: std::ops::Range<u64>) -> Vec<u8> {
    let chunks: Vec<bytes::Bytes> = objects.read(name, range).await.unwrap().try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 << 10));
    chunks.concat()
}

#[tokio::test]
async fn a_generation_is_published_whole_and_once() {
    let (_folder, objects) = objects();
    let version = version_id();
    refused(objects.preview_dir(version, "g1").await, StoreErrorKind::NotFound);
    let work = built(&objects, "job_1", "first").await;
    objects.publish_dir(&work, version, "g1").await.unwrap();
    assert!(!work.exists());
    let again = built(&objects, "job_2", "second").await;
    objects.publish_dir(&again, version, "g1").await.unwrap();
    let published = objects.preview_dir(version, "g1").await.unwrap();
    assert_eq!(fs::read_to_string(published.join("index.m3u8")).unwrap(), "first");
    assert!(fs::metadata(published.join("index.m3u8")).unwrap().permissions().readonly());
    objects.publish_dir(&again, version, "g2").await.unwrap();
    assert_eq!(fs::read_to_string(published.with_file_name("g2").join("index.m3u8")).unwrap(), "second");
}

#[tokio::test]
async fn exactly_the_range_that_was_asked_for_is_read() {
    let (_folder, objects) = objects();
    let version = version_id();
    let work = built(&objects, "job_1", "0123456789").await;
    objects.publish_dir(&work, version, "g1").await.unwrap();
    let (small, large) = (file(version, "index.m3u8"), file(version, "v360/seg-1.m4s"));
    assert_eq!(bytes(&objects, &small, 0..10).await, b"0123456789");
    assert_eq!(bytes(&objects, &small, 3..5).await, b"34");
    assert_eq!(bytes(&objects, &small, 10..10).await, b"");
    assert_eq!(bytes(&objects, &large, 1..600_000).await, vec![7; 599_999]);
    refused(objects.read(&small, 3..11).await.map(|_| ()), StoreErrorKind::Mismatch);
    let backwards = std::ops::Range { start: 5, end: 3 };
    refused(objects.read(&small, backwards).await.map(|_| ()), StoreErrorKind::Mismatch);
    let (head, again) = (objects.head(&small).await.unwrap(), objects.head(&small).await.unwrap());
    assert_eq!((head.size, &head), (10, &again));
    assert_ne!(head.etag, objects.head(&large).await.unwrap().etag);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_folder, objects) = objects();
    let version = version_id();
    for name in [ObjectName::Master(version), file(version, "index.m3u8")] {
        refused(objects.head(&name).await, StoreErrorKind::NotFound);
        refused(objects.read(&name, 0..1).await.map(|_| ()), StoreErrorKind::NotFound);
    }
    let work = built(&objects, "job_1", "x").await;
    objects.publish_dir(&work, version, "g1").await.unwrap();
    refused(objects.head(&file(version, "v360")).await, StoreErrorKind::NotFound);
    refused(objects.head(&file(version, "index.m3u8/x")).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_link_in_a_preview_is_neither_published_nor_followed() {
    let (folder, objects) = objects();
    let version = version_id();
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let work = built(&objects, "job_1", "x").await;
    symlink(&secret, work.join("poster.jpg")).unwrap();
    assert!(objects.publish_dir(&work, version, "g1").await.is_err());
    refused(objects.preview_dir(version, "g1").await, StoreErrorKind::NotFound);
    fs::remove_file(work.join("poster.jpg")).unwrap();
    objects.publish_dir(&work, version, "g1").await.unwrap();

    // Somebody with a shell puts links in afterwards.
    let published = objects.preview_dir(version, "g1").await.unwrap();
    symlink(&secret, published.join("poster.jpg")).unwrap();
    symlink(folder.path(), published.join("out")).unwrap();
    for path in ["poster.jpg", "out/secret"] {
        refused(objects.head(&file(version, path)).await, StoreErrorKind::NotFound);
        refused(objects.read(&file(version, path), 0..6).await.map(|_| ()), StoreErrorKind::NotFound);
    }
    symlink(&published, published.with_file_name("g9")).unwrap();
    refused(objects.preview_dir(version, "g9").await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_name_that_was_made_by_hand_does_not_climb() {
    let (_folder, objects) = objects();
    let version = version_id();
    for (generation, path) in [("g1", "../../../db/control.sqlite"), ("..", "x"), ("g1", "/etc/passwd"), ("", "x")] {
        let name = ObjectName::Preview { version, generation: generation.into(), path: path.into() };
        refused(objects.head(&name).await, StoreErrorKind::NotFound);
    }
    for name in ["..", "a/b", ".hidden", ""] {
        assert!(objects.work_dir(name).await.is_err());
        assert!(objects.discard_work(name).await.is_err());
        assert!(objects.publish_dir(Path::new("x"), version, name).await.is_err());
    }
}

#[tokio::test]
async fn a_work_folder_starts_empty_and_is_swept() {
    let (_folder, objects) = objects();
    objects.sweep_work().await.unwrap();
    let work = built(&objects, "job_1", "x").await;
    let work_again = objects.work_dir("job_1").await.unwrap();
    assert_eq!(work, work_again);
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
    objects.discard_work("job_1").await.unwrap();
    objects.discard_work("job_1").await.unwrap();
    assert!(!work.exists());
    let (one, two) = (built(&objects, "job_1", "x").await, built(&objects, "job_2", "x").await);
    objects.sweep_work().await.unwrap();
    assert!(!one.exists() && !two.exists());
}

#[tokio::test]
async fn the_free_space_is_told() {
    let (_folder, objects) = objects();
    assert!(objects.free_bytes().await.unwrap() > 0);
}
