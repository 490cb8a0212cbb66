//! A whole bundle in memory: what is right passes, and each single fault is refused with its place named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;

use bundler_format::testing::{BundleMaker, MadeBundle, MemoryMedium, TestSigner, pattern};
use bundler_format::volumes::{
    BundleError, ChunkAt, OtherVersions, Sink, read_unverified, verify_files, verify_volume, verify_volumes, versions,
};
use bundler_format::{Digest, FormatError, Hasher, Mode, Release, TrustRoots, Verified, VerifyError, limits};
use runtime_diag::{Diagnose, Exit};

/// Keeps digests of what it was handed.
#[derive(Default)]
struct Collect {
    running: Hasher,
    blobs: Vec<(Digest, Digest)>,
    chunks: usize,
}

impl Sink for Collect {
    fn chunk(&mut self, at: &ChunkAt<'_>, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(at.range.end - at.range.start, bytes.len() as u64);
        self.chunks += 1;
        self.running.update(bytes);
        Ok(())
    }
    fn blob_complete(&mut self, blob: &Digest, _size: u64) -> io::Result<()> {
        self.blobs.push((*blob, std::mem::take(&mut self.running).finish()));
        Ok(())
    }
}

fn trusted(bundle: &MadeBundle) -> Result<Verified, BundleError> {
    let unverified = read_unverified(&bundle.medium, &bundle.release.version)?;
    bundle.root.verify(unverified).map_err(|refused| VerifyError::from(refused).into())
}

fn check(bundle: &MadeBundle) -> Result<Collect, BundleError> {
    let verified = trusted(bundle)?;
    verify_files(&verified, &bundle.medium, OtherVersions::default())?;
    let mut sink = Collect::default();
    verify_volumes(&verified, &bundle.medium, &mut sink, &mut |_| {})?;
    Ok(sink)
}

fn refused(bundle: &MadeBundle) -> BundleError {
    match check(bundle) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error,
    }
}

fn two_signers() -> BundleMaker {
    let both = vec![TestSigner::new(1), TestSigner::new(2)];
    BundleMaker { signers: both.clone(), trusted: both, threshold: 2, ..BundleMaker::default() }
}

#[test]
fn a_valid_bundle_hands_over_every_blob_with_its_digest() {
    let bundle = BundleMaker::default().make();
    assert!(bundle.release.volumes.len() > 1, "the test needs several volumes");
    assert_eq!(versions(&bundle.medium).unwrap(), [bundle.release.version]);
    let sink = check(&bundle).unwrap();
    assert_eq!(sink.blobs.len(), bundle.release.blobs.len());
    assert!(sink.blobs.iter().all(|(named, got)| named == got));
}

#[test]
fn one_volume_can_be_verified_alone() {
    let bundle = BundleMaker::default().make();
    let verified = trusted(&bundle).unwrap();
    for index in 0..bundle.release.volumes.len() {
        verify_volume(&verified, index, &bundle.medium, &mut Collect::default(), &mut |_| {}).unwrap();
    }
    assert!(verify_volume(&verified, 99, &bundle.medium, &mut Collect::default(), &mut |_| {}).is_err());
}

#[test]
fn a_flipped_byte_in_any_file_is_refused_and_the_file_named() {
    let files = vec![
        ("appliance".to_owned(), "bin/strongroom".to_owned(), Mode::Executable, pattern(1, 1500)),
        ("appliance".to_owned(), "share/text".to_owned(), Mode::Plain, b"word ".repeat(300)),
    ];
    let good = BundleMaker { files, volume_size: 2500, ..two_signers() }.make();
    check(&good).unwrap();
    for name in good.medium.files.keys() {
        // Every third byte of every file, so that each part of each form is met; each refusal costs two signature checks.
        for at in (0..good.medium.files[name].len()).step_by(3) {
            let mut bad = good.clone();
            bad.medium.files.get_mut(name).unwrap()[at] ^= 1 << (at / 3 % 8);
            let error = refused(&bad);
            let text = runtime_diag::render(&error);
            // A changed manifest shows itself as signatures that are for another one.
            let named = name.rsplit('/').next().unwrap();
            assert!(text.contains(named), "byte {at} of {name}: {text}");
            assert!(!error.remedy().is_empty() && error.exit() != Exit::Done);
        }
    }
}

