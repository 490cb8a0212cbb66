//! `appliance.toml`. Flags win over the environment, the environment over the file, the file over the defaults; a name
//! that is not known is a mistake.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::ServerError;

/// Largest configuration file.
const CONFIG_MAX: u64 = 1 << 20;

/// The file as a whole. Every part may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) network: Network,
    pub(crate) tls: Option<Tls>,
    pub(crate) storage: Storage,
    pub(crate) worker: Worker,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Network {
    pub(crate) listen: SocketAddr,
    /// Names and addresses by which browsers reach the appliance; they go into its certificate.
    pub(crate) host_names: Vec<String>,
}

impl Default for Network {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 8443)), host_names: Vec::new() }
    }
}

/// A certificate supplied by the site, instead of one by the appliance's own authority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM, the leaf first.
    pub(crate) certificate: PathBuf,
    /// PEM, PKCS#8.
    pub(crate) private_key: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Storage {
    /// Masters may not be deleted for this many days.
    pub(crate) retention_days: u32,
    /// Bytes that must stay free.
    pub(crate) reserve_bytes: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self { retention_days: 365, reserve_bytes: 512 << 20 }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Worker {
    /// Processor cores for jobs; all of the machine's when left out.
    pub(crate) cores: Option<u32>,
}

impl Config {
    /// Reads the file; one that does not exist is the defaults.
    pub(crate) fn load(path: &Path) -> Result<Self, ServerError> {
        let file = |source| ServerError::File { path: path.to_owned(), source };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(file(error)),
            Ok(meta) if meta.len() > CONFIG_MAX => {
                return Err(file(std::io::Error::other("larger than 1 MiB")));
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        toml::from_str(&text).map_err(|source| ServerError::Config { path: path.to_owned(), source: Box::new(source) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_a_mistake() {
        assert!(toml::from_str::<Config>("[network]\nlisten = \"127.0.0.1:1\"").is_ok());
        let error = toml::from_str::<Config>("[network]\nlissten = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.to_string().contains("lissten"));
    }
}
