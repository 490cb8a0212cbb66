//! The people of the appliance, for its administrators.

use appliance_domain::people::PlatformRole;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Body;
use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{Items, UserBody};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(users, invite))
}

/// A new person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    username: String,
    display_name: String,
    /// `admin`, `member` or `viewer`.
    role: String,
}

/// A new person and the password they start with. It is shown this once.
#[derive(Serialize, ToSchema)]
struct InvitedBody {
    user: UserBody,
    one_time_password: String,
}

/// All people.
#[utoipa::path(get, path = "/api/v1/users", tag = "people", security(("session" = ["manage-people"])),
    responses((status = 200, body = Items<UserBody>), (status = 403, body = ProblemBody)))]
async fn users(State(shared): State<Shared>, SignedIn(actor): SignedIn) -> Result<Json<Items<UserBody>>, Refusal> {
    let people = shared.app.people(&actor).await?;
    Ok(Json(Items { items: people.iter().map(Into::into).collect() }))
}

/// Add a person.
#[utoipa::path(post, path = "/api/v1/users", tag = "people", security(("session" = ["manage-people"])),
    request_body = NewUser,
    responses((status = 201, body = InvitedBody), (status = 409, body = ProblemBody)))]
async fn invite(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Body(body): Body<NewUser>,
) -> Result<(StatusCode, Json<InvitedBody>), Refusal> {
    let role = PlatformRole::from_word(&body.role).ok_or_else(|| {
        Refusal::invalid("user.role", format!("`{}` is not a role", body.role), "use `admin`, `member` or `viewer`")
    })?;
    let invited = shared.app.invite(&actor, &body.username, &body.display_name, role).await?;
    let answer = InvitedBody { user: (&invited.user).into(), one_time_password: invited.one_time_password };
    Ok((StatusCode::CREATED, Json(answer)))
}
