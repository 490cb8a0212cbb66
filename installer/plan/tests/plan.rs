//! Plans: what is refused, with which words and exit code; what is counted; what a person reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bundler_format::{
    Blob, Component, Created, DataSchema, Digest, Document, Entry, EntryName, File, Label, Mode, Name, PAYLOAD_TYPE,
    RELEASE_SCHEMA, RelPath, Release, RootKey, TrustRoots, Unverified, Verified, Version, Volume, VolumeName,
    bundle_json, pae, statement,
};
use installer_plan::{
    Floor, Installed, Kind, Observed, Pending, Plan, RESERVE_BYTES, Record, Refusal, ReleaseRef, SlotName, State,
    advance, render,
};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use runtime_diag::{Diagnose, Exit};
use std::collections::BTreeMap;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A release with two components; `content` is what differs between releases.
fn release(sequence: u64, content: &str) -> Release {
    let bytes = [content.as_bytes(), b"the same everywhere"];
    let blobs: Vec<Blob> = bytes
        .iter()
        .map(|bytes| Blob { digest: Digest::of(bytes), size: bytes.len() as u64, chunks: vec![Digest::of(bytes)] })
        .collect();
    let component = |name: &str, version: &str, path: &str, blob: &Blob| Component {
        name: self::name(name),
        version: Label::parse(version).unwrap(),
        licence: Label::parse("Apache-2.0").unwrap(),
        files: vec![File { path: RelPath::parse(path).unwrap(), mode: Mode::Plain, blob: blob.digest }],
    };
    let entries = blobs.iter().map(|blob| Entry {
        name: EntryName::of(&blob.digest, 0),
        blob: blob.digest,
        offset: 0,
        length: blob.size,
    });
    Release {
        schema: RELEASE_SCHEMA.into(),
        product: name("strongroom"),
        version: Version::parse(&format!("2026.4.{sequence}")).unwrap(),
        channel: name("stable"),
        sequence,
        epoch: 0,
        created: Created::parse("2026-11-20T00:00:00Z").unwrap(),
        platform: name("linux-x86_64"),
        data_schema: DataSchema { reads_from: 1, writes: 1 },
        components: vec![
            component("appliance", &format!("0.{sequence}.0"), "bin/strongroom", &blobs[0]),
            component("models", "1.0.0", "models/demo/model.bin", &blobs[1]),
        ],
        volumes: vec![Volume {
            name: VolumeName::at(0).unwrap(),
            size: 1,
            digest: Digest::of(b""),
            entries: entries.collect(),
        }],
        blobs,
        sboms: Vec::new(),
        notes: Document::of(RelPath::parse("notes.md").unwrap(), b""),
        extras: Vec::new(),
    }
}

fn verified(release: &Release) -> Verified {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    let root_key = RootKey::from_pem(name("signer"), &pem).unwrap();
    let json = release.to_bytes().unwrap();
    let payload = statement(&json).unwrap();
    let signature: Signature = key.sign(&pae(PAYLOAD_TYPE, &payload));
    let bundle = bundle_json(&root_key.id(), &payload, signature.to_der().as_bytes()).unwrap();
    let roots = TrustRoots::new(release.channel.clone(), 1, vec![root_key]).unwrap();
    roots.verify(Unverified::new(json, vec![("release.0.sigstore.json".into(), bundle)])).unwrap()
}

fn installed(release: &Release, slot: SlotName) -> Installed {
    let digest = Digest::of(&release.to_bytes().unwrap());
    Installed { slot, reference: ReleaseRef::of(release, digest), release: release.clone() }
}

/// A host without a release.
fn bare() -> Observed {
    Observed {
        platform: "linux-x86_64".into(),
        channel: "stable".into(),
        active: None,
        other: None,
        record: Record::default(),
        blobs: BTreeMap::new(),
        begun: BTreeMap::new(),
        bytes_free: 1 << 40,
    }
}

/// A host on which release 1 runs.
fn running() -> Observed {
    let release = release(1, "one");
    let record = Record { data_schema: Some(1), floor: Floor { sequence: 1, epoch: 0 }, ..Record::default() };
    let blobs = release.blobs.iter().map(|blob| (blob.digest, blob.size)).collect();
    Observed { active: Some(installed(&release, SlotName::A)), record, blobs, ..bare() }
}

#[test]
fn a_plan_counts_only_the_blobs_that_are_missing() {
    let host = running();
    let plan = Plan::new(&verified(&release(2, "two, longer")), &host).unwrap();
    assert_eq!((plan.kind(), plan.slot()), (Kind::Update, SlotName::B));
    assert_eq!((plan.missing().len(), plan.blobs()), (1, 2));
    assert_eq!(plan.bytes_to_copy(), 11);
    assert_eq!(plan.bytes_needed(), 4096 + RESERVE_BYTES);
}

#[test]
fn what_an_attempt_before_left_counts_as_there_and_a_blob_of_another_length_as_missing() {
    let mut host = running();
    let next = release(2, "two, longer");
    host.begun.insert(next.blobs[0].digest, 5);
    host.blobs.insert(next.blobs[1].digest, 3);
    let plan = Plan::new(&verified(&next), &host).unwrap();
    assert_eq!(plan.missing().len(), 2);
    assert_eq!(plan.bytes_to_copy(), 6 + 19);
}

