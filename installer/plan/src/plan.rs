//! The plan of an update: what will happen, what it needs, what changes, and the way back. Shown, then executed.
//!
//! Invariant: a [`Plan`] is made from a [`Verified`] release only, so what was not verified cannot be installed. This
//! compiles:
//!
//! ```
//! use bundler_format::Verified;
//! use installer_plan::{Observed, Plan};
//! fn verified(release: &Verified, host: &Observed) {
//!     let _ = Plan::new(release, host);
//! }
//! ```
//!
//! and this does not:
//!
//! ```compile_fail
//! use bundler_format::Release;
//! use installer_plan::{Observed, Plan};
//! fn unverified(release: &Release, host: &Observed) {
//!     let _ = Plan::new(release, host);
//! }
//! ```
//!
//! Deliberately not here: text for people (`render`), and the order of crashes and retries (`machine`).

use crate::host::Observed;
use crate::machine::{Act, Pending, Standing, Work};
use crate::refuse::Refusal;
use crate::slot::{ReleaseRef, SlotName};
use bundler_format::{Digest, Release, Verified};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes kept free beside the blobs: folders, manifests, journal.
pub const RESERVE_BYTES: u64 = 16 << 20;

/// File systems give space in blocks of this many bytes; each blob is rounded up to it.
pub const BLOCK_BYTES: u64 = 4096;

/// What the update does with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing is installed yet.
    FirstInstall,
    /// From one release to a newer one.
    Update,
    /// The very release is installed: nothing to do.
    AlreadyInstalled,
    /// Back to the release in the other slot.
    Rollback,
}

/// What happens to a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The component.
    pub component: String,
    /// Its version now; `None` = new.
    pub from: Option<String>,
    /// Its version then; `None` = removed.
    pub to: Option<String>,
    /// Files whose content or path differs.
    pub files_changed: usize,
    /// Bytes that are copied from the medium for it. A blob that two components share counts for the first.
    pub bytes_to_copy: u64,
}

/// A blob that has to come from the medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingBlob {
    /// Which.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Bytes of it that are on the disk from an interrupted attempt.
    pub begun: u64,
}

/// What `apply` or `rollback` will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    // `kind` is what each line of the machine form begins with.
    #[serde(rename = "action")]
    kind: Kind,
    target: ReleaseRef,
    channel: String,
    created: String,
    signers: Vec<String>,
    slot: SlotName,
    installed: Option<ReleaseRef>,
    installed_slot: Option<SlotName>,
    changes: Vec<Change>,
    missing: Vec<MissingBlob>,
    blobs: usize,
    bytes_needed: u64,
    bytes_free: u64,
}

impl Plan {
    /// Plans the installation of a verified release on this host.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies, in the order: unfinished update, channel, platform, epoch, sequence, schema
    /// of the data, space.
    pub fn new(verified: &Verified, host: &Observed) -> Result<Self, Refusal> {
        let release = verified.release();
        let target = ReleaseRef::of(release, verified.digest());
        let version = || target.version.clone();
        unfinished(host)?;
        if release.channel.to_string() != host.channel {
            return Err(Refusal::Channel {
                version: version(),
                offered: release.channel.to_string(),
                pinned: host.channel.clone(),
            });
        }
        if release.platform.to_string() != host.platform {
            return Err(Refusal::Platform {
                version: version(),
                offered: release.platform.to_string(),
                host: host.platform.clone(),
            });
        }
        epoch(&target, host)?;
        let kind = match &host.active {
            None => Kind::FirstInstall,
            Some(active) if active.reference.digest == target.digest => Kind::AlreadyInstalled,
            Some(active) if target.sequence <= active.reference.sequence => {
                return Err(Refusal::Sequence {
                    version: version(),
                    offered: target.sequence,
                    installed: active.reference.version.clone(),
                    sequence: active.reference.sequence,
                });
            }
            Some(_) => Kind::Update,
        };
        let missing = if kind == Kind::AlreadyInstalled { Vec::new() } else { missing(release, host) };
        if kind != Kind::AlreadyInstalled {
            data_schema(&target, host)?;
        }
        let bytes_needed = bytes_needed(&missing);
        let plan = Self {
            kind,
            channel: release.channel.to_string(),
            created: release.created.to_string(),
            signers: verified.signers().iter().map(ToString::to_string).collect(),
            slot: host.free_slot(),
            installed: host.active.as_ref().map(|installed| installed.reference.clone()),
            installed_slot: host.active.as_ref().map(|installed| installed.slot),
            changes: changes(host.active.as_ref().map(|installed| &installed.release), release, &missing),
            blobs: release.blobs.len(),
            missing,
            bytes_needed,
            bytes_free: host.bytes_free,
            target,
        };
        if plan.needs_space() && plan.bytes_needed > plan.bytes_free {
            return Err(Refusal::Space { needed: plan.bytes_needed, free: plan.bytes_free });
        }
        Ok(plan)
    }

