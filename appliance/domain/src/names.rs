//! Names that people give: checked at the door, so that everything inside may trust them.

use std::fmt;

/// Why a name was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing, or only spaces.
    #[error("a {what} may not be empty")]
    Empty {
        /// What was being named.
        what: &'static str,
    },
    /// Longer than its limit.
    #[error("a {what} may have at most {limit} characters")]
    TooLong {
        /// What was being named.
        what: &'static str,
        /// In characters.
        limit: usize,
    },
    /// A character that this kind of name cannot hold.
    #[error("a {what} may not contain {found:?}")]
    BadCharacter {
        /// What was being named.
        what: &'static str,
        /// The first offender.
        found: char,
    },
}

fn text(what: &'static str, limit: usize, raw: &str) -> Result<String, BadName> {
    let name = raw.trim();
    if name.is_empty() {
        return Err(BadName::Empty { what });
    }
    if name.chars().count() > limit {
        return Err(BadName::TooLong { what, limit });
    }
    // Controls, and the marks that reorder what follows them: a name may not lie about what it says.
    let bad = |c: &char| c.is_control() || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match name.chars().find(bad) {
        Some(found) => Err(BadName::BadCharacter { what, found }),
        None => Ok(name.to_owned()),
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal up to $limit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Trims and checks.
            pub fn parse(raw: &str) -> Result<Self, BadName> {
                text($what, $limit, raw).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A project's name.
    ProjectName = "project name" up to 120;
    /// A person's name as shown.
    DisplayName = "display name" up to 120;
    /// The name of a file as its owner knows it: shown and offered at download, never used as a path.
    FileName = "file name" up to 255;
}

/// The name that a person signs in with: lower case, `a-z 0-9 . _ -`, 2 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Lower-cases, trims and checks.
    pub fn parse(raw: &str) -> Result<Self, BadName> {
        let what = "user name";
        let name = text(what, 64, raw)?.to_lowercase();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        match name.chars().find(|c| !allowed(*c)) {
            Some(found) => Err(BadName::BadCharacter { what, found }),
            None => Ok(Self(name)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(ProjectName::parse("  Spring  ").unwrap().as_str(), "Spring");
        assert!(ProjectName::parse(" ").is_err());
        assert!(ProjectName::parse(&"x".repeat(121)).is_err());
        assert!(FileName::parse("a\u{202e}4pm.exe").is_err());
        assert_eq!(Username::parse(" Ada.L ").unwrap().as_str(), "ada.l");
        assert!(Username::parse("ada l").is_err());
    }
}
