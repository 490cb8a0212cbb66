//! From `Unverified` to `Verified`: the only road from bytes on a medium to a release that may be planned or installed.
//!
//! Invariants: signatures are checked over the bytes of `release.json` before those bytes are parsed; distinct keys are
//! counted, not files; a signature file that does not hold is refused even when the others would do; `Verified` has no
//! public constructor. Deliberately not here: sequence, epoch and the clock (the planner decides about those).
//!
//! Nothing but the verifier accepts an `Unverified`:
//!
//! ```compile_fail
//! # use bundler_format::{Unverified, Verified};
//! fn plan(release: &Verified) -> String { release.release().version.to_string() }
//! let unverified = Unverified::new(b"{}".to_vec(), vec![]);
//! plan(&unverified);
//! ```
//!
//! An `Unverified` does not show its release:
//!
//! ```compile_fail
//! # use bundler_format::Unverified;
//! Unverified::new(b"{}".to_vec(), vec![]).release();
//! ```
//!
//! A `Verified` cannot be built by hand:
//!
//! ```compile_fail
//! # use bundler_format::{Release, Verified};
//! fn forge(release: Release) -> Verified {
//!     Verified { release, release_json: vec![], signers: vec![], signatures: vec![], others: vec![] }
//! }
//! ```

use std::collections::BTreeMap;

use runtime_diag::{Diagnose, Exit};

use crate::dsse::{PAYLOAD_TYPE, SignatureFile, pae, parse_bundle, stated_release_digest, statement_of};
use crate::names::signature_number;
use crate::trust::SignerId;
use crate::{Digest, FormatError, Name, Release, TrustRoots, limits};

/// The bytes of a release and of its signature files; has bytes and nothing else.
#[derive(Clone, Debug)]
#[must_use]
pub struct Unverified {
    release_json: Vec<u8>,
    signatures: Vec<(String, Vec<u8>)>,
}

impl Unverified {
    /// `signatures` are file names with contents.
    pub fn new(release_json: Vec<u8>, mut signatures: Vec<(String, Vec<u8>)>) -> Self {
        signatures.sort_by_key(|(name, _)| (signature_number(name), name.clone()));
        Self { release_json, signatures }
    }

    /// For a person who looks before trusting (`inspect`): parses without any proof. Never install from this.
    ///
    /// # Errors
    /// When the manifest does not follow the format.
    pub fn danger_look_without_proof(&self) -> Result<Release, FormatError> {
        Release::parse(&self.release_json)
    }

    /// The ids that the signature files claim, unproven, for `inspect`.
    #[must_use]
    pub fn claimed_signers(&self) -> Vec<(String, Option<SignerId>)> {
        self.signatures.iter().map(|(file, bytes)| (file.clone(), parse_bundle(bytes).ok().map(|s| s.signer))).collect()
    }
}

/// A release whose signatures met the threshold of a trust root.
#[derive(Clone, Debug)]
pub struct Verified {
    release: Release,
    release_json: Vec<u8>,
    signers: Vec<SignerId>,
    signatures: Vec<(String, Vec<u8>)>,
    /// Signature files by keys that the trust root does not know: not counted, not yet checked.
    others: Vec<(String, SignatureFile)>,
}

impl Verified {
    /// The release.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The very bytes that were signed.
    #[must_use]
    pub fn release_bytes(&self) -> &[u8] {
        &self.release_json
    }

    /// SHA-256 of `release.json`: the identity of the release.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.release_json)
    }

    /// The trusted keys that signed, each once.
    #[must_use]
    pub fn signers(&self) -> &[SignerId] {
        &self.signers
    }

    /// All signature files, name and content, to be kept beside the release.
    #[must_use]
    pub fn signatures(&self) -> &[(String, Vec<u8>)] {
        &self.signatures
    }

    /// Signature files by keys that the trust root does not know (as while keys are being replaced), with their claims.
    #[must_use]
    pub fn unknown_signers(&self) -> Vec<(String, SignerId)> {
        self.others.iter().map(|(file, signature)| (file.clone(), signature.signer)).collect()
    }

    /// Checks the files of `unknown_signers` against the root that the bundle itself carries. They still do not count;
    /// but a damaged one is not passed over. §5.4.
    ///
    /// # Errors
    /// When one is by a key that this root does not hold either, or does not hold.
    pub fn check_unknown_signers(&self, carried: &TrustRoots) -> Result<(), VerifyError> {
        for (file, signature) in &self.others {
            let Some(key) = carried.key(&signature.signer) else {
                return Err(VerifyError::StrangeSignature { file: file.clone(), signer: signature.signer });
            };
            if !key.holds(&pae(PAYLOAD_TYPE, &signature.payload), &signature.signature_der) {
                return Err(VerifyError::BrokenSignature { file: file.clone(), signer: signature.signer });
            }
        }
        Ok(())
    }
}

/// A refusal: gives the bundle back with the reason.
#[derive(Debug)]
pub struct Refused(Box<(Unverified, VerifyError)>);

