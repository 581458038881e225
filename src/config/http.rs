//! `[http]`: from its values to one [`HttpConfig`], and what must hold across them.
//!
//! Never in here: single values (`value`), rows (`table`).

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Http, HttpConfig, OidcConfig, PlainHttp, SecretText, Tls, check::Conflict};

/// What several rows of the table say together.
#[derive(Debug, Default)]
#[cfg_attr(fuzzing, derive(Clone))]
pub(super) struct HttpDraft {
    pub tls: TlsChoice,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub oidc_issuer: Option<String>,
    pub oidc_client_id: Option<String>,
    pub oidc_client_secret: Option<SecretText>,
    pub oidc_claim: String,
    pub oidc_viewers: BTreeSet<String>,
    pub oidc_operators: BTreeSet<String>,
    pub oidc_admins: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TlsChoice {
    #[default]
    Off,
    SelfSigned,
    Files,
}

impl HttpConfig {
    /// Nothing set; each row of the table then applies its default.
    pub(super) fn blank() -> Self {
        Self {
            enabled: Http::Off,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            allowed_hosts: BTreeSet::new(),
            trusted_proxies: Vec::new(),
            tls: Tls::Off,
            plain: PlainHttp::LoopbackOnly,
            session: Duration::ZERO,
            upload_max_bytes: 0,
            upload_quota_bytes: 0,
            upload_keep: Duration::ZERO,
            oidc: None,
        }
    }
}

impl HttpDraft {
    /// Completes `http` and notes what does not go together. `root` is absolute.
    pub(super) fn finish(self, http: &mut HttpConfig, root: &Path, conflicts: &mut Vec<Conflict>) {
        let mut refuse = |keys: &[&str], message: &str| {
            conflicts.push(Conflict {
                keys: keys.iter().map(|key| (*key).to_owned()).collect(),
                message: message.to_owned(),
            });
        };
        http.tls = match (self.tls, self.certificate, self.key) {
            (TlsChoice::Off, ..) => Tls::Off,
            (TlsChoice::SelfSigned, ..) => Tls::SelfSigned,
            (TlsChoice::Files, Some(certificate), Some(key)) => Tls::Files {
                certificate: root.join(certificate),
                key: root.join(key),
            },
            (TlsChoice::Files, ..) => {
                refuse(
                    &["http.tls", "http.tls_certificate", "http.tls_key"],
                    "http.tls = \"files\" needs tls_certificate and tls_key",
                );
                Tls::Off
            }
        };
        let is_readable_by_others = self.tls == TlsChoice::Off
            && !http.listen.ip().is_loopback()
            && http.plain == PlainHttp::LoopbackOnly;
        if http.enabled == Http::On && is_readable_by_others {
            let message = format!(
                "http.listen = \"{}\" is reached from other machines and without TLS, so passwords could be read on \
                 the way; set http.tls, or http.allow_plain = true where a proxy of yours does it, or listen on 127.0.0.1",
                http.listen
            );
            refuse(
                &["http.listen", "http.tls", "http.allow_plain", "http.enabled"],
                &message,
            );
        }
        http.oidc = match (self.oidc_issuer, self.oidc_client_id) {
            (None, _) => None,
            (Some(_), None) => {
                refuse(
                    &["http.oidc_issuer", "http.oidc_client_id"],
                    "http.oidc_issuer needs oidc_client_id",
                );
                None
            }
            (Some(issuer), Some(client_id)) => {
                if http.public_url.is_none() {
                    refuse(
                        &["http.oidc_issuer", "http.public_url"],
                        "http.oidc_issuer needs public_url: the login server sends people back to it",
                    );
                }
                Some(OidcConfig {
                    issuer,
                    client_id,
                    client_secret: self.oidc_client_secret,
                    claim: self.oidc_claim,
                    viewers: self.oidc_viewers,
                    operators: self.oidc_operators,
                    admins: self.oidc_admins,
                })
            }
        };
    }
}
