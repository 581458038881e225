//! The API of the real service: tasks, queue, events, and what a server must bear.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use common::{
    clips,
    events::{Event, Events},
    http::{Answer, Server},
    root::{PATIENCE, Root},
};
use serde_json::{Value, json};

fn problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["type"], format!("/api/v1/problems/{kind}"), "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
}

fn ok(answer: &Answer) -> Value {
    assert!(
        (200..300).contains(&answer.status),
        "{answer:?} {}",
        answer.text()
    );
    answer.json()
}

fn patch(server: &Server, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    server.request("PATCH", path, &headers, body.to_string().as_bytes())
}

/// The tasks of a list, by path.
fn paths(answer: &Answer) -> Vec<String> {
    let list = ok(answer);
    let tasks = list["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["path"].as_str().unwrap().to_owned())
        .collect()
}

/// A paused service with these files queued, and their tasks' ids.
fn paused(files: &[&str]) -> (Server, Vec<String>) {
    let server = Server::new(&[]);
    server.root.ok(&["pause"]);
    for (seed, file) in (0..).zip(files) {
        server.root.put(&clips::small(seed), file);
    }
    server.start();
    let ids = files.iter().map(|file| {
        let task = server.root.until_status(file, "queued");
        task["id"].as_str().unwrap().to_owned()
    });
    let ids = ids.collect();
    (server, ids)
}

#[test]
fn a_submitted_file_is_watched_over_the_stream_until_its_receipt_can_be_read() {
    let server = Server::new(&[]);
    server.start();
    let mut events = Events::open(&server, None);
    server.root.put(&clips::small(1), "720/show/a.mp4");
    let body = json!({ "root": "input", "path": "720/show/a.mp4", "profile": "fast", "priority": 7 });
    let submitted = ok(&server.post("/api/v1/tasks", &body));
    let id = submitted["id"].as_str().unwrap();
    assert_eq!(submitted["path"], "720/show/a.mp4");

    let told = events.until_task(id, "processed").data;
    let task = ok(&server.get(&format!("/api/v1/tasks/{id}")));
    for key in ["id", "path", "size_after_bytes", "summary", "ended"] {
        assert_eq!(told[key], task[key], "{key}");
    }
    assert_eq!((&task["profile"], &task["priority"]), (&json!("fast"), &json!(7)));
    assert_eq!(
        (&task["output"], &task["resolution"], &task["attempts"]),
        (&json!(true), &json!(720), &json!(1))
    );
    let receipt = ok(&server.get(&format!("/api/v1/tasks/{id}/receipt")));
    assert_eq!(receipt["task"]["id"], id);
    assert_eq!(server.root.outputs(), ["720/show/a.mp4"]);

    // The same again: now it is known, and encoded anew.
    let again = ok(&server.post("/api/v1/tasks", &body));
    assert_ne!(again["id"], submitted["id"]);
    events.until_task(again["id"].as_str().unwrap(), "processed");
}

/// The state letter of a process, as `T` for stopped.
fn state_of(pid: u64) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
#[cfg(target_os = "linux")]
fn an_encode_stands_still_through_a_pause_without_being_taken_for_stalled_and_goes_on() {
    const STALL: Duration = Duration::from_secs(3);
    let server = Server::new(&[("stall_seconds", "3"), ("cores", "1")]);
    let gated = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &gated)]);
    server.start();
    server.root.put(&clips::small(2), "720/a.mkv");
    let child = server.root.until("the encode runs", || {
        let live: Value = serde_json::from_slice(&fs::read(server.root.path("conf/live.json")).ok()?).ok()?;
        live["encodes"][0]["child_pids"][0].as_u64()
    });
    let task = server.root.task("720/a.mkv").unwrap();
    let at = |what: &str| format!("/api/v1/tasks/{}/{what}", task["id"].as_str().unwrap());
    let stands_still = || (state_of(child) == Some('T')).then_some(());

    let frozen = ok(&server.post(&at("freeze"), &json!({})));
    let began = Instant::now();
    assert_eq!(frozen["frozen"], true);
    server.root.until("it stands still", stands_still);
    ok(&server.post("/api/v1/queue/pause", &json!({ "running": "freeze" })));
    let queue = ok(&server.post("/api/v1/queue/resume", &json!({})));
    assert_eq!(queue["paused_since"], Value::Null);
    while began.elapsed() < STALL + Duration::from_secs(2) {
        assert_eq!(state_of(child), Some('T'), "{}", server.root.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    server.root.put(&clips::small(4), "720/b.mkv");
    // The one core is for others meanwhile.
    server.root.until_status("720/b.mkv", "processing");
    let thawed = ok(&server.post(&at("thaw"), &json!({})));
    assert_eq!(
        (&thawed["frozen"], &thawed["status"]),
        (&json!(false), &json!("processing"))
    );
    server.root.open_gate();
    let task = server.root.until_status("720/a.mkv", "processed");
    assert_eq!(task["attempts"], 1);
    problem(&server.post(&at("freeze"), &json!({})), 409, "conflict");
}

#[test]
fn an_encode_is_cancelled_when_that_is_answered_and_can_be_tried_again() {
    let server = Server::new(&[]);
    let gated = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &gated)]);
    server.start();
    server.root.put(&clips::small(3), "720/a.mkv");
    let task = server.root.until_status("720/a.mkv", "processing");
    let at = |what: &str| format!("/api/v1/tasks/{}/{what}", task["id"].as_str().unwrap());
    let cancelled = ok(&server.post(&at("cancel"), &json!({})));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(server.root.status("720/a.mkv"), "cancelled", "it is on the disk");
    problem(&server.post(&at("cancel"), &json!({})), 409, "conflict");
    server.root.open_gate();
    let retried = ok(&server.post(&at("retry?force=true"), &json!({})));
    assert_eq!(retried["id"], task["id"]);
    server.root.until_status("720/a.mkv", "processed");
}

