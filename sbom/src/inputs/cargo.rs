//! Crates, from `Cargo.lock` (versions and checksums) and, where there is one, `cargo metadata` (licences, which crates
//! the shipped programs really use).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

use super::purl_part;
use crate::{BomKind, Component, Dependency, HashValue, SbomError};

#[derive(Deserialize)]
struct Lock {
    #[serde(default, rename = "package")]
    packages: Vec<LockPackage>,
}

#[derive(Deserialize)]
struct LockPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct CargoMetadata {
    packages: Vec<MetadataPackage>,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    deps: Vec<NodeDep>,
}

#[derive(Deserialize)]
struct NodeDep {
    pkg: String,
    #[serde(default)]
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

type Key = (String, String);

/// The crates that the crates named `roots` are built from, the roots included, with their dependency graph.
///
/// `metadata` is the output of `cargo metadata --format-version 1`; with it, crates used only by tests are left out and
/// licences are known. Without it every crate that the lock file reaches is listed.
///
/// # Errors
/// When an input cannot be read, or a root is in none.
pub fn cargo_components(
    lock: &str,
    metadata: Option<&str>,
    roots: &[&str],
) -> Result<(Vec<Component>, Vec<Dependency>), SbomError> {
    let lock: Lock = toml::from_str(lock).map_err(|source| SbomError::Toml { what: "`Cargo.lock`", source })?;
    let metadata: Option<CargoMetadata> = metadata
        .map(serde_json::from_str)
        .transpose()
        .map_err(|source| SbomError::Json { what: "the output of `cargo metadata`", source })?;
    let graph = metadata.as_ref().and_then(metadata_graph).unwrap_or_else(|| lock_graph(&lock));
    let mut reached: BTreeSet<Key> = BTreeSet::new();
    let mut queue: VecDeque<Key> = VecDeque::new();
    for root in roots {
        match graph.keys().find(|(name, _)| name == root) {
            Some(key) => queue.push_back(key.clone()),
            None => {
                return Err(SbomError::Invalid { what: "`Cargo.lock`", problem: format!("it does not hold `{root}`") });
            }
        }
    }
    while let Some(key) = queue.pop_front() {
        if reached.insert(key.clone()) {
            queue.extend(graph.get(&key).into_iter().flatten().cloned());
        }
    }
    let facts: BTreeMap<Key, &MetadataPackage> = metadata
        .iter()
        .flat_map(|m| &m.packages)
        .map(|package| ((package.name.clone(), package.version.clone()), package))
        .collect();
    let mut components = Vec::new();
    for package in &lock.packages {
        let key = (package.name.clone(), package.version.clone());
        if reached.contains(&key) {
            components.push(component(package, facts.get(&key).copied()));
        }
    }
    let purls: BTreeSet<String> = components.iter().filter_map(|component| component.bom_ref.clone()).collect();
    let edges = reached.iter().map(|key| {
        let needs: BTreeSet<String> =
            graph.get(key).into_iter().flatten().map(purl).filter(|purl| purls.contains(purl)).collect();
        Dependency { of: purl(key), depends_on: needs.into_iter().collect() }
    });
    let edges = edges.filter(|edge| purls.contains(&edge.of)).collect();
    Ok((components, edges))
}

fn purl((name, version): &Key) -> String {
    format!("pkg:cargo/{}@{}", purl_part(name), purl_part(version))
}

fn component(package: &LockPackage, facts: Option<&MetadataPackage>) -> Component {
    let mut component = Component::new(BomKind::Library, &package.name).version(&package.version);
    let purl = purl(&(package.name.clone(), package.version.clone()));
    component.bom_ref = Some(purl.clone());
    component.purl = Some(purl);
    if let Some(checksum) = &package.checksum {
        component.hashes.push(HashValue { alg: "SHA-256".to_owned(), content: checksum.clone() });
    }
    if package.source.is_none() {
        component = component.property("origin", "workspace");
    }
    if let Some(facts) = facts {
        component.description =
            facts.description.as_ref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        if let Some(licence) = &facts.license {
            component = component.licence(licence);
        }
    }
    component
}

/// Edges without those that only tests use.
fn metadata_graph(metadata: &CargoMetadata) -> Option<BTreeMap<Key, Vec<Key>>> {
    let keys: BTreeMap<&str, Key> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), (package.name.clone(), package.version.clone())))
        .collect();
    let resolve = metadata.resolve.as_ref()?;
    let mut graph = BTreeMap::new();
    for node in &resolve.nodes {
        let Some(key) = keys.get(node.id.as_str()) else { continue };
        let used = node.deps.iter().filter(|dep| {
            dep.dep_kinds.is_empty() || dep.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
        });
        graph.insert(key.clone(), used.filter_map(|dep| keys.get(dep.pkg.as_str()).cloned()).collect());
    }
    Some(graph)
}

