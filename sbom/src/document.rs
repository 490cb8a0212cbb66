//! The CycloneDX 1.6 JSON document, as far as releases use it.
//!
//! Invariants: field names and values follow the published schema; reading ignores what it does not know, because
//! documents of others may say more; what this crate wrote comes back unchanged. Deliberately not here: where parts come
//! from (`inputs`).

use std::collections::BTreeSet;

use bundler_format::{Created, Digest, canonical_json};
use serde::{Deserialize, Serialize};

use crate::SbomError;

/// The most bytes of a document that are read.
pub(crate) const DOCUMENT_MAX: usize = 32 << 20;

/// A bill of materials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom {
    /// `CycloneDX`.
    pub bom_format: String,
    /// `1.6`.
    pub spec_version: String,
    /// `urn:uuid:…`, follows from the content.
    pub serial_number: String,
    /// Of the document, from 1.
    pub version: u32,
    /// When, and about what.
    pub metadata: Metadata,
    /// What it is made of.
    #[serde(default)]
    pub components: Vec<Component>,
    /// What needs what, by `bom-ref`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
}

/// When the document was made and which component it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// RFC 3339; the instant of the release.
    pub timestamp: String,
    /// The subject.
    pub component: Component,
}

/// The kinds of component in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BomKind {
    /// A program.
    Application,
    /// A library.
    Library,
    /// Weights and what belongs to them.
    MachineLearningModel,
    /// A file.
    File,
    /// Anything else, when reading documents of others.
    #[serde(other)]
    Data,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Kind.
    #[serde(rename = "type")]
    pub kind: BomKind,
    /// Unique in the document.
    #[serde(rename = "bom-ref", default, skip_serializing_if = "Option::is_none")]
    pub bom_ref: Option<String>,
    /// Name.
    pub name: String,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Digests of its content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<HashValue>,
    /// Licences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenceChoice>,
    /// Whom the licence asks to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copyright: Option<String>,
    /// Package URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Documents elsewhere, as the component's own bill.
    #[serde(rename = "externalReferences", default, skip_serializing_if = "Vec::is_empty")]
    pub external_references: Vec<ExternalReference>,
    /// Our own facts, names beginning `strongroom:`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    /// Parts of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// A digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashValue {
    /// `SHA-256`, `SHA-512`.
    pub alg: String,
    /// Lower-case hex.
    pub content: String,
}

/// An SPDX expression, or a single licence by id or name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LicenceChoice {
    /// `MIT OR Apache-2.0`.
    Expression {
        /// SPDX.
        expression: String,
    },
    /// One licence.
    Licence {
        /// Which.
        license: LicenceName,
    },
}

/// One licence by SPDX id or by another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenceName {
    /// SPDX id.
    Id(String),
    /// Any other name.
    Name(String),
}

/// A document elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalReference {
    /// `bom`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A BOM-Link: `urn:cdx:<uuid>/<version>`.
    pub url: String,
    /// Its digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<HashValue>,
}

/// A fact of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// `strongroom:…`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One node of the dependency graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// `bom-ref` of the one that needs.
    #[serde(rename = "ref")]
    pub of: String,
    /// `bom-ref`s of what it needs.
    #[serde(default)]
    pub depends_on: Vec<String>,
}

impl Component {
    /// A component with a name and nothing else.
    #[must_use]
    pub fn new(kind: BomKind, name: &str) -> Self {
        Self {
            kind,
            bom_ref: None,
            name: name.to_owned(),
            version: None,
            description: None,
            hashes: Vec::new(),
            licenses: Vec::new(),
            copyright: None,
            purl: None,
            external_references: Vec::new(),
            properties: Vec::new(),
            components: Vec::new(),
        }
    }

    /// With this version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// With a licence: an SPDX expression when it reads like one, else a name.
    #[must_use]
    pub fn licence(mut self, text: &str) -> Self {
        let text = text.trim();
        if !text.is_empty() {
            self.licenses = vec![LicenceChoice::of(text)];
        }
        self
    }

    /// With a SHA-256 of its content.
    #[must_use]
    pub fn sha256(mut self, digest: &Digest) -> Self {
        self.hashes.push(HashValue { alg: "SHA-256".to_owned(), content: digest.hex() });
        self
    }

