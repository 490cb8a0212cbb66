//! Model packs: what a pack says of itself (`pack.toml`), and a check of its weights that runs before any engine opens
//! them.
//!
//! Invariants: a [`Pack`] exists only if its whole document is valid, and a document that is not valid is answered with
//! all its problems at once; file names are plain names in the pack's own folder; a weights file that
//! [`ggml::Walk`] has passed holds exactly the tensors its header announces. Pure: callers read, this crate looks.
//! Deliberately not here: where packs lie, which pack is active, loading.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod document;
pub mod ggml;
mod pack;
mod problem;

pub use bundler_format::Digest;
pub use pack::{
    Engine, FileName, Gpu, Hardware, InvalidFileName, Licence, PACK_MAX, Pack, PackFile, Role, SCHEMA, Task,
};
pub use problem::{InvalidPack, Problem};