    /// Plans the way back to the release in the other slot, read from there and verified again.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing installed, nothing to go back to, failed before, epoch, schema of the data, unfinished update.
    pub fn rollback(verified: &Verified, host: &Observed) -> Result<Self, Refusal> {
        unfinished(host)?;
        let active = host.active.as_ref().ok_or(Refusal::NothingInstalled)?;
        let slot = active.slot.other();
        let release = verified.release();
        let target = ReleaseRef::of(release, verified.digest());
        if host.other.as_ref().is_none_or(|other| other.reference.digest != target.digest) {
            return Err(Refusal::NothingToGoBackTo { slot });
        }
        if host.record.failed == Some(target.digest) {
            return Err(Refusal::FailedBefore { version: target.version, slot });
        }
        epoch(&target, host)?;
        data_schema(&target, host)?;
        Ok(Self {
            kind: Kind::Rollback,
            channel: release.channel.to_string(),
            created: release.created.to_string(),
            signers: verified.signers().iter().map(ToString::to_string).collect(),
            slot,
            installed: Some(active.reference.clone()),
            installed_slot: Some(active.slot),
            changes: changes(Some(&active.release), release, &[]),
            blobs: release.blobs.len(),
            missing: Vec::new(),
            bytes_needed: 0,
            bytes_free: host.bytes_free,
            target,
        })
    }

    /// What it does with the host.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The release that will run.
    #[must_use]
    pub fn target(&self) -> &ReleaseRef {
        &self.target
    }

    /// The release that runs now.
    #[must_use]
    pub fn installed(&self) -> Option<&ReleaseRef> {
        self.installed.as_ref()
    }

    /// The slot it goes into.
    #[must_use]
    pub fn slot(&self) -> SlotName {
        self.slot
    }

    /// The channel, which is the host's.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// When the release was cut, by its signed manifest.
    #[must_use]
    pub fn created(&self) -> &str {
        &self.created
    }

    /// Who signed it.
    #[must_use]
    pub fn signers(&self) -> &[String] {
        &self.signers
    }

    /// By component, in the order of the manifest.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What has to come from the medium.
    #[must_use]
    pub fn missing(&self) -> &[MissingBlob] {
        &self.missing
    }

    /// Blobs of the release, missing or not.
    #[must_use]
    pub fn blobs(&self) -> usize {
        self.blobs
    }

    /// Bytes that will be read from the medium and written.
    #[must_use]
    pub fn bytes_to_copy(&self) -> u64 {
        self.missing.iter().map(|blob| blob.size.saturating_sub(blob.begun)).sum()
    }

    /// Bytes that must be free: the missing blobs in whole blocks, and [`RESERVE_BYTES`].
    #[must_use]
    pub fn bytes_needed(&self) -> u64 {
        self.bytes_needed
    }

    /// Bytes that are free.
    #[must_use]
    pub fn bytes_free(&self) -> u64 {
        self.bytes_free
    }

