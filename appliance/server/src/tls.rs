//! The certificate: one that the site supplies, or one by the appliance's own certificate authority.
//!
//! Invariants: the authority is made once and its key never leaves `keys/`; the leaf is made anew at each start and
//! each day, for the names of the configuration and this machine, so that it never runs out while the appliance runs.
//! Lifetimes: authority ten years, leaf 397 days (the most that browsers take); both begin two days ago, since clocks
//! of isolated networks disagree.

use std::path::Path;
use std::sync::Arc;

use appliance_domain::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::error::ServerError;
use crate::secrets::write_private;

/// What the listener needs and what people are told.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The appliance's own authority; `None` where the site supplies the certificate.
    pub(crate) authority: Option<Authority>,
}

/// The certificate of the appliance's own authority.
pub(crate) struct Authority {
    pub(crate) pem: String,
    /// SHA-256 of its DER, as browsers show it.
    pub(crate) fingerprint: String,
}

fn bad(what: impl ToString) -> ServerError {
    ServerError::Certificate { what: what.to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(|source| ServerError::File { path: path.to_owned(), source })
}

/// Reads or makes the certificate.
pub(crate) fn identity(config: &Config, keys: &Path, now: Timestamp) -> Result<Identity, ServerError> {
    if let Some(tls) = &config.tls {
        let config = server_config(&read(&tls.certificate)?, &read(&tls.private_key)?)?;
        return Ok(Identity { config, authority: None });
    }
    let (issuer, pem) = authority(keys, now)?;
    let leaf = leaf(config, &issuer, now)?;
    let fingerprint = fingerprint(&pem)?;
    let chain = format!("{}{pem}", leaf.0);
    let config = server_config(chain.as_bytes(), leaf.1.as_bytes())?;
    Ok(Identity { config, authority: Some(Authority { pem, fingerprint }) })
}

fn server_config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, ServerError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(bad)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(bad)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(bad)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn authority(keys: &Path, now: Timestamp) -> Result<(Issuer<'static, KeyPair>, String), ServerError> {
    let (certificate, key) = (keys.join("ca.crt"), keys.join("ca.key"));
    if !certificate.exists() {
        let pair = KeyPair::generate().map_err(bad)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(bad)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::OrganizationName, "Strongroom");
        params.distinguished_name.push(DnType::CommonName, format!("Strongroom authority of {}", host_name()));
        params.not_before = day(now.plus_days(-2));
        params.not_after = day(now.plus_days(3653));
        let made = params.self_signed(&pair).map_err(bad)?;
        // The key first: a certificate without its key would be taken for an authority.
        let write = |path: &Path, text: &str| {
            write_private(path, text.as_bytes()).map_err(|source| ServerError::File { path: path.to_owned(), source })
        };
        write(&key, &pair.serialize_pem())?;
        write(&certificate, &made.pem())?;
    }
    let text = |path: &Path| String::from_utf8(read(path)?).map_err(bad);
    let pem = text(&certificate)?;
    let pair = KeyPair::from_pem(&text(&key)?).map_err(bad)?;
    Ok((Issuer::from_ca_cert_pem(&pem, pair).map_err(bad)?, pem))
}

/// Certificate and key of the leaf, PEM.
fn leaf(config: &Config, issuer: &Issuer<'static, KeyPair>, now: Timestamp) -> Result<(String, String), ServerError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), host_name()];
    if !config.network.listen.ip().is_unspecified() {
        names.push(config.network.listen.ip().to_string());
    }
    names.extend(config.network.host_names.iter().cloned());
    names.sort();
    names.dedup();
    let pair = KeyPair::generate().map_err(bad)?;
    let mut params = CertificateParams::new(names).map_err(bad)?;
    params.distinguished_name.push(DnType::CommonName, host_name());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = day(now.plus_days(-2));
    params.not_after = day(now.plus_days(395));
    let made = params.signed_by(&pair, issuer).map_err(bad)?;
    Ok((made.pem(), pair.serialize_pem()))
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if plain { name } else { "strongroom".into() }
}

fn day(at: Timestamp) -> time::OffsetDateTime {
    // A clock outside the years that certificates can name is taken for their first day.
    time::OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn fingerprint(pem: &str) -> Result<String, ServerError> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(bad)?;
    let digest = Sha256::digest(der.as_ref());
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_made_once_and_the_leaf_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp(1_800_000_000_000);
        let first = identity(&Config::default(), folder.path(), now).unwrap().authority.unwrap();
        let second = identity(&Config::default(), folder.path(), now).unwrap().authority.unwrap();
        assert_eq!(first.pem, second.pem);
        assert_eq!(first.fingerprint.len(), 95);
        let mut seen = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        seen.sort();
        assert_eq!(seen, ["ca.crt", "ca.key"]);
    }

    #[test]
    fn a_supplied_certificate_is_used_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp(1_800_000_000_000);
        let (issuer, _) = authority(folder.path(), now).unwrap();
        let (certificate, key) = leaf(&Config::default(), &issuer, now).unwrap();
        let paths = [folder.path().join("site.crt"), folder.path().join("site.key")];
        std::fs::write(&paths[0], certificate).unwrap();
        std::fs::write(&paths[1], key).unwrap();
        let [certificate, private_key] = paths.clone();
        let config = Config { tls: Some(crate::config::Tls { certificate, private_key }), ..Config::default() };
        assert!(identity(&config, folder.path(), now).unwrap().authority.is_none());
        std::fs::write(&paths[1], "not a key").unwrap();
        assert!(matches!(identity(&config, folder.path(), now), Err(ServerError::Certificate { .. })));
    }
}
