//! The real clock, randomness, standard output and log.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use appliance_app::ports::{Clock, Ids};
use appliance_domain::Timestamp;
use tracing_subscriber::EnvFilter;

/// The system's clock, which never runs backwards within one process.
#[derive(Debug, Default)]
pub(crate) struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

/// Ids and secrets from the operating system's randomness.
#[derive(Debug)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::now_v7()
    }

    fn secret(&self) -> [u8; 32] {
        random()
    }
}

/// 32 random bytes. Without randomness nothing here is safe, so there is no way on.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    if getrandom::fill(&mut bytes).is_err() {
        eprintln!(
            "error[system.random]: the operating system gives no randomness\n  remedy: start it after /dev/urandom is ready"
        );
        std::process::exit(i32::from(runtime_diag::Exit::Failure.code()));
    }
    bytes
}

/// Data for people and programs goes to standard output. One that is closed is no reason to stop.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The log goes to standard error; `STRONGROOM_LOG` filters it as `RUST_LOG` would.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("STRONGROOM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sled=warn,h2=warn,hyper=warn,rustls=warn,whisper_rs=warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
