//! Assets and their transcripts.

use appliance_app::Viewer;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::id;
use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{AssetBody, AssetPageBody, TranscriptBody};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(assets))
        .routes(routes!(asset))
        .routes(routes!(transcript))
        .routes(routes!(retry))
}

/// Where a page begins and how long it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// 1 to 200.
    #[serde(default = "fifty")]
    limit: u32,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn fifty() -> u32 {
    50
}

/// A page of a project's assets, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{id}/assets", tag = "assets", security(("session" = ["read-project"])),
    params(("id" = String, Path), Paging),
    responses((status = 200, body = AssetPageBody), (status = 404, body = ProblemBody)))]
async fn assets(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<AssetPageBody>, Refusal> {
    let viewer = Viewer::of(&shared.app, &actor, id(&project, "project")?).await?;
    let cursor = paging.cursor.as_deref().map(|text| id(text, "page")).transpose()?;
    let page = shared.app.assets(&viewer, cursor, paging.limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(AssetPageBody { items, next_cursor: page.next.map(|id| id.to_string()) }))
}

/// One asset, with fresh links to play it.
#[utoipa::path(get, path = "/api/v1/assets/{id}", tag = "assets", security(("session" = ["read-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = AssetBody), (status = 404, body = ProblemBody)))]
async fn asset(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(asset): Path<String>,
) -> Result<Json<AssetBody>, Refusal> {
    let asset = id(&asset, "asset")?;
    let viewer = shared.app.viewer_of_asset(&actor, asset).await?;
    Ok(Json((&shared.app.asset(&viewer, asset).await?).into()))
}

/// What was said.
#[utoipa::path(get, path = "/api/v1/assets/{id}/transcript", tag = "assets", security(("session" = ["read-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = TranscriptBody), (status = 404, body = ProblemBody)))]
async fn transcript(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(asset): Path<String>,
) -> Result<Json<TranscriptBody>, Refusal> {
    let asset = id(&asset, "asset")?;
    let viewer = shared.app.viewer_of_asset(&actor, asset).await?;
    Ok(Json(TranscriptBody::of(asset, &shared.app.transcript(&viewer, asset).await?)))
}

/// Try what failed of an asset again.
#[utoipa::path(post, path = "/api/v1/assets/{id}/retry", tag = "assets", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 202), (status = 409, body = ProblemBody)))]
async fn retry(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(asset): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.app.retry_asset(&actor, id(&asset, "asset")?).await?;
    Ok(StatusCode::ACCEPTED)
}
