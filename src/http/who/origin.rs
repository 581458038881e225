//! Where a request comes from, and whom it believes to be calling: Host, Origin, Sec-Fetch-Site, X-Forwarded-….
//!
//! Promises: pure; a header that is there twice, or is not what it should be, counts as wrong; headers that a proxy sets
//! count only when a trusted proxy has sent them.
//! Never in here: keys and sessions.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, Uri, header, uri::Authority};
use ipnet::IpNet;

use crate::config::{HttpConfig, Tls};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// By which a page was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Name or address, and port, that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Lower case; IPv6 in brackets.
    pub name: String,
    /// None: the scheme's own.
    pub port: Option<u16>,
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        // A user before the host has no place here, and a port must be a number.
        let is_plain = !text.contains('@') && !text.ends_with(':');
        let port = authority.port_u16();
        let has_port = authority.host().len() < authority.as_str().len();
        (is_plain && !authority.host().is_empty() && has_port == port.is_some()).then(|| Self {
            name: authority.host().to_ascii_lowercase(),
            port,
        })
    }

    fn address(&self) -> Option<IpAddr> {
        let bare = self
            .name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(&self.name);
        bare.parse().ok()
    }
}

/// What the request says it is for. HTTP/2 has it in the address, HTTP/1.1 in a header; two that differ are none.
#[must_use]
pub fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<Host> {
    let in_address = uri.authority().map(|authority| Host::parse(authority.as_str()));
    let in_header = match only(headers, &header::HOST) {
        Only::Missing => None,
        Only::Text(text) => Some(Host::parse(text)),
        Only::Wrong => Some(None),
    };
    match (in_address, in_header) {
        (Some(host), None) | (None, Some(host)) => host,
        (Some(one), Some(other)) => one.filter(|one| other.as_ref() == Some(one)),
        (None, None) => None,
    }
}

/// Whether this is a name of ours: of this machine and the port that is listened on, of `allowed_hosts`, or
/// `public_url`'s. A page of somebody else whose name was made to point here (DNS rebinding) has another.
#[must_use]
pub fn is_ours(host: &Host, config: &HttpConfig, listening: SocketAddr) -> bool {
    let is_public = config.public_url.as_ref().is_some_and(|url| {
        let port = url.port_or_known_default();
        url.host_str() == Some(host.name.as_str()) && (host.port == url.port() || host.port == port)
    });
    if is_public {
        return true;
    }
    let port = host.port.unwrap_or(scheme_of_listener(config).port());
    // A proxy in front has a port of its own, and leaves out the usual one.
    let is_allowed = config.allowed_hosts.contains(&host.name)
        && (port == listening.port() || host.port.is_none() || [Some(80), Some(443)].contains(&host.port));
    if is_allowed {
        return true;
    }
    let is_own_name = match host.address() {
        // Nobody's name points to an address that stands in the address line itself.
        Some(address) => {
            address.is_loopback() || listening.ip().is_unspecified() || address == listening.ip()
        }
        None => host.name == "localhost",
    };
    is_own_name && port == listening.port()
}

const fn scheme_of_listener(config: &HttpConfig) -> Scheme {
    match config.tls {
        Tls::Off => Scheme::Http,
        Tls::SelfSigned | Tls::Files { .. } => Scheme::Https,
    }
}

/// Where a request was sent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub address: IpAddr,
    /// As the caller's own program sees it.
    pub scheme: Scheme,
}

/// Who calls, behind the proxies that are trusted.
#[must_use]
pub fn origin_of(peer: IpAddr, headers: &HeaderMap, host: Option<&Host>, config: &HttpConfig) -> Origin {
    let is_trusted = |address: IpAddr| {
        let address = address.to_canonical();
        config
            .trusted_proxies
            .iter()
            .any(|network: &IpNet| network.contains(&address))
    };
    let mut address = peer.to_canonical();
    // Each proxy appends whom it heard it from, so from the end on, as long as those are trusted.
    let mut forwarded = headers
        .get_all(&FORWARDED_FOR)
        .iter()
        .rev()
        .map(|value| value.to_str().unwrap_or_default())
        .flat_map(|list| list.rsplit(','));
    while is_trusted(address) {
        let Some(before) = forwarded
            .next()
            .and_then(|text| text.trim().parse::<IpAddr>().ok())
        else {
            break;
        };
        address = before.to_canonical();
    }
    Origin {
        address,
        scheme: scheme(is_trusted(peer), headers, host, config),
    }
}

