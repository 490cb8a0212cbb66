//! Projects and their members.

use appliance_app::{Manager, Viewer};
use appliance_domain::people::ProjectRole;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Body, id};
use crate::Shared;
use crate::auth::SignedIn;
use crate::problem::{ProblemBody, Refusal};
use crate::wire::{Items, ProjectBody, UserBody};

pub(crate) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(projects, create))
        .routes(routes!(project))
        .routes(routes!(members, add_member))
        .routes(routes!(set_member, remove_member))
}

/// A new project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProject {
    name: String,
}

/// A member of a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    user: UserBody,
    /// `owner`, `editor` or `viewer`.
    role: &'static str,
}

/// A role in a project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// `owner`, `editor` or `viewer`.
    role: String,
}

/// A person to add, by their exact user name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    username: String,
    /// `owner`, `editor` or `viewer`.
    role: String,
}

fn role(word: &str) -> Result<ProjectRole, Refusal> {
    ProjectRole::from_word(word).ok_or_else(|| {
        Refusal::invalid("member.role", format!("`{word}` is not a role"), "use `owner`, `editor` or `viewer`")
    })
}

/// The asker's projects, last changed first.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", security(("session" = ["use-account"])),
    responses((status = 200, body = Items<ProjectBody>)))]
async fn projects(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Items<ProjectBody>>, Refusal> {
    let found = shared.app.projects(&actor).await?;
    Ok(Json(Items { items: found.iter().map(|p| ProjectBody::of(&shared.app, &actor, p)).collect() }))
}

/// Make a project; the asker owns it.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", security(("session" = ["create-project"])),
    request_body = NewProject,
    responses((status = 201, body = ProjectBody), (status = 422, body = ProblemBody)))]
async fn create(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Body(body): Body<NewProject>,
) -> Result<(StatusCode, Json<ProjectBody>), Refusal> {
    let made = shared.app.create_project(&actor, &body.name).await?;
    Ok((StatusCode::CREATED, Json(ProjectBody::of(&shared.app, &actor, &made))))
}

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{id}", tag = "projects", security(("session" = ["read-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = ProjectBody), (status = 404, body = ProblemBody)))]
async fn project(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
) -> Result<Json<ProjectBody>, Refusal> {
    let viewer = Viewer::of(&shared.app, &actor, id(&project, "project")?).await?;
    Ok(Json(ProjectBody::of(&shared.app, &actor, &shared.app.project(&viewer).await?)))
}

/// Everybody in a project.
#[utoipa::path(get, path = "/api/v1/projects/{id}/members", tag = "projects", security(("session" = ["read-project"])),
    params(("id" = String, Path)),
    responses((status = 200, body = Items<MemberBody>), (status = 404, body = ProblemBody)))]
async fn members(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
) -> Result<Json<Items<MemberBody>>, Refusal> {
    let viewer = Viewer::of(&shared.app, &actor, id(&project, "project")?).await?;
    let found = shared.app.members(&viewer).await?;
    let items = found.iter().map(|(user, role)| MemberBody { user: user.into(), role: role.as_str() }).collect();
    Ok(Json(Items { items }))
}

/// Add a person by their exact user name.
#[utoipa::path(post, path = "/api/v1/projects/{id}/members", tag = "projects", security(("session" = ["manage-members"])),
    params(("id" = String, Path)), request_body = NewMember,
    responses((status = 201, body = MemberBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn add_member(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path(project): Path<String>,
    Body(body): Body<NewMember>,
) -> Result<(StatusCode, Json<MemberBody>), Refusal> {
    let manager = Manager::of(&shared.app, &actor, id(&project, "project")?).await?;
    let role = role(&body.role)?;
    let user = shared.app.add_member(&manager, &body.username, role).await?;
    Ok((StatusCode::CREATED, Json(MemberBody { user: (&user).into(), role: role.as_str() })))
}

/// Add a member by id, or change their role.
#[utoipa::path(put, path = "/api/v1/projects/{id}/members/{user}", tag = "projects",
    security(("session" = ["manage-members"])),
    params(("id" = String, Path), ("user" = String, Path)), request_body = NewRole,
    responses((status = 204), (status = 409, body = ProblemBody)))]
async fn set_member(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path((project, user)): Path<(String, String)>,
    Body(body): Body<NewRole>,
) -> Result<StatusCode, Refusal> {
    let manager = Manager::of(&shared.app, &actor, id(&project, "project")?).await?;
    shared.app.set_member(&manager, id(&user, "user")?, role(&body.role)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a member.
#[utoipa::path(delete, path = "/api/v1/projects/{id}/members/{user}", tag = "projects",
    security(("session" = ["manage-members"])),
    params(("id" = String, Path), ("user" = String, Path)),
    responses((status = 204), (status = 409, body = ProblemBody)))]
async fn remove_member(
    State(shared): State<Shared>,
    SignedIn(actor): SignedIn,
    Path((project, user)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let manager = Manager::of(&shared.app, &actor, id(&project, "project")?).await?;
    shared.app.remove_member(&manager, id(&user, "user")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
