//! `sign`: adds one signature file to a release.
//!
//! Invariant: what is signed follows from `release.json` alone, so every signer signs the same bytes; the signature is
//! deterministic (RFC 6979), so signing again would give the same file.

use bundler_format::volumes::{read_capped, read_unverified};
use bundler_format::{PAYLOAD_TYPE, TrustRoots, bundle_json, limits, pae, signature_name, signature_number, statement};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;

use crate::args::SignArgs;
use crate::error::Failure;
use crate::folder::{self, Folder};
use crate::{keys, say};

pub(crate) fn run(args: &SignArgs) -> Result<(), Failure> {
    let bundle = Folder::new(&args.which.bundle);
    let version = bundle.choose(args.which.version)?;
    let (key, public) = keys::read_secret(&args.key)?;

    let claimed = read_unverified(&bundle, &version)?.claimed_signers();
    if let Some((file, _)) = claimed.iter().find(|(_, signer)| *signer == Some(public.id())) {
        return Err(Failure::SignedAlready { signer: public.id().to_string(), file: file.clone() });
    }
    let number = claimed.iter().filter_map(|(file, _)| signature_number(file)).max().map_or(0, |last| last + 1);

    let release_json = read_capped(&bundle, &format!("{version}/release.json"), limits::MANIFEST_MAX)?;
    let payload = statement(&release_json)?;
    let signature: Signature = key.sign(&pae(PAYLOAD_TYPE, &payload));
    let bytes = bundle_json(&public.id(), &payload, signature.to_der().as_bytes())?;
    let name = format!("{version}/{}", signature_name(number));
    folder::write_new(&bundle.path(&name), &bytes, 0o644)?;

    let carried =
        read_capped(&bundle, "trust/root.json", limits::ROOT_MAX).ok().and_then(|bytes| TrustRoots::parse(&bytes).ok());
    if carried.is_none_or(|root| root.key(&public.id()).is_none()) {
        say::line(&format!(
            "warning: signing key `{}` is not in the bundle's `trust/root.json`; verification will refuse its signature",
            public.id()
        ));
    }
    say::line(&format!("signed {version} with signing key `{}`", public.id()));
    say::data(&name).map_err(Failure::Stdout)
}
