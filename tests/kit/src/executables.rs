//! Our own executables, as cargo built them next to the running test.

use anyhow::{Result, bail};
use std::path::PathBuf;

/// The folder that cargo puts executables into, for the profile that runs now.
///
/// # Errors
/// When the running executable's own path cannot be told.
pub fn folder() -> Result<PathBuf> {
    let mut folder = std::env::current_exe()?;
    folder.pop();
    if folder.file_name().is_some_and(|name| name == "deps" || name == "examples") {
        folder.pop();
    }
    Ok(folder)
}

/// `strongroom`, `strongroom-bundler` or `strongroom-installer`.
///
/// # Errors
/// When it is not built, with the command that builds it.
pub fn find(name: &str) -> Result<PathBuf> {
    let path = folder()?.join(name);
    if !path.is_file() {
        bail!("`{name}` is not built; run `cargo build --workspace --bins` first (`make test` does)");
    }
    Ok(path)
}
