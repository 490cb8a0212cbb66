//! Names that a bundle may carry: paths in a slot, tar entries, volumes, components, channels, free short text.
//!
//! Invariants: each is checked once, when it is made; none is an `AsRef<Path>`, so none reaches the file system except
//! through a join that the caller writes down. Deliberately not here: joining, existence, anything of a host.

use std::fmt;

/// Text that breaks the rule for what it was to be. The text is cut to 80 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidText {
    what: &'static str,
    text: String,
    rule: &'static str,
}

impl InvalidText {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self { what, text: text.chars().take(80).collect(), rule }
    }
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a {}: it is {}", self.text, self.what, self.rule)
    }
}

impl std::error::Error for InvalidText {}

impl runtime_diag::Diagnose for InvalidText {
    fn code(&self) -> &'static str {
        "format.invalid-text"
    }
    fn remedy(&self) -> String {
        format!("write it as {}", self.rule)
    }
    fn exit(&self) -> runtime_diag::Exit {
        runtime_diag::Exit::Schema
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $holds:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Accepts ", $rule, ".")]
            pub fn parse(text: &str) -> Result<Self, InvalidText> {
                if $holds(text) { Ok(Self(text.to_owned())) } else { Err(InvalidText::new($what, text, $rule)) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text_type!(
    /// A relative path of a file: `bin/strongroom`. `docs/formats/bundle-v1.md` §3.2.
    RelPath,
    "path",
    "at most 200 characters; parts of `A-Z a-z 0-9 . _ + -` joined by single `/`; no part starts with `.` or `-` or ends with `.`",
    is_rel_path
);

text_type!(
    /// The name of a tar entry: the blob's hex digest, a dot, the number of the segment from 0. §6.1.
    EntryName,
    "volume entry name",
    "64 lower-case hex digits, `.`, and a number without leading zeros",
    is_entry_name
);

text_type!(
    /// The name of a volume: `v0000.tar.zst`. §6.
    VolumeName,
    "volume name",
    "`v`, four digits, `.tar.zst`",
    is_volume_name
);

text_type!(
    /// The name of a component, a channel, a product, a platform or a signer.
    Name,
    "name",
    "1 to 64 of `a-z 0-9 _ -`, a letter or digit first",
    is_name
);

text_type!(
    /// Short free text: a component's version, a licence expression.
    Label,
    "label",
    "1 to 200 printable ASCII characters, no space at either end",
    is_label
);

impl RelPath {
    /// The parts between slashes, at least one.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl EntryName {
    /// The entry that holds segment `segment` of a blob.
    #[must_use]
    pub fn of(blob: &crate::Digest, segment: u32) -> Self {
        Self(format!("{}.{segment}", blob.hex()))
    }
}

impl VolumeName {
    /// The volume at this place in the list, from 0; `None` from 10 000.
    #[must_use]
    pub fn at(index: usize) -> Option<Self> {
        (index < 10_000).then(|| Self(format!("v{index:04}.tar.zst")))
    }
}

fn is_rel_path(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-'))
    };
    text.len() <= crate::limits::PATH_MAX && text.split('/').all(part)
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

fn is_entry_name(text: &str) -> bool {
    text.split_once('.').is_some_and(|(hex, number)| crate::Digest::parse_hex(hex).is_ok() && is_number(number))
}

fn is_volume_name(text: &str) -> bool {
    text.strip_prefix('v')
        .and_then(|rest| rest.strip_suffix(".tar.zst"))
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

fn is_label(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.trim() == text && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// The number in `release.<n>.sigstore.json`, if that is what this name is. §2.
#[must_use]
pub fn signature_number(file_name: &str) -> Option<u32> {
    let number = file_name.strip_prefix("release.")?.strip_suffix(".sigstore.json")?;
    if is_number(number) { number.parse().ok() } else { None }
}

/// The file name of signature number `number`.
#[must_use]
pub fn signature_name(number: u32) -> String {
    format!("release.{number}.sigstore.json")
}

/// Files that desktop systems leave on media; ignored wherever they lie. §2.2.
#[must_use]
pub fn is_desktop_litter(path: &str) -> bool {
    path.split('/').any(|part| {
        part.starts_with("._")
            || matches!(
                part,
                ".DS_Store"
                    | ".Trashes"
                    | ".Spotlight-V100"
                    | ".fseventsd"
                    | "System Volume Information"
                    | "desktop.ini"
                    | "Thumbs.db"
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_that_could_escape_or_confuse_are_refused() {
        for wrong in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "a b",
            "ä",
            "a\0b",
            ".hidden",
            "a/.b",
            "-rf",
            "a/-rf",
            "a.",
            "C:x",
            "a\n",
            "con\u{202e}",
        ] {
            assert!(RelPath::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(RelPath::parse(&"a".repeat(201)).is_err());
        for right in ["bin/strongroom", "ffmpeg/lib/ld-linux-x86-64.so.2", "ffmpeg/lib/libstdc++.so.6", "a"] {
            assert!(RelPath::parse(right).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn volume_and_entry_names_have_one_form() {
        assert!(VolumeName::parse("v0000.tar.zst").is_ok());
        for wrong in
            ["v000.tar.zst", "v00000.tar.zst", "V0000.tar.zst", "v0000.tar", "../v0000.tar.zst", "v00a0.tar.zst"]
        {
            assert!(VolumeName::parse(wrong).is_err(), "{wrong}");
        }
        let hex = "0".repeat(64);
        assert!(EntryName::parse(&format!("{hex}.0")).is_ok());
        for wrong in [format!("{hex}.00"), format!("{hex}."), hex.clone(), format!("{hex}.-1"), format!("x{hex}.1")] {
            assert!(EntryName::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn signature_files_are_numbered_without_leading_zeros() {
        assert_eq!(signature_number("release.0.sigstore.json"), Some(0));
        assert_eq!(signature_number("release.12.sigstore.json"), Some(12));
        assert_eq!(signature_number("release.01.sigstore.json"), None);
        assert_eq!(signature_number("release.json"), None);
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_only_plain_parts(text in "[a-zA-Z./\\\\ -]{0,24}") {
            if let Ok(path) = RelPath::parse(&text) {
                prop_assert!(path.parts().all(|part| !part.is_empty() && part != "." && part != ".."));
                prop_assert!(!path.as_str().starts_with('/'));
            }
        }
    }
}
