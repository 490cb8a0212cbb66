//! Volumes that a signer made wrongly or wickedly: size and digest of the file are as signed, so only the reader's own
//! rules stand between them and the host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;

use bundler_format::testing::{BundleMaker, MadeBundle, TestSigner, pattern};
use bundler_format::volumes::{BundleError, Discard, encode_frame, read_unverified, verify_volumes};
use bundler_format::{Digest, FrameKind, Mode, VerifyError, frames, tar_header};
use runtime_diag::{Diagnose as _, Exit};

const VOLUME: &str = "2026.4.0/v0000.tar.zst";
const CONTENT: usize = 3000;

fn small() -> MadeBundle {
    let files = vec![("a".into(), "b".into(), Mode::Plain, pattern(3, CONTENT))];
    BundleMaker { files, ..BundleMaker::default() }.make()
}

/// The right frames of the volume: header, chunk, end.
fn right_frames(bundle: &MadeBundle) -> Vec<Vec<u8>> {
    let volume = &bundle.release.volumes[0];
    let content = |kind: &FrameKind| match kind {
        FrameKind::Header { .. } => {
            tar_header(&volume.entries[0].name, CONTENT as u64, bundle.release.created).to_vec()
        }
        FrameKind::Chunk { .. } => pattern(3, CONTENT),
        FrameKind::End { padding } => vec![0; *padding as usize + 1024],
    };
    frames(&bundle.release, volume).iter().map(|frame| content(&frame.kind)).collect()
}

/// Puts these bytes in place of the volume, signs that, and verifies.
fn signed_anyway(bytes: Vec<u8>) -> Result<(), BundleError> {
    let mut bundle = small();
    let volume = &mut bundle.release.volumes[0];
    volume.size = bytes.len() as u64;
    volume.digest = Digest::of(&bytes);
    let release_json = bundle.release.to_bytes().unwrap();
    bundle.medium.files.insert(VOLUME.into(), bytes);
    bundle.medium.files.insert("2026.4.0/release.0.sigstore.json".into(), TestSigner::new(1).sign(&release_json));
    bundle.medium.files.insert("2026.4.0/release.json".into(), release_json);
    let unverified = read_unverified(&bundle.medium, &bundle.release.version)?;
    let verified = bundle.root.verify(unverified).map_err(|refused| BundleError::from(VerifyError::from(refused)))?;
    verify_volumes(&verified, &bundle.medium, &mut Discard, &mut |_| {})
}

fn refused(bytes: Vec<u8>, expected: &str) {
    let error = signed_anyway(bytes).expect_err("it was accepted");
    assert!(error.to_string().contains(expected), "{expected:?} is not in {error}");
    assert_eq!(error.exit(), Exit::Corrupt);
}

fn encoded(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| encode_frame(frame, 3).unwrap()).collect()
}

#[test]
fn the_right_frames_are_accepted() {
    signed_anyway(encoded(&right_frames(&small()))).unwrap();
}

#[test]
fn a_frame_that_unpacks_to_gigabytes_is_stopped_at_its_length() {
    let mut frames = right_frames(&small());
    frames[1] = vec![0; 64 << 20];
    refused(encoded(&frames), "longer than the manifest says");
}

#[test]
fn a_frame_that_is_too_short_is_refused() {
    let mut frames = right_frames(&small());
    frames[1].pop();
    refused(encoded(&frames), "shorter than the manifest says");
}

#[test]
fn a_frame_that_asks_for_a_large_window_is_refused() {
    let frames = right_frames(&small());
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&frames[1]).unwrap();
    let wide = encoder.finish().unwrap();
    let bytes = [encode_frame(&frames[0], 3).unwrap(), wide, encode_frame(&frames[2], 3).unwrap()].concat();
    refused(bytes, "cannot be decompressed: ");
}

#[test]
fn skippable_frames_and_other_formats_are_refused() {
    let rest = encoded(&right_frames(&small()));
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], rest.as_slice()].concat();
    refused(skippable, "no zstd frame begins here");
    for magic in [[0x1e, 0xb5, 0x2f, 0xfd], [0x27, 0xb5, 0x2f, 0xfd], [0x1f, 0x8b, 8, 0]] {
        refused([&magic, rest.get(4..).unwrap()].concat(), "no zstd frame begins here");
    }
}

