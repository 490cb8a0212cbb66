//! The two slots of a host, and what is said of a release in journals and plans.
//!
//! Deliberately not here: paths. A slot's folder is the executable's business.

use bundler_format::{Digest, Release};
use serde::{Deserialize, Serialize};

/// One of the two places where a release can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotName {
    /// `slots/a`.
    A,
    /// `slots/b`.
    B,
}

impl SlotName {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The slot that is not this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The name of its folder.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

impl std::fmt::Display for SlotName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which schemas of the data a release can read, and which one it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRange {
    /// The oldest schema it can read.
    pub reads_from: u32,
    /// The schema it brings the data to; it reads nothing newer.
    pub writes: u32,
}

impl SchemaRange {
    /// Can a release with this range work on data of `schema`?
    #[must_use]
    pub fn reads(self, schema: u32) -> bool {
        (self.reads_from..=self.writes).contains(&schema)
    }
}

/// A release as journals and plans speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRef {
    /// The version people read: `2026.4.0`.
    pub version: String,
    /// Digest of the bytes of its `release.json`: what it is.
    pub digest: Digest,
    /// Strictly increasing in its channel.
    pub sequence: u64,
    /// The security floor it belongs to.
    pub epoch: u64,
    /// What it does with the data.
    pub data_schema: SchemaRange,
}

impl ReleaseRef {
    /// Of a parsed manifest and the digest of its bytes.
    #[must_use]
    pub fn of(release: &Release, digest: Digest) -> Self {
        Self {
            version: release.version.to_string(),
            digest,
            sequence: release.sequence,
            epoch: release.epoch,
            data_schema: SchemaRange { reads_from: release.data_schema.reads_from, writes: release.data_schema.writes },
        }
    }
}

/// A release that stands complete in a slot.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Where.
    pub slot: SlotName,
    /// Which.
    pub reference: ReleaseRef,
    /// Its manifest.
    pub release: Release,
}
