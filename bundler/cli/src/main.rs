//! `strongroom-bundler`: keys, stage, cut, sign, verify, inspect.
//!
//! Invariants: data goes to stdout, everything else to stderr; every failure ends with a code, a cause, a remedy and an
//! exit code of the one table. Deliberately not here: installing, and trusting on behalf of a host.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod args;
mod cut;
mod error;
mod folder;
mod inspect;
mod keys;
mod say;
mod sign;
mod stage;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;
use runtime_diag::{Diagnose as _, Exit};

use args::{Cli, Command, KeysCommand};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Keys(KeysCommand::New(args)) => keys::new(&args),
        Command::Keys(KeysCommand::Root(args)) => keys::root(&args),
        Command::Stage(args) => stage::run(&args),
        Command::Cut(args) => cut::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
    };
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            say::line(runtime_diag::render(&error).trim_end());
            error.exit().into()
        }
    }
}
