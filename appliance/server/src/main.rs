//! `strongroom`: the one executable of the appliance. It holds the API, the browser app, the worker and, started as
//! child processes of itself, the engines.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admin;
mod check;
mod cli;
mod config;
mod error;
mod layout;
mod media;
mod secrets;
mod serve;
mod system;
mod tls;
mod ui;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use runtime_diag::{Diagnose, Exit};

use cli::{AdminVerb, Cli, Engine, Verb};
use error::ServerError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The engine speaks frames on standard output and must not start the async runtime.
    if let Verb::Engine { engine: Engine::Speech } = cli.verb {
        system::log_to_stderr();
        return runtime_speech::serve(std::io::stdin(), std::io::stdout()).into();
    }
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprint!("{}", runtime_diag::render(&error));
            error.exit().into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, ServerError> {
    if let Verb::Openapi = cli.verb {
        system::print(&appliance_http::openapi());
        return Ok(Exit::Done);
    }
    system::log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| ServerError::Start { what: "the async runtime", source })?;
    runtime.block_on(async {
        match cli.verb {
            Verb::Serve(args) => serve::serve(&args).await.map(|()| Exit::Done),
            Verb::Check(args) => check::check(&args).await,
            Verb::Admin { verb: AdminVerb::ResetPassword(args) } => {
                admin::reset_password(&args).await.map(|()| Exit::Done)
            }
            Verb::Engine { .. } | Verb::Openapi => Ok(Exit::Done),
        }
    })
}
