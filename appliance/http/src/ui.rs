//! The browser app's files, embedded in the executable and handed in by the composition root.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::{Shared, problem};

/// One file of the browser app.
#[derive(Clone, Debug)]
pub struct UiFile {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub content_type: &'static str,
    /// Strong validator, without quotes.
    pub etag: String,
}

/// Finds a file by its path without the leading slash.
pub type UiFiles = Arc<dyn Fn(&str) -> Option<UiFile> + Send + Sync>;

/// Answers what no other route took: a file, or the app's page for any path that looks like one of its screens.
pub(crate) async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let is_screen = !path.starts_with("api/") && !path.rsplit('/').next().unwrap_or_default().contains('.');
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return nothing_here();
    }
    let (file, hashed) = match (shared.ui)(path).filter(|_| !path.is_empty()) {
        Some(file) => (Some(file), path.starts_with("assets/")),
        None if is_screen => ((shared.ui)("index.html"), false),
        None => (None, false),
    };
    let Some(file) = file else { return nothing_here() };
    let etag = format!("\"{}\"", file.etag);
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == etag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(match file.bytes {
            Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes::Bytes::from(bytes),
        }))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    response
}

fn nothing_here() -> Response {
    problem::respond(
        StatusCode::NOT_FOUND,
        "not-found",
        "there is nothing at this address".into(),
        "check the address; the API is described at `/api/openapi.json`".into(),
    )
}
