//! Staging: one folder for each upload.
//!
//! ```text
//! staging/<upload>/data               all parts in place, sparse
//! staging/<upload>/parts              32 bytes for each part: its SHA-256 once it is stored, zeroes before
//! staging/<upload>/new-<n>            a stored part that is being sent again
//! staging/<upload>/redo-<n>-<offset>  … and has come whole: it is copied into place, again after a crash
//! ```
//!
//! Invariants: a part is told to be stored only when its bytes are on disk; what was stored stays whole whatever
//! becomes of a later attempt to send it again (that one goes aside first); promoted bytes are never written to.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use appliance_app::ports::objects::Body;
use appliance_app::ports::{StoreError, StoreErrorKind, StoreResult};
use appliance_domain::UploadId;
use appliance_domain::upload::{PartPlan, StoredPart};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::objects::files::{blocking, failed, sync_folder};
use crate::objects::gates::{Claim, Gates};

/// Bytes gathered before they are handed to the disk.
const BATCH: usize = 1 << 20;
/// Bytes digested between two reports of progress.
const STEP: u64 = 8 << 20;
const DIGEST: u64 = 32;

/// What lies in staging, for whoever asks what may be dropped.
#[derive(Clone, Debug)]
pub(crate) struct StagingIndex {
    root: PathBuf,
}

impl StagingIndex {
    /// The uploads that have left something.
    pub(crate) async fn list(&self) -> StoreResult<Vec<UploadId>> {
        let root = self.root.clone();
        blocking(move || {
            let entries = fs::read_dir(&root).map_err(|e| failed("cannot list what is staged", e))?;
            let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
            Ok(entries.filter_map(name).collect())
        })
        .await
    }
}

/// The bucket of uploads.
#[derive(Debug)]
pub(crate) struct Staging {
    root: PathBuf,
    gates: Gates,
}

impl Staging {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, gates: Gates::default() }
    }

    pub(crate) fn index(&self) -> StagingIndex {
        StagingIndex { root: self.root.clone() }
    }

    fn folder(&self, upload: UploadId) -> PathBuf {
        self.root.join(upload.to_string())
    }

    pub(crate) async fn write_part(
        &self,
        upload: UploadId,
        plan: PartPlan,
        number: u64,
        mut body: Body,
        sha256: Option<[u8; 32]>,
    ) -> StoreResult<StoredPart> {
        let mismatch = |what: String| StoreError::new(StoreErrorKind::Mismatch, what);
        let Some((offset, length)) = plan.part(number) else {
            return Err(mismatch(format!("part {number} is not one of the {} of the upload", plan.count())));
        };
        let claim = self.gates.claim(upload, number).await?;
        let folder = self.folder(upload);
        let mut part =
            blocking(move || Part::open(folder, plan, number, offset, claim).map_err(|e| e.told(number))).await?;
        let (mut batch, mut gathered, mut total) = (Vec::<Bytes>::new(), 0, 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| {
                let what = format!("part {number} broke off after {total} of {length} bytes");
                StoreError::caused(StoreErrorKind::Mismatch, what, e)
            })?;
            total += chunk.len() as u64;
            if total > length {
                return Err(mismatch(format!("part {number} is longer than its {length} bytes")));
            }
            gathered += chunk.len();
            batch.push(chunk);
            if gathered >= BATCH {
                let chunks = std::mem::take(&mut batch);
                gathered = 0;
                part = blocking(move || part.write(chunks)).await?;
            }
        }
        if total != length {
            return Err(mismatch(format!("part {number} has {total} bytes, not {length}")));
        }
        let digest = blocking(move || part.write(batch)?.finish(sha256)).await?;
        Ok(StoredPart { number, size: length, etag: hex::encode(digest) })
    }

    pub(crate) async fn seal(&self, upload: UploadId) -> StoreResult<()> {
        self.gates.seal(upload).await;
        let folder = self.folder(upload);
        blocking(move || settle(&folder)).await
    }

    /// The file with all parts in place; `NotFound` when nothing is staged.
    pub(crate) async fn file(&self, upload: UploadId) -> StoreResult<PathBuf> {
        let folder = self.folder(upload);
        blocking(move || {
            settle(&folder)?;
            let path = folder.join("data");
            let nothing = || StoreError::new(StoreErrorKind::NotFound, format!("nothing is staged for `{upload}`"));
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => Ok(path),
                Ok(_) => Err(nothing()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Err(nothing()),
                Err(e) => Err(failed("cannot look into staging", e)),
            }
        })
        .await
    }

    pub(crate) async fn digest(
        &self,
        upload: UploadId,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> StoreResult<(String, u64)> {
        let unreadable = |e| failed("cannot read the staged bytes", e);
        let path = self.file(upload).await?;
        let mut file = blocking(move || File::open(path).map_err(unreadable)).await?;
        let (mut hasher, mut done) = (Sha256::new(), 0);
        loop {
            let step;
            (file, hasher, step) = blocking(move || {
                let step = io::copy(&mut (&file).take(STEP), &mut hasher).map_err(unreadable)?;
                Ok((file, hasher, step))
            })
            .await?;
            if step == 0 {
                return Ok((hex::encode(hasher.finalize()), done));
            }
            done += step;
            progress(done);
        }
    }

    pub(crate) async fn discard(&self, upload: UploadId) -> StoreResult<()> {
        // Whoever still writes must not make the folder anew.
        self.gates.seal(upload).await;
        let folder = self.folder(upload);
        blocking(move || match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(failed(format!("cannot drop what `{upload}` left in staging"), e)),
        })
        .await
    }
}

