//! Staging: verified chunks from the medium become blobs in the store.
//!
//! Invariants: a chunk is written only after its digest matched; a blob gets its name in the store only when every chunk
//! is there, the digest of the whole matched and the file is synced; what an earlier attempt left is read and compared
//! before it counts; the slots are not touched. Deliberately not here: reading archives (`bundler-format`).

use crate::error::Failure;
use crate::host_fs::{Doing, HostFs, make_folders};
use crate::layout::Layout;
use crate::medium::FolderMedium;
use crate::stop::Stop;
use crate::teller::Teller;
use bundler_format::volumes::{BundleError, ChunkAt, Sink, verify_volume};
use bundler_format::{Blob, ChunkCheck, Digest, Hasher, Release, Verified};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;

/// A release and the medium it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The release.
    pub verified: &'a Verified,
    /// Where its volumes lie.
    pub medium: &'a FolderMedium,
}

/// What staging works with.
#[allow(missing_debug_implementations, reason = "a borrowed file system has nothing to show")]
pub struct Staging<'a> {
    /// The host.
    pub fs: &'a dyn HostFs,
    /// Its paths.
    pub layout: &'a Layout,
    /// Ctrl-C.
    pub stop: &'a Stop,
}

/// A blob that grows.
struct Part {
    size: u64,
    /// By chunk: is it on the disk, compared?
    have: Vec<bool>,
    /// Over the chunks seen so far, as long as they came in order from the first.
    hash: Option<(Hasher, usize)>,
}

impl Part {
    fn complete(&self) -> bool {
        self.have.iter().all(|have| *have)
    }
}

/// The blobs of the release that the store does not have.
///
/// # Errors
/// [`Failure::Disk`].
pub fn missing<'r>(fs: &dyn HostFs, layout: &Layout, release: &'r Release) -> Result<Vec<&'r Blob>, Failure> {
    let mut missing = Vec::new();
    for blob in &release.blobs {
        let path = layout.blob(&blob.digest);
        if fs.look(&path).doing("look at", &path)?.is_none_or(|seen| seen.len != blob.size) {
            missing.push(blob);
        }
    }
    Ok(missing)
}

impl Staging<'_> {
    /// Copies what is missing. Returns the blobs that were written now and need not be read again before the switch.
    ///
    /// # Errors
    /// Damage on the medium, the host's disk, or a stop; everything verified so far is kept.
    pub fn run(&self, source: Source<'_>, teller: &mut Teller) -> Result<BTreeSet<Digest>, Failure> {
        let release = source.verified.release();
        make_folders(self.fs, &self.layout.blobs())?;
        make_folders(self.fs, &self.layout.staging())?;
        let missing = missing(self.fs, self.layout, release)?;
        self.drop_other_parts(&missing)?;
        let mut parts = BTreeMap::new();
        for blob in missing {
            let path = self.layout.blob(&blob.digest);
            // Of another length than the manifest says: damaged.
            self.fs.remove_file(&path).doing("remove", &path)?;
            parts.insert(blob.digest, self.take_up(blob)?);
        }
        let mut keeper = Keeper { staging: self, release, parts, written: BTreeSet::new(), failed: None };
        keeper.finish_complete_ones()?;
        keeper.read_volumes(source, teller)?;
        let blobs = self.layout.blobs();
        self.fs.sync_folder(&blobs).doing("sync the folder", &blobs)?;
        Ok(keeper.written)
    }

    /// Parts of releases that were given up: their space is needed.
    fn drop_other_parts(&self, missing: &[&Blob]) -> Result<(), Failure> {
        let folder = self.layout.staging();
        let wanted: BTreeSet<_> = missing.iter().map(|blob| self.layout.part(&blob.digest)).collect();
        for name in self.fs.list(&folder).doing("list", &folder)? {
            let path = folder.join(name);
            if !wanted.contains(&path) {
                self.fs.remove_file(&path).doing("remove", &path)?;
            }
        }
        Ok(())
    }

    /// Reads what an earlier attempt left of a blob, chunk by chunk; after a power cut anything may stand there.
    fn take_up(&self, blob: &Blob) -> Result<Part, Failure> {
        let mut part = Part { size: blob.size, have: vec![false; blob.chunks.len()], hash: Some((Hasher::new(), 0)) };
        let path = self.layout.part(&blob.digest);
        // Longer than the blob: nothing that staging left.
        if self.fs.look(&path).doing("look at", &path)?.is_some_and(|seen| seen.len > blob.size) {
            self.fs.remove_file(&path).doing("remove", &path)?;
        }
        let mut file = match self.fs.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(part),
            Err(error) => return Err(error).doing("open", &path).map_err(Failure::from),
        };
        for chunk in ChunkCheck::whole(blob) {
            if self.stop.asked() {
                return Err(Failure::Interrupted);
            }
            let length = chunk.range.end - chunk.range.start;
            let mut bytes = Vec::new();
            (&mut file).take(length).read_to_end(&mut bytes).doing("read", &path)?;
            if bytes.is_empty() {
                break;
            }
            if let Some(have) = part.have.get_mut(chunk.index) {
                *have = chunk.check(&bytes).is_ok();
            }
        }
        Ok(part)
    }

    /// The digest of a whole file, for a blob whose chunks did not come in order from one pass.
    fn digest_of(&self, path: &Path) -> Result<Digest, Failure> {
        hash_file(self.fs, path, self.stop, &mut |_| {})
    }
}

