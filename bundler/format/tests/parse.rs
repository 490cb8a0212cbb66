//! Documents that somebody changed: read or refused, never a panic, and what is read is what was written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use bundler_format::testing::{BundleMaker, MadeBundle, TestSigner};
use bundler_format::{Name, Release, TrustRoots, Unverified, frames, plan_volumes, statement};
use proptest::prelude::*;

/// Made once: making compresses megabytes.
fn made() -> &'static MadeBundle {
    static MADE: OnceLock<MadeBundle> = OnceLock::new();
    MADE.get_or_init(|| BundleMaker::default().make())
}

/// Uses everything that a parsed manifest offers, as `inspect` does before anything is proven.
fn look(release: &Release) {
    let _ = (release.blob_bytes(), release.volume_bytes(), release.sha256sums(b""));
    for volume in &release.volumes {
        let _ = frames(release, volume);
    }
    let _ = plan_volumes(&release.blobs, 1 << 20);
}

/// Replaces the number at the `nth` run of digits.
fn with_number(text: &str, nth: usize, number: &str) -> String {
    let starts: Vec<usize> = text
        .bytes()
        .enumerate()
        .filter(|(at, byte)| byte.is_ascii_digit() && (*at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric()))
        .map(|(at, _)| at)
        .collect();
    let start = starts[nth % starts.len()];
    let length = text[start..].bytes().take_while(u8::is_ascii_digit).count();
    format!("{}{number}{}", &text[..start], &text[start + length..])
}

proptest! {
    #[test]
    fn a_changed_byte_of_a_manifest_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = made().release_json.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(release) = Release::parse(&bytes) {
            prop_assert_eq!(release.to_bytes().unwrap(), bytes);
            look(&release);
        }
    }

    #[test]
    fn a_changed_number_of_a_manifest_never_panics(nth in 0usize..400, number in prop_oneof![
        Just("0".to_owned()), Just("18446744073709551615".to_owned()), Just("9223372036854775808".to_owned()),
        Just("4194304".to_owned()), Just("-1".to_owned()), Just("1e3".to_owned()), any::<u64>().prop_map(|n| n.to_string()),
    ]) {
        let text = String::from_utf8(made().release_json.clone()).unwrap();
        if let Ok(release) = Release::parse(with_number(&text, nth, &number).as_bytes()) {
            look(&release);
        }
    }

    #[test]
    fn a_changed_byte_of_a_root_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = made().root.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = TrustRoots::parse(&bytes);
    }

    #[test]
    fn no_signature_file_makes_the_verifier_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let made = made();
        let unverified = Unverified::new(made.release_json.clone(), vec![("release.0.sigstore.json".to_owned(), bytes)]);
        prop_assert!(made.root.verify(unverified).is_err());
    }
}

#[test]
fn what_a_signer_signs_follows_from_the_manifest_alone() {
    let bundle = made();
    let text = String::from_utf8(statement(&bundle.release_json).unwrap()).unwrap();
    let start = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"channel":"stable","created":"2026-11-20T00:00:00Z","epoch":0,"platform":"linux-x86_64","product":"strongroom","schema":"strongroom.release/1","sequence":1,"version":"2026.4.0"}},"predicateType":"urn:strongroom:release:v1","subject":[{{"digest":{{"sha256":"{}"}},"name":"release.json"}},"#,
        bundler_format::Digest::of(&bundle.release_json).hex()
    );
    assert!(text.starts_with(&start), "{text}");
    assert_eq!(TestSigner::new(1).sign(&bundle.release_json), TestSigner::new(1).sign(&bundle.release_json));
}

#[test]
fn the_id_of_a_key_is_the_digest_of_its_der_form() {
    // From `openssl pkey -pubin -in key.pub -outform DER | sha256sum`.
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElasBI/Maz/FaKCFB8FItTHj7lDnR\nW6s2eL5eI36GmjqVuI9qNbbCfOZcd1f/6vd5JcdOk4x/8KNcLCuLKPcmnQ==\n-----END PUBLIC KEY-----\n";
    let key = bundler_format::RootKey::from_pem(Name::parse("a").unwrap(), pem).unwrap();
    assert_eq!(key.id().to_string(), "d656bb121ed8c2bc59cc1ab4d1fedcb9421b4f20dbeed3a050f0f7db44df8f46");
    assert_eq!(key.pem(), pem);
    assert!(bundler_format::RootKey::from_pem(Name::parse("a").unwrap(), "not a key").is_err());
}
