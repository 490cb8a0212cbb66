//! Model packs.

use bundler_format::Digest;

use crate::{BomKind, Component};

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Relative to the slot.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// What a pack says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPack {
    /// Stable id.
    pub id: String,
    /// Version of the pack.
    pub version: String,
    /// What it is for.
    pub task: String,
    /// What loads it.
    pub engine: String,
    /// What it can do, for people.
    pub description: String,
    /// Languages.
    pub languages: Vec<String>,
    /// SPDX.
    pub licence: String,
    /// Whom to name.
    pub attribution: String,
    /// Its files.
    pub files: Vec<ModelFile>,
}

/// The component of a pack, its files as parts.
#[must_use]
pub fn model_component(pack: &ModelPack) -> Component {
    let mut component = Component::new(BomKind::MachineLearningModel, &pack.id)
        .version(&pack.version)
        .licence(&pack.licence)
        .property("model-task", &pack.task)
        .property("model-engine", &pack.engine)
        .property("model-languages", pack.languages.join(" "));
    component.bom_ref = Some(format!("model:{}@{}", pack.id, pack.version));
    component.description = Some(pack.description.clone());
    component.copyright = Some(pack.attribution.clone());
    component.components = pack.files.iter().map(|file| Component::file(&file.path, &file.digest, file.size)).collect();
    component
}
