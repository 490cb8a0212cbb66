//! Time, chance and restraint.

use appliance_domain::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// The clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness: ids that sort by time, and secrets.
pub trait Ids: Send + Sync {
    /// A fresh UUID, version 7.
    fn uuid(&self) -> uuid::Uuid;
    /// 32 random bytes from the operating system.
    fn secret(&self) -> [u8; 32];
}

/// Counts what a caller may do only so often (kept in a cache that may be lost).
#[async_trait]
pub trait RateLimit: Send + Sync {
    /// Notes one failure under `key` and returns the time before which the next try is refused, if any.
    async fn failed(&self, key: &str, now: Timestamp) -> StoreResult<Option<Timestamp>>;
    /// The time before which a try under `key` is refused, if it lies after `now`.
    async fn refused_until(&self, key: &str, now: Timestamp) -> StoreResult<Option<Timestamp>>;
    /// Forgets the failures under `key`.
    async fn succeeded(&self, key: &str) -> StoreResult<()>;
}
