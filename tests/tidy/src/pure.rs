//! Levels 0 to 2 do no IO and know no clock, environment or randomness: read from their sources.
//!
//! It reads text, not types: comments and everything below `#[cfg(test)] mod … {` are left out, and an alias could hide
//! something. What it catches is the ordinary slip; the dependency fences catch the rest.

use crate::fences::PURE_UP_TO;
use crate::{Finding, Tree, Workspace};

/// (what stands in the source, what it is).
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "the file system"),
    ("std::net", "the network"),
    ("std::process::Command", "another process"),
    ("std::process::exit", "the end of the process"),
    ("std::env", "the environment"),
    ("std::thread", "threads"),
    ("std::io::stdin", "standard input"),
    ("std::io::stdout", "standard output"),
    ("SystemTime::now", "the clock"),
    ("Instant::now", "the clock"),
    ("Timestamp::now", "the clock"),
    ("Zoned::now", "the clock"),
    ("Uuid::now_v7", "the clock and randomness"),
    ("Uuid::new_v4", "randomness"),
    ("println!", "standard output"),
    ("eprintln!", "standard error"),
];

/// Names that a grouped import (`use std::{fs, …}`) may not bring in.
const IMPURE_MODULES: &[&str] = &["fs", "net", "env", "thread"];

/// Reads every source file of the crates up to level 2.
#[must_use]
pub fn pure(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in workspace.packages.iter().filter(|package| package.level.is_some_and(|level| level <= PURE_UP_TO)) {
        let sources = format!("{}/src/", package.folder);
        for path in tree.paths().filter(|path| path.starts_with(&sources) && path.ends_with(".rs")) {
            if path.ends_with("/tests.rs") || path.contains("/tests/") {
                continue;
            }
            let Some(text) = tree.text(path) else { continue };
            findings.extend(impure_lines(&text).into_iter().map(|(line, what)| {
                Finding::new(
                    format!("{path}:{line}"),
                    format!(
                        "`{}` is level {PURE_UP_TO} or lower and may not know {what}; take it as a parameter",
                        package.name
                    ),
                )
            }));
        }
    }
    findings
}

/// Line numbers from 1, with what each meets.
fn impure_lines(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut group: Option<usize> = None;
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((raw, number)) = lines.next() {
        let line = raw.split("//").next().unwrap_or_default();
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|(next, _)| opens_test_module(next)) {
            break;
        }
        for (word, what) in IMPURE {
            if line.contains(word) {
                found.push((number, *what));
            }
        }
        if line.contains("use std::{") {
            group = Some(number);
        }
        if let Some(start) = group {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.clone().any(|word| IMPURE_MODULES.contains(&word)) {
                found.push((start, "what it imports from `std`"));
            }
            if line.contains(';') {
                group = None;
            }
        }
    }
    found
}

fn opens_test_module(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("mod ") && line.ends_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_a_file_and_a_grouped_import_are_found() {
        assert_eq!(impure_lines("let t = SystemTime::now();\n"), [(1, "the clock")]);
        assert_eq!(impure_lines("use std::fs;\n"), [(1, "the file system")]);
        assert_eq!(
            impure_lines("use std::{\n    collections::BTreeMap,\n    fs,\n};\n"),
            [(1, "what it imports from `std`")]
        );
    }

    #[test]
    fn comments_exit_codes_and_test_modules_are_left_out() {
        assert!(impure_lines("// not std::fs\nimpl From<Exit> for std::process::ExitCode {}\n").is_empty());
        assert!(impure_lines("fn a() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n").is_empty());
    }
}