/// Why a part could not be opened.
enum NotOpened {
    Io(io::Error),
    Refused(&'static str),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl NotOpened {
    fn told(self, number: u64) -> StoreError {
        match self {
            Self::Io(error) => failed(format!("cannot write part {number}"), error),
            Self::Refused(why) => StoreError::new(StoreErrorKind::Conflict, why),
        }
    }
}

/// A part under way.
struct Part {
    folder: PathBuf,
    number: u64,
    offset: u64,
    /// `data`, or the file aside.
    file: File,
    /// The file aside, where the part was stored before; dropped with this value unless it became a redo.
    aside: Option<PathBuf>,
    written: u64,
    hasher: Sha256,
    _claim: Claim,
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.aside {
            let _ = fs::remove_file(path);
        }
    }
}

impl Part {
    fn open(folder: PathBuf, plan: PartPlan, number: u64, offset: u64, claim: Claim) -> Result<Self, NotOpened> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let data = folder.join("data");
        if let Ok(found) = fs::symlink_metadata(&data) {
            if found.nlink() > 1 || found.mode() & 0o200 == 0 {
                return Err(NotOpened::Refused("the bytes of the upload are promoted already"));
            }
            if found.len() != 0 && found.len() != plan.size {
                return Err(NotOpened::Refused("the upload was begun with another size"));
            }
        }
        let mut file = writable(&data, false)?;
        if file.metadata()?.len() != plan.size {
            file.set_len(plan.size)?;
        }
        let parts = writable(&folder.join("parts"), false)?;
        if parts.metadata()?.len() < plan.count() * DIGEST {
            parts.set_len(plan.count() * DIGEST)?;
        }
        let redo = folder.join(format!("redo-{number}-{offset}"));
        if redo.exists() {
            apply_redo(&folder, &redo, number, offset)?;
        }
        let mut aside = None;
        if stored(&parts, number)? != [0; 32] {
            let path = folder.join(format!("new-{number}"));
            file = writable(&path, true)?;
            aside = Some(path);
        }
        Ok(Self { folder, number, offset, file, aside, written: 0, hasher: Sha256::new(), _claim: claim })
    }

    fn write(mut self, chunks: Vec<Bytes>) -> StoreResult<Self> {
        let start = if self.aside.is_some() { 0 } else { self.offset };
        for chunk in chunks {
            let written = self.file.write_all_at(&chunk, start + self.written);
            written.map_err(|e| failed(format!("cannot write part {}", self.number), e))?;
            self.hasher.update(&chunk);
            self.written += chunk.len() as u64;
        }
        Ok(self)
    }

    /// Makes the part durable and notes that it is stored. Returns its digest.
    fn finish(mut self, wanted: Option<[u8; 32]>) -> StoreResult<[u8; 32]> {
        let digest: [u8; 32] = std::mem::take(&mut self.hasher).finalize().into();
        if wanted.is_some_and(|wanted| wanted != digest) {
            let what = format!("the SHA-256 of part {} is not the one that was promised", self.number);
            return Err(StoreError::new(StoreErrorKind::Mismatch, what));
        }
        let kept = match self.aside.take() {
            None => self.note(digest),
            Some(aside) => self.replace(aside, digest),
        };
        kept.map_err(|e| failed(format!("cannot store part {}", self.number), e))?;
        Ok(digest)
    }

    /// The bytes first, then the note that they are there.
    fn note(&self, digest: [u8; 32]) -> io::Result<()> {
        self.file.sync_data()?;
        note_stored(&self.folder, self.number, digest)?;
        sync_folder(&self.folder)?;
        self.folder.parent().map_or(Ok(()), sync_folder)
    }

    fn replace(&mut self, aside: PathBuf, digest: [u8; 32]) -> io::Result<()> {
        let parts = File::open(self.folder.join("parts"))?;
        if stored(&parts, self.number)? == digest {
            return fs::remove_file(aside);
        }
        self.file.sync_all()?;
        let redo = self.folder.join(format!("redo-{}-{}", self.number, self.offset));
        fs::rename(aside, &redo)?;
        sync_folder(&self.folder)?;
        apply_redo(&self.folder, &redo, self.number, self.offset)
    }
}

