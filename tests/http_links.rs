//! The buttons of alerts: links of the real service, followed, followed again, forged and late.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, path::Path, thread};

use common::{
    clips,
    http::{Answer, Server},
    ntfy::Ntfy,
};
use serde_json::Value;
use video_compressor::{access::Links, alerts::Action, task::TaskId};

/// A service whose alerts have buttons, and the phone that gets them.
struct Scene {
    phone: Ntfy,
    server: Server,
}

impl Scene {
    fn new(settings: &[(&str, &str)]) -> Self {
        let phone = Ntfy::start();
        let server = Server::new(&[]);
        let scene = Self { phone, server };
        scene.configure(settings);
        scene.server.start();
        scene
    }

    fn configure(&self, settings: &[(&str, &str)]) {
        let base_url = format!("{:?}", self.phone.url);
        let public_url = format!("\"http://{}\"", self.server.address);
        let mut all = vec![
            ("ntfy_topic", "\"topic\""),
            ("ntfy_base_url", base_url.as_str()),
            ("http.public_url", public_url.as_str()),
        ];
        all.extend(settings);
        self.server.configure(&all);
    }

    /// A file that fails at once.
    fn put_broken(&self, path: &str) {
        fs::write(self.server.root.input(path), "this is not a video").unwrap();
    }

    /// The `number`th message whose title begins so, from 1.
    fn message(&self, title: &str, number: usize) -> Value {
        let has_title = |message: &Value| {
            message["title"]
                .as_str()
                .is_some_and(|text| text.starts_with(title))
        };
        self.server
            .root
            .until(&format!("message {number} {title:?} is there"), || {
                self.phone.taken().into_iter().filter(has_title).nth(number - 1)
            })
    }

    /// The path of the link below a message's button.
    fn link(&self, message: &Value, label: &str) -> String {
        let actions = message["actions"].as_array().cloned().unwrap_or_default();
        let action = actions.iter().find(|action| action["label"] == label);
        let action = action.unwrap_or_else(|| panic!("no {label}: {message}"));
        assert_eq!(
            (&action["action"], &action["method"]),
            (&"http".into(), &"POST".into())
        );
        let url = action["url"].as_str().unwrap();
        let path = url
            .strip_prefix(&format!("http://{}", self.server.address))
            .unwrap();
        path.to_owned()
    }

    /// As ntfy's app does it: no login, no key.
    fn press(&self, link: &str) -> Answer {
        self.ask("POST", link)
    }

    fn ask(&self, method: &str, link: &str) -> Answer {
        // No key, and what is no key.
        let headers = [
            ("Authorization", ""),
            ("Accept", "text/html"),
            ("Content-Length", "0"),
        ];
        self.server.request(method, link, &headers, b"")
    }

    fn failures_told(&self) -> usize {
        self.phone.count("Failed: ")
    }
}

fn labels(message: &Value) -> Vec<&str> {
    let actions = message["actions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    actions
        .iter()
        .map(|action| action["label"].as_str().unwrap())
        .collect()
}

#[test]
fn a_failed_video_is_retried_once_by_its_button() {
    let scene = Scene::new(&[]);
    scene.put_broken("720/<b>a.mkv");
    let message = scene.message("Failed: <b>a.mkv", 1);
    assert_eq!(labels(&message), ["Retry", "Open"]);
    let link = scene.link(&message, "Retry");

    let page = scene.ask("GET", &link);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("720/&lt;b&gt;a.mkv") && page.text().contains("<form method=\"post\">"));
    assert!(!page.text().contains("<script") && !page.text().contains("<b>a.mkv"));
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(scene.ask("HEAD", &link).status, 200);

    let url = format!("http://{}{link}", scene.server.address);
    let presses: Vec<_> = (0..16)
        .map(|_| {
            let url = url.clone();
            thread::spawn(move || {
                let request = ureq::post(url).config().http_status_as_error(false).build();
                request.send_empty().unwrap().status().as_u16()
            })
        })
        .collect();
    let mut statuses: Vec<u16> = presses.into_iter().map(|press| press.join().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[1..], [410; 15]);

    let again = scene.message("Failed: <b>a.mkv", 2);
    assert_ne!(scene.link(&again, "Retry"), link);
    for (method, status) in [("POST", 410), ("GET", 410)] {
        let answer = scene.ask(method, &link);
        assert_eq!(answer.status, status);
        assert!(answer.text().contains("has been used") && !answer.text().contains("a.mkv"));
    }
    scene.server.kill_and_start();
    assert_eq!(scene.press(&link).status, 410, "also after a crash");
    assert_eq!(scene.failures_told(), 2);
    let (_, token) = link.rsplit_once('/').unwrap();
    assert!(!scene.server.root.log().contains(token));
}

