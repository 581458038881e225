//! What a page begins with: who looks at it, and how the queue stands; if nobody is logged in, how to.
//!
//! Promises: tells those who are not logged in nothing beyond that.

use axum::{extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::MeDto;
use crate::http::{
    Api,
    extract::Query,
    oidc,
    problem::ProblemDto,
    queue::QueueDto,
    who::{SESSION_COOKIE, cookie},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OptionsQuery {
    /// What else to tell those who are logged in, so that a page can begin with one request.
    with: Option<With>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum With {
    Queue,
}

/// Ways to log in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginOptionsDto {
    /// There is no user yet: `POST /setup` makes the first administrator.
    setup: bool,
    /// There is a login server: `GET /oidc/login` leads there.
    oidc: bool,
    /// The login server's host, as people know it; `null` without one.
    name: Option<String>,
    /// Who is logged in with this browser already; `null`: nobody.
    me: Option<MeDto>,
    /// With `with=queue`, for those who are logged in: as `GET /queue` tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueDto>,
}

/// Ways to log in here
#[utoipa::path(
    get,
    path = "/login-options",
    tag = "account",
    security(()),
    params(OptionsQuery),
    responses(
        (status = OK, body = LoginOptionsDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get(
    State(api): State<Api>,
    headers: HeaderMap,
    Query(query): Query<OptionsQuery>,
) -> axum::Json<LoginOptionsDto> {
    let http = &api.desk.config().http;
    let server = oidc::server_name(http);
    let session = cookie(&headers, SESSION_COOKIE);
    let caller = session.and_then(|text| api.access.by_session(text, http, Timestamp::now()));
    let queue = match (&caller, query.with) {
        (Some(_), Some(With::Queue)) => Some(QueueDto::from(&*api.desk.board())),
        _ => None,
    };
    axum::Json(LoginOptionsDto {
        setup: api.access.accounts().users().is_empty(),
        oidc: server.is_some(),
        name: server,
        me: caller.map(MeDto::from),
        queue,
    })
}
