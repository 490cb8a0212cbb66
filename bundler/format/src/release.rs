//! The manifest of a release, `release.json`: what it ships, under which digests, in which volumes.
//!
//! Invariants: `Release::parse` is the only way in from bytes and refuses what is not canonical, unknown or
//! inconsistent; `Release::to_bytes` is the only way out and refuses the same. Deliberately not here: signatures
//! (`verify`) and the bytes of blobs (`volumes`).

use serde::{Deserialize, Serialize};

use crate::digest::bare_list;
use crate::{
    Created, Digest, EntryName, FormatError, Label, Name, Problem, RelPath, Version, VolumeName, canonical_json, limits,
};

/// Where the installer lies in a slot; a copy at the top of the medium has the file name alone.
pub const INSTALLER_PATH: &str = "bin/strongroom-installer";
/// The copy of the installer at the top of the medium, for hosts that have none yet.
pub const INSTALLER_EXTRA: &str = "strongroom-installer";
/// The value of `schema`.
pub const RELEASE_SCHEMA: &str = "strongroom.release/1";

/// `release.json`. `docs/formats/bundle-v1.md` §4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// `strongroom.release/1`.
    pub schema: String,
    /// `strongroom`.
    pub product: Name,
    /// The version of the release, also the name of its folder.
    pub version: Version,
    /// A trust root is for one channel and refuses the others.
    pub channel: Name,
    /// Strictly increasing within a channel.
    pub sequence: u64,
    /// Security floor: a host never goes below the highest it has confirmed.
    pub epoch: u64,
    /// Instant of the release; also in every tar header.
    pub created: Created,
    /// `linux-x86_64`.
    pub platform: Name,
    /// Which data this release reads and writes.
    pub data_schema: DataSchema,
    /// What it is made of; names unique.
    pub components: Vec<Component>,
    /// Every distinct file content, in the order of the volumes.
    pub blobs: Vec<Blob>,
    /// The volumes, in order; their entries cover every blob once, in the order of `blobs`.
    pub volumes: Vec<Volume>,
    /// SBOMs beside the manifest, paths relative to the folder of the version.
    pub sboms: Vec<Document>,
    /// Release notes beside the manifest.
    pub notes: Document,
    /// Files outside the folder of the version, paths relative to the top of the medium: `start-here.txt`,
    /// `strongroom-installer`, `trust/…`.
    pub extras: Vec<Document>,
}

/// Versions of the data layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSchema {
    /// The oldest layout it can migrate from.
    pub reads_from: u32,
    /// The layout it leaves behind; at least `reads_from`.
    pub writes: u32,
}

/// A part of the release with a version and a licence of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Unique in the release.
    pub name: Name,
    /// Its own version.
    pub version: Label,
    /// SPDX licence expression.
    pub licence: Label,
    /// Its files; every path is unique over all components.
    pub files: Vec<File>,
}

/// A file of a component, as it lies in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Relative to the slot.
    pub path: RelPath,
    /// `644` or `755`.
    pub mode: Mode,
    /// Its content.
    pub blob: Digest,
}

/// The two modes a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Read by all.
    #[serde(rename = "644")]
    Plain,
    /// Read and run by all.
    #[serde(rename = "755")]
    Executable,
}

impl Mode {
    /// The permission bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

/// A distinct content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// SHA-256 of the whole.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of each 4 MiB chunk; the last may be shorter; none for an empty blob.
    #[serde(with = "bare_list")]
    pub chunks: Vec<Digest>,
}

/// A volume: one complete `tar.zst`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// `v0000.tar.zst` and so on, without a gap.
    pub name: VolumeName,
    /// Bytes of the compressed file.
    pub size: u64,
    /// SHA-256 of the compressed file.
    pub digest: Digest,
    /// Its tar entries in order, at least one.
    pub entries: Vec<Entry>,
}

/// A tar entry: a run of whole chunks of one blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `<hex of the blob>.<segment>`.
    pub name: EntryName,
    /// The blob it belongs to.
    pub blob: Digest,
    /// Where in the blob it starts, a multiple of 4 MiB.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// A file beside the volumes, bound by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Relative to the folder of the version (`sboms`, `notes`) or to the top of the medium (`extras`).
    pub path: RelPath,
    /// SHA-256.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

