//! Logins by a login server (OpenID Connect).
//!
//! Promises: a login that was begun ends once, in the same browser, within minutes; the role comes from the claim that
//! the settings name, at each login anew; whoever has none of its values is not let in.
//! Never in here: how the server is talked to (`provider`), sessions (`access`).

mod provider;
mod role;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::Url;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::provider::{Begun, Offer, Person, ProviderError, Secrets};
use super::{
    Api,
    account::{end_session_of, on_disk, session_cookie},
    blocking::blocking,
    extract::Query,
    problem::{Kind, Problem, ProblemDto},
    who::{SameSite, Sender, cookie, set_cookie},
};
use crate::{
    access::{Holder, Secret, SecretHash},
    config::{HttpConfig, OidcConfig},
};

/// Ties a login to the browser that began it.
const COOKIE: &str = "vc_oidc";
const COOKIE_PATH: &str = "/api/v1/oidc";
const LOGIN_LASTS: Duration = Duration::from_secs(600);
/// Under way at once; then the oldest are forgotten.
const MOST_LOGINS: usize = 1000;
/// Requests to the login server at once.
const ASKING_AT_ONCE: usize = 4;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(end))
        .layer(Extension(Arc::new(Logins::default())))
}

/// Logins that have been begun, and what the server offered last.
struct Logins {
    under_way: Mutex<HashMap<SecretHash, UnderWay>>,
    offer: Mutex<Option<Arc<Offer>>>,
    asking: Semaphore,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            offer: Mutex::default(),
            asking: Semaphore::new(ASKING_AT_ONCE),
        }
    }
}

