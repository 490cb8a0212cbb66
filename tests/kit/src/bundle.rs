//! Keys, staged folders, update bundles and installations, made by the real bundler and installer.
//!
//! [`Stage::small`] is a release of a few files that takes no time to cut and holds every shape a volume can have: an
//! empty file, one of a single byte, one over several chunks, two with the same content. Its `bin/strongroom` is a script
//! that is healthy, so that the installer's own behaviour can be tested thousands of times without an appliance.

use crate::executables;
use crate::process::{Finished, run};
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// No single command of these tests may take longer, on the slowest machine.
const LIMIT: Duration = Duration::from_secs(300);

/// A signing key and the trust root that holds its public half.
#[derive(Clone, Debug)]
pub struct Keys {
    /// PKCS#8 PEM, mode 600.
    pub secret: PathBuf,
    /// PEM.
    pub public: PathBuf,
    /// The trust root: one of one key.
    pub root: PathBuf,
}

impl Keys {
    /// Makes them in a folder.
    ///
    /// # Errors
    /// When the bundler fails.
    pub fn make(folder: &Path) -> Result<Self> {
        bundler(&["keys", "new", "--name", "test", "--out"], &[folder])?.ok()?;
        let keys = Self {
            secret: folder.join("test.key.pem"),
            public: folder.join("test.pub"),
            root: folder.join("root.json"),
        };
        bundler(&["keys", "root", "--threshold", "1", "--key"], &[&keys.public, Path::new("--out"), &keys.root])?
            .ok()?;
        Ok(keys)
    }
}

/// A staged folder.
#[derive(Clone, Debug)]
pub struct Stage {
    /// With `components.toml`.
    pub folder: PathBuf,
}

impl Stage {
    /// A release of a few small files; `seed` makes it another one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn small(folder: &Path, seed: u64) -> Result<Self> {
        let healthy = format!("#!/bin/sh\n# release {seed}\n[ \"$1\" = check ] && echo '{{}}'\n");
        put(folder, "bin/strongroom", healthy.as_bytes(), 0o755)?;
        put(folder, "bin/strongroom-installer", b"#!/bin/sh\nexit 0\n", 0o755)?;
        put(folder, "share/empty", b"", 0o644)?;
        put(folder, "share/one", b"x", 0o644)?;
        put(folder, "share/same/first", &noise(seed, 70_000), 0o644)?;
        put(folder, "share/same/second", &noise(seed, 70_000), 0o644)?;
        put(folder, "models/large", &noise(seed + 1, 9 * 1024 * 1024 + 17), 0o644)?;
        let list = "schema = \"strongroom.stage/1\"\n\n\
            [[components]]\nname = \"appliance\"\nversion = \"0.1.0\"\nlicence = \"Apache-2.0\"\npaths = [\"bin\", \"share\"]\n\n\
            [[components]]\nname = \"weights\"\nversion = \"1\"\nlicence = \"Apache-2.0\"\npaths = [\"models\"]\n";
        put(folder, "components.toml", list.as_bytes(), 0o644)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The release that these executables, this machine's ffmpeg and our own model packs make: what `make run` installs.
    ///
    /// # Errors
    /// When something of it is not built or installed, or the bundler fails.
    pub fn real(folder: &Path) -> Result<Self> {
        let checkout = crate::checkout();
        let ffmpeg = crate::parts::Part::Ffmpeg.find().context("ffmpeg is not installed")?;
        executables::find("strongroom")?;
        let mut command = Command::new(executables::find("strongroom-bundler")?);
        command.arg("stage").arg("--bin").arg(executables::folder()?).arg("--ffmpeg").arg(ffmpeg);
        command.arg("--models").arg(checkout.join("models/packs"));
        command.arg("--systemd").arg(unit(&checkout)?);
        command.arg("--lock").arg(checkout.join("Cargo.lock"));
        command.arg("--npm-lock").arg(checkout.join("appliance/web/package-lock.json"));
        command.arg("--out").arg(folder);
        run(&mut command, LIMIT)?.ok()?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Cuts and signs it into `medium/UPDATE`, with version `2026.4.<sequence>`.
    ///
    /// # Errors
    /// When the bundler fails.
    pub fn cut(&self, keys: &Keys, medium: &Path, sequence: u64) -> Result<Medium> {
        self.cut_with(keys, medium, sequence, &[])
    }

    /// As [`Stage::cut`], with further arguments of `cut`.
    ///
    /// # Errors
    /// When the bundler fails.
    pub fn cut_with(&self, keys: &Keys, medium: &Path, sequence: u64, more: &[&str]) -> Result<Medium> {
        let medium = Medium { folder: medium.to_owned(), version: format!("2026.4.{sequence}") };
        let mut command = Command::new(executables::find("strongroom-bundler")?);
        command.arg("cut").arg("--stage").arg(&self.folder).arg("--root").arg(&keys.root);
        command.args(["--version", &medium.version, "--sequence", &sequence.to_string(), "--level", "1"]);
        command.args(["--epoch-time", "2026-11-20T00:00:00Z"]).args(more);
        command.arg("--out").arg(medium.update());
        run(&mut command, LIMIT)?.ok()?;
        bundler(&["sign", "--bundle"], &[&medium.update(), Path::new("--key"), &keys.secret])?.ok()?;
        Ok(medium)
    }
}

/// A medium with a bundle on it.
#[derive(Clone, Debug)]
pub struct Medium {
    /// What a person would plug in.
    pub folder: PathBuf,
    /// The release that was cut last.
    pub version: String,
}

impl Medium {
    /// The bundle's folder.
    #[must_use]
    pub fn update(&self) -> PathBuf {
        self.folder.join("UPDATE")
    }

