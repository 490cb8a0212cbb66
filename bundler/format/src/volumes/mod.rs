//! Writing and reading volumes, and verifying a whole bundle, through readers and writers that the caller hands in.
//!
//! Invariants: opens nothing itself; a chunk reaches the [`Sink`] only after its bytes were hashed and compared; memory
//! is one chunk and one small buffer, whatever the manifest says; damage is named with volume, entry, range and digests.
//! Deliberately not here: where the bytes go, threads, repair.
//!
//! The order of use, the same for the bundler's `verify` and for the installer:
//!
//! ```text
//! versions(medium) → read_unverified(medium, version) → TrustRoots::verify → verify_files → verify_volumes(…, sink, …)
//! ```

mod damage;
mod frames;
mod medium;
mod read;
mod write;

pub use damage::{BundleError, Damage};
pub use medium::{
    FilesReport, Listed, Medium, OtherVersions, bundle_files, read_capped, read_unverified, verify_files, versions,
};
pub use read::{ChunkAt, Progress, Sink, verify_volume, verify_volumes};
pub use write::{VolumeFacts, encode_frame, seal_volume};

/// A sink that keeps nothing: for `verify` without installing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    fn chunk(&mut self, _at: &ChunkAt<'_>, _bytes: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
}
