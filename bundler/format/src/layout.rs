//! The layout of a volume: which zstd frames it has, what each decompresses to, what every tar header is, byte for byte.
//!
//! Invariant: all of it follows from the manifest. The writer writes this layout and the reader compares with it, so no
//! field of a tar header is ever interpreted. Deliberately not here: compression.

use crate::{ChunkCheck, Created, EntryName, ExpectedChunk, Release, Volume};

/// Bytes of a tar block.
pub(crate) const BLOCK: u64 = 512;

/// What a frame decompresses to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The 512 bytes of the header of the entry at this place in the volume, after `padding` zero bytes that complete
    /// the last block of the entry before it.
    Header {
        /// The place of the entry in the volume.
        entry: usize,
        /// Zero bytes before the header.
        padding: u64,
    },
    /// A chunk of a blob.
    Chunk {
        /// The place of the entry in the volume.
        entry: usize,
        /// What its bytes must be.
        chunk: ExpectedChunk,
    },
    /// `padding` zero bytes that complete the last block, then two zero blocks.
    End {
        /// Zero bytes before the two blocks.
        padding: u64,
    },
}

/// One zstd frame of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What is in it.
    pub kind: FrameKind,
    /// Bytes it decompresses to; at least 1 and at most 4 MiB.
    pub length: u64,
}

/// The frames of a volume in order. `docs/formats/bundle-v1.md` §6.2.
#[must_use]
pub fn frames(release: &Release, volume: &Volume) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut padding = 0;
    for (index, entry) in volume.entries.iter().enumerate() {
        frames.push(Frame { kind: FrameKind::Header { entry: index, padding }, length: padding + BLOCK });
        padding = (BLOCK - entry.length % BLOCK) % BLOCK;
        // A checked manifest holds every blob; an entry without one would fail at its header's successor.
        for chunk in ChunkCheck::new(release, entry).into_iter().flatten() {
            let length = chunk.range.end - chunk.range.start;
            frames.push(Frame { kind: FrameKind::Chunk { entry: index, chunk }, length });
        }
    }
    frames.push(Frame { kind: FrameKind::End { padding }, length: padding + 2 * BLOCK });
    frames
}

/// The 512 bytes of a tar header (POSIX ustar): regular file, mode 444, owner 0:0, the release's instant. §6.1.
#[must_use]
pub fn tar_header(name: &EntryName, length: u64, created: Created) -> [u8; 512] {
    let mut header = [0u8; 512];
    let mut put = |at: usize, bytes: &[u8]| {
        for (slot, byte) in header.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
    };
    put(0, name.as_str().as_bytes());
    put(100, b"0000444\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{length:011o}\0").as_bytes());
    put(136, format!("{:011o}\0", created.unix()).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    for (slot, byte) in header.iter_mut().skip(148).zip(sum.as_bytes()) {
        *slot = *byte;
    }
    header
}
