//! What a page begins with: who looks at it, and if nobody is logged in, how to.
//!
//! Promises: tells those who are not logged in nothing beyond that.

use axum::{extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::MeDto;
use crate::http::{
    Api, oidc,
    who::{SESSION_COOKIE, cookie},
};

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
}

/// Ways to log in here
#[utoipa::path(
    get,
    path = "/login-options",
    tag = "account",
    security(()),
    responses((status = OK, body = LoginOptionsDto))
)]
pub(super) async fn get(State(api): State<Api>, headers: HeaderMap) -> axum::Json<LoginOptionsDto> {
    let http = &api.desk.config().http;
    let server = oidc::server_name(http);
    let session = cookie(&headers, SESSION_COOKIE);
    let caller = session.and_then(|text| api.access.by_session(text, http, Timestamp::now()));
    axum::Json(LoginOptionsDto {
        setup: api.access.accounts().users().is_empty(),
        oidc: server.is_some(),
        name: server,
        me: caller.map(MeDto::from),
    })
}
