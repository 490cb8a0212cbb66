//! One newtype per id, in one registry. The prefix is visible in every log line and URL, so that an id of one kind cannot
//! be taken for another. Ids are made from UUIDs (version 7, so that they sort by time) that the caller supplies.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Text that is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id that starts with `{prefix}_`")]
pub struct NotAnId {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// What it should start with.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The visible prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that the caller made.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let refuse = || NotAnId { text: text.chars().take(64).collect(), prefix: $prefix };
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or_else(refuse)?;
                if rest.len() != 32 || rest.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(refuse());
                }
                Uuid::try_parse(rest).map(Self).map_err(|_| refuse())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A unit of storage: one database file, one object prefix.
    TenantId = "tenant";
    /// A person.
    UserId = "user";
    /// A signed-in browser (the public id; the secret token is never stored).
    SessionId = "sess";
    /// A project: the unit of membership.
    ProjectId = "proj";
    /// A file on its way in, not yet kept.
    UploadId = "upl";
    /// A piece of media as people speak of it, over all its versions.
    AssetId = "asset";
    /// One immutable version of an asset; its master is one object.
    VersionId = "ver";
    /// A unit of background work.
    JobId = "job";
}

/// Position in a project's stream of events; 0 is before the first.
pub type EventSeq = i64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_what_it_prints() {
        let id = AssetId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "asset_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse::<AssetId>(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let text = ProjectId::from_uuid(Uuid::from_u128(7)).to_string();
        assert!(text.parse::<AssetId>().is_err());
        assert!("asset_../../etc/passwd".parse::<AssetId>().is_err());
        assert!("asset_".parse::<AssetId>().is_err());
        assert!("asset_0000000000000000000000000000000G".parse::<AssetId>().is_err());
    }
}
