//! Who asks, and the capabilities that they get. Handlers receive a capability or an error, never a role to compare.

use appliance_domain::people::{ProjectRole, Session, User};
use appliance_domain::policy::{Action, Decision, Subject, decide};
use appliance_domain::{AssetId, ProjectId, UploadId};

use crate::{App, AppError};

/// A person with a live session.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub user: User,
    /// Through which session.
    pub session: Session,
}

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident for $action:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            pub(crate) actor: Actor,
            pub(crate) project: ProjectId,
        }

        impl $name {
            /// The project that it is for.
            #[must_use]
            pub fn project(&self) -> ProjectId {
                self.project
            }

            /// Who holds it.
            #[must_use]
            pub fn actor(&self) -> &Actor {
                &self.actor
            }

            /// Asks for the capability. A project that the actor may not know of is `NotFound`.
            pub async fn of(app: &App, actor: &Actor, project: ProjectId) -> Result<Self, AppError> {
                app.authorize(actor, Some(project), Action::$action).await?;
                Ok(Self { actor: actor.clone(), project })
            }
        }
    )*};
}

capabilities! {
    /// May look at a project and play what is in it.
    Viewer for ReadProject;
    /// May upload into a project and steer its jobs.
    Editor for EditProject;
    /// May decide who belongs to a project.
    Manager for ManageMembers;
}

impl App {
    /// Decides an action, in a project if it concerns one.
    pub async fn authorize(&self, actor: &Actor, project: Option<ProjectId>, action: Action) -> Result<(), AppError> {
        let role: Option<ProjectRole> = match project {
            Some(id) => self.ports.catalog.role(actor.user.id, id).await?,
            None => None,
        };
        let subject =
            Subject { platform: actor.user.role, project: role, must_change_password: actor.user.must_change_password };
        match decide(subject, action) {
            Decision::Allow => Ok(()),
            Decision::Deny => Err(AppError::Denied),
            Decision::Hide => Err(AppError::NotFound { what: "project" }),
            Decision::ChangePasswordFirst => Err(AppError::ChangePasswordFirst),
        }
    }

    /// The capability to look at the project of an asset.
    pub async fn viewer_of_asset(&self, actor: &Actor, asset: AssetId) -> Result<Viewer, AppError> {
        let what = "asset";
        let found = self.ports.catalog.asset(asset).await?.ok_or(AppError::NotFound { what })?;
        Viewer::of(self, actor, found.project).await.map_err(|e| e.instead_of_project(what))
    }

    /// The capability to edit the project of an asset.
    pub async fn editor_of_asset(&self, actor: &Actor, asset: AssetId) -> Result<Editor, AppError> {
        let what = "asset";
        let found = self.ports.catalog.asset(asset).await?.ok_or(AppError::NotFound { what })?;
        Editor::of(self, actor, found.project).await.map_err(|e| e.instead_of_project(what))
    }

    /// The capability to edit the project of an upload, which must be the actor's own.
    pub async fn editor_of_upload(&self, actor: &Actor, upload: UploadId) -> Result<Editor, AppError> {
        let what = "upload";
        let found = self.ports.catalog.upload(upload).await?.ok_or(AppError::NotFound { what })?;
        if found.owner != actor.user.id {
            return Err(AppError::NotFound { what });
        }
        Editor::of(self, actor, found.project).await.map_err(|e| e.instead_of_project(what))
    }
}

impl AppError {
    fn instead_of_project(self, what: &'static str) -> Self {
        match self {
            Self::NotFound { .. } => Self::NotFound { what },
            other => other,
        }
    }
}
