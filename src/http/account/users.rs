//! Accounts: seen, made, changed and removed.
//!
//! Promises: the only administrator stays one; whoever changes their own password says the old one, and ends every other
//! session by it.
//! Never in here: logins.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{on_disk, session_cookie};
use crate::{
    access::{AccessError, AccountError, Attempt, Holder, LoginError, Password, Role, User, UserName},
    http::{
        Api,
        extract::{Json, Path},
        problem::{Problem, ProblemDto},
        who::{Admin, Caller, InPerson, Sender, Viewer},
    },
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(users, add_user))
        .routes(routes!(change_user, remove_user))
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserDto {
    name: String,
    role: Role,
    #[schema(format = DateTime)]
    created: String,
}

#[derive(Serialize, ToSchema)]
struct UsersDto {
    users: Vec<UserDto>,
}

#[derive(Deserialize, ToSchema)]
struct NewUserDto {
    name: String,
    role: Role,
    #[schema(format = Password, write_only, min_length = 10, max_length = 1024)]
    password: String,
}

/// What is left out stays.
#[derive(Deserialize, ToSchema)]
struct UserChangeDto {
    /// By an administrator.
    role: Option<Role>,
    /// Ends the user's sessions.
    #[schema(format = Password, write_only, min_length = 10, max_length = 1024)]
    password: Option<String>,
    /// Whoever changes their own password says the old one.
    #[schema(format = Password, write_only)]
    current_password: Option<String>,
}

impl From<&User> for UserDto {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.to_string(),
            role: user.role,
            created: user.created.to_string(),
        }
    }
}

/// Everybody who has an account here.
#[utoipa::path(
    get,
    path = "/users",
    tag = "account",
    responses(
        (status = OK, body = UsersDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn users(State(api): State<Api>, _: Admin) -> axum::Json<UsersDto> {
    let accounts = api.access.accounts();
    let users = accounts.users().iter().map(UserDto::from).collect();
    axum::Json(UsersDto { users })
}

/// Makes an account.
#[utoipa::path(
    post,
    path = "/users",
    tag = "account",
    request_body = NewUserDto,
    responses(
        (status = CREATED, body = UserDto),
        (status = CONFLICT, description = "The name is taken", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn add_user(
    State(api): State<Api>,
    InPerson(Admin(caller)): InPerson<Admin>,
    Json(new): Json<NewUserDto>,
) -> Result<Response, Problem> {
    let name: UserName = new.name.parse().map_err(AccessError::from)?;
    let password = Password::new(new.password).map_err(AccessError::from)?;
    let hash = api.access.hash(password).await?;
    let user = on_disk(&api, move |access| {
        access.edit(|accounts| {
            accounts.add_user(name.clone(), new.role, hash, Timestamp::now())?;
            let made = accounts.user(&name).map(UserDto::from);
            made.ok_or(AccountError::NoSuchUser(name))
        })
    });
    let user = user.await?;
    tracing::info!("{} made the user {} ({})", caller.name, user.name, user.role);
    Ok((StatusCode::CREATED, axum::Json(user)).into_response())
}

/// Changes a role or a password; one's own password, or as an administrator.
#[utoipa::path(
    patch,
    path = "/users/{name}",
    tag = "account",
    params(("name" = String, Path, description = "The user's name")),
    request_body = UserChangeDto,
    responses(
        (status = OK, body = UserDto),
        (status = CONFLICT, description = "The only administrator would be none", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn change_user(
    State(api): State<Api>,
    sender: Sender,
    InPerson(Viewer(caller)): InPerson<Viewer>,
    Path(name): Path<String>,
    Json(change): Json<UserChangeDto>,
) -> Result<Response, Problem> {
    let name = user_name(&name, &caller)?;
    let is_own = caller.user() == Some(&name);
    if caller.role < Role::Admin && (!is_own || change.role.is_some()) {
        return Err(Problem::forbidden("this is for administrators"));
    }
    let password = change.password.map(Password::new).transpose();
    let password = password.map_err(AccessError::from)?;
    let hash = match password {
        None => None,
        Some(password) => {
            if is_own {
                let attempt = Attempt {
                    name: name.to_string(),
                    password: change.current_password.unwrap_or_default(),
                    address: sender.address,
                    agent: String::new(),
                };
                let checked = api.access.check_password(attempt, Timestamp::now()).await;
                checked.map_err(|error| match error {
                    LoginError::Wrong => Problem::forbidden("current_password is wrong"),
                    other => other.into(),
                })?;
            }
            Some(api.access.hash(password).await?)
        }
    };
    let begins_anew = is_own && hash.is_some();
    let (user, holder) = on_disk(&api, move |access| {
        access.edit(|accounts| {
            if let Some(role) = change.role {
                if role < Role::Admin {
                    accounts.can_do_without(&name)?;
                }
                accounts.set_role(&name, role)?;
            }
            if let Some(hash) = hash {
                accounts.set_password(&name, hash)?;
            }
            let changed = accounts.user(&name);
            let changed = changed.map(|user| (UserDto::from(user), Holder::from(user)));
            changed.ok_or(AccountError::NoSuchUser(name))
        })
    })
    .await?;
    tracing::info!("{} changed the user {} ({})", caller.name, user.name, user.role);
    let mut response = axum::Json(user).into_response();
    if begins_anew {
        // All sessions have ended with the old password, this one too.
        let session = on_disk(&api, move |access| {
            access.begin_session(holder, sender.address, &sender.agent, Timestamp::now())
        });
        let [(name, value)] = session_cookie(&api, &session.await?, sender.scheme)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Removes an account, with its keys and sessions.
#[utoipa::path(
    delete,
    path = "/users/{name}",
    tag = "account",
    params(("name" = String, Path, description = "The user's name")),
    responses(
        (status = NO_CONTENT, description = "Removed"),
        (status = CONFLICT, description = "The only administrator stays", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn remove_user(
    State(api): State<Api>,
    InPerson(Admin(caller)): InPerson<Admin>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = user_name(&name, &caller)?;
    let removed = name.clone();
    on_disk(&api, move |access| {
        access.edit(|accounts| {
            accounts.can_do_without(&removed)?;
            accounts.remove_user(&removed)
        })
    })
    .await?;
    tracing::info!("{} removed the user {name}", caller.name);
    Ok(StatusCode::NO_CONTENT)
}

/// A name from a path. One that cannot be is nobody's.
fn user_name(text: &str, caller: &Caller) -> Result<UserName, Problem> {
    text.parse().map_err(|_| {
        if caller.role == Role::Admin {
            Problem::not_found("there is no such user")
        } else {
            Problem::forbidden("this is for administrators")
        }
    })
}
