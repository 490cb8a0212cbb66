//! Verifies volumes: one pass, chunk by chunk, each chunk proven before it is handed on.
//!
//! Invariant: the manifest is the only source of names and lengths; the archive is compared with it, never believed.
//! Deliberately not here: opening files (`Medium`), keeping bytes (`Sink`).

use std::io::{self, Read};
use std::ops::Range;

use super::damage::{BundleError, Damage};
use super::frames::{FrameError, FrameReader};
use super::medium::Medium;
use crate::{Digest, FrameKind, Hasher, Release, Verified, Volume, frames, tar_header};

/// A verified chunk's place.
#[derive(Clone, Debug)]
pub struct ChunkAt<'a> {
    /// The volume it came from.
    pub volume: &'a Volume,
    /// The blob.
    pub blob: Digest,
    /// Bytes of the whole blob.
    pub blob_size: u64,
    /// The number of the chunk in the blob, from 0.
    pub index: usize,
    /// The range of bytes in the blob.
    pub range: Range<u64>,
}

/// Receives verified chunks: of one blob in order, blobs in the order of the manifest.
///
/// An error with kind `StorageFull` ends with the exit code for no space; any other is kept as the cause.
pub trait Sink {
    /// Takes a chunk whose digest has been compared.
    ///
    /// # Errors
    /// What kept it from being kept.
    fn chunk(&mut self, at: &ChunkAt<'_>, bytes: &[u8]) -> io::Result<()>;

    /// The last chunk of this blob has been handed over, and (from `verify_volumes`) the digest of the whole compared.
    /// Also called for an empty blob, which has no chunk.
    ///
    /// # Errors
    /// What kept it from being completed.
    fn blob_complete(&mut self, _blob: &Digest, _size: u64) -> io::Result<()> {
        Ok(())
    }
}

/// How far a pass has come, in bytes of the volumes as they lie on the medium.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Bytes read.
    pub done: u64,
    /// Bytes to read.
    pub total: u64,
    /// The volume at hand.
    pub item: &'a str,
}

/// Verifies all volumes in order and hands every chunk to `sink`.
///
/// # Errors
/// The first damage met; chunks before it have been handed over.
pub fn verify_volumes(
    verified: &Verified,
    medium: &dyn Medium,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), BundleError> {
    let release = verified.release();
    // A blob that spans volumes keeps its hash from one to the next.
    let mut whole = Some(Hasher::new());
    let (mut before, total) = (0, release.volume_bytes());
    for volume in &release.volumes {
        let read = open_volume(release, volume, medium)?;
        let mut report = |done: u64| progress(Progress { done: before + done, total, item: volume.name.as_str() });
        Pass { release, volume, sink, whole: &mut whole }.run(read, &mut report)?;
        before += volume.size;
    }
    Ok(())
}

/// Verifies one volume, as when resuming: chunks and the volume's own digest, but not the digests of blobs that span
/// volumes (their chunks are signed one by one; the manifest's own consistency is what `verify_volumes` adds).
///
/// # Errors
/// The first damage met; chunks before it have been handed over.
pub fn verify_volume(
    verified: &Verified,
    index: usize,
    medium: &dyn Medium,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), BundleError> {
    let release = verified.release();
    let Some(volume) = release.volumes.get(index) else {
        return Err(BundleError::Missing { file: format!("{}/volume {index}", release.version) });
    };
    let read = open_volume(release, volume, medium)?;
    let mut report = |done: u64| progress(Progress { done, total: volume.size, item: volume.name.as_str() });
    Pass { release, volume, sink, whole: &mut None }.run(read, &mut report)
}

fn file_of(release: &Release, volume: &Volume) -> String {
    format!("{}/{}", release.version, volume.name)
}

fn open_volume<'m>(
    release: &Release,
    volume: &Volume,
    medium: &'m dyn Medium,
) -> Result<Box<dyn Read + 'm>, BundleError> {
    let file = file_of(release, volume);
    medium.open(&file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => BundleError::Missing { file },
        _ => BundleError::Unreadable { file, at: 0, source },
    })
}

/// One pass over one volume.
struct Pass<'a> {
    release: &'a Release,
    volume: &'a Volume,
    sink: &'a mut dyn Sink,
    /// The running digest of the blob at hand, when the pass began at the first volume.
    whole: &'a mut Option<Hasher>,
}

