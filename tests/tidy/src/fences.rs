//! Heavy or far-reaching dependencies stay behind one crate each, and the lower levels have none of them.

use crate::{Finding, Kind, Workspace};

/// (outside crate, our crates that may name it, why).
const FENCED: &[(&str, &[&str], &str)] = &[
    ("axum", &["appliance-http", "appliance-server"], "only the HTTP edge knows HTTP"),
    ("axum-server", &["appliance-server"], "only the composition root opens listeners"),
    ("tower-http", &["appliance-http", "appliance-server"], "only the HTTP edge knows HTTP"),
    ("utoipa", &["appliance-http"], "domain types are not wire types"),
    ("reqwest", &[], "one place opens outbound sockets, and the appliance has no such place yet"),
    ("rusqlite", &["appliance-store"], "only the store knows SQL"),
    ("sled", &["appliance-store"], "sled holds only what can be rebuilt, behind the store"),
    ("whisper-rs", &["runtime-speech"], "the C++ engine stays behind one crate"),
    ("ring", &[], "one TLS and hash provider, aws-lc-rs"),
    ("openssl", &[], "one TLS and hash provider, aws-lc-rs"),
];

/// No crate of the levels 0 to 2 may name these: they do IO, know a clock, or draw in a runtime.
const IMPURE: &[&str] = &[
    "async-std",
    "async-trait",
    "axum",
    "clap",
    "futures-util",
    "getrandom",
    "hyper",
    "indicatif",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "signal-hook",
    "sled",
    "tempfile",
    "tokio",
    "tokio-util",
    "tracing-subscriber",
    "whisper-rs",
];

/// The highest level that must stay pure.
pub(crate) const PURE_UP_TO: u64 = 2;

/// Checks both tables against every manifest. The tests (`tests-*`) stand outside the fences.
#[must_use]
pub fn fences(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in workspace.packages.iter().filter(|package| !package.name.starts_with("tests-")) {
        let pure = package.level.is_some_and(|level| level <= PURE_UP_TO);
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev) {
            if pure && IMPURE.contains(&dependency.name.as_str()) {
                findings.push(Finding::new(
                    &package.name,
                    format!(
                        "depends on `{}`, but levels 0 to {PURE_UP_TO} do no IO and know no clock, environment or randomness; take it as a parameter or move the code up",
                        dependency.name
                    ),
                ));
            }
            for (name, allowed, why) in FENCED {
                if dependency.name == *name && !allowed.contains(&package.name.as_str()) {
                    let where_to = if allowed.is_empty() { "nowhere".to_owned() } else { allowed.join(", ") };
                    findings.push(Finding::new(
                        &package.name,
                        format!("depends on `{name}`, which is allowed in {where_to}: {why}"),
                    ));
                }
            }
        }
    }
    findings
}
