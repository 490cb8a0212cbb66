//! The bundle contract: digests, names, manifest, limits, signatures, `Unverified` to `Verified`.
//!
//! `docs/formats/bundle-v1.md` is the specification; the code cites it by section. Invariants: no file IO, no clock, no
//! environment, no randomness; no input makes it panic; every size is limited before it is believed; only
//! [`TrustRoots::verify`] makes a [`Verified`]. Deliberately not here: private keys, files, the decision to install.
//!
//! The feature `volumes` adds [`volumes`]: writing and reading volumes and whole bundles through readers and writers that
//! the caller hands in.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod canonical;
mod check;
mod chunk;
mod digest;
mod dsse;
mod error;
mod layout;
pub mod limits;
mod names;
mod plan;
mod release;
#[cfg(feature = "testing")]
pub mod testing;
mod trust;
mod verify;
mod version;
#[cfg(feature = "volumes")]
pub mod volumes;

pub use canonical::canonical_json;
pub use chunk::{ChunkCheck, ExpectedChunk, Mismatch};
pub use digest::{Digest, Hasher};
pub use dsse::{BUNDLE_MEDIA_TYPE, PAYLOAD_TYPE, PREDICATE_TYPE, bundle_json, pae, statement};
pub use error::{FormatError, Problem};
pub use layout::{Frame, FrameKind, frames, tar_header};
pub use names::{
    EntryName, InvalidText, Label, Name, RelPath, VolumeName, is_desktop_litter, signature_name, signature_number,
};
pub use plan::plan_volumes;
pub use release::{
    Blob, Component, DataSchema, Document, Entry, File, INSTALLER_EXTRA, INSTALLER_PATH, Mode, RELEASE_SCHEMA, Release,
    Volume,
};
pub use trust::{ROOT_SCHEMA, RootKey, SignerId, TrustRoots};
pub use verify::{Refused, Unverified, Verified, VerifyError};
pub use version::{Created, Version};