impl Document {
    /// Describes these bytes under this path.
    #[must_use]
    pub fn of(path: RelPath, bytes: &[u8]) -> Self {
        Self { path, digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

impl Blob {
    /// The range of bytes that chunk `index` covers.
    #[must_use]
    pub fn chunk_range(&self, index: usize) -> std::ops::Range<u64> {
        let start = (index as u64).saturating_mul(limits::CHUNK).min(self.size);
        start..start.saturating_add(limits::CHUNK).min(self.size)
    }
}

impl Release {
    /// Parses and checks `release.json`. Not a proof of origin: that is `TrustRoots::verify`.
    ///
    /// # Errors
    /// Names every problem found: not JSON, unknown field, not canonical, inconsistent.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        const WHAT: &str = "release.json";
        if bytes.len() as u64 > limits::MANIFEST_MAX {
            return Err(FormatError::one(
                WHAT,
                "",
                format!("it has {} bytes; the limit is {}", bytes.len(), limits::MANIFEST_MAX),
            ));
        }
        let probe: SchemaProbe =
            serde_json::from_slice(bytes).map_err(|e| FormatError::one(WHAT, "", e.to_string()))?;
        if probe.schema != RELEASE_SCHEMA {
            return Err(FormatError::unknown_schema(WHAT, &probe.schema, RELEASE_SCHEMA));
        }
        let release: Self = serde_json::from_slice(bytes).map_err(|e| FormatError::one(WHAT, "", e.to_string()))?;
        // A second form of the same value would be a second thing to sign, and a place for two readers to differ.
        if release.to_bytes()? != bytes {
            return Err(FormatError::one(WHAT, "", "it is not in canonical form".to_owned()));
        }
        Ok(release)
    }

    /// The canonical bytes, after the same checks as `parse`.
    ///
    /// # Errors
    /// Names every problem found.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        let problems = crate::check::problems(self);
        if !problems.is_empty() {
            return Err(FormatError::many("release.json", problems));
        }
        let bytes = canonical_json(self).map_err(|e| FormatError::one("release.json", "", e.to_string()))?;
        if bytes.len() as u64 > limits::MANIFEST_MAX {
            let message = format!("it would have {} bytes; the limit is {}", bytes.len(), limits::MANIFEST_MAX);
            return Err(FormatError::one("release.json", "", message));
        }
        Ok(bytes)
    }

    /// The blob with this digest.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> Option<&Blob> {
        self.blobs.iter().find(|blob| blob.digest == *digest)
    }

    /// Every file with its component.
    pub fn files(&self) -> impl Iterator<Item = (&Component, &File)> {
        self.components.iter().flat_map(|component| component.files.iter().map(move |file| (component, file)))
    }

    /// Bytes of all blobs.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.size).sum()
    }

    /// Bytes of all volumes as they lie on the medium.
    #[must_use]
    pub fn volume_bytes(&self) -> u64 {
        self.volumes.iter().map(|volume| volume.size).sum()
    }

    /// What `SHA256SUMS` must hold: the manifest, the volumes, the notes and the SBOMs, sorted by path, in the form that
    /// `sha256sum -c` reads. Signature files are not in it: they are added after the cut. §2.1.
    #[must_use]
    pub fn sha256sums(&self, release_json: &[u8]) -> String {
        let mut lines = vec![("release.json".to_owned(), Digest::of(release_json))];
        lines.extend(self.volumes.iter().map(|volume| (volume.name.to_string(), volume.digest)));
        lines.extend(
            self.sboms.iter().chain([&self.notes]).map(|document| (document.path.to_string(), document.digest)),
        );
        lines.sort();
        lines.iter().map(|(path, digest)| format!("{}  {path}\n", digest.hex())).collect()
    }
}

/// Reads `schema` alone, so that a newer format is called newer and not broken.
#[derive(Deserialize)]
pub(crate) struct SchemaProbe {
    pub(crate) schema: String,
}

/// Convenience for error paths.
pub(crate) fn problem(at: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { at: at.into(), message: message.into() }
}
