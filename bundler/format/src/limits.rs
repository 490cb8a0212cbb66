//! Every limit of the format in one place. Specified in `docs/formats/bundle-v1.md` §3; a reader refuses what is over.
//!
//! Invariant: raising one of these is a new format version for readers in the field. Deliberately not here: limits of
//! a particular host (free space, memory).

/// Bytes of `release.json`.
pub const MANIFEST_MAX: u64 = 1 << 20;
/// Bytes of one `release.<n>.sigstore.json`.
pub const SIGNATURE_MAX: u64 = 1 << 20;
/// Signature files beside one `release.json`.
pub const SIGNATURES_MAX: usize = 16;
/// Bytes of a trust root.
pub const ROOT_MAX: u64 = 64 << 10;
/// Keys in a trust root.
pub const KEYS_MAX: usize = 32;
/// Bytes of a chunk: the unit of hashing, of compression and of resuming. Only the last chunk of a blob is shorter.
pub const CHUNK: u64 = 4 << 20;
/// Decimal logarithm to base 2 of the largest zstd window a reader grants: a chunk needs no more than itself.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 22;
/// Files over all components; with `release.json` they stay below the 1024 subjects that cosign takes.
pub const FILES_MAX: usize = 900;
/// Components of a release.
pub const COMPONENTS_MAX: usize = 64;
/// Volumes of a release; their names have four digits.
pub const VOLUMES_MAX: usize = 4096;
/// Entries over all volumes.
pub const ENTRIES_MAX: usize = 8192;
/// Bytes of one volume: the largest file that FAT32 holds.
pub const VOLUME_MAX: u64 = u32::MAX as u64;
/// Bytes of one tar entry: the largest number in eleven octal digits.
pub const ENTRY_MAX: u64 = (1 << 33) - 1;
/// Bytes of all blobs together; also keeps every number exact in any JSON reader.
pub const TOTAL_MAX: u64 = 1 << 50;
/// Documents (SBOMs) and extras of a release, each.
pub const DOCUMENTS_MAX: usize = 128;
/// Bytes of one document (SBOM, notes, extra).
pub const DOCUMENT_MAX: u64 = 32 << 20;
/// Bytes of the installer that lies plain at the top of the medium.
pub const INSTALLER_MAX: u64 = 1 << 30;
/// Characters of a path.
pub const PATH_MAX: usize = 200;
/// Files that a reader lists on one medium.
pub const LISTED_MAX: usize = 100_000;
