//! Requests to a service elsewhere, and what its answers mean for the person.
//!
//! Promises: the key goes only to the server it is for (no redirect is followed) and shows up in no message; every request
//! ends when nothing moves for a while.

use std::{fmt::Write as _, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{
    Agent, Body, SendBody,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header},
    tls::{RootCerts, TlsConfig, TlsProvider},
    unversioned::{
        resolver::DefaultResolver,
        transport::{Connector as _, TcpConnector},
    },
};

use super::{
    super::{Exit, Failure},
    pinned::PinnedConnector,
    servers::{Certificate, Server},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Between two bytes. The server's fsync of what it has received lies in between.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(120);
/// No answer that is read as a whole is longer.
const ANSWER_LIMIT_BYTES: u64 = 64 << 20;

/// Why there is no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error("{0}; is it running, and is the address right?")]
    Unreachable(String),
    /// The server's own words.
    #[error("{detail}")]
    Refused { status: u16, detail: String },
    #[error("what answers there is not video-compressor ({0}); look at the address")]
    Strange(String),
}

impl RemoteError {
    /// Worth another try in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // A bad gateway is a proxy before a service that starts anew; 409 and 423 end when an older connection does.
            Self::Refused { status, .. } => {
                matches!(status, 408 | 409 | 423 | 429 | 500 | 502 | 503 | 504)
            }
            Self::Strange(_) => false,
        }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        let exit = match &error {
            RemoteError::Refused {
                status: 400..=499, ..
            } => Exit::Usage,
            RemoteError::Refused { .. } | RemoteError::Unreachable(_) | RemoteError::Strange(_) => {
                Exit::Environment
            }
        };
        Self {
            exit,
            message: format!("the server: {error}"),
        }
    }
}

/// RFC 9457.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// Talks to one server.
pub struct Client {
    agent: Agent,
    address: String,
    authorization: HeaderValue,
}

impl Client {
    /// A request ends when nothing moves for as long as `silence_limit`.
    ///
    /// # Errors
    /// When the key cannot be sent in a header.
    pub fn new(server: &Server, silence_limit: Duration) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", server.key.reveal()))
            .map_err(|_| Failure::usage("the key has characters that no key has; copy it anew"))?;
        authorization.set_sensitive(true);
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_LIMIT.min(silence_limit)))
            .timeout_per_read(Some(silence_limit))
            .timeout_per_write(Some(silence_limit))
            .user_agent(concat!("video-compressor/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = match server.certificate {
            Certificate::Trusted => Agent::new_with_config(config),
            Certificate::Pinned(sha256) => {
                let pinned =
                    PinnedConnector::new(sha256).map_err(|error| Failure::environment(error.to_string()))?;
                let connector = ().chain(TcpConnector::default()).chain(pinned);
                Agent::with_parts(config, connector, DefaultResolver::default())
            }
        };
        Ok(Self {
            agent,
            address: server.address.clone(),
            authorization,
        })
    }

    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// # Errors
    /// See [`RemoteError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RemoteError> {
        let response = self.send(Method::GET, path, &[], SendBody::none())?;
        json(response)
    }

    /// # Errors
    /// See [`RemoteError`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, RemoteError> {
        let text = body.to_string();
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut bytes = text.as_bytes();
        let response = self.send(Method::POST, path, &headers, SendBody::from_reader(&mut bytes))?;
        json(response)
    }

    /// An answer whose status is a success.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: SendBody<'_>,
    ) -> Result<Response<Body>, RemoteError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.address));
        if let Some(all) = request.headers_mut() {
            all.extend(headers.iter().cloned());
            all.insert(header::AUTHORIZATION, self.authorization.clone());
        }
        let request = request
            .body(body)
            .map_err(|error| RemoteError::Strange(error.to_string()))?;
        let response = self.agent.run(request).map_err(unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refused(response))
    }
}

fn unreachable(error: ureq::Error) -> RemoteError {
    RemoteError::Unreachable(match error {
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    })
}

fn json<T: DeserializeOwned>(mut response: Response<Body>) -> Result<T, RemoteError> {
    if response.status() == ureq::http::StatusCode::NO_CONTENT {
        return serde_json::from_value(Value::Null).map_err(|error| RemoteError::Strange(error.to_string()));
    }
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER_LIMIT_BYTES)
        .read_to_string();
    let text = text.map_err(unreachable)?;
    serde_json::from_str(&text).map_err(|error| RemoteError::Strange(error.to_string()))
}

fn refused(mut response: Response<Body>) -> RemoteError {
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        return RemoteError::Strange(format!("it sends elsewhere, status {status}"));
    }
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER_LIMIT_BYTES)
        .read_to_string();
    let problem = text
        .ok()
        .and_then(|text| serde_json::from_str::<Problem>(&text).ok());
    let detail = match (status, problem) {
        (401, _) => "it does not know this key; it may have expired or been revoked".to_owned(),
        (_, Some(Problem { detail, .. })) if !detail.is_empty() => detail,
        (_, Some(Problem { title, .. })) if !title.is_empty() => title,
        // The answer to a HEAD has no body.
        (404, None) => "there is no such thing there".to_owned(),
        (status, _) => format!("status {status}"),
    };
    RemoteError::Refused { status, detail }
}

/// A header as text.
#[must_use]
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A part of a path or a query: everything but letters, digits and `-._~` in percent signs.
#[must_use]
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