#[test]
fn every_cut_of_a_volume_is_called_short() {
    let good =
        BundleMaker { files: vec![("a".into(), "b".into(), Mode::Plain, pattern(3, 3000))], ..BundleMaker::default() }
            .make();
    let name = format!("{}/v0000.tar.zst", good.release.version);
    let length = good.medium.files[&name].len();
    for cut in 0..length {
        let mut bad = good.clone();
        bad.medium.files.get_mut(&name).unwrap().truncate(cut);
        let error = refused(&bad);
        assert!(matches!(&error, BundleError::CutShort { got, .. } if *got == cut as u64), "{cut}: {error}");
        assert_eq!(error.exit(), Exit::Missing);
    }
}

#[test]
fn bytes_after_a_volume_are_refused() {
    let mut bundle = BundleMaker::default().make();
    bundle.medium.files.get_mut("2026.4.0/v0000.tar.zst").unwrap().push(0);
    assert!(matches!(refused(&bundle), BundleError::TooLong { .. }));
}

#[test]
fn missing_files_are_called_missing() {
    let good = BundleMaker::default().make();
    for name in
        good.medium.files.keys().filter(|name| !name.ends_with("sigstore.json") && !name.ends_with("release.json"))
    {
        let mut bad = good.clone();
        bad.medium.files.remove(name);
        let error = refused(&bad);
        assert!(matches!(&error, BundleError::Missing { file } if file == name), "{name}: {error}");
        assert_eq!(error.exit(), Exit::Missing);
    }
}

#[test]
fn an_unknown_file_beside_the_manifest_is_refused_but_desktop_litter_is_not() {
    let mut bundle = BundleMaker::default().make();
    for litter in ["2026.4.0/._v0000.tar.zst", "2026.4.0/.DS_Store", "System Volume Information/x", "holiday.jpg"] {
        bundle.medium.files.insert(litter.to_owned(), vec![1]);
    }
    check(&bundle).unwrap();
    for strange in [
        "2026.4.0/v9999.tar.zst",
        "2026.4.0/run-me.exe",
        "2026.4.0/sbom/more.cdx.json",
        "2026.4.0/release.00.sigstore.json",
    ] {
        let mut bad = bundle.clone();
        bad.medium.files.insert(strange.to_owned(), vec![1]);
        assert!(matches!(refused(&bad), BundleError::Unknown { file } if file == strange));
    }
}

fn verify_error(bundle: &MadeBundle) -> VerifyError {
    match refused(bundle) {
        BundleError::Verify(error) => error,
        other => panic!("not about trust: {other}"),
    }
}

#[test]
fn a_bundle_without_a_signature_is_refused() {
    let bundle = BundleMaker { signers: vec![], ..BundleMaker::default() }.make();
    assert!(matches!(verify_error(&bundle), VerifyError::NoSignature));
}

#[test]
fn a_bundle_with_an_unknown_signer_is_refused() {
    let bundle = BundleMaker { signers: vec![TestSigner::new(9)], ..BundleMaker::default() }.make();
    let error = verify_error(&bundle);
    assert!(matches!(error, VerifyError::UnknownSigner { .. }));
    assert_eq!(error.exit(), Exit::Untrusted);
}

#[test]
fn two_signatures_by_one_key_count_once() {
    let bundle = BundleMaker { signers: vec![TestSigner::new(1), TestSigner::new(1)], ..two_signers() }.make();
    let error = verify_error(&bundle);
    assert!(
        matches!(&error, VerifyError::BelowThreshold { needed: 2, signed, repeated, .. } if signed.len() == 1 && repeated.len() == 1),
        "{error}"
    );
}

