//! What the installer's tests share: a vendor who signs, small bundles, hosts in temporary folders.
//!
//! Deliberately not here: the bundler. Bundles are made with the types of the format alone.

#![allow(dead_code, reason = "each test file uses its part of it")]

pub mod faulty;

use bundler_format::volumes::{encode_frame, seal_volume};
use bundler_format::{
    Blob, Component, Created, DataSchema, Digest, Document, Entry, EntryName, File, FrameKind, Label, Mode, Name,
    PAYLOAD_TYPE, RELEASE_SCHEMA, RelPath, Release, RootKey, TrustRoots, Version, Volume, VolumeName, bundle_json,
    frames, limits, pae, signature_name, statement, tar_header,
};
use installer_cli::host_fs::HostFs;
use installer_cli::layout::Layout;
use installer_cli::service::Service;
use installer_plan::SlotName;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A vendor with keys and a trust root.
pub struct Vendor {
    keys: Vec<SigningKey>,
    pub roots: TrustRoots,
}

impl Vendor {
    /// One key is enough.
    pub fn new() -> Self {
        Self::with(7, 1, 1, "stable")
    }

    pub fn with(seed: u8, keys: u8, threshold: u32, channel: &str) -> Self {
        let keys: Vec<SigningKey> =
            (0..keys).map(|index| SigningKey::from_slice(&[seed.wrapping_add(index); 32]).unwrap()).collect();
        let root_keys = keys.iter().enumerate().map(|(index, key)| {
            let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
            RootKey::from_pem(name(&format!("signer-{index}")), &pem).unwrap()
        });
        let roots = TrustRoots::new(name(channel), threshold, root_keys.collect()).unwrap();
        Self { keys, roots }
    }

    pub fn root_file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("root.json");
        std::fs::write(&path, self.roots.to_bytes().unwrap()).unwrap();
        path
    }

    fn sign(&self, index: usize, release_json: &[u8]) -> Vec<u8> {
        let payload = statement(release_json).unwrap();
        let signature: Signature = self.keys[index].sign(&pae(PAYLOAD_TYPE, &payload));
        bundle_json(&self.roots.keys()[index].id(), &payload, signature.to_der().as_bytes()).unwrap()
    }
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// What a release is to be; start from a valid one and change one thing.
#[derive(Clone)]
pub struct Recipe {
    pub version: String,
    pub sequence: u64,
    pub epoch: u64,
    pub channel: String,
    pub platform: String,
    pub schema: (u32, u32),
    pub files: Vec<(String, Mode, Vec<u8>)>,
    /// Chunks in a volume.
    pub volume_chunks: usize,
    pub signers: Vec<usize>,
}

pub const HEALTHY: &str = "#!/bin/sh\nexit 0\n";
pub const SICK: &str = "#!/bin/sh\necho 'the database cannot be opened' >&2\nexit 3\n";

/// Bytes that compress badly, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| (random.next() >> 33) as u8).collect()
}

/// Repeatable numbers for delays and places.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}

impl Recipe {
    /// A healthy release; `sequence` also makes its version and the content of one file.
    pub fn new(sequence: u64) -> Self {
        Self {
            version: format!("2026.4.{sequence}"),
            sequence,
            epoch: 0,
            channel: "stable".into(),
            platform: installer_cli::observe::platform(),
            schema: (1, 1),
            files: vec![
                ("bin/strongroom".into(), Mode::Executable, format!("{HEALTHY}# {sequence}\n").into_bytes()),
                ("ffmpeg/lib/shared.so".into(), Mode::Plain, b"the same in every release".to_vec()),
                ("models/demo/model.bin".into(), Mode::Plain, noise(sequence, 3000)),
                ("share/licences/empty".into(), Mode::Plain, Vec::new()),
                (
                    "share/systemd/strongroom.service".into(),
                    Mode::Plain,
                    format!("[Unit]\nDescription={sequence}\n").into(),
                ),
            ],
            volume_chunks: 2,
            signers: vec![0],
        }
    }

    pub fn sick(sequence: u64) -> Self {
        let mut recipe = Self::new(sequence);
        recipe.set("bin/strongroom", SICK.as_bytes());
        recipe
    }

    pub fn set(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        match self.files.iter_mut().find(|file| file.0 == path) {
            Some(file) => file.2 = bytes.to_vec(),
            None => self.files.push((path.into(), Mode::Plain, bytes.to_vec())),
        }
        self
    }

