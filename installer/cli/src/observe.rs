//! A look at the host: which slots stand, which one is active, which blobs are there, how much space is left.
//!
//! Invariant: changes nothing. A slot counts only with a manifest that can be read: slots appear under their name by one
//! rename, when they are complete.

use crate::error::{Failure, Symptom};
use crate::host_fs::{Doing, HostFs, Kind, folder_of, read_whole};
use crate::layout::Layout;
use bundler_format::{Digest, Release, TrustRoots, Unverified, Verified, limits, signature_number};
use installer_plan::{Installed, Observed, Record, ReleaseRef, SlotName};
use std::collections::BTreeMap;
use std::path::Path;

/// The platform that this installer was built for.
#[must_use]
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The slot that `current` points to.
///
/// # Errors
/// [`Failure::BrokenInstallation`] when it points elsewhere.
pub fn active_slot(fs: &dyn HostFs, layout: &Layout) -> Result<Option<SlotName>, Failure> {
    let current = layout.current();
    let Some(target) = fs.link_target(&current).doing("read the link", &current)? else { return Ok(None) };
    match SlotName::ALL.into_iter().find(|slot| target == Layout::current_target(*slot)) {
        Some(slot) => Ok(Some(slot)),
        None => Err(Failure::BrokenInstallation {
            path: current,
            source: Symptom(format!("it points to `{}`, which is no slot", target.display())),
        }),
    }
}

/// The release in a slot; `None` when the slot is empty.
///
/// # Errors
/// [`Failure::BrokenInstallation`] when its manifest cannot be read.
pub fn installed(fs: &dyn HostFs, layout: &Layout, slot: SlotName) -> Result<Option<Installed>, Failure> {
    let path = layout.slot_manifest(slot);
    let Some(bytes) = read_whole(fs, &path, limits::MANIFEST_MAX)? else { return Ok(None) };
    let release = Release::parse(&bytes)
        .map_err(|error| Failure::BrokenInstallation { path: layout.slot(slot), source: Symptom(error.to_string()) })?;
    Ok(Some(Installed { slot, reference: ReleaseRef::of(&release, Digest::of(&bytes)), release }))
}

/// Manifest and signatures from a folder (a slot, or an update under way), verified again with the host's trust root.
///
/// # Errors
/// The signatures do not hold any more, or the files cannot be read. `None` = there is no manifest.
pub fn verified_in(fs: &dyn HostFs, folder: &Path, roots: &TrustRoots) -> Result<Option<Verified>, Failure> {
    let manifest = folder.join("release.json");
    let Some(bytes) = read_whole(fs, &manifest, limits::MANIFEST_MAX)? else { return Ok(None) };
    let mut signatures = Vec::new();
    for name in fs.list(folder).doing("list", folder)? {
        let Some(name) = name.to_str().filter(|name| signature_number(name).is_some()) else { continue };
        let path = folder.join(name);
        if let Some(bytes) = read_whole(fs, &path, limits::SIGNATURE_MAX)? {
            signatures.push((name.to_owned(), bytes));
        }
    }
    let verified = roots.verify(Unverified::new(bytes, signatures));
    Ok(Some(verified.map_err(bundler_format::VerifyError::from)?))
}

/// The whole look.
///
/// # Errors
/// [`Failure::BrokenInstallation`], [`Failure::Disk`].
pub fn observe(fs: &dyn HostFs, layout: &Layout, channel: &str, record: &Record) -> Result<Observed, Failure> {
    let active = match active_slot(fs, layout)? {
        None => None,
        Some(slot) => Some(installed(fs, layout, slot)?.ok_or_else(|| Failure::BrokenInstallation {
            path: layout.slot(slot),
            source: Symptom("there is no `release.json` in it".into()),
        })?),
    };
    let free = active.as_ref().map_or(SlotName::B, |active| active.slot.other());
    // What cannot be read in the slot that is not active is no way back, and no reason to stop.
    let other = installed(fs, layout, free).ok().flatten();
    Ok(Observed {
        platform: platform(),
        channel: channel.to_owned(),
        active,
        other,
        record: record.clone(),
        blobs: sizes(fs, &layout.blobs(), "", |seen| seen.len)?,
        begun: sizes(fs, &layout.staging(), ".part", |seen| seen.stored)?,
        bytes_free: bytes_free(fs, &layout.code())?,
    })
}

fn sizes(
    fs: &dyn HostFs,
    folder: &Path,
    suffix: &str,
    size: impl Fn(crate::host_fs::Seen) -> u64,
) -> Result<BTreeMap<Digest, u64>, Failure> {
    let mut sizes = BTreeMap::new();
    for name in fs.list(folder).doing("list", folder)? {
        let digest =
            name.to_str().and_then(|name| name.strip_suffix(suffix)).and_then(|hex| Digest::parse_hex(hex).ok());
        let Some(digest) = digest else { continue };
        let path = folder.join(&name);
        if let Some(seen) = fs.look(&path).doing("look at", &path)?.filter(|seen| seen.kind == Kind::File) {
            sizes.insert(digest, size(seen));
        }
    }
    Ok(sizes)
}

/// Of the nearest folder that is there: at a first install the folders do not exist yet.
fn bytes_free(fs: &dyn HostFs, folder: &Path) -> Result<u64, Failure> {
    let mut at = folder;
    while fs.look(at).doing("look at", at)?.is_none() && at != folder_of(at) && !folder_of(at).as_os_str().is_empty() {
        at = folder_of(at);
    }
    let at = if fs.look(at).doing("look at", at)?.is_some() { at } else { Path::new(".") };
    Ok(fs.bytes_free(at).doing("measure the free space of", at)?)
}
