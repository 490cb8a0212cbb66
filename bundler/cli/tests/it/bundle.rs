//! Keys, cut, sign, verify and inspect through the executable: what is right passes, what is wrong is refused by name.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{Desk, VERSION, bundler, files, part, run_of};

fn refused(desk: &Desk, exit: i32, expected: &[&str]) {
    let run = desk.verify("UPDATE");
    assert_eq!(run.code, exit, "{}", run.stderr);
    for text in expected {
        assert!(run.stderr.contains(text), "{text:?} is not in: {}", run.stderr);
    }
    assert!(run.stdout.is_empty(), "{}", run.stdout);
}

#[test]
fn a_signed_bundle_is_verified() {
    let desk = Desk::signed();
    let run = desk.verify("UPDATE");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("release 2026.4.0 (channel stable, sequence 1, epoch 0) is as signed"));
    let run = bundler(&["verify", "--json", "--bundle", &desk.path("UPDATE"), "--root", &desk.path("root.json")]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["verified"].as_bool(), json["signers"].as_array().map(Vec::len)), (Some(true), Some(2)));
}

#[test]
fn two_cuts_with_different_numbers_of_threads_are_the_same_bytes() {
    let desk = Desk::new();
    assert_eq!(desk.cut("one", &["--threads", "1"]).code, 0);
    assert_eq!(desk.cut("four", &["--threads", "4"]).code, 0);
    let (one, four) = (files(&desk.folder.path().join("one")), files(&desk.folder.path().join("four")));
    assert!(one.keys().filter(|name| name.ends_with(".tar.zst")).count() > 2);
    assert!(one == four);
}

#[test]
fn every_zstd_level_can_be_read_within_the_window_that_readers_grant() {
    let desk = Desk::new();
    for level in ["1", "19", "22"] {
        assert_eq!(desk.cut(level, &["--level", level]).code, 0);
        for name in ["alice", "bob"] {
            assert_eq!(desk.sign(level, name).code, 0);
        }
        assert_eq!(desk.verify(level).code, 0);
    }
}

#[test]
fn stock_tar_and_sha256sum_read_what_was_cut() {
    let desk = Desk::signed();
    let sums =
        Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(desk.release("")).output().unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let (Some(tar), Some(_)) = (part("STRONGROOM_TAR", "tar"), part("STRONGROOM_ZSTD", "zstd")) else { return };
    for volume in ["v0000.tar.zst", "v0001.tar.zst", "v0002.tar.zst"] {
        let run = run_of(&Command::new(&tar).arg("--zstd").arg("-tf").arg(desk.release(volume)).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.is_empty() && run.stdout.lines().all(|line| line.len() == 66), "{run:?}");
    }
}

#[test]
fn another_tar_reader_finds_the_same_entries() {
    let desk = Desk::signed();
    let file = std::fs::File::open(desk.release("v0000.tar.zst")).unwrap();
    // Another reader than ours, so that our headers are judged by somebody else.
    let stream = Command::new("zstd").arg("-dc").stdin(file).output();
    let Ok(output) = stream else { return };
    let mut archive = tar::Archive::new(output.stdout.as_slice());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        assert_eq!((entry.header().entry_type(), entry.header().mode().unwrap()), (tar::EntryType::Regular, 0o444));
        assert_eq!((entry.header().uid().unwrap(), entry.header().mtime().unwrap()), (0, 1_795_132_800));
    }
}

#[test]
fn a_bundle_signed_by_strangers_is_refused() {
    let desk = Desk::new();
    desk.cut("UPDATE", &[]);
    let run = desk.sign("UPDATE", "mallory");
    assert!(run.stderr.contains("warning"), "{}", run.stderr);
    refused(&desk, 20, &["trust.unknown-signer", "release.0.sigstore.json"]);
}

#[test]
fn a_bundle_without_its_signatures_is_refused() {
    let desk = Desk::new();
    desk.cut("UPDATE", &[]);
    refused(&desk, 20, &["trust.no-signature"]);
    desk.sign("UPDATE", "bob");
    refused(&desk, 20, &["trust.below-threshold", "1 distinct trusted signing keys", "2 are needed"]);
}

#[test]
fn two_signatures_by_one_key_count_once_and_are_not_made() {
    let desk = Desk::new();
    desk.cut("UPDATE", &[]);
    desk.sign("UPDATE", "alice");
    let again = desk.sign("UPDATE", "alice");
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("bundler.signed-already"), "{}", again.stderr);
    std::fs::copy(desk.release("release.0.sigstore.json"), desk.release("release.1.sigstore.json")).unwrap();
    refused(&desk, 20, &["trust.below-threshold", "`release.1.sigstore.json` repeat a signing key"]);
}

#[test]
fn a_missing_volume_is_called_missing() {
    let desk = Desk::signed();
    std::fs::remove_file(desk.release("v0001.tar.zst")).unwrap();
    refused(&desk, 31, &["bundle.missing-file", "`2026.4.0/v0001.tar.zst` is not on the medium"]);
}

#[test]
fn a_truncated_volume_is_called_short() {
    let desk = Desk::signed();
    let bytes = std::fs::read(desk.release("v0001.tar.zst")).unwrap();
    std::fs::write(desk.release("v0001.tar.zst"), &bytes[..bytes.len() - 7]).unwrap();
    let sizes = format!("{} bytes in place of {}", bytes.len() - 7, bytes.len());
    refused(&desk, 31, &["bundle.cut-short", "`2026.4.0/v0001.tar.zst`", &sizes]);
}

