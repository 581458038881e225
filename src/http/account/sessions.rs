//! Sessions: listed and ended.
//!
//! Never in here: how one begins (`account`, `oidc`).

use axum::{extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::on_disk;
use crate::{
    access::{How, Role, Session},
    http::{
        Api,
        extract::Path,
        problem::{Problem, ProblemDto},
        who::{Caller, InPerson, Viewer},
    },
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(sessions))
        .routes(routes!(end_session))
}

#[derive(Serialize, ToSchema)]
struct SessionDto {
    id: String,
    name: String,
    #[schema(format = DateTime)]
    created: String,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used: String,
    /// Where the login came from.
    address: String,
    /// What the browser called itself.
    agent: String,
    /// Whether this request is made by it.
    current: bool,
}

#[derive(Serialize, ToSchema)]
struct SessionsDto {
    sessions: Vec<SessionDto>,
}

/// One's own sessions; all of them for an administrator.
#[utoipa::path(
    get,
    path = "/sessions",
    tag = "account",
    responses(
        (status = OK, body = SessionsDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn sessions(State(api): State<Api>, Viewer(caller): Viewer) -> axum::Json<SessionsDto> {
    let standing = api.access.sessions(&api.desk.config().http, Timestamp::now());
    let sessions = standing
        .into_iter()
        .filter(|session| may_see_session(&caller, session));
    let sessions = sessions.map(|session| SessionDto {
        current: caller.how == How::Session(session.id.clone()),
        name: session.holder.name().to_owned(),
        id: session.id,
        created: session.created.to_string(),
        last_used: session.last_used.to_string(),
        address: session.address,
        agent: session.agent,
    });
    axum::Json(SessionsDto {
        sessions: sessions.collect(),
    })
}

fn may_see_session(caller: &Caller, session: &Session) -> bool {
    caller.role == Role::Admin || caller.holder.is_same_person(&session.holder)
}

/// Ends a session.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    tag = "account",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = NO_CONTENT, description = "It has ended"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn end_session(
    State(api): State<Api>,
    InPerson(Viewer(caller)): InPerson<Viewer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let standing = api.access.sessions(&api.desk.config().http, Timestamp::now());
    let known = standing.iter().find(|session| session.id == id);
    if !known.is_some_and(|session| may_see_session(&caller, session)) {
        return Err(Problem::not_found("there is no such session"));
    }
    on_disk(&api, move |access| access.end_session(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
