//! What `cargo metadata --no-deps` tells about our own crates. No network: nothing is resolved.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// One crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// As in its manifest.
    pub name: String,
    /// `package.metadata.strongroom.level`, 0 (leans on nothing) to 7.
    pub level: Option<u64>,
    /// Its folder, from the top of the checkout, `/` between parts.
    pub folder: String,
    /// What its manifest names, in the manifest's order.
    pub dependencies: Vec<Dependency>,
}

/// One line of a dependency table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name, not the name it is imported under.
    pub name: String,
    /// Which table it stands in.
    pub kind: Kind,
}

/// The dependency tables. Tests may lean on what they like of the outside; shipped code may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

/// The crates, in the order of `members`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// See [`Package`].
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Asks cargo about the workspace whose top folder is `top`.
    ///
    /// # Errors
    /// When cargo cannot be started or refuses a manifest.
    pub fn read(top: &Path) -> Result<Self> {
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(top.join("Cargo.toml"))
            .no_deps()
            .other_options(vec!["--offline".to_owned()])
            .exec()
            .with_context(|| format!("cargo metadata of `{}`", top.display()))?;
        let root: PathBuf = metadata.workspace_root.clone().into();
        let packages = metadata
            .packages
            .iter()
            .map(|package| Package {
                name: package.name.to_string(),
                level: package.metadata["strongroom"]["level"].as_u64(),
                folder: folder_of(package.manifest_path.as_std_path(), &root),
                dependencies: package.dependencies.iter().map(dependency).collect(),
            })
            .collect();
        Ok(Self { packages })
    }

    /// The crate of that name, if it is ours.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

fn dependency(of: &cargo_metadata::Dependency) -> Dependency {
    let kind = match of.kind {
        cargo_metadata::DependencyKind::Development => Kind::Dev,
        cargo_metadata::DependencyKind::Build => Kind::Build,
        _ => Kind::Normal,
    };
    Dependency { name: of.name.clone(), kind }
}

fn folder_of(manifest: &Path, root: &Path) -> String {
    let folder = manifest.parent().unwrap_or(root);
    let below = folder.strip_prefix(root).unwrap_or(folder);
    below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}
