//! `strongroom check`: can this executable do its work here? Asked by the installer before a release is confirmed, and
//! by people.
//!
//! Invariant: nothing is changed; databases are looked at, not opened for writing, so that the check may run beside a
//! running appliance and before a migration.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use runtime_diag::Exit;
use runtime_worker::SpeechPack;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::cli::CheckArgs;
use crate::config::Config;
use crate::error::ServerError;
use crate::layout::{Layout, Slot};
use crate::{admin, system};

struct Finding {
    name: &'static str,
    ok: bool,
    detail: String,
}

/// Runs all checks; the exit code is 60 when one fails.
pub(crate) async fn check(args: &CheckArgs) -> Result<Exit, ServerError> {
    let layout = Layout::new(&args.root.root);
    let slot = admin::slot()?;
    let config = Config::load(&layout.config())?;
    let mut findings = vec![engines(&slot).await, models(&slot), data(&layout)];
    if args.ready {
        findings.push(ready(&layout, &config, args.listen.unwrap_or(config.network.listen)));
    }
    for finding in &findings {
        let state = if finding.ok { "ok" } else { "failed" };
        if args.json {
            let line = serde_json::json!({ "check": finding.name, "ok": finding.ok, "detail": finding.detail });
            system::print(&line.to_string());
        } else {
            system::print(&format!("{:<8} {state:<7} {}", finding.name, finding.detail));
        }
    }
    Ok(if findings.iter().all(|f| f.ok) { Exit::Done } else { Exit::Unhealthy })
}

fn finding(name: &'static str, result: Result<String, String>) -> Finding {
    match result {
        Ok(detail) => Finding { name, ok: true, detail },
        Err(detail) => Finding { name, ok: false, detail },
    }
}

async fn engines(slot: &Slot) -> Finding {
    let look = async {
        let tools = runtime_media::Tools::find(slot.exe_dir()).map_err(|e| runtime_diag::one_line(&e))?;
        tools.version().await.map(str::to_owned).map_err(|e| runtime_diag::one_line(&e))
    };
    finding("media", look.await)
}

fn models(slot: &Slot) -> Finding {
    let found = match slot.models() {
        Some(folder) => SpeechPack::find(&folder).map_err(|e| runtime_diag::one_line(&e)),
        None => Ok(None),
    };
    finding(
        "speech",
        found.map(|pack| match pack {
            Some(pack) => format!("{} {}", pack.pack().id, pack.pack().version),
            None => "no speech pack; everything else works".to_owned(),
        }),
    )
}

fn data(layout: &Layout) -> Finding {
    let looked = appliance_store::inspect(&layout.data());
    finding("data", looked.map(|()| "databases can be opened".to_owned()).map_err(|e| runtime_diag::one_line(&e)))
}

/// One request to the appliance on this host. With a certificate that the site supplied only the connection is tried,
/// since its names need not include this host.
fn ready(layout: &Layout, config: &Config, listen: SocketAddr) -> Finding {
    let ask = || -> Result<String, String> {
        let said = |error: &dyn std::error::Error| error.to_string();
        let loopback = if listen.is_ipv6() { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
        let ip = if listen.ip().is_unspecified() { loopback } else { listen.ip() };
        let mut tcp = TcpStream::connect_timeout(&SocketAddr::new(ip, listen.port()), Duration::from_secs(5))
            .map_err(|e| said(&e))?;
        let limit = Some(Duration::from_secs(10));
        tcp.set_read_timeout(limit).and_then(|()| tcp.set_write_timeout(limit)).map_err(|e| said(&e))?;
        if config.tls.is_some() {
            return Ok("it listens".into());
        }
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(layout.keys().join("ca.crt")).map_err(|e| said(&e))?;
        roots.add(CertificateDer::from_pem_slice(&pem).map_err(|e| said(&e))?).map_err(|e| said(&e))?;
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| said(&e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::IpAddress(ip.into());
        let mut tls = ClientConnection::new(Arc::new(client), name).map_err(|e| said(&e))?;
        tls.complete_io(&mut tcp).map_err(|e| said(&e))?;
        let mut stream = StreamOwned::new(tls, tcp);
        stream
            .write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .map_err(|e| said(&e))?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map_err(|e| said(&e))?;
        match &answer[9..] {
            b"200" => Ok("ready".into()),
            status => Err(format!("it answers {}", String::from_utf8_lossy(status))),
        }
    };
    finding("ready", ask())
}
