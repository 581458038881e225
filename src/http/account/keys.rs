//! API keys: listed, made and revoked.
//!
//! Promises: a key's text is in the answer that makes it, and nowhere else.
//! Never in here: what a key opens (`who`).

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::on_disk;
use crate::{
    access::{AccessError, Key, NewKey, Role, UserName},
    http::{
        Api,
        extract::{Json, Path},
        problem::{Problem, ProblemDto},
        who::{Caller, InPerson, Viewer},
    },
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(keys, add_key))
        .routes(routes!(revoke_key))
}

#[derive(Serialize, ToSchema)]
struct KeyDto {
    id: String,
    user: String,
    label: String,
    role: Role,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct KeysDto {
    keys: Vec<KeyDto>,
}

#[derive(Deserialize, ToSchema)]
struct NewKeyDto {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    label: String,
    /// What it may do at most.
    role: Role,
    /// From then on it opens nothing; none: until it is revoked.
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// Whose it is; by an administrator. None: one's own.
    user: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct MadeKeyDto {
    #[serde(flatten)]
    key: KeyDto,
    /// Shown this once.
    secret: String,
}

impl From<&Key> for KeyDto {
    fn from(key: &Key) -> Self {
        Self {
            id: key.id.clone(),
            user: key.user.to_string(),
            label: key.label.clone(),
            role: key.role,
            created: key.created.to_string(),
            expires: key.expires.map(|time| time.to_string()),
            last_used: key.last_used.map(|time| time.to_string()),
        }
    }
}

/// One's own keys; all of them for an administrator.
#[utoipa::path(
    get,
    path = "/keys",
    tag = "account",
    responses(
        (status = OK, body = KeysDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn keys(State(api): State<Api>, Viewer(caller): Viewer) -> axum::Json<KeysDto> {
    let accounts = api.access.accounts();
    let keys = accounts.keys().iter().filter(|key| may_see_key(&caller, key));
    axum::Json(KeysDto {
        keys: keys.map(KeyDto::from).collect(),
    })
}

fn may_see_key(caller: &Caller, key: &Key) -> bool {
    caller.role == Role::Admin || caller.user() == Some(&key.user)
}

/// Makes a key. The answer is the only place that ever shows it.
#[utoipa::path(
    post,
    path = "/keys",
    tag = "account",
    request_body = NewKeyDto,
    responses(
        (status = CREATED, body = MadeKeyDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn add_key(
    State(api): State<Api>,
    InPerson(Viewer(caller)): InPerson<Viewer>,
    Json(new): Json<NewKeyDto>,
) -> Result<Response, Problem> {
    let user = match (&new.user, caller.user()) {
        (None, Some(own)) => own.clone(),
        (None, None) => {
            return Err(Problem::unprocessable(
                "keys belong to accounts of this server; name one (user)",
            ));
        }
        (Some(other), own) => {
            let other: UserName = other.parse().map_err(AccessError::from)?;
            if caller.role < Role::Admin && own != Some(&other) {
                return Err(Problem::forbidden("keys of others are for administrators"));
            }
            other
        }
    };
    let expires = new.expires.as_deref().map(str::parse::<Timestamp>).transpose();
    let expires = expires.map_err(|_| Problem::unprocessable("expires: a time as 2027-01-31T12:00:00Z"))?;
    let new = NewKey {
        user,
        label: new.label,
        role: new.role,
        expires,
    };
    let made = on_disk(&api, move |access| {
        access.edit(|accounts| accounts.add_key(new, Timestamp::now()))
    });
    let (key, secret) = made.await?;
    tracing::info!(
        "{} made the key {} of {} ({})",
        caller.name,
        key.id,
        key.user,
        key.role
    );
    let made = MadeKeyDto {
        key: (&key).into(),
        secret: secret.text().to_owned(),
    };
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}

/// Revokes a key.
#[utoipa::path(
    delete,
    path = "/keys/{id}",
    tag = "account",
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = NO_CONTENT, description = "It opens nothing any more"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn revoke_key(
    State(api): State<Api>,
    InPerson(Viewer(caller)): InPerson<Viewer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let accounts = api.access.accounts();
    let known = accounts.keys().iter().find(|key| key.id == id);
    if !known.is_some_and(|key| may_see_key(&caller, key)) {
        return Err(Problem::not_found("there is no such key"));
    }
    tracing::info!("{} revokes the key {id}", caller.name);
    on_disk(&api, move |access| {
        access.edit(|accounts| accounts.revoke_key(&id))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
