//! Who may do what: one pure function over a closed set of actions. Handlers never compare roles; they ask here once and
//! hold the capability that they are given.
//!
//! Deliberately not here: tenants, shares and review sessions (they join the same table when they exist).

use crate::people::{PlatformRole, ProjectRole};

/// Everything that can be asked for. Closed: a new action does not compile until the table below answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See one's own account and sign out.
    UseAccount,
    /// See and create people.
    ManagePeople,
    /// Create a project.
    CreateProject,
    /// See a project, its assets, transcripts and jobs, and play its media.
    ReadProject,
    /// Upload into a project, retry and cancel its jobs.
    EditProject,
    /// Decide who belongs to a project.
    ManageMembers,
}

impl Action {
    /// All actions, for tables and tests.
    pub const ALL: [Self; 6] = [
        Self::UseAccount,
        Self::ManagePeople,
        Self::CreateProject,
        Self::ReadProject,
        Self::EditProject,
        Self::ManageMembers,
    ];
}

/// The asker: role on the appliance, and role in the project concerned, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// On the appliance.
    pub platform: PlatformRole,
    /// In the project that the action concerns; `None` outside of it.
    pub project: Option<ProjectRole>,
    /// Still holds a one-time password.
    pub must_change_password: bool,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow,
    /// No, and the thing's existence may be known.
    Deny,
    /// No, and the asker must not learn that the thing exists.
    Hide,
    /// Not before the one-time password is changed.
    ChangePasswordFirst,
}

/// Decides. Platform administrators run the appliance; they see a project's media only as its members, which they can
/// make themselves (visibly) through [`Action::ManageMembers`].
#[must_use]
pub fn decide(subject: Subject, action: Action) -> Decision {
    if subject.must_change_password && action != Action::UseAccount {
        return Decision::ChangePasswordFirst;
    }
    let admin = subject.platform == PlatformRole::Admin;
    let in_project = |least: ProjectRole| match subject.project {
        None => Decision::Hide,
        Some(role) if role >= least => Decision::Allow,
        Some(_) => Decision::Deny,
    };
    match action {
        Action::UseAccount => Decision::Allow,
        Action::ManagePeople if admin => Decision::Allow,
        Action::ManagePeople => Decision::Deny,
        Action::CreateProject if subject.platform == PlatformRole::Viewer => Decision::Deny,
        Action::CreateProject => Decision::Allow,
        Action::ReadProject => in_project(ProjectRole::Viewer),
        Action::EditProject => in_project(ProjectRole::Editor),
        Action::ManageMembers if admin => Decision::Allow,
        Action::ManageMembers => in_project(ProjectRole::Owner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(platform: PlatformRole, project: Option<ProjectRole>) -> Subject {
        Subject { platform, project, must_change_password: false }
    }

    #[test]
    fn a_project_is_hidden_from_who_does_not_belong_to_it() {
        for platform in [PlatformRole::Admin, PlatformRole::Member, PlatformRole::Viewer] {
            assert_eq!(decide(subject(platform, None), Action::ReadProject), Decision::Hide);
            assert_eq!(decide(subject(platform, None), Action::EditProject), Decision::Hide);
        }
    }

    #[test]
    fn a_viewer_reads_but_does_not_edit() {
        let viewer = subject(PlatformRole::Member, Some(ProjectRole::Viewer));
        assert_eq!(decide(viewer, Action::ReadProject), Decision::Allow);
        assert_eq!(decide(viewer, Action::EditProject), Decision::Deny);
        assert_eq!(decide(viewer, Action::ManageMembers), Decision::Deny);
    }

    #[test]
    fn a_one_time_password_opens_nothing_but_the_account() {
        let mut owner = subject(PlatformRole::Admin, Some(ProjectRole::Owner));
        owner.must_change_password = true;
        for action in Action::ALL {
            let wanted = if action == Action::UseAccount { Decision::Allow } else { Decision::ChangePasswordFirst };
            assert_eq!(decide(owner, action), wanted);
        }
    }
}
