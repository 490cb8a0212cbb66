//! The files of the checkout that are, or would be, committed.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Never looked into when there is no git to ask.
const NOT_OURS: &[&str] = &[".git", ".strongroom", "target", "node_modules", "dist", "__pycache__"];

/// A file larger than this is data, not text.
const TEXT_MAX: u64 = 4 * 1024 * 1024;

/// The checkout: its top folder and the paths below it, sorted, `/` between parts.
#[derive(Clone, Debug)]
pub struct Tree {
    top: PathBuf,
    paths: Vec<String>,
}

impl Tree {
    /// The checkout that this crate was built in.
    #[must_use]
    pub fn here() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// Lists what git would commit; without git (a plain copy of the sources), everything but build outputs.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(top: &Path) -> Result<Self> {
        let mut paths = match by_git(top) {
            Ok(paths) => paths,
            Err(_) => {
                let mut paths = Vec::new();
                walk(top, "", &mut paths)?;
                paths
            }
        };
        paths.sort();
        paths.dedup();
        Ok(Self { top: top.to_owned(), paths })
    }

    /// Every path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The text of one file; none when it is gone, too large, or not UTF-8.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let file = self.top.join(path);
        let kind = std::fs::symlink_metadata(&file).ok()?;
        if !kind.is_file() || kind.len() > TEXT_MAX {
            return None;
        }
        String::from_utf8(std::fs::read(file).ok()?).ok()
    }
}

fn by_git(top: &Path) -> Result<Vec<String>> {
    if !top.join(".git").exists() {
        bail!("not a git checkout");
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(top)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .context("git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files ended with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn walk(folder: &Path, below: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("read folder `{}`", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}
