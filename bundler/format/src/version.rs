//! Versions of releases (`YYYY.Q.patch`) and the instant of a release.
//!
//! Invariant: both have one text form and are ordered as numbers. Deliberately not here: a clock.

use std::fmt;
use std::str::FromStr;

use crate::InvalidText;

/// The version of a release: year, quarter, patch. `2026.4.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    year: u16,
    quarter: u8,
    patch: u16,
}

impl Version {
    /// Parses `YYYY.Q.patch`: year 2000 to 9999, quarter 1 to 4, patch 0 to 9999, no leading zeros.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let invalid = || InvalidText::new("release version", text, "`YYYY.Q.patch`, as `2026.4.0`");
        let number = |part: &str| {
            let plain =
                part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            if plain { part.parse::<u16>().ok() } else { None }
        };
        let parts: Vec<&str> = text.split('.').collect();
        let [year, quarter, patch] = parts.as_slice() else { return Err(invalid()) };
        let (Some(year @ 2000..), Some(quarter @ 1..=4), Some(patch)) = (number(year), number(quarter), number(patch))
        else {
            return Err(invalid());
        };
        Ok(Self { year, quarter: u8::try_from(quarter).map_err(|_| invalid())?, patch })
    }

    /// The year, four digits.
    #[must_use]
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The quarter, 1 to 4.
    #[must_use]
    pub fn quarter(&self) -> u8 {
        self.quarter
    }

    /// The patch, from 0.
    #[must_use]
    pub fn patch(&self) -> u16 {
        self.patch
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.year, self.quarter, self.patch)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Version {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

/// The instant of a release in whole seconds, UTC: `2026-11-20T00:00:00Z`. It is also the time in every tar header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Created {
    seconds: u64,
}

impl Created {
    /// From seconds since 1970-01-01T00:00:00Z; `None` from the year 2200 on (the tar header has eleven octal digits).
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        (seconds < 7_258_118_400).then_some(Self { seconds })
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(&self) -> u64 {
        self.seconds
    }

    /// Parses exactly `YYYY-MM-DDThh:mm:ssZ`.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let invalid = || InvalidText::new("instant", text, "`YYYY-MM-DDThh:mm:ssZ` between 1970 and 2199");
        let shape: Vec<u8> = text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).collect();
        if shape != b"0000-00-00T00:00:00Z" {
            return Err(invalid());
        }
        let number = |range: std::ops::Range<usize>| {
            text.get(range).and_then(|part| part.parse::<u64>().ok()).ok_or_else(invalid)
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if !(1970..2200).contains(&year) || hour > 23 || minute > 59 || second > 59 {
            return Err(invalid());
        }
        let created = Self { seconds: days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second };
        // Writing it again catches every impossible date (30 February) without a calendar table.
        if created.to_string() == text { Ok(created) } else { Err(invalid()) }
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.saturating_sub(1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds / 86_400);
        let rest = self.seconds % 86_400;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
    }
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Created {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Created {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Created> for String {
    fn from(created: Created) -> String {
        created.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("2026.4.9") < version("2026.4.10"));
        assert!(version("2026.4.10") < version("2027.1.0"));
    }

    #[test]
    fn versions_of_another_form_are_refused() {
        for wrong in [
            "2026.4",
            "2026.5.0",
            "2026.0.1",
            "26.4.0",
            "2026.04.0",
            "2026.4.00",
            "2026.4.0.1",
            "2026.4.-1",
            "2026.4.0 ",
            "",
        ] {
            assert!(Version::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_instant_is_counted_from_1970() {
        assert_eq!(Created::parse("1970-01-01T00:00:00Z").unwrap().unix(), 0);
        assert_eq!(Created::parse("2026-11-20T00:00:00Z").unwrap().unix(), 1_795_132_800);
        for wrong in [
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+00:00",
        ] {
            assert!(Created::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn instants_survive_their_text(seconds in 0u64..7_258_118_400) {
            let created = Created::from_unix(seconds).unwrap();
            prop_assert_eq!(Created::parse(&created.to_string()).unwrap(), created);
        }
    }
}
