//! Valid bundles in memory, for tests that start from what is right and break one thing.
//!
//! Invariants: made with the same code as real ones (layout, frames, statement); keys come from a fixed seed and are
//! worthless. Deliberately not here: anything a product may call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a failure here is a failed test"
)]

use std::collections::BTreeMap;
use std::io::{self, Read};

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePublicKey as _, LineEnding};

use crate::volumes::{Listed, Medium, encode_frame, seal_volume};
use crate::{
    Blob, Component, Created, DataSchema, Digest, Document, File, FrameKind, Label, Mode, Name, RELEASE_SCHEMA,
    RelPath, Release, RootKey, TrustRoots, Version, Volume, VolumeName, bundle_json, frames, limits, pae, plan_volumes,
    signature_name, statement, tar_header,
};

/// A signing key made from a seed.
#[derive(Clone, Debug)]
pub struct TestSigner {
    key: SigningKey,
    public: RootKey,
}

impl TestSigner {
    /// The same seed gives the same key.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed.max(1); 32]).unwrap();
        let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        let public = RootKey::from_pem(Name::parse(&format!("signer-{seed}")).unwrap(), &pem).unwrap();
        Self { key, public }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> RootKey {
        self.public.clone()
    }

    /// The content of a signature file for this manifest.
    #[must_use]
    pub fn sign(&self, release_json: &[u8]) -> Vec<u8> {
        self.sign_payload(&statement(release_json).unwrap())
    }

    /// The content of a signature file for any payload.
    #[must_use]
    pub fn sign_payload(&self, payload: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(&pae(crate::PAYLOAD_TYPE, payload));
        bundle_json(&self.public.id(), payload, signature.to_der().as_bytes()).unwrap()
    }
}

/// Files in memory, by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryMedium {
    /// Name relative to the top, and content.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Medium for MemoryMedium {
    fn list(&self) -> io::Result<Vec<Listed>> {
        Ok(self.files.keys().map(|name| Listed { name: name.clone(), regular: true }).collect())
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.files
            .get(name)
            .map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read>)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Describes a bundle to make.
#[derive(Clone, Debug)]
pub struct BundleMaker {
    /// The version.
    pub version: Version,
    /// The sequence.
    pub sequence: u64,
    /// The epoch.
    pub epoch: u64,
    /// The channel, of the release and of the root.
    pub channel: Name,
    /// Data layouts.
    pub data_schema: DataSchema,
    /// Component, path, mode and content of each file.
    pub files: Vec<(String, String, Mode, Vec<u8>)>,
    /// Budget of a volume in bytes.
    pub volume_size: u64,
    /// Who signs.
    pub signers: Vec<TestSigner>,
    /// Whom the root holds.
    pub trusted: Vec<TestSigner>,
    /// How many the root asks for.
    pub threshold: u32,
}

impl Default for BundleMaker {
    fn default() -> Self {
        let file = |component: &str, path: &str, mode, content: Vec<u8>| {
            (component.to_owned(), path.to_owned(), mode, content)
        };
        Self {
            version: Version::parse("2026.4.0").unwrap(),
            sequence: 1,
            epoch: 0,
            channel: Name::parse("stable").unwrap(),
            data_schema: DataSchema { reads_from: 1, writes: 1 },
            files: vec![
                file("appliance", "bin/strongroom", Mode::Executable, pattern(1, 70_000)),
                file("appliance", "share/empty", Mode::Plain, Vec::new()),
                file("models", "models/demo/model.bin", Mode::Plain, pattern(2, limits::CHUNK as usize + 1000)),
            ],
            volume_size: 1 << 20,
            signers: vec![TestSigner::new(1)],
            trusted: vec![TestSigner::new(1)],
            threshold: 1,
        }
    }
}

/// Bytes that do not compress well, from a seed.
#[must_use]
pub fn pattern(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[7]
    };
    (0..length).map(|_| next()).collect()
}

/// A bundle with the root that trusts it.
#[derive(Clone, Debug)]
pub struct MadeBundle {
    /// Its files.
    pub medium: MemoryMedium,
    /// The root to verify it with.
    pub root: TrustRoots,
    /// Its manifest.
    pub release: Release,
    /// The bytes of its manifest.
    pub release_json: Vec<u8>,
}