#[test]
fn forged_altered_and_late_links_do_nothing_and_tell_nothing() {
    let scene = Scene::new(&[]);
    scene.put_broken("720/secret-name.mkv");
    let link = scene.link(&scene.message("Failed", 1), "Retry");
    let (base, token) = link.rsplit_once('/').unwrap();
    let task = scene.server.root.task("720/secret-name.mkv").unwrap();
    let task = TaskId::from(task["id"].as_str().unwrap());

    let elsewhere = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let forged = Links::open(elsewhere.path()).unwrap();
    let ours = Links::open(&scene.server.root.path("conf")).unwrap();
    let long_ago = now - jiff::SignedDuration::from_hours(24 * 5);
    let flipped = |place: usize| {
        let mut altered = token.to_owned().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(altered).unwrap()
    };
    let mut cases = vec![
        (forged.sign(Action::Retry, Some(&task), now).unwrap(), 404),
        (forged.sign(Action::Pause, None, now).unwrap(), 404),
        (ours.sign(Action::Retry, Some(&task), long_ago).unwrap(), 410),
        (
            ours.sign(Action::Retry, Some(&TaskId::from("nobody")), now)
                .unwrap(),
            404,
        ),
        (token[..token.len() - 1].to_owned(), 404),
        (format!("{token}A"), 404),
        ("..%2f..%2fconf%2flink-key".to_owned(), 404),
        ("%00".to_owned(), 404),
        ("%ff".to_owned(), 404),
        ("A".repeat(20_000), 404),
    ];
    cases.extend((0..token.len()).step_by(7).map(|place| (flipped(place), 404)));
    for (token, status) in cases {
        let answer = scene.press(&format!("{base}/{token}"));
        assert_eq!(answer.status, status, "{token}");
        assert!(!answer.text().contains("secret-name"), "{}", answer.text());
    }
    let other_host = scene.server.request(
        "POST",
        &link,
        &[("Host", "rebound.example.org"), ("Content-Length", "0")],
        b"",
    );
    assert!(matches!(other_host.status, 400 | 421), "{other_host:?}");
    scene.server.root.after_two_sweeps();
    assert_eq!(scene.failures_told(), 1);
    assert_eq!(scene.server.root.status("720/secret-name.mkv"), "failed");
    // None of that has used the true one up.
    assert_eq!(scene.press(&link).status, 200);
    scene.message("Failed", 2);
}

#[test]
fn an_answer_is_a_page_for_people_a_problem_for_programs_and_for_ntfy_s_web_app_to_read() {
    let scene = Scene::new(&[]);
    let ours = Links::open(&scene.server.root.path("conf")).unwrap();
    let link = |action| {
        let token = ours.sign(action, None, jiff::Timestamp::now()).unwrap();
        format!("/api/v1/act/{token}")
    };
    let pause = link(Action::Pause);
    let from_the_web_app = [
        ("Origin", "https://ntfy.sh"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Content-Length", "0"),
    ];
    let done = scene.server.request("POST", &pause, &from_the_web_app, b"");
    assert_eq!(
        (done.status, done.header("access-control-allow-origin")),
        (200, "*")
    );
    let used = scene.server.request("POST", &pause, &from_the_web_app, b"");
    assert_eq!(
        (used.status, used.header("content-type")),
        (410, "application/problem+json")
    );
    assert_eq!(used.json()["type"], "/api/v1/problems/gone");
    // A link that names no task although its action needs one.
    assert_eq!(scene.press(&link(Action::Retry)).status, 404);
}

#[test]
fn pause_pauses_and_open_leads_somewhere() {
    let scene = Scene::new(&[]);
    scene.put_broken("720/a.mkv");
    let message = scene.message("Queued", 1);
    assert_eq!(labels(&message), ["Pause", "Open"]);
    let answer = scene.press(&scene.link(&message, "Pause"));
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("Paused"));
    let status = scene.server.root.ok(&["status", "--json"]).json();
    assert!(status.to_string().contains("paused"), "{status}");
    scene.server.root.ok(&["resume"]);
    let open = message["actions"].as_array().unwrap().last().unwrap();
    assert_eq!(open["action"], "view");
    assert_eq!(open["url"], format!("http://{}/", scene.server.address));
    let answer = scene.ask("GET", "/");
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").starts_with("text/html"),
        "{answer:?}"
    );
}

