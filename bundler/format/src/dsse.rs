//! What is signed and how it is written down: DSSE, an in-toto Statement v1, a Sigstore bundle v0.3.
//!
//! Invariants: one release has one statement, byte for byte, whoever signs it; a signature file has one form, byte for
//! byte, for its content; it holds exactly one signature and no `keyid` (stock cosign refuses others). Deliberately not
//! here: the decision whom to trust (`verify`), and private keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::trust::SignerId;
use crate::{Digest, FormatError, Release, canonical_json};

/// The DSSE payload type of in-toto.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of our statement; give it to `cosign --type`.
pub const PREDICATE_TYPE: &str = "urn:strongroom:release:v1";
/// The media type of a signature file.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// DSSE pre-authentication encoding: the bytes that a key signs. <https://github.com/secure-systems-lab/dsse>
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: String,
}

/// The payload to sign for a release: `release.json` as first subject, then every file of every component, so that any
/// of them can be checked with `cosign` alone. §5.1.
///
/// # Errors
/// When the release itself does not follow the format.
pub fn statement(release_json: &[u8]) -> Result<Vec<u8>, FormatError> {
    let release = Release::parse(release_json)?;
    statement_of(&release, release_json)
}

pub(crate) fn statement_of(release: &Release, release_json: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut subject = vec![Subject {
        name: "release.json".to_owned(),
        digest: SubjectDigest { sha256: Digest::of(release_json).hex() },
    }];
    subject.extend(
        release.files().map(|(_, file)| Subject {
            name: file.path.to_string(),
            digest: SubjectDigest { sha256: file.blob.hex() },
        }),
    );
    let statement = Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        subject,
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: serde_json::json!({
            "schema": release.schema, "product": release.product, "version": release.version, "channel": release.channel,
            "sequence": release.sequence, "epoch": release.epoch, "created": release.created, "platform": release.platform,
        }),
    };
    canonical_json(&statement).map_err(|e| FormatError::one("statement", "", e.to_string()))
}

/// The digest that a statement gives for `release.json`, its first subject.
pub(crate) fn stated_release_digest(payload: &[u8]) -> Result<Digest, String> {
    let statement: Statement = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    if statement.statement_type != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
        return Err(format!(
            "it is a statement of type {:?} about {:?}",
            statement.statement_type, statement.predicate_type
        ));
    }
    match statement.subject.first() {
        Some(first) if first.name == "release.json" => {
            Digest::parse_hex(&first.digest.sha256).map_err(|e| e.to_string())
        }
        _ => Err("its first subject is not `release.json`".to_owned()),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SigstoreBundle {
    media_type: String,
    verification_material: VerificationMaterial,
    dsse_envelope: Envelope,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerificationMaterial {
    public_key: PublicKeyHint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKeyHint {
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    sig: String,
}

/// A signature file taken apart; nothing about it is proven yet.
#[derive(Clone, Debug)]
pub(crate) struct SignatureFile {
    pub(crate) signer: SignerId,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature_der: Vec<u8>,
}

/// Writes `release.<n>.sigstore.json`: one signature (ECDSA, DER) over `pae(PAYLOAD_TYPE, payload)`. §5.2.
///
/// # Errors
/// Never for real input; kept because the JSON writer is fallible.
pub fn bundle_json(signer: &SignerId, payload: &[u8], signature_der: &[u8]) -> Result<Vec<u8>, FormatError> {
    let bundle = SigstoreBundle {
        media_type: BUNDLE_MEDIA_TYPE.to_owned(),
        verification_material: VerificationMaterial {
            public_key: PublicKeyHint { hint: STANDARD.encode(signer.digest().as_bytes()) },
        },
        dsse_envelope: Envelope {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![EnvelopeSignature { sig: STANDARD.encode(signature_der) }],
        },
    };
    canonical_json(&bundle).map_err(|e| FormatError::one("signature file", "", e.to_string()))
}

/// Takes a signature file apart; the text says what is wrong with it.
pub(crate) fn parse_bundle(bytes: &[u8]) -> Result<SignatureFile, String> {
    let bundle: SigstoreBundle = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if bundle.media_type != BUNDLE_MEDIA_TYPE {
        return Err(format!("its media type is {:?}", bundle.media_type));
    }
    if bundle.dsse_envelope.payload_type != PAYLOAD_TYPE {
        return Err(format!("its payload type is {:?}", bundle.dsse_envelope.payload_type));
    }
    let [signature] = bundle.dsse_envelope.signatures.as_slice() else {
        return Err(format!("it holds {} signatures, not one", bundle.dsse_envelope.signatures.len()));
    };
    let decode = |what: &str, text: &str| STANDARD.decode(text).map_err(|e| format!("its {what} is not base64: {e}"));
    let hint = decode("hint", &bundle.verification_material.public_key.hint)?;
    let hint: [u8; 32] = hint.try_into().map_err(|_| "its hint is not a SHA-256 digest".to_owned())?;
    let file = SignatureFile {
        signer: SignerId::from_bytes(hint),
        payload: decode("payload", &bundle.dsse_envelope.payload)?,
        signature_der: decode("signature", &signature.sig)?,
    };
    // One form only: otherwise a changed byte between two tokens would go unseen.
    match bundle_json(&file.signer, &file.payload, &file.signature_der) {
        Ok(canonical) if canonical == bytes => Ok(file),
        _ => Err("it is not in canonical form".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_that_is_signed_is_the_published_one() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
