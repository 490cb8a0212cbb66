//! Arrows between our crates point strictly down: to a lower level, never sideways, never up.

use crate::{Finding, Kind, Workspace};

/// Every crate tells its level, is named after its folder, and leans only on lower ones.
///
/// Dev-dependencies are free of the level rule (tests may lean on the kit), because nothing of them is shipped.
#[must_use]
pub fn arrows(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let expected = package.folder.replace('/', "-");
        if package.name != expected {
            findings.push(Finding::new(
                &package.name,
                format!("lies in `{}`, so its name must be `{expected}`", package.folder),
            ));
        }
        let Some(level) = package.level else {
            findings.push(Finding::new(
                &package.name,
                "has no level; add `[package.metadata.strongroom] level = N` as ARCHITECTURE.md draws it",
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev) {
            // An outside crate, or one of ours without a level: said elsewhere.
            let Some(below) = workspace.package(&dependency.name).and_then(|to| to.level) else { continue };
            let direction = match below.cmp(&level) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => "sideways",
                std::cmp::Ordering::Greater => "upward",
            };
            findings.push(Finding::new(
                &package.name,
                format!(
                    "the arrow to `{}` points {direction} (level {level} to {below}); arrows point strictly down, so move what is shared into a lower crate",
                    dependency.name
                ),
            ));
        }
    }
    findings
}