#[test]
fn damage_in_a_volume_is_named_to_the_chunk() {
    let desk = Desk::signed();
    let mut bytes = std::fs::read(desk.release("v0001.tar.zst")).unwrap();
    bytes[2_000_000] ^= 0x10;
    std::fs::write(desk.release("v0001.tar.zst"), &bytes).unwrap();
    refused(
        &desk,
        30,
        &[
            "bundle.damaged-volume",
            "v0001.tar.zst",
            ".0`, bytes 0..4194304 of the blob",
            "expected `sha256:",
            "got `sha256:",
        ],
    );
}

#[test]
fn a_strange_file_beside_the_manifest_is_refused() {
    let desk = Desk::signed();
    std::fs::write(desk.release("autorun.inf"), b"x").unwrap();
    refused(&desk, 30, &["bundle.unknown-file", "`2026.4.0/autorun.inf`"]);
}

#[test]
fn a_link_in_place_of_a_volume_is_refused() {
    let desk = Desk::signed();
    let volume = desk.release("v0001.tar.zst");
    std::fs::rename(&volume, desk.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(desk.path("elsewhere"), &volume).unwrap();
    refused(&desk, 30, &["v0001.tar.zst"]);
}

#[test]
fn litter_of_desktop_systems_is_passed_over() {
    let desk = Desk::signed();
    for name in [".DS_Store", "._v0000.tar.zst", "desktop.ini"] {
        std::fs::write(desk.release(name), b"x").unwrap();
    }
    assert_eq!(desk.verify("UPDATE").code, 0);
}

#[test]
fn a_second_release_joins_the_first_in_one_folder() {
    let desk = Desk::signed();
    assert_eq!(desk.cut("UPDATE", &[]).code, 2, "the same version again");
    let newer = ["--version", "2027.1.0", "--sequence", "2"];
    let (stage, root, out) = (desk.path("stage"), desk.path("root.json"), desk.path("UPDATE"));
    let mut args =
        vec!["cut", "--stage", &stage, "--root", &root, "--out", &out, "--epoch-time", "2027-02-01T00:00:00Z"];
    args.extend(newer);
    assert_eq!(bundler(&args).code, 0);
    for name in ["alice", "bob"] {
        assert_eq!(desk.sign("UPDATE", name).code, 0);
    }
    assert!(desk.verify("UPDATE").stdout.starts_with("release 2027.1.0"));
    let older = bundler(&["verify", "--bundle", &out, "--root", &root, "--version", VERSION]);
    assert_eq!(older.code, 0, "{}", older.stderr);
    assert!(older.stderr.contains("belongs to a newer release"), "{}", older.stderr);
}

#[test]
fn inspect_shows_what_is_claimed_and_says_that_it_is_not_proven() {
    let desk = Desk::signed();
    let run = bundler(&["inspect", "--bundle", &desk.path("UPDATE")]);
    assert!(run.stdout.contains("model-x") && run.stderr.contains("nothing here is proven"), "{run:?}");
    let run = bundler(&["inspect", "--json", "--bundle", &desk.path("UPDATE")]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["verified"].as_bool(), json["release"]["version"].as_str()), (Some(false), Some(VERSION)));
}

#[test]
fn secret_keys_are_readable_by_their_owner_alone_and_never_replaced() {
    let desk = Desk::new();
    let secret = desk.folder.path().join("keys/alice.key.pem");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(bundler(&["keys", "new", "--out", &desk.path("keys"), "--name", "alice"]).code, 2);
}

#[test]
fn a_public_key_does_not_sign() {
    let desk = Desk::signed();
    let run = bundler(&["sign", "--bundle", &desk.path("UPDATE"), "--key", &desk.path("keys/alice.pub")]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("bundler.not-a-key"), "{}", run.stderr);
}

#[test]
fn a_stage_with_a_file_that_nobody_owns_is_refused() {
    let desk = Desk::new();
    desk.put("stage/forgotten", b"x", 0o644);
    let run = desk.cut("UPDATE", &[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("gives it to no component"), "{}", run.stderr);
    assert!(!desk.folder.path().join("UPDATE").join(VERSION).exists());
}

#[test]
fn a_stage_with_a_link_is_refused() {
    let desk = Desk::new();
    std::os::unix::fs::symlink("/etc/passwd", desk.path("stage/share/link")).unwrap();
    let run = desk.cut("UPDATE", &[]);
    assert!(run.stderr.contains("links are not shipped"), "{}", run.stderr);
}

#[test]
fn the_bill_of_the_release_links_to_the_bill_of_each_component() {
    let desk = Desk::signed();
    let read =
        |name: &str| sbom::Bom::parse(&std::fs::read(desk.release(&format!("sbom/{name}.cdx.json"))).unwrap()).unwrap();
    let release = read("strongroom");
    for name in ["appliance", "model-x"] {
        let part = release.components.iter().find(|part| part.name == name).unwrap();
        assert_eq!(part.external_references[0].url, read(name).link());
    }
    let files: Vec<&str> = ["share/empty", "share/text", "bin/strongroom"].to_vec();
    let appliance = read("appliance");
    assert!(files.iter().all(|file| appliance.components.iter().any(|part| part.name == *file)));
}

#[test]
fn the_installer_lies_plain_at_the_top_for_hosts_that_have_none() {
    let desk = Desk::signed();
    let top = desk.folder.path().join("UPDATE/strongroom-installer");
    assert_eq!(std::fs::read(&top).unwrap(), std::fs::read(desk.path("stage/bin/strongroom-installer")).unwrap());
    std::fs::write(&top, b"something else").unwrap();
    refused(&desk, 31, &["bundle.cut-short", "`strongroom-installer`"]);
    std::fs::remove_file(&top).unwrap();
    refused(&desk, 31, &["bundle.missing-file", "`strongroom-installer`"]);
}
