//! Sign-in, sessions, passwords and people.

use appliance_domain::names::{DisplayName, Username};
use appliance_domain::people::{PlatformRole, Session, User};
use appliance_domain::policy::Action;
use appliance_domain::{SessionId, UserId};
use sha2::{Digest, Sha256};

use crate::ports::{Accounts, Ids, StoreError, StoreErrorKind};
use crate::{Actor, App, AppError, passwords};

/// A fresh session with its secret, which is told once and never stored.
#[derive(Clone)]
pub struct SignedIn {
    /// Who and through what.
    pub actor: Actor,
    /// The secret for the cookie.
    pub token: [u8; 32],
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A new person and the password they start with, which is told once and never stored.
#[derive(Clone)]
pub struct Invited {
    /// Who.
    pub user: User,
    /// To be changed at the first sign-in.
    pub one_time_password: String,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invited").field("user", &self.user).finish_non_exhaustive()
    }
}

fn digest(token: [u8; 32]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Gives a person a new one-time password and ends their sessions. For the host's console, which may act beside a running
/// appliance: it needs no more than people and randomness.
pub async fn reset_password(accounts: &dyn Accounts, ids: &dyn Ids, username: &str) -> Result<Invited, AppError> {
    let username = Username::parse(username)?;
    let found = accounts.credentials(username.as_str()).await?;
    let mut user = found.ok_or(AppError::NotFound { what: "user" })?.user;
    let one_time_password = passwords::one_time(ids.secret());
    let hash = passwords::hash(one_time_password.clone(), ids.secret()).await?;
    accounts.set_password(user.id, &hash, true, None).await?;
    user.must_change_password = true;
    tracing::warn!(user = %user.id, "password reset from the console");
    Ok(Invited { user, one_time_password })
}

impl App {
    /// Makes the first administrator on an appliance that has no people yet; `None` on one that has.
    pub async fn first_run(&self) -> Result<Option<Invited>, AppError> {
        if self.ports.accounts.count().await? > 0 {
            return Ok(None);
        }
        self.add_person("admin", "Administrator", PlatformRole::Admin).await.map(Some)
    }

    async fn add_person(&self, username: &str, display_name: &str, role: PlatformRole) -> Result<Invited, AppError> {
        let user = User {
            id: UserId::from_uuid(self.ports.ids.uuid()),
            username: Username::parse(username)?,
            display_name: DisplayName::parse(display_name)?,
            role,
            must_change_password: true,
            created_at: self.ports.clock.now(),
        };
        let one_time_password = passwords::one_time(self.ports.ids.secret());
        let hash = passwords::hash(one_time_password.clone(), self.ports.ids.secret()).await?;
        self.ports.accounts.create(&user, &hash).await.map_err(|error| match error.kind {
            StoreErrorKind::Conflict => AppError::Conflict {
                code: "user.name-taken",
                what: format!("there is already a person with the user name `{}`", user.username),
                remedy: "choose another user name",
            },
            _ => error.into(),
        })?;
        tracing::info!(user = %user.id, role = role.as_str(), "person added");
        Ok(Invited { user, one_time_password })
    }

    /// Signs in. Failures are counted per user name and per client address (`client`), and slow down further tries; they
    /// never lock an account for good.
    pub async fn sign_in(&self, username: &str, password: String, client: &str) -> Result<SignedIn, AppError> {
        let now = self.ports.clock.now();
        // The pair is counted, so that a stranger elsewhere cannot lock somebody out.
        let key = format!("sign-in/{client}/{}", username.trim().to_lowercase().chars().take(64).collect::<String>());
        if let Some(until) = self.ports.rate_limit.refused_until(&key, now).await? {
            return Err(AppError::too_many(until, now));
        }
        let known = match Username::parse(username) {
            Ok(name) => self.ports.accounts.credentials(name.as_str()).await?,
            Err(_) => None,
        };
        let hash = known.as_ref().map(|c| c.password_hash.clone());
        let fits = password.len() <= passwords::PASSWORD_MAX && passwords::verify(password, hash).await?;
        let Some(credentials) = known.filter(|c| fits && !c.disabled) else {
            self.ports.rate_limit.failed(&key, now).await?;
            tracing::info!("sign-in failed");
            return Err(AppError::WrongCredentials);
        };
        self.ports.rate_limit.succeeded(&key).await?;
        self.issue_session(credentials.user).await
    }

    /// Every way in ends here.
    async fn issue_session(&self, user: User) -> Result<SignedIn, AppError> {
        let now = self.ports.clock.now();
        let token = self.ports.ids.secret();
        let session = Session {
            id: SessionId::from_uuid(self.ports.ids.uuid()),
            user: user.id,
            created_at: now,
            seen_at: now,
            expires_at: now.plus_ms(self.settings.session_max_ms),
        };
        self.ports.accounts.create_session(&session, digest(token)).await?;
        tracing::info!(user = %user.id, session = %session.id, "signed in");
        Ok(SignedIn { actor: Actor { user, session }, token })
    }

    /// Who holds this token. Notes the use once a minute.
    pub async fn actor(&self, token: [u8; 32]) -> Result<Actor, AppError> {
        let now = self.ports.clock.now();
        let idle_since = now.plus_ms(-self.settings.session_idle_ms);
        let found = self.ports.accounts.session(digest(token), now, idle_since).await?;
        let (session, user) = found.ok_or(AppError::SessionRequired)?;
        if now.0 - session.seen_at.0 > 60_000 {
            self.ports.accounts.touch_session(session.id, now).await?;
        }
        Ok(Actor { user, session })
    }

    /// Ends the actor's session.
    pub async fn sign_out(&self, actor: &Actor) -> Result<(), AppError> {
        self.ports.accounts.end_session(actor.session.id).await?;
        Ok(())
    }

    /// Changes the actor's own password; their other sessions end.
    pub async fn change_password(&self, actor: &Actor, current: String, new: String) -> Result<(), AppError> {
        let now = self.ports.clock.now();
        let key = format!("password/{}", actor.user.id);
        if let Some(until) = self.ports.rate_limit.refused_until(&key, now).await? {
            return Err(AppError::too_many(until, now));
        }
        let found = self.ports.accounts.credentials(actor.user.username.as_str()).await?;
        if !passwords::verify(current.clone(), found.map(|c| c.password_hash)).await? {
            self.ports.rate_limit.failed(&key, now).await?;
            return Err(AppError::Invalid {
                code: "password.wrong",
                what: "the current password is wrong".into(),
                remedy: "enter the password that you signed in with",
            });
        }
        passwords::check_new(&new, actor.user.username.as_str())?;
        if new == current {
            return Err(AppError::WeakPassword { why: "it is the same as before" });
        }
        let hash = passwords::hash(new, self.ports.ids.secret()).await?;
        self.ports.accounts.set_password(actor.user.id, &hash, false, Some(actor.session.id)).await?;
        self.ports.rate_limit.succeeded(&key).await?;
        tracing::info!(user = %actor.user.id, "password changed");
        Ok(())
    }

    /// All people.
    pub async fn people(&self, actor: &Actor) -> Result<Vec<User>, AppError> {
        self.authorize(actor, None, Action::ManagePeople).await?;
        Ok(self.ports.accounts.users().await?)
    }

    /// Adds a person.
    pub async fn invite(
        &self,
        actor: &Actor,
        username: &str,
        display_name: &str,
        role: PlatformRole,
    ) -> Result<Invited, AppError> {
        self.authorize(actor, None, Action::ManagePeople).await?;
        self.add_person(username, display_name, role).await
    }

    /// The names behind ids, for showing who did something.
    pub async fn display_name(&self, id: UserId) -> Result<String, StoreError> {
        Ok(self.ports.accounts.user(id).await?.map_or_else(|| "(removed)".to_owned(), |u| u.display_name.to_string()))
    }
}