/// Edges as the lock file writes them: `name`, `name version` or `name version (source)`.
fn lock_graph(lock: &Lock) -> BTreeMap<Key, Vec<Key>> {
    let find = |text: &String| {
        let mut words = text.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let found = lock
            .packages
            .iter()
            .find(|package| package.name == name && version.is_none_or(|version| package.version == version));
        found.map(|package| (package.name.clone(), package.version.clone()))
    };
    lock.packages
        .iter()
        .map(|p| ((p.name.clone(), p.version.clone()), p.dependencies.iter().filter_map(find).collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4
[[package]]
name = "appliance"
version = "0.1.0"
dependencies = ["left 1.0.0", "testing"]
[[package]]
name = "left"
version = "1.0.0"
source = "registry+x"
checksum = "aa"
[[package]]
name = "left"
version = "2.0.0"
source = "registry+x"
checksum = "bb"
[[package]]
name = "testing"
version = "3.0.0"
source = "registry+x"
checksum = "cc"
"#;
    const METADATA: &str = r#"{"packages":[
        {"id":"a","name":"appliance","version":"0.1.0","license":"Apache-2.0","description":"x\n y"},
        {"id":"l","name":"left","version":"1.0.0","license":"MIT/Apache-2.0","description":null},
        {"id":"t","name":"testing","version":"3.0.0","license":null,"description":null}],
        "resolve":{"nodes":[{"id":"a","deps":[{"pkg":"l","dep_kinds":[{"kind":null}]},{"pkg":"t","dep_kinds":[{"kind":"dev"}]}]},{"id":"l"},{"id":"t"}]}}"#;

    fn names(components: &[Component]) -> Vec<String> {
        components.iter().map(|c| format!("{} {}", c.name, c.version.as_deref().unwrap_or_default())).collect()
    }

    #[test]
    fn the_lock_file_alone_lists_all_that_is_reached() {
        let (components, edges) = cargo_components(LOCK, None, &["appliance"]).unwrap();
        assert_eq!(names(&components), ["appliance 0.1.0", "left 1.0.0", "testing 3.0.0"]);
        assert_eq!(edges[0].depends_on, ["pkg:cargo/left@1.0.0", "pkg:cargo/testing@3.0.0"]);
    }

    #[test]
    fn metadata_adds_licences_and_leaves_out_what_only_tests_use() {
        let (components, _) = cargo_components(LOCK, Some(METADATA), &["appliance"]).unwrap();
        assert_eq!(names(&components), ["appliance 0.1.0", "left 1.0.0"]);
        assert_eq!(components[1].licenses[0].text(), "MIT OR Apache-2.0");
        assert_eq!(components[1].hashes[0].content, "aa");
        assert_eq!(components[0].description.as_deref(), Some("x y"));
    }

    #[test]
    fn an_unknown_root_is_an_error() {
        assert!(cargo_components(LOCK, None, &["nobody"]).is_err());
        assert!(cargo_components("not toml", None, &[]).is_err());
    }
}
