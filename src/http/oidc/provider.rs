//! Talks to the login server: what it offers, where to send somebody, and who came back.
//!
//! Promises: authorization code with PKCE, state and nonce; a token counts only with the server's signature, for this
//! client, in its time; requests end in time, follow no redirect, and go nowhere in the clear but to this machine.
//! Blocks; never call it on a thread that answers. Never in here: browsers, cookies, roles.

use std::time::{Duration, Instant};

use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
        CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig, TlsProvider},
};
use url::Url;

use super::role::{self, Claims};
use crate::config::OidcConfig;

/// For one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Of one answer; keys and tokens are some kilobytes.
const ANSWER_LIMIT_BYTES: u64 = 1024 * 1024;
/// After so long the server is asked anew what it offers, and for its keys.
const OFFER_LASTS: Duration = Duration::from_secs(300);
/// Asked for where the server names them among what it knows; the claim of the roles is often behind one.
const SCOPES: [&str; 4] = ["profile", "email", "groups", "roles"];

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct OtherClaims {
    #[serde(flatten)]
    all: Claims,
}

impl AdditionalClaims for OtherClaims {}

type IdFields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<IdFields, CoreTokenType>;
type OurClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody came back, in words for the log: one line, no secrets.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {}", causes(&**cause))]
pub struct ProviderError {
    doing: &'static str,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl ProviderError {
    fn is_unknown_key(&self) -> bool {
        let cause = self.cause.downcast_ref::<ClaimsVerificationError>();
        matches!(
            cause,
            Some(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
            ))
        )
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Some of it are the server's own words.
    text.replace(char::is_control, " ")
}

trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, ProviderError>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str) -> Result<T, ProviderError> {
        self.map_err(|error| ProviderError {
            doing,
            cause: error.into(),
        })
    }
}

/// What a login server offers, as it was a while ago.
#[derive(Debug, Clone)]
pub struct Offer {
    config: OidcConfig,
    redirect: RedirectUrl,
    metadata: CoreProviderMetadata,
    asked: Instant,
}

/// A login that has been begun: where the browser goes, and what has to match when it comes back.
pub struct Begun {
    pub url: Url,
    pub state: String,
    pub secrets: Secrets,
}

/// What only this server knows of a login under way.
pub struct Secrets {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Somebody whom the server vouches for.
#[derive(Debug)]
pub struct Person {
    pub issuer: String,
    pub subject: String,
    pub name: String,
    pub claims: Claims,
}

impl Offer {
    /// Asks the server.
    ///
    /// # Errors
    /// When it cannot be reached, or is not the one that the settings name.
    pub fn ask(config: &OidcConfig, redirect: &str) -> Result<Self, ProviderError> {
        let issuer = IssuerUrl::new(config.issuer.clone()).doing("http.oidc_issuer")?;
        let http = http_client();
        Ok(Self {
            config: config.clone(),
            redirect: RedirectUrl::new(redirect.to_owned()).doing("http.public_url")?,
            metadata: CoreProviderMetadata::discover(&issuer, &http)
                .doing("asking the login server what it offers")?,
            asked: Instant::now(),
        })
    }

    /// Whether it is what these settings ask for.
    #[must_use]
    pub fn serves(&self, config: &OidcConfig, redirect: &str) -> bool {
        self.config == *config && self.redirect.as_str() == redirect
    }

    /// Whether it need not be asked for again.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.asked.elapsed() < OFFER_LASTS
    }

    fn client(&self) -> OurClient {
        let secret = self.config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(self.config.client_id.clone());
        let client = OurClient::from_provider_metadata(self.metadata.clone(), id, secret)
            .set_redirect_uri(self.redirect.clone());
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        // Basic is what a server takes that does not say.
        if takes(CoreClientAuthMethod::ClientSecretBasic) {
            client
        } else {
            client.set_auth_type(AuthType::RequestBody)
        }
    }

