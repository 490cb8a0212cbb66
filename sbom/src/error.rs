//! What can be wrong with a document or with what one is made from.

use runtime_diag::{Diagnose, Exit};

/// Why a document could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// Larger than a document may be.
    #[error("the document has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON of the expected shape.
    #[error("{what} cannot be read")]
    Json {
        /// Which input.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Not TOML of the expected shape.
    #[error("{what} cannot be read")]
    Toml {
        /// Which input.
        what: &'static str,
        /// Why.
        #[source]
        source: toml::de::Error,
    },
    /// Readable, but not what it should be.
    #[error("{what} is not usable: {problem}")]
    Invalid {
        /// Which input.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Diagnose for SbomError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "sbom.too-large",
            Self::Json { .. } | Self::Toml { .. } => "sbom.unreadable",
            Self::Invalid { .. } => "sbom.invalid",
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "split the component that it describes".to_owned(),
            Self::Json { what, .. } | Self::Toml { what, .. } | Self::Invalid { what, .. } => {
                format!("make {what} again with the tool that writes it")
            }
        }
    }
    fn exit(&self) -> Exit {
        Exit::Schema
    }
}
