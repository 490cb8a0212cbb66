//! The use cases of Strongroom and the ports they need.
//!
//! Invariants: no HTTP, no SQL, no process is started here; time, ids and randomness come from ports; a change, its
//! event and the jobs that follow commit in one call of one port.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod accounts;
pub mod edge;
pub mod error;
pub mod housekeeping;
pub mod library;
pub mod live;
pub mod passwords;
pub mod pipeline;
pub mod ports;
pub mod projects;
pub mod runner;
pub mod uploads;

use std::sync::Arc;

pub use access::{Actor, Editor, Manager, Viewer};
pub use error::AppError;
use ports::{Accounts, Catalog, Clock, Ids, Jobs, Media, Objects, RateLimit, Speech};

/// What the use cases are built from.
pub struct Ports {
    /// People and sessions.
    pub accounts: Arc<dyn Accounts>,
    /// Projects, uploads, assets.
    pub catalog: Arc<dyn Catalog>,
    /// Background work.
    pub jobs: Arc<dyn Jobs>,
    /// Bytes.
    pub objects: Arc<dyn Objects>,
    /// Pictures and sound.
    pub media: Arc<dyn Media>,
    /// Words.
    pub speech: Arc<dyn Speech>,
    /// Restraint.
    pub rate_limit: Arc<dyn RateLimit>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub ids: Arc<dyn Ids>,
}

/// Limits and spans, all in milliseconds unless named otherwise.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A session ends when it was not used for this long.
    pub session_idle_ms: i64,
    /// A session ends after this long, whatever happens.
    pub session_max_ms: i64,
    /// Media URLs live at least this long.
    pub media_url_ms: i64,
    /// Presigned part URLs live this long.
    pub part_url_ms: i64,
    /// Unfinished uploads are given up after this long.
    pub upload_max_ms: i64,
    /// Masters may not be deleted for this many days.
    pub retention_days: i64,
    /// Bytes that must stay free on the volume of the objects.
    pub reserve_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: i64 = 3_600_000;
        Self {
            session_idle_ms: 8 * HOUR,
            session_max_ms: 24 * HOUR,
            media_url_ms: 6 * HOUR,
            part_url_ms: HOUR / 4,
            upload_max_ms: 7 * 24 * HOUR,
            retention_days: 365,
            reserve_bytes: 512 << 20,
        }
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}

/// The application: every use case is a method of it (in the module of its subject).
pub struct App {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) edge: edge::EdgeKey,
    pub(crate) live: live::Live,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(ports: Ports, settings: Settings, edge: edge::EdgeKey) -> Self {
        Self { ports, settings, edge, live: live::Live::new() }
    }

    /// Progress that is shown but not kept.
    #[must_use]
    pub fn live(&self) -> &live::Live {
        &self.live
    }

    /// The ports, for adapters that read streams (`/ws`, readiness).
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.ports
    }
}
