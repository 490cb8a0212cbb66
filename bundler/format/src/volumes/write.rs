//! Writes volumes: the frames of the layout, compressed one by one, so that the number of threads cannot matter.
//!
//! Invariant: the bytes of a frame depend on its content, the level and the pinned zstd alone. Deliberately not here:
//! threads and files; the bundler compresses frames in parallel and hands them over in order.

use std::io::{self, Write};

use zstd::zstd_safe::CParameter;

use crate::{Digest, Hasher};

/// Compresses one frame: content size in its header, no checksum (SHA-256 is above it), no dictionary. §6.2.
///
/// # Errors
/// When the level is not one of zstd's, or memory is short.
pub fn encode_frame(content: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
    compressor.set_parameter(CParameter::ChecksumFlag(false))?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    compressor.compress(content)
}

/// Size and digest of a finished volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Bytes of the compressed file.
    pub size: u64,
    /// SHA-256 of the compressed file.
    pub digest: Digest,
}

/// Writes compressed frames in order to `out` and tells size and digest of the whole.
///
/// # Errors
/// What the writer or the source of frames reports.
pub fn seal_volume(
    out: &mut dyn Write,
    frames: impl IntoIterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<VolumeFacts> {
    let (mut size, mut hash) = (0u64, Hasher::new());
    for frame in frames {
        let frame = frame?;
        out.write_all(&frame)?;
        hash.update(&frame);
        size += frame.len() as u64;
    }
    out.flush()?;
    Ok(VolumeFacts { size, digest: hash.finish() })
}
