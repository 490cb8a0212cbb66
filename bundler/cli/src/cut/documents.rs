//! The documents beside the volumes: SBOMs, notes, and what a person needs to check the release without our programs.
//!
//! Invariant: all of them follow from the manifest, the stage and the trust root.

use bundler_format::{Digest, Document, INSTALLER_EXTRA, INSTALLER_PATH, PREDICATE_TYPE, RelPath, Release, TrustRoots};
use sbom::{Bom, BomKind, Component};

use super::staged::{Staged, StagedComponent};
use crate::error::Failure;
use crate::say;

/// A TrustedRoot without any service: our signatures rest on keys alone. Some versions of `cosign` look for one on the
/// network unless they are given a file.
const EMPTY_TRUSTED_ROOT: &str = "{\n  \"mediaType\": \"application/vnd.dev.sigstore.trustedroot+json;version=0.1\",\n  \"tlogs\": [],\n  \"certificateAuthorities\": [],\n  \"ctlogs\": [],\n  \"timestampAuthorities\": []\n}\n";

/// One document per component, then one for the release that links to them.
pub(super) fn sboms(release: &Release, staged: &Staged) -> Result<Vec<(RelPath, Vec<u8>)>, Failure> {
    let mut documents = Vec::new();
    let mut parts = Vec::new();
    for component in &staged.components {
        let bom = component_bom(release, component)?;
        let bytes = bom.to_bytes()?;
        let name = &component.list.name;
        let mut part = bom.metadata.component.clone();
        part.external_references.push(bom.reference(&Digest::of(&bytes)));
        parts.push(part);
        documents.push((RelPath::parse(&format!("sbom/{name}.cdx.json"))?, bytes));
    }
    let mut subject = Component::new(BomKind::Application, release.product.as_str())
        .version(&release.version.to_string())
        .property("channel", release.channel.as_str())
        .property("sequence", release.sequence.to_string());
    subject.bom_ref = Some(format!("release:{}", release.version));
    let bom = Bom::new(release.created, subject, parts, Vec::new())?;
    documents.push((RelPath::parse(&format!("sbom/{}.cdx.json", release.product))?, bom.to_bytes()?));
    Ok(documents)
}

/// The staged document of a component, with the instant of the release and the digest of every file it ships.
fn component_bom(release: &Release, staged: &StagedComponent) -> Result<Bom, Failure> {
    let list = &staged.list;
    let files = staged.files.iter().map(|file| Component::file(file.path.as_str(), &file.blob, file.size));
    let (subject, mut parts, edges) = match &staged.bom {
        Some(bom) => (bom.metadata.component.clone(), bom.components.clone(), bom.dependencies.clone()),
        None => {
            let mut subject = Component::new(BomKind::Application, list.name.as_str());
            subject.bom_ref = Some(format!("component:{}", list.name));
            (subject, Vec::new(), Vec::new())
        }
    };
    let mut subject = subject.version(list.version.as_str()).licence(list.licence.as_str());
    list.name.as_str().clone_into(&mut subject.name);
    parts.extend(files);
    Ok(Bom::new(release.created, subject, parts, edges)?)
}

/// Notes when nobody wrote any: what the release is made of.
pub(super) fn notes(release: &Release) -> String {
    let mut text = format!(
        "# Strongroom {}\n\nChannel `{}`, sequence {}, {}. Data: migrates from layout {}, leaves layout {}.\n\n| component | version | licence | files | size |\n|---|---|---|---|---|\n",
        release.version,
        release.channel,
        release.sequence,
        release.created,
        release.data_schema.reads_from,
        release.data_schema.writes,
    );
    for component in &release.components {
        let size: u64 = component.files.iter().filter_map(|file| release.blob(&file.blob)).map(|blob| blob.size).sum();
        let files = component.files.len();
        text.push_str(&format!(
            "| {} | {} | {} | {files} | {} |\n",
            component.name,
            component.version,
            component.licence,
            say::bytes(size)
        ));
    }
    text
}

/// The files at the top of the medium.
pub(super) fn extras(release: &Release, root: &TrustRoots) -> Result<Vec<(RelPath, Vec<u8>)>, Failure> {
    let mut files = vec![
        (RelPath::parse("start-here.txt")?, start_here(release, root).into_bytes()),
        (RelPath::parse("trust/root.json")?, root.to_bytes()?),
        (RelPath::parse("trust/trusted_root.json")?, EMPTY_TRUSTED_ROOT.as_bytes().to_vec()),
    ];
    for key in root.keys() {
        files.push((RelPath::parse(&format!("trust/keys/{}.pub", key.name()))?, key.pem().as_bytes().to_vec()));
    }
    Ok(files)
}

/// The installer as it lies at the top of the medium, for a host that has none yet; `None` when none is shipped.
pub(super) fn installer(release: &Release) -> Result<Option<Document>, Failure> {
    let Some((_, file)) = release.files().find(|(_, file)| file.path.as_str() == INSTALLER_PATH) else {
        return Ok(None);
    };
    let size = release.blob(&file.blob).map_or(0, |blob| blob.size);
    Ok(Some(Document { path: RelPath::parse(INSTALLER_EXTRA)?, digest: file.blob, size }))
}

fn start_here(release: &Release, root: &TrustRoots) -> String {
    let version = release.version;
    let names: Vec<String> =
        root.keys().iter().map(|key| format!("trust/keys/{}.pub ({})", key.name(), key.id())).collect();
    format!(
        "Strongroom {version}

Install or update:    strongroom-installer verify --from . --trust ROOT.json
                      strongroom-installer apply --from . --trust ROOT.json
                      (--trust is needed the first time only)
First time on a host: cp strongroom-installer /usr/local/bin/ && chmod 755 /usr/local/bin/strongroom-installer
                      after checking it, as below
Trust:                ROOT.json is the trust root that you got from the vendor by another way than this medium.
                      The files in trust/ are for comparison only. {threshold} of these keys must have signed:
                      {keys}

Check without our programs, offline, with cosign 2.5 or later; try each KEY with each signature file N:

  cd {version}
  cosign verify-blob-attestation --key ../trust/keys/KEY.pub --bundle release.N.sigstore.json \\
    --type {PREDICATE_TYPE} --insecure-ignore-tlog --trusted-root ../trust/trusted_root.json release.json
  sha256sum -c SHA256SUMS

Any file of the release may stand in place of release.json: ../strongroom-installer proves the installer.
(--insecure-ignore-tlog: an offline signature rests on its key; there is no public log to ask.)
List a volume:        tar --zstd -tf {version}/v0000.tar.zst
",
        threshold = root.threshold(),
        keys = names.join("\n                      "),
    )
}
