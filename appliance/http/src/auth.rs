//! The session cookie: how a request says who sends it.

use appliance_app::{Actor, AppError};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Shared;
use crate::problem::Refusal;

/// `__Host-`: the browser takes it only over TLS, for this host, for all paths (RFC 6265bis §4.1.3.2).
pub(crate) const COOKIE: &str = "__Host-strongroom";

/// The person who sends the request. A handler that takes it is for signed-in people only.
#[derive(Debug)]
pub(crate) struct SignedIn(pub(crate) Actor);

impl FromRequestParts<Shared> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
        let jar = CookieJar::from_headers(&parts.headers);
        let token = jar.get(COOKIE).and_then(|c| token_of(c.value())).ok_or(AppError::SessionRequired)?;
        Ok(Self(state.app.actor(token).await?))
    }
}

fn token_of(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The cookie for a fresh session. It lives as long as the browser; the server ends it.
pub(crate) fn cookie(token: [u8; 32]) -> Cookie<'static> {
    base(URL_SAFE_NO_PAD.encode(token))
}

/// The cookie that removes it.
pub(crate) fn no_cookie() -> Cookie<'static> {
    let mut cookie = base(String::new());
    cookie.make_removal();
    cookie
}

fn base(value: String) -> Cookie<'static> {
    Cookie::build((COOKIE, value)).path("/").secure(true).http_only(true).same_site(SameSite::Strict).build()
}
