//! Logins, users, keys and sessions.
//!
//! Promises: a login begins a session of its own, whatever cookie came with it; a wrong name and a wrong password look the
//! same; who calls by a key changes no users, keys or sessions, so that what leaks does not outlive its revocation;
//! passwords and secrets go into no log and come back in no answer but a new key's own.
//! Never in here: what users, keys and sessions are (`access`), who may call what (`who`).

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::blocking,
    extract::{Json, Path},
    problem::{Kind, Problem, ProblemDto},
    who::{Admin, Caller, InPerson, SESSION_COOKIE, SameSite, Scheme, Sender, Viewer, cookie, set_cookie},
};
use crate::access::{
    Access, AccessError, AccountError, Attempt, Holder, How, Key, LoginError, NewKey, Password,
    PasswordError, Role, Secret, Session, SetupError, User, UserName,
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
        .routes(routes!(users, add_user))
        .routes(routes!(change_user, remove_user))
        .routes(routes!(keys, add_key))
        .routes(routes!(revoke_key))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
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
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByDto {
    Key,
    Session,
}

#[derive(Serialize, ToSchema)]
struct UserDto {
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

impl From<&User> for UserDto {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.to_string(),
            role: user.role,
            created: user.created.to_string(),
        }
    }
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

impl From<Caller> for MeDto {
    fn from(caller: Caller) -> Self {
        Self {
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
    api: axum::extract::State<Api>,
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
    api: axum::extract::State<Api>,
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
    api: axum::extract::State<Api>,
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
async fn users(api: axum::extract::State<Api>, _: Admin) -> axum::Json<UsersDto> {
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
    api: axum::extract::State<Api>,
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
    api: axum::extract::State<Api>,
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
    api: axum::extract::State<Api>,
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
async fn keys(api: axum::extract::State<Api>, Viewer(caller): Viewer) -> axum::Json<KeysDto> {
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
    api: axum::extract::State<Api>,
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
    api: axum::extract::State<Api>,
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
async fn sessions(api: axum::extract::State<Api>, Viewer(caller): Viewer) -> axum::Json<SessionsDto> {
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
    api: axum::extract::State<Api>,
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