    /// With a fact of ours.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<String>) -> Self {
        self.properties.push(Property { name: format!("strongroom:{name}"), value: value.into() });
        self
    }

    /// A file with its digest.
    #[must_use]
    pub fn file(path: &str, digest: &Digest, size: u64) -> Self {
        let mut component = Self::new(BomKind::File, path).sha256(digest).property("size", size.to_string());
        component.bom_ref = Some(format!("file:{path}"));
        component
    }

    fn each<'a>(&'a self, all: &mut Vec<&'a Self>) {
        all.push(self);
        for part in &self.components {
            part.each(all);
        }
    }
}

impl LicenceChoice {
    /// An expression when every word could be SPDX, else a name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        // Cargo's old form `MIT/Apache-2.0` means OR.
        let text = if text.contains('/') && !text.contains(' ') { text.replace('/', " OR ") } else { text.to_owned() };
        let word = |word: &str| {
            let bare = word.trim_matches(['(', ')']);
            !bare.is_empty()
                && bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b':'))
        };
        let words: Vec<&str> = text.split(' ').collect();
        // Identifiers and operators alternate: `A`, `A OR B`, `A WITH e AND B`.
        let alternate = words.len() % 2 == 1
            && words
                .iter()
                .enumerate()
                .all(|(n, it)| if n % 2 == 1 { matches!(*it, "AND" | "OR" | "WITH") } else { word(it) });
        if alternate {
            Self::Expression { expression: text }
        } else {
            Self::Licence { license: LicenceName::Name(text) }
        }
    }

    /// The text, whichever form it has.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Expression { expression } => expression,
            Self::Licence { license: LicenceName::Id(text) | LicenceName::Name(text) } => text,
        }
    }
}

impl Bom {
    /// A document about `subject`, made of `components`. Both are put in order; the serial number follows from them.
    ///
    /// # Errors
    /// When two components have the same `bom-ref`.
    pub fn new(
        created: Created,
        subject: Component,
        components: Vec<Component>,
        dependencies: Vec<Dependency>,
    ) -> Result<Self, SbomError> {
        let mut bom = Self {
            bom_format: "CycloneDX".to_owned(),
            spec_version: "1.6".to_owned(),
            serial_number: String::new(),
            version: 1,
            metadata: Metadata { timestamp: created.to_string(), component: subject },
            components,
            dependencies,
        };
        bom.components.sort_by(|a, b| (&a.name, &a.version, &a.bom_ref).cmp(&(&b.name, &b.version, &b.bom_ref)));
        bom.dependencies.sort();
        let content = canonical_json(&bom).map_err(|source| SbomError::Json { what: "a bill of materials", source })?;
        bom.serial_number = serial_number(&Digest::of(&content));
        bom.check()?;
        Ok(bom)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it is too large, not CycloneDX 1.6 JSON, or refers to what it does not hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, SbomError> {
        if bytes.len() > DOCUMENT_MAX {
            return Err(SbomError::TooLarge { size: bytes.len(), limit: DOCUMENT_MAX });
        }
        let bom: Self = serde_json::from_slice(bytes)
            .map_err(|source| SbomError::Json { what: "the bill of materials", source })?;
        bom.check()?;
        Ok(bom)
    }

    /// The bytes of the document: canonical JSON.
    ///
    /// # Errors
    /// When it is larger than a document may be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SbomError> {
        let bytes = canonical_json(self).map_err(|source| SbomError::Json { what: "a bill of materials", source })?;
        if bytes.len() > DOCUMENT_MAX {
            Err(SbomError::TooLarge { size: bytes.len(), limit: DOCUMENT_MAX })
        } else {
            Ok(bytes)
        }
    }

    /// How other documents refer to this one: `urn:cdx:<uuid>/<version>`.
    #[must_use]
    pub fn link(&self) -> String {
        let uuid = self.serial_number.trim_start_matches("urn:uuid:");
        format!("urn:cdx:{uuid}/{}", self.version)
    }

    /// A reference to this document, with the digest of its bytes, for another one.
    #[must_use]
    pub fn reference(&self, digest: &Digest) -> ExternalReference {
        let hashes = vec![HashValue { alg: "SHA-256".to_owned(), content: digest.hex() }];
        ExternalReference { kind: "bom".to_owned(), url: self.link(), hashes }
    }

    /// Every component, parts of components included, without the subject.
    #[must_use]
    pub fn all_components(&self) -> Vec<&Component> {
        let mut all = Vec::new();
        for component in &self.components {
            component.each(&mut all);
        }
        all
    }

