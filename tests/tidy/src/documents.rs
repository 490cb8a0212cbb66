//! Documents that repeat what the code says, and must say the same.

use crate::{Finding, Workspace};
use std::collections::BTreeMap;

/// The table of `docs/guides/exit-codes.md` holds exactly the codes of `runtime_diag::Exit`, under the same names.
///
/// `source` is the text of `exit.rs`; a variant is a line `Name = number,`. `page` is the guide; a row starts with
/// `| number | Name |`.
#[must_use]
pub fn exit_codes(source: &str, page: &str) -> Vec<Finding> {
    const PAGE: &str = "docs/guides/exit-codes.md";
    let code: BTreeMap<u16, &str> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .filter_map(|(name, number)| Some((number.parse().ok()?, name)))
        .collect();
    let mut written: BTreeMap<u16, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for line in page.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(number), Some(name)) = (cells.next().and_then(|cell| cell.parse().ok()), cells.next()) else {
            continue;
        };
        if written.insert(number, name.trim_matches('`').to_owned()).is_some() {
            findings.push(Finding::new(PAGE, format!("has two rows for {number}")));
        }
    }
    if code.is_empty() {
        findings.push(Finding::new("runtime/diag/src/exit.rs", "has no line of the form `Name = number,`"));
    }
    for (number, name) in &code {
        match written.get(number) {
            None => findings.push(Finding::new(PAGE, format!("has no row for {number} `{name}`"))),
            Some(other) if other != name => {
                findings.push(Finding::new(PAGE, format!("calls {number} `{other}`, but the code calls it `{name}`")));
            }
            Some(_) => {}
        }
    }
    for (number, name) in written.iter().filter(|(number, _)| !code.contains_key(number)) {
        findings.push(Finding::new(PAGE, format!("has a row for {number} `{name}`, which no executable uses")));
    }
    findings
}

/// `ARCHITECTURE.md` draws every crate at its level: it has a row starting `` | `folder` | level | ``.
#[must_use]
pub fn map(workspace: &Workspace, page: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", package.folder)));
        let level = package.level.map(|level| level.to_string()).unwrap_or_default();
        match row.map(|row| row.split('|').map(str::trim).nth(2).unwrap_or_default()) {
            None => findings.push(Finding::new("ARCHITECTURE.md", format!("has no row for `{}`", package.folder))),
            Some(drawn) if drawn.trim_start_matches('L') != level => findings.push(Finding::new(
                "ARCHITECTURE.md",
                format!("draws `{}` at {drawn}, but its manifest says level {level}", package.folder),
            )),
            Some(_) => {}
        }
    }
    findings
}