fn scheme(by_trusted_proxy: bool, headers: &HeaderMap, host: Option<&Host>, config: &HttpConfig) -> Scheme {
    if scheme_of_listener(config) == Scheme::Https {
        return Scheme::Https;
    }
    if by_trusted_proxy {
        match only(headers, &FORWARDED_PROTO) {
            Only::Text("https") => return Scheme::Https,
            Only::Text("http") => return Scheme::Http,
            Only::Text(_) | Only::Missing | Only::Wrong => {}
        }
    }
    // A proxy that says nothing, under the name that is known to be behind TLS.
    let is_public = config.public_url.as_ref().zip(host).is_some_and(|(url, host)| {
        url.scheme() == "https"
            && url.host_str() == Some(host.name.as_str())
            && host
                .port
                .is_none_or(|port| Some(port) == url.port_or_known_default())
    });
    if is_public { Scheme::Https } else { Scheme::Http }
}

/// What a browser says about the page that sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBy {
    OurPage,
    OtherPage,
    /// It says nothing; browsers of today say it at every change.
    NotSaid,
}

/// Which page a browser sends this for. `host` is one of ours.
#[must_use]
pub fn sent_by(headers: &HeaderMap, host: &Host, scheme: Scheme) -> SentBy {
    let by_fetch = match only(headers, &SEC_FETCH_SITE) {
        Only::Missing => SentBy::NotSaid,
        Only::Text("same-origin") => SentBy::OurPage,
        Only::Text(_) | Only::Wrong => SentBy::OtherPage,
    };
    let by_origin = match only(headers, &header::ORIGIN) {
        Only::Missing => SentBy::NotSaid,
        Only::Text(origin) if is_origin(origin, host, scheme) => SentBy::OurPage,
        Only::Text(_) | Only::Wrong => SentBy::OtherPage,
    };
    match (by_fetch, by_origin) {
        (SentBy::OtherPage, _) | (_, SentBy::OtherPage) => SentBy::OtherPage,
        (SentBy::NotSaid, said) | (said, _) => said,
    }
}

fn is_origin(origin: &str, host: &Host, scheme: Scheme) -> bool {
    let Some((its_scheme, its_host)) = origin.split_once("://") else {
        return false;
    };
    let port = |host: &Host| host.port.unwrap_or(scheme.port());
    its_scheme == scheme.as_str()
        && Host::parse(its_host).is_some_and(|its| its.name == host.name && port(&its) == port(host))
}

