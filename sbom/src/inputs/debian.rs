//! Debian packages whose files a release carries.

use super::purl_part;
use crate::{BomKind, Component};

/// What is known of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebianPackage {
    /// Binary package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `amd64`.
    pub architecture: String,
    /// Source package and version, when known.
    pub source: Option<(String, String)>,
    /// The distinct `License:` names of its copyright file; empty when there is none in the machine-readable form.
    pub licences: Vec<String>,
}

impl DebianPackage {
    /// The distinct short names in a copyright file of the machine-readable form, sorted; empty for another form.
    #[must_use]
    pub fn licences_in(copyright: &str) -> Vec<String> {
        if !copyright.lines().take(5).any(|line| line.starts_with("Format:")) {
            return Vec::new();
        }
        let names = copyright.lines().filter_map(|line| line.strip_prefix("License:")).map(str::trim);
        let plain =
            |name: &&str| !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| (b' '..=b'~').contains(&b));
        let distinct: std::collections::BTreeSet<String> = names.filter(plain).map(str::to_owned).collect();
        distinct.into_iter().collect()
    }
}

/// The component of a package. §purl type `deb`.
#[must_use]
pub fn debian_component(package: &DebianPackage) -> Component {
    let mut component = Component::new(BomKind::Library, &package.name).version(&package.version);
    let purl = format!(
        "pkg:deb/debian/{}@{}?arch={}",
        purl_part(&package.name),
        purl_part(&package.version),
        purl_part(&package.architecture)
    );
    component.bom_ref = Some(purl.clone());
    component.purl = Some(purl);
    component.licenses = package
        .licences
        .iter()
        .map(|name| crate::LicenceChoice::Licence { license: crate::LicenceName::Name(name.clone()) })
        .collect();
    if let Some((source, version)) = &package.source {
        component = component.property("debian-source", format!("{source} {version}"));
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_url_is_encoded() {
        let package = DebianPackage {
            name: "libstdc++6".into(),
            version: "7:5.1.9-0+deb12u1".into(),
            architecture: "amd64".into(),
            source: Some(("gcc-12".into(), "12.2".into())),
            licences: vec!["GPL-3+".into()],
        };
        let component = debian_component(&package);
        assert_eq!(component.purl.as_deref(), Some("pkg:deb/debian/libstdc%2B%2B6@7%3A5.1.9-0%2Bdeb12u1?arch=amd64"));
        assert_eq!(component.licenses[0].text(), "GPL-3+");
    }

    #[test]
    fn licence_names_come_from_machine_readable_copyright_files_only() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n text\n\nFiles: x\nLicense: ISC\nLicense: GPL-2+\n";
        assert_eq!(DebianPackage::licences_in(text), ["GPL-2+", "ISC"]);
        assert!(DebianPackage::licences_in("This is free.\nLicense: yes\n").is_empty());
    }
}