    /// Writes the bundle and gives its top.
    pub fn write(&self, medium: &Path, vendor: &Vendor) -> PathBuf {
        let top = medium.join("UPDATE");
        let folder = top.join(&self.version);
        std::fs::create_dir_all(folder.join("sbom")).unwrap();
        let mut contents: HashMap<Digest, Vec<u8>> = HashMap::new();
        let mut blobs = Vec::new();
        let component = |path: &str| path.split('/').next().unwrap().to_owned();
        let mut components: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for (path, mode, bytes) in &self.files {
            let digest = Digest::of(bytes);
            if contents.insert(digest, bytes.clone()).is_none() {
                let chunks = bytes.chunks(limits::CHUNK as usize).map(Digest::of).collect();
                blobs.push(Blob { digest, size: bytes.len() as u64, chunks });
            }
            let file = File { path: RelPath::parse(path).unwrap(), mode: *mode, blob: digest };
            components.entry(component(path)).or_default().push(file);
        }
        let notes = format!("# {}\n", self.version).into_bytes();
        let start = b"read me\n".to_vec();
        let mut release = Release {
            schema: RELEASE_SCHEMA.into(),
            product: name("strongroom"),
            version: Version::parse(&self.version).unwrap(),
            channel: name(&self.channel),
            sequence: self.sequence,
            epoch: self.epoch,
            created: Created::parse("2026-11-20T00:00:00Z").unwrap(),
            platform: name(&self.platform),
            data_schema: DataSchema { reads_from: self.schema.0, writes: self.schema.1 },
            components: components
                .into_iter()
                .map(|(name, files)| Component {
                    version: Label::parse(&format!("1.0.{}", self.sequence)).unwrap(),
                    licence: Label::parse("Apache-2.0").unwrap(),
                    name: self::name(&name),
                    files,
                })
                .collect(),
            volumes: self.volumes(&blobs),
            blobs,
            sboms: vec![Document::of(RelPath::parse("sbom/strongroom.cdx.json").unwrap(), b"{}")],
            notes: Document::of(RelPath::parse("notes.md").unwrap(), &notes),
            extras: vec![Document::of(RelPath::parse("start-here.txt").unwrap(), &start)],
        };
        for index in 0..release.volumes.len() {
            let mut bytes = Vec::new();
            let frames = frames(&release, &release.volumes[index]).into_iter().map(|frame| {
                encode_frame(&frame_content(&release, &release.volumes[index], &contents, &frame.kind), 1)
            });
            let facts = seal_volume(&mut bytes, frames.collect::<Vec<_>>()).unwrap();
            let volume = &mut release.volumes[index];
            (volume.size, volume.digest) = (facts.size, facts.digest);
            std::fs::write(folder.join(volume.name.as_str()), bytes).unwrap();
        }
        let release_json = release.to_bytes().unwrap();
        for signer in &self.signers {
            let number = u32::try_from(*signer).unwrap();
            std::fs::write(folder.join(signature_name(number)), vendor.sign(*signer, &release_json)).unwrap();
        }
        std::fs::write(folder.join("SHA256SUMS"), release.sha256sums(&release_json)).unwrap();
        std::fs::write(folder.join("release.json"), release_json).unwrap();
        std::fs::write(folder.join("notes.md"), notes).unwrap();
        std::fs::write(folder.join("sbom/strongroom.cdx.json"), "{}").unwrap();
        std::fs::write(top.join("start-here.txt"), start).unwrap();
        top
    }

    fn volumes(&self, blobs: &[Blob]) -> Vec<Volume> {
        let mut volumes: Vec<Volume> = Vec::new();
        let mut room = 0;
        for blob in blobs {
            let (mut offset, mut segment) = (0, 0);
            loop {
                if room == 0 {
                    let name = VolumeName::at(volumes.len()).unwrap();
                    volumes.push(Volume { name, size: 0, digest: Digest::of(b""), entries: Vec::new() });
                    room = self.volume_chunks;
                }
                let length = (blob.size - offset).min(room as u64 * limits::CHUNK);
                let entry = Entry { name: EntryName::of(&blob.digest, segment), blob: blob.digest, offset, length };
                volumes.last_mut().unwrap().entries.push(entry);
                room -= (length.div_ceil(limits::CHUNK) as usize).max(1);
                (offset, segment) = (offset + length, segment + 1);
                if offset == blob.size {
                    break;
                }
            }
        }
        volumes
    }
}

fn frame_content(release: &Release, volume: &Volume, contents: &HashMap<Digest, Vec<u8>>, kind: &FrameKind) -> Vec<u8> {
    match kind {
        FrameKind::Header { entry, padding } => {
            let entry = &volume.entries[*entry];
            let mut bytes = vec![0; *padding as usize];
            bytes.extend(tar_header(&entry.name, entry.length, release.created));
            bytes
        }
        FrameKind::Chunk { chunk, .. } => {
            contents[&chunk.blob][chunk.range.start as usize..chunk.range.end as usize].to_vec()
        }
        FrameKind::End { padding } => vec![0; *padding as usize + 1024],
    }
}

