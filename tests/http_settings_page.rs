//! What the page's settings and its forms ask of the service beside `GET` and `PATCH /settings`: choices, tests, previews of
//! profiles, what settings were; the real service and real ffmpeg.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, time::Duration};

use common::{
    clips,
    http::{Answer, Server},
    ntfy::Ntfy,
    receiver::{Receiver, Reply, SECRET_PATH},
};
use serde_json::{Value, json};

fn started(settings: &[(&str, &str)]) -> Server {
    let server = Server::new(settings).with_admin_key();
    server.start();
    server
}

fn send(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    server.request(method, path, &headers, body.to_string().as_bytes())
}

fn patch(server: &Server, changes: &Value) -> Answer {
    let answer = send(server, "PATCH", "/api/v1/settings", changes);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn before(server: &Server, key: &str) -> Value {
    let all = server.get("/api/v1/settings").json();
    let rows = all["settings"].as_array().unwrap().clone();
    let row = rows.into_iter().find(|row| row["key"] == key);
    row.unwrap_or_else(|| panic!("no {key}"))["before"].clone()
}

fn preview(server: &Server, draft: &Value) -> Value {
    let answer = send(server, "POST", "/api/v1/profiles/preview", draft);
    assert_eq!(answer.status, 200, "{draft}: {}", answer.text());
    answer.json()
}

fn tried(server: &Server, what: &str) -> Answer {
    send(server, "POST", "/api/v1/settings/test", &json!({ "what": what }))
}

fn settings_text(server: &Server) -> String {
    fs::read_to_string(server.root.path("conf/video-compressor.toml")).unwrap()
}

#[test]
fn who_may_not_read_settings_sees_what_there_is_to_choose_from() {
    let mut server = Server::new(&[("http.upload_max_gb", "2"), ("after_success", "\"archive\"")]);
    server.root.write_settings(&format!(
        "{}\n[profiles.tiny]\nbased_on = \"slow\"\ncrf = 35\n[resolution.2160]\nprofile = \"tiny\"\n",
        settings_text(&server)
    ));
    server.key = server.new_key("admin", "viewer");
    server.start();
    let choices = server.get("/api/v1/choices").json();
    assert_eq!(
        choices["resolutions"],
        json!([
            {"height": 480, "profile": "quick"},
            {"height": 720, "profile": "quick"},
            {"height": 1080, "profile": "quick"},
            {"height": 2160, "profile": "tiny"},
        ])
    );
    let profiles = choices["profiles"].as_array().unwrap();
    let named = |name: &str| profiles.iter().find(|profile| profile["name"] == name).unwrap();
    assert_eq!(
        *named("tiny"),
        json!({"name": "tiny", "summary": "preset slow, CRF 35", "builtin": false})
    );
    assert_eq!(named("slow")["builtin"], true);
    assert_eq!(choices["default_profile"], "quick");
    assert_eq!(choices["upload_max_bytes"], 2_000_000_000_u64);
    assert_eq!(choices["after_success"], "archive");
    assert!(choices["extensions"].as_array().unwrap().contains(&json!("mkv")));
}

#[test]
fn what_runs_here_is_told_with_its_encoder_and_without_paths() {
    let server = started(&[]);
    let told = server.get("/api/v1/version").json();
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert!(!told["os"].as_str().unwrap_or_default().is_empty(), "{told}");
    for key in ["ffmpeg", "x265", "arch"] {
        let text = told[key].as_str().unwrap_or_default();
        assert!(!text.is_empty() && !text.contains('/'), "{key}: {told}");
    }
    assert_eq!(
        (&told["license"], &told["documentation"]),
        (&json!("MIT"), &json!("/api/docs"))
    );
}

#[test]
fn before_a_login_the_ways_to_log_in_are_told_and_nothing_else() {
    let server = Server::new(&[]);
    let users = server.root.path("conf/access.json");
    let away = server.root.path("away.json");
    fs::rename(&users, &away).unwrap();
    server.start();
    let options = || {
        server
            .request("GET", "/api/v1/login-options", &[("Authorization", "")], b"")
            .json()
    };
    assert_eq!(
        options(),
        json!({"setup": true, "oidc": false, "name": null, "me": null})
    );
    fs::rename(&away, &users).unwrap();
    server.root.until("the user is known", || {
        (options()["setup"] == false).then_some(())
    });
    server.root.stop();
    server.configure(&[
        ("http.oidc_issuer", "\"https://login.example.org/realms/home\""),
        ("http.oidc_client_id", "\"video\""),
        ("http.public_url", "\"https://video.example.org\""),
    ]);
    server.start();
    assert_eq!(
        options(),
        json!({"setup": false, "oidc": true, "name": "login.example.org", "me": null})
    );
}

#[test]
fn a_setting_says_what_it_was_when_and_by_whom() {
    let server = started(&[("ntfy_topic", "\"not-to-be-guessed\"")]);
    assert_eq!(before(&server, "sweep_seconds"), Value::Null);
    patch(
        &server,
        &json!({"sweep_seconds": 7, "ntfy_topic": "another-secret", "profiles.mine.crf": 30}),
    );
    let former = before(&server, "sweep_seconds");
    assert_eq!((&former["value"], &former["by"]), (&json!(1), &json!("admin")));
    assert!(former["changed"].as_str().unwrap().starts_with("20"), "{former}");
    assert_eq!(before(&server, "ntfy_topic")["value"], "…");
    assert_eq!(before(&server, "profiles.mine.crf")["value"], Value::Null);
    assert_eq!(before(&server, "profiles.mine.crf")["by"], "admin");
    assert_eq!(before(&server, "cores"), Value::Null);
    // The same again is no change.
    patch(&server, &json!({"sweep_seconds": 7}));
    assert_eq!(before(&server, "sweep_seconds")["value"], 1);
    let changed = patch(&server, &json!({"sweep_seconds": null})).json();
    assert_eq!(changed["settings"][0]["before"]["value"], 7);
    // A profile of that name that is made anew was not before.
    patch(&server, &json!({"profiles.mine": null}));
    patch(&server, &json!({"profiles.mine.preset": "slow"}));
    assert_eq!(before(&server, "profiles.mine.crf"), Value::Null);
    let all = server.get("/api/v1/settings").text();
    assert!(!all.contains("not-to-be-guessed") && !all.contains("another-secret"));
    server.kill_and_start();
    assert_eq!(before(&server, "sweep_seconds"), Value::Null);
}

#[test]
fn a_test_message_is_sent_for_real_and_not_again_at_once() {
    let ntfy = Ntfy::start();
    let works = Receiver::start([]);
    let fails = Receiver::start([Reply::Status(500)]);
    let urls = format!("[{:?}, {:?}]", works.url, fails.url);
    let server = started(&[
        ("ntfy_topic", "\"not-to-be-guessed\""),
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("webhook_urls", &urls),
        ("webhook_secret", "\"shared-secret\""),
        ("webhook_private", "true"),
    ]);
    let told = tried(&server, "ntfy");
    assert_eq!(told.status, 200, "{}", told.text());
    let results = told.json();
    assert_eq!(results.as_array().map(Vec::len), Some(1), "{results}");
    assert_eq!(
        (&results[0]["target"], &results[0]["ok"]),
        (&json!("ntfy"), &json!(true))
    );
    assert_eq!(results[0]["way_out"], Value::Null);
    assert_eq!(results[0]["detail"], "HTTP 200");
    assert!(results[0]["took_ms"].is_u64());
    assert_eq!(ntfy.taken().len(), 1);

    let again = tried(&server, "ntfy");
    assert_eq!(again.status, 429, "{}", again.text());
    let wait: u64 = again.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(ntfy.taken().len(), 1);

    let told = tried(&server, "webhook");
    let results = told.json();
    assert_eq!(
        (&results[0]["ok"], &results[1]["ok"]),
        (&json!(true), &json!(false)),
        "{results}"
    );
    assert_eq!(results[0]["target"], "webhook 1 (127.0.0.1)");
    assert!(
        results[1]["detail"].as_str().unwrap().contains("500"),
        "{results}"
    );
    assert!(!results[1]["way_out"].as_str().unwrap().is_empty());
    assert!(works.next().is_signed_with("shared-secret"));
    for secret in [SECRET_PATH, "not-to-be-guessed", "shared-secret"] {
        assert!(!told.text().contains(secret) && !server.root.log().contains(secret));
    }

    let off = tried(&server, "email").json();
    assert_eq!(off[0]["ok"], false);
    assert!(
        off[0]["way_out"].as_str().unwrap().contains("email_server"),
        "{off}"
    );
    assert_eq!(tried(&server, "pigeon").status, 422);
}

#[test]
fn ffmpeg_is_tried_out_by_an_encode() {
    let server = Server::new(&[]).with_admin_key();
    let tool = server.root.script("exec ffmpeg \"$@\"\n");
    server.configure(&[("ffmpeg_path", &tool)]);
    server.start();
    let works = tried(&server, "ffmpeg").json();
    assert_eq!(works[0]["ok"], true, "{works}");
    assert!(
        works[0]["detail"].as_str().unwrap().contains("libx265"),
        "{works}"
    );
    let path: String = serde_json::from_str(&tool).unwrap();
    fs::write(path, "#!/bin/sh\necho 'Unknown encoder libx265' >&2\nexit 1\n").unwrap();
    let patience = Duration::from_secs(30);
    let fails = server.root.until_within(patience, "it may be tried again", || {
        let answer = tried(&server, "ffmpeg");
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(fails[0]["ok"], false, "{fails}");
    assert!(
        fails[0]["detail"].as_str().unwrap().contains("Unknown encoder"),
        "{fails}"
    );
    assert!(
        fails[0]["way_out"].as_str().unwrap().contains("ffmpeg_path"),
        "{fails}"
    );
}

#[test]
fn a_draft_of_a_profile_is_judged_as_the_settings_file_is_and_nothing_is_written() {
    let server = started(&[]);
    let text = settings_text(&server);
    for (draft, has) in [
        (json!({}), "-preset:0 medium"),
        (json!({"based_on": "slow", "crf": 21.5}), "-crf:0 21.5"),
        (json!({"preset": "veryslow", "crf": null}), "-preset:0 veryslow"),
        (json!({"x265_params": "ref=2:no-sao=1"}), "ref=2:no-sao=1"),
        (json!({"audio": "copy"}), "-c:1 copy"),
        (
            json!({"target": {"metric": "ssim_db", "value": 18}}),
            "-preset:0 medium",
        ),
    ] {
        let made = preview(&server, &json!({"profile": draft, "task": null}));
        assert_eq!(
            (&made["ok"], &made["errors"]),
            (&json!(true), &json!([])),
            "{draft}"
        );
        let command = made["command"].as_str().unwrap();
        assert!(
            command.starts_with("ffmpeg ") && !command.contains('\n'),
            "{command}"
        );
        assert!(command.contains(has), "{draft}: {command}");
        assert!(command.contains("file:input/1080/film.mkv"), "{command}");
        let words: Vec<&str> = made["words"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        assert_eq!(words.join(" "), command);
        let root = server.root.path("");
        assert!(!made.to_string().contains(root.to_str().unwrap()), "{made}");
    }
    let aimed = json!({"profile": {"target": {"metric": "ssim_db", "value": 18}}});
    let notes = preview(&server, &aimed)["notes"].to_string();
    assert!(notes.contains("SSIM 18.00 dB"), "{notes}");
    for (draft, key, said) in [
        (
            json!({"profile": {"crf": 99}}),
            "crf",
            "crf = 99: allowed is 0 to 51",
        ),
        (json!({"profile": {"speed": 1}}), "speed", "unknown key speed"),
        (
            json!({"profile": {"based_on": "best"}}),
            "based_on",
            "there is no profile \"best\"",
        ),
        (
            json!({"profile": {"x265_params": "csv=/tmp/x"}}),
            "x265_params",
            "names a file",
        ),
        (
            json!({"profile": {"x265_params": "ref 4"}}),
            "x265_params",
            "x265 options",
        ),
        (
            json!({"profile": {"crf": 20, "target": {"metric": "vmaf", "value": 95}}}),
            "based_on",
            "both set",
        ),
        (
            json!({"profile": {}, "name": "no name"}),
            "name",
            "up to 32 letters",
        ),
        (
            json!({"profile": {}, "resolution": 144}),
            "resolution",
            "there is no folder 144",
        ),
    ] {
        let made = preview(&server, &draft);
        assert_eq!(
            (&made["ok"], &made["command"]),
            (&json!(false), &Value::Null),
            "{draft}"
        );
        assert_eq!(made["errors"][0]["key"], key, "{made}");
        assert!(
            made["errors"][0]["detail"].as_str().unwrap().contains(said),
            "{made}"
        );
    }
    // As one of that name would be then.
    let changed = preview(&server, &json!({"name": "slow", "profile": {"crf": 20}}));
    assert_eq!(changed["summary"], "preset slow, CRF 20");
    let here = preview(
        &server,
        &json!({"name": "quick", "profile": {}, "resolution": 480}),
    );
    assert!(
        here["command"].as_str().unwrap().contains("output/480/film."),
        "{here}"
    );
    assert_eq!(settings_text(&server), text);
    let none = json!({"profile": {}, "task": "nothing"});
    assert_eq!(
        send(&server, "POST", "/api/v1/profiles/preview", &none).status,
        404
    );
}

#[test]
fn who_may_not_read_settings_learns_nothing_of_them_by_a_preview() {
    let mut server = Server::new(&[]);
    server.key = server.new_key("admin", "operator");
    server.start();
    server.root.write_settings(&format!(
        "ntfy_base_url = \"ftp://secret.example\"\n{}",
        settings_text(&server)
    ));
    let made = preview(&server, &json!({"profile": {"crf": 30}}));
    assert_eq!(
        (&made["ok"], &made["errors"][0]["key"]),
        (&json!(false), &json!("profile")),
        "{made}"
    );
    assert!(!made.to_string().contains("secret"), "{made}");
}

#[test]
fn a_preview_for_a_film_is_the_command_that_explain_prints() {
    let server = started(&[]);
    server.root.put(&clips::small(1), "720/Series/a b's.mp4");
    let task = server.root.until_status("720/Series/a b's.mp4", "processed");
    let draft = json!({"name": "quick", "profile": {}, "task": task["id"]});
    let made = preview(&server, &draft);
    let explained = server
        .root
        .ok(&["explain", "720/Series/a b's.mp4", "--json"])
        .json();
    let root = format!(
        "{}/",
        server.root.path("").to_str().unwrap().trim_end_matches('/')
    );
    let expected = explained["command"].as_str().unwrap().replace(&root, "");
    assert_eq!(made["command"], expected);
    assert_eq!(made["notes"], explained["notes"]);
    fs::remove_file(server.root.input("720/Series/a b's.mp4")).unwrap();
    assert_eq!(
        send(&server, "POST", "/api/v1/profiles/preview", &draft).status,
        404
    );
}

#[test]
fn a_film_that_would_not_be_encoded_is_told_with_the_reason() {
    let server = started(&[]);
    fs::write(server.root.input("720/text.mp4"), "not a film").unwrap();
    let task = server.root.until_status("720/text.mp4", "failed");
    let made = preview(&server, &json!({"profile": {}, "task": task["id"]}));
    assert_eq!(
        (&made["ok"], &made["errors"][0]["key"]),
        (&json!(false), &json!("task")),
        "{made}"
    );
    assert!(
        made["errors"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("not a video"),
        "{made}"
    );
}

#[test]
fn a_profile_is_removed_when_nothing_uses_it() {
    let server = Server::new(&[]).with_admin_key();
    let ffmpeg = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &ffmpeg), ("max_jobs", "1")]);
    server.start();
    let delete = |name: &str| server.request("DELETE", &format!("/api/v1/profiles/{name}"), &[], b"");
    let refused = |name: &str, said: &str| {
        let answer = delete(name);
        assert_eq!(answer.status, 409, "{name}: {}", answer.text());
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(said),
            "{}",
            answer.text()
        );
    };
    let text = settings_text(&server);
    patch(
        &server,
        &json!({"profiles.mine.crf": 30, "profiles.heir.based_on": "mine", "resolution.480.profile": "mine"}),
    );
    refused("quick", "every folder without a profile of its own");
    refused("mine", "folder 480");
    patch(&server, &json!({"resolution.480.profile": null}));
    refused("mine", "there is no profile \"mine\"");
    assert_eq!(delete("heir").status, 204);

    server.root.put(&clips::small(1), "720/a.mp4");
    let task = server.root.until_status("720/a.mp4", "processing");
    server.root.put(&clips::small(2), "720/b.mp4");
    let waiting = server.root.until_status("720/b.mp4", "queued");
    let id = waiting["id"].as_str().unwrap();
    let path = format!("/api/v1/tasks/{id}");
    let with_profile = |profile: Value| send(&server, "PATCH", &path, &json!({ "profile": profile }));
    assert_eq!(with_profile(json!("mine")).status, 200, "{task}");
    refused("mine", "1 tasks wait for profile mine");
    assert_eq!(
        send(
            &server,
            "PATCH",
            "/api/v1/settings",
            &json!({"profiles.mine": null})
        )
        .status,
        409
    );
    assert_eq!(with_profile(Value::Null).status, 200);
    assert_eq!(delete("mine").status, 204);
    assert_eq!(delete("mine").status, 404);
    let says = |word: &str| {
        let text = settings_text(&server);
        text.lines()
            .any(|line| !line.starts_with('#') && line.contains(word))
    };
    assert!(!says("mine") && !says("heir"), "{}", settings_text(&server));

    // Of one that is always there, what the file changes in it goes.
    patch(&server, &json!({"profiles.slow.crf": 20}));
    assert_eq!(delete("slow").status, 204);
    assert_eq!(delete("slow").status, 204);
    let left: Vec<String> = settings_text(&server)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#profile"))
        .map(ToOwned::to_owned)
        .collect();
    let at_first: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!(
        at_first.iter().all(|line| left.iter().any(|kept| kept == line)),
        "{left:?}"
    );
    server.root.open_gate();
}
