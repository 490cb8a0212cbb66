//! Signed links: media under a path prefix, and the parts of an upload.
//!
//! A media link is `/m/{kid}.{exp}.{aud}.{mac}/{version}/{scope}/…`: the MAC covers the prefix up to and including the
//! scope, so that playlists, media segments and sprites inherit it by their relative URIs and nothing is rewritten.
//! A part link is `/s/{kid}.{exp}.{mac}/{upload}/{number}`.
//! Invariants: HMAC-SHA-256 cut to 128 bits (RFC 2104 §5), compared in constant time; `exp` is in seconds; everything
//! that is not signed is refused.

use appliance_domain::{SessionId, Timestamp, UploadId, VersionId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::AppError;

/// The secret that signs links, with its short public name.
#[derive(Clone)]
pub struct EdgeKey {
    kid: String,
    secret: [u8; 32],
}

impl std::fmt::Debug for EdgeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EdgeKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A media link that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLink {
    /// For whom it was made.
    pub session: SessionId,
    /// Until when, seconds since the epoch.
    pub expires: i64,
}

impl EdgeKey {
    /// `kid` is one to eight letters or digits.
    #[must_use]
    pub fn new(kid: &str, secret: [u8; 32]) -> Self {
        Self { kid: kid.chars().filter(char::is_ascii_alphanumeric).take(8).collect(), secret }
    }

    fn mac(&self, parts: &[&str]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            // HMAC takes keys of any length; this arm cannot be reached with 32 bytes.
            return String::new();
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let digest = mac.finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or(&digest))
    }

    fn holds(&self, given: &str, parts: &[&str]) -> bool {
        let wanted = self.mac(parts);
        !wanted.is_empty() && bool::from(wanted.as_bytes().ct_eq(given.as_bytes()))
    }

    /// The prefix of a media link, ending in `/`. `scope` is the generation, `captions` or `original`.
    #[must_use]
    pub fn media_prefix(&self, session: SessionId, version: VersionId, scope: &str, expires: i64) -> String {
        let (exp, aud, ver) = (expires.to_string(), session.uuid().simple().to_string(), version.to_string());
        let mac = self.mac(&["media", &exp, &aud, &ver, scope]);
        format!("/m/{}.{exp}.{aud}.{mac}/{ver}/{scope}/", self.kid)
    }

    /// Checks the token of a media link against the version and scope in its path.
    pub fn check_media(
        &self,
        token: &str,
        version: VersionId,
        scope: &str,
        now: Timestamp,
    ) -> Result<MediaLink, AppError> {
        let mut fields = token.split('.');
        let (Some(kid), Some(exp), Some(aud), Some(mac), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(AppError::BadLink);
        };
        if kid != self.kid || !self.holds(mac, &["media", exp, aud, &version.to_string(), scope]) {
            return Err(AppError::BadLink);
        }
        let expires: i64 = exp.parse().map_err(|_| AppError::BadLink)?;
        let session = format!("{}_{aud}", SessionId::PREFIX).parse().map_err(|_| AppError::BadLink)?;
        if now.seconds() >= expires {
            return Err(AppError::BadLink);
        }
        Ok(MediaLink { session, expires })
    }

    /// A link to put one part of an upload.
    #[must_use]
    pub fn part_url(&self, upload: UploadId, number: u64, expires: i64) -> String {
        let mac = self.mac(&["part", &expires.to_string(), &upload.to_string(), &number.to_string()]);
        format!("/s/{}.{expires}.{mac}/{upload}/{number}", self.kid)
    }

    /// Checks such a link.
    pub fn check_part(&self, token: &str, upload: UploadId, number: u64, now: Timestamp) -> Result<(), AppError> {
        let mut fields = token.split('.');
        let (Some(kid), Some(exp), Some(mac), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(AppError::BadLink);
        };
        let held = kid == self.kid && self.holds(mac, &["part", exp, &upload.to_string(), &number.to_string()]);
        let alive = exp.parse::<i64>().is_ok_and(|expires| now.seconds() < expires);
        if held && alive { Ok(()) } else { Err(AppError::BadLink) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn parts(link: &str) -> (String, String) {
        let rest = link.strip_prefix("/m/").unwrap();
        let (token, path) = rest.split_once('/').unwrap();
        (token.to_owned(), path.to_owned())
    }

    #[test]
    fn a_media_link_opens_its_own_folder_only() {
        let key = EdgeKey::new("k1", [9; 32]);
        let (session, version) = (SessionId::from_uuid(Uuid::from_u128(1)), VersionId::from_uuid(Uuid::from_u128(2)));
        let (token, path) = parts(&key.media_prefix(session, version, "gen1", 1000));
        assert_eq!(path, format!("{version}/gen1/"));
        let at = |seconds: i64| Timestamp(seconds * 1000);
        assert_eq!(key.check_media(&token, version, "gen1", at(999)).unwrap().session, session);
        assert!(key.check_media(&token, version, "gen1", at(1000)).is_err());
        assert!(key.check_media(&token, version, "gen2", at(1)).is_err());
        assert!(key.check_media(&token, VersionId::from_uuid(Uuid::from_u128(3)), "gen1", at(1)).is_err());
        let later = token.replacen("1000", "9999", 1);
        assert!(key.check_media(&later, version, "gen1", at(1)).is_err());
        assert!(EdgeKey::new("k1", [8; 32]).check_media(&token, version, "gen1", at(1)).is_err());
        for hostile in ["", "....", "k1.1000", "k1.x.y.z", "k1.1000.00.AAAA.B"] {
            assert!(key.check_media(hostile, version, "gen1", at(1)).is_err(), "{hostile}");
        }
    }

    #[test]
    fn a_part_link_is_for_one_part() {
        let key = EdgeKey::new("k1", [9; 32]);
        let upload = UploadId::from_uuid(Uuid::from_u128(5));
        let url = key.part_url(upload, 3, 1000);
        let token = url.strip_prefix("/s/").unwrap().split('/').next().unwrap();
        assert!(key.check_part(token, upload, 3, Timestamp(0)).is_ok());
        assert!(key.check_part(token, upload, 4, Timestamp(0)).is_err());
        assert!(key.check_part(token, upload, 3, Timestamp(1_000_000)).is_err());
    }
}