#[test]
fn the_original_is_kept_by_its_button_and_the_result_goes() {
    let scene = Scene::new(&[]);
    let root = &scene.server.root;
    let source = root.put(&clips::small(1), "720/a.mp4");
    let content = fs::read(&source).unwrap();
    let message = scene.message("Done: a.mp4", 1);
    assert_eq!(labels(&message), ["Keep original", "Open"]);
    let link = scene.link(&message, "Keep original");
    assert!(
        scene
            .ask("GET", &link)
            .text()
            .contains("Remove the compressed result of 720/a.mp4")
    );
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    assert_eq!(scene.press(&link).status, 200);
    assert!(root.outputs().is_empty());
    assert_eq!(fs::read(&source).unwrap(), content);
    let task = root.until_status("720/a.mp4", "skipped");
    assert!(
        task["reason"].as_str().unwrap().contains("kept by hand"),
        "{task}"
    );
    assert_eq!(scene.press(&link).status, 410);
    root.after_two_sweeps();
    assert_eq!(root.tasks().len(), 1, "not compressed again by itself");
    assert!(root.outputs().is_empty());
    // By hand it is.
    root.ok(&["retry", "720/a.mp4"]);
    scene.message("Done: a.mp4", 2);
    assert_eq!(root.outputs(), ["720/a.mp4"]);
}

#[test]
fn where_the_source_goes_there_is_nothing_to_keep() {
    let scene = Scene::new(&[("after_success", "\"archive\"")]);
    scene.server.root.put(&clips::small(1), "720/a.mp4");
    assert_eq!(labels(&scene.message("Done: a.mp4", 1)), ["Open"]);
    let task = scene.server.root.until_status("720/a.mp4", "processed");
    let task = TaskId::from(task["id"].as_str().unwrap());
    scene.server.root.until("the source has gone", || {
        (!scene.server.root.input("720/a.mp4").exists()).then_some(())
    });
    let ours = Links::open(&scene.server.root.path("conf")).unwrap();
    let token = ours
        .sign(Action::KeepOriginal, Some(&task), jiff::Timestamp::now())
        .unwrap();
    assert_eq!(scene.press(&format!("/api/v1/act/{token}")).status, 409);
    assert_eq!(scene.server.root.outputs(), ["720/a.mp4"]);
}

#[test]
fn hidden_names_stay_hidden_on_pages_and_in_answers() {
    let scene = Scene::new(&[("include_names", "false")]);
    let root = &scene.server.root;
    scene.put_broken("720/secret-name.mkv");
    let link = scene.link(&scene.message("1 video failed", 1), "Retry");
    let page = scene.ask("GET", &link);
    assert!(
        page.status == 200 && page.text().contains("the video"),
        "{}",
        page.text()
    );
    // By then it is no failed task any more, which the answer says without its name.
    let task = root.task("720/secret-name.mkv").unwrap();
    let retry = format!("/api/v1/tasks/{}/retry", task["id"].as_str().unwrap());
    for (path, body) in [
        ("/api/v1/queue/pause", serde_json::json!({"running": "finish"})),
        (&retry, serde_json::json!({})),
    ] {
        let answer = scene.server.post(path, &body);
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
    }
    let refused = scene.press(&link);
    assert_eq!(refused.status, 409, "{}", refused.text());
    for answer in [page, refused] {
        assert!(!answer.text().contains("secret-name"), "{}", answer.text());
    }
    assert!(!format!("{:?}", scene.phone.taken()).contains("secret-name"));
}

#[test]
fn without_the_api_messages_have_no_buttons_and_no_key_is_made() {
    let phone = Ntfy::start();
    let base_url = format!("{:?}", phone.url);
    let root = common::root::Root::new(&[]);
    root.configure(
        &[("ntfy_topic", "\"topic\""), ("ntfy_base_url", &base_url)],
        "\n[http]\npublic_url = \"https://videos.example.org\"\n",
    );
    root.start();
    fs::write(root.input("720/a.mkv"), "this is not a video").unwrap();
    root.until("the failure is told", || {
        (phone.count("Failed") > 0).then_some(())
    });
    assert!(
        phone
            .taken()
            .iter()
            .all(|message| message.get("actions").is_none())
    );
    let conf = root.path("conf");
    let made = |name: &str| Path::new(&conf).join(name).exists();
    assert!(!made("link-key") && !made("links-used.json"));
}
