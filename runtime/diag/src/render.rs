//! One rendering of an error, for people (text) and for machines (JSON).

use crate::{Diagnose, Retry};

/// The machine form of an error: what `--json` prints and what the API sends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The chain of causes, outermost first, without `message`.
    pub causes: Vec<String>,
    /// What to do now.
    pub remedy: String,
    /// Whether trying again may help.
    pub retry: Retry,
}

impl Report {
    /// Collects an error and its sources.
    pub fn of(error: &dyn Diagnose) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            causes,
            remedy: error.remedy(),
            retry: error.retry(),
        }
    }
}

/// Text for a terminal, readable without colour:
///
/// ```text
/// error[bundle.missing-volume]: volume `v0001.tar.zst` is not on the medium
///   cause: …
///   remedy: copy the whole folder again
/// ```
#[must_use]
pub fn render(error: &dyn Diagnose) -> String {
    let report = Report::of(error);
    let mut text = format!("error[{}]: {}\n", report.code, report.message);
    for cause in &report.causes {
        text.push_str(&format!("  cause: {cause}\n"));
    }
    text.push_str(&format!("  remedy: {}\n", report.remedy));
    text
}

/// The message and its causes on one line, for logs.
#[must_use]
pub fn one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Lost(std::io::Error);
    impl std::fmt::Display for Lost {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("volume `v0001.tar.zst` is not on the medium")
        }
    }
    impl std::error::Error for Lost {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    impl Diagnose for Lost {
        fn code(&self) -> &'static str {
            "bundle.missing-volume"
        }
        fn remedy(&self) -> String {
            "copy the whole folder again".into()
        }
    }

    #[test]
    fn an_error_renders_with_code_cause_and_remedy() {
        let error = Lost(std::io::Error::other("no such file"));
        assert_eq!(
            render(&error),
            "error[bundle.missing-volume]: volume `v0001.tar.zst` is not on the medium\n  cause: no such file\n  remedy: copy the whole folder again\n"
        );
        assert_eq!(one_line(&error), "volume `v0001.tar.zst` is not on the medium: no such file");
    }
}