#[test]
fn a_person_reads_what_will_happen() {
    let plan = Plan::new(&verified(&release(2, "two, longer")), &running()).unwrap();
    let text = render(&plan);
    let (digest, signer) = (plan.target().digest, &plan.signers()[0]);
    assert_eq!(
        text,
        format!(
            "release     2026.4.2 (sequence 2, epoch 0), cut 2026-11-20T00:00:00Z
            {digest}
channel     stable
signed by   {signer}
installed   2026.4.1 (sequence 1, epoch 0), slot `a`

what changes
  appliance  0.1.0 -> 0.2.0, 1 files differ, 11 B to copy
  models     1.0.0, unchanged

space
  to copy   11 bytes (11 B)
  needed    16,781,312 bytes with the reserve
  free      1,099,511,627,776 bytes

steps
  1. copy 1 of 2 blobs from the medium, each chunk after its digest matched
  2. build slot `b` beside what runs, by links into the blob store
  3. read slot `b` again and compare every file with the manifest
  4. switch `current` to slot `b`, in one rename
  5. start it and check its health
  6. confirm it and remove the blobs that no slot needs

way back
  release 2026.4.1 stays in slot `a`; it runs again by itself if the new one is
  not healthy (at most 3 starts), or later by `strongroom-installer rollback`

time without service
  one restart at the switch; copying and checking before it leave the running
  release alone
"
        )
    );
}

#[test]
fn the_same_release_again_is_nothing_to_do() {
    let plan = Plan::new(&verified(&release(1, "one")), &running()).unwrap();
    assert_eq!(plan.kind(), Kind::AlreadyInstalled);
    assert!(plan.work().is_none());
    assert!(render(&plan).ends_with("This release is installed already: there is nothing to do.\n"));
}

fn refused(change: impl FnOnce(&mut Release, &mut Observed)) -> Refusal {
    let (mut next, mut host) = (release(2, "two"), running());
    change(&mut next, &mut host);
    Plan::new(&verified(&next), &host).unwrap_err()
}

#[test]
fn each_refusal_has_its_words_and_its_exit_code() {
    type Break = fn(&mut Release, &mut Observed);
    let cases: [(Break, Exit, &str); 8] = [
        (
            |_, host| host.channel = "staging".into(),
            Exit::Untrusted,
            "release `2026.4.2` is of the channel `stable`, this host follows `staging`",
        ),
        (
            |_, host| host.platform = "linux-aarch64".into(),
            Exit::UpgradePath,
            "release `2026.4.2` is for `linux-x86_64`, this host is `linux-aarch64`",
        ),
        (
            |_, host| host.record.floor.epoch = 3,
            Exit::Downgrade,
            "release `2026.4.2` has the epoch 0, this host accepts 3 or higher",
        ),
        (
            |next, _| next.sequence = 1,
            Exit::Downgrade,
            "release `2026.4.2` (sequence 1) is not newer than the installed `2026.4.1` (sequence 1)",
        ),
        (
            |next, _| next.data_schema = DataSchema { reads_from: 2, writes: 3 },
            Exit::UpgradePath,
            "release `2026.4.2` reads data of schema 2 to 3, the data on this host have schema 1",
        ),
        (
            |_, host| host.record.data_schema = Some(7),
            Exit::UpgradePath,
            "release `2026.4.2` reads data of schema 1 to 1, the data on this host have schema 7",
        ),
        (|_, host| host.bytes_free = 5, Exit::NoSpace, "16781312 bytes are needed, 5 bytes are free"),
        (
            |next, host| host.record.state = trial(next),
            Exit::Failure,
            "an update to `2026.4.2` is `switched` and not finished",
        ),
    ];
    for (change, exit, message) in cases {
        let refusal = refused(change);
        assert_eq!((refusal.to_string().as_str(), refusal.exit()), (message, exit));
        assert!(!refusal.remedy().is_empty());
    }
}

/// A state between switch and confirmation.
fn trial(next: &Release) -> State {
    use installer_plan::Event::{Begin, Proven, SlotStands, Staged};
    let work = Plan::new(&verified(next), &running()).unwrap().work().unwrap();
    let state =
        [Begin(work), Staged, SlotStands, Proven].into_iter().fold(State::Idle, |state, event| advance(state, event).0);
    assert_eq!(state.pending(), Pending::AfterSwitch);
    state
}

#[test]
fn rollback_goes_to_the_other_slot_unless_that_release_failed_or_cannot_read_the_data() {
    let mut host = running();
    let older = release(0, "zero");
    assert_eq!(Plan::rollback(&verified(&older), &host).unwrap_err(), Refusal::NothingToGoBackTo { slot: SlotName::B });
    host.other = Some(installed(&older, SlotName::B));
    let plan = Plan::rollback(&verified(&older), &host).unwrap();
    assert_eq!((plan.kind(), plan.slot(), plan.bytes_needed()), (Kind::Rollback, SlotName::B, 0));
    host.record.data_schema = Some(2);
    assert_eq!(Plan::rollback(&verified(&older), &host).unwrap_err().exit(), Exit::UpgradePath);
    host.record.failed = Some(plan.target().digest);
    assert!(matches!(Plan::rollback(&verified(&older), &host), Err(Refusal::FailedBefore { .. })));
}
