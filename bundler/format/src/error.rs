//! What is wrong with a document of the format.
//!
//! Invariant: a document's problems come together, each with its place. Deliberately not here: signature errors
//! (`verify`) and damage on media (`volumes`).

use std::fmt;

use runtime_diag::{Diagnose, Exit};

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the document: `components[models].files[models/a/pack.toml]`; empty for the whole.
    pub at: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.message) } else { write!(f, "`{}`: {}", self.at, self.message) }
    }
}

/// A document that does not follow the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    document: &'static str,
    problems: Vec<Problem>,
    newer: bool,
}

impl FormatError {
    pub(crate) fn one(document: &'static str, at: &str, message: String) -> Self {
        Self::many(document, vec![Problem { at: at.to_owned(), message }])
    }

    pub(crate) fn many(document: &'static str, problems: Vec<Problem>) -> Self {
        Self { document, problems, newer: false }
    }

    pub(crate) fn unknown_schema(document: &'static str, found: &str, known: &str) -> Self {
        let found: String = found.chars().take(80).collect();
        let message = format!("it is {found:?}; this program reads `{known}`");
        Self { document, problems: vec![Problem { at: "schema".to_owned(), message }], newer: true }
    }

    /// Everything that was found, at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        write!(f, "`{}` does not follow the format", self.document)?;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            write!(f, "{}{problem}", if index == 0 { ": " } else { "; " })?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for FormatError {}

impl Diagnose for FormatError {
    fn code(&self) -> &'static str {
        if self.newer { "format.unknown-schema" } else { "format.invalid-document" }
    }
    fn remedy(&self) -> String {
        if self.newer {
            "use the installer and bundler of the release that this document belongs to".to_owned()
        } else {
            format!(
                "write `{}` again with `strongroom-bundler`, or copy it again from where it was written",
                self.document
            )
        }
    }
    fn exit(&self) -> Exit {
        Exit::Schema
    }
}