impl BundleMaker {
    /// Makes it.
    #[must_use]
    pub fn make(&self) -> MadeBundle {
        let root = TrustRoots::new(
            self.channel.clone(),
            self.threshold,
            self.trusted.iter().map(TestSigner::public).collect(),
        )
        .unwrap();
        let mut contents: Vec<(Digest, &[u8])> = Vec::new();
        let mut components: Vec<Component> = Vec::new();
        for (component, path, mode, content) in &self.files {
            let digest = Digest::of(content);
            if contents.iter().all(|(known, _)| *known != digest) {
                contents.push((digest, content));
            }
            let file = File { path: RelPath::parse(path).unwrap(), mode: *mode, blob: digest };
            match components.iter_mut().find(|known| known.name.as_str() == component) {
                Some(known) => known.files.push(file),
                None => components.push(Component {
                    name: Name::parse(component).unwrap(),
                    version: Label::parse("1.0.0").unwrap(),
                    licence: Label::parse("Apache-2.0").unwrap(),
                    files: vec![file],
                }),
            }
        }
        let chunk = usize::try_from(limits::CHUNK).unwrap();
        let blobs: Vec<Blob> = contents
            .iter()
            .map(|(digest, bytes)| Blob {
                digest: *digest,
                size: bytes.len() as u64,
                chunks: bytes.chunks(chunk).map(Digest::of).collect(),
            })
            .collect();
        let volumes = plan_volumes(&blobs, self.volume_size);
        let volumes = volumes.into_iter().enumerate();
        let volumes = volumes
            .map(|(n, entries)| Volume { name: VolumeName::at(n).unwrap(), size: 0, digest: Digest::of(b""), entries })
            .collect();
        let (notes, sbom, start) = (b"# Release\n".as_slice(), b"{}".as_slice(), b"start here\n".as_slice());
        let root_json = root.to_bytes().unwrap();
        let document = |path: &str, bytes: &[u8]| Document::of(RelPath::parse(path).unwrap(), bytes);
        let mut release = Release {
            schema: RELEASE_SCHEMA.to_owned(),
            product: Name::parse("strongroom").unwrap(),
            version: self.version,
            channel: self.channel.clone(),
            sequence: self.sequence,
            epoch: self.epoch,
            created: Created::parse("2026-11-20T00:00:00Z").unwrap(),
            platform: Name::parse("linux-x86_64").unwrap(),
            data_schema: self.data_schema,
            components,
            blobs,
            volumes,
            sboms: vec![document("sbom/strongroom.cdx.json", sbom)],
            notes: document("notes.md", notes),
            extras: vec![document("start-here.txt", start), document("trust/root.json", &root_json)],
        };
        let mut medium = MemoryMedium::default();
        let folder = self.version.to_string();
        for index in 0..release.volumes.len() {
            let volume = release.volumes[index].clone();
            let mut out = Vec::new();
            let encoded = frames(&release, &volume)
                .into_iter()
                .map(|frame| encode_frame(&content(&release, &volume, &frame.kind, &contents), 1));
            let facts = seal_volume(&mut out, encoded).unwrap();
            release.volumes[index].size = facts.size;
            release.volumes[index].digest = facts.digest;
            medium.files.insert(format!("{folder}/{}", volume.name), out);
        }
        let release_json = release.to_bytes().unwrap();
        for (number, signer) in self.signers.iter().enumerate() {
            medium.files.insert(format!("{folder}/{}", signature_name(number as u32)), signer.sign(&release_json));
        }
        medium.files.insert(format!("{folder}/release.json"), release_json.clone());
        medium.files.insert(format!("{folder}/SHA256SUMS"), release.sha256sums(&release_json).into_bytes());
        medium.files.insert(format!("{folder}/sbom/strongroom.cdx.json"), sbom.to_vec());
        medium.files.insert(format!("{folder}/notes.md"), notes.to_vec());
        medium.files.insert("start-here.txt".to_owned(), start.to_vec());
        medium.files.insert("trust/root.json".to_owned(), root_json);
        MadeBundle { medium, root, release, release_json }
    }
}

/// What a frame of a volume holds.
fn content(release: &Release, volume: &Volume, kind: &FrameKind, contents: &[(Digest, &[u8])]) -> Vec<u8> {
    match kind {
        FrameKind::Header { entry, padding } => {
            let entry = &volume.entries[*entry];
            let mut bytes = vec![0; *padding as usize];
            bytes.extend_from_slice(&tar_header(&entry.name, entry.length, release.created));
            bytes
        }
        FrameKind::Chunk { chunk, .. } => {
            let (_, bytes) = contents.iter().find(|(digest, _)| *digest == chunk.blob).unwrap();
            bytes[chunk.range.start as usize..chunk.range.end as usize].to_vec()
        }
        FrameKind::End { padding } => vec![0; *padding as usize + 1024],
    }
}