fn writable(path: &Path, truncate: bool) -> io::Result<File> {
    let no_links = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(truncate).mode(0o600).custom_flags(no_links).open(path)
}

fn stored(parts: &File, number: u64) -> io::Result<[u8; 32]> {
    let mut digest = [0; 32];
    parts.read_exact_at(&mut digest, (number - 1) * DIGEST)?;
    Ok(digest)
}

fn note_stored(folder: &Path, number: u64, digest: [u8; 32]) -> io::Result<()> {
    let parts = writable(&folder.join("parts"), false)?;
    parts.write_all_at(&digest, (number - 1) * DIGEST)?;
    parts.sync_data()
}

/// Copies a part that came again, whole, over the one before. Doing it twice is the same as once.
fn apply_redo(folder: &Path, redo: &Path, number: u64, offset: u64) -> io::Result<()> {
    let (mut from, data) = (File::open(redo)?, writable(&folder.join("data"), false)?);
    let (mut hasher, mut at, mut buffer) = (Sha256::new(), offset, vec![0; BATCH]);
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        data.write_all_at(bytes, at)?;
        hasher.update(bytes);
        at += read as u64;
    }
    data.sync_data()?;
    note_stored(folder, number, hasher.finalize().into())?;
    fs::remove_file(redo)
}

/// Finishes what a crash may have left half copied.
fn settle(folder: &Path) -> StoreResult<()> {
    let unsettled = |e| failed("cannot finish what was being stored", e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(unsettled(e)),
    };
    for entry in entries {
        let entry = entry.map_err(unsettled)?;
        let name = entry.file_name();
        let numbers = name.to_str().and_then(|name| name.strip_prefix("redo-")?.split_once('-'));
        if let Some((Ok(number), Ok(offset))) = numbers.map(|(n, o)| (n.parse::<u64>(), o.parse::<u64>())) {
            apply_redo(folder, &entry.path(), number.max(1), offset).map_err(unsettled)?;
        }
    }
    Ok(())
}
