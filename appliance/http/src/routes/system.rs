//! Health, version, the certificate authority, the API's own description.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{ProblemBody, Refusal};
use crate::{Shared, problem};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(version))
        .routes(routes!(authority))
        .routes(routes!(openapi))
}

/// What runs here.
#[derive(Serialize, ToSchema)]
struct VersionInfo {
    product: &'static str,
    /// Of the executable.
    version: String,
    /// The release that it was installed from.
    release: Option<String>,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()), responses((status = 200)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The appliance can do its work: databases and objects answer.
#[utoipa::path(get, path = "/readyz", tag = "system", security(()),
    responses((status = 200), (status = 503, body = ProblemBody)))]
async fn readyz(State(shared): State<Shared>) -> Response {
    let ports = shared.app.ports();
    let checks = async {
        ports.accounts.count().await?;
        ports.catalog.last_event().await?;
        ports.objects.free_bytes().await
    };
    match checks.await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(error = %runtime_diag::one_line(&error), "not ready");
            problem::respond(
                StatusCode::SERVICE_UNAVAILABLE,
                "system.not-ready",
                "the appliance cannot reach its data".into(),
                "look at its log on the host".into(),
            )
        }
    }
}

/// Product and version.
#[utoipa::path(get, path = "/api/v1/version", tag = "system", security(()), responses((status = 200, body = VersionInfo)))]
async fn version(State(shared): State<Shared>) -> Json<VersionInfo> {
    let about = &shared.about;
    Json(VersionInfo { product: "strongroom", version: about.version.clone(), release: about.release.clone() })
}

/// The certificate of the appliance's own CA, to be trusted by the browsers of this network.
#[utoipa::path(get, path = "/ca.crt", tag = "system", security(()),
    responses((status = 200, content_type = "application/x-x509-ca-cert"), (status = 404, body = ProblemBody)))]
async fn authority(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let pem = shared.about.ca_pem.clone().ok_or(Refusal::not_found("certificate authority"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"strongroom-ca.crt\""),
    ];
    Ok((headers, pem).into_response())
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "system", security(()), responses((status = 200)))]
async fn openapi(State(shared): State<Shared>) -> Response {
    let document = shared.openapi.get().cloned().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}
