//! People, their passwords and their sessions (the control database).

use appliance_domain::people::{Session, User};
use appliance_domain::{SessionId, Timestamp, UserId};
use async_trait::async_trait;

use super::StoreResult;

/// A user with what proves them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// PHC string of the argon2id hash.
    pub password_hash: String,
    /// The account may not sign in.
    pub disabled: bool,
}

/// The control database.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// How many people there are; 0 means that the appliance was never set up.
    async fn count(&self) -> StoreResult<u64>;
    /// Adds a person. `Conflict` when the user name is taken.
    async fn create(&self, user: &User, password_hash: &str) -> StoreResult<()>;
    /// By name, for sign-in. `None` when unknown.
    async fn credentials(&self, username: &str) -> StoreResult<Option<Credentials>>;
    /// By id. `None` when unknown.
    async fn user(&self, id: UserId) -> StoreResult<Option<User>>;
    /// All people, by user name.
    async fn users(&self) -> StoreResult<Vec<User>>;
    /// Sets the password and the one-time mark, and ends all sessions of that person but `keep`, in one transaction.
    async fn set_password(
        &self,
        id: UserId,
        password_hash: &str,
        must_change: bool,
        keep: Option<SessionId>,
    ) -> StoreResult<()>;
    /// Adds a session under the SHA-256 of its secret token.
    async fn create_session(&self, session: &Session, token_digest: [u8; 32]) -> StoreResult<()>;
    /// The live session of that token with its (not disabled) user: not past `expires_at`, seen after `idle_since`.
    async fn session(
        &self,
        token_digest: [u8; 32],
        now: Timestamp,
        idle_since: Timestamp,
    ) -> StoreResult<Option<(Session, User)>>;
    /// Whether that session is still live (for media URLs).
    async fn session_is_live(&self, id: SessionId, now: Timestamp) -> StoreResult<bool>;
    /// Notes that the session was used.
    async fn touch_session(&self, id: SessionId, now: Timestamp) -> StoreResult<()>;
    /// Ends a session. Ending one that is gone is fine.
    async fn end_session(&self, id: SessionId) -> StoreResult<()>;
}
