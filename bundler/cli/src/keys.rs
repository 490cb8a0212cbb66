//! `keys new` and `keys root`.

use bundler_format::{Name, RootKey, TrustRoots, limits};
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::zeroize::Zeroizing;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use std::path::Path;

use crate::args::{KeysNewArgs, KeysRootArgs};
use crate::error::Failure;
use crate::{folder, say};

/// Makes a key pair. The secret half is a plain PKCS#8 PEM that only its owner may read.
pub(crate) fn new(args: &KeysNewArgs) -> Result<(), Failure> {
    let (secret, public) =
        (args.out.join(format!("{}.key.pem", args.name)), args.out.join(format!("{}.pub", args.name)));
    if public.exists() {
        return Err(Failure::Exists { path: public });
    }
    let key = random_key()?;
    let encoded = |e: &dyn std::fmt::Display| Failure::NotAKey { path: secret.clone(), problem: e.to_string() };
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|e| encoded(&e))?;
    let public_pem = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|e| encoded(&e))?;
    let id = RootKey::from_pem(args.name.clone(), &public_pem)?.id();
    folder::write_new(&secret, pem.as_bytes(), 0o600)?;
    folder::write_new(&public, public_pem.as_bytes(), 0o644)?;
    say::line(&format!("keep `{}` secret and offline; give away `{}`", secret.display(), public.display()));
    say::data(&id.to_string()).map_err(Failure::Stdout)
}

fn random_key() -> Result<SigningKey, Failure> {
    // A random number above the order of the curve is no key; that happens once in 2^32 times.
    for _ in 0..8 {
        let mut bytes = Zeroizing::new([0u8; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|e| Failure::Randomness(e.to_string()))?;
        if let Ok(key) = SigningKey::from_slice(bytes.as_ref()) {
            return Ok(key);
        }
    }
    Err(Failure::Randomness("eight numbers in a row are no keys".to_owned()))
}

/// Makes a trust root.
pub(crate) fn root(args: &KeysRootArgs) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for path in &args.keys {
        let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = Name::parse(stem.trim_end_matches(".pub").trim_end_matches(".pem"))?;
        keys.push(RootKey::from_pem(name, &folder::read_text(path, limits::ROOT_MAX)?)?);
    }
    let root = TrustRoots::new(args.channel.clone(), args.threshold, keys)?;
    folder::write_new(&args.out, &root.to_bytes()?, 0o644)?;
    for key in root.keys() {
        say::line(&format!("{} {}", key.id(), key.name()));
    }
    say::line(&format!(
        "{} of {} keys must sign for channel `{}`",
        root.threshold(),
        root.keys().len(),
        root.channel()
    ));
    Ok(())
}

/// Reads a trust root.
pub(crate) fn read_root(path: &Path) -> Result<TrustRoots, Failure> {
    Ok(TrustRoots::parse(&folder::read_file(path, limits::ROOT_MAX)?)?)
}

/// Reads a secret key with its public half.
pub(crate) fn read_secret(path: &Path) -> Result<(SigningKey, RootKey), Failure> {
    let not_a_key = |problem: String| Failure::NotAKey { path: path.to_owned(), problem };
    let pem = Zeroizing::new(folder::read_text(path, limits::ROOT_MAX)?);
    if pem.contains("BEGIN ENCRYPTED") {
        return Err(not_a_key("it is encrypted".to_owned()));
    }
    let key = SigningKey::from_pkcs8_pem(&pem).map_err(|e| not_a_key(e.to_string()))?;
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|e| not_a_key(e.to_string()))?;
    let public = RootKey::from_pem(Name::parse("signer")?, &public)?;
    Ok((key, public))
}