/// A release is healthy when its `bin/strongroom` says so; read, not run.
pub struct ReadsTheScript;

impl Service for ReadsTheScript {
    fn start(&mut self, _fs: &dyn HostFs, _layout: &Layout, _slot: SlotName) -> Result<(), String> {
        Ok(())
    }

    fn stop(&mut self, _layout: &Layout) -> Result<(), String> {
        Ok(())
    }

    fn healthy(&mut self, layout: &Layout) -> Result<(), String> {
        let script =
            std::fs::read_to_string(layout.current().join("bin/strongroom")).map_err(|error| error.to_string())?;
        if script.contains("exit 0") { Ok(()) } else { Err("the database cannot be opened".into()) }
    }
}

/// Reads a whole tree: relative path to content (links as `-> target`).
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                walk(&entry.path(), &format!("{name}/"), found);
            } else if kind.is_symlink() {
                found.insert(name, format!("-> {}", std::fs::read_link(entry.path()).unwrap().display()).into_bytes());
            } else {
                found.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found);
    found
}

/// Copies a tree with its hard links. No child process: one that is just being started would hold the lock of another
/// test for a moment.
pub fn copy(from: &Path, to: &Path) {
    fn walk(from: &Path, to: &Path, links: &mut HashMap<u64, PathBuf>) {
        use std::os::unix::fs::MetadataExt;
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (name, meta) = (to.join(entry.file_name()), entry.metadata().unwrap());
            if meta.is_dir() {
                walk(&entry.path(), &name, links);
            } else if meta.is_symlink() {
                std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), name).unwrap();
            } else if let Some(first) = links.get(&meta.ino()) {
                std::fs::hard_link(first, name).unwrap();
            } else {
                std::fs::copy(entry.path(), &name).unwrap();
                links.insert(meta.ino(), name);
            }
        }
    }
    walk(from, to, &mut HashMap::new());
}

/// The version that `current` leads to, after comparing every file of it with its manifest; `None` = no `current`.
/// Panics when what is there is not a complete release, or the store shows a blob with wrong content.
pub fn standing(root: &Path) -> Option<String> {
    let layout = Layout::new(root);
    for (name, bytes) in tree(&layout.blobs()) {
        assert_eq!(name, Digest::of(&bytes).hex(), "a blob is visible with wrong content");
    }
    let current = layout.current();
    std::fs::read_link(&current).ok()?;
    let release =
        Release::parse(&std::fs::read(current.join("release.json")).expect("current leads to a manifest")).unwrap();
    for (_, file) in release.files() {
        let bytes = std::fs::read(current.join(file.path.as_str()));
        let bytes = bytes.unwrap_or_else(|error| panic!("{} of {}: {error}", file.path, release.version));
        assert_eq!(Digest::of(&bytes), file.blob, "{} of {}", file.path, release.version);
    }
    Some(release.version.to_string())
}

/// Runs the real installer.
pub fn installer(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_strongroom-installer")).args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The exit code.
pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

/// Nothing under `slots`, and no blob with wrong content.
pub fn untouched(root: &Path) {
    assert!(tree(&root.join("opt/strongroom/slots")).is_empty());
    assert_eq!(standing(root), None);
}

/// A host, a vendor and a medium in temporary folders.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub vendor: Vendor,
    pub trust: PathBuf,
    pub root: PathBuf,
}

impl Site {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// In memory where the system has such folders: for tests that act out the loss of what was not synced, for which a
    /// disk would only be slow.
    pub fn in_memory() -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn at(folder: tempfile::TempDir) -> Self {
        let vendor = Vendor::new();
        let trust = vendor.root_file(folder.path());
        let root = folder.path().join("host");
        std::fs::create_dir(&root).unwrap();
        Self { trust, root, vendor, folder }
    }

    /// A medium of its own for this release.
    pub fn medium(&self, recipe: &Recipe) -> PathBuf {
        let medium = self.folder.path().join(format!("stick-{}", recipe.version));
        std::fs::create_dir_all(&medium).unwrap();
        recipe.write(&medium, &self.vendor);
        medium
    }

    /// Runs a verb of the real installer on this host.
    pub fn run(&self, verb: &str, more: &[&str]) -> Output {
        let mut arguments = vec![verb, "--root", self.root.to_str().unwrap()];
        arguments.extend(more);
        installer(&arguments)
    }

    pub fn apply(&self, recipe: &Recipe) -> Output {
        let medium = self.medium(recipe);
        self.run("apply", &["--from", medium.to_str().unwrap(), "--trust", self.trust.to_str().unwrap(), "--yes"])
    }
}
