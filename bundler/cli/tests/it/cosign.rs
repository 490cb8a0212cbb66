//! Stock `cosign` verifies a release without our programs and without a network, with the command of `start-here.txt`.

use std::path::Path;
use std::process::Command;

use crate::support::{Desk, Run, part, run_of};

/// Can this test cut itself off from the network? Not in every container.
fn without_network() -> bool {
    Command::new("unshare")
        .args(["--net", "--map-root-user", "true"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn cosign(program: &Path, desk: &Desk, signature: u32, key: &str, blob: &str) -> Run {
    let mut command = if without_network() {
        let mut command = Command::new("unshare");
        command.args(["--net", "--map-root-user"]).arg(program);
        command
    } else {
        eprintln!(
            "note: this machine does not let a test cut off the network; cosign runs with proxies that lead nowhere"
        );
        Command::new(program)
    };
    // Nothing that an earlier run may have kept, and nowhere to ask.
    command
        .env("HOME", desk.path("home"))
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9");
    command.current_dir(desk.release("")).args([
        "verify-blob-attestation",
        "--key",
        &format!("../trust/keys/{key}.pub"),
    ]);
    command.args(["--bundle", &format!("release.{signature}.sigstore.json"), "--type", "urn:strongroom:release:v1"]);
    command.args(["--insecure-ignore-tlog", "--trusted-root", "../trust/trusted_root.json", blob]);
    run_of(&command.output().unwrap())
}

#[test]
fn stock_cosign_verifies_each_signature_offline() {
    let Some(program) = part("STRONGROOM_COSIGN", "cosign") else { return };
    let desk = Desk::signed();
    std::fs::create_dir(desk.path("home")).unwrap();
    for (number, name) in [(0, "alice"), (1, "bob")] {
        let run = cosign(&program, &desk, number, name, "release.json");
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("Verified OK"), "{}", run.stderr);
    }
    assert_ne!(cosign(&program, &desk, 0, "bob", "release.json").code, 0, "another key");
    assert_ne!(cosign(&program, &desk, 0, "alice", "notes.md").code, 0, "another file");
    assert_eq!(
        cosign(&program, &desk, 0, "alice", "../strongroom-installer").code,
        0,
        "the installer before its first use"
    );
    // A file of the release, as a person may have it on disk, is a subject too.
    let blob = desk.path("stage/bin/strongroom");
    assert_eq!(cosign(&program, &desk, 1, "bob", &blob).code, 0, "a file of a component");
}

#[test]
fn start_here_gives_the_command_that_the_test_uses() {
    let desk = Desk::signed();
    let text = std::fs::read_to_string(desk.folder.path().join("UPDATE/start-here.txt")).unwrap();
    for part in [
        "cosign verify-blob-attestation --key ../trust/keys/KEY.pub --bundle release.N.sigstore.json",
        "--type urn:strongroom:release:v1 --insecure-ignore-tlog --trusted-root ../trust/trusted_root.json release.json",
    ] {
        assert!(text.contains(part), "{part}");
    }
}
