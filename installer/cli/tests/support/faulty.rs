//! A file system that ends the world after any operation, with the loss that a power cut brings.
//!
//! It works on real files and remembers what was not made durable: data of files (until `sync_file`) and names in
//! folders (until `sync_folder`). At the end of the world it takes away what the [`Loss`] says. With [`Forget`] it drops
//! one kind of sync on purpose: the tests must then find a broken host, or they prove nothing.

use installer_cli::host_fs::{HostFs, RealFs, Seen};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: the process was killed.
    Nothing,
    /// The data of files that were not synced; their names stay, empty.
    Data,
    /// Names in folders that were not synced, and the data.
    NamesAndData,
    /// The same, but some folders reach the disk by themselves: which ones is drawn from the number.
    NamesOfSomeFolders(u64),
}

/// A sync that does nothing, to prove that the tests can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    Nothing,
    Files,
    Folders,
}

enum Undo {
    RemoveName(PathBuf),
    RemoveTree(PathBuf),
    MakeFolder(PathBuf),
    Restore { name: PathBuf, kept: Kept },
    Rename { from: PathBuf, to: PathBuf, replaced: Option<Kept> },
}

#[derive(Clone)]
enum Kept {
    Link(PathBuf),
    File(PathBuf),
}

struct Pending {
    folders: Vec<PathBuf>,
    undo: Undo,
}

pub struct FaultyFs {
    root: PathBuf,
    attic: tempfile::TempDir,
    ends_after: Option<u64>,
    loss: Loss,
    forget: Forget,
    count: Cell<u64>,
    ended: Cell<bool>,
    kept: Cell<u64>,
    pending: RefCell<Vec<Pending>>,
    dirty: RefCell<BTreeSet<u64>>,
    pub free: Cell<Option<u64>>,
    log: RefCell<Vec<String>>,
}

impl FaultyFs {
    pub fn new(root: &Path, ends_after: Option<u64>, loss: Loss, forget: Forget) -> Self {
        Self {
            root: root.to_owned(),
            // On the same file system, so that names can be kept as hard links.
            attic: tempfile::tempdir_in(root.parent().unwrap()).unwrap(),
            ends_after,
            loss,
            forget,
            count: Cell::new(0),
            ended: Cell::new(false),
            kept: Cell::new(0),
            pending: RefCell::new(Vec::new()),
            dirty: RefCell::new(BTreeSet::new()),
            free: Cell::new(None),
            log: RefCell::new(Vec::new()),
        }
    }

    /// Operations that changed something or made it durable.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// What was done under `folder`, as verbs and paths.
    pub fn touched(&self, folder: &Path) -> Vec<String> {
        let folder = folder.to_str().unwrap().to_owned();
        self.log.borrow().iter().filter(|line| line.contains(&folder)).cloned().collect()
    }