#[test]
fn one_of_two_signatures_is_below_a_threshold_of_two() {
    let bundle = BundleMaker { signers: vec![TestSigner::new(2)], ..two_signers() }.make();
    assert!(matches!(verify_error(&bundle), VerifyError::BelowThreshold { .. }));
}

#[test]
fn a_broken_signature_is_refused_even_where_the_others_would_do() {
    let mut bundle = BundleMaker { threshold: 1, ..two_signers() }.make();
    let other = BundleMaker { sequence: 2, ..two_signers() }.make();
    let name = "2026.4.0/release.1.sigstore.json";
    bundle.medium.files.insert(name.to_owned(), other.medium.files[name].clone());
    assert!(matches!(verify_error(&bundle), VerifyError::OtherRelease { .. }));
}

#[test]
fn a_signature_by_a_key_that_is_new_to_this_host_is_allowed_when_the_bundle_carries_the_key() {
    let bundle = two_signers();
    let made = bundle.make();
    // The host still has the old root: one of the two keys.
    let old = TrustRoots::new(bundle.channel.clone(), 1, vec![TestSigner::new(1).public()]).unwrap();
    let host = MadeBundle { root: old.clone(), ..made };
    check(&host).unwrap();
    assert_eq!(trusted(&host).unwrap().unknown_signers().len(), 1);
    // A key that nobody knows is not passed over.
    let strange =
        BundleMaker { signers: vec![TestSigner::new(1), TestSigner::new(7)], ..BundleMaker::default() }.make();
    assert!(matches!(verify_error(&MadeBundle { root: old, ..strange }), VerifyError::StrangeSignature { .. }));
}

#[test]
fn a_release_of_another_channel_is_refused() {
    let staging =
        BundleMaker { channel: bundler_format::Name::parse("staging").unwrap(), ..BundleMaker::default() }.make();
    let bundle = MadeBundle { root: BundleMaker::default().make().root, ..staging };
    assert!(matches!(verify_error(&bundle), VerifyError::OtherChannel { .. }));
}

#[test]
fn a_signed_statement_that_hides_a_file_is_refused() {
    let mut bundle = BundleMaker::default().make();
    let payload = String::from_utf8(bundler_format::statement(&bundle.release_json).unwrap()).unwrap();
    let payload = payload.replace("bin/strongroom", "bin/strongr00m");
    bundle
        .medium
        .files
        .insert("2026.4.0/release.0.sigstore.json".into(), TestSigner::new(1).sign_payload(payload.as_bytes()));
    assert!(matches!(verify_error(&bundle), VerifyError::OtherStatement { .. }));
}

#[test]
fn a_refusal_gives_the_bundle_back() {
    let bundle = BundleMaker { signers: vec![TestSigner::new(9)], ..BundleMaker::default() }.make();
    let unverified = read_unverified(&bundle.medium, &bundle.release.version).unwrap();
    let refused = bundle.root.verify(unverified).unwrap_err();
    let (unverified, _) = refused.into_parts();
    assert_eq!(unverified.danger_look_without_proof().unwrap(), bundle.release);
}

