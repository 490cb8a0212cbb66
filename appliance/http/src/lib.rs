//! The only crate that knows HTTP: REST with its OpenAPI document, `/ws`, the signed media edge, sign-in, the browser
//! app's files.
//!
//! Invariants: every operation declares what it needs (`security` in its OpenAPI description: the action, or nothing for
//! the few public ones); a handler holds a capability before it calls a use case; errors leave as RFC 9457 problems;
//! every body has a limit. Deliberately not here: TLS and sockets (the composition root binds them).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auth;
mod edge;
mod problem;
mod routes;
mod security;
mod ui;
mod wire;
mod ws;

use std::sync::Arc;

use appliance_app::App;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use security::Scheme;
pub use ui::{UiFile, UiFiles};

/// Most bytes of a JSON body.
const JSON_MAX: usize = 1 << 20;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) app: Arc<App>,
    pub(crate) about: About,
    pub(crate) ui: UiFiles,
    pub(crate) openapi: std::sync::OnceLock<String>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("about", &self.0.about).finish_non_exhaustive()
    }
}

impl std::ops::Deref for Shared {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What the appliance says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Version of the executable.
    pub version: String,
    /// Release that it was installed from, if any.
    pub release: Option<String>,
    /// PEM of the CA that signed its certificate, if it has its own.
    pub ca_pem: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Strongroom", description = "The API of a Strongroom appliance. Times are RFC 3339 in UTC, spans are milliseconds, errors are RFC 9457 problems with a stable `code` and a `remedy`.", license(name = "Apache-2.0")),
    modifiers(&Scheme)
)]
struct Document;

fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(routes::session::router())
        .merge(routes::people::router())
        .merge(routes::projects::router())
        .merge(routes::uploads::router())
        .merge(routes::assets::router())
        .merge(routes::jobs::router())
        .merge(routes::system::router())
}

/// The OpenAPI document, pretty JSON.
#[must_use]
pub fn openapi() -> String {
    api().into_openapi().to_pretty_json().unwrap_or_default()
}

/// The whole service.
pub fn router(app: Arc<App>, about: About, ui: UiFiles) -> Router {
    let shared = Shared(Arc::new(Inner { app, about, ui, openapi: std::sync::OnceLock::new() }));
    let (api, document) = api().split_for_parts();
    let _ = shared.openapi.set(document.to_pretty_json().unwrap_or_default());
    let span = |request: &axum::http::Request<_>| {
        let id = request.headers().get("x-request-id").and_then(|v| v.to_str().ok()).unwrap_or("-");
        // The path of a signed link holds a token: only its first segment is logged.
        let path = security::path_for_log(request.uri().path());
        tracing::info_span!("request", method = %request.method(), path, id)
    };
    api.layer(DefaultBodyLimit::max(JSON_MAX))
        .merge(edge::router())
        .merge(ws::router())
        .fallback(ui::serve)
        .layer(middleware::from_fn(security::same_origin))
        .layer(middleware::from_fn(security::headers))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(shared)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_operation_declares_what_it_needs() {
        let document: serde_json::Value = serde_json::from_str(&super::openapi()).unwrap();
        let mut seen = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["security"].is_array(), "{method} {path} declares no permission");
                seen += 1;
            }
        }
        assert!(seen >= 25, "only {seen} operations");
    }
}
