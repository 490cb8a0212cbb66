//! Trust roots: which signing keys count, and how many of them a release needs.
//!
//! Invariant: a key is known by the SHA-256 of its SubjectPublicKeyInfo, never by a name that somebody gave it; two
//! entries never hold the same key. Deliberately not here: where a root is kept, and how one replaces another.

use std::collections::BTreeSet;
use std::fmt;

use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};
use serde::{Deserialize, Serialize};

use crate::release::{SchemaProbe, problem};
use crate::{Digest, FormatError, Name, canonical_json, limits};

/// The value of `schema`.
pub const ROOT_SCHEMA: &str = "strongroom.trust-root/1";

/// A signer: the SHA-256 of the key's SubjectPublicKeyInfo (DER).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerId(Digest);

impl SignerId {
    /// The digest itself.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }
}

impl fmt::Display for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hex())
    }
}

impl fmt::Debug for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public signing key: ECDSA on P-256 with SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootKey {
    name: Name,
    id: SignerId,
    key: VerifyingKey,
    pem: String,
}

impl RootKey {
    /// From a PEM `PUBLIC KEY`, as `cosign` and `openssl` write it.
    ///
    /// # Errors
    /// When it is not a P-256 key.
    pub fn from_pem(name: Name, pem: &str) -> Result<Self, FormatError> {
        let invalid = |e: &dyn fmt::Display| {
            FormatError::one("trust root", name.as_str(), format!("not a P-256 public key in PEM: {e}"))
        };
        let key = VerifyingKey::from_public_key_pem(pem.trim_ascii_end())
            .or_else(|_| VerifyingKey::from_public_key_pem(pem))
            .map_err(|e| invalid(&e))?;
        // Written again from the point, so that one key has one id whatever its encoding was.
        let der = key.to_public_key_der().map_err(|e| invalid(&e))?;
        let pem = key.to_public_key_pem(LineEnding::LF).map_err(|e| invalid(&e))?;
        Ok(Self { id: SignerId(Digest::of(der.as_bytes())), key, pem, name })
    }

    /// The name that people gave it; means nothing to verification.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What identifies it.
    #[must_use]
    pub fn id(&self) -> SignerId {
        self.id
    }

    /// PEM, for people and for `cosign`.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Does this signature (DER) over this message hold?
    pub(crate) fn holds(&self, message: &[u8], signature_der: &[u8]) -> bool {
        p256::ecdsa::Signature::from_der(signature_der)
            .is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

/// The keys that count for one channel, and how many distinct ones a release needs. `docs/formats/bundle-v1.md` §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRoots {
    channel: Name,
    threshold: u32,
    keys: Vec<RootKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    schema: String,
    channel: Name,
    threshold: u32,
    keys: Vec<KeyFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    id: String,
    name: Name,
    spki: String,
}

impl TrustRoots {
    /// Makes a root.
    ///
    /// # Errors
    /// When the threshold is 0 or above the number of keys, or a key or a name is there twice.
    pub fn new(channel: Name, threshold: u32, keys: Vec<RootKey>) -> Result<Self, FormatError> {
        let mut problems = Vec::new();
        if keys.len() > limits::KEYS_MAX {
            problems.push(problem("keys", format!("{} keys; the limit is {}", keys.len(), limits::KEYS_MAX)));
        }
        if threshold == 0 || threshold as usize > keys.len() {
            problems.push(problem("threshold", format!("{threshold} of {} keys cannot be asked for", keys.len())));
        }
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for key in &keys {
            if !ids.insert(key.id) {
                problems.push(problem(format!("keys[{}]", key.name), "the same key is there twice"));
            }
            if !names.insert(&key.name) {
                problems.push(problem(format!("keys[{}]", key.name), "its name is taken"));
            }
        }
        if problems.is_empty() {
            Ok(Self { channel, threshold, keys })
        } else {
            Err(FormatError::many("trust root", problems))
        }
    }

    /// Parses a root file.
    ///
    /// # Errors
    /// When it is over its limit, not of this schema, or breaks a rule of `new`.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        const WHAT: &str = "trust root";
        let invalid = |e: serde_json::Error| FormatError::one(WHAT, "", e.to_string());
        if bytes.len() as u64 > limits::ROOT_MAX {
            return Err(FormatError::one(
                WHAT,
                "",
                format!("it has {} bytes; the limit is {}", bytes.len(), limits::ROOT_MAX),
            ));
        }
        let probe: SchemaProbe = serde_json::from_slice(bytes).map_err(invalid)?;
        if probe.schema != ROOT_SCHEMA {
            return Err(FormatError::unknown_schema(WHAT, &probe.schema, ROOT_SCHEMA));
        }
        let file: RootFile = serde_json::from_slice(bytes).map_err(invalid)?;
        let mut keys = Vec::new();
        for entry in file.keys {
            let key = RootKey::from_pem(entry.name, &entry.spki)?;
            if key.id.to_string() != entry.id {
                return Err(FormatError::one(
                    WHAT,
                    &format!("keys[{}].id", key.name),
                    format!("the key's id is `{}`", key.id),
                ));
            }
            keys.push(key);
        }
        Self::new(file.channel, file.threshold, keys)
    }

    /// The canonical bytes of the root file.
    ///
    /// # Errors
    /// Never for a root made by `new` or `parse`; the signature keeps the door to the JSON writer honest.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        let keys = self
            .keys
            .iter()
            .map(|key| KeyFile { id: key.id.to_string(), name: key.name.clone(), spki: key.pem.clone() })
            .collect();
        let file =
            RootFile { schema: ROOT_SCHEMA.to_owned(), channel: self.channel.clone(), threshold: self.threshold, keys };
        canonical_json(&file).map_err(|e| FormatError::one("trust root", "", e.to_string()))
    }

    /// The channel whose releases it may accept.
    #[must_use]
    pub fn channel(&self) -> &Name {
        &self.channel
    }

    /// How many distinct keys must have signed.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        self.threshold
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[RootKey] {
        &self.keys
    }

    /// The key with this id.
    #[must_use]
    pub fn key(&self, id: &SignerId) -> Option<&RootKey> {
        self.keys.iter().find(|key| key.id == *id)
    }
}