    fn check(&self) -> Result<(), SbomError> {
        let invalid = |problem: String| Err(SbomError::Invalid { what: "the bill of materials", problem });
        if self.bom_format != "CycloneDX" || self.spec_version != "1.6" {
            return invalid(format!("it is {:?} {:?}, not CycloneDX 1.6", self.bom_format, self.spec_version));
        }
        let mut all = self.all_components();
        self.metadata.component.each(&mut all);
        let mut refs = BTreeSet::new();
        for component in all {
            if let Some(bom_ref) = &component.bom_ref
                && !refs.insert(bom_ref.as_str())
            {
                return invalid(format!("two components have the `bom-ref` {bom_ref:?}"));
            }
        }
        for dependency in &self.dependencies {
            let mut named = std::iter::once(&dependency.of).chain(&dependency.depends_on);
            if let Some(lost) = named.find(|bom_ref| !refs.contains(bom_ref.as_str())) {
                return invalid(format!("no component has the `bom-ref` {lost:?}"));
            }
        }
        Ok(())
    }
}

/// A UUID of version 8 (RFC 9562 §5.8) from a digest: the same content has the same number, on every machine.
fn serial_number(digest: &Digest) -> String {
    let mut bytes = [0u8; 16];
    for (slot, byte) in bytes.iter_mut().zip(digest.as_bytes()) {
        *slot = *byte;
    }
    let [.., v6, _, v8, _, _, _, _, _, _, _] = &mut bytes;
    *v6 = (*v6 & 0x0f) | 0x80;
    *v8 = (*v8 & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("urn:uuid:{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn created() -> Created {
        Created::parse("2026-11-20T00:00:00Z").unwrap()
    }

    fn sample() -> Bom {
        let mut lib =
            Component::new(BomKind::Library, "a").version("1").licence("MIT OR Apache-2.0").property("x", "y");
        lib.bom_ref = Some("pkg:cargo/a@1".into());
        let mut subject = Component::new(BomKind::Application, "appliance").version("0.1.0");
        subject.bom_ref = Some("appliance".into());
        let file = Component::file("bin/strongroom", &Digest::of(b"x"), 1);
        let needs = Dependency { of: "appliance".into(), depends_on: vec!["pkg:cargo/a@1".into()] };
        Bom::new(created(), subject, vec![file, lib], vec![needs]).unwrap()
    }

    #[test]
    fn a_document_survives_writing_and_reading() {
        let bom = sample();
        assert_eq!(Bom::parse(&bom.to_bytes().unwrap()).unwrap(), bom);
    }

    #[test]
    fn the_serial_number_follows_from_the_content_in_any_order() {
        let bom = sample();
        let mut turned = bom.components.clone();
        turned.reverse();
        let again = Bom::new(created(), bom.metadata.component.clone(), turned, bom.dependencies.clone()).unwrap();
        assert_eq!(again, bom);
        let other = Bom::new(created(), bom.metadata.component.clone(), vec![], vec![]).unwrap();
        assert_ne!(other.serial_number, bom.serial_number);
        let uuid = bom.serial_number.strip_prefix("urn:uuid:").unwrap();
        let shape: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!((shape.as_slice(), &uuid[14..15]), ([8, 4, 4, 4, 12].as_slice(), "8"));
        assert!(bom.link().starts_with("urn:cdx:") && bom.link().ends_with("/1"));
    }

    #[test]
    fn licences_are_expressions_only_when_they_read_like_one() {
        for expression in
            ["MIT", "MIT OR Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        {
            assert_eq!(LicenceChoice::of(expression), LicenceChoice::Expression { expression: expression.into() });
        }
        assert_eq!(LicenceChoice::of("MIT/Apache-2.0").text(), "MIT OR Apache-2.0");
        assert!(matches!(LicenceChoice::of("GPL-2+ with other exception"), LicenceChoice::Licence { .. }));
    }

    #[test]
    fn a_document_that_contradicts_itself_is_refused() {
        let mut twice = sample();
        twice.components.push(twice.components[0].clone());
        assert!(Bom::parse(&twice.to_bytes().unwrap()).is_err());
        let mut lost = sample();
        lost.dependencies[0].depends_on.push("nobody".into());
        assert!(Bom::parse(&lost.to_bytes().unwrap()).is_err());
        let mut old = sample();
        old.spec_version = "1.4".into();
        assert!(Bom::parse(&old.to_bytes().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Bom::parse(&bytes);
        }
    }
}