enum Only<'a> {
    Missing,
    Text(&'a str),
    /// Twice, or not text.
    Wrong,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Missing,
        (Some(value), None) => value.to_str().map_or(Only::Wrong, Only::Text),
        (Some(_), Some(_)) => Only::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn config(settings: &[(&str, &str)]) -> HttpConfig {
        let flags = settings
            .iter()
            .map(|(key, value)| (format!("http.{key}"), (*value).to_owned()))
            .collect();
        let sources = Sources {
            root: "/nowhere".into(),
            file: None,
            environment: std::collections::BTreeMap::new(),
            flags,
        };
        Config::load(&sources).unwrap().config.http
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })
    }

    #[test]
    fn a_host_is_named_once_and_plainly() {
        for (address, names, expected) in [
            ("/x", &["localhost:8265"][..], Some(("localhost", Some(8265)))),
            ("/x", &["LOCALHOST"], Some(("localhost", None))),
            ("/x", &["[::1]:8265"], Some(("[::1]", Some(8265)))),
            ("http://a:1/x", &[], Some(("a", Some(1)))),
            ("http://a:1/x", &["a:1"], Some(("a", Some(1)))),
            ("http://a:1/x", &["b:1"], None),
            ("/x", &["a", "a"], None),
            ("/x", &[], None),
            ("/x", &[""], None),
            ("/x", &["a b"], None),
            ("/x", &["user@a"], None),
            ("/x", &["a:"], None),
            ("/x", &["a:99999"], None),
            ("/x", &["a:1:2"], None),
            ("/x", &["a/b"], None),
        ] {
            let pairs: Vec<_> = names.iter().map(|name| ("host", *name)).collect();
            let host = host_of(&address.parse().unwrap(), &headers(&pairs));
            let expected = expected.map(|(name, port)| Host {
                name: name.into(),
                port,
            });
            assert_eq!(host, expected, "{address} {names:?}");
        }
    }

    #[test]
    fn only_names_of_ours_with_their_ports_are_answered() {
        let loopback = &[][..];
        let named = &[("allowed_hosts", "nas.local 192.168.1.5")][..];
        let public = &[("public_url", "https://videos.example.org")][..];
        let public_port = &[("public_url", "https://videos.example.org:8443")][..];
        let everywhere = &[("listen", "0.0.0.0:8265"), ("allow_plain", "true")][..];
        for (settings, listening, host, ours) in [
            (loopback, "127.0.0.1:8265", "127.0.0.1:8265", true),
            (loopback, "127.0.0.1:8265", "localhost:8265", true),
            (loopback, "127.0.0.1:8265", "[::1]:8265", true),
            (loopback, "127.0.0.1:8265", "localhost", false),
            (loopback, "127.0.0.1:8265", "localhost:80", false),
            (loopback, "127.0.0.1:80", "localhost", true),
            (loopback, "127.0.0.1:8265", "evil.example:8265", false),
            (loopback, "127.0.0.1:8265", "localhost.evil.example:8265", false),
            (loopback, "127.0.0.1:8265", "192.168.1.5:8265", false),
            (named, "127.0.0.1:8265", "nas.local:8265", true),
            (named, "127.0.0.1:8265", "nas.local", true),
            (named, "127.0.0.1:8265", "nas.local:443", true),
            (named, "127.0.0.1:8265", "nas.local:9000", false),
            (named, "127.0.0.1:8265", "nas.local.evil.example:8265", false),
            (named, "127.0.0.1:8265", "192.168.1.5:8265", true),
            (public, "127.0.0.1:8265", "videos.example.org", true),
            (public, "127.0.0.1:8265", "videos.example.org:443", true),
            (public, "127.0.0.1:8265", "videos.example.org:8265", false),
            (public_port, "127.0.0.1:8265", "videos.example.org:8443", true),
            (public_port, "127.0.0.1:8265", "videos.example.org", false),
            (everywhere, "0.0.0.0:8265", "192.168.1.5:8265", true),
            (everywhere, "0.0.0.0:8265", "[fe80::1]:8265", true),
            (everywhere, "0.0.0.0:8265", "192.168.1.5:80", false),
            (everywhere, "0.0.0.0:8265", "evil.example:8265", false),
        ] {
            let host = Host::parse(host).unwrap();
            assert_eq!(
                is_ours(&host, &config(settings), listening.parse().unwrap()),
                ours,
                "{host:?} with {settings:?}"
            );
        }
    }

    #[test]
    fn a_callers_address_is_believed_from_trusted_proxies_only() {
        let nobody = &[][..];
        let proxies = &[("trusted_proxies", "10.0.0.0/8 ::1")][..];
        for (settings, peer, forwarded, expected) in [
            (nobody, "192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            (nobody, "127.0.0.1", &["198.51.100.7"], "127.0.0.1"),
            (proxies, "192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            (proxies, "10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            (proxies, "::1", &["198.51.100.7"], "198.51.100.7"),
            (proxies, "::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            // What the caller itself put there stands before what the proxy saw.
            (
                proxies,
                "10.0.0.1",
                &["203.0.113.9, 198.51.100.7"],
                "198.51.100.7",
            ),
            (
                proxies,
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.7, 10.0.0.2"],
                "198.51.100.7",
            ),
            (proxies, "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (proxies, "10.0.0.1", &["198.51.100.7, rubbish"], "10.0.0.1"),
            (proxies, "10.0.0.1", &[], "10.0.0.1"),
        ] {
            let pairs: Vec<_> = forwarded
                .iter()
                .map(|value| ("x-forwarded-for", *value))
                .collect();
            let origin = origin_of(peer.parse().unwrap(), &headers(&pairs), None, &config(settings));
            assert_eq!(
                origin.address,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn the_scheme_is_what_the_caller_sees() {
        let plain = &[][..];
        let tls = &[("tls", "self-signed")][..];
        let proxy = &[("trusted_proxies", "10.0.0.1")][..];
        let public = &[
            ("public_url", "https://v.example"),
            ("trusted_proxies", "10.0.0.1"),
        ][..];
        for (settings, peer, said, host, expected) in [
            (plain, "10.0.0.1", &[][..], "a", Scheme::Http),
            (
                plain,
                "10.0.0.1",
                &[("x-forwarded-proto", "https")],
                "a",
                Scheme::Http,
            ),
            (
                tls,
                "10.0.0.1",
                &[("x-forwarded-proto", "http")],
                "a",
                Scheme::Https,
            ),
            (
                proxy,
                "10.0.0.1",
                &[("x-forwarded-proto", "https")],
                "a",
                Scheme::Https,
            ),
            (
                proxy,
                "10.0.0.2",
                &[("x-forwarded-proto", "https")],
                "a",
                Scheme::Http,
            ),
            (public, "10.0.0.2", &[], "v.example", Scheme::Https),
            (public, "10.0.0.2", &[], "v.example:8265", Scheme::Http),
            (
                public,
                "10.0.0.1",
                &[("x-forwarded-proto", "http")],
                "v.example",
                Scheme::Http,
            ),
            (public, "10.0.0.2", &[], "localhost", Scheme::Http),
        ] {
            let host = Host::parse(host);
            let origin = origin_of(
                peer.parse().unwrap(),
                &headers(said),
                host.as_ref(),
                &config(settings),
            );
            assert_eq!(origin.scheme, expected, "{settings:?} {peer} {said:?} {host:?}");
        }
    }

    #[test]
    fn a_page_of_ours_is_known_by_what_its_browser_says() {
        use SentBy::{NotSaid, OtherPage, OurPage};
        for (said, expected) in [
            (&[][..], NotSaid),
            (&[("sec-fetch-site", "same-origin")], OurPage),
            (&[("sec-fetch-site", "same-site")], OtherPage),
            (&[("sec-fetch-site", "cross-site")], OtherPage),
            (&[("sec-fetch-site", "none")], OtherPage),
            (&[("origin", "http://nas.local:8265")], OurPage),
            (&[("origin", "https://nas.local:8265")], OtherPage),
            (&[("origin", "http://nas.local")], OtherPage),
            (&[("origin", "http://nas.local:9000")], OtherPage),
            (&[("origin", "http://evil.example")], OtherPage),
            (&[("origin", "null")], OtherPage),
            (&[("origin", "")], OtherPage),
            (
                &[
                    ("origin", "http://nas.local:8265"),
                    ("origin", "http://nas.local:8265"),
                ],
                OtherPage,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://evil.example"),
                ],
                OtherPage,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://nas.local:8265"),
                ],
                OtherPage,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://nas.local:8265"),
                ],
                OurPage,
            ),
        ] {
            let host = Host::parse("nas.local:8265").unwrap();
            assert_eq!(sent_by(&headers(said), &host, Scheme::Http), expected, "{said:?}");
        }
        let host = Host::parse("nas.local").unwrap();
        for (origin, expected) in [
            ("https://nas.local", OurPage),
            ("https://nas.local:443", OurPage),
            ("http://nas.local", OtherPage),
        ] {
            assert_eq!(
                sent_by(&headers(&[("origin", origin)]), &host, Scheme::Https),
                expected,
                "{origin}"
            );
        }
    }
}
