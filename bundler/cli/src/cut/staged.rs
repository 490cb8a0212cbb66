//! Reads a staged folder: which files, of which component, with which digests.
//!
//! Invariants: every file belongs to exactly one component; links and odd names are refused; order is by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bundler_format::{Blob, Digest, Hasher, Mode, RelPath, limits};
use sbom::Bom;

use crate::error::Failure;
use crate::folder;
use crate::say::Bar;
use crate::stage::{STAGE_LIST, STAGE_SBOMS, STAGE_SCHEMA, StageComponent, StageList};

/// A staged folder, hashed.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) components: Vec<StagedComponent>,
    /// Every distinct content with a file that holds it, in the order of first use.
    pub(super) blobs: Vec<(Blob, PathBuf)>,
}

/// A component with its files.
#[derive(Debug)]
pub(super) struct StagedComponent {
    pub(super) list: StageComponent,
    pub(super) files: Vec<StagedFile>,
    pub(super) bom: Option<Bom>,
}

/// A file.
#[derive(Debug)]
pub(super) struct StagedFile {
    pub(super) path: RelPath,
    pub(super) mode: Mode,
    pub(super) blob: Digest,
    pub(super) size: u64,
}

impl Staged {
    pub(super) fn read(top: &Path) -> Result<Self, Failure> {
        let list_path = top.join(STAGE_LIST);
        let text = folder::read_text(&list_path, limits::MANIFEST_MAX)?;
        let list: StageList =
            toml::from_str(&text).map_err(|e| Failure::stage(&list_path, e.to_string().trim().to_owned()))?;
        if list.schema != STAGE_SCHEMA {
            return Err(Failure::stage(&list_path, format!("its schema is {:?}, not `{STAGE_SCHEMA}`", list.schema)));
        }
        let mut found = Vec::new();
        walk(top, "", &mut found)?;
        found.sort_by(|a, b| a.0.cmp(&b.0));

        let mut staged = Self { components: Vec::new(), blobs: Vec::new() };
        for component in list.components {
            let bom = match &component.sbom {
                Some(path) => Some(Bom::parse(&folder::read_file(&top.join(path.as_str()), limits::DOCUMENT_MAX)?)?),
                None => None,
            };
            staged.components.push(StagedComponent { list: component, files: Vec::new(), bom });
        }
        let total = found.iter().map(|(_, _, size)| size).sum();
        let mut bar = Bar::new("hash", total);
        let mut done = 0;
        // By component first, so that what belongs together lies together on the medium.
        for component in &mut staged.components {
            for (path, mode, _) in found.iter().filter(|(path, _, _)| component.list.owns(path)) {
                let file = top.join(path.as_str());
                let blob = hash(&file)?;
                done += blob.size;
                bar.at(done, component.list.name.as_str());
                component.files.push(StagedFile {
                    path: path.clone(),
                    mode: *mode,
                    blob: blob.digest,
                    size: blob.size,
                });
                if staged.blobs.iter().all(|(known, _)| known.digest != blob.digest) {
                    staged.blobs.push((blob, file));
                }
            }
        }
        bar.finish();
        staged.every_file_has_one_owner(top, &found)?;
        Ok(staged)
    }

    /// Where the content of each blob can be read.
    pub(super) fn sources(&self) -> BTreeMap<Digest, &Path> {
        self.blobs.iter().map(|(blob, path)| (blob.digest, path.as_path())).collect()
    }

    fn every_file_has_one_owner(&self, top: &Path, found: &[(RelPath, Mode, u64)]) -> Result<(), Failure> {
        for (path, _, _) in found {
            let owners: Vec<&str> = self
                .components
                .iter()
                .filter(|component| component.list.owns(path))
                .map(|component| component.list.name.as_str())
                .collect();
            let problem = match owners.as_slice() {
                [_] => continue,
                [] => format!("`{STAGE_LIST}` gives it to no component"),
                several => format!("`{STAGE_LIST}` gives it to several components: {}", several.join(", ")),
            };
            return Err(Failure::stage(&top.join(path.as_str()), problem));
        }
        Ok(())
    }
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<(RelPath, Mode, u64)>) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder).map_err(Failure::io("listed", folder))? {
        let entry = entry.map_err(Failure::io("listed", folder))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if name == STAGE_LIST || name == STAGE_SBOMS {
            continue;
        }
        let metadata = std::fs::symlink_metadata(&path).map_err(Failure::io("examined", &path))?;
        if metadata.is_dir() {
            walk(&path, &format!("{name}/"), found)?;
        } else if metadata.is_file() {
            let mode = if metadata.permissions().mode() & 0o111 == 0 { Mode::Plain } else { Mode::Executable };
            let name = RelPath::parse(&name).map_err(|e| Failure::stage(&path, e.to_string()))?;
            found.push((name, mode, metadata.len()));
        } else {
            return Err(Failure::stage(&path, "it is neither a file nor a folder; links are not shipped"));
        }
        if found.len() > limits::FILES_MAX {
            return Err(Failure::stage(folder, format!("a release has at most {} files", limits::FILES_MAX)));
        }
    }
    Ok(())
}

/// Digest of the whole and of each chunk, in one pass.
fn hash(path: &Path) -> Result<Blob, Failure> {
    let file = File::open(path).map_err(Failure::io("opened", path))?;
    let (mut whole, mut size, mut chunks) = (Hasher::new(), 0, Vec::new());
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        (&file).take(limits::CHUNK).read_to_end(&mut chunk).map_err(Failure::io("read", path))?;
        if chunk.is_empty() {
            break;
        }
        whole.update(&chunk);
        chunks.push(Digest::of(&chunk));
        size += chunk.len() as u64;
    }
    Ok(Blob { digest: whole.finish(), size, chunks })
}
