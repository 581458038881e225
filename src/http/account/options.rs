//! What a page for logins has to offer.
//!
//! Promises: says nothing beyond that, since it asks nobody who they are.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{Api, oidc};

/// Ways to log in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginOptionsDto {
    /// There is no user yet: `POST /setup` makes the first administrator.
    setup: bool,
    /// There is a login server: `GET /oidc/login` leads there.
    oidc: bool,
    /// The login server's host, as people know it; `null` without one.
    name: Option<String>,
}

/// Ways to log in here
#[utoipa::path(
    get,
    path = "/login-options",
    tag = "account",
    security(()),
    responses((status = OK, body = LoginOptionsDto))
)]
pub(super) async fn get(State(api): State<Api>) -> axum::Json<LoginOptionsDto> {
    let server = oidc::server_name(&api.desk.config().http);
    axum::Json(LoginOptionsDto {
        setup: api.access.accounts().users().is_empty(),
        oidc: server.is_some(),
        name: server,
    })
}