#[test]
fn a_queue_is_listed_changed_and_cleared() {
    let (server, ids) = paused(&["720/a.mkv", "720/b.mkv", "480/c.mkv"]);
    let at = |number: usize, what: &str| format!("/api/v1/tasks/{}{what}", ids[number]);
    let queue = ok(&server.get("/api/v1/queue"));
    assert!(queue["paused_since"].is_string());
    assert_eq!(queue["counts"], json!({ "queued": 3 }));

    // Changes are on the disk when they are answered.
    let change = json!({ "priority": 4, "profile": "slow" });
    let task = ok(&patch(&server, &at(1, ""), &change));
    assert_eq!((&task["priority"], &task["profile"]), (&json!(4), &json!("slow")));
    assert_eq!(server.root.task("720/b.mkv").unwrap()["priority"], 4);
    let task = ok(&patch(&server, &at(1, ""), &json!({ "profile": null })));
    assert_eq!((&task["priority"], &task["profile"]), (&json!(4), &Value::Null));
    problem(
        &patch(&server, &at(1, ""), &json!({ "profile": "none" })),
        409,
        "conflict",
    );
    problem(&patch(&server, &at(1, ""), &json!({})), 422, "unprocessable");

    for (query, expected) in [
        ("", &["480/c.mkv", "720/b.mkv", "720/a.mkv"][..]),
        ("?sort=path", &["480/c.mkv", "720/a.mkv", "720/b.mkv"]),
        ("?sort=-priority&limit=1", &["720/b.mkv"]),
        ("?resolution=720&sort=-path", &["720/b.mkv", "720/a.mkv"]),
        ("?q=C.MK", &["480/c.mkv"]),
        ("?status=failed,processed", &[]),
        ("?folder=480", &["480/c.mkv"]),
        ("?folder=48", &[]),
    ] {
        let found = paths(&server.get(&format!("/api/v1/tasks{query}")));
        let in_order = query.contains("sort");
        let (found, expected): (Vec<&str>, Vec<&str>) =
            (found.iter().map(String::as_str).collect(), expected.to_vec());
        match in_order {
            true => assert_eq!(found, expected, "{query}"),
            // Of files that came together nobody says which was first.
            false => assert_eq!(
                found.iter().collect::<BTreeSet<_>>(),
                expected.iter().collect::<BTreeSet<_>>(),
                "{query}"
            ),
        }
    }

    let moved = ok(&server.post(&at(0, "/move"), &json!({ "resolution": 480 })));
    assert_eq!(moved["path"], "480/a.mkv");
    let task = server.root.until_status("480/a.mkv", "queued");
    assert_eq!(task["id"], moved["id"]);
    assert_eq!(server.root.status("720/a.mkv"), "cancelled");

    let mut by_filter =
        json!({ "action": "cancel", "filter": { "resolution": 480 }, "except": [moved["id"]] });
    let acted = ok(&server.post("/api/v1/tasks/actions", &by_filter));
    assert_eq!(acted["ids"], json!([ids[2]]));
    by_filter["except"] = json!([]);
    let acted = ok(&server.post("/api/v1/tasks/actions", &by_filter));
    assert_eq!(acted["ids"], json!([moved["id"]]));
    let of_ids = json!({ "action": "retry", "ids": [ids[2]], "except": [ids[2]] });
    problem(
        &server.post("/api/v1/tasks/actions", &of_ids),
        422,
        "unprocessable",
    );
    let all_or_none = json!({ "action": "cancel", "ids": [ids[1], ids[2]] });
    problem(
        &server.post("/api/v1/tasks/actions", &all_or_none),
        409,
        "conflict",
    );
    assert_eq!(server.root.status("720/b.mkv"), "queued");

    assert_eq!(
        ok(&server.post("/api/v1/queue/clear", &json!({ "which": "queued" })))["tasks"],
        1
    );
    assert_eq!(
        ok(&server.post("/api/v1/queue/clear", &json!({ "which": "finished" })))["tasks"],
        4
    );
    assert_eq!(server.root.tasks().len(), 0);
    assert_eq!(paths(&server.get("/api/v1/tasks")).len(), 0);

    // Archived tasks are still there for those who ask, and can be queued anew.
    assert_eq!(paths(&server.get("/api/v1/tasks?archived=true&limit=3")).len(), 3);
    let archived = ok(&server.get(&at(1, "")));
    assert_eq!(
        (&archived["archived"], &archived["status"]),
        (&json!(true), &json!("cancelled"))
    );
    problem(&server.post(&at(1, "/cancel"), &json!({})), 409, "conflict");
    let anew = ok(&server.post(&at(1, "/retry"), &json!({})));
    assert_eq!(
        (&anew["path"], &anew["status"]),
        (&json!("720/b.mkv"), &json!("queued"))
    );
    assert_ne!(anew["id"], archived["id"]);
}

