//! Who may do what over the API, with the real binary: every endpoint and every role, and what attackers try.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};

use common::http::{Answer, PASSWORD, Server};

const NO_KEY: (&str, &str) = ("Authorization", "");
const JSON: (&str, &str) = ("Content-Type", "application/json");

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Viewer,
    Operator,
    Admin,
}
use Role::{Admin, Operator, Viewer};

const ROLES: [(Role, &str); 3] = [(Viewer, "viewer"), (Operator, "operator"), (Admin, "admin")];

/// What an endpoint asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    Nothing,
    /// By a key or a login.
    For(Role),
    /// By a login alone.
    Login(Role),
}
use Asks::{For, Login, Nothing};

/// Every endpoint that is described. A new one belongs here.
const ENDPOINTS: &[(&str, &str, Asks)] = &[
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", For(Viewer)),
    ("GET", "/api/v1/act/{token}", Nothing),
    ("POST", "/api/v1/act/{token}", Nothing),
    ("GET", "/api/v1/choices", For(Viewer)),
    ("GET", "/api/v1/events", For(Viewer)),
    ("PUT", "/api/v1/files/{resolution}/{name}", For(Operator)),
    ("GET", "/api/v1/jobs", For(Viewer)),
    ("GET", "/api/v1/jobs/settings", For(Admin)),
    ("PUT", "/api/v1/jobs/settings", For(Admin)),
    ("POST", "/api/v1/jobs/upload", For(Operator)),
    ("POST", "/api/v1/jobs/{id}/convert", For(Operator)),
    ("GET", "/api/v1/jobs/{id}/download", For(Viewer)),
    ("GET", "/api/v1/jobs/{id}/status", For(Viewer)),
    ("GET", "/api/v1/keys", For(Viewer)),
    ("POST", "/api/v1/keys", Login(Viewer)),
    ("DELETE", "/api/v1/keys/{id}", Login(Viewer)),
    ("POST", "/api/v1/login", Nothing),
    ("GET", "/api/v1/login-options", Nothing),
    ("POST", "/api/v1/logout", For(Viewer)),
    ("GET", "/api/v1/logs", For(Admin)),
    ("GET", "/api/v1/me", For(Viewer)),
    ("GET", "/api/v1/oidc/callback", Nothing),
    ("GET", "/api/v1/oidc/login", Nothing),
    ("POST", "/api/v1/profiles/preview", For(Operator)),
    ("DELETE", "/api/v1/profiles/{name}", For(Admin)),
    ("GET", "/api/v1/queue", For(Viewer)),
    ("POST", "/api/v1/queue/clear", For(Operator)),
    ("POST", "/api/v1/queue/order", For(Operator)),
    ("POST", "/api/v1/queue/pause", For(Operator)),
    ("POST", "/api/v1/queue/resume", For(Operator)),
    ("POST", "/api/v1/queue/scan", For(Operator)),
    ("POST", "/api/v1/queue/sweep-uploads", For(Operator)),
    ("GET", "/api/v1/report", For(Viewer)),
    ("GET", "/api/v1/sessions", For(Viewer)),
    ("DELETE", "/api/v1/sessions/{id}", Login(Viewer)),
    ("GET", "/api/v1/settings", For(Admin)),
    ("PATCH", "/api/v1/settings", For(Admin)),
    ("POST", "/api/v1/settings/test", For(Admin)),
    ("POST", "/api/v1/setup", Nothing),
    ("GET", "/api/v1/system", For(Viewer)),
    ("GET", "/api/v1/system/load", For(Viewer)),
    ("GET", "/api/v1/tasks", For(Viewer)),
    ("POST", "/api/v1/tasks", For(Operator)),
    ("POST", "/api/v1/tasks/actions", For(Operator)),
    ("GET", "/api/v1/tasks/export", For(Viewer)),
    ("GET", "/api/v1/tasks/{id}", For(Viewer)),
    ("PATCH", "/api/v1/tasks/{id}", For(Operator)),
    ("POST", "/api/v1/tasks/{id}/cancel", For(Operator)),
    ("GET", "/api/v1/tasks/{id}/frames", For(Viewer)),
    ("POST", "/api/v1/tasks/{id}/freeze", For(Operator)),
    ("GET", "/api/v1/tasks/{id}/log", For(Viewer)),
    ("POST", "/api/v1/tasks/{id}/move", For(Operator)),
    ("GET", "/api/v1/tasks/{id}/output", For(Viewer)),
    ("POST", "/api/v1/tasks/{id}/place", For(Operator)),
    ("GET", "/api/v1/tasks/{id}/receipt", For(Viewer)),
    ("POST", "/api/v1/tasks/{id}/retry", For(Operator)),
    ("POST", "/api/v1/tasks/{id}/thaw", For(Operator)),
    ("GET", "/api/v1/tasks/{id}/thumbnail", For(Viewer)),
    ("GET", "/api/v1/uploads", For(Viewer)),
    ("POST", "/api/v1/uploads", For(Operator)),
    ("OPTIONS", "/api/v1/uploads", For(Viewer)),
    ("GET", "/api/v1/uploads/{id}", For(Viewer)),
    ("POST", "/api/v1/uploads/{id}", For(Operator)),
    ("DELETE", "/api/v1/uploads/{id}", For(Operator)),
    ("HEAD", "/api/v1/uploads/{id}", For(Operator)),
    ("PATCH", "/api/v1/uploads/{id}", For(Operator)),
    ("GET", "/api/v1/users", For(Admin)),
    ("POST", "/api/v1/users", Login(Admin)),
    ("DELETE", "/api/v1/users/{name}", Login(Admin)),
    ("PATCH", "/api/v1/users/{name}", Login(Admin)),
    ("GET", "/api/v1/version", For(Viewer)),
];

