//! Logins by a real OpenID provider (npm's `oidc-provider`, by scripts/get-oidc-provider), with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use url::Url;

use common::{http::Server, root::has_tool};

const SECRET: &str = "a-client-secret-of-tests";

/// Where Node finds the provider; `None`, and said so, when this run or this machine has none.
fn modules(test: &str) -> Option<PathBuf> {
    if !common::all_tests_wanted(test) {
        return None;
    }
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/oidc-provider/node_modules");
    if !has_tool("node") || !modules.is_dir() {
        common::skip(test, "oidc-provider");
        return None;
    }
    Some(modules)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// How the client stands at the provider.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// How it shows who it is; `none` is a public client.
    method: &'static str,
    /// Whether the ID token holds the groups; else they must be asked for.
    in_token: bool,
}

const BY_HEADER: Kind = Kind {
    method: "client_secret_basic",
    in_token: false,
};

/// The provider, until this is dropped.
struct Provider {
    node: Child,
}

impl Provider {
    fn start(modules: &PathBuf, port: u16, server: &Server, kind: Kind) -> Self {
        let settings = json!({
            "redirect": format!("http://{}/api/v1/oidc/callback", server.address),
            "secret": (kind.method != "none").then_some(SECRET),
            "method": kind.method,
            "in_token": kind.in_token,
            "groups": { "ann": ["family", "admins"], "ben": ["family"], "eve": ["strangers"] },
        });
        let mut node = Command::new("node")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/oidc-provider/provider.mjs"
            ))
            .arg(modules)
            .arg(port.to_string())
            .arg(settings.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.is_ok_and(|line| line == "ready")),
            "the provider listens"
        );
        // Nobody reads what it says from here on, and it must not wait for that.
        std::thread::spawn(move || lines.for_each(drop));
        Self { node }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn configured(port: u16, kind: Kind) -> Server {
    let issuer = format!("\"http://127.0.0.1:{port}\"");
    let secret = format!("{:?}", if kind.method == "none" { "" } else { SECRET });
    let server = Server::new(&[
        // Its port is known only then.
        ("http.public_url", "\"http://127.0.0.1\""),
        ("http.oidc_issuer", &issuer),
        ("http.oidc_client_id", "\"video-compressor\""),
        ("http.oidc_client_secret", &secret),
        ("http.oidc_viewers", "[\"family\"]"),
        ("http.oidc_admins", "[\"admins\"]"),
    ]);
    let public_url = format!("\"http://{}\"", server.address);
    server.configure(&[("http.public_url", &public_url)]);
    server
}

/// Follows what it is sent to, and keeps cookies, each for the server that set it.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<(String, String), String>,
}

struct Page {
    status: u16,
    location: Option<Url>,
    text: String,
}

