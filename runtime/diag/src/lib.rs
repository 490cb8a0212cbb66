//! Errors a person can meet: a stable code, one sentence with the cause, a remedy, whether to retry, an exit code.
//!
//! Invariants: `Display` of an error never repeats its source (the renderer prints the chain); codes and exit codes are
//! API and are never renumbered; text is lower case, without a final stop, with literals in backticks.
//! Deliberately not here: any registry that downcasts errors. Executables wrap what they meet in one enum and forward.

mod exit;
mod render;

pub use exit::Exit;
pub use render::{Report, one_line, render};

use std::error::Error;

/// May the same act succeed if it is tried again without a change?
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// The input or the set-up must change first.
    Never,
    /// A passing condition (lock, load, lost process): try again later.
    Later,
}

/// An error that a person can act on. Implement `code` and `remedy` exhaustively: a new kind must not compile until
/// somebody has answered both.
pub trait Diagnose: Error {
    /// Stable, dotted, lower case: `bundle.digest-mismatch`.
    fn code(&self) -> &'static str;
    /// What to do now, as one imperative sentence.
    fn remedy(&self) -> String;
    /// Whether trying again may help.
    fn retry(&self) -> Retry {
        Retry::Never
    }
    /// The exit code of an executable that ends on this error.
    fn exit(&self) -> Exit {
        Exit::Failure
    }
}
