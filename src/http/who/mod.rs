//! Who calls: extractors that let a handler be reached only by those who may, and what every answer carries.
//!
//! Promises: a request for a name that is not ours reaches no handler (DNS rebinding); a change by a cookie is made only
//! for a page of ours; a key that is wrong is not made good by a cookie beside it; nothing here touches the disk.
//! Never in here: what users, keys and sessions are (`access`), logins (`account`).

mod origin;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    Api,
    problem::{Kind, Problem},
};
pub use crate::access::Caller;
use crate::access::{How, Role};

pub use origin::{Scheme, SentBy};

/// Holds a session's secret.
pub const SESSION_COOKIE: &str = "vc_session";

macro_rules! extractor {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
                let caller = recognise(parts, api)?;
                if caller.role < Role::$name {
                    return Err(Problem::forbidden(format!(
                        "this is for the role {} and above, and you call as {}",
                        Role::$name,
                        caller.role
                    )));
                }
                Ok(Self(caller))
            }
        }

        impl AsRef<Caller> for $name {
            fn as_ref(&self) -> &Caller {
                &self.0
            }
        }
    };
}

extractor!(Viewer, "Somebody who may look.");
extractor!(Operator, "Somebody who may change tasks, the queue and uploads.");
extractor!(Admin, "Somebody who may change settings and users.");

/// The same, by a login and not by a key: a key that leaks must not make another, or a user, or end its owner's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPerson<R>(pub R);

impl<R: FromRequestParts<Api, Rejection = Problem> + AsRef<Caller>> FromRequestParts<Api> for InPerson<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = R::from_request_parts(parts, api).await?;
        match caller.as_ref().how {
            How::Session(_) => Ok(Self(caller)),
            How::Key(_) => Err(Problem::forbidden(
                "users, keys and sessions are changed by somebody who has logged in, not by a key; on the machine itself \
                 `video-compressor user` and `video-compressor key` do it",
            )),
        }
    }
}

fn recognise(parts: &Parts, api: &Api) -> Result<Caller, Problem> {
    let now = Timestamp::now();
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let key = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        return api.access.by_key(key, now).ok_or_else(Problem::unauthorized);
    }
    let cookie = cookie(&parts.headers, SESSION_COOKIE).ok_or_else(Problem::unauthorized)?;
    let caller = api.access.by_session(cookie, &api.desk.config().http, now);
    let caller = caller.ok_or_else(Problem::unauthorized)?;
    if !parts.method.is_safe() {
        let sender = Sender::of(parts, api)?;
        if sender.sent_by != SentBy::OurPage {
            return Err(not_our_page());
        }
    }
    Ok(caller)
}

fn not_our_page() -> Problem {
    Problem::forbidden(
        "a change by a login's cookie is taken from a page of this server only, and the browser must say so (Origin or \
         Sec-Fetch-Site); programs use a key. Behind a proxy with TLS, set http.public_url or http.trusted_proxies",
    )
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The one cookie of this name. Of two that differ, one was put there by somebody else.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// When a cookie is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never with a request that another site began.
    Strict,
    /// Also when another site leads here, as a login server does.
    Lax,
}

/// The header that sets a cookie which no script can read.
///
/// # Errors
/// When the value has characters that no cookie may have.
pub fn set_cookie(
    name: &str,
    value: &str,
    path: &str,
    same_site: SameSite,
    seconds: u64,
    scheme: Scheme,
) -> Result<HeaderValue, Problem> {
    let same_site = match same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
    };
    let secure = match scheme {
        Scheme::Https => "; Secure",
        Scheme::Http => "",
    };
    let cookie =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(Problem::internal)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Where a request comes from, for handlers that recognise nobody yet.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Behind trusted proxies.
    pub address: IpAddr,
    pub scheme: Scheme,
    /// What the program calls itself.
    pub agent: String,
    pub sent_by: SentBy,
}

impl Sender {
    fn of(parts: &Parts, api: &Api) -> Result<Self, Problem> {
        let config = api.desk.config();
        let host = origin::host_of(&parts.uri, &parts.headers).ok_or_else(not_ours)?;
        let origin = origin::origin_of(peer(&parts.extensions), &parts.headers, Some(&host), &config.http);
        let agent = parts.headers.get(header::USER_AGENT);
        Ok(Self {
            address: origin.address,
            scheme: origin.scheme,
            agent: agent
                .and_then(|agent| agent.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            sent_by: origin::sent_by(&parts.headers, &host, origin.scheme),
        })
    }

    /// Refuses what a page of somebody else has its visitor's browser send.
    ///
    /// # Errors
    /// When it is such.
    pub fn not_by_another_page(&self) -> Result<(), Problem> {
        match self.sent_by {
            SentBy::OurPage | SentBy::NotSaid => Ok(()),
            SentBy::OtherPage => Err(not_our_page()),
        }
    }
}

impl FromRequestParts<Api> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        Self::of(parts, api)
    }
}

