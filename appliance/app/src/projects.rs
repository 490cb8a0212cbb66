//! Projects and who belongs to them.

use appliance_domain::names::{ProjectName, Username};
use appliance_domain::people::{Project, ProjectRole, User};
use appliance_domain::policy::Action;
use appliance_domain::{ProjectId, UserId};

use crate::ports::catalog::ProjectEntry;
use crate::ports::{StoreError, StoreErrorKind};
use crate::{Actor, App, AppError, Manager, Viewer};

/// A change of members is in conflict only where it would leave the project without an owner.
fn last_owner(error: StoreError) -> AppError {
    match error.kind {
        StoreErrorKind::Conflict => AppError::Conflict {
            code: "member.last-owner",
            what: "a project needs an owner, and this is its last one".into(),
            remedy: "make somebody else an owner first",
        },
        StoreErrorKind::NotFound => AppError::NotFound { what: "member" },
        _ => error.into(),
    }
}

impl App {
    /// The actor's projects, last changed first.
    pub async fn projects(&self, actor: &Actor) -> Result<Vec<ProjectEntry>, AppError> {
        self.authorize(actor, None, Action::UseAccount).await?;
        if actor.user.must_change_password {
            return Err(AppError::ChangePasswordFirst);
        }
        Ok(self.ports.catalog.projects_of(actor.user.id).await?)
    }

    /// One project.
    pub async fn project(&self, viewer: &Viewer) -> Result<ProjectEntry, AppError> {
        let found = self.ports.catalog.project_of(viewer.actor.user.id, viewer.project).await?;
        found.ok_or(AppError::NotFound { what: "project" })
    }

    /// Makes a project; the actor owns it.
    pub async fn create_project(&self, actor: &Actor, name: &str) -> Result<ProjectEntry, AppError> {
        self.authorize(actor, None, Action::CreateProject).await?;
        let now = self.ports.clock.now();
        let project = Project {
            id: ProjectId::from_uuid(self.ports.ids.uuid()),
            name: ProjectName::parse(name)?,
            created_at: now,
            updated_at: now,
        };
        self.ports.catalog.create_project(&project, actor.user.id).await?;
        Ok(ProjectEntry { project, role: ProjectRole::Owner, assets: 0, cover: None })
    }

    /// Everybody in the project.
    pub async fn members(&self, viewer: &Viewer) -> Result<Vec<(User, ProjectRole)>, AppError> {
        let mut found = Vec::new();
        for (id, role) in self.ports.catalog.members(viewer.project).await? {
            if let Some(user) = self.ports.accounts.user(id).await? {
                found.push((user, role));
            }
        }
        Ok(found)
    }

    /// Adds a member, or changes their role.
    pub async fn set_member(&self, manager: &Manager, user: UserId, role: ProjectRole) -> Result<(), AppError> {
        self.ports.accounts.user(user).await?.ok_or(AppError::NotFound { what: "user" })?;
        if !self.ports.catalog.project_exists(manager.project).await? {
            return Err(AppError::NotFound { what: "project" });
        }
        let now = self.ports.clock.now();
        self.ports.catalog.set_member(manager.project, user, role, now).await.map_err(last_owner)
    }

    /// Adds a person by their exact user name, so that owners need not see the list of all people.
    pub async fn add_member(&self, manager: &Manager, username: &str, role: ProjectRole) -> Result<User, AppError> {
        let name = Username::parse(username)?;
        let found = self.ports.accounts.credentials(name.as_str()).await?;
        let user = found.map(|c| c.user).ok_or_else(|| AppError::Invalid {
            code: "user.unknown",
            what: format!("nobody signs in here as `{name}`"),
            remedy: "check the spelling, or ask an administrator for a new account",
        })?;
        if self.ports.catalog.role(user.id, manager.project).await?.is_some() {
            return Err(AppError::Conflict {
                code: "member.exists",
                what: format!("`{name}` belongs to this project already"),
                remedy: "change their role in the list of members",
            });
        }
        self.set_member(manager, user.id, role).await?;
        Ok(user)
    }

    /// Removes a member.
    pub async fn remove_member(&self, manager: &Manager, user: UserId) -> Result<(), AppError> {
        self.ports.catalog.remove_member(manager.project, user, self.ports.clock.now()).await.map_err(last_owner)
    }
}
