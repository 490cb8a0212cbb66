//! Objects as files, in three buckets: `staging` (being filled), `masters` (immutable), `previews` (generations).
//!
//! Invariants: what can be read is whole; names are made of ids and checked segments, and no link is followed beneath
//! a bucket; blocking IO never runs on an async thread. Deliberately not here: which object belongs to what (SQLite
//! knows), and retention.

mod files;
mod gates;
mod masters;
mod previews;
mod staging;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use appliance_app::ports::objects::{Body, ObjectHead, ObjectName, Objects};
use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::upload::{PartPlan, StoredPart};
use appliance_domain::{UploadId, VersionId};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::Mutex;

use crate::{OpenError, private_folder};
use files::{blocking, failed, open_beneath};
use staging::Staging;
pub(crate) use staging::StagingIndex;

/// Bytes of one piece of a read.
const SLICE: u64 = 256 << 10;

/// The object store, on files.
#[derive(Debug)]
pub struct FileObjects {
    masters: PathBuf,
    previews: PathBuf,
    staging: Staging,
    /// One promotion at a time: two of the same version must not mix.
    promoting: Arc<Mutex<()>>,
}

impl FileObjects {
    /// Opens or makes the buckets in `dir` (`var/lib/strongroom/objects`).
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let bucket = |name: &str| {
            let path = dir.join(name);
            private_folder(&path).map(|()| path)
        };
        Ok(Self {
            masters: bucket("masters")?,
            previews: bucket("previews")?,
            staging: Staging::new(bucket("staging")?),
            promoting: Arc::default(),
        })
    }

    pub(crate) fn staging_index(&self) -> StagingIndex {
        self.staging.index()
    }

    /// The file of an object, opened without following links.
    async fn file(&self, name: &ObjectName) -> StoreResult<File> {
        let (masters, previews, name) = (self.masters.clone(), self.previews.clone(), name.clone());
        blocking(move || open(&masters, &previews, &name)).await
    }
}

fn open(masters: &Path, previews: &Path, name: &ObjectName) -> StoreResult<File> {
    match name {
        ObjectName::Master(version) => masters::open(masters, *version),
        ObjectName::Preview { version, generation, path } => {
            let missing = || {
                let what = format!("the preview generation `{generation}` of `{version}` has no `{path}`");
                StoreError::new(StoreErrorKind::NotFound, what)
            };
            // The fields are public: only what the constructor would have let through reaches the disk.
            ObjectName::preview(*version, generation, path).ok_or_else(missing)?;
            let folder = version.to_string();
            let segments = [folder.as_str(), generation.as_str()].into_iter().chain(path.split('/'));
            open_beneath(previews, segments).map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => missing(),
                _ => failed(format!("cannot open `{path}` of a preview of `{version}`"), e),
            })
        }
    }
}

#[async_trait]
impl Objects for FileObjects {
    async fn write_part(
        &self,
        upload: UploadId,
        plan: PartPlan,
        number: u64,
        body: Body,
        sha256: Option<[u8; 32]>,
    ) -> StoreResult<StoredPart> {
        self.staging.write_part(upload, plan, number, body, sha256).await
    }

    async fn seal(&self, upload: UploadId) -> StoreResult<()> {
        self.staging.seal(upload).await
    }

    async fn staged_file(&self, upload: UploadId) -> StoreResult<PathBuf> {
        self.staging.file(upload).await
    }

    async fn digest_staged(
        &self,
        upload: UploadId,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> StoreResult<(String, u64)> {
        self.staging.digest(upload, progress).await
    }

    async fn promote(&self, upload: UploadId, version: VersionId, sha256: &str) -> StoreResult<()> {
        // The master shares its bytes with staging: nobody may write there any more.
        self.staging.seal(upload).await?;
        let staged = match self.staging.file(upload).await {
            Ok(path) => Some(path),
            Err(e) if e.kind == StoreErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let turn = Arc::clone(&self.promoting).lock_owned().await;
        let (root, sha256) = (self.masters.clone(), sha256.to_owned());
        blocking(move || {
            let _turn = turn;
            masters::promote(&root, staged.as_deref(), version, &sha256)
        })
        .await
    }

    async fn discard_staged(&self, upload: UploadId) -> StoreResult<()> {
        self.staging.discard(upload).await
    }

    async fn master_file(&self, version: VersionId) -> StoreResult<PathBuf> {
        let root = self.masters.clone();
        blocking(move || masters::path(&root, version)).await
    }

    async fn preview_dir(&self, version: VersionId, generation: &str) -> StoreResult<PathBuf> {
        let (root, generation) = (self.previews.clone(), generation.to_owned());
        blocking(move || previews::folder(&root, version, &generation)).await
    }

    async fn work_dir(&self, name: &str) -> StoreResult<PathBuf> {
        let (root, name) = (self.previews.clone(), name.to_owned());
        blocking(move || previews::work(&root, &name)).await
    }

    async fn publish_dir(&self, local: &Path, version: VersionId, generation: &str) -> StoreResult<()> {
        let (root, local, generation) = (self.previews.clone(), local.to_owned(), generation.to_owned());
        blocking(move || previews::publish(&root, &local, version, &generation)).await
    }

    async fn discard_work(&self, name: &str) -> StoreResult<()> {
        let (root, name) = (self.previews.clone(), name.to_owned());
        blocking(move || previews::discard_work(&root, &name)).await
    }

    async fn sweep_work(&self) -> StoreResult<()> {
        let root = self.previews.clone();
        blocking(move || previews::sweep_work(&root)).await
    }

    async fn head(&self, name: &ObjectName) -> StoreResult<ObjectHead> {
        let (masters, previews, name) = (self.masters.clone(), self.previews.clone(), name.clone());
        blocking(move || {
            if let ObjectName::Master(version) = name {
                return masters::head(&masters, version);
            }
            let file = open(&masters, &previews, &name)?;
            let found = file.metadata().map_err(|e| failed("cannot read an object", e))?;
            // A generation never changes, so that size and time tell one file from another that bore its name.
            let etag = format!("{:x}-{:x}{:08x}", found.len(), found.mtime(), found.mtime_nsec());
            Ok(ObjectHead { size: found.len(), etag })
        })
        .await
    }

    async fn read(&self, name: &ObjectName, range: Range<u64>) -> StoreResult<Body> {
        let file = self.file(name).await?;
        let size = file.metadata().map_err(|e| failed("cannot read an object", e))?.len();
        if range.start > range.end || range.end > size {
            let what = format!("bytes {} to {} do not lie in an object of {size}", range.start, range.end);
            return Err(StoreError::new(StoreErrorKind::Mismatch, what));
        }
        let slices = stream::try_unfold((Arc::new(file), range), |(file, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + SLICE);
            let (from, start) = (Arc::clone(&file), range.start);
            let read = tokio::task::spawn_blocking(move || -> io::Result<Bytes> {
                let mut slice = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
                from.read_exact_at(&mut slice, start)?;
                Ok(slice.into())
            });
            let slice = read.await.map_err(io::Error::other)??;
            Ok(Some((slice, (file, end..range.end))))
        });
        Ok(slices.boxed())
    }

    async fn free_bytes(&self) -> StoreResult<u64> {
        let root = self.masters.clone();
        blocking(move || {
            let found = rustix::fs::statvfs(&root).map_err(|e| failed("cannot tell the free space", e.into()))?;
            Ok(found.f_bavail.saturating_mul(found.f_frsize))
        })
        .await
    }
}