#[test]
fn a_full_disk_ends_with_its_own_exit_code() {
    struct Full;
    impl Sink for Full {
        fn chunk(&mut self, _: &ChunkAt<'_>, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let bundle = BundleMaker::default().make();
    let error = verify_volumes(&trusted(&bundle).unwrap(), &bundle.medium, &mut Full, &mut |_| {}).unwrap_err();
    assert_eq!(error.exit(), Exit::NoSpace);
}

#[test]
fn a_chunk_is_not_handed_over_before_it_is_proven() {
    let good = BundleMaker::default().make();
    let verified = trusted(&good).unwrap();
    let whole = check(&good).unwrap().chunks;
    let mut bad = MemoryMedium { files: good.medium.files.clone() };
    let last = bad.files.get_mut("2026.4.0/v0001.tar.zst").unwrap();
    let middle = last.len() / 2;
    last[middle] ^= 1;
    let mut sink = Collect::default();
    let error = verify_volumes(&verified, &bad, &mut sink, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BundleError::Damaged(_)), "{error}");
    assert!(sink.chunks < whole);
}

fn manifest_problems(change: impl FnOnce(&mut Release)) -> FormatError {
    let mut release = BundleMaker::default().make().release;
    change(&mut release);
    release.to_bytes().map(|_| ()).expect_err("it was accepted")
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Release);
    let changes: [(&str, Change); 19] = [
        ("schema", |r| r.schema = "strongroom.release/2".into()),
        ("not `strongroom`", |r| r.product = "other".parse().unwrap()),
        ("reads_from", |r| r.data_schema.reads_from = 9),
        ("there is none", |r| r.components.clear()),
        ("its name is taken", |r| r.components[1].name = r.components[0].name.clone()),
        ("this path is taken", |r| r.components[0].files[1].path = "BIN/strongroom".parse().unwrap()),
        ("a file and a folder", |r| r.components[0].files[1].path = "bin".parse().unwrap()),
        ("reserved", |r| r.components[0].files[1].path = "release.json".parse().unwrap()),
        ("not in `blobs`", |r| r.components[0].files[0].blob = Digest::of(b"?")),
        ("no file uses it", |r| drop(r.components.pop())),
        ("it is listed twice", |r| r.blobs.push(r.blobs[0].clone())),
        ("chunks for", |r| r.blobs[0].size += limits::CHUNK),
        ("another digest than the blob", |r| r.blobs[0].chunks[0] = Digest::of(b"?")),
        ("it is at place 0", |r| r.volumes.reverse()),
        ("the entry here must be", |r| r.volumes[0].entries.swap(0, 1)),
        ("no entry holds", |r| drop(r.volumes.pop())),
        ("does not fit", |r| r.volumes[1].entries[0].length -= 1),
        ("it is not the file", |r| r.extras[0].path = "strongroom-installer".parse().unwrap()),
        ("does not belong", |r| r.extras[0].path = "bin/sh".parse().unwrap()),
    ];
    for (expected, change) in changes {
        let text = manifest_problems(change).to_string();
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    }
}

#[test]
fn only_the_canonical_form_of_a_manifest_parses() {
    let bytes = BundleMaker::default().make().release_json;
    assert!(Release::parse(&bytes).is_ok());
    let text = String::from_utf8(bytes).unwrap();
    for changed in [
        format!("{text}\n"),
        text.replacen(':', ": ", 1),
        text.replacen("{", r#"{"more":1,"#, 1),
        text.replace("644", "4755"),
    ] {
        let error = Release::parse(changed.as_bytes()).unwrap_err();
        assert_eq!(error.exit(), Exit::Schema);
    }
    assert_eq!(
        Release::parse(text.replace("release/1", "release/2").as_bytes()).unwrap_err().code(),
        "format.unknown-schema"
    );
}

#[test]
fn a_root_with_a_threshold_it_cannot_meet_is_refused() {
    let key = TestSigner::new(1).public();
    let channel = || bundler_format::Name::parse("stable").unwrap();
    for (threshold, keys) in
        [(0, vec![key.clone()]), (2, vec![key.clone()]), (1, vec![key.clone(), key.clone()]), (0, vec![])]
    {
        assert!(TrustRoots::new(channel(), threshold, keys).is_err());
    }
    let root = TrustRoots::new(channel(), 1, vec![key]).unwrap();
    assert_eq!(TrustRoots::parse(&root.to_bytes().unwrap()).unwrap(), root);
}

#[test]
fn no_error_repeats_its_source() {
    let error = BundleError::Verify(VerifyError::Manifest(manifest_problems(|r| r.schema.clear())));
    let report = runtime_diag::Report::of(&error);
    assert!(report.causes.iter().all(|cause| !report.message.contains(cause.as_str())), "{report:?}");
}
