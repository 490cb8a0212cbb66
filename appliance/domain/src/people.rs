//! People, the roles they hold, and the projects they hold them in.

use crate::id::{ProjectId, SessionId, UserId};
use crate::names::{DisplayName, ProjectName, Username};
use crate::time::Timestamp;

/// What a person may do on the whole appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlatformRole {
    /// Runs the appliance.
    Admin,
    /// May create projects.
    Member,
    /// May only look at what is shared with them.
    Viewer,
}

/// What a person may do in one project. Ordered: an owner may do all that an editor may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectRole {
    /// Look, play, read.
    Viewer,
    /// Upload, edit, comment.
    Editor,
    /// Decide who belongs.
    Owner,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// The word used in the API and in storage.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
            /// Reads that word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use words;

words!(PlatformRole { Admin = "admin", Member = "member", Viewer = "viewer" });
words!(ProjectRole { Owner = "owner", Editor = "editor", Viewer = "viewer" });

/// A person with a local account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Stable id.
    pub id: UserId,
    /// What they sign in with.
    pub username: Username,
    /// What others see.
    pub display_name: DisplayName,
    /// Over the whole appliance.
    pub role: PlatformRole,
    /// They hold a one-time password and may do nothing else before they change it.
    pub must_change_password: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Public id; also the audience of media URLs made for this session.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// Start.
    pub created_at: Timestamp,
    /// Last use, at a resolution of a minute.
    pub seen_at: Timestamp,
    /// The end, whatever happens.
    pub expires_at: Timestamp,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Stable id.
    pub id: ProjectId,
    /// Its name.
    pub name: ProjectName,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last change of anything in it.
    pub updated_at: Timestamp,
}
