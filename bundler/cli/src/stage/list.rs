//! `components.toml`: what lies in a staged folder, by component. Written by `stage`, or by hand; read by `cut`.
//!
//! Invariant: unknown keys are errors. Described in `docs/formats/bundle-v1.md` §10.

use bundler_format::{InvalidText, Label, Name, RelPath};
use serde::{Deserialize, Serialize};

/// The value of `schema`.
pub(crate) const STAGE_SCHEMA: &str = "strongroom.stage/1";
/// The name of the file.
pub(crate) const STAGE_LIST: &str = "components.toml";
/// Folder of the components' SBOMs; belongs to no component.
pub(crate) const STAGE_SBOMS: &str = "sbom";

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageList {
    /// `strongroom.stage/1`.
    pub(crate) schema: String,
    /// At least one.
    pub(crate) components: Vec<StageComponent>,
}

/// One component.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageComponent {
    /// Unique.
    pub(crate) name: Name,
    /// Its own version.
    pub(crate) version: Label,
    /// SPDX expression.
    pub(crate) licence: Label,
    /// Files, and folders with everything below them, relative to the staged folder and to the slot.
    pub(crate) paths: Vec<RelPath>,
    /// A CycloneDX document of what it is made of, relative to the staged folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sbom: Option<RelPath>,
}

impl StageComponent {
    /// Does this path belong to the component?
    pub(crate) fn owns(&self, path: &RelPath) -> bool {
        self.paths.iter().any(|own| {
            path.as_str().strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// A label from text of other programs: characters that a label does not take become `_`.
pub(crate) fn label(text: &str) -> Result<Label, InvalidText> {
    let clean: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '_' }).take(200).collect();
    Label::parse(clean.trim())
}