/// A peer that is not known is trusted by nobody.
fn peer(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// Puts the check of the Host, and the headers of every answer, around everything.
pub fn guard(router: Router, api: Api) -> Router {
    router.layer(middleware::from_fn_with_state(api, guarded))
}

async fn guarded(State(api): State<Api>, request: Request, next: Next) -> Response {
    let is_ours = {
        let config = api.desk.config();
        let host = origin::host_of(request.uri(), request.headers());
        host.is_some_and(|host| origin::is_ours(&host, &config.http, api.address))
    };
    let is_head = request.method() == Method::HEAD;
    let mut response = if is_ours {
        next.run(request).await
    } else {
        let mut refused = not_ours().into_response();
        if is_head {
            *refused.body_mut() = axum::body::Body::empty();
        }
        refused
    };
    add_headers(response.headers_mut());
    response
}

fn not_ours() -> Problem {
    Problem::new(
        Kind::Misdirected,
        "this server does not go by that name (Host); add it to http.allowed_hosts, or set http.public_url",
    )
}

/// For answers that are no pages; a page says itself what it needs.
const NOTHING_LOADED: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Beside what a page says itself: of two policies, both count.
const NOT_FRAMED: &str = "frame-ancestors 'none'";

fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = if headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        NOT_FRAMED
    } else {
        NOTHING_LOADED
    };
    headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::sync::LazyLock;

    use axum::http::Uri;

    use super::*;
    use crate::config::{Config, HttpConfig, Sources};

    static CONFIG: LazyLock<Option<HttpConfig>> = LazyLock::new(|| {
        let settings = [
            ("allowed_hosts", "nas.local"),
            ("public_url", "https://v.example:8443"),
            ("trusted_proxies", "10.0.0.0/8"),
        ];
        let sources = Sources {
            root: "/nowhere".into(),
            file: None,
            environment: std::collections::BTreeMap::new(),
            flags: settings
                .map(|(key, value)| (format!("http.{key}"), value.to_owned()))
                .into(),
        };
        Config::load(&sources).ok().map(|loaded| loaded.config.http)
    });

    /// The head of a request: its address, then a header on each line.
    pub fn head(bytes: &[u8]) {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let Some(uri) = lines.next().and_then(|line| Uri::try_from(line).ok()) else {
            return;
        };
        let mut headers = HeaderMap::new();
        for line in lines.take(64) {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
            let value = parts.next().and_then(|value| HeaderValue::from_bytes(value).ok());
            if let (Some(name), Some(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        let _ = (bearer(&headers), cookie(&headers, SESSION_COOKIE));
        let (Some(config), Some(host)) = (CONFIG.as_ref(), origin::host_of(&uri, &headers)) else {
            return;
        };
        let listening = SocketAddr::from(([127, 0, 0, 1], 8265));
        if origin::is_ours(&host, config, listening) {
            let bare = host.name.trim_matches(['[', ']']);
            let is_known = ["localhost", "nas.local", "v.example"].contains(&bare);
            let is_loopback = bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
            assert!(is_known || is_loopback, "{host:?} is not ours");
        }
        let stranger = IpAddr::from([192, 0, 2, 1]);
        let origin = origin::origin_of(stranger, &headers, Some(&host), config);
        assert_eq!(origin.address, stranger, "nobody vouches for a stranger");
        let by_proxy = origin::origin_of(IpAddr::from([10, 0, 0, 1]), &headers, Some(&host), config);
        if origin::sent_by(&headers, &host, by_proxy.scheme) == SentBy::OurPage {
            let says = |name: &str| headers.contains_key(name);
            assert!(says("sec-fetch-site") || says("origin"), "nothing says so");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().fold(HeaderMap::new(), |mut headers, value| {
            headers.append(name.clone(), value.parse().unwrap());
            headers
        })
    }

    #[test]
    fn a_bearer_token_stands_alone() {
        for (values, expected) in [
            (&["Bearer vck_x"][..], Some("vck_x")),
            (&["bearer  vck_x "], Some("vck_x")),
            (&["Basic vck_x"], None),
            (&["vck_x"], None),
            (&["Bearer a", "Bearer b"], None),
            (&[], None),
        ] {
            assert_eq!(
                bearer(&headers(header::AUTHORIZATION, values)),
                expected,
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_with_two_values_is_none() {
        for (values, expected) in [
            (&["vc_session=a"][..], Some("a")),
            (&["x=1; vc_session=a; y=2"], Some("a")),
            (&["x=1", "vc_session=a"], Some("a")),
            (&["vc_session=a; vc_session=a"], Some("a")),
            (&["vc_session=a; vc_session=b"], None),
            (&["vc_session=a", "vc_session=b"], None),
            (&["xvc_session=a"], None),
            (&["vc_session"], None),
            (&[], None),
        ] {
            assert_eq!(
                cookie(&headers(header::COOKIE, values), SESSION_COOKIE),
                expected,
                "{values:?}"
            );
        }
    }

    #[test]
    fn cookies_are_for_this_site_and_for_no_script() {
        for (scheme, same_site, expected) in [
            (
                Scheme::Http,
                SameSite::Strict,
                "a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Strict",
            ),
            (
                Scheme::Https,
                SameSite::Lax,
                "a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
            ),
        ] {
            let cookie = set_cookie("a", "b", "/", same_site, 60, scheme).unwrap();
            assert_eq!(cookie.to_str().unwrap(), expected);
            assert!(cookie.is_sensitive());
        }
        assert!(set_cookie("a", "b\n", "/", SameSite::Lax, 60, Scheme::Http).is_err());
    }

    #[test]
    fn every_answer_says_what_browsers_may_do_with_it() {
        let mut plain = HeaderMap::new();
        add_headers(&mut plain);
        assert_eq!(plain[header::CACHE_CONTROL], "no-store");
        assert_eq!(plain[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(plain[header::CONTENT_SECURITY_POLICY], NOTHING_LOADED);
        let mut page = headers(header::CONTENT_SECURITY_POLICY, &["script-src 'self'"]);
        page.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        add_headers(&mut page);
        assert_eq!(page[header::CACHE_CONTROL], "max-age=60");
        let policies: Vec<_> = page.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(policies, ["script-src 'self'", NOT_FRAMED]);
    }
}