impl Refused {
    /// Why.
    #[must_use]
    pub fn error(&self) -> &VerifyError {
        &self.0.1
    }

    /// The bundle and the reason.
    pub fn into_parts(self) -> (Unverified, VerifyError) {
        *self.0
    }
}

impl From<Refused> for VerifyError {
    fn from(refused: Refused) -> Self {
        refused.0.1
    }
}

/// Why a bundle is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no signature file at all.
    #[error("the release has no signature file `release.<n>.sigstore.json`")]
    NoSignature,
    /// More signature files than the limit.
    #[error("the release has {count} signature files; the limit is {}", limits::SIGNATURES_MAX)]
    TooManySignatures {
        /// How many.
        count: usize,
    },
    /// A signature file that cannot be read as one.
    #[error("`{file}` is not a signature file of this format: {problem}")]
    MalformedSignature {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A signature by a known key that does not hold.
    #[error("the signature in `{file}` by signing key `{signer}` does not hold")]
    BrokenSignature {
        /// The file.
        file: String,
        /// The key it claims.
        signer: SignerId,
    },
    /// A signature by a key that neither the trust root nor the bundle's own root knows.
    #[error(
        "`{file}` is signed by signing key `{signer}`, which neither the trust root nor the bundle's own `trust/root.json` knows"
    )]
    StrangeSignature {
        /// The file.
        file: String,
        /// The key it claims.
        signer: SignerId,
    },
    /// The signature holds, but for other bytes.
    #[error("`{file}` signs another `release.json`: signed `{stated}`, on the medium `{found}`")]
    OtherRelease {
        /// The file.
        file: String,
        /// The digest that was signed.
        stated: Digest,
        /// The digest of the bytes here.
        found: Digest,
    },
    /// The signed statement is not the one that follows from `release.json`.
    #[error("the statement in `{file}` is not the one of this release: {problem}")]
    OtherStatement {
        /// The file.
        file: String,
        /// What differs.
        problem: String,
    },
    /// No trusted key has signed.
    #[error("no trusted signing key has signed the release: signed by {}, trusted: {}", list(.claimed), list(.trusted))]
    UnknownSigner {
        /// The files, with the keys that they claim.
        claimed: Vec<String>,
        /// The keys of the trust root.
        trusted: Vec<String>,
    },
    /// Too few distinct trusted signing keys have signed.
    #[error("{} distinct trusted signing keys have signed the release, {needed} are needed: signed by {}{}{}", .signed.len(), list(.signed), aside(.repeated, "repeat a signing key"), aside(.unknown, "are by signing keys that are not trusted"))]
    BelowThreshold {
        /// Distinct trusted keys needed.
        needed: u32,
        /// Those that signed.
        signed: Vec<String>,
        /// Files by a key that another file had used already.
        repeated: Vec<String>,
        /// Files by keys that the trust root does not hold.
        unknown: Vec<String>,
    },
    /// The release is for another channel than the trust root.
    #[error("the release is for channel `{release}`, the trust root for `{root}`")]
    OtherChannel {
        /// Of the release.
        release: Name,
        /// Of the trust root.
        root: Name,
    },
    /// Signed, but not of this format.
    #[error("the signed manifest cannot be used")]
    Manifest(#[source] FormatError),
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
    }
}

fn aside(files: &[String], why: &str) -> String {
    if files.is_empty() { String::new() } else { format!("; {} {why} and do not count", list(files)) }
}

impl Diagnose for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSignature => "trust.no-signature",
            Self::TooManySignatures { .. } => "trust.too-many-signatures",
            Self::MalformedSignature { .. } => "trust.malformed-signature",
            Self::BrokenSignature { .. } => "trust.broken-signature",
            Self::StrangeSignature { .. } => "trust.strange-signature",
            Self::OtherRelease { .. } => "trust.other-release",
            Self::OtherStatement { .. } => "trust.other-statement",
            Self::UnknownSigner { .. } => "trust.unknown-signer",
            Self::BelowThreshold { .. } => "trust.below-threshold",
            Self::OtherChannel { .. } => "trust.other-channel",
            Self::Manifest(error) => error.code(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoSignature => "copy the whole folder again, or ask the vendor for the signature files".to_owned(),
            Self::TooManySignatures { .. } => "keep only the signature files that the vendor made".to_owned(),
            Self::MalformedSignature { file, .. } | Self::BrokenSignature { file, .. } => {
                format!("copy `{file}` again from where the bundle was made; do not install if it stays so")
            }
            Self::StrangeSignature { file, .. } => format!("ask the vendor who made `{file}`; remove it if nobody knows"),
            Self::OtherRelease { .. } => "copy the whole folder again; do not install if it stays so".to_owned(),
            Self::OtherStatement { .. } => "ask the vendor for signatures made with the bundler of this release".to_owned(),
            Self::UnknownSigner { .. } => {
                "get the bundle from the vendor whose keys this host trusts, or have the new trust root confirmed by the vendor".to_owned()
            }
            Self::BelowThreshold { .. } => "ask the vendor for the missing signatures; each comes as one small file beside `release.json`".to_owned(),
            Self::OtherChannel { root, .. } => format!("use a bundle of channel `{root}`"),
            Self::Manifest(error) => error.remedy(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoSignature
            | Self::TooManySignatures { .. }
            | Self::MalformedSignature { .. }
            | Self::BrokenSignature { .. }
            | Self::StrangeSignature { .. }
            | Self::OtherRelease { .. }
            | Self::OtherStatement { .. }
            | Self::UnknownSigner { .. }
            | Self::BelowThreshold { .. }
            | Self::OtherChannel { .. } => Exit::Untrusted,
            Self::Manifest(error) => error.exit(),
        }
    }
}

