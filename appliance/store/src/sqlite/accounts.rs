//! People, their passwords and their sessions: the control database.
//!
//! Invariant: the secret token of a session is never stored, only its SHA-256.

use std::path::Path;

use appliance_app::ports::accounts::{Accounts, Credentials};
use appliance_app::ports::{StoreErrorKind, StoreResult};
use appliance_domain::names::{DisplayName, Username};
use appliance_domain::people::{PlatformRole, Session, User};
use appliance_domain::{SessionId, Timestamp, UserId};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

use crate::OpenError;
use crate::sqlite::columns::{count, id, parsed, time, word};
use crate::sqlite::db::{Database, refuse};
use crate::sqlite::schema::CONTROL;

/// The control database, on SQLite. It may be opened beside a running appliance (by the command line).
#[derive(Debug)]
pub struct SqliteAccounts {
    db: Database,
}

impl SqliteAccounts {
    /// Opens or makes the database file; its folder must exist.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { db: Database::open(path, &CONTROL, |_| Ok(0))? })
    }
}

const USER: &str = "id, username, display_name, role, must_change_password, created_at";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: id(row, "id")?,
        username: parsed(row, "username", Username::parse)?,
        display_name: parsed(row, "display_name", DisplayName::parse)?,
        role: word(row, "role", PlatformRole::from_word)?,
        must_change_password: row.get("must_change_password")?,
        created_at: time(row, "created_at")?,
    })
}

#[async_trait]
impl Accounts for SqliteAccounts {
    async fn count(&self) -> StoreResult<u64> {
        let act = "count the people";
        self.db.read(act, |db| Ok(db.query_row("SELECT count(*) AS n FROM users", [], |row| count(row, "n"))?)).await
    }

    async fn create(&self, user: &User, password_hash: &str) -> StoreResult<()> {
        let (user, hash) = (user.clone(), password_hash.to_owned());
        let act = "add the person";
        self.db
            .write(act, move |tx| {
                let taken = "SELECT 1 FROM users WHERE username = ?1";
                if tx.prepare_cached(taken)?.exists(params![user.username.as_str()])? {
                    let what = format!("the user name `{}` is taken", user.username);
                    return Err(refuse(StoreErrorKind::Conflict, what));
                }
                let sql = "INSERT INTO users
                    (id, username, display_name, role, password_hash, must_change_password, created_at)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                tx.prepare_cached(sql)?.execute(params![
                    user.id.to_string(),
                    user.username.as_str(),
                    user.display_name.as_str(),
                    user.role.as_str(),
                    hash,
                    user.must_change_password,
                    user.created_at.0,
                ])?;
                Ok(())
            })
            .await
    }

    async fn credentials(&self, username: &str) -> StoreResult<Option<Credentials>> {
        let username = username.to_owned();
        self.db
            .read("read the account", move |db| {
                let sql = format!("SELECT {USER}, password_hash, disabled FROM users WHERE username = ?1");
                let read = |row: &Row<'_>| {
                    Ok(Credentials {
                        user: user(row)?,
                        password_hash: row.get("password_hash")?,
                        disabled: row.get("disabled")?,
                    })
                };
                Ok(db.prepare_cached(&sql)?.query_row([username], read).optional()?)
            })
            .await
    }

    async fn user(&self, id: UserId) -> StoreResult<Option<User>> {
        self.db
            .read("read the account", move |db| {
                let sql = format!("SELECT {USER} FROM users WHERE id = ?1");
                Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], user).optional()?)
            })
            .await
    }

    async fn users(&self) -> StoreResult<Vec<User>> {
        self.db
            .read("list the people", |db| {
                let mut statement = db.prepare_cached(&format!("SELECT {USER} FROM users ORDER BY username"))?;
                let users = statement.query_map([], user)?.collect::<Result<_, _>>()?;
                Ok(users)
            })
            .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: &str,
        must_change: bool,
        keep: Option<SessionId>,
    ) -> StoreResult<()> {
        let hash = password_hash.to_owned();
        self.db
            .write("set the password", move |tx| {
                let sql = "UPDATE users SET password_hash = ?2, must_change_password = ?3 WHERE id = ?1";
                if tx.prepare_cached(sql)?.execute(params![id.to_string(), hash, must_change])? == 0 {
                    return Err(refuse(StoreErrorKind::NotFound, format!("there is no person `{id}`")));
                }
                let sql = "DELETE FROM sessions WHERE user = ?1 AND id IS NOT ?2";
                tx.prepare_cached(sql)?.execute(params![id.to_string(), keep.map(|keep| keep.to_string())])?;
                Ok(())
            })
            .await
    }

    async fn create_session(&self, session: &Session, token_digest: [u8; 32]) -> StoreResult<()> {
        let session = session.clone();
        self.db
            .write("start the session", move |tx| {
                // Each start sweeps what has ended, so that the table stays as small as what is in use.
                tx.prepare_cached("DELETE FROM sessions WHERE expires_at <= ?1")?.execute([session.created_at.0])?;
                let sql = "INSERT INTO sessions (id, token_digest, user, created_at, seen_at, expires_at)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                tx.prepare_cached(sql)?.execute(params![
                    session.id.to_string(),
                    token_digest,
                    session.user.to_string(),
                    session.created_at.0,
                    session.seen_at.0,
                    session.expires_at.0,
                ])?;
                Ok(())
            })
            .await
    }

    async fn session(
        &self,
        token_digest: [u8; 32],
        now: Timestamp,
        idle_since: Timestamp,
    ) -> StoreResult<Option<(Session, User)>> {
        self.db
            .read("read the session", move |db| {
                let sql = "SELECT u.id AS id, u.username AS username, u.display_name AS display_name, u.role AS role,
                        u.must_change_password AS must_change_password, u.created_at AS created_at,
                        s.id AS session, s.created_at AS began_at, s.seen_at AS seen_at, s.expires_at AS expires_at
                    FROM sessions s JOIN users u ON u.id = s.user
                    WHERE s.token_digest = ?1 AND s.expires_at > ?2 AND s.seen_at > ?3 AND u.disabled = 0";
                let read = |row: &Row<'_>| {
                    let session = Session {
                        id: id(row, "session")?,
                        user: id(row, "id")?,
                        created_at: time(row, "began_at")?,
                        seen_at: time(row, "seen_at")?,
                        expires_at: time(row, "expires_at")?,
                    };
                    Ok((session, user(row)?))
                };
                let found = db.prepare_cached(sql)?.query_row(params![token_digest, now.0, idle_since.0], read);
                Ok(found.optional()?)
            })
            .await
    }

    async fn session_is_live(&self, id: SessionId, now: Timestamp) -> StoreResult<bool> {
        self.db
            .read("read the session", move |db| {
                let sql = "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user
                    WHERE s.id = ?1 AND s.expires_at > ?2 AND u.disabled = 0";
                Ok(db.prepare_cached(sql)?.exists(params![id.to_string(), now.0])?)
            })
            .await
    }

    async fn touch_session(&self, id: SessionId, now: Timestamp) -> StoreResult<()> {
        self.db
            .write("note the use of the session", move |tx| {
                let sql = "UPDATE sessions SET seen_at = max(seen_at, ?2) WHERE id = ?1";
                tx.prepare_cached(sql)?.execute(params![id.to_string(), now.0])?;
                Ok(())
            })
            .await
    }

    async fn end_session(&self, id: SessionId) -> StoreResult<()> {
        self.db
            .write("end the session", move |tx| {
                tx.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([id.to_string()])?;
                Ok(())
            })
            .await
    }
}
