//! A small staged folder, keys and bundles, made with the real executable.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const VERSION: &str = "2026.4.0";

/// What a run of the executable gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn bundler(args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom-bundler")).args(args).output().unwrap();
    run_of(&output)
}

pub(crate) fn run_of(output: &Output) -> Run {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

pub(crate) fn good(args: &[&str]) -> Run {
    let run = bundler(args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    run
}

/// A temporary folder with a stage, two keys and a root that needs both.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.put("stage/bin/strongroom", &noise(1, 3000), 0o755);
        desk.put("stage/bin/strongroom-installer", &noise(3, 2000), 0o755);
        desk.put("stage/share/text", &b"a word ".repeat(2000), 0o644);
        desk.put("stage/share/empty", b"", 0o644);
        desk.put("stage/models/x/model.bin", &noise(2, 4_200_000), 0o644);
        let list = r#"schema = "strongroom.stage/1"
[[components]]
name = "appliance"
version = "0.1.0"
licence = "Apache-2.0"
paths = ["bin", "share"]
[[components]]
name = "model-x"
version = "1"
licence = "CC-BY-4.0"
paths = ["models/x"]
"#;
        desk.put("stage/components.toml", list.as_bytes(), 0o644);
        for name in ["alice", "bob", "mallory"] {
            good(&["keys", "new", "--out", &desk.path("keys"), "--name", name]);
        }
        let (alice, bob) = (desk.path("keys/alice.pub"), desk.path("keys/bob.pub"));
        good(&["keys", "root", "--threshold", "2", "--key", &alice, "--key", &bob, "--out", &desk.path("root.json")]);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8], mode: u32) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn cut(&self, out: &str, more: &[&str]) -> Run {
        let (stage, root, out) = (self.path("stage"), self.path("root.json"), self.path(out));
        let mut args =
            vec!["cut", "--stage", &stage, "--version", VERSION, "--sequence", "1", "--root", &root, "--out", &out];
        args.extend(["--epoch-time", "2026-11-20T00:00:00Z", "--volume-size", "64KiB"]);
        args.extend(more);
        bundler(&args)
    }

    pub(crate) fn sign(&self, out: &str, name: &str) -> Run {
        bundler(&["sign", "--bundle", &self.path(out), "--key", &self.path(&format!("keys/{name}.key.pem"))])
    }

    pub(crate) fn verify(&self, out: &str) -> Run {
        bundler(&["verify", "--bundle", &self.path(out), "--root", &self.path("root.json")])
    }

    /// A signed bundle in `UPDATE`.
    pub(crate) fn signed() -> Self {
        let desk = Self::new();
        assert_eq!(desk.cut("UPDATE", &[]).code, 0);
        for name in ["alice", "bob"] {
            assert_eq!(desk.sign("UPDATE", name).code, 0);
        }
        desk
    }

    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.folder.path().join("UPDATE").join(VERSION).join(name)
    }
}

/// Every file below a folder with its content.
pub(crate) fn files(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A small generator (SplitMix64): a failing test can be run again with its seed.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    std::iter::repeat_with(|| random.next().to_le_bytes()).flatten().take(length).collect()
}

/// The program of this name on `PATH`. Missing: said loudly, and a failure in CI.
pub(crate) fn part(variable: &str, name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    // Where the checkout keeps tools that the system has no package of.
    let private = || {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.strongroom/tools").join(name).join("usr/bin").join(name);
        file.is_file().then_some(file)
    };
    let found = named.or_else(on_path).or_else(private);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "`{name}` is missing; CI must have it");
        // Past the test harness, which would keep it to itself.
        let text = format!("SKIPPED: `{name}` is not installed; set {variable} or install it to run this test\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    found
}
