//! Background work of a project.

use appliance_app::Viewer;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::id;
use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{Items, JobBody};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(jobs)).routes(routes!(cancel)).routes(routes!(retry))
}

/// The newest 200 jobs of a project.
#[utoipa::path(get, path = "/api/v1/projects/{id}/jobs", tag = "jobs", security(("session" = ["read-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = Items<JobBody>), (status = 404, body = ProblemBody)))]
async fn jobs(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
) -> Result<Json<Items<JobBody>>, Refusal> {
    let viewer = Viewer::of(&shared.app, &actor, id(&project, "project")?).await?;
    let found = shared.app.jobs(&viewer).await?;
    Ok(Json(Items { items: found.iter().map(Into::into).collect() }))
}

/// Ask a job to stop.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 202), (status = 404, body = ProblemBody)))]
async fn cancel(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(job): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.app.cancel_job(&actor, id(&job, "job")?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Try a failed or stopped job again.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 202), (status = 409, body = ProblemBody)))]
async fn retry(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(job): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.app.retry_job(&actor, id(&job, "job")?).await?;
    Ok(StatusCode::ACCEPTED)
}