/// Hashes a file, at most one buffer in memory.
///
/// # Errors
/// [`Failure::Disk`], [`Failure::Interrupted`].
pub fn hash_file(fs: &dyn HostFs, path: &Path, stop: &Stop, done: &mut dyn FnMut(u64)) -> Result<Digest, Failure> {
    let mut file = fs.open(path).doing("open", path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        if stop.asked() {
            return Err(Failure::Interrupted);
        }
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).doing("read", path).map_err(Failure::from),
        };
        hasher.update(buffer.get(..count).unwrap_or_default());
        done(count as u64);
    }
}

/// Receives verified chunks.
struct Keeper<'a> {
    staging: &'a Staging<'a>,
    release: &'a Release,
    parts: BTreeMap<Digest, Part>,
    written: BTreeSet<Digest>,
    /// The failure behind the IO error that ended the pass.
    failed: Option<Failure>,
}

impl Keeper<'_> {
    /// Blobs that the attempt before had completed but not yet named, and empty ones.
    fn finish_complete_ones(&mut self) -> Result<(), Failure> {
        let complete: Vec<Digest> =
            self.parts.iter().filter(|(_, part)| part.complete()).map(|(digest, _)| *digest).collect();
        for digest in complete {
            if self.parts.get(&digest).is_some_and(|part| part.size == 0) {
                let path = self.staging.layout.part(&digest);
                self.staging.fs.write_at(&path, 0, &[]).doing("write", &path)?;
            }
            self.finish(&digest)?;
        }
        Ok(())
    }

    /// Only the volumes that hold something missing are read at all.
    fn read_volumes(&mut self, source: Source<'_>, teller: &mut Teller) -> Result<(), Failure> {
        let needed: Vec<usize> = (0..self.release.volumes.len()).filter(|index| self.needs(*index)).collect();
        let total = needed.iter().filter_map(|index| self.release.volumes.get(*index)).map(|volume| volume.size).sum();
        teller.begin("copy", total);
        for index in needed {
            let mut before = 0;
            let result = verify_volume(source.verified, index, source.medium, self, &mut |progress| {
                teller.item(progress.item);
                teller.advance(progress.done.saturating_sub(before));
                before = progress.done;
            });
            if let Err(error) = result {
                return Err(self.failed.take().unwrap_or(Failure::Bundle(error)));
            }
        }
        teller.end();
        // A blob whose last chunk was on the disk already is complete without having seen it again.
        self.finish_complete_ones()?;
        match self.parts.keys().next() {
            None => Ok(()),
            // The manifest was checked to hold every blob in its volumes, so this is not expected.
            Some(digest) => Err(Failure::Bundle(BundleError::Missing { file: format!("blob {digest}") })),
        }
    }

    fn needs(&self, volume: usize) -> bool {
        self.release.volumes.get(volume).is_some_and(|volume| {
            volume.entries.iter().any(|entry| {
                let Some(part) = self.parts.get(&entry.blob) else { return false };
                ChunkCheck::new(self.release, entry)
                    .into_iter()
                    .flatten()
                    .any(|chunk| part.have.get(chunk.index).is_some_and(|have| !have))
            })
        })
    }

    fn keep(&mut self, at: &ChunkAt<'_>, bytes: &[u8]) -> Result<(), Failure> {
        if self.staging.stop.asked() {
            return Err(Failure::Interrupted);
        }
        let Some(part) = self.parts.get_mut(&at.blob) else { return Ok(()) };
        part.hash = match part.hash.take() {
            Some((mut hash, next)) if next == at.index => {
                hash.update(bytes);
                Some((hash, next + 1))
            }
            _ => None,
        };
        if let Some(have) = part.have.get_mut(at.index).filter(|have| !**have) {
            let path = self.staging.layout.part(&at.blob);
            self.staging.fs.write_at(&path, at.range.start, bytes).doing("write", &path)?;
            *have = true;
        }
        if part.complete() && at.range.end == at.blob_size { self.finish(&at.blob) } else { Ok(()) }
    }

    /// Gives a complete blob its name.
    fn finish(&mut self, digest: &Digest) -> Result<(), Failure> {
        let Some(part) = self.parts.remove(digest) else { return Ok(()) };
        let Staging { fs, layout, .. } = self.staging;
        let path = layout.part(digest);
        match part.hash {
            Some((hash, next)) if next == part.have.len() => {
                let got = hash.finish();
                if got != *digest {
                    fs.remove_file(&path).doing("remove", &path)?;
                    return Err(Failure::Bundle(BundleError::Contradiction { blob: *digest, got }));
                }
            }
            _ if self.staging.digest_of(&path)? != *digest => {
                fs.remove_file(&path).doing("remove", &path)?;
                return Err(Failure::DiskDamages { version: self.release.version.to_string() });
            }
            _ => {}
        }
        fs.set_mode(&path, 0o444).doing("set the mode of", &path)?;
        fs.sync_file(&path).doing("sync", &path)?;
        let name = layout.blob(digest);
        fs.rename(&path, &name).doing("rename to", &name)?;
        self.written.insert(*digest);
        Ok(())
    }
}

impl Sink for Keeper<'_> {
    fn chunk(&mut self, at: &ChunkAt<'_>, bytes: &[u8]) -> io::Result<()> {
        self.keep(at, bytes).map_err(|failure| {
            let text = failure.to_string();
            self.failed = Some(failure);
            io::Error::other(text)
        })
    }
}