    /// The folder of the release.
    #[must_use]
    pub fn release(&self) -> PathBuf {
        self.update().join(&self.version)
    }

    /// `strongroom-bundler verify`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn verify(&self, keys: &Keys) -> Result<Finished> {
        bundler(&["verify", "--bundle"], &[&self.update(), Path::new("--root"), &keys.root])
    }

    /// `strongroom-installer verify`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn check(&self, keys: &Keys) -> Result<Finished> {
        let mut command = Command::new(executables::find("strongroom-installer")?);
        command.args(["verify", "--from"]).arg(&self.folder).arg("--trust").arg(&keys.root);
        run(&mut command, LIMIT)
    }

    /// `strongroom-installer apply` into a root, without asking.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn apply(&self, keys: &Keys, root: &Path) -> Result<Finished> {
        run(&mut self.apply_command(keys, root)?, LIMIT)
    }

    /// The command of [`Medium::apply`], for tests that end it early.
    ///
    /// # Errors
    /// When the installer is not built.
    pub fn apply_command(&self, keys: &Keys, root: &Path) -> Result<Command> {
        let mut command = Command::new(executables::find("strongroom-installer")?);
        command.args(["apply", "--yes", "--json", "--from"]).arg(&self.folder);
        command.arg("--root").arg(root).arg("--trust").arg(&keys.root);
        Ok(command)
    }

    /// Every file of the medium, sorted.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = files_below(&self.folder)?;
        files.sort();
        Ok(files)
    }
}

/// `strongroom-installer status --json`.
///
/// # Errors
/// When it fails or its answer is not JSON.
pub fn status(root: &Path) -> Result<serde_json::Value> {
    let mut command = Command::new(executables::find("strongroom-installer")?);
    command.args(["status", "--json", "--root"]).arg(root);
    let finished = run(&mut command, LIMIT)?.ok()?;
    serde_json::from_str(finished.stdout.trim()).with_context(|| finished.stdout.clone())
}

/// Every plain file below a folder, in no order.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("read folder `{}`", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn unit(checkout: &Path) -> Result<PathBuf> {
    let found = ["images", "installer"].iter().filter_map(|folder| files_below(&checkout.join(folder)).ok()).flatten();
    found.into_iter().find(|path| path.ends_with("strongroom.service")).context("there is no `strongroom.service`")
}

fn bundler(words: &[&str], paths: &[&Path]) -> Result<Finished> {
    let mut command = Command::new(executables::find("strongroom-bundler")?);
    command.args(words).args(paths);
    run(&mut command, LIMIT)
}

fn put(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("make folder `{}`", parent.display()))?;
    }
    std::fs::write(&path, bytes).with_context(|| format!("write `{}`", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Bytes that do not compress, the same for the same seed.
#[must_use]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(|| random.number().to_le_bytes()).flatten().take(length).collect()
}

/// A small generator (SplitMix64), so that a failing test can be run again with its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end` (at least 1).
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }
}
