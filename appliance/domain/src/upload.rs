//! Files on their way in: created, filled part by part, verified, then promoted to an asset or refused.

use crate::id::{AssetId, ProjectId, UploadId, UserId};
use crate::names::FileName;
use crate::people::words;
use crate::problem::Problem;
use crate::time::Timestamp;

/// Smallest part, also the default: 16 MiB.
pub const PART_SIZE_DEFAULT: u64 = 16 << 20;
/// Most parts of one upload, as in S3.
pub const PARTS_MAX: u64 = 10_000;
/// Largest file: 5 TiB, as in S3.
pub const SIZE_MAX: u64 = 5 << 40;

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UploadState {
    /// Parts may be written.
    Open,
    /// All parts are there; the bytes are being checked.
    Verifying,
    /// The bytes are not media that this appliance takes.
    Refused,
    /// Became an asset.
    Promoted,
    /// Given up by its owner, or too old.
    Aborted,
}
words!(UploadState {
    Open = "open",
    Verifying = "verifying",
    Refused = "refused",
    Promoted = "promoted",
    Aborted = "aborted",
});

/// How a file is cut into parts: all of `part_size` but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPlan {
    /// Bytes of the whole file, at least 1.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_size: u64,
}

impl PartPlan {
    /// The plan for a file: 16 MiB parts, larger where there would be more than 10,000 of them. `None` for an empty file
    /// or one above 5 TiB.
    #[must_use]
    pub fn for_size(size: u64) -> Option<Self> {
        if size == 0 || size > SIZE_MAX {
            return None;
        }
        let mut part_size = PART_SIZE_DEFAULT;
        while size.div_ceil(part_size) > PARTS_MAX {
            part_size *= 2;
        }
        Some(Self { size, part_size })
    }

    /// Number of parts.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.size.div_ceil(self.part_size)
    }

    /// Offset and length of part `number` (from 1), in bytes.
    #[must_use]
    pub fn part(self, number: u64) -> Option<(u64, u64)> {
        if number == 0 || number > self.count() {
            return None;
        }
        let offset = (number - 1) * self.part_size;
        Some((offset, self.part_size.min(self.size - offset)))
    }
}

/// A part that is durably stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// From 1.
    pub number: u64,
    /// Bytes.
    pub size: u64,
    /// Hex SHA-256 of the part.
    pub etag: String,
}

/// A file on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Stable id.
    pub id: UploadId,
    /// Where it goes.
    pub project: ProjectId,
    /// Who sends it.
    pub owner: UserId,
    /// As its owner knows it.
    pub file_name: FileName,
    /// Size and parts.
    pub plan: PartPlan,
    /// The browser's mark of the file, by which an interrupted upload is found again.
    pub fingerprint: Option<String>,
    /// Hex SHA-256 that the client promises; checked when given.
    pub sha256: Option<String>,
    /// Where it stands.
    pub state: UploadState,
    /// What became of it.
    pub asset: Option<AssetId>,
    /// Why it was refused.
    pub problem: Option<Problem>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is given up if nobody finishes it.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_exactly() {
        for size in [1, PART_SIZE_DEFAULT - 1, PART_SIZE_DEFAULT, PART_SIZE_DEFAULT + 1, 7 << 40 >> 3, SIZE_MAX] {
            let plan = PartPlan::for_size(size).unwrap();
            assert!(plan.count() <= PARTS_MAX);
            let (last, length) = plan.part(plan.count()).unwrap();
            assert_eq!(last + length, size);
            assert_eq!(plan.part(1).unwrap().0, 0);
            assert!(plan.part(plan.count() + 1).is_none() && plan.part(0).is_none());
        }
        assert!(PartPlan::for_size(0).is_none());
        assert!(PartPlan::for_size(SIZE_MAX + 1).is_none());
    }
}
