//! Uploads: presigned multipart, as in S3.

use appliance_app::Editor;
use appliance_app::uploads::{ClaimedPart, NewUpload};
use axum::Json;
use axum::body::Body as RequestBody;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Body, id};
use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{Items, UploadBody, time_of_seconds};

/// Most parts signed in one request.
const SIGN_MAX: usize = 1000;

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(begin, active))
        .routes(routes!(upload, abort))
        .routes(routes!(sign))
        .routes(routes!(complete))
        // A part has its own limit: exactly the bytes of that part.
        .merge(OpenApiRouter::new().routes(routes!(put_part)).layer(DefaultBodyLimit::disable()))
}

/// A file to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUploadBody {
    file_name: String,
    size: u64,
    /// The client's mark of the file: an open upload with the same mark and size is resumed.
    #[serde(default)]
    fingerprint: Option<String>,
    /// Hex SHA-256 of the whole file, checked when given.
    #[serde(default)]
    sha256: Option<String>,
}

/// Parts to sign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignParts {
    numbers: Vec<u64>,
}

/// A link to put one part.
#[derive(Serialize, ToSchema)]
struct PartLinkBody {
    number: u64,
    url: String,
    expires_at: String,
}

/// Links to put parts.
#[derive(Serialize, ToSchema)]
struct PartLinks {
    parts: Vec<PartLinkBody>,
}

/// A part as the client believes it was stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SentPart {
    number: u64,
    etag: String,
}

/// All parts are sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Complete {
    parts: Vec<SentPart>,
}

/// Begin an upload; one that was interrupted is found again by its fingerprint (then the status is 200).
#[utoipa::path(post, path = "/api/v1/projects/{id}/uploads", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path)), request_body = NewUploadBody,
    responses((status = 201, body = UploadBody), (status = 200, body = UploadBody), (status = 422, body = ProblemBody),
        (status = 507, body = ProblemBody)))]
async fn begin(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
    Body(body): Body<NewUploadBody>,
) -> Result<(StatusCode, Json<UploadBody>), Refusal> {
    let editor = Editor::of(&shared.app, &actor, id(&project, "project")?).await?;
    let NewUploadBody { file_name, size, fingerprint, sha256 } = body;
    let (view, found) = shared.app.begin_upload(&editor, NewUpload { file_name, size, fingerprint, sha256 }).await?;
    let status = if found { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json((&view).into())))
}

/// The asker's uploads that have not become assets, refused ones included until they are dismissed.
#[utoipa::path(get, path = "/api/v1/projects/{id}/uploads", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = Items<UploadBody>)))]
async fn active(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
) -> Result<Json<Items<UploadBody>>, Refusal> {
    let editor = Editor::of(&shared.app, &actor, id(&project, "project")?).await?;
    let found = shared.app.active_uploads(&editor).await?;
    Ok(Json(Items { items: found.iter().map(Into::into).collect() }))
}

/// One upload with the parts that are durably stored.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = UploadBody), (status = 404, body = ProblemBody)))]
async fn upload(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(upload): Path<String>,
) -> Result<Json<UploadBody>, Refusal> {
    Ok(Json((&shared.app.upload(&actor, id(&upload, "upload")?).await?).into()))
}

/// Give an upload up, or dismiss one that was refused.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path)),
    responses((status = 204), (status = 409, body = ProblemBody)))]
async fn abort(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(upload): Path<String>,
) -> Result<StatusCode, Refusal> {
    shared.app.abort_upload(&actor, id(&upload, "upload")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign links to put parts. They live a quarter of an hour; sign again at any time.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/parts", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path)), request_body = SignParts,
    responses((status = 200, body = PartLinks), (status = 422, body = ProblemBody)))]
async fn sign(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(upload): Path<String>,
    Body(body): Body<SignParts>,
) -> Result<Json<PartLinks>, Refusal> {
    if body.numbers.len() > SIGN_MAX {
        return Err(Refusal::invalid(
            "upload.too-many-parts",
            "at most 1000 parts are signed at once",
            "ask for fewer",
        ));
    }
    let links = shared.app.sign_parts(&actor, id(&upload, "upload")?, &body.numbers).await?;
    let parts = links.into_iter().map(|l| PartLinkBody {
        number: l.number,
        url: l.url,
        expires_at: time_of_seconds(l.expires),
    });
    Ok(Json(PartLinks { parts: parts.collect() }))
}

/// All parts are sent: have the bytes verified. The same `Idempotency-Key` again changes nothing.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/complete", tag = "uploads", security(("session" = ["edit-project"])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = Complete,
    responses((status = 202, body = UploadBody), (status = 409, body = ProblemBody)))]
async fn complete(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(upload): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Complete>,
) -> Result<(StatusCode, Json<UploadBody>), Refusal> {
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let claimed: Vec<_> = body.parts.into_iter().map(|p| ClaimedPart { number: p.number, etag: p.etag }).collect();
    let view = shared.app.complete_upload(&actor, id(&upload, "upload")?, key, &claimed).await?;
    Ok((StatusCode::ACCEPTED, Json((&view).into())))
}

/// Put one part under its signed link. `x-amz-checksum-sha256` (base64) is checked when sent.
#[utoipa::path(put, path = "/s/{token}/{upload}/{number}", tag = "uploads", security(()),
    params(("token" = String, Path), ("upload" = String, Path), ("number" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "stored; `ETag` names the part"), (status = 403, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
async fn put_part(
    State(shared): State<Shared>,
    Path((token, upload, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Response, Refusal> {
    let checksum = headers.get("x-amz-checksum-sha256").map(|value| {
        let digest = value.to_str().ok().and_then(|text| STANDARD.decode(text).ok()).and_then(|b| b.try_into().ok());
        digest.ok_or_else(|| {
            Refusal::invalid(
                "upload.checksum",
                "the header `x-amz-checksum-sha256` is not 32 bytes in base64",
                "send it in that form, or leave it out",
            )
        })
    });
    let stream = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other)).boxed();
    let part = shared.app.put_part(&token, id(&upload, "upload")?, number, stream, checksum.transpose()?).await?;
    let mut response = StatusCode::OK.into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", part.etag)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}
