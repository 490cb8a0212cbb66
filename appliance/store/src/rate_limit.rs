//! Counts failures under names and tells how long the next try has to wait. On sled: what is here may be lost.
//!
//! Invariants: five failures are free, then the wait doubles from two seconds up to 15 minutes; an hour without failures
//! forgets; names are kept as digests, and there is a limit to how many; a store that cannot be opened is made anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use appliance_app::ports::{RateLimit, StoreError, StoreErrorKind, StoreResult};
use appliance_domain::Timestamp;
use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::OpenError;

const FREE: u32 = 5;
const WAIT_MAX_MS: i64 = 15 * 60_000;
const FORGOTTEN_AFTER_MS: i64 = 60 * 60_000;
const ENTRIES_MAX: usize = 100_000;
/// Failures noted between two prunings.
const PRUNE_EVERY: u64 = 1_000;
const MEMORY: u64 = 8 << 20;

/// Failures under names, on sled.
#[derive(Clone, Debug)]
pub struct SledRateLimit {
    db: sled::Db,
    noted: std::sync::Arc<AtomicU64>,
}

/// How often, and when last: 12 bytes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    failures: u32,
    last: Timestamp,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (failures, last) = bytes.split_at_checked(4)?;
        let failures = u32::from_be_bytes(failures.try_into().ok()?);
        Some(Self { failures, last: Timestamp(i64::from_be_bytes(last.try_into().ok()?)) })
    }

    fn bytes(self) -> Vec<u8> {
        [self.failures.to_be_bytes().as_slice(), &self.last.0.to_be_bytes()].concat()
    }

    fn forgotten(self, now: Timestamp) -> bool {
        now.0.saturating_sub(self.last.0) >= FORGOTTEN_AFTER_MS
    }

    /// The end of the wait, if it lies after `now`. Never further than the longest wait, whatever the clock did.
    fn until(self, now: Timestamp) -> Option<Timestamp> {
        let doublings = self.failures.checked_sub(FREE).filter(|doublings| *doublings > 0)?;
        let wait = 1000_i64.checked_shl(doublings.min(20)).unwrap_or(WAIT_MAX_MS).min(WAIT_MAX_MS);
        let until = self.last.plus_ms(wait).min(now.plus_ms(WAIT_MAX_MS));
        (until > now).then_some(until)
    }
}

impl SledRateLimit {
    /// Opens the store in the folder `path`. One that does not open is deleted and made anew.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let db = match try_open(path) {
            Ok(db) => db,
            Err(error) => {
                tracing::warn!(error = %error, "the cache does not open and is made anew");
                let cleared = match fs::symlink_metadata(path) {
                    Ok(found) if found.is_dir() => fs::remove_dir_all(path),
                    Ok(_) => fs::remove_file(path),
                    Err(_) => Ok(()),
                };
                cleared.map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
                try_open(path).map_err(|source| OpenError::Cache { path: path.to_owned(), source })?
            }
        };
        Ok(Self { db, noted: std::sync::Arc::default() })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> sled::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
            StoreError::caused(StoreErrorKind::Internal, "cannot use the cache", e)
        };
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.map_err(|e| failed(e.into()))?.map_err(|e| failed(e.into()))
    }

    /// Drops what is forgotten; above the limit also what is oldest, so that a flood of names cannot fill the disk.
    fn prune(&self, now: Timestamp) -> sled::Result<()> {
        let mut kept = Vec::new();
        for row in self.db.iter() {
            let (name, bytes) = row?;
            match Entry::read(&bytes).filter(|entry| !entry.forgotten(now)) {
                Some(entry) => kept.push((entry.last, name)),
                None => {
                    self.db.remove(name)?;
                }
            }
        }
        kept.sort_unstable();
        for (_, name) in kept.iter().take(kept.len().saturating_sub(ENTRIES_MAX)) {
            self.db.remove(name)?;
        }
        Ok(())
    }
}

/// sled panics on some kinds of damage; here that is one more way of not opening.
fn try_open(path: &Path) -> sled::Result<sled::Db> {
    let open = |path: PathBuf| sled::Config::new().path(path).cache_capacity(MEMORY).open();
    let mut tries = 0;
    loop {
        let opened = catch_unwind(AssertUnwindSafe(|| open(path.to_owned())))
            .unwrap_or_else(|_| Err(sled::Error::Io(io::Error::other("the cache is damaged"))));
        match opened {
            // A handle of this very process that is just being closed: its lock is gone in a moment.
            Err(sled::Error::Io(e)) if e.to_string().contains("lock") && tries < 40 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            opened => return opened,
        }
    }
}

fn name(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[async_trait]
impl RateLimit for SledRateLimit {
    async fn failed(&self, key: &str, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        let name = name(key);
        self.run(move |this| {
            if this.noted.fetch_add(1, Ordering::Relaxed) % PRUNE_EVERY == 0 {
                this.prune(now)?;
            }
            let bytes = this.db.update_and_fetch(name, |bytes| {
                let earlier = bytes.and_then(Entry::read).filter(|entry| !entry.forgotten(now));
                let failures = earlier.map_or(0, |entry| entry.failures).saturating_add(1);
                Some(Entry { failures, last: now }.bytes())
            })?;
            Ok(bytes.and_then(|bytes| Entry::read(&bytes)?.until(now)))
        })
        .await
    }

    async fn refused_until(&self, key: &str, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        let name = name(key);
        self.run(move |this| Ok(this.db.get(name)?.and_then(|bytes| Entry::read(&bytes)?.until(now)))).await
    }

    async fn succeeded(&self, key: &str) -> StoreResult<()> {
        let name = name(key);
        self.run(move |this| this.db.remove(name).map(|_| ())).await
    }
}
