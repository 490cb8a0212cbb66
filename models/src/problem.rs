//! What is wrong with a pack's document: every problem with its place.

use std::fmt;

use runtime_diag::{Diagnose, Exit};

/// One thing that is wrong in `pack.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the document, from 1.
    pub line: usize,
    /// Which key, e.g. `files[1].sha256`; empty for the document as a whole.
    pub key: String,
    /// What is wrong, lower case, without a final stop.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "line {}: {}", self.line, self.what)
        } else {
            write!(f, "line {}: `{}` {}", self.line, self.key, self.what)
        }
    }
}

/// A document that is not a model pack, with all its problems (never an empty list).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPack(pub Vec<Problem>);

impl fmt::Display for InvalidPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`pack.toml` is not valid")?;
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{} {problem}", if i == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidPack {}

impl Diagnose for InvalidPack {
    fn code(&self) -> &'static str {
        "models.invalid-pack"
    }
    fn remedy(&self) -> String {
        "install the pack again from its bundle, or correct the places named".into()
    }
    fn exit(&self) -> Exit {
        Exit::Schema
    }
}
