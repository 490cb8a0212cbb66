//! Model packs: one folder each, with `pack.toml` and its files, plain or as `<file>.zst`.
//!
//! Invariant: a file enters the stage only with the size and digest that its pack states.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;

use bundler_format::{Hasher, Name, RelPath};
use models::{Pack, PackFile};
use sbom::{BomKind, ModelFile, ModelPack, model_component};

use super::{Stage, StageComponent, list};
use crate::error::Failure;
use crate::folder;

const MANIFEST: &str = "pack.toml";
const BUFFER: usize = 1 << 20;

pub(super) fn stage(stage: &mut Stage, models: &Path) -> Result<(), Failure> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(models).map_err(Failure::io("listed", models))? {
        let path = entry.map_err(Failure::io("listed", models))?.path();
        if path.join(MANIFEST).is_file() {
            folders.push(path);
        }
    }
    // Folders come in the order of the file system; the stage must not depend on it.
    folders.sort();
    if folders.is_empty() {
        return Err(Failure::stage(models, "it has no folder with a `pack.toml`"));
    }
    folders.iter().try_for_each(|folder| pack(stage, folder))
}

fn pack(stage: &mut Stage, from: &Path) -> Result<(), Failure> {
    let manifest = from.join(MANIFEST);
    let text = folder::read_text(&manifest, models::PACK_MAX as u64)?;
    let pack = Pack::load(&text).map_err(|source| Failure::Pack { path: manifest.clone(), source })?;
    let top = RelPath::parse(&format!("models/{}", pack.id))?;
    stage.copy(&manifest, &RelPath::parse(&format!("{top}/{MANIFEST}"))?, false)?;
    let mut files = Vec::new();
    for file in &pack.files {
        let to = RelPath::parse(&format!("{top}/{}", file.path))?;
        copy(from, file, &stage.path(to.as_str()))?;
        files.push(ModelFile { path: to.to_string(), digest: file.sha256, size: file.size });
    }
    let component = StageComponent {
        name: Name::parse(&format!("model-{}", pack.id))?,
        version: list::label(&pack.version)?,
        licence: list::label(&pack.licence.spdx)?,
        paths: vec![top],
        sbom: None,
    };
    let described = ModelPack {
        id: pack.id.clone(),
        version: pack.version.clone(),
        task: pack.task.as_str().to_owned(),
        engine: pack.engine.as_str().to_owned(),
        description: pack.description.clone(),
        languages: pack.languages.clone(),
        licence: pack.licence.spdx.clone(),
        attribution: pack.licence.attribution.clone(),
        // `cut` lists the files of every component with their digests; here they would be listed twice.
        files: Vec::new(),
    };
    stage.add(component, BomKind::MachineLearningModel, vec![model_component(&described)], Vec::new())
}

/// Copies or decompresses one file, and compares it with what the pack states while it passes.
fn copy(folder: &Path, file: &PackFile, to: &Path) -> Result<(), Failure> {
    let (plain, packed) = (folder.join(file.path.as_str()), folder.join(format!("{}.zst", file.path)));
    let (from, mut read): (_, Box<dyn Read>) = if plain.is_file() {
        let read = File::open(&plain).map_err(Failure::io("opened", &plain))?;
        (plain, Box::new(read))
    } else {
        let read = File::open(&packed).map_err(Failure::io("opened", &packed))?;
        let read = zstd::stream::read::Decoder::new(read).map_err(Failure::io("decompressed", &packed))?;
        (packed, Box::new(read))
    };
    let mut out = File::create_new(to).map_err(Failure::io("made", to))?;
    let (mut hash, mut size, mut buffer) = (Hasher::new(), 0u64, vec![0; BUFFER]);
    loop {
        let count = read.read(&mut buffer).map_err(Failure::io("read", &from))?;
        let part = buffer.get(..count).unwrap_or_default();
        size += count as u64;
        if count == 0 || size > file.size {
            break;
        }
        hash.update(part);
        out.write_all(part).map_err(Failure::io("written", to))?;
    }
    let got = hash.finish();
    if size != file.size {
        let relation = if size > file.size { "more than" } else { "fewer than" };
        return Err(Failure::stage(
            &from,
            format!("it gives {relation} the {} bytes that `pack.toml` states", file.size),
        ));
    }
    if got != file.sha256 {
        return Err(Failure::stage(&from, format!("its digest is `{got}`, but `pack.toml` states `{}`", file.sha256)));
    }
    Ok(())
}
