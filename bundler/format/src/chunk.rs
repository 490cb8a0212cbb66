//! Checks the bytes of one entry against the chunk digests of its blob.
//!
//! Invariant: says yes to a chunk only after all its bytes are hashed. Deliberately not here: reading, decompressing.

use crate::{Blob, Digest, Entry, Release};

/// Where bytes differ from the signed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The blob.
    pub blob: Digest,
    /// The range of bytes in the blob.
    pub range: std::ops::Range<u64>,
    /// What was signed.
    pub expected: Digest,
    /// What is there.
    pub got: Digest,
}

/// One chunk of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedChunk {
    /// The blob.
    pub blob: Digest,
    /// The number of the chunk in the blob, from 0.
    pub index: usize,
    /// The range of bytes in the blob.
    pub range: std::ops::Range<u64>,
    /// What its bytes must hash to.
    pub digest: Digest,
}

impl ExpectedChunk {
    /// Compares these bytes, all of the chunk, with what was signed.
    ///
    /// # Errors
    /// Tells where they differ.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Mismatch> {
        let got = Digest::of(bytes);
        if got == self.digest {
            Ok(())
        } else {
            Err(Mismatch { blob: self.blob, range: self.range.clone(), expected: self.digest, got })
        }
    }
}

/// The chunks of one entry, in order. Feed each to [`ExpectedChunk::check`].
#[derive(Clone, Debug)]
pub struct ChunkCheck {
    chunks: std::collections::VecDeque<ExpectedChunk>,
}

impl ChunkCheck {
    /// For an entry of this release; `None` when its blob is not there.
    #[must_use]
    pub fn new(release: &Release, entry: &Entry) -> Option<Self> {
        release.blob(&entry.blob).map(|blob| Self::of(blob, entry.offset, entry.length))
    }

    /// For the chunks of a blob that lie in `offset .. offset + length`.
    #[must_use]
    pub fn of(blob: &Blob, offset: u64, length: u64) -> Self {
        let end = offset.saturating_add(length);
        let chunks = blob.chunks.iter().enumerate().map(|(index, digest)| ExpectedChunk {
            blob: blob.digest,
            index,
            range: blob.chunk_range(index),
            digest: *digest,
        });
        Self { chunks: chunks.filter(|chunk| chunk.range.start >= offset && chunk.range.end <= end).collect() }
    }

    /// For a whole blob, as when a file already in a store is read again.
    #[must_use]
    pub fn whole(blob: &Blob) -> Self {
        Self::of(blob, 0, blob.size)
    }
}

impl Iterator for ChunkCheck {
    type Item = ExpectedChunk;
    fn next(&mut self) -> Option<ExpectedChunk> {
        self.chunks.pop_front()
    }
}
