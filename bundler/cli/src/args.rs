//! The command line.

use std::path::PathBuf;

use bundler_format::{Created, Name, Version, limits};
use clap::{Args, Parser, Subcommand};

/// Makes, signs and checks update bundles.
#[derive(Debug, Parser)]
#[command(name = "strongroom-bundler", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make signing keys and trust roots.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Collect what a release ships into one folder.
    Stage(StageArgs),
    /// Cut a release from a staged folder: volumes, manifest, SBOMs.
    Cut(CutArgs),
    /// Add one signature to a release.
    Sign(SignArgs),
    /// Check a bundle as an installer would, and every other file of it.
    Verify(VerifyArgs),
    /// Show what a bundle says of itself, without proof.
    Inspect(InspectArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a signing key: `NAME.key.pem` (secret, mode 600) and `NAME.pub`.
    New(KeysNewArgs),
    /// Make a trust root from public keys.
    Root(KeysRootArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeysNewArgs {
    /// Folder for the two files.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Name of the key.
    #[arg(long, default_value = "release")]
    pub(crate) name: Name,
}

#[derive(Debug, Args)]
pub(crate) struct KeysRootArgs {
    /// How many distinct keys must sign a release.
    #[arg(long)]
    pub(crate) threshold: u32,
    /// Channel whose releases the root accepts.
    #[arg(long, default_value = "stable")]
    pub(crate) channel: Name,
    /// A public key in PEM; its file name without `.pub` becomes its name. Repeat for each.
    #[arg(long = "key", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// File to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StageArgs {
    /// Folder with the executables `strongroom` and `strongroom-installer`.
    #[arg(long)]
    pub(crate) bin: PathBuf,
    /// The ffmpeg to ship; `ffprobe` is taken from beside it.
    #[arg(long)]
    pub(crate) ffmpeg: PathBuf,
    /// Folder with one folder per model pack. Repeat for more.
    #[arg(long)]
    pub(crate) models: Vec<PathBuf>,
    /// The systemd unit.
    #[arg(long)]
    pub(crate) systemd: PathBuf,
    /// `Cargo.lock` of the build.
    #[arg(long)]
    pub(crate) lock: PathBuf,
    /// Output of `cargo metadata --format-version 1`; without it `cargo` is asked, offline, beside the lock file.
    #[arg(long)]
    pub(crate) cargo_metadata: Option<PathBuf>,
    /// `package-lock.json` of the browser app.
    #[arg(long)]
    pub(crate) npm_lock: Option<PathBuf>,
    /// Folder to make; must not exist.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CutArgs {
    /// The staged folder, with `components.toml`.
    #[arg(long)]
    pub(crate) stage: PathBuf,
    /// Version of the release, as `2026.4.0`.
    #[arg(long)]
    pub(crate) version: Version,
    /// Number of the release in its channel, above every earlier one.
    #[arg(long)]
    pub(crate) sequence: u64,
    /// Security floor; raise it only when going back would reopen a hole.
    #[arg(long, default_value_t = 0)]
    pub(crate) epoch: u64,
    /// Channel.
    #[arg(long, default_value = "stable")]
    pub(crate) channel: Name,
    /// Platform.
    #[arg(long, default_value = "linux-x86_64")]
    pub(crate) platform: Name,
    /// Oldest data layout that this release migrates from.
    #[arg(long, default_value_t = 1)]
    pub(crate) reads_from: u32,
    /// Data layout that this release leaves.
    #[arg(long, default_value_t = 1)]
    pub(crate) writes: u32,
    /// Trust root whose public keys travel with the bundle, for people; installers trust only their own.
    #[arg(long)]
    pub(crate) root: PathBuf,
    /// Folder of the bundle.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Most bytes of a volume, as `1GiB` or `64MiB`.
    #[arg(long, default_value = "1GiB", value_parser = byte_size)]
    pub(crate) volume_size: u64,
    /// Instant of the release, as `2026-11-20T00:00:00Z`; else `SOURCE_DATE_EPOCH`, else now.
    #[arg(long)]
    pub(crate) epoch_time: Option<Created>,
    /// zstd level.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: i32,
    /// Threads that compress; makes no difference to the result.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Release notes in Markdown; else a list of components.
    #[arg(long)]
    pub(crate) notes: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WhichBundle {
    /// Folder of the bundle.
    #[arg(long)]
    pub(crate) bundle: PathBuf,
    /// Version, when the folder holds several; else the newest.
    #[arg(long)]
    pub(crate) version: Option<Version>,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) which: WhichBundle,
    /// Signing key made by `keys new` (PKCS#8 PEM).
    #[arg(long)]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) which: WhichBundle,
    /// Trust root to hold the bundle against.
    #[arg(long)]
    pub(crate) root: PathBuf,
    /// One JSON object on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) which: WhichBundle,
    /// One JSON object on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses `1GiB`, `64MiB`, `512KiB` or plain bytes.
fn byte_size(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, *shift)))
        .ok_or_else(|| "not a size".to_owned())?;
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(bytes @ 1..=limits::VOLUME_MAX) => Ok(bytes),
        _ => Err(format!("a size as `1GiB` or `64MiB`, at most {} bytes (FAT32)", limits::VOLUME_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_powers_of_two() {
        assert_eq!(byte_size("1GiB"), Ok(1 << 30));
        assert_eq!(byte_size("64MiB"), Ok(64 << 20));
        assert_eq!(byte_size("4096"), Ok(4096));
        for wrong in ["", "0", "5GiB", "1GB", "-1", "99999999999999999999", "18446744073709551615GiB"] {
            assert!(byte_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
