//! The command line. Deliberately not here: what the verbs do (`commands`).

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Installs, updates and takes back Strongroom from a signed bundle on a medium, without a network.
#[derive(Debug, Parser)]
#[command(name = "strongroom-installer", version, max_term_width = 100)]
pub struct Cli {
    /// The root of the host, for development and tests.
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// One JSON object a line on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check a medium: signatures first, then every byte. Changes nothing.
    Verify(Medium),
    /// Show what `apply` would do. Changes nothing.
    Plan(Medium),
    /// Install or update from a medium; goes on where an interrupted attempt stopped.
    Apply(Apply),
    /// Finish an interrupted update.
    Resume(Resume),
    /// Show what is installed and what is under way. Changes nothing.
    Status,
    /// Go back to the release in the other slot.
    Rollback(Rollback),
    /// The trust root and the journal that guard this host.
    Trust {
        /// What to do with them.
        #[command(subcommand)]
        verb: TrustVerb,
    },
}

/// Which bundle.
#[derive(Debug, Args)]
pub struct Medium {
    /// The medium, its `UPDATE` folder, or the folder of one version.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The version, when the medium holds several [default: the newest].
    #[arg(long)]
    pub version: Option<String>,
    /// The vendor's trust root; needed before the first install.
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
}

/// How a release is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Start {
    /// Write its units, restart the service, ask whether it is ready.
    Systemd,
    /// The service is not managed; only the release's own check runs.
    None,
}

/// Starting and health.
#[derive(Debug, Args)]
pub struct Health {
    /// How the release is started [default: `systemd` at `/` where systemd runs, else `none`].
    #[arg(long, value_enum)]
    pub start: Option<Start>,
    /// The same as `--start none`.
    #[arg(long, conflicts_with = "start")]
    pub no_start: bool,
    /// Seconds until it must be healthy.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub health_limit: u64,
}

/// `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// Which bundle.
    #[command(flatten)]
    pub medium: Medium,
    /// Starting and health.
    #[command(flatten)]
    pub health: Health,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The medium, if blobs are still missing.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Starting and health.
    #[command(flatten)]
    pub health: Health,
}

/// `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// Starting and health.
    #[command(flatten)]
    pub health: Health,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// `trust …`.
#[derive(Debug, Subcommand)]
pub enum TrustVerb {
    /// Show the trust root and its fingerprint.
    Show {
        /// Show this file in place of the pinned root.
        #[arg(long, value_name = "FILE")]
        trust: Option<PathBuf>,
    },
    /// Rebuild a lost journal from the releases in the slots.
    Recover {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}
