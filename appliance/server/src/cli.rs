//! The command line of `strongroom`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A sealed media appliance.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve the API and the browser app, and work on jobs.
    Serve(ServeArgs),
    /// Check that this executable can do its work here: engines, models, data. Exit 0 means healthy.
    Check(CheckArgs),
    /// Act on people from the host's console.
    Admin {
        #[command(subcommand)]
        verb: AdminVerb,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Run one engine; started by the worker.
    #[command(hide = true)]
    Engine { engine: Engine },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminVerb {
    /// Give a person a new one-time password and end their sessions.
    ResetPassword(ResetArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Engine {
    Speech,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RootArgs {
    /// Folder that holds `etc/strongroom` and `var/lib/strongroom`.
    #[arg(long, default_value = "/", value_name = "DIR")]
    pub(crate) root: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,
    /// Address and port; overrides the configuration.
    #[arg(long, env = "STRONGROOM_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,
    /// Also ask the running appliance whether it is ready.
    #[arg(long)]
    pub(crate) ready: bool,
    /// Where it listens, with `--ready`; overrides the configuration.
    #[arg(long, env = "STRONGROOM_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// One JSON object per check on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,
    /// User name.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
}
