//! Sign-in, sign-out, the own password.

use std::net::SocketAddr;

use appliance_app::AppError;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum_extra::extract::cookie::CookieJar;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Body;
use crate::Shared;
use crate::auth::{self, SignedIn};
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{ChangePassword, SessionBody, SignIn};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(sign_in, session, sign_out)).routes(routes!(change_password))
}

/// Sign in with user name and password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()),
    request_body = SignIn,
    responses((status = 200, body = SessionBody), (status = 401, body = ProblemBody), (status = 429, body = ProblemBody)))]
async fn sign_in(
    State(shared): State<Shared>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    jar: CookieJar,
    Body(body): Body<SignIn>,
) -> Result<(CookieJar, Json<SessionBody>), Refusal> {
    let signed_in = shared.app.sign_in(&body.username, body.password, &client.ip().to_string()).await?;
    let answer = SessionBody::from(&signed_in.actor);
    Ok((jar.add(auth::cookie(signed_in.token)), Json(answer)))
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(("session" = ["use-account"])),
    responses((status = 200, body = SessionBody), (status = 401, body = ProblemBody)))]
async fn session(SignedIn(actor): SignedIn) -> Json<SessionBody> {
    Json((&actor).into())
}

/// Sign out. Without a live session there is nothing to end.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(("session" = ["use-account"])),
    responses((status = 204)))]
async fn sign_out(
    State(shared): State<Shared>,
    jar: CookieJar,
    actor: Result<SignedIn, Refusal>,
) -> Result<(CookieJar, StatusCode), Refusal> {
    match actor {
        Ok(SignedIn(actor)) => shared.app.sign_out(&actor).await?,
        Err(Refusal(AppError::SessionRequired)) => {}
        Err(other) => return Err(other),
    }
    Ok((jar.add(auth::no_cookie()), StatusCode::NO_CONTENT))
}

/// Change the own password; the person's other sessions end.
#[utoipa::path(post, path = "/api/v1/account/password", tag = "session", security(("session" = ["use-account"])),
    request_body = ChangePassword,
    responses((status = 204), (status = 422, body = ProblemBody)))]
async fn change_password(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Body(body): Body<ChangePassword>,
) -> Result<StatusCode, Refusal> {
    shared.app.change_password(&actor, body.current_password, body.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
