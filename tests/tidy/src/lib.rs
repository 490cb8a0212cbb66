//! The architecture as a test: arrows between crates, fences round heavy dependencies, pure lower levels, file sizes,
//! module openings, forbidden words, documents that must agree with the code.
//!
//! Each check is a function from what it read to a list of [`Finding`]s, so that a test can also hand it something
//! broken and see it complain. Deliberately not here: anything that clippy or `cargo deny` already says.

mod arrows;
mod documents;
mod fences;
mod files;
mod pure;
mod tree;
mod workspace;

pub use arrows::arrows;
pub use documents::{exit_codes, map};
pub use fences::fences;
pub use files::{forbidden_words, lengths, openings};
pub use pure::pure;
pub use tree::Tree;
pub use workspace::{Dependency, Kind, Package, Workspace};

/// One thing that breaks a rule, with the place and the rule's own words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// A crate name, or a path from the top of the checkout (`path:line` where a line is known).
    pub place: String,
    /// What is wrong and what to do about it, one sentence.
    pub message: String,
}

impl Finding {
    /// Makes one.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// All findings, one a line; empty when there is none.
#[must_use]
pub fn report(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}
