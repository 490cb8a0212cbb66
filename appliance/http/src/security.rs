//! What holds for every request: headers of every answer, and the refusal of requests that another site made a browser
//! send.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use crate::problem;

/// Adds the session cookie to the OpenAPI document as the one security scheme.
pub(crate) struct Scheme;

impl utoipa::Modify for Scheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            crate::auth::COOKIE,
            "server-side session; the scope names the action that the session's person must be allowed",
        )));
        openapi.components.get_or_insert_default().add_security_scheme("session", cookie);
    }
}

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer; a handler that set one already keeps it.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let all: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in all {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Refuses writing requests (and any WebSocket) that a page of another origin made the browser send. Programs send
/// neither header and carry no cookie by accident.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrading = request.headers().contains_key(header::UPGRADE) || request.uri().path() == "/ws";
    if (!reading || upgrading) && !from_here(request.headers(), request.uri().authority().map(|a| a.as_str())) {
        return problem::respond(
            StatusCode::FORBIDDEN,
            "request.cross-origin",
            "this request was sent by a page of another origin".into(),
            "use the appliance's own pages, or a program without a browser".into(),
        );
    }
    next.run(request).await
}

fn from_here(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("invalid"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    // HTTP/2 carries the host as the authority, HTTP/1.1 as a header.
    let host = text(header::HOST).or(authority).unwrap_or_default();
    origin.strip_prefix("https://").is_some_and(|rest| rest.eq_ignore_ascii_case(host) && !host.is_empty())
}

/// A path without the token of a signed link.
pub(crate) fn path_for_log(path: &str) -> String {
    let mut segments = path.splitn(4, '/');
    match (segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some(""), Some(kind @ ("m" | "s")), Some(_), rest) => format!("/{kind}/…/{}", rest.unwrap_or_default()),
        _ => path.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_of(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        assert!(from_here(&headers_of(&[("host", "box:8443"), ("origin", "https://box:8443")]), None));
        assert!(!from_here(&headers_of(&[("host", "box:8443"), ("origin", "https://evil:8443")]), None));
        assert!(!from_here(&headers_of(&[("host", "box:8443"), ("origin", "null")]), None));
        assert!(!from_here(&headers_of(&[("sec-fetch-site", "cross-site"), ("host", "box")]), None));
        assert!(!from_here(&headers_of(&[("sec-fetch-site", "same-site"), ("host", "box")]), None));
        assert!(from_here(&headers_of(&[("sec-fetch-site", "same-origin")]), None));
        assert!(from_here(&headers_of(&[("origin", "https://box")]), Some("box")));
        assert!(from_here(&headers_of(&[]), None));
    }

    #[test]
    fn tokens_do_not_reach_the_log() {
        assert_eq!(path_for_log("/m/k1.99.aa.SECRET/ver_1/gen/hls/a.m3u8"), "/m/…/ver_1/gen/hls/a.m3u8");
        assert_eq!(path_for_log("/s/k1.99.SECRET/upl_1/3"), "/s/…/upl_1/3");
        assert_eq!(path_for_log("/api/v1/session"), "/api/v1/session");
    }
}