impl TrustRoots {
    /// Checks signatures first, then parses. `docs/formats/bundle-v1.md` §8, steps 1 to 4.
    ///
    /// # Errors
    /// Gives the bundle back with the reason.
    pub fn verify(&self, bundle: Unverified) -> Result<Verified, Refused> {
        match self.judge(&bundle) {
            Ok((release, signers, others)) => {
                let Unverified { release_json, signatures } = bundle;
                Ok(Verified { release, release_json, signers, signatures, others })
            }
            Err(error) => Err(Refused(Box::new((bundle, error)))),
        }
    }

    #[allow(clippy::type_complexity, reason = "the parts of `Verified`, joined one line above")]
    fn judge(
        &self,
        bundle: &Unverified,
    ) -> Result<(Release, Vec<SignerId>, Vec<(String, SignatureFile)>), VerifyError> {
        if bundle.signatures.is_empty() {
            return Err(VerifyError::NoSignature);
        }
        if bundle.signatures.len() > limits::SIGNATURES_MAX {
            return Err(VerifyError::TooManySignatures { count: bundle.signatures.len() });
        }
        let found = Digest::of(&bundle.release_json);
        let mut signed: BTreeMap<SignerId, String> = BTreeMap::new();
        let (mut payloads, mut repeated, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (file, bytes) in &bundle.signatures {
            let malformed = |problem: String| VerifyError::MalformedSignature { file: file.clone(), problem };
            if bytes.len() as u64 > limits::SIGNATURE_MAX {
                return Err(malformed(format!("it has {} bytes; the limit is {}", bytes.len(), limits::SIGNATURE_MAX)));
            }
            let signature = parse_bundle(bytes).map_err(malformed)?;
            let Some(key) = self.key(&signature.signer) else {
                others.push((file.clone(), signature));
                continue;
            };
            if !key.holds(&pae(PAYLOAD_TYPE, &signature.payload), &signature.signature_der) {
                return Err(VerifyError::BrokenSignature { file: file.clone(), signer: signature.signer });
            }
            let stated = stated_release_digest(&signature.payload)
                .map_err(|problem| VerifyError::OtherStatement { file: file.clone(), problem })?;
            if stated != found {
                return Err(VerifyError::OtherRelease { file: file.clone(), stated, found });
            }
            payloads.push((file.clone(), signature.payload));
            if signed.insert(signature.signer, file.clone()).is_some() {
                repeated.push(file.clone());
            }
        }
        self.count(&signed, repeated, &others)?;

        // Only now are the bytes of the manifest parsed.
        let release = Release::parse(&bundle.release_json).map_err(VerifyError::Manifest)?;
        if release.channel != *self.channel() {
            return Err(VerifyError::OtherChannel { release: release.channel, root: self.channel().clone() });
        }
        let expected = statement_of(&release, &bundle.release_json).map_err(VerifyError::Manifest)?;
        payloads.extend(others.iter().map(|(file, signature)| (file.clone(), signature.payload.clone())));
        for (file, payload) in payloads {
            if payload != expected {
                let problem = format!("`{}` in place of `{}`", Digest::of(&payload), Digest::of(&expected));
                return Err(VerifyError::OtherStatement { file, problem });
            }
        }
        Ok((release, signed.into_keys().collect(), others))
    }

    fn count(
        &self,
        signed: &BTreeMap<SignerId, String>,
        repeated: Vec<String>,
        others: &[(String, SignatureFile)],
    ) -> Result<(), VerifyError> {
        if signed.is_empty() {
            let claimed = others.iter().map(|(file, signature)| format!("{file} by {}", signature.signer)).collect();
            return Err(VerifyError::UnknownSigner {
                claimed,
                trusted: self.keys().iter().map(|key| key.id().to_string()).collect(),
            });
        }
        if signed.len() < self.threshold() as usize {
            let signed = signed.keys().map(SignerId::to_string).collect();
            return Err(VerifyError::BelowThreshold {
                needed: self.threshold(),
                signed,
                repeated,
                unknown: others.iter().map(|(file, _)| file.clone()).collect(),
            });
        }
        Ok(())
    }
}
