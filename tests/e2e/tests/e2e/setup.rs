//! What the tests start from: folders below cargo's own, the real release (staged, cut and installed once), media files.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tests_kit::bundle::{Keys, Medium, Stage};
use tests_kit::parts::{self, Part};
use tests_kit::{executables, process};

/// An empty folder that goes when it is dropped, on the disk that cargo builds on.
pub(crate) fn folder() -> TempDir {
    let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(below).unwrap();
    tempfile::Builder::new().prefix("e2e-").tempdir_in(below).unwrap()
}

/// A small release on a medium, with its keys.
pub(crate) struct Small {
    pub(crate) keys: Keys,
    pub(crate) medium: Medium,
    pub(crate) folder: TempDir,
}

impl Small {
    /// Sequence 1 of a release of a few files.
    pub(crate) fn cut() -> Self {
        let folder = folder();
        let keys = Keys::make(&folder.path().join("keys")).unwrap();
        let stage = Stage::small(&folder.path().join("stage"), 1).unwrap();
        let medium = stage.cut(&keys, &folder.path().join("medium"), 1).unwrap();
        Self { keys, medium, folder }
    }

    /// The next release, on a medium of its own.
    pub(crate) fn next(&self, sequence: u64) -> Medium {
        let stage = Stage::small(&self.path(&format!("stage-{sequence}")), sequence).unwrap();
        stage.cut(&self.keys, &self.path(&format!("medium-{sequence}")), sequence).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The real release: this build, this machine's ffmpeg, our model packs.
pub(crate) struct Real {
    pub(crate) keys: Keys,
    pub(crate) medium: Medium,
    /// The release is installed under this root; tests give the appliance roots of their own.
    pub(crate) root: PathBuf,
}

impl Real {
    pub(crate) fn executable(&self) -> PathBuf {
        self.root.join("opt/strongroom/current/bin/strongroom")
    }
}

/// Cut, verified and installed once for all tests. None when a part of it is missing (said loudly; in CI it fails).
pub(crate) fn real() -> Option<&'static Real> {
    static REAL: OnceLock<Result<Real>> = OnceLock::new();
    parts::need([Part::Ffmpeg, Part::Ffprobe, Part::Espeak])?;
    let real = REAL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let keys = Keys::make(&folder.join("keys"))?;
        let medium = Stage::real(&folder.join("stage"))?.cut(&keys, &folder.join("medium"), 1)?;
        std::fs::remove_dir_all(folder.join("stage"))?;
        medium.verify(&keys)?.ok()?;
        let root = folder.join("root");
        medium.apply(&keys, &root)?.ok()?;
        Ok(Real { keys, medium, root })
    });
    match real {
        Ok(real) => Some(real),
        Err(error) => panic!("the real release cannot be installed: {error:#}"),
    }
}

/// Held by tests that keep the whole machine busy, so that they come one after the other.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

/// The sample clips, made once.
pub(crate) fn clips() -> &'static Path {
    static CLIPS: OnceLock<PathBuf> = OnceLock::new();
    CLIPS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clips");
        let mut command = Command::new(tests_kit::checkout().join("tests/kit/clips/make-clips.sh"));
        command.arg(&folder);
        process::run(&mut command, Duration::from_secs(300)).and_then(process::Finished::ok).unwrap();
        folder
    })
}

/// A test picture with a tone, `seconds` long: H.264 and AAC in MP4, made by the machine's ffmpeg.
pub(crate) fn video(folder: &Path, name: &str, seconds: u32) -> PathBuf {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        &format!("testsrc2=s=320x180:r=25:d={seconds}"),
    ]);
    command.args(["-f", "lavfi", "-i", &format!("sine=440:d={seconds}"), "-c:v", "libx264", "-preset", "ultrafast"]);
    // Made different by its name, so that no two uploads are the same file.
    command.args(["-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac", "-metadata", &format!("title={name}")]).arg(&path);
    process::run(&mut command, Duration::from_secs(120)).and_then(process::Finished::ok).unwrap();
    path
}

/// What random tests start from; told, so that a failure can be repeated with `STRONGROOM_SEED`.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("STRONGROOM_SEED").ok().and_then(|text| text.parse().ok());
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = given.unwrap_or(u64::from(clock));
    eprintln!("STRONGROOM_SEED={seed}");
    seed
}

/// How often to cut the power: `STRONGROOM_KILLS`, or this.
pub(crate) fn kills(usual: u64) -> u64 {
    std::env::var("STRONGROOM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Fails with how to build them when the executables are not there.
pub(crate) fn built() {
    for name in ["strongroom-bundler", "strongroom-installer"] {
        executables::find(name).context("set-up").unwrap();
    }
}