    fn alive(&self) -> io::Result<()> {
        if self.ended.get() { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    /// Does the operation, and ends the world after it if it is the one.
    fn step<T>(&self, verb: &str, path: &Path, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.alive()?;
        self.log.borrow_mut().push(format!("{verb} {}", path.display()));
        let result = act()?;
        self.count.set(self.count.get() + 1);
        if self.ends_after == Some(self.count.get()) {
            self.ended.set(true);
            self.lose();
            return Err(io::Error::other("the power is gone"));
        }
        Ok(result)
    }

    fn inode(path: &Path) -> u64 {
        std::fs::symlink_metadata(path).map_or(0, |meta| meta.ino())
    }

    fn keep(&self, path: &Path) -> Option<Kept> {
        let meta = std::fs::symlink_metadata(path).ok()?;
        if meta.is_symlink() {
            return Some(Kept::Link(std::fs::read_link(path).unwrap()));
        }
        if meta.is_dir() {
            return None;
        }
        self.kept.set(self.kept.get() + 1);
        let place = self.attic.path().join(self.kept.get().to_string());
        std::fs::hard_link(path, &place).unwrap();
        Some(Kept::File(place))
    }

    fn note(&self, folders: &[&Path], undo: Undo) {
        let folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
        self.pending.borrow_mut().push(Pending { folders, undo });
    }

    fn restore(name: &Path, kept: &Kept) {
        // The folder may be gone for good: its own removal was durable, so what was in it is gone, too.
        let _ = match kept {
            Kept::Link(target) => std::os::unix::fs::symlink(target, name),
            Kept::File(place) => std::fs::hard_link(place, name),
        };
    }

    fn lose(&self) {
        // Renames that reached the disk: what was done before under the old name is now under the new one.
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        let now = |path: PathBuf, moved: &[(PathBuf, PathBuf)]| {
            moved
                .iter()
                .rev()
                .fold(path, |path, (from, to)| path.strip_prefix(from).map_or(path.clone(), |rest| to.join(rest)))
        };
        for pending in self.pending.borrow_mut().drain(..).rev() {
            let lost = match self.loss {
                Loss::Nothing | Loss::Data => false,
                Loss::NamesAndData => true,
                Loss::NamesOfSomeFolders(draw) => pending.folders.iter().any(|folder| {
                    let mut hasher = std::hash::DefaultHasher::new();
                    (draw, self.count.get(), folder.strip_prefix(&self.root).ok()).hash(&mut hasher);
                    hasher.finish().is_multiple_of(2)
                }),
            };
            match pending.undo {
                Undo::Rename { from, to, .. } if !lost => moved.push((from, to)),
                _ if !lost => {}
                Undo::RemoveName(name) => drop(std::fs::remove_file(now(name, &moved))),
                Undo::RemoveTree(name) => drop(std::fs::remove_dir_all(now(name, &moved))),
                Undo::MakeFolder(name) => drop(std::fs::create_dir(now(name, &moved))),
                Undo::Restore { name, kept } => Self::restore(&now(name, &moved), &kept),
                Undo::Rename { from, to, replaced } => {
                    let (from, to) = (now(from, &moved), now(to, &moved));
                    if std::fs::rename(&to, &from).is_ok()
                        && let Some(kept) = replaced
                    {
                        Self::restore(&to, &kept);
                    }
                }
            }
        }
        if self.loss != Loss::Nothing {
            empty(&self.root, &self.dirty.borrow());
        }
    }
}

fn empty(folder: &Path, dirty: &BTreeSet<u64>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let meta = std::fs::symlink_metadata(entry.path()).unwrap();
        if meta.is_dir() {
            empty(&entry.path(), dirty);
        } else if meta.is_file() && dirty.contains(&meta.ino()) {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
            std::fs::write(entry.path(), b"").unwrap();
            std::fs::set_permissions(entry.path(), meta.permissions()).unwrap();
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap()
}

impl HostFs for FaultyFs {
    fn look(&self, path: &Path) -> io::Result<Option<Seen>> {
        self.alive()?;
        RealFs.look(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.alive()?;
        RealFs.list(folder)
    }
    fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.alive()?;
        RealFs.link_target(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.alive()?;
        RealFs.open(path)
    }
    fn bytes_free(&self, folder: &Path) -> io::Result<u64> {
        self.alive()?;
        self.free.get().map_or_else(|| RealFs.bytes_free(folder), Ok)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step("create", path, || {
            RealFs.create_folder(path)?;
            self.note(&[parent(path)], Undo::RemoveTree(path.to_owned()));
            Ok(())
        })
    }

    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // First a part of it, then all of it: two places to end the world.
        let new = !path.exists();
        let half = bytes.len() / 2;
        self.step("write half", path, || {
            RealFs.write_at(path, offset, &bytes[..half])?;
            if new {
                self.note(&[parent(path)], Undo::RemoveName(path.to_owned()));
            }
            self.dirty.borrow_mut().insert(Self::inode(path));
            Ok(())
        })?;
        self.step("write", path, || RealFs.write_at(path, offset, bytes))
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.step("mode", path, || RealFs.set_mode(path, mode))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.step("sync", path, || {
            if self.forget != Forget::Files {
                self.dirty.borrow_mut().remove(&Self::inode(path));
            }
            Ok(())
        })
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step("sync folder", path, || {
            if !path.is_dir() {
                return Err(io::Error::from(io::ErrorKind::NotFound));
            }
            if self.forget != Forget::Folders {
                self.pending.borrow_mut().retain(|pending| !pending.folders.iter().any(|folder| folder == path));
            }
            Ok(())
        })
    }

    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        self.step("sync all", folder, || {
            if self.forget == Forget::Nothing {
                self.dirty.borrow_mut().clear();
                self.pending.borrow_mut().clear();
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename", to, || {
            let replaced = self.keep(to);
            RealFs.rename(from, to)?;
            let undo = Undo::Rename { from: from.to_owned(), to: to.to_owned(), replaced };
            self.note(&[parent(to)], undo);
            Ok(())
        })
    }

    fn hard_link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.step("link", name, || {
            RealFs.hard_link(file, name)?;
            self.note(&[parent(name)], Undo::RemoveName(name.to_owned()));
            Ok(())
        })
    }

    fn symlink(&self, target: &Path, name: &Path) -> io::Result<()> {
        self.step("symlink", name, || {
            RealFs.symlink(target, name)?;
            self.note(&[parent(name)], Undo::RemoveName(name.to_owned()));
            Ok(())
        })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step("remove", path, || {
            let kept = self.keep(path);
            RealFs.remove_file(path)?;
            if let Some(kept) = kept {
                self.note(&[parent(path)], Undo::Restore { name: path.to_owned(), kept });
            }
            Ok(())
        })
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.step("remove folder", path, || {
            let there = path.is_dir();
            RealFs.remove_folder(path)?;
            if there {
                self.note(&[parent(path)], Undo::MakeFolder(path.to_owned()));
            }
            Ok(())
        })
    }
}