struct UnderWay {
    browser: SecretHash,
    begun: Instant,
    offer: Arc<Offer>,
    secrets: Secrets,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Logins {
    fn remember(&self, state: &str, login: UnderWay) {
        let mut under_way = locked(&self.under_way);
        under_way.retain(|_, login| login.begun.elapsed() < LOGIN_LASTS);
        if under_way.len() >= MOST_LOGINS {
            let oldest = under_way.iter().min_by_key(|(_, login)| login.begun);
            if let Some(oldest) = oldest.map(|(state, _)| *state) {
                under_way.remove(&oldest);
            }
        }
        under_way.insert(SecretHash::of(state), login);
    }

    /// The login of this state, which is over with that.
    fn take(&self, state: &str, browser: Option<&str>) -> Option<UnderWay> {
        let login = locked(&self.under_way).remove(&SecretHash::of(state))?;
        let is_same_browser = browser.is_some_and(|browser| login.browser.opens(browser));
        (is_same_browser && login.begun.elapsed() < LOGIN_LASTS).then_some(login)
    }

    async fn offer(&self, config: &OidcConfig, redirect: &str) -> Result<Arc<Offer>, Problem> {
        let known = locked(&self.offer).clone();
        if let Some(offer) = known.filter(|offer| offer.serves(config, redirect) && offer.is_new()) {
            return Ok(offer);
        }
        let (config, redirect) = (config.clone(), redirect.to_owned());
        let asked = self.ask(move || Offer::ask(&config, &redirect)).await?;
        let offer = Arc::new(asked);
        *locked(&self.offer) = Some(Arc::clone(&offer));
        Ok(offer)
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ProviderError> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || {
            let detail = "too many logins at once; try again in a moment";
            Problem::new(Kind::TooManyRequests, detail).after(1)
        };
        let _place = self.asking.try_acquire().map_err(|_| busy())?;
        blocking(work).await?.map_err(|error| {
            tracing::warn!("login by {error}");
            Problem::new(
                Kind::Unavailable,
                "the login server gave no answer that holds; the log says why",
            )
        })
    }
}

/// The login server by its host, for people; `None`: nobody can log in by one.
pub fn server_name(config: &HttpConfig) -> Option<String> {
    let (oidc, _) = settings(config).ok()?;
    let issuer: Url = oidc.issuer.parse().ok()?;
    issuer.host_str().map(ToOwned::to_owned)
}

/// The settings and the address to which people are sent back.
fn settings(config: &HttpConfig) -> Result<(&OidcConfig, String), Problem> {
    let both = config.oidc.as_ref().zip(config.public_url.as_ref());
    let (oidc, public_url) = both.ok_or_else(|| Problem::not_found("there is no login server here"))?;
    let redirect = public_url.join("/api/v1/oidc/callback");
    Ok((oidc, redirect.map_err(Problem::internal)?.to_string()))
}

/// Sends a browser to the login server.
#[utoipa::path(
    get,
    path = "/oidc/login",
    tag = "account",
    security(()),
    responses(
        (status = SEE_OTHER, description = "To the login server"),
        (status = NOT_FOUND, description = "No login server is set", body = ProblemDto, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "The login server cannot be reached", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn begin(
    State(api): State<Api>,
    Extension(logins): Extension<Arc<Logins>>,
    sender: Sender,
) -> Result<Response, Problem> {
    let config = api.desk.config();
    let (oidc, redirect) = settings(&config.http)?;
    let offer = logins.offer(oidc, &redirect).await?;
    let Begun { url, state, secrets } = offer.begin();
    let browser = Secret::new("").map_err(Problem::internal)?;
    let cookie = set_cookie(
        COOKIE,
        browser.text(),
        COOKIE_PATH,
        SameSite::Lax,
        LOGIN_LASTS.as_secs(),
        sender.scheme,
    )?;
    logins.remember(
        &state,
        UnderWay {
            browser: browser.hash(),
            begun: Instant::now(),
            offer,
            secrets,
        },
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
}

/// What the login server sends somebody back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Back {
    state: String,
    code: Option<String>,
    error: Option<String>,
    /// Which server sends them (RFC 9207), where it says so.
    iss: Option<String>,
}

/// Takes somebody back from the login server, and logs them in.
#[utoipa::path(
    get,
    path = "/oidc/callback",
    tag = "account",
    security(()),
    params(Back),
    responses(
        (status = OK, description = "Logged in; the page leads on", body = String, content_type = "text/html"),
        (status = FORBIDDEN, description = "Not a login that this browser began, or no role", body = ProblemDto, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "No login server is set", body = ProblemDto, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "The login server cannot be reached", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn end(
    State(api): State<Api>,
    Extension(logins): Extension<Arc<Logins>>,
    sender: Sender,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Problem> {
    let config = api.desk.config();
    let (oidc, redirect) = settings(&config.http)?;
    let login = logins
        .take(&back.state, cookie(&headers, COOKIE))
        .ok_or_else(|| {
            Problem::forbidden(
                "this browser began no such login, or too long ago; begin again at /api/v1/oidc/login",
            )
        })?;
    if !login.offer.serves(oidc, &redirect) || back.iss.is_some_and(|issuer| issuer != oidc.issuer) {
        return Err(Problem::forbidden(
            "this is from another login server; begin again",
        ));
    }
    let Some(code) = back.code else {
        let error = back.error.unwrap_or_default();
        tracing::info!("the login server let somebody not in: {}", error.escape_debug());
        return Err(Problem::forbidden("the login server did not let you in"));
    };
    let UnderWay { offer, secrets, .. } = login;
    let person = logins.ask(move || offer.end(code, secrets)).await?;
    let holder = holder(person, oidc)?;
    let now = Timestamp::now();
    let (address, agent) = (sender.address, sender.agent);
    let name = holder.name().escape_debug().to_string();
    let session = on_disk(&api, move |access| {
        access.begin_session(holder, address, &agent, now)
    })
    .await?;
    end_session_of(&api, &headers, now).await?;
    tracing::info!("{name} logged in by {} from {address}", oidc.issuer);
    let gone = set_cookie(COOKIE, "", COOKIE_PATH, SameSite::Lax, 0, sender.scheme)?;
    let mut response = (session_cookie(&api, &session, sender.scheme)?, lead_on()).into_response();
    response.headers_mut().append(header::SET_COOKIE, gone);
    Ok(response)
}

fn holder(person: Person, oidc: &OidcConfig) -> Result<Holder, Problem> {
    let Some(role) = role::role_of(&person.claims, oidc) else {
        tracing::info!(
            "{} may not in: no value of the claim {} is among http.oidc_viewers, oidc_operators or oidc_admins",
            person.name.escape_debug(),
            oidc.claim
        );
        return Err(Problem::forbidden(
            "the login server knows you, but gives you no role here; an administrator can say which groups have one",
        ));
    };
    Ok(Holder::Oidc {
        issuer: person.issuer,
        subject: person.subject,
        name: person.name,
        role,
    })
}

/// A redirect would still count as begun by the login server, and browsers would keep the session's cookie back; a page of
/// ours that leads on does not.
fn lead_on() -> impl IntoResponse {
    const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0; url=/\">\
                        <title>Logged in</title><p>You are logged in. <a href=\"/\">Go on</a></p></html>\n";
    (StatusCode::OK, Html(PAGE))
}
