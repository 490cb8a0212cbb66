//! A bundle as a person would look at it: our own verifier, stock tools, stock cosign, and cutting it twice.

use crate::setup::{Small, built};
use std::process::Command;
use std::time::Duration;
use tests_kit::bundle::{Keys, Stage};
use tests_kit::parts::{Part, need};
use tests_kit::process::run;
use tests_kit::sha256_of;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_release_that_was_cut_and_signed_is_verified_by_both_executables() {
    built();
    let small = Small::cut();
    small.medium.verify(&small.keys).unwrap().ok().unwrap();
    small.medium.check(&small.keys).unwrap().ok().unwrap();
}

#[test]
fn two_cuts_of_one_stage_are_the_same_bytes_whatever_the_number_of_threads() {
    built();
    let small = Small::cut();
    let stage = Stage { folder: small.path("stage") };
    let one = stage.cut_with(&small.keys, &small.path("one"), 1, &["--threads", "1"]).unwrap();
    let two = stage.cut_with(&small.keys, &small.path("two"), 1, &["--threads", "2"]).unwrap();
    let (one_files, two_files) = (one.files().unwrap(), two.files().unwrap());
    assert_eq!(one_files.len(), two_files.len());
    for (a, b) in one_files.iter().zip(&two_files) {
        assert_eq!(a.strip_prefix(&one.folder).unwrap(), b.strip_prefix(&two.folder).unwrap());
        assert_eq!(sha256_of(a).unwrap(), sha256_of(b).unwrap(), "`{}` differs", a.display());
    }
}

#[test]
fn every_volume_is_a_plain_archive_that_stock_tools_read() {
    built();
    let Some([zstd]) = need([Part::Zstd]) else { return };
    let small = Small::cut();
    let release = small.medium.release();
    let mut volumes = 0;
    for file in small.medium.files().unwrap().iter().filter(|file| file.extension().is_some_and(|end| end == "zst")) {
        run(Command::new(&zstd).arg("-tq").arg(file), LIMIT).unwrap().ok().unwrap();
        let listed = run(Command::new("tar").arg("--zstd").arg("-tf").arg(file), LIMIT).unwrap().ok().unwrap();
        assert!(listed.stdout.lines().count() > 0);
        volumes += 1;
    }
    assert!(volumes > 0);
    let sums = if release.join("SHA256SUMS").exists() { release } else { small.medium.update() };
    run(Command::new("sha256sum").args(["--check", "--quiet", "--strict", "SHA256SUMS"]).current_dir(sums), LIMIT)
        .unwrap()
        .ok()
        .unwrap();
}

#[test]
fn stock_cosign_agrees_with_each_signature_and_refuses_another_key() {
    built();
    let Some([cosign]) = need([Part::Cosign]) else { return };
    let small = Small::cut();
    // The command that the medium itself tells a person, word for word.
    let text = std::fs::read_to_string(small.medium.update().join("start-here.txt")).unwrap();
    let told = text.lines().skip_while(|line| !line.contains("cosign verify-blob-attestation")).take(2);
    let told = told.map(|line| line.trim().trim_end_matches('\\')).collect::<Vec<_>>().join(" ");
    let check = |key: &std::path::Path| {
        let words = told.split_whitespace().skip(1).map(|word| match word {
            "../trust/keys/KEY.pub" => key.display().to_string(),
            "release.N.sigstore.json" => "release.0.sigstore.json".to_owned(),
            word => word.to_owned(),
        });
        run(Command::new(&cosign).args(words).current_dir(small.medium.release()), LIMIT).unwrap()
    };
    check(&small.keys.public).ok().unwrap();
    let others = Keys::make(&small.path("others")).unwrap();
    assert_ne!(check(&others.public).code, Some(0));
}

#[test]
fn a_bundle_by_an_unknown_signer_is_refused_as_untrusted() {
    built();
    let small = Small::cut();
    let others = Keys::make(&small.path("others")).unwrap();
    for said in [small.medium.verify(&others).unwrap(), small.medium.check(&others).unwrap()] {
        assert_eq!(said.code, Some(20), "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("remedy:"), "{}", said.stderr);
    }
    let root = small.path("root");
    assert_eq!(small.medium.apply(&others, &root).unwrap().code, Some(20));
    assert!(!root.join("opt/strongroom/current").exists());
}
