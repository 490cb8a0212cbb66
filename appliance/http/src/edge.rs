//! The signed media edge: preview files, captions and their byte ranges.
//!
//! Invariants: what is not signed is refused; the link's version and scope are the ones in the path; one range per
//! answer (RFC 9110 §14.2), several ranges get the whole (§14.2 allows to ignore them); tokens never reach a log.
//! Deliberately not here: originals (they come with download permissions).

use std::ops::{Bound, Range};

use appliance_app::library::CAPTIONS;
use appliance_app::ports::objects::ObjectName;
use appliance_domain::VersionId;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use headers::HeaderMapExt;

use crate::Shared;
use crate::problem::Refusal;

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/m/{token}/{version}/{scope}/{*path}", get(serve))
}

async fn serve(
    State(shared): State<Shared>,
    method: Method,
    Path((token, version, scope, path)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let version: VersionId = version.parse().map_err(|_| Refusal::not_found("file"))?;
    shared.app.check_media_link(&token, version, &scope).await?;
    if scope == CAPTIONS {
        let vtt = shared.app.captions(version).await?;
        return Ok(finish(
            ([(header::CONTENT_TYPE, "text/vtt; charset=utf-8")], vtt).into_response(),
            "private, no-cache",
        ));
    }
    // How a generation was made is no viewer's business.
    let name =
        ObjectName::preview(version, &scope, &path).filter(|_| path != MANIFEST).ok_or(Refusal::not_found("file"))?;
    let objects = &shared.app.ports().objects;
    let head = objects.head(&name).await?;
    let etag = format!("\"{}\"", head.etag);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|v| matches(v, &etag)) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        set(&mut response, header::ETAG, &etag);
        return Ok(finish(response, IMMUTABLE));
    }
    let wanted = match requested(&headers, &etag, head.size) {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(range),
        Wanted::Unsatisfiable => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", head.size));
            return Ok(finish(response, "no-store"));
        }
    };
    let range = wanted.clone().unwrap_or(0..head.size);
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(objects.read(&name, range.clone()).await?)
    };
    let mut response = Response::new(body);
    if wanted.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let last = range.end.saturating_sub(1);
        set(&mut response, header::CONTENT_RANGE, &format!("bytes {}-{last}/{}", range.start, head.size));
    }
    set(&mut response, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    set(&mut response, header::CONTENT_TYPE, content_type(&path));
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    set(&mut response, header::ETAG, &etag);
    Ok(finish(response, IMMUTABLE))
}

const MANIFEST: &str = "manifest.json";

/// A generation never changes under its name.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

fn finish(mut response: Response, cache: &'static str) -> Response {
    set(&mut response, header::CACHE_CONTROL, cache);
    set(&mut response, header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn matches(value: &HeaderValue, etag: &str) -> bool {
    value.to_str().is_ok_and(|list| list.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag))
}

#[derive(Debug, PartialEq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// What part is asked for. A range under a validator that does not match (`If-Range`, RFC 9110 §13.1.5), a range that
/// cannot be read, and several ranges get the whole.
fn requested(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    if headers.get(header::IF_RANGE).is_some_and(|v| v.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    let Some(ranges) = headers.typed_get::<headers::Range>() else { return Wanted::Whole };
    let mut satisfiable = ranges.satisfiable_ranges(size);
    match (satisfiable.next(), satisfiable.next()) {
        (Some(bounds), None) => absolute(bounds, size).map_or(Wanted::Unsatisfiable, Wanted::Part),
        (Some(_), Some(_)) => Wanted::Whole,
        (None, _) => Wanted::Unsatisfiable,
    }
}

fn absolute((start, end): (Bound<u64>, Bound<u64>), size: u64) -> Option<Range<u64>> {
    let start = match start {
        Bound::Included(n) => n,
        Bound::Excluded(n) => n.checked_add(1)?,
        Bound::Unbounded => 0,
    };
    let end = match end {
        Bound::Included(n) => n.saturating_add(1).min(size),
        Bound::Excluded(n) => n.min(size),
        Bound::Unbounded => size,
    };
    (start < end).then_some(start..end)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mp4" | "m4s" => "video/mp4",
        "vtt" => "text/vtt; charset=utf-8",
        "json" => "application/json",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(range: &str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        requested(&headers, "\"e\"", size)
    }

    #[test]
    fn ranges_follow_rfc_9110() {
        assert_eq!(ask("bytes=0-", 10), Wanted::Part(0..10));
        assert_eq!(ask("bytes=2-3", 10), Wanted::Part(2..4));
        assert_eq!(ask("bytes=5-99", 10), Wanted::Part(5..10));
        assert_eq!(ask("bytes=-3", 10), Wanted::Part(7..10));
        assert_eq!(ask("bytes=10-", 10), Wanted::Unsatisfiable);
        assert_eq!(ask("bytes=0-1,4-5", 10), Wanted::Whole);
        assert_eq!(ask("lines=0-1", 10), Wanted::Whole);
        assert_eq!(requested(&HeaderMap::new(), "\"e\"", 10), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_version_of_the_file_gets_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(requested(&headers, "\"e\"", 10), Wanted::Whole);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"e\""));
        assert_eq!(requested(&headers, "\"e\"", 10), Wanted::Part(0..2));
    }
}