#[test]
fn frames_in_another_grouping_are_refused() {
    let frames = right_frames(&small());
    refused(encoded(&[frames.concat()]), "longer than the manifest says");
}

#[test]
fn a_link_a_long_name_or_another_owner_in_a_header_is_refused() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 5] = [
        ("link", |header| header[156] = b'2'),
        ("pax", |header| header[156] = b'x'),
        ("sparse", |header| header[156] = b'S'),
        ("set-uid", |header| header[101] = b'4'),
        ("name", |header| header[0] = b'/'),
    ];
    for (what, change) in changes {
        let mut frames = right_frames(&small());
        change(&mut frames[0]);
        let sum: u32 =
            frames[0].iter().enumerate().map(|(n, b)| if (148..156).contains(&n) { 32 } else { u32::from(*b) }).sum();
        frames[0][148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let error = signed_anyway(encoded(&frames)).expect_err(what);
        assert!(error.to_string().contains("tar header"), "{what}: {error}");
    }
}

#[test]
fn a_further_entry_after_the_end_is_refused() {
    let mut frames = right_frames(&small());
    frames.extend(right_frames(&small()));
    refused(encoded(&frames), "after the end of its archive");
}

#[test]
fn a_volume_that_ends_inside_a_frame_is_refused_though_its_size_is_signed() {
    let mut bytes = encoded(&right_frames(&small()));
    bytes.pop();
    refused(bytes, "ends inside this frame");
}

#[test]
fn an_empty_volume_is_refused() {
    refused(Vec::new(), "ends inside this frame");
}

#[test]
fn a_blob_whose_chunks_are_right_but_whose_digest_is_not_is_a_contradiction() {
    let files = vec![("a".into(), "b".into(), Mode::Plain, pattern(3, (4 << 20) + 10))];
    let mut bundle = BundleMaker { files, ..BundleMaker::default() }.make();
    let (old, new) = (bundle.release.blobs[0].digest.hex(), Digest::of(b"another").hex());
    // Everywhere in the manifest, and in the tar headers of the volumes.
    let text = String::from_utf8(bundle.release_json.clone()).unwrap().replace(&old, &new);
    let mut release = bundler_format::Release::parse(text.as_bytes()).unwrap();
    for index in 0..release.volumes.len() {
        let volume = release.volumes[index].clone();
        let mut bytes = Vec::new();
        for frame in frames(&release, &volume) {
            let content = match &frame.kind {
                FrameKind::Header { entry, padding } => {
                    let entry = &volume.entries[*entry];
                    [vec![0; *padding as usize], tar_header(&entry.name, entry.length, release.created).to_vec()]
                        .concat()
                }
                FrameKind::Chunk { chunk, .. } => {
                    pattern(3, (4 << 20) + 10)[chunk.range.start as usize..chunk.range.end as usize].to_vec()
                }
                FrameKind::End { padding } => vec![0; *padding as usize + 1024],
            };
            bytes.extend(encode_frame(&content, 1).unwrap());
        }
        release.volumes[index].size = bytes.len() as u64;
        release.volumes[index].digest = Digest::of(&bytes);
        bundle.medium.files.insert(format!("2026.4.0/{}", volume.name), bytes);
    }
    let release_json = release.to_bytes().unwrap();
    bundle.medium.files.insert("2026.4.0/release.0.sigstore.json".into(), TestSigner::new(1).sign(&release_json));
    bundle.medium.files.insert("2026.4.0/release.json".into(), release_json);
    let verified = bundle.root.verify(read_unverified(&bundle.medium, &release.version).unwrap()).unwrap();
    let error = verify_volumes(&verified, &bundle.medium, &mut Discard, &mut |_| {}).expect_err("it was accepted");
    assert!(matches!(error, BundleError::Contradiction { .. }), "{error}");
}
