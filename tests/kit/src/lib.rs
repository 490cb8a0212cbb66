//! What tests share: the finder of real parts, a guard round processes, our executables, an appliance under a sandbox
//! root, a client of its public API, and a driver of the bundler and the installer.
//!
//! Everything is driven as a person would: real executables, their command lines, the public API. Nothing here reaches
//! into a crate of the product. `strongroom-sample`, which `make run` ends with, is built from the same pieces.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod appliance;
pub mod bundle;
pub mod client;
pub mod executables;
pub mod parts;
pub mod process;
pub mod upload;

pub use appliance::Appliance;
pub use client::Client;

use anyhow::{Context, Result};

/// Lower case letters and digits, 32 characters from the operating system's randomness, for made-up passwords.
///
/// # Errors
/// When the operating system gives none.
pub fn random_word() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the operating system gave no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect())
}

/// The top folder of the checkout.
#[must_use]
pub fn checkout() -> std::path::PathBuf {
    let kit = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    kit.parent().and_then(std::path::Path::parent).unwrap_or(kit).to_owned()
}

/// SHA-256 of a file, lower case hex.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(path: &std::path::Path) -> Result<String> {
    use sha2::Digest as _;
    let mut file = std::fs::File::open(path).with_context(|| format!("open `{}`", path.display()))?;
    let mut hash = sha2::Sha256::new();
    std::io::copy(&mut file, &mut hash).with_context(|| format!("read `{}`", path.display()))?;
    Ok(hex::encode(hash.finalize()))
}