    /// Begins a login.
    #[must_use]
    pub fn begin(&self) -> Begun {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let known = self.metadata.scopes_supported();
        let is_known =
            |scope: &str| known.is_some_and(|known| known.iter().any(|known| known.as_str() == scope));
        let scopes = SCOPES.into_iter().filter(|scope| is_known(scope));
        let (url, state, nonce) = self
            .client()
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Begun {
            url,
            state: state.secret().clone(),
            secrets: Secrets { nonce, verifier },
        }
    }

    /// Who came back with this code.
    ///
    /// # Errors
    /// When the server does not vouch for anybody, or its word does not hold.
    pub fn end(&self, code: String, secrets: Secrets) -> Result<Person, ProviderError> {
        const EXCHANGING: &str = "exchanging the code";
        let http = http_client();
        let tokens = self
            .client()
            .exchange_code(AuthorizationCode::new(code))
            .doing(EXCHANGING)?
            .set_pkce_verifier(secrets.verifier)
            .request(&http)
            .doing(EXCHANGING)?;
        match self.person(&tokens, &secrets.nonce) {
            // The server may have changed its keys since it was asked.
            Err(error) if error.is_unknown_key() => {
                Self::ask(&self.config, self.redirect.as_str())?.person(&tokens, &secrets.nonce)
            }
            result => result,
        }
    }

    fn person(&self, tokens: &Tokens, nonce: &Nonce) -> Result<Person, ProviderError> {
        const CHECKING: &str = "checking the ID token";
        const ASKING: &str = "asking who it is";
        let client = self.client();
        let token = tokens.id_token().ok_or("there is none").doing(CHECKING)?;
        let verifier = client.id_token_verifier();
        let claims = token.claims(&verifier, nonce).doing(CHECKING)?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().doing(CHECKING)?;
            let key = token.signing_key(&verifier).doing(CHECKING)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.doing(CHECKING)? != *expected {
                return Err("the access token belongs to another one").doing(CHECKING);
            }
        }
        let mut person = Person {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            name: role::name_of([
                claims.preferred_username().map(|name| name.as_str()),
                claims.email().map(|email| email.as_str()),
                Some(claims.subject().as_str()),
            ]),
            claims: claims.additional_claims().all.clone(),
        };
        // Many servers put little into the token, and the rest behind another question.
        if !role::has_claim(&person.claims, &self.config.claim) && client.user_info_url().is_some() {
            let subject = claims.subject().clone();
            let asked = client.user_info(tokens.access_token().clone(), Some(subject));
            let info: UserInfoClaims<OtherClaims, CoreGenderClaim> =
                asked.doing(ASKING)?.request(&http_client()).doing(ASKING)?;
            person.name = role::name_of([
                info.preferred_username().map(|name| name.as_str()),
                info.email().map(|email| email.as_str()),
                Some(person.name.as_str()),
            ]);
            person.claims.extend(info.additional_claims().all.clone());
        }
        Ok(person)
    }
}

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("{0} is neither https:// nor on this machine")]
    InTheClear(String),
    #[error(transparent)]
    Ureq(#[from] ureq::Error),
}

/// Sends one request, and takes the answer as it is.
fn http_client() -> impl Fn(HttpRequest) -> Result<HttpResponse, RequestError> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(REQUEST_LIMIT))
        .user_agent(concat!("video-compressor/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    move |request| {
        let uri = request.uri();
        let is_safe = uri.scheme_str() == Some("https") || uri.host().is_some_and(is_this_machine);
        if !is_safe {
            // The query may hold what nobody should read.
            let place = format!(
                "{}://{}",
                uri.scheme_str().unwrap_or_default(),
                uri.authority().map(ToString::to_string).unwrap_or_default()
            );
            return Err(RequestError::InTheClear(place));
        }
        let answer = agent.run(request)?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec()?;
        Ok(HttpResponse::from_parts(parts, body))
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
