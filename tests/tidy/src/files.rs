//! Rules about single files: how long, how they open, what they never hold.

use crate::{Finding, Tree};

/// Longer than this, a source file usually holds two rooms.
const LINES_MAX: usize = 500;

/// Files that are longer today, with the length they may have. A number here only ever gets smaller.
const LONGER: &[(&str, usize)] = &[];

/// Source files have at most 500 lines.
#[must_use]
pub fn lengths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.paths().filter(|path| is_source(path)) {
        let Some(text) = tree.text(path) else { continue };
        findings.extend(length(path, text.lines().count(), LONGER));
    }
    findings
}

fn length(path: &str, lines: usize, longer: &[(&str, usize)]) -> Option<Finding> {
    let allowed = longer.iter().find(|(listed, _)| *listed == path).map(|(_, allowed)| *allowed);
    match allowed {
        Some(allowed) if lines > allowed => {
            Some(Finding::new(path, format!("has {lines} lines; its exception allows {allowed} and may only shrink")))
        }
        Some(_) if lines <= LINES_MAX => {
            Some(Finding::new(path, format!("has {lines} lines; take it off the list of exceptions")))
        }
        Some(_) => None,
        None => (lines > LINES_MAX).then(|| {
            Finding::new(path, format!("has {lines} lines, more than {LINES_MAX}; split it into two modules"))
        }),
    }
}

/// Every Rust file opens with `//!`: what it is, its invariants, what is deliberately not here.
#[must_use]
pub fn openings(tree: &Tree) -> Vec<Finding> {
    tree.paths()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| Some((path, tree.text(path)?)))
        .filter(|(_, text)| !opens(text))
        .map(|(path, _)| Finding::new(path, "does not open with `//!`; say what the module is and what is not in it"))
        .collect()
}

fn opens(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("#!["))
        .is_some_and(|line| line.starts_with("//!"))
}

/// Words that no committed file may hold. Put together from halves so that this list is not its own finding.
fn banned() -> Vec<(String, &'static str)> {
    let mut banned = Vec::new();
    for folder in ["work", "farm", "root", "tmp"] {
        banned.push((format!("/{folder}/"), "is a path of one machine; use a path from the checkout or a variable"));
    }
    for (name, zone) in [
        ("deb.debian", "org"),
        ("security.debian", "org"),
        ("snapshot.debian", "org"),
        ("registry.npmjs", "org"),
        ("index.crates", "io"),
        ("static.crates", "io"),
        ("files.pythonhosted", "org"),
        ("pypi", "org"),
    ] {
        banned.push((
            format!("{name}.{zone}"),
            "names the host of a package registry; the machine's own set-up knows it",
        ));
    }
    banned
}

/// No machine paths, registry hosts or private keys in any file that is, or would be, committed.
#[must_use]
pub fn forbidden_words(tree: &Tree) -> Vec<Finding> {
    let banned = banned();
    let mut findings = Vec::new();
    for path in tree.paths() {
        let Some(text) = tree.text(path) else { continue };
        findings.extend(words_in(path, &text, &banned));
    }
    findings
}

fn words_in(path: &str, text: &str, banned: &[(String, &'static str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        for (word, why) in banned {
            if stands_in(line, word) {
                findings.push(Finding::new(format!("{path}:{number}"), format!("`{word}` {why}")));
            }
        }
        let next = lines.peek().map_or("", |(next, _)| next.trim());
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----") && is_base64(next) {
            findings.push(Finding::new(
                format!("{path}:{number}"),
                "holds a private key; take it out and make a new one, tests make theirs as they run",
            ));
        }
    }
    findings
}

/// A path counts only where it starts: `.strongroom/root/etc` is a path below the checkout, not one of the machine.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with('/') || before.is_none_or(|c| !(c.is_alphanumeric() || ".-_})>*?".contains(c)))
    })
}

fn is_base64(line: &str) -> bool {
    line.len() >= 32 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

fn is_source(path: &str) -> bool {
    [".rs", ".ts", ".tsx", ".mjs", ".sh", ".py"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_only_where_it_starts() {
        let word = format!("/{}/", "root");
        assert!(stands_in(&format!("cd {word}x"), &word));
        assert!(stands_in(&format!("\"{word}x\""), &word));
        assert!(!stands_in(&format!(".strongroom{word}etc"), &word));
        assert!(!stands_in(&format!("${{DATA}}{word}etc"), &word));
    }

    #[test]
    fn a_private_key_is_found_but_its_header_alone_is_not() {
        let body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
        let key = format!("-----BEGIN {} KEY-----\n{body}\n", "PRIVATE");
        assert_eq!(words_in("a.pem", &key, &[]).len(), 1);
        assert!(words_in("a.rs", &format!("starts_with(\"-----BEGIN {} KEY-----\")", "PRIVATE"), &[]).is_empty());
    }

    #[test]
    fn a_long_file_is_refused_and_an_exception_may_only_shrink() {
        let longer: &[(&str, usize)] = &[("b.rs", 700)];
        assert!(length("a.rs", 500, longer).is_none());
        assert!(length("a.rs", 501, longer).is_some());
        assert!(length("b.rs", 700, longer).is_none());
        assert!(length("b.rs", 701, longer).is_some());
        assert!(length("b.rs", 499, longer).is_some_and(|finding| finding.message.contains("take it off")));
    }

    #[test]
    fn an_opening_may_stand_below_inner_attributes_but_not_below_code() {
        assert!(opens("//! What it is.\nuse a;\n"));
        assert!(opens("#![cfg_attr(test, allow(clippy::panic))]\n\n//! What it is.\n"));
        assert!(!opens("use a;\n//! too late\n"));
        assert!(!opens(""));
    }
}