impl Pass<'_> {
    fn run(&mut self, read: impl Read, report: &mut dyn FnMut(u64)) -> Result<(), BundleError> {
        let file = file_of(self.release, self.volume);
        let mut reader = FrameReader::new(read, self.volume.size).map_err(BundleError::Decompressor)?;
        let mut bytes = Vec::new();
        for frame in frames(self.release, self.volume) {
            let begin = reader.position();
            let outcome = reader.frame(frame.length, &mut bytes);
            let at = begin..reader.position();
            match outcome {
                Ok(()) => self.take(&file, &frame.kind, &bytes, at)?,
                Err(FrameError::Bad(reason)) => {
                    // A short file reads as a damaged one when its end is zeros or garbage; a short size says which.
                    let got = reader.drain().map_err(|e| self.failed(&file, e))?;
                    if got < self.volume.size {
                        return Err(BundleError::CutShort { file, expected: self.volume.size, got });
                    }
                    return Err(self.damaged(&file, &frame.kind, at, None, Some(reason)));
                }
                // All signed bytes are there and the frame still asks for more: damaged, not short.
                Err(FrameError::End(at)) if at >= self.volume.size => {
                    let reason = "the volume ends inside this frame".to_owned();
                    return Err(self.damaged(&file, &frame.kind, begin..at, None, Some(reason)));
                }
                Err(error) => return Err(self.failed(&file, error)),
            }
            report(reader.position());
        }
        let tail = reader.finish().map_err(|e| self.failed(&file, e))?;
        if tail.taken < self.volume.size {
            return Err(BundleError::CutShort { file, expected: self.volume.size, got: tail.taken });
        }
        if tail.goes_on {
            return Err(BundleError::TooLong { file, expected: self.volume.size });
        }
        if tail.archive_end < self.volume.size {
            return Err(BundleError::AfterEnd {
                volume: file,
                at: tail.archive_end,
                extra: self.volume.size - tail.archive_end,
            });
        }
        if tail.digest != self.volume.digest {
            return Err(BundleError::OtherContent {
                file,
                size: self.volume.size,
                expected: self.volume.digest,
                got: tail.digest,
            });
        }
        Ok(())
    }

    fn take(&mut self, file: &str, kind: &FrameKind, bytes: &[u8], at: Range<u64>) -> Result<(), BundleError> {
        if let FrameKind::Chunk { chunk, .. } = kind {
            if let Err(mismatch) = chunk.check(bytes) {
                return Err(self.damaged(file, kind, at, Some(mismatch.got), None));
            }
            let blob_size = self.release.blob(&chunk.blob).map_or(chunk.range.end, |blob| blob.size);
            let place = ChunkAt {
                volume: self.volume,
                blob: chunk.blob,
                blob_size,
                index: chunk.index,
                range: chunk.range.clone(),
            };
            let kept = |source| BundleError::Sink { blob: chunk.blob, range: chunk.range.clone(), source };
            self.sink.chunk(&place, bytes).map_err(kept)?;
            if let Some(whole) = self.whole {
                whole.update(bytes);
            }
            return if chunk.range.end == blob_size { self.complete(chunk.blob, blob_size) } else { Ok(()) };
        }
        if self.expected(kind) != bytes {
            return Err(self.damaged(file, kind, at, Some(Digest::of(bytes)), None));
        }
        match kind {
            FrameKind::Header { entry, .. } => match self.volume.entries.get(*entry) {
                Some(entry) if entry.length == 0 => self.complete(entry.blob, 0),
                _ => Ok(()),
            },
            FrameKind::Chunk { .. } | FrameKind::End { .. } => Ok(()),
        }
    }

    fn complete(&mut self, blob: Digest, size: u64) -> Result<(), BundleError> {
        if let Some(whole) = self.whole {
            let got = std::mem::take(whole).finish();
            if got != blob {
                return Err(BundleError::Contradiction { blob, got });
            }
        }
        self.sink.blob_complete(&blob, size).map_err(|source| BundleError::Sink { blob, range: 0..size, source })
    }

    /// The bytes of a frame that is not a chunk.
    fn expected(&self, kind: &FrameKind) -> Vec<u8> {
        match kind {
            FrameKind::Header { entry, padding } => {
                let mut bytes = vec![0; usize::try_from(*padding).unwrap_or(0)];
                if let Some(entry) = self.volume.entries.get(*entry) {
                    bytes.extend_from_slice(&tar_header(&entry.name, entry.length, self.release.created));
                }
                bytes
            }
            FrameKind::Chunk { .. } => Vec::new(),
            FrameKind::End { padding } => vec![0; usize::try_from(padding + 2 * crate::layout::BLOCK).unwrap_or(0)],
        }
    }

    fn damaged(
        &self,
        file: &str,
        kind: &FrameKind,
        at: Range<u64>,
        got: Option<Digest>,
        reason: Option<String>,
    ) -> BundleError {
        let last = self.volume.entries.len().saturating_sub(1);
        let (index, blob_range, expected) = match kind {
            FrameKind::Header { entry, .. } => (*entry, 0..0, Digest::of(&self.expected(kind))),
            FrameKind::Chunk { entry, chunk } => (*entry, chunk.range.clone(), chunk.digest),
            FrameKind::End { .. } => (last, 0..0, Digest::of(&self.expected(kind))),
        };
        match self.volume.entries.get(index) {
            Some(entry) => BundleError::Damaged(Box::new(Damage {
                volume: file.to_owned(),
                volume_range: at,
                entry: entry.name.clone(),
                blob_range,
                expected,
                got,
                reason,
            })),
            // A checked manifest has an entry in every volume.
            None => BundleError::AfterEnd { volume: file.to_owned(), at: 0, extra: self.volume.size },
        }
    }

    fn failed(&self, file: &str, error: FrameError) -> BundleError {
        let file = file.to_owned();
        match error {
            FrameError::Read(at, source) => BundleError::Unreadable { file, at, source },
            FrameError::End(at) => BundleError::CutShort { file, expected: self.volume.size, got: at },
            FrameError::Bad(reason) => BundleError::Unreadable { file, at: 0, source: io::Error::other(reason) },
            FrameError::SetUp(source) => BundleError::Decompressor(source),
        }
    }
}
