//! Slots: built beside what runs, from links into the blob store; proven; switched by one rename; tidied up.
//!
//! Invariants: the active slot is never written to; a slot has its name only when it is complete and durable; `current`
//! always names a complete slot or is not there. Every function may run again after it was cut off anywhere.

use crate::error::Failure;
use crate::host_fs::{Doing, HostFs, Kind, folder_of, make_folders, remove_tree};
use crate::layout::{Layout, join};
use crate::observe::{active_slot, installed};
use crate::staging::hash_file;
use crate::stop::Stop;
use crate::teller::Teller;
use bundler_format::{Digest, File, Mode, Release, Verified};
use installer_plan::SlotName;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Builds a slot and gives it its name. `false` = a blob is missing from the store; nothing was named.
///
/// # Errors
/// [`Failure::Disk`].
pub fn assemble(fs: &dyn HostFs, layout: &Layout, slot: SlotName, verified: &Verified) -> Result<bool, Failure> {
    let (new, old, name) = (layout.slot_new(slot), layout.slot_old(slot), layout.slot(slot));
    if active_slot(fs, layout)? == Some(slot) {
        // Not reached by any plan; a last guard before something that runs would be taken away.
        return Err(Failure::Usage {
            problem: format!("slot `{slot}` is active and cannot be built anew"),
            remedy: "run `strongroom-installer status` and report what it says".into(),
        });
    }
    remove_tree(fs, &new)?;
    remove_tree(fs, &old)?;
    make_folders(fs, &new)?;
    let mut folders = BTreeSet::from([new.clone()]);
    for (_, file) in verified.release().files() {
        if !link_blob(fs, layout, &new, file, &mut folders)? {
            return Ok(false);
        }
    }
    write_new(fs, &new.join("release.json"), verified.release_bytes())?;
    for (name, bytes) in verified.signatures() {
        // The name was checked when it was read from the medium: `release.<n>.sigstore.json`.
        write_new(fs, &new.join(name), bytes)?;
    }
    for folder in folders.iter().rev() {
        fs.sync_folder(folder).doing("sync the folder", folder)?;
    }
    if fs.look(&name).doing("look at", &name)?.is_some() {
        fs.rename(&name, &old).doing("rename to", &old)?;
    }
    fs.rename(&new, &name).doing("rename to", &name)?;
    let slots = layout.slots();
    fs.sync_folder(&slots).doing("sync the folder", &slots)?;
    remove_tree(fs, &old)?;
    Ok(true)
}

fn write_new(fs: &dyn HostFs, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs.write_at(path, 0, bytes).doing("write", path)?;
    fs.set_mode(path, 0o444).doing("set the mode of", path)?;
    Ok(fs.sync_file(path).doing("sync", path)?)
}

fn link_blob(
    fs: &dyn HostFs,
    layout: &Layout,
    slot: &Path,
    file: &File,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<bool, Failure> {
    let blob = layout.blob(&file.blob);
    let Some(seen) = fs.look(&blob).doing("look at", &blob)?.filter(|seen| seen.kind == Kind::File) else {
        return Ok(false);
    };
    let path = join(slot, &file.path);
    let mut folder = folder_of(&path);
    make_folders(fs, folder)?;
    while folder != slot && folders.insert(folder.to_owned()) {
        folder = folder_of(folder);
    }
    // Links share one mode. It only ever becomes wider, so that the release that runs keeps what it has.
    let mode = match file.mode {
        Mode::Executable => 0o555,
        Mode::Plain => 0o444,
    };
    if seen.mode & mode != mode {
        fs.set_mode(&blob, seen.mode | mode).doing("set the mode of", &blob)?;
        fs.sync_file(&blob).doing("sync", &blob)?;
    }
    fs.hard_link(&blob, &path).doing("link", &path)?;
    Ok(true)
}

/// Files of a slot that are not what the manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damaged {
    /// Relative to the slot.
    pub files: Vec<String>,
    /// The blobs they should be.
    pub blobs: BTreeSet<Digest>,
}

