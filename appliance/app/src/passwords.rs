//! Passwords: argon2id hashes, the rule for new ones, and one-time passwords.
//!
//! Parameters: RFC 9106 §4, second recommended option scaled to a shared appliance: 19 MiB, two passes, one lane (OWASP's
//! minimum), which is also the default of the `argon2` crate.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

use crate::AppError;

/// Least number of characters of a password that a person chooses (NIST SP 800-63B asks for 8, we for more).
pub const PASSWORD_MIN: usize = 12;
/// Most bytes of a password: a bound on the work of hashing.
pub const PASSWORD_MAX: usize = 256;

/// Checks a password that a person wants.
pub fn check_new(password: &str, username: &str) -> Result<(), AppError> {
    let weak = |why| Err(AppError::WeakPassword { why });
    if password.chars().count() < PASSWORD_MIN {
        return weak("it has fewer than 12 characters");
    }
    if password.len() > PASSWORD_MAX {
        return weak("it is longer than 256 bytes");
    }
    if password.to_lowercase().contains(username) {
        return weak("it contains the user name");
    }
    let mut characters: Vec<char> = password.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() < 5 {
        return weak("it repeats very few characters");
    }
    Ok(())
}

/// Hashes, on a thread of its own (it takes tens of milliseconds). `salt` must be random.
pub async fn hash(password: String, salt: [u8; 32]) -> Result<String, AppError> {
    let work = move || {
        let salt = SaltString::encode_b64(salt.get(..16).unwrap_or(&salt))?;
        Ok::<_, argon2::password_hash::Error>(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(error)) => Err(internal(error.to_string())),
        Err(error) => Err(internal(error.to_string())),
    }
}

/// Compares. With no hash to compare to, does the same work and says no, so that the time tells nothing.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, AppError> {
    let work = move || match hash.as_deref().map(PasswordHash::new) {
        Some(Ok(parsed)) => Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok(),
        _ => {
            let _ = SaltString::encode_b64(b"no-such-account.")
                .and_then(|salt| Argon2::default().hash_password(password.as_bytes(), &salt).map(|h| h.to_string()));
            false
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| internal(error.to_string()))
}

/// A one-time password of 20 signs (about 99 bits) in groups that can be read over a phone: `k7qm-…`.
#[must_use]
pub fn one_time(secret: [u8; 32]) -> String {
    // No 0/o, 1/l/i.
    const SIGNS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut text = String::new();
    for (index, byte) in secret.iter().take(20).enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(SIGNS.get(usize::from(*byte) % SIGNS.len()).copied().unwrap_or(b'x')));
    }
    text
}

fn internal(what: String) -> AppError {
    AppError::Store(crate::ports::StoreError::caused(
        crate::ports::StoreErrorKind::Internal,
        "the password could not be hashed",
        what,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hashed = hash("correct horse battery".into(), [7; 32]).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse battery".into(), Some(hashed.clone())).await.unwrap());
        assert!(!verify("correct horse".into(), Some(hashed)).await.unwrap());
        assert!(!verify("anything".into(), None).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert!(check_new("short", "ada").is_err());
        assert!(check_new("ada-is-my-name-1", "ada").is_err());
        assert!(check_new("aaaaaaaaaaaaaaaa", "bob").is_err());
        assert!(check_new("plum-cart-seven-oil", "bob").is_ok());
    }
}
