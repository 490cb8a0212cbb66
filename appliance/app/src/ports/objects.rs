//! Objects: bytes under names, in buckets that differ in who may write and what may change.
//!
//! Invariants: an object that can be read is whole; a master never changes; names are made by us, never by a client.
//! Adapter 1 is files (`appliance-store`); S3 follows the same port.

use std::ops::Range;
use std::path::{Path, PathBuf};

use appliance_domain::upload::{PartPlan, StoredPart};
use appliance_domain::{UploadId, VersionId};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::StoreResult;

/// A stream of bytes.
pub type Body = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// Where viewers' bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectName {
    /// The master of a version.
    Master(VersionId),
    /// A file of a preview generation: relative path of plain segments (`[a-z0-9_.-]`), checked by the constructor.
    Preview {
        /// Whose.
        version: VersionId,
        /// Which folder.
        generation: String,
        /// The file in it.
        path: String,
    },
}

impl ObjectName {
    /// A preview's file, if generation and path are plain names: no empty, dotted or odd segments.
    #[must_use]
    pub fn preview(version: VersionId, generation: &str, path: &str) -> Option<Self> {
        let plain = |segment: &str| {
            !segment.is_empty()
                && segment.len() <= 100
                && !segment.starts_with('.')
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'))
        };
        let fits = plain(generation) && path.len() <= 200 && path.split('/').all(plain);
        fits.then(|| Self::Preview { version, generation: generation.to_owned(), path: path.to_owned() })
    }
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Bytes.
    pub size: u64,
    /// Strong validator, without quotes.
    pub etag: String,
}

/// The object store.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes one part into staging, durably, from a stream that must have exactly the part's length. `Mismatch` when
    /// length or checksum differ (nothing is kept then); `Conflict` when the same part is being written by someone else
    /// or the upload is sealed.
    async fn write_part(
        &self,
        upload: UploadId,
        plan: PartPlan,
        number: u64,
        body: Body,
        sha256: Option<[u8; 32]>,
    ) -> StoreResult<StoredPart>;
    /// Refuses further writes to this upload for as long as this process lives, once those under way have ended.
    async fn seal(&self, upload: UploadId) -> StoreResult<()>;
    /// The staged bytes as a local file, for checking. `NotFound` when nothing is staged.
    async fn staged_file(&self, upload: UploadId) -> StoreResult<PathBuf>;
    /// Hex SHA-256 and size of the staged bytes, read from the store; `progress` gets bytes done.
    async fn digest_staged(
        &self,
        upload: UploadId,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> StoreResult<(String, u64)>;
    /// Makes the staged bytes the immutable master of this version. Doing it again is fine if the master is the same
    /// bytes (by size and `sha256`); `Conflict` if it is not.
    async fn promote(&self, upload: UploadId, version: VersionId, sha256: &str) -> StoreResult<()>;
    /// Drops what an upload left in staging. Nothing there is fine.
    async fn discard_staged(&self, upload: UploadId) -> StoreResult<()>;
    /// The master as a local file to read.
    async fn master_file(&self, version: VersionId) -> StoreResult<PathBuf>;
    /// A preview generation as a local folder to read. `NotFound` when it is not published.
    async fn preview_dir(&self, version: VersionId, generation: &str) -> StoreResult<PathBuf>;
    /// An empty folder to build in, on the same file system as the previews; dropped by `sweep_work`.
    async fn work_dir(&self, name: &str) -> StoreResult<PathBuf>;
    /// Publishes a folder as a generation, durably and at once; a generation that is there already is kept as it is.
    async fn publish_dir(&self, local: &Path, version: VersionId, generation: &str) -> StoreResult<()>;
    /// Drops a work folder.
    async fn discard_work(&self, name: &str) -> StoreResult<()>;
    /// Drops all work folders (at start, when no job runs).
    async fn sweep_work(&self) -> StoreResult<()>;
    /// Size and validator. `NotFound` when there is none.
    async fn head(&self, name: &ObjectName) -> StoreResult<ObjectHead>;
    /// The bytes in `range` (which must lie within the object).
    async fn read(&self, name: &ObjectName, range: Range<u64>) -> StoreResult<Body>;
    /// Bytes free for new objects.
    async fn free_bytes(&self) -> StoreResult<u64>;
}