/// Reads every file of a slot again, but those whose blobs were `written` by this very process from verified bytes.
///
/// # Errors
/// [`Failure::Disk`], [`Failure::Interrupted`].
pub fn prove(
    fs: &dyn HostFs,
    slot: &Path,
    release: &Release,
    written: &BTreeSet<Digest>,
    stop: &Stop,
    teller: &mut Teller,
) -> Result<Damaged, Failure> {
    let mut damaged = Damaged::default();
    let size = |file: &File| release.blob(&file.blob).map_or(0, |blob| blob.size);
    let total = release.files().filter(|(_, file)| !written.contains(&file.blob)).map(|(_, file)| size(file)).sum();
    teller.begin("check", total);
    for (_, file) in release.files() {
        let path = join(slot, &file.path);
        let seen = fs.look(&path).doing("look at", &path)?;
        let shape = seen.is_some_and(|seen| {
            seen.kind == Kind::File
                && seen.len == size(file)
                && (file.mode == Mode::Plain || seen.mode & 0o111 == 0o111)
        });
        teller.item(file.path.as_str());
        let holds = shape
            && (written.contains(&file.blob)
                || hash_file(fs, &path, stop, &mut |bytes| teller.advance(bytes))? == file.blob);
        if !holds {
            damaged.files.push(file.path.to_string());
            damaged.blobs.insert(file.blob);
        }
    }
    teller.end();
    Ok(damaged)
}

/// Takes damaged blobs out of the store, so that they are fetched again.
///
/// # Errors
/// [`Failure::Disk`].
pub fn discard_blobs(fs: &dyn HostFs, layout: &Layout, blobs: &BTreeSet<Digest>) -> Result<(), Failure> {
    for digest in blobs {
        let path = layout.blob(digest);
        fs.remove_file(&path).doing("remove", &path)?;
    }
    let folder = layout.blobs();
    if fs.look(&folder).doing("look at", &folder)?.is_some() {
        fs.sync_folder(&folder).doing("sync the folder", &folder)?;
    }
    Ok(())
}

/// Points `current` to a slot: a new link takes the place of the old one in one rename.
///
/// # Errors
/// [`Failure::Disk`]; `current` then names the old slot or the new one.
pub fn switch(fs: &dyn HostFs, layout: &Layout, slot: SlotName) -> Result<(), Failure> {
    let (code, current, new) = (layout.code(), layout.current(), layout.current_new());
    if active_slot(fs, layout)? != Some(slot) {
        // Everything the new slot needs is durable before anything can run from it.
        fs.sync_all(&code).doing("sync the file system of", &code)?;
        fs.remove_file(&new).doing("remove", &new)?;
        fs.symlink(&Layout::current_target(slot), &new).doing("link", &new)?;
        fs.rename(&new, &current).doing("rename to", &current)?;
    }
    Ok(fs.sync_folder(&code).doing("sync the folder", &code)?)
}

/// Removes `current`: no release is active.
///
/// # Errors
/// [`Failure::Disk`].
pub fn withdraw(fs: &dyn HostFs, layout: &Layout) -> Result<(), Failure> {
    let (code, current) = (layout.code(), layout.current());
    fs.remove_file(&current).doing("remove", &current)?;
    Ok(fs.sync_folder(&code).doing("sync the folder", &code)?)
}

/// Removes what no slot needs: blobs, parts, half-built slots, manifests of updates that are over.
///
/// # Errors
/// [`Failure::Disk`].
pub fn collect(fs: &dyn HostFs, layout: &Layout) -> Result<(), Failure> {
    let mut needed = BTreeSet::new();
    for slot in SlotName::ALL {
        match installed(fs, layout, slot) {
            Ok(Some(installed)) => needed.extend(installed.release.blobs.iter().map(|blob| layout.blob(&blob.digest))),
            Ok(None) => {}
            // A slot whose manifest cannot be read might need any blob: keep them all.
            Err(_) => return Ok(()),
        }
        remove_tree(fs, &layout.slot_new(slot))?;
        remove_tree(fs, &layout.slot_old(slot))?;
    }
    for folder in [layout.blobs(), layout.staging()] {
        for name in fs.list(&folder).doing("list", &folder)? {
            let path = folder.join(name);
            if !needed.contains(&path) {
                fs.remove_file(&path).doing("remove", &path)?;
            }
        }
    }
    remove_tree(fs, &layout.pending())
        .and_then(|()| fs.remove_file(&layout.current_new()).doing("remove", &layout.current_new()))
        .map_err(Failure::from)
}
