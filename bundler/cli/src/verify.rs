//! `verify`: the checks of an installer, and every other file of the bundle.

use bundler_format::volumes::{Discard, OtherVersions, read_unverified, verify_files, verify_volumes};
use bundler_format::{Verified, VerifyError};

use crate::args::VerifyArgs;
use crate::error::Failure;
use crate::folder::Folder;
use crate::keys;
use crate::say::{self, Bar};

pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let bundle = Folder::new(&args.which.bundle);
    let version = bundle.choose(args.which.version)?;
    let root = keys::read_root(&args.root)?;
    // Signatures first: until they hold, nothing else on the medium is looked at.
    let verified = root.verify(read_unverified(&bundle, &version)?).map_err(VerifyError::from)?;
    let files = verify_files(&verified, &bundle, OtherVersions::default())?;
    let release = verified.release();
    let mut bar = Bar::new("verify", release.volume_bytes());
    let outcome = verify_volumes(&verified, &bundle, &mut Discard, &mut |p| bar.at(p.done, p.item));
    bar.finish();
    outcome?;
    for file in &files.passed_over {
        say::line(&format!("not compared: `{file}` belongs to a newer release in this folder"));
    }
    let text =
        if args.json { json(&verified, files.compared.len()) } else { text(&verified, &root, files.compared.len()) };
    say::data(&text).map_err(Failure::Stdout)
}

fn text(verified: &Verified, root: &bundler_format::TrustRoots, files: usize) -> String {
    let release = verified.release();
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|id| root.key(id).map_or_else(|| id.to_string(), |key| format!("{} ({id})", key.name())))
        .collect();
    format!(
        "release {} (channel {}, sequence {}, epoch {}) is as signed\n  digest   {}\n  signers  {} of {} needed: {}\n  volumes  {}, {}\n  blobs    {}, {}\n  files    {files} beside them",
        release.version,
        release.channel,
        release.sequence,
        release.epoch,
        verified.digest(),
        verified.signers().len(),
        root.threshold(),
        signers.join(", "),
        release.volumes.len(),
        say::bytes(release.volume_bytes()),
        release.blobs.len(),
        say::bytes(release.blob_bytes()),
    )
}

fn json(verified: &Verified, files: usize) -> String {
    let release = verified.release();
    serde_json::json!({
        "verified": true,
        "version": release.version,
        "channel": release.channel,
        "sequence": release.sequence,
        "epoch": release.epoch,
        "digest": verified.digest(),
        "signers": verified.signers().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "volumes": release.volumes.len(),
        "volume_bytes": release.volume_bytes(),
        "blobs": release.blobs.len(),
        "blob_bytes": release.blob_bytes(),
        "files": files,
    })
    .to_string()
}