impl Browser {
    fn send(&mut self, method: &str, url: &Url, form: &str) -> Page {
        let place = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == place)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0);
        let agent: ureq::Agent = config.build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("Cookie", cookies.join("; "))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .unwrap();
        let mut response = agent.run(request).unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            self.cookies
                .insert((place.clone(), name.to_owned()), value.to_owned());
        }
        let location = response.headers().get("location");
        Page {
            status: response.status().as_u16(),
            location: location.map(|location| url.join(location.to_str().unwrap()).unwrap()),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    fn get(&mut self, url: &Url) -> Page {
        self.send("GET", url, "")
    }

    fn cookie(&self, server: &Server, name: &str) -> Option<&str> {
        let cookie = self.cookies.get(&(server.address.clone(), name.to_owned()));
        cookie.map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Goes through the provider's pages as `person`; the address to which it sends back.
    fn at_provider(&mut self, server: &Server, person: &str) -> Url {
        let begun = self.get(&at(server, "/api/v1/oidc/login"));
        assert_eq!(begun.status, 303, "{} {}", begun.text, server.root.log());
        let mut url = begun.location.unwrap();
        for _ in 0..20 {
            if url.path() == "/api/v1/oidc/callback" {
                return url;
            }
            let page = self.get(&url);
            url = match page.location {
                Some(location) => location,
                None => {
                    let action = page.text.split("action=\"").nth(1).expect(&page.text);
                    let action = Url::parse(action.split('"').next().unwrap()).unwrap();
                    let form = match page.text.contains("name=\"login\"") {
                        true => format!("prompt=login&login={person}&password=x"),
                        false => "prompt=consent".to_owned(),
                    };
                    self.send("POST", &action, &form).location.unwrap()
                }
            };
        }
        panic!("the provider sends from page to page, at last to {url}");
    }

    fn log_in(&mut self, server: &Server, person: &str) -> Page {
        let back = self.at_provider(server, person);
        self.get(&back)
    }

    fn me(&self, server: &Server) -> Option<Value> {
        let cookie = format!("vc_session={}", self.cookie(server, "vc_session")?);
        let headers = [("Authorization", ""), ("Cookie", cookie.as_str())];
        let answer = server.request("GET", "/api/v1/me", &headers, b"");
        (answer.status == 200).then(|| answer.json())
    }
}

fn at(server: &Server, path: &str) -> Url {
    Url::parse(&format!("http://{}{path}", server.address)).unwrap()
}

fn replaced(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(
        pairs
            .iter()
            .map(|(key, old)| (key, if key == name { value } else { old })),
    );
    changed
}

#[test]
fn people_log_in_by_a_provider_with_the_role_that_their_groups_give() {
    let Some(modules) = modules("people_log_in_by_a_provider_with_the_role_that_their_groups_give") else {
        return;
    };
    for kind in [
        BY_HEADER,
        Kind {
            method: "client_secret_post",
            in_token: true,
        },
        Kind {
            method: "none",
            in_token: false,
        },
    ] {
        let port = free_port();
        let server = configured(port, kind);
        let _provider = Provider::start(&modules, port, &server, kind);
        server.start();
        for (person, role) in [("ann", Some("admin")), ("ben", Some("viewer")), ("eve", None)] {
            let mut browser = Browser::default();
            let page = browser.log_in(&server, person);
            let Some(role) = role else {
                assert_eq!(page.status, 403, "{kind:?} {}", page.text);
                assert_eq!(browser.cookie(&server, "vc_session"), None);
                continue;
            };
            assert_eq!(
                page.status,
                200,
                "{kind:?} {person}: {}\n{}",
                page.text,
                server.root.log()
            );
            assert!(page.text.contains("url=/"), "a page leads on: {}", page.text);
            assert_eq!(browser.cookie(&server, "vc_oidc"), None, "it has done its work");
            let expected = json!({
                "name": format!("{person}.of.tests"), "role": role, "by": "session", "has_account": false,
            });
            assert_eq!(browser.me(&server), Some(expected), "{kind:?}");
        }
        let log = server.root.log();
        assert!(!log.contains(SECRET) && !log.contains("code="), "{log}");
    }
}

#[test]
fn a_way_back_that_this_browser_did_not_begin_logs_nobody_in() {
    let Some(modules) = modules("a_way_back_that_this_browser_did_not_begin_logs_nobody_in") else {
        return;
    };
    let port = free_port();
    let server = configured(port, BY_HEADER);
    let _provider = Provider::start(&modules, port, &server, BY_HEADER);
    server.start();

    // The address that an attacker's own login ended in, followed by somebody else's browser.
    let mut attacker = Browser::default();
    let back = attacker.at_provider(&server, "ann");
    let mut visitor = Browser::default();
    assert_eq!(visitor.get(&back).status, 403);
    assert_eq!(visitor.me(&server), None);
    // With a login of its own under way, too.
    visitor.get(&at(&server, "/api/v1/oidc/login"));
    assert_eq!(visitor.get(&back).status, 403);
    // And by the first use it was used up.
    assert_eq!(attacker.get(&back).status, 403);
    assert_eq!(attacker.me(&server), None);

    // Once is once.
    let mut ann = Browser::default();
    let back = ann.at_provider(&server, "ann");
    assert_eq!(ann.get(&back).status, 200);
    assert_eq!(ann.get(&back).status, 403);
    assert!(ann.me(&server).is_some());

    for (name, value) in [("state", "x"), ("iss", "https://other.example")] {
        let mut browser = Browser::default();
        let back = browser.at_provider(&server, "ann");
        assert_eq!(browser.get(&replaced(&back, name, value)).status, 403, "{name}");
        assert_eq!(browser.me(&server), None, "{name}");
    }

    // A code of another login: PKCE holds it to its own.
    let mut browser = Browser::default();
    let stolen = Browser::default().at_provider(&server, "ann");
    let stolen = stolen
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let back = browser.at_provider(&server, "ben");
    let page = browser.get(&replaced(&back, "code", &stolen));
    assert_eq!(page.status, 503, "{}", page.text);
    assert_eq!(browser.me(&server), None);
    server.root.until_logged("login by exchanging the code");

    let denied = at(&server, "/api/v1/oidc/callback?error=access_denied&state=x");
    assert_eq!(Browser::default().get(&denied).status, 403);
    let nothing = at(&server, "/api/v1/oidc/callback");
    assert_eq!(Browser::default().get(&nothing).status, 400);
}

#[test]
fn what_a_provider_vouched_for_ends_when_it_is_no_longer_trusted() {
    let Some(modules) = modules("what_a_provider_vouched_for_ends_when_it_is_no_longer_trusted") else {
        return;
    };
    let port = free_port();
    let server = configured(port, BY_HEADER);
    let provider = Provider::start(&modules, port, &server, BY_HEADER);
    server.start();
    let mut ann = Browser::default();
    assert_eq!(ann.log_in(&server, "ann").status, 200);

    // Another start of the provider has other keys, and the ones from before are still remembered here.
    drop(provider);
    let _provider = Provider::start(&modules, port, &server, BY_HEADER);
    let mut ben = Browser::default();
    let page = ben.log_in(&server, "ben");
    assert_eq!(page.status, 200, "{}\n{}", page.text, server.root.log());

    // Nobody has an account here, so nobody has keys.
    let cookie = format!("vc_session={}", ann.cookie(&server, "vc_session").unwrap());
    let origin = format!("http://{}", server.address);
    let headers = [
        ("Authorization", ""),
        ("Cookie", cookie.as_str()),
        ("Origin", origin.as_str()),
        ("Content-Type", "application/json"),
    ];
    let made = server.request(
        "POST",
        "/api/v1/keys",
        &headers,
        br#"{"label": "x", "role": "viewer"}"#,
    );
    assert_eq!(made.status, 422, "{}", made.text());

    // Each sees their own sessions; ann, an administrator, all of them.
    let listed = server.request("GET", "/api/v1/sessions", &headers, b"").json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);

    server.kill_and_start();
    assert!(ann.me(&server).is_some(), "logins survive a restart");
    server.configure(&[("http.oidc_issuer", "\"\""), ("http.oidc_client_id", "\"\"")]);
    server.root.until("the provider is not trusted any more", || {
        ann.me(&server).is_none().then_some(())
    });
    assert_eq!(ben.me(&server), None);
    assert_eq!(
        Browser::default().get(&at(&server, "/api/v1/oidc/login")).status,
        404
    );
}

#[test]
fn a_provider_that_redirects_or_lies_is_not_believed() {
    // Answers every request in the same way, and counts them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let elsewhere = target.local_addr().unwrap();
    let lie = json!({
        "issuer": "https://other.example",
        "authorization_endpoint": "https://other.example/auth",
        "token_endpoint": "https://other.example/token",
        "jwks_uri": format!("http://{elsewhere}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
    .to_string();
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let lie = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{lie}",
        lie.len()
    );
    let endless = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n{}",
        " ".repeat(3_000_000)
    );
    let answers = [redirect, lie, endless];
    let count = answers.len();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let server = configured(port, BY_HEADER);
    server.start();
    for number in 0..count {
        let page = Browser::default().get(&at(&server, "/api/v1/oidc/login"));
        assert_eq!(page.status, 503, "answer {number}: {}", page.text);
        assert!(!page.text.contains(&elsewhere.to_string()));
    }
    assert!(target.accept().is_err(), "nothing was asked elsewhere");
}
