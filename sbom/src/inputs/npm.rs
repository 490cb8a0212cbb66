//! npm packages that the browser app is built from, from `package-lock.json` (lockfile version 2 or 3).

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::Deserialize;

use super::purl_part;
use crate::{BomKind, Component, HashValue, SbomError};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Package {
    version: Option<String>,
    license: Option<serde_json::Value>,
    integrity: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
}

/// The packages that end in what browsers load: everything but `dev` ones.
///
/// # Errors
/// When it cannot be read or has no `packages` (lockfile version 1).
pub fn npm_components(lock: &str) -> Result<Vec<Component>, SbomError> {
    const WHAT: &str = "`package-lock.json`";
    let lock: Lock = serde_json::from_str(lock).map_err(|source| SbomError::Json { what: WHAT, source })?;
    if lock.packages.is_empty() {
        return Err(SbomError::Invalid {
            what: WHAT,
            problem: "it lists no packages; its `lockfileVersion` must be 2 or 3".to_owned(),
        });
    }
    // The same version may lie in several folders; it is one component.
    let mut found: BTreeMap<String, Component> = BTreeMap::new();
    for (path, package) in &lock.packages {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        let Some(version) = package.version.as_ref().filter(|_| !package.dev && !package.link) else { continue };
        let full = match name.split_once('/') {
            Some((scope, rest)) => format!("{}/{}", purl_part(scope), purl_part(rest)),
            None => purl_part(name),
        };
        let purl = format!("pkg:npm/{full}@{}", purl_part(version));
        let mut component = Component::new(BomKind::Library, name).version(version);
        component.bom_ref = Some(purl.clone());
        component.purl = Some(purl.clone());
        if let Some(licence) = package.license.as_ref().and_then(serde_json::Value::as_str) {
            component = component.licence(licence);
        }
        if let Some(hash) = package.integrity.as_deref().and_then(sha512) {
            component.hashes.push(hash);
        }
        found.insert(purl, component);
    }
    Ok(found.into_values().collect())
}

fn sha512(integrity: &str) -> Option<HashValue> {
    let encoded = integrity.split(' ').find_map(|part| part.strip_prefix("sha512-"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    Some(HashValue { alg: "SHA-512".to_owned(), content: hex::encode(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_for_development_are_left_out() {
        let lock = r#"{"lockfileVersion":3,"packages":{"":{"name":"web","version":"0.1.0"},
            "node_modules/hls.js":{"version":"1.7.0","license":"Apache-2.0","integrity":"sha512-AAAA"},
            "node_modules/@scope/x":{"version":"2.0.0","license":"MIT"},
            "node_modules/a/node_modules/hls.js":{"version":"1.7.0"},
            "node_modules/vite":{"version":"8.3.0","dev":true}}}"#;
        let purls: Vec<String> = npm_components(lock).unwrap().into_iter().filter_map(|c| c.purl).collect();
        assert_eq!(purls, ["pkg:npm/%40scope/x@2.0.0", "pkg:npm/hls.js@1.7.0"]);
        assert!(npm_components(r#"{"lockfileVersion":1}"#).is_err());
    }
}
