//! Errors as RFC 9457 problems.

use appliance_app::AppError;
use appliance_app::error::Class;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_diag::Diagnose;
use serde::Serialize;
use utoipa::ToSchema;

/// An RFC 9457 problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: the code tells the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable, dotted: `upload.too-large`.
    code: String,
    /// One sentence.
    detail: String,
    /// What to do now.
    remedy: String,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) AppError);

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl From<appliance_app::ports::StoreError> for Refusal {
    fn from(error: appliance_app::ports::StoreError) -> Self {
        Self(error.into())
    }
}

impl Refusal {
    pub(crate) fn invalid(code: &'static str, what: impl Into<String>, remedy: &'static str) -> Self {
        Self(AppError::Invalid { code, what: what.into(), remedy })
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self(AppError::NotFound { what })
    }
}

fn status(class: Class) -> StatusCode {
    match class {
        Class::Unauthenticated => StatusCode::UNAUTHORIZED,
        Class::Forbidden => StatusCode::FORBIDDEN,
        Class::NotFound => StatusCode::NOT_FOUND,
        Class::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Class::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Class::Conflict => StatusCode::CONFLICT,
        Class::Full => StatusCode::INSUFFICIENT_STORAGE,
        Class::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A problem with this status.
pub(crate) fn respond(status: StatusCode, code: &str, detail: String, remedy: String) -> Response {
    let body = ProblemBody {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("error").to_owned(),
        status: status.as_u16(),
        code: code.to_owned(),
        detail,
        remedy,
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = self.0;
        if error.class() == Class::Internal {
            tracing::error!(error = %runtime_diag::one_line(&error), "request failed");
        }
        let mut response = respond(status(error.class()), error.code(), error.to_string(), error.remedy());
        if let Some(wait) = error.retry_after_ms() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.div_euclid(1000).max(0) + 1));
        }
        response
    }
}