    /// The work for the state machine; `None` when there is nothing to do.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
        let act = match self.kind {
            Kind::AlreadyInstalled => return None,
            Kind::FirstInstall | Kind::Update => Act::Install,
            Kind::Rollback => Act::Rollback,
        };
        let previous =
            self.installed.clone().zip(self.installed_slot).map(|(release, slot)| Standing { slot, release });
        Some(Work { act, target: self.target.clone(), slot: self.slot, previous })
    }

    fn needs_space(&self) -> bool {
        matches!(self.kind, Kind::FirstInstall | Kind::Update)
    }
}

fn unfinished(host: &Observed) -> Result<(), Refusal> {
    let state = &host.record.state;
    match (state.pending(), state.work()) {
        (Pending::AfterSwitch, Some(work)) => {
            Err(Refusal::Unfinished { version: work.target().version.clone(), state: state.name() })
        }
        _ => Ok(()),
    }
}

fn epoch(target: &ReleaseRef, host: &Observed) -> Result<(), Refusal> {
    let floor = host.record.floor.epoch;
    if target.epoch < floor {
        return Err(Refusal::Epoch { version: target.version.clone(), offered: target.epoch, floor });
    }
    Ok(())
}

fn data_schema(target: &ReleaseRef, host: &Observed) -> Result<(), Refusal> {
    match host.record.data_schema {
        Some(in_use) if !target.data_schema.reads(in_use) => {
            Err(Refusal::DataSchema { version: target.version.clone(), range: target.data_schema, in_use })
        }
        Some(_) | None => Ok(()),
    }
}

/// A blob of another length than the manifest says is as good as missing.
fn missing(release: &Release, host: &Observed) -> Vec<MissingBlob> {
    release
        .blobs
        .iter()
        .filter(|blob| host.blobs.get(&blob.digest) != Some(&blob.size))
        .map(|blob| MissingBlob {
            digest: blob.digest,
            size: blob.size,
            begun: host.begun.get(&blob.digest).copied().unwrap_or(0).min(blob.size),
        })
        .collect()
}

fn bytes_needed(missing: &[MissingBlob]) -> u64 {
    let blocks = |bytes: u64| bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES);
    let blobs = missing.iter().fold(0u64, |sum, blob| sum.saturating_add(blocks(blob.size.saturating_sub(blob.begun))));
    blobs.saturating_add(RESERVE_BYTES)
}

fn changes(from: Option<&Release>, to: &Release, missing: &[MissingBlob]) -> Vec<Change> {
    let mut to_copy: BTreeMap<Digest, u64> =
        missing.iter().map(|blob| (blob.digest, blob.size.saturating_sub(blob.begun))).collect();
    let files = |release: Option<&Release>, name: &str| -> BTreeSet<(String, Digest)> {
        release
            .and_then(|release| release.components.iter().find(|component| component.name.to_string() == name))
            .map(|component| component.files.iter().map(|file| (file.path.to_string(), file.blob)).collect())
            .unwrap_or_default()
    };
    let mut changes: Vec<Change> = Vec::new();
    for component in &to.components {
        let name = component.name.to_string();
        let before = files(from, &name);
        let after = files(Some(to), &name);
        let bytes_to_copy = component.files.iter().filter_map(|file| to_copy.remove(&file.blob)).sum();
        changes.push(Change {
            from: version_of(from, &name),
            to: Some(component.version.to_string()),
            files_changed: before.symmetric_difference(&after).map(|(path, _)| path).collect::<BTreeSet<_>>().len(),
            bytes_to_copy,
            component: name,
        });
    }
    for component in from.map(|release| release.components.as_slice()).unwrap_or_default() {
        let name = component.name.to_string();
        if version_of(Some(to), &name).is_none() {
            changes.push(Change {
                component: name,
                from: Some(component.version.to_string()),
                to: None,
                files_changed: component.files.len(),
                bytes_to_copy: 0,
            });
        }
    }
    changes
}

fn version_of(release: Option<&Release>, name: &str) -> Option<String> {
    release?
        .components
        .iter()
        .find(|component| component.name.to_string() == name)
        .map(|component| component.version.to_string())
}