/// A login by its cookie.
struct Browser<'a> {
    server: &'a Server,
    origin: String,
    cookie: String,
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("vc_session="), "{answer:?} {}", answer.text());
    cookie.split(';').next().unwrap().to_owned()
}

fn try_login(server: &Server, name: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "name": name, "password": password }).to_string();
    let headers = [headers, &[NO_KEY, JSON]].concat();
    server.request("POST", "/api/v1/login", &headers, body.as_bytes())
}

impl<'a> Browser<'a> {
    fn log_in(server: &'a Server, name: &str) -> Self {
        let answer = try_login(server, name, PASSWORD, &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        Self {
            server,
            origin: format!("http://{}", server.address),
            cookie: cookie_of(&answer),
        }
    }

    /// As a page of the server itself sends it.
    fn headers(&self) -> [(&str, &str); 4] {
        [NO_KEY, JSON, ("Cookie", &self.cookie), ("Origin", &self.origin)]
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.server
            .request(method, path, &self.headers(), body.as_bytes())
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }
}

/// The status alone: some answers never end.
fn status(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let body = if method == "GET" || method == "HEAD" {
        ""
    } else {
        "{}"
    };
    let length = body.len().to_string();
    let headers = [headers, &[("Content-Length", length.as_str())]].concat();
    let mut stream = server.connect().unwrap();
    let request = format!("{}{body}", server.head(method, path, &headers));
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{method} {path}: {line:?}\n{}", server.root.log()))
}

fn filled(path: &str) -> String {
    ["id", "token", "name"]
        .iter()
        .fold(path.replace("{resolution}", "720"), |path, part| {
            path.replace(&format!("{{{part}}}"), "nothing")
        })
}

fn with_users() -> Server {
    let server = Server::new(&[]);
    server.user("viewer", "viewer");
    server.user("operator", "operator");
    server
}

#[test]
fn every_endpoint_lets_in_those_it_is_for_and_nobody_else() {
    let server = with_users();
    let keys = ROLES.map(|(role, name)| (role, format!("Bearer {}", server.new_key(name, name))));
    server.start();
    let description = server
        .request("GET", "/api/v1/openapi.json", &[NO_KEY], b"")
        .json();
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> = ENDPOINTS
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(described, listed, "what is described is what this table lists");

    let mut wrong = Vec::new();
    let mut expect = |what: &str, found: u16, allowed: &dyn Fn(u16) -> bool| {
        if !allowed(found) {
            wrong.push(format!("{what}: {found}"));
        }
    };
    let is_in = |status: u16| status != 401 && status != 403 && status < 500;
    for (method, path, asks) in ENDPOINTS {
        let address = filled(path);
        let what = |who: &str| format!("{method} {path} by {who}");
        let anonymous = status(&server, method, &address, &[NO_KEY, JSON]);
        // Wrong tokens, states and passwords are answered by 403 and 401 as well, after a look at them.
        if *asks != Nothing {
            expect(&what("nobody"), anonymous, &|status| status == 401);
        } else if !path.contains("/act/") && !path.contains("/oidc/") {
            expect(&what("nobody"), anonymous, &is_in);
        }
        let (For(needed) | Login(needed)) = *asks else {
            continue;
        };
        for ((role, name), (_, key)) in ROLES.iter().zip(&keys) {
            let by_key = status(&server, method, &address, &[("Authorization", key), JSON]);
            let browser = Browser::log_in(&server, name);
            let by_login = status(&server, method, &address, &browser.headers());
            let is_for = *role >= needed;
            let (key, login) = (format!("{name}'s key"), format!("{name}'s login"));
            if is_for {
                expect(&what(&login), by_login, &is_in);
            } else {
                expect(&what(&login), by_login, &|status| status == 403);
            }
            if is_for && matches!(asks, For(_)) {
                expect(&what(&key), by_key, &is_in);
            } else {
                expect(&what(&key), by_key, &|status| status == 403);
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), server.root.log());
}

/// Where people are in the page; it has no data, so it asks nobody who they are.
const PAGES: &[&str] = &[
    "/",
    "/queue",
    "/history",
    "/add",
    "/tasks/nothing",
    "/settings",
    "/settings/users",
    "/login",
    "/help",
];

#[test]
fn the_page_is_for_everybody_and_tells_nothing_of_this_installation() {
    let server = Server::new(&[]);
    server.start();
    let ask = |method: &str, path: &str| server.request(method, path, &[NO_KEY], b"");
    let document = ask("GET", "/").text();
    for path in PAGES {
        let answer = ask("GET", path);
        assert_eq!((answer.status, answer.text()), (200, document.clone()), "{path}");
        assert_eq!(ask("POST", path).status, 405, "{path}");
    }
    let files: Vec<&str> = document
        .split('"')
        .filter(|part| part.starts_with("/page/"))
        .collect();
    assert!(files.len() > 10, "{document}");
    for path in files {
        assert_eq!(ask("GET", path).status, 200, "{path}");
        assert_eq!(ask("DELETE", path).status, 405, "{path}");
    }
    for path in ["/page/other/app.js", "/page/", "/nothing"] {
        assert_eq!(ask("GET", path).status, 404, "{path}");
    }
    let person = ("Accept", "text/html,*/*;q=0.8");
    let mistyped = server.request("GET", "/nothing", &[NO_KEY, person], b"");
    assert_eq!((mistyped.status, mistyped.text()), (404, document.clone()));
    let program = server.request("GET", "/api/v1/nothing", &[NO_KEY, person], b"");
    assert_eq!((program.status, &program.json()["status"]), (404, &json!(404)));
    assert!(!document.contains(&*server.root.path("").to_string_lossy()) && !document.contains("admin"));
}

#[test]
fn a_page_learns_who_is_logged_in_with_its_browser_and_of_nobody_else() {
    let server = with_users();
    server.start();
    let me = |cookie: &str| {
        let answer = server.request("GET", "/api/v1/login-options", &[NO_KEY, ("Cookie", cookie)], b"");
        answer.json()["me"].clone()
    };
    let browser = Browser::log_in(&server, "operator");
    let found = me(&browser.cookie);
    assert_eq!(
        (&found["name"], &found["role"]),
        (&json!("operator"), &json!("operator"))
    );
    assert_eq!(me("vc_session=planted"), Value::Null);
    assert_eq!(me("other=1"), Value::Null);
    browser.send("POST", "/api/v1/logout", &json!({}));
    assert_eq!(me(&browser.cookie), Value::Null);
}

#[test]
fn a_page_learns_how_the_queue_stands_with_who_is_there_and_nobody_else_does() {
    let server = with_users();
    server.start();
    let ask = |path: &str, cookie: &str| server.request("GET", path, &[NO_KEY, ("Cookie", cookie)], b"");
    let first = "/api/v1/login-options?with=queue";
    let browser = Browser::log_in(&server, "viewer");
    let mut found = ask(first, &browser.cookie).json()["queue"].take();
    let mut alone = ask("/api/v1/queue", &browser.cookie).json();
    // It changes from one answer to the next.
    for queue in [&mut found, &mut alone] {
        assert!(queue["free_bytes"].take().is_u64());
    }
    assert_eq!(found, alone);
    for (path, cookie) in [
        ("/api/v1/login-options", browser.cookie.as_str()),
        (first, "vc_session=planted"),
        (first, "other=1"),
    ] {
        assert!(
            !ask(path, cookie)
                .json()
                .as_object()
                .unwrap()
                .contains_key("queue"),
            "{path} {cookie}"
        );
    }
    assert_eq!(
        ask("/api/v1/login-options?with=tasks", &browser.cookie).status,
        400
    );
}

#[test]
fn a_name_that_is_not_ours_reaches_nothing() {
    let server = Server::new(&[("http.allowed_hosts", "[\"nas.local\"]")]);
    server.start();
    let port = server.address.split(':').nth(1).unwrap();
    let key = format!("Bearer {}", server.key);
    let ask = |path: &str, host: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\nAuthorization: {key}\r\n\r\n");
        let mut stream = server.connect().unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        common::http::read_answer(&mut stream, "GET").unwrap()
    };
    for host in [
        format!("evil.example:{port}"),
        "evil.example".to_owned(),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        "localhost:1".to_owned(),
        "192.168.1.5".to_owned(),
        format!("nas.local.evil.example:{port}"),
        format!("user@127.0.0.1:{port}"),
        String::new(),
    ] {
        for path in ["/api/v1/tasks", "/healthz", "/nothing", "/api/docs", "/"] {
            let answer = ask(path, &format!("Host: {host}\r\n"));
            assert!(
                [400, 421].contains(&answer.status),
                "{path} for {host:?}: {}",
                answer.text()
            );
        }
    }
    let twice = format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n");
    assert!([400, 421].contains(&ask("/api/v1/tasks", &twice).status));
    let elsewhere = ask(
        &format!("http://evil.example:{port}/api/v1/tasks"),
        &format!("Host: 127.0.0.1:{port}\r\n"),
    );
    assert_eq!(elsewhere.status, 421, "{}", elsewhere.text());
    for host in [
        format!("127.0.0.1:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
        format!("nas.local:{port}"),
        "nas.local".to_owned(),
    ] {
        let answer = ask("/api/v1/tasks", &format!("Host: {host}\r\n"));
        assert_eq!(answer.status, 200, "{host}: {}", answer.text());
    }
}

#[test]
fn a_page_of_somebody_else_changes_nothing() {
    let server = with_users();
    server.start();
    let browser = Browser::log_in(&server, "operator");
    let origin = browser.origin.clone();
    let https = origin.replace("http://", "https://");
    let pause = |headers: &[(&str, &str)]| {
        let headers = [&[NO_KEY, JSON, ("Cookie", browser.cookie.as_str())], headers].concat();
        let body = br#"{"running": "finish"}"#;
        server
            .request("POST", "/api/v1/queue/pause", &headers, body)
            .status
    };
    for (headers, expected) in [
        (&[][..], 403),
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Origin", "http://127.0.0.1:1")], 403),
        (&[("Origin", https.as_str())], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Sec-Fetch-Site", "same-site")], 403),
        (&[("Sec-Fetch-Site", "none")], 403),
        (
            &[("Origin", origin.as_str()), ("Sec-Fetch-Site", "cross-site")],
            403,
        ),
        (
            &[
                ("Origin", "http://evil.example"),
                ("Sec-Fetch-Site", "same-origin"),
            ],
            403,
        ),
        (&[("Origin", origin.as_str())], 200),
        (&[("Sec-Fetch-Site", "same-origin")], 200),
        (
            &[("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")],
            200,
        ),
    ] {
        assert_eq!(pause(headers), expected, "{headers:?}");
    }
    // Nor does it log its visitor in as somebody else.
    for header in [
        ("Origin", "http://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = try_login(&server, "operator", PASSWORD, &[header]);
        assert_eq!(
            (answer.status, answer.header("set-cookie")),
            (403, ""),
            "{header:?}"
        );
    }
    // A form's body is no JSON.
    let form = [NO_KEY, ("Content-Type", "text/plain")];
    let body = json!({ "name": "operator", "password": PASSWORD }).to_string();
    assert_eq!(
        server
            .request("POST", "/api/v1/login", &form, body.as_bytes())
            .status,
        415
    );
    // And no answer may be read by a page from elsewhere.
    let answer = server.request(
        "GET",
        "/api/v1/me",
        &[
            NO_KEY,
            ("Cookie", &browser.cookie),
            ("Origin", "http://evil.example"),
        ],
        b"",
    );
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[test]
fn a_key_that_is_wrong_is_not_made_good_by_a_cookie() {
    let server = Server::new(&[]);
    server.start();
    let browser = Browser::log_in(&server, "admin");
    let me = |headers: &[(&str, &str)]| server.request("GET", "/api/v1/me", headers, b"").status;
    let cookie = ("Cookie", browser.cookie.as_str());
    assert_eq!(me(&[cookie, ("Authorization", "Bearer vck_wrong")]), 401);
    assert_eq!(me(&[cookie, NO_KEY]), 200);
    let tossed = format!("{}; vc_session=planted", browser.cookie);
    assert_eq!(me(&[NO_KEY, ("Cookie", &tossed)]), 401);
    let challenge = server.request("GET", "/api/v1/me", &[("Authorization", "Basic eDp5")], b"");
    assert_eq!(
        (challenge.status, challenge.header("www-authenticate")),
        (401, "Bearer")
    );
}

#[test]
fn a_login_has_a_cookie_of_its_own_whatever_was_planted() {
    let server = Server::new(&[]);
    server.start();
    let planted = try_login(&server, "admin", PASSWORD, &[("Cookie", "vc_session=planted")]);
    let cookie = planted.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let first = cookie_of(&planted);
    assert_ne!(first, "vc_session=planted");
    let again = cookie_of(&try_login(&server, "admin", PASSWORD, &[("Cookie", &first)]));
    assert_ne!(again, first);
    let me = |cookie: &str| {
        server
            .request("GET", "/api/v1/me", &[NO_KEY, ("Cookie", cookie)], b"")
            .status
    };
    assert_eq!(me("vc_session=planted"), 401);
    assert_eq!(
        me(&first),
        401,
        "a login ends the one before it in the same browser"
    );
    assert_eq!(me(&again), 200);
    let logout = Browser {
        server: &server,
        origin: format!("http://{}", server.address),
        cookie: again.clone(),
    };
    let answer = logout.send("POST", "/api/v1/logout", &Value::Null);
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(me(&again), 401);
}

#[test]
fn sessions_survive_a_crash_and_are_listed_and_ended() {
    let server = with_users();
    server.start();
    let (admin, viewer) = (
        Browser::log_in(&server, "admin"),
        Browser::log_in(&server, "viewer"),
    );
    server.kill_and_start();
    let own = viewer.get("/api/v1/sessions").json();
    let own = own["sessions"].as_array().unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(
        (&own[0]["name"], &own[0]["current"]),
        (&json!("viewer"), &json!(true))
    );
    let id = own[0]["id"].as_str().unwrap();
    let all = admin.get("/api/v1/sessions").json();
    let all = all["sessions"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    let of_admin = all.iter().find(|session| session["name"] == "admin").unwrap();
    let of_admin = format!("/api/v1/sessions/{}", of_admin["id"].as_str().unwrap());
    assert_eq!(viewer.send("DELETE", &of_admin, &Value::Null).status, 404);
    assert_eq!(
        admin
            .send("DELETE", &format!("/api/v1/sessions/{id}"), &Value::Null)
            .status,
        204
    );
    assert_eq!(viewer.get("/api/v1/me").status, 401);
    assert_eq!(admin.get("/api/v1/me").status, 200);
    server.kill_and_start();
    assert_eq!(viewer.get("/api/v1/me").status, 401);
    // The cookie's text is nowhere on the disk.
    let secret = admin.cookie.strip_prefix("vc_session=").unwrap();
    let file = fs::read_to_string(server.root.path("conf/sessions.json")).unwrap();
    assert!(file.contains("admin") && !file.contains(secret));
}

#[test]
fn guessing_is_slow_and_tells_nothing() {
    let server = Server::new(&[]);
    server.start();
    let texts: BTreeSet<String> = ["admin", "nobody", "not a name"]
        .map(|name| {
            let answer = try_login(&server, name, "a wrong password", &[]);
            assert_eq!(answer.status, 401);
            answer.text()
        })
        .into();
    assert_eq!(texts.len(), 1, "{texts:?}");
    for _ in 0..4 {
        assert_eq!(try_login(&server, "admin", "a wrong password", &[]).status, 401);
    }
    // Addresses that a caller makes up do not help: nobody said that it is a proxy.
    let forwarded = [("X-Forwarded-For", "198.51.100.7")];
    let throttled = try_login(&server, "admin", PASSWORD, &forwarded);
    assert_eq!(throttled.status, 429, "{}", throttled.text());
    assert_eq!(throttled.header("retry-after"), "1");
    // The right password is let in when the wait is over, and no sooner.
    let answer = server.root.until("the wait is over", || {
        let answer = try_login(&server, "admin", PASSWORD, &[]);
        (answer.status != 429).then_some(answer)
    });
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn an_address_is_throttled_over_all_names_and_only_trusted_proxies_name_another() {
    let server = Server::new(&[]);
    server.start();
    let guess = |number: usize| {
        let address = format!("198.51.100.{number}");
        let name = format!("name{number}");
        let forwarded = [("X-Forwarded-For", address.as_str())];
        try_login(&server, &name, "a wrong password", &forwarded).status
    };
    let statuses: Vec<u16> = (0..11).map(guess).collect();
    assert_eq!(statuses, [vec![401; 10], vec![429]].concat());

    server.configure(&[("http.trusted_proxies", "[\"127.0.0.1\"]")]);
    server.root.until_logged("settings read again");
    let statuses: Vec<u16> = (20..40).map(guess).collect();
    assert_eq!(statuses, [401; 20]);
    let forwarded = [
        ("X-Forwarded-For", "203.0.113.9, 198.51.100.77"),
        ("X-Forwarded-Proto", "https"),
    ];
    let answer = try_login(&server, "admin", PASSWORD, &forwarded);
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{answer:?}");
    let headers = [NO_KEY, ("Cookie", &cookie_of(&answer))];
    let sessions = server.request("GET", "/api/v1/sessions", &headers, b"").json();
    assert_eq!(sessions["sessions"][0]["address"], "198.51.100.77");
}

#[test]
fn keys_end_when_they_expire_or_are_revoked_and_their_last_use_is_kept() {
    let server = with_users();
    server.start();
    let browser = Browser::log_in(&server, "operator");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let new = |label: &str, role: &str, expires: Value| {
        browser.send(
            "POST",
            "/api/v1/keys",
            &json!({ "label": label, "role": role, "expires": expires }),
        )
    };
    assert_eq!(
        new("x", "admin", Value::Null).status,
        422,
        "more than its owner may"
    );
    assert_eq!(new("x", "viewer", json!("2020-01-01T00:00:00Z")).status, 422);
    assert_eq!(new("x", "viewer", json!("tomorrow")).status, 422);
    let expiring = new("expiring", "viewer", json!(soon.to_string()));
    assert_eq!(expiring.status, 201, "{}", expiring.text());
    let lasting = new("lasting", "viewer", Value::Null).json();
    let secret = |key: &Value| format!("Bearer {}", key["secret"].as_str().unwrap());
    let (expiring, kept) = (secret(&expiring.json()), secret(&lasting));
    let me = |key: &str| server.request("GET", "/api/v1/me", &[("Authorization", key)], b"");
    assert_eq!(
        me(&expiring).json(),
        json!({ "name": "operator", "role": "viewer", "by": "key", "has_account": true })
    );
    server
        .root
        .until("it expires", || (me(&expiring).status == 401).then_some(()));
    assert_eq!(me(&kept).status, 200);

    // A key makes no other, nor anything else that would outlive it.
    let operators = format!("Bearer {}", server.new_key("operator", "operator"));
    server.root.until("the new key is known", || {
        (me(&operators).status == 200).then_some(())
    });
    let made = server.request(
        "POST",
        "/api/v1/keys",
        &[("Authorization", &operators), JSON],
        br#"{"label": "x", "role": "viewer"}"#,
    );
    assert_eq!(made.status, 403);
    let admins = format!("Bearer {}", server.new_key("admin", "admin"));
    server.root.until("the new key is known", || {
        (me(&admins).status == 200).then_some(())
    });
    let own_provider = json!({ "http.oidc_issuer": "https://evil.example", "http.oidc_client_id": "x" });
    let changed = server.request(
        "PATCH",
        "/api/v1/settings",
        &[("Authorization", &admins), JSON],
        own_provider.to_string().as_bytes(),
    );
    assert_eq!(changed.status, 403, "{}", changed.text());

    let id = lasting["id"].as_str().unwrap();
    server.root.until("its last use is on disk", || {
        let keys = server.root.ok(&["key", "list", "--json"]).json();
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter()
            .any(|key| key["id"] == id && key["last_used"].is_string())
            .then_some(())
    });
    let others = Browser::log_in(&server, "viewer");
    assert_eq!(
        others
            .send("DELETE", &format!("/api/v1/keys/{id}"), &Value::Null)
            .status,
        404
    );
    assert_eq!(others.get("/api/v1/keys").json(), json!({ "keys": [] }));
    assert_eq!(
        browser
            .send("DELETE", &format!("/api/v1/keys/{id}"), &Value::Null)
            .status,
        204
    );
    assert_eq!(me(&kept).status, 401);

    // The same by the command line, within a second or so.
    let keys = server.root.ok(&["key", "list", "--json"]).json();
    let of_operator = |key: &&Value| key["user"] == "operator";
    let last = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .rfind(of_operator)
        .unwrap()["id"]
        .clone();
    server.root.ok(&["key", "revoke", last.as_str().unwrap()]);
    server
        .root
        .until_within(Duration::from_secs(3), "it is revoked", || {
            (me(&operators).status == 401).then_some(())
        });
}

#[test]
fn what_is_done_to_a_user_counts_at_once() {
    let server = with_users();
    server.start();
    let admin = Browser::log_in(&server, "admin");
    let operator = Browser::log_in(&server, "operator");
    let key = format!("Bearer {}", server.new_key("operator", "operator"));
    let pause = |headers: &[(&str, &str)]| status(&server, "POST", "/api/v1/queue/resume", headers);
    let key_headers = [("Authorization", key.as_str()), JSON];
    server.root.until("the new key is known", || {
        (pause(&key_headers) == 200).then_some(())
    });
    assert_eq!(pause(&operator.headers()), 200);
    let change = |name: &str, change: Value| {
        let answer = admin.send("PATCH", &format!("/api/v1/users/{name}"), &change);
        (answer.status, answer.text())
    };
    assert_eq!(change("operator", json!({ "role": "viewer" })).0, 200);
    assert_eq!(pause(&operator.headers()), 403);
    assert_eq!(pause(&key_headers), 403);

    // One's own password, with the old one; other sessions end, this one goes on under another id.
    let elsewhere = Browser::log_in(&server, "operator");
    let own = |old: &str, new: &str| {
        let change = json!({ "password": new, "current_password": old });
        operator.send("PATCH", "/api/v1/users/operator", &change)
    };
    assert_eq!(own("a wrong password", "another long password").status, 403);
    assert_eq!(own(PASSWORD, "short").status, 422);
    let changed = own(PASSWORD, "another long password");
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(elsewhere.get("/api/v1/me").status, 401);
    assert_eq!(operator.get("/api/v1/me").status, 401);
    let cookie = cookie_of(&changed);
    let me = server.request("GET", "/api/v1/me", &[NO_KEY, ("Cookie", &cookie)], b"");
    assert_eq!(me.json()["role"], "viewer");
    assert_eq!(
        try_login(&server, "operator", "another long password", &[]).status,
        200
    );

    // Nobody but an administrator changes others, and the last one stays.
    let viewer = Browser::log_in(&server, "viewer");
    for (method, path) in [
        ("PATCH", "/api/v1/users/admin"),
        ("PATCH", "/api/v1/users/nobody"),
        ("DELETE", "/api/v1/users/nobody"),
    ] {
        assert_eq!(
            viewer.send(method, path, &json!({ "role": "admin" })).status,
            403,
            "{method} {path}"
        );
    }
    assert_eq!(
        viewer
            .send("PATCH", "/api/v1/users/viewer", &json!({ "role": "admin" }))
            .status,
        403
    );
    assert_eq!(change("admin", json!({ "role": "viewer" })).0, 409);
    assert_eq!(
        admin.send("DELETE", "/api/v1/users/admin", &Value::Null).status,
        409
    );
    assert_eq!(
        admin
            .send("DELETE", "/api/v1/users/operator", &Value::Null)
            .status,
        204
    );
    let gone = server.request("GET", "/api/v1/me", &[("Authorization", &key)], b"");
    assert_eq!(gone.status, 401, "the keys of a removed user");

    // By the command line, within a second or so.
    server.root.ok(&["user", "remove", "viewer"]);
    server
        .root
        .until_within(Duration::from_secs(3), "the user is gone", || {
            (viewer.get("/api/v1/me").status == 401).then_some(())
        });
}

#[test]
fn a_stream_of_events_ends_with_its_key() {
    let server = Server::new(&[]);
    server.start();
    let mut stream = server.connect().unwrap();
    stream
        .write_all(server.head("GET", "/api/v1/events", &[]).as_bytes())
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "HTTP/1.1 200 OK");
    let keys = server.root.ok(&["key", "list", "--json"]).json();
    server
        .root
        .ok(&["key", "revoke", keys["keys"][0]["id"].as_str().unwrap()]);
    // Until the server ends it; a stream that goes on times out, which is an error.
    assert!(lines.all(|line| line.is_ok()));
}

#[test]
fn the_setup_token_makes_the_first_administrator_once() {
    let server = Server::new(&[]);
    server.root.ok(&["user", "remove", "admin"]);
    server.start();
    let path = server.root.path("conf/setup-token");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&path).unwrap().trim().to_owned();
    assert!(!server.root.log().contains(&token));
    assert!(server.root.log().contains("setup-token"));
    let set_up = |token: &str, name: &str| {
        let body = json!({ "token": token, "name": name, "password": PASSWORD }).to_string();
        server
            .request("POST", "/api/v1/setup", &[NO_KEY, JSON], body.as_bytes())
            .status
    };
    assert_eq!(set_up("", "ann"), 403);
    assert_eq!(set_up("x", "ann"), 403);
    assert_eq!(set_up(&token, "not a name"), 422);
    assert_eq!(set_up(&token, "ann"), 201);
    assert!(!path.exists());
    assert_eq!(set_up(&token, "eve"), 409);
    let ann = Browser::log_in(&server, "ann");
    assert_eq!(ann.get("/api/v1/me").json()["role"], "admin");
    assert!(server.root.run(&["doctor"]).stdout.contains("users: 1"));
}

#[test]
fn every_answer_carries_the_headers_that_protect_browsers() {
    let server = Server::new(&[]);
    server.start();
    for (path, host) in [
        ("/healthz", None),
        ("/nothing", None),
        ("/api/docs", None),
        ("/", None),
        ("/api/v1/tasks", None),
        ("/api/v1/act/nothing", None),
        ("/healthz", Some("evil.example")),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            host.unwrap_or(&server.address)
        );
        let mut stream = server.connect().unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let lines: Vec<String> = BufReader::new(stream)
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .map(|line| line.to_ascii_lowercase())
            .collect();
        for wanted in [
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(
                lines.iter().any(|line| line == wanted),
                "{path}: {wanted} in {lines:#?}"
            );
        }
        let has = |name: &str, part: &str| {
            lines
                .iter()
                .any(|line| line.starts_with(name) && line.contains(part))
        };
        assert!(
            has("content-security-policy:", "frame-ancestors 'none'"),
            "{path}: {lines:#?}"
        );
        assert!(
            has("cache-control:", "no-store") || has("cache-control:", "no-cache"),
            "{path}: {lines:#?}"
        );
    }
}

#[test]
fn secrets_are_in_no_log_no_settings_and_no_list_of_processes() {
    let server = Server::new(&[
        ("log_level", "\"trace\""),
        ("http.public_url", "\"http://localhost:1\""),
        ("http.oidc_issuer", "\"http://127.0.0.1:9\""),
        ("http.oidc_client_id", "\"vc\""),
        ("http.oidc_client_secret", "\"a-client-secret\""),
    ]);
    server.start();
    let browser = Browser::log_in(&server, "admin");
    try_login(&server, "admin", "a wrong secret word", &[]);
    let made = browser
        .send("POST", "/api/v1/keys", &json!({ "label": "x", "role": "admin" }))
        .json();
    let key = made["secret"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {key}");
    let shown = server.request("GET", "/api/v1/settings", &[("Authorization", &bearer)], b"");
    assert_eq!(shown.status, 200);
    // It cannot be reached, which is told without what is secret.
    server.request("GET", "/api/v1/oidc/login", &[NO_KEY], b"");
    server.root.until_logged("login by asking the login server");
    let command_line = fs::read_to_string(format!("/proc/{}/cmdline", server.root.pid())).unwrap_or_default();
    let environment = fs::read_to_string(format!("/proc/{}/environ", server.root.pid())).unwrap_or_default();
    let settings = server.root.ok(&["config", "show"]).stdout;
    let keys = server.root.ok(&["key", "list"]).stdout + &server.root.ok(&["key", "list", "--json"]).stdout;
    let listed = browser.get("/api/v1/keys").text() + &browser.get("/api/v1/users").text();
    let logs = browser.get("/api/v1/logs?lines=1000").text();
    let files: String = common::root::files_below(&server.root.path("logs"))
        .iter()
        .map(|file| fs::read_to_string(server.root.path("logs").join(file)).unwrap())
        .collect();
    let cookie = browser.cookie.strip_prefix("vc_session=").unwrap();
    for secret in [
        PASSWORD,
        "a wrong secret word",
        "a-client-secret",
        key.as_str(),
        cookie,
        "$argon2id$",
    ] {
        for (place, text) in [
            ("log", &server.root.log()),
            ("log file", &files),
            ("logs", &logs),
            ("settings", &shown.text()),
            ("config show", &settings),
            ("key list", &keys),
            ("lists", &listed),
            ("command line", &command_line),
            ("environment", &environment),
        ] {
            assert!(!text.contains(secret), "{secret} in {place}:\n{text}");
        }
    }
    for file in ["conf/access.json", "conf/sessions.json"] {
        let path = server.root.path(file);
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains(&key) && !text.contains(cookie) && !text.contains(PASSWORD));
    }
}

#[test]
fn a_certificate_of_its_own_is_the_one_that_doctor_names() {
    let server = Server::new(&[("http.tls", "\"self-signed\"")]);
    server.start();
    let pem = fs::read(server.root.path("conf/http-certificate.pem")).unwrap();
    let certificate = ureq::tls::Certificate::from_pem(&pem).unwrap().to_owned();
    let doctor = server.root.run(&["doctor"]).stdout;
    let print = sha256(certificate.der());
    assert!(doctor.contains(&print), "{print} in {doctor}");
    // A caller that trusts this certificate and nothing else is satisfied with what it gets.
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::from(vec![certificate].into_iter()))
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    let answer = agent
        .get(format!("https://{}/healthz", server.address))
        .call()
        .unwrap();
    assert_eq!(answer.status(), 200);
    let plain = server.send("GET", "/healthz", &[], b"");
    assert!(plain.is_err() || plain.unwrap().status == 400);
    // The same one after a restart.
    server.root.stop();
    server.root.start();
    assert!(server.root.run(&["doctor"]).stdout.contains(&print));
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(bytes);
    let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[test]
fn beyond_this_machine_it_needs_tls_or_a_word() {
    let server = Server::new(&[]);
    server.configure(&[("http.listen", "\"0.0.0.0:0\"")]);
    let refused = server.root.run(&["run"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for words in ["http.tls", "http.allow_plain", "127.0.0.1"] {
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
    }
}

#[test]
fn users_that_cannot_be_read_let_nobody_in_and_say_so() {
    let server = Server::new(&[]);
    fs::write(server.root.path("conf/access.json"), "{").unwrap();
    let refused = server.root.run(&["run"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused.stderr.contains("access.json") && refused.stderr.contains("user add"),
        "{refused:?}"
    );
    assert_eq!(
        fs::read_to_string(server.root.path("conf/access.json")).unwrap(),
        "{"
    );
}

#[test]
fn users_and_keys_by_the_command_line() {
    let server = Server::new(&[]);
    let add = |name: &str, password: &str| {
        let mut child = server
            .root
            .command(&["user", "add", name, "--role", "viewer"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(add("ann", PASSWORD).0, 0);
    for (name, password, words) in [
        ("ann", PASSWORD, "already"),
        ("ben", "short", "too short"),
        ("ben", "", "too short"),
        ("not/a/name", PASSWORD, "letters"),
    ] {
        let (code, said) = add(name, password);
        assert!(code == 2 && said.contains(words), "{name}: {code} {said}");
    }
    let users = server.root.ok(&["user", "list", "--json"]).json();
    let names: Vec<_> = users["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["name"])
        .collect();
    assert_eq!(names, ["admin", "ann"]);
    let refused = server
        .root
        .run(&["key", "add", "x", "--user", "ann", "--role", "admin"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("viewer"),
        "{refused:?}"
    );
    let key = server.root.ok(&[
        "key", "add", "a label", "--user", "ann", "--role", "viewer", "--days", "1",
    ]);
    assert!(
        key.stdout.starts_with("vck_") && key.stdout.lines().count() == 1,
        "{key:?}"
    );
    assert!(server.root.ok(&["key", "list"]).stdout.contains("a label"));
    assert_eq!(server.root.run(&["key", "revoke", "nothing"]).code, 2);
    server.root.ok(&["user", "remove", "ann"]);
    assert!(!server.root.ok(&["key", "list"]).stdout.contains("a label"));
    assert_eq!(server.root.run(&["user", "remove", "ann"]).code, 2);
}
