//! What the executable saw on the host before it plans.
//!
//! Deliberately not here: how it looked. Every field is a fact of one moment; space is checked again while copying.

use crate::journal::Record;
use crate::slot::{Installed, SlotName};
use bundler_format::Digest;
use std::collections::BTreeMap;

/// One look at a host.
#[derive(Clone, Debug)]
pub struct Observed {
    /// `linux-x86_64`.
    pub platform: String,
    /// The channel of the trust root that the host holds on to.
    pub channel: String,
    /// The slot that `current` points to, and the complete release in it.
    pub active: Option<Installed>,
    /// The complete release in the other slot.
    pub other: Option<Installed>,
    /// The newest journal record.
    pub record: Record,
    /// Blobs in the store, with the bytes of each.
    pub blobs: BTreeMap<Digest, u64>,
    /// Blobs that were begun, with the bytes of each that are on the disk already.
    pub begun: BTreeMap<Digest, u64>,
    /// Bytes that may still be written.
    pub bytes_free: u64,
}

impl Observed {
    /// The slot that a new release goes into: never the active one.
    #[must_use]
    pub fn free_slot(&self) -> SlotName {
        self.active.as_ref().map_or(SlotName::A, |installed| installed.slot.other())
    }
}
