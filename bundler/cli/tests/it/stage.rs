//! `stage`: executables, ffmpeg with its libraries, model packs; and from there to a verified bundle.

use std::path::Path;
use std::process::Command;

use crate::support::{Desk, Run, bundler, files, noise, part};
use bundler_format::Digest;

const LOCK: &str = r#"version = 4
[[package]]
name = "appliance-server"
version = "0.1.0"
dependencies = ["left"]
[[package]]
name = "installer-cli"
version = "0.1.0"
dependencies = ["left"]
[[package]]
name = "left"
version = "1.0.0"
source = "registry"
checksum = "00"
"#;
const METADATA: &str =
    r#"{"packages":[{"id":"l","name":"left","version":"1.0.0","license":"MIT","description":null}],"resolve":null}"#;

fn prepare() -> Desk {
    let desk = Desk::new();
    // Any executable of this platform will do as ours.
    let program = std::fs::read(env!("CARGO_BIN_EXE_strongroom-bundler")).unwrap();
    for name in ["strongroom", "strongroom-installer"] {
        desk.put(&format!("built/{name}"), &program, 0o755);
    }
    desk.put("strongroom.service", b"[Unit]\n", 0o644);
    desk.put("Cargo.lock", LOCK.as_bytes(), 0o644);
    desk.put("metadata.json", METADATA.as_bytes(), 0o644);
    pack(&desk, &noise(5, 100_000), 100_000);
    desk
}

/// A pack whose weights lie compressed, with this content and this stated size.
fn pack(desk: &Desk, weights: &[u8], size: u64) {
    let digest = Digest::of(&noise(5, 100_000)).hex();
    let text = format!(
        r#"schema = "strongroom.model-pack/1"
id = "demo"
version = "1.0.0"
task = "speech-to-text"
engine = "whisper-ggml"
title = "Demo"
description = "A few words."
languages = ["en"]
[licence]
spdx = "Apache-2.0"
attribution = "Strongroom"
[hardware]
memory_bytes = 268435456
gpu = "none"
[[files]]
path = "model.bin"
role = "weights"
size = {size}
sha256 = "{digest}"
"#
    );
    desk.put("packs/demo/pack.toml", text.as_bytes(), 0o644);
    desk.put("packs/demo/make.py", b"not part of the pack\n", 0o644);
    desk.put("packs/demo/model.bin.zst", &zstd::bulk::compress(weights, 3).unwrap(), 0o644);
}

fn stage(desk: &Desk, ffmpeg: &Path) -> Run {
    let path = |name: &str| desk.path(name);
    bundler(&[
        "stage",
        "--bin",
        &path("built"),
        "--ffmpeg",
        ffmpeg.to_str().unwrap(),
        "--models",
        &path("packs"),
        "--systemd",
        &path("strongroom.service"),
        "--lock",
        &path("Cargo.lock"),
        "--cargo-metadata",
        &path("metadata.json"),
        "--out",
        &path("staged"),
    ])
}

#[test]
fn what_is_staged_starts_alone_and_becomes_a_verified_bundle() {
    let Some(ffmpeg) = part("STRONGROOM_FFMPEG", "ffmpeg") else { return };
    let desk = prepare();
    let run = stage(&desk, &ffmpeg);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let staged = desk.folder.path().join("staged");
    assert_eq!(std::fs::read(staged.join("models/demo/model.bin")).unwrap(), noise(5, 100_000));
    assert!(!staged.join("models/demo/make.py").exists());

    // As the appliance starts it: with its own loader and libraries.
    let lib = staged.join("ffmpeg/lib");
    let loader = lib.join("ld-linux-x86-64.so.2");
    let started = Command::new(&loader)
        .arg("--library-path")
        .arg(&lib)
        .arg(staged.join("ffmpeg/bin/ffmpeg"))
        .arg("-version")
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");

    let (stage, root, out) = (desk.path("staged"), desk.path("root.json"), desk.path("UPDATE"));
    let cut = [
        "cut",
        "--stage",
        &stage,
        "--version",
        crate::support::VERSION,
        "--sequence",
        "1",
        "--root",
        &root,
        "--out",
        &out,
        "--level",
        "1",
    ];
    let run = bundler(&cut);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["alice", "bob"] {
        desk.sign("UPDATE", name);
    }
    let run = desk.verify("UPDATE");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let names: Vec<String> = files(&desk.release("sbom")).into_keys().collect();
    assert_eq!(
        names,
        ["appliance.cdx.json", "ffmpeg.cdx.json", "installer.cdx.json", "model-demo.cdx.json", "strongroom.cdx.json"]
    );
}

#[test]
fn a_pack_whose_weights_are_not_the_stated_ones_is_refused() {
    let Some(ffmpeg) = part("STRONGROOM_FFMPEG", "ffmpeg") else { return };
    for (weights, size, expected) in [
        (noise(6, 100_000), 100_000, "its digest is"),
        (noise(5, 99_999), 100_000, "fewer than the 100000 bytes"),
        (noise(5, 100_001), 100_000, "more than the 100000 bytes"),
    ] {
        let desk = prepare();
        pack(&desk, &weights, size);
        let run = stage(&desk, &ffmpeg);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(!desk.folder.path().join("staged").exists(), "half a stage is no stage");
    }
}

#[test]
fn a_script_in_place_of_an_executable_is_refused() {
    let desk = prepare();
    desk.put("built/strongroom", b"#!/bin/sh\nexit 0 # a long enough script\n", 0o755);
    let run = stage(&desk, Path::new("/nowhere/ffmpeg"));
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("it is not an executable for linux-x86_64"), "{}", run.stderr);
}
