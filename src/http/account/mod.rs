//! Logins, users, keys and sessions.
//!
//! Promises: a login begins a session of its own, whatever cookie came with it; a wrong name and a wrong password look the
//! same; who calls by a key changes no users, keys or sessions, so that what leaks does not outlive its revocation;
//! passwords and secrets go into no log and come back in no answer but a new key's own.
//! Never in here: what users, keys and sessions are (`access`), who may call what (`who`).

mod keys;
mod options;
mod sessions;
mod users;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::users::UserDto;
use super::{
    Api,
    blocking::blocking,
    extract::Json,
    problem::{Kind, Problem, ProblemDto},
    who::{Caller, SESSION_COOKIE, SameSite, Scheme, Sender, Viewer, cookie, set_cookie},
};
use crate::access::{
    Access, AccessError, AccountError, Attempt, How, LoginError, Password, PasswordError, Role, Secret,
    SetupError, UserName,
};

/// The throttle's name for attempts at the setup token; no user can have it.
const SETUP: &str = "setup token";

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(me))
        .routes(routes!(set_up))
        .routes(routes!(options::get))
        .merge(users::routes())
        .merge(keys::routes())
        .merge(sessions::routes())
}

#[derive(Deserialize, ToSchema)]
struct LoginDto {
    name: String,
    #[schema(format = Password, write_only)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
struct SetupDto {
    /// What stands in conf/setup-token.
    #[schema(format = Password, write_only)]
    token: String,
    name: String,
    #[schema(format = Password, write_only, min_length = 10, max_length = 1024)]
    password: String,
}

/// Who calls.
#[derive(Serialize, ToSchema)]
struct MeDto {
    name: String,
    role: Role,
    by: ByDto,
    /// An account of this server, with a password and keys; false: a login server vouches for the caller.
    has_account: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByDto {
    Key,
    Session,
}

impl From<Caller> for MeDto {
    fn from(caller: Caller) -> Self {
        Self {
            has_account: caller.user().is_some(),
            name: caller.name,
            role: caller.role,
            by: match caller.how {
                How::Key(_) => ByDto::Key,
                How::Session(_) => ByDto::Session,
            },
        }
    }
}

/// Logs in; the answer sets a cookie.
#[utoipa::path(
    post,
    path = "/login",
    tag = "account",
    security(()),
    request_body = LoginDto,
    responses(
        (status = OK, body = MeDto),
        (status = UNAUTHORIZED, description = "Name or password is wrong", body = ProblemDto, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, description = "Too many attempts; Retry-After says how long to wait", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn log_in(
    State(api): State<Api>,
    sender: Sender,
    headers: HeaderMap,
    Json(login): Json<LoginDto>,
) -> Result<Response, Problem> {
    sender.not_by_another_page()?;
    let now = Timestamp::now();
    let attempt = Attempt {
        name: login.name,
        password: login.password,
        address: sender.address,
        agent: sender.agent,
    };
    let session = api.access.log_in(attempt, now).await;
    let session = session.inspect_err(|error| {
        // Not the name: people type passwords there.
        tracing::info!("a login from {} failed: {error}", sender.address);
    })?;
    // Whatever was in the browser before is over, whoever put it there.
    end_session_of(&api, &headers, now).await?;
    let caller = api
        .access
        .by_session(session.text(), &api.desk.config().http, now);
    let caller = caller.ok_or_else(Problem::unauthorized)?;
    tracing::info!("{} logged in from {}", caller.name, sender.address);
    let cookie = session_cookie(&api, &session, sender.scheme)?;
    Ok((cookie, axum::Json(MeDto::from(caller))).into_response())
}

/// The header that hands a session to a browser.
pub(super) fn session_cookie(
    api: &Api,
    session: &Secret,
    scheme: Scheme,
) -> Result<[(HeaderName, HeaderValue); 1], Problem> {
    let seconds = api.desk.config().http.session.as_secs();
    let cookie = set_cookie(
        SESSION_COOKIE,
        session.text(),
        "/",
        SameSite::Strict,
        seconds,
        scheme,
    )?;
    Ok([(header::SET_COOKIE, cookie)])
}

/// Ends the session whose cookie came along, if one did.
pub(super) async fn end_session_of(api: &Api, headers: &HeaderMap, now: Timestamp) -> Result<(), Problem> {
    let Some(text) = cookie(headers, SESSION_COOKIE) else {
        return Ok(());
    };
    let Some(caller) = api.access.by_session(text, &api.desk.config().http, now) else {
        return Ok(());
    };
    let How::Session(id) = caller.how else {
        return Ok(());
    };
    on_disk(api, move |access| access.end_session(&id)).await?;
    Ok(())
}

/// Ends the session that makes this request.
#[utoipa::path(
    post,
    path = "/logout",
    tag = "account",
    responses(
        (status = NO_CONTENT, description = "Logged out"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn log_out(
    State(api): State<Api>,
    sender: Sender,
    Viewer(caller): Viewer,
) -> Result<Response, Problem> {
    let How::Session(id) = caller.how else {
        return Err(Problem::conflict("a key has no session to end; revoke the key"));
    };
    on_disk(&api, move |access| access.end_session(&id)).await?;
    let gone = set_cookie(SESSION_COOKIE, "", "/", SameSite::Strict, 0, sender.scheme)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Who calls, and what they may.
#[utoipa::path(
    get,
    path = "/me",
    tag = "account",
    responses(
        (status = OK, body = MeDto),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn me(Viewer(caller): Viewer) -> axum::Json<MeDto> {
    axum::Json(caller.into())
}

/// Makes the first administrator; works while there is no user.
#[utoipa::path(
    post,
    path = "/setup",
    tag = "account",
    security(()),
    request_body = SetupDto,
    responses(
        (status = CREATED, body = UserDto),
        (status = FORBIDDEN, description = "The token is wrong", body = ProblemDto, content_type = "application/problem+json"),
        (status = CONFLICT, description = "There are users already", body = ProblemDto, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, description = "Too many attempts", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn set_up(
    State(api): State<Api>,
    sender: Sender,
    Json(setup): Json<SetupDto>,
) -> Result<Response, Problem> {
    sender.not_by_another_page()?;
    let now = Timestamp::now();
    let name: UserName = setup.name.parse().map_err(AccessError::from)?;
    let password = Password::new(setup.password).map_err(AccessError::from)?;
    api.access.begin_attempt(SETUP, sender.address, now)?;
    let (access, made) = (Arc::clone(&api.access), name.clone());
    blocking(move || access.set_up(&setup.token, made, &password, now)).await??;
    tracing::info!(
        "{name}, the first administrator, was made from {}",
        sender.address
    );
    let accounts = api.access.accounts();
    let user = accounts
        .user(&name)
        .ok_or_else(|| Problem::internal("the new user is gone"))?;
    Ok((StatusCode::CREATED, axum::Json(UserDto::from(user))).into_response())
}

/// Work on the files of `access`.
pub(super) async fn on_disk<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Access) -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Problem> {
    let access = Arc::clone(&api.access);
    Ok(blocking(move || work(&access)).await??)
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let kind = match &error {
            AccessError::Refused(refused) => match refused {
                AccountError::BadName
                | AccountError::BadLabel
                | AccountError::ExpiredAlready
                | AccountError::BeyondOwner { .. } => Kind::Unprocessable,
                AccountError::NameTaken(_)
                | AccountError::LastAdministrator(_)
                | AccountError::TooManyKeys(_) => Kind::Conflict,
                AccountError::NoSuchUser(_) | AccountError::NoSuchKey(_) => Kind::NotFound,
                AccountError::NoRandomness(_) => Kind::Internal,
            },
            AccessError::Password(PasswordError::TooShort | PasswordError::TooLong) => Kind::Unprocessable,
            AccessError::Durable(error) if error.is_out_of_space() => Kind::InsufficientStorage,
            AccessError::Password(PasswordError::NotHashed)
            | AccessError::Unreadable { .. }
            | AccessError::Corrupt { .. }
            | AccessError::Durable(_)
            | AccessError::NoRandomness(_) => Kind::Internal,
        };
        match kind {
            Kind::Internal => Self::internal(error),
            // Its text has a path of the machine.
            Kind::InsufficientStorage => Self::new(kind, "the disk of conf/ is full; make room there"),
            kind => Self::new(kind, error.to_string()),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::new(Kind::Unauthorized, error.to_string()),
            LoginError::Wait(wait) => {
                Self::new(Kind::TooManyRequests, error.to_string()).after(wait.as_secs() + 1)
            }
            LoginError::Busy => Self::new(Kind::TooManyRequests, error.to_string()).after(1),
            LoginError::Access(error) => error.into(),
        }
    }
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::WrongToken => Self::forbidden(error.to_string()),
            SetupError::Done => Self::conflict(error.to_string()),
            SetupError::Access(error) => error.into(),
        }
    }
}
