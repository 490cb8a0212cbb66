//! Real parts from outside that some tests need. A missing one is said loudly and its test is skipped; in CI it fails.

use std::path::{Path, PathBuf};

/// A program from the machine's packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `ffmpeg`
    Ffmpeg,
    /// `ffprobe`
    Ffprobe,
    /// `espeak-ng`, the voice of the sample clips.
    Espeak,
    /// `chromium`
    Chromium,
    /// `node`
    Node,
    /// `zstd`
    Zstd,
    /// `cosign`, the other opinion on our signatures.
    Cosign,
    /// `playwright-core` below `appliance/web/node_modules`.
    Playwright,
}

impl Part {
    /// How a person knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Ffprobe => "ffprobe",
            Self::Espeak => "espeak-ng",
            Self::Chromium => "chromium",
            Self::Node => "node",
            Self::Zstd => "zstd",
            Self::Cosign => "cosign",
            Self::Playwright => "playwright-core",
        }
    }

    /// Where it is, if it is here. `STRONGROOM_COSIGN` and `STRONGROOM_CHROMIUM` name another place.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        match self {
            Self::Cosign => from_variable("STRONGROOM_COSIGN").or_else(|| on_path("cosign")).or_else(|| {
                let private = crate::checkout().join(".strongroom/tools/cosign/usr/bin/cosign");
                private.is_file().then_some(private)
            }),
            Self::Chromium => from_variable("STRONGROOM_CHROMIUM").or_else(|| on_path("chromium")),
            Self::Playwright => {
                let folder = crate::checkout().join("appliance/web/node_modules/playwright-core");
                folder.is_dir().then_some(folder)
            }
            Self::Ffmpeg | Self::Ffprobe | Self::Espeak | Self::Node | Self::Zstd => on_path(self.name()),
        }
    }
}

/// Where each of these is, or none when the test must be skipped, which is said on standard error.
///
/// # Panics
/// In CI (`CI` is set and not `false`), where a missing part is a fault of the set-up.
#[must_use]
#[expect(clippy::panic, reason = "in CI a missing part must fail the test that needs it")]
pub fn need<const N: usize>(parts: [Part; N]) -> Option<[PathBuf; N]> {
    let missing: Vec<&str> = parts.iter().filter(|part| part.find().is_none()).map(|part| part.name()).collect();
    if missing.is_empty() {
        return Some(parts.map(|part| part.find().unwrap_or_default()));
    }
    let list = missing.join(", ");
    if in_ci() {
        panic!("real parts are missing: {list}; `make test` installs them");
    }
    eprintln!("\n*** SKIPPED, real parts are missing: {list}. Run `make test`, which installs them. ***\n");
    None
}

/// Is this the run that guards the main line?
#[must_use]
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

fn from_variable(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(name)?);
    path.is_file().then_some(path)
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| runs(path))
}

fn runs(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|kind| kind.is_file() && kind.permissions().mode() & 0o111 != 0)
}
