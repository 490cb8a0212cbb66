//! Bills of materials in CycloneDX 1.6 JSON: made from lock files, package databases and model packs, written and read.
//!
//! Invariants: equal inputs give equal bytes (components are sorted, the serial number follows from the content, the
//! instant is a parameter); a document that is read keeps every field that this crate writes. Pure: callers read files.
//! Deliberately not here: licence policy, advisory matching, any other format.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod document;
mod error;
mod inputs;

pub use document::{
    Bom, BomKind, Component, Dependency, ExternalReference, HashValue, LicenceChoice, LicenceName, Metadata, Property,
};
pub use error::SbomError;
pub use inputs::{
    DebianPackage, ModelFile, ModelPack, cargo_components, debian_component, model_component, npm_components,
};
