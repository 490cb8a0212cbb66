//! No flipped byte in any file of a bundle goes unseen, and each refusal names the place.

use crate::support::{Desk, Random, VERSION, files};

const FLIPS: usize = 200;
const SEED: u64 = 0x5ea1ed;

#[test]
fn every_flipped_byte_is_refused_with_its_place() {
    let desk = Desk::signed();
    let top = desk.folder.path().join("UPDATE");
    let all = files(&top);
    let names: Vec<&String> = all.keys().collect();
    assert!(names.len() >= 14, "{names:?}");
    let mut random = Random(SEED);
    for round in 0..FLIPS {
        // By file first: by bytes alone the volumes would take every flip.
        let name = names[round % names.len()];
        let bytes = &all[name];
        let (at, bit) = (random.below(bytes.len()), random.below(8));
        let mut bad = bytes.clone();
        bad[at] ^= 1 << bit;
        std::fs::write(top.join(name), &bad).unwrap();
        let run = desk.verify("UPDATE");
        let what = format!("seed {SEED}, round {round}, byte {at} bit {bit} of {name}: {}", run.stderr);
        assert!([20, 30, 31, 51].contains(&run.code), "{what}");
        assert!(run.stderr.contains("remedy: "), "{what}");
        if name.ends_with("/release.json") {
            // The signatures are for other bytes; both digests are shown.
            assert!(run.stderr.contains("signs another `release.json`"), "{what}");
        } else {
            assert!(run.stderr.contains(name.trim_start_matches(&format!("{VERSION}/"))), "{what}");
        }
        if name.ends_with(".tar.zst") {
            assert!(run.stderr.contains("volume bytes ") || run.stderr.contains("(bytes 0.."), "{what}");
        }
        std::fs::write(top.join(name), bytes).unwrap();
    }
    assert_eq!(desk.verify("UPDATE").code, 0, "the bundle is whole again");
}

#[test]
fn a_flipped_byte_in_one_signature_is_refused_though_the_other_would_do() {
    let desk = Desk::signed();
    let (alice, bob) = (desk.path("keys/alice.pub"), desk.path("keys/bob.pub"));
    let root = desk.path("one-of-two.json");
    crate::support::good(&["keys", "root", "--threshold", "1", "--key", &alice, "--key", &bob, "--out", &root]);
    let verify = || crate::support::bundler(&["verify", "--bundle", &desk.path("UPDATE"), "--root", &root]);
    assert_eq!(verify().code, 0);
    let file = desk.release("release.1.sigstore.json");
    let good = std::fs::read(&file).unwrap();
    let mut random = Random(SEED);
    for _ in 0..40 {
        let mut bad = good.clone();
        let (at, bit) = (random.below(bad.len()), random.below(8));
        bad[at] ^= 1 << bit;
        std::fs::write(&file, &bad).unwrap();
        let run = verify();
        assert_eq!(run.code, 20, "byte {at} bit {bit}: {}", run.stderr);
        assert!(run.stderr.contains("release.1.sigstore.json"), "byte {at} bit {bit}: {}", run.stderr);
    }
}
