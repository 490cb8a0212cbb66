//! The words of Strongroom as types: ids, people, projects, uploads, assets, jobs, transcripts, frame rates, policy.
//!
//! Invariants: pure (no IO, clock, environment or randomness); a value that exists is valid; frame numbers are integers
//! with a rational rate and seconds are derived. Deliberately not here: wire forms (HTTP owns those) and SQL.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod id;
pub mod job;
pub mod media;
pub mod names;
pub mod people;
pub mod policy;
pub mod problem;
pub mod time;
pub mod transcript;
pub mod upload;

pub use id::{AssetId, EventSeq, JobId, ProjectId, SessionId, TenantId, UploadId, UserId, VersionId};
pub use problem::Problem;
pub use time::Timestamp;