#[test]
fn pages_follow_one_another_by_their_cursors() {
    let files: Vec<String> = (0..5).map(|number| format!("720/{number}.mkv")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (server, _) = paused(&files);
    let mut found = Vec::new();
    let mut query = "?sort=path&limit=2".to_owned();
    loop {
        let answer = server.get(&format!("/api/v1/tasks{query}"));
        found.extend(paths(&answer));
        let list = answer.json();
        assert_eq!(list["total"], 5);
        let Some(next) = list["next"].as_str() else { break };
        query = format!("?sort=path&limit=2&cursor={next}");
    }
    assert_eq!(found, files);
    problem(
        &server.get(
            &query
                .replace("sort=path", "sort=size")
                .replace('?', "/api/v1/tasks?"),
        ),
        400,
        "invalid",
    );
}

#[test]
fn a_stream_that_was_cut_off_is_told_what_it_missed() {
    let (server, ids) = paused(&["720/a.mkv"]);
    let at = format!("/api/v1/tasks/{}", ids[0]);
    let has_priority = |priority: i32| move |event: &Event| event.data["priority"] == priority;
    let mut events = Events::open(&server, None);
    ok(&patch(&server, &at, &json!({ "priority": 1 })));
    let (seen, names) = events.until(has_priority(1));
    assert_eq!(names[..2], ["live", "queue"], "it begins with how things are");
    drop(events);

    for priority in 2..=3 {
        ok(&patch(&server, &at, &json!({ "priority": priority })));
    }
    let last = seen.id.unwrap();
    let mut events = Events::open(&server, Some(&last));
    let (_, names) = events.until(has_priority(3));
    assert!(!names.contains(&"reset".to_owned()), "{names:?}");

    for foreign in ["nonsense", "0-1", &last.replace('-', "0-")] {
        let first = Events::open(&server, Some(foreign)).next().unwrap();
        assert_eq!(first.name, "reset", "{foreign}");
    }
}

#[test]
fn streams_end_with_their_keys_and_with_the_service() {
    let server = Server::new(&[]);
    server.start();
    let mut of_stop = Events::open(&server, None);
    let keys = server.root.ok(&["key", "list", "--json"]).json();
    let id = keys.as_array().or(keys["keys"].as_array()).unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut idle = server.connect().unwrap();
    let began = Instant::now();
    assert_eq!(server.root.stop(), 0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    while of_stop.next().is_some() {}
    assert_eq!(idle.read(&mut [0; 8]).unwrap_or(0), 0);

    server.start();
    let mut of_key = Events::open(&server, None);
    server.root.ok(&["key", "revoke", &id]);
    while of_key.next().is_some() {}
    problem(&server.get("/api/v1/queue"), 401, "unauthorized");
}

#[test]
fn whatever_stands_for_an_id_or_a_path_leads_nowhere() {
    let server = Server::new(&[]);
    server.start();
    fs::write(server.root.path("conf/receipts.json"), "{}").unwrap();
    let ids = [
        "..",
        "%2e%2e",
        "..%2f..%2fconf%2faccess.json",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "%ff%fe",
        "access.json",
        "..%5c..%5cconf",
        &"x".repeat(4000),
    ];
    for id in ids {
        for (method, end) in [
            ("GET", ""),
            ("GET", "/receipt"),
            ("GET", "/output"),
            ("GET", "/thumbnail"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
            ("POST", "/freeze"),
        ] {
            let path = format!("/api/v1/tasks/{id}{end}");
            let answer = server.request(method, &path, &[("Content-Length", "0")], b"");
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }
    }
    for path in [
        "../conf/access.json",
        "/etc/passwd",
        "720/../../conf/x.mkv",
        ".done/a.mkv",
        "",
        "720",
    ] {
        let answer = server.post("/api/v1/tasks", &json!({ "root": "input", "path": path }));
        assert!(matches!(answer.status, 404 | 422), "{path}: {}", answer.text());
    }
    let other_root = json!({ "root": "conf", "path": "access.json" });
    problem(&server.post("/api/v1/tasks", &other_root), 422, "unprocessable");
}

#[test]
fn a_request_that_is_no_good_is_a_problem_of_one_form() {
    let server = Server::new(&[]);
    server.start();
    let json_type = ("Content-Type", "application/json");
    let big = format!(r#"{{"root":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, &str, Headers, &str, u16, &str)] = &[
        ("GET", "/nothing", &[], "", 404, "not-found"),
        ("GET", "/api/v1/nothing", &[], "", 404, "not-found"),
        ("DELETE", "/api/v1/queue", &[], "", 405, "method-not-allowed"),
        ("GET", "/api/v1/tasks/none", &[], "", 404, "not-found"),
        ("GET", "/api/v1/tasks?limit=0", &[], "", 400, "invalid"),
        ("GET", "/api/v1/tasks?limit=many", &[], "", 400, "invalid"),
        ("GET", "/api/v1/tasks?sort=name", &[], "", 400, "invalid"),
        ("GET", "/api/v1/tasks?cursor=x", &[], "", 400, "invalid"),
        ("GET", "/api/v1/tasks?colour=blue", &[], "", 400, "invalid"),
        ("POST", "/api/v1/tasks", &[json_type], "{", 400, "invalid"),
        ("POST", "/api/v1/tasks", &[json_type], "{}", 422, "unprocessable"),
        ("POST", "/api/v1/tasks", &[], "{}", 415, "unsupported-media-type"),
        ("POST", "/api/v1/tasks", &[json_type], &big, 413, "too-large"),
        (
            "POST",
            "/api/v1/tasks/actions",
            &[json_type],
            r#"{"action":"cancel"}"#,
            422,
            "unprocessable",
        ),
        (
            "POST",
            "/api/v1/queue/clear",
            &[json_type],
            r#"{"which":"all"}"#,
            422,
            "unprocessable",
        ),
        (
            "GET",
            "/api/v1/queue",
            &[("Authorization", "Bearer vck_none")],
            "",
            401,
            "unauthorized",
        ),
    ];
    for (method, path, headers, body, status, kind) in cases {
        let answer = server.request(method, path, headers, body.as_bytes());
        problem(&answer, *status, kind);
        let instance = path.split('?').next();
        assert_eq!(answer.json()["instance"].as_str(), instance, "{method} {path}");
    }
}

#[test]
fn what_the_api_is_like_is_told_to_everybody() {
    let server = Server::new(&[]);
    server.start();
    let anybody = |path: &str| server.request("GET", path, &[("Authorization", "none")], b"");
    let description = ok(&anybody("/api/v1/openapi.json"));
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/v1/tasks/{id}/freeze"]["post"].is_object());
    for path in [
        "/api/docs",
        "/api/docs/style.css",
        "/api/v1/problems/not-found",
        "/healthz",
        "/readyz",
    ] {
        assert_eq!(anybody(path).status, 200, "{path}");
    }
    problem(&anybody("/api/v1/problems/none"), 404, "not-found");
}

#[test]
fn slow_clients_are_closed_and_hold_up_nobody() {
    const SLOW: usize = 200;
    let server = Server::new(&[]);
    server.start();
    let mut slow: Vec<_> = (0..SLOW)
        .map(|_| {
            let mut stream = server.connect().unwrap();
            stream.write_all(b"GET /api/v1/queue HTTP/1.1\r\nHost: ").unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    assert_eq!(server.get("/api/v1/queue").status, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
    // Each letter is no new beginning.
    while began.elapsed() < Duration::from_secs(15) {
        for stream in &mut slow {
            stream.write_all(b"x").unwrap();
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    for stream in &mut slow {
        // A reset is an end too.
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
    }
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn without_its_setting_nothing_of_it_is_there() {
    let root = Root::new(&[]);
    root.start();
    for file in ["access.json", "sessions.json", "link-key", "setup-token"] {
        assert!(!root.path("conf").join(file).exists(), "{file}");
    }
    let log = root.log();
    assert!(!log.contains("listens"), "{log}");
    #[cfg(target_os = "linux")]
    {
        let tasks = fs::read_dir(format!("/proc/{}/task", root.pid())).unwrap();
        let names =
            tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
        assert!(names.into_iter().all(|name| name.trim() != "http"));
    }
}

#[test]
fn an_address_that_cannot_be_had_or_may_not_be_used_stops_the_start_and_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{:?}", taken.local_addr().unwrap().to_string());
    for (listen, code, says) in [
        (address.as_str(), 3, "another program may have the port"),
        ("\"0.0.0.0:0\"", 2, "passwords could be read on the way"),
    ] {
        let root = Root::new(&[]);
        root.configure(&[], &format!("\n[http]\nenabled = true\nlisten = {listen}\n"));
        let finished = root.run(&["run"]);
        assert_eq!(finished.code, code, "{finished:?}");
        assert!(finished.stderr.contains(says), "{finished:?}");
    }
}
