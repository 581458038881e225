//! What a page for logins has to offer.
//!
//! Promises: says nothing beyond that, since it asks nobody who they are.

use axum::{extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    Api, oidc,
    who::{SESSION_COOKIE, cookie},
};

/// Ways to log in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginOptionsDto {
    /// There is no user yet: `POST /setup` makes the first administrator.
    setup: bool,
    /// There is a login server: `GET /oidc/login` leads there.
    oidc: bool,
    /// The login server's host, as people know it; `null` without one.
    name: Option<String>,
    /// This browser is logged in already.
    session: bool,
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
    let session =
        cookie(&headers, SESSION_COOKIE).and_then(|text| api.access.by_session(text, http, Timestamp::now()));
    axum::Json(LoginOptionsDto {
        setup: api.access.accounts().users().is_empty(),
        oidc: server.is_some(),
        name: server,
        session: session.is_some(),
    })
}
