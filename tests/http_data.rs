//! What the API tells and gives: settings, load, numbers, logs, results, pictures; the real service and real ffmpeg.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, io::Write, path::Path, process::Command};

use common::{
    clips,
    http::{Answer, Server},
};
use serde_json::{Value, json};

const COMMENTED: &str =
    "# mine, not yours\nsweep_seconds = 2 # because of the NAS\n\n# the phone\n#nice = 10\n";

fn started(settings: &[(&str, &str)]) -> Server {
    let server = Server::new(settings).with_admin_key();
    server.start();
    server
}

/// A film that changes with every picture, and its result, as `720/a.mp4`.
fn compressed(server: &Server) -> String {
    let film = clips::clip(
        "-f lavfi -i testsrc2=size=320x240:rate=10:duration=4 -c:v libx264 -preset ultrafast -crf 5",
        "mp4",
    );
    server.root.put(&film, "720/a.mp4");
    let task = server.root.until_status("720/a.mp4", "processed");
    task["id"].as_str().unwrap().to_owned()
}

fn patch(server: &Server, changes: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    server.request(
        "PATCH",
        "/api/v1/settings",
        &headers,
        changes.to_string().as_bytes(),
    )
}

fn setting(server: &Server, key: &str) -> Value {
    let all = server.get("/api/v1/settings").json();
    let rows = all["settings"].as_array().unwrap().clone();
    rows.into_iter()
        .find(|row| row["key"] == key)
        .unwrap_or_else(|| panic!("no {key}"))
}

fn settings_text(server: &Server) -> String {
    fs::read_to_string(server.root.path("conf/video-compressor.toml")).unwrap()
}

#[test]
fn a_setting_is_changed_in_the_user_s_file_and_in_force_at_once() {
    let server = Server::new(&[]).with_admin_key();
    let with_comments = format!(
        "{COMMENTED}{}",
        settings_text(&server)
            .replace("sweep_seconds = 1\n", "")
            .replace("nice = 0\n", "")
    );
    server.root.write_settings(&with_comments);
    server.start();
    let before = setting(&server, "sweep_seconds");
    assert_eq!(
        (&before["value"], &before["source"]),
        (&json!(2), &json!("conf/video-compressor.toml:2"))
    );
    assert_eq!(before["allowed"], "0.1 to 86400");

    let changed = patch(
        &server,
        &json!({"sweep_seconds": 7.5, "nice": 3, "profiles.quick.crf": 33, "http.tls": "off"}),
    );
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!(changed["in_force"], true);
    assert_eq!(changed["needs_restart"], json!([]));
    let text = settings_text(&server);
    assert!(text.starts_with("# mine, not yours\nsweep_seconds = 7.5 # because of the NAS\n\n# the phone\n#nice = 10\nnice = 3\n"), "{text}");
    assert!(
        text.contains("[profiles.quick]") && text.contains("crf = 33"),
        "{text}"
    );
    assert!(
        text.contains("[http]") && text.contains("tls = \"off\""),
        "{text}"
    );
    // The command line reads the same file.
    let shown = server.root.ok(&["config", "show", "--json"]).json();
    assert_eq!(shown["settings"]["sweep_seconds"]["value"], json!(7.5));

    let back = patch(&server, &json!({"sweep_seconds": null}));
    assert_eq!(back.json()["settings"][0]["source"], "default");
    assert!(settings_text(&server).contains("#sweep_seconds = 7.5 # because of the NAS\n"));
    let restart = patch(
        &server,
        &json!({"http.listen": server.address.replace("127.0.0.1", "[::1]")}),
    );
    assert_eq!(restart.json()["needs_restart"], json!(["http.listen"]));
}

#[test]
fn a_setting_that_is_not_allowed_is_refused_with_what_is_and_nothing_is_written() {
    let server = started(&[("ntfy_topic", "\"not-to-be-guessed\"")]);
    let before = settings_text(&server);
    for (changes, key, said) in [
        (
            json!({"sweep_seconds": 0}),
            "sweep_seconds",
            "allowed is 0.1 to 86400",
        ),
        (
            json!({"nice": 1, "sweep_seconds": "soon"}),
            "sweep_seconds",
            "allowed is 0.1 to 86400",
        ),
        (json!({"sweep": 3}), "sweep", "did you mean sweep_seconds?"),
        (
            json!({"profile": "best"}),
            "profile",
            "there is no profile \"best\"",
        ),
        (json!({"profiles.mine.crf": 99}), "profiles.mine.crf", "0 to 51"),
        (
            json!({"profiles.mine.x265_params": "csv=/tmp/x"}),
            "profiles.mine.x265_params",
            "names a file",
        ),
        (
            json!({"ffmpeg_path": "/tmp/evil"}),
            "ffmpeg_path",
            "only in the settings file",
        ),
        (json!({"input": "/"}), "input", "only in the settings file"),
        (
            json!({"webhook_urls": ["http://10.0.0.1/"]}),
            "webhook_urls",
            "only in the settings file",
        ),
        (
            json!({"ntfy_topic": "…"}),
            "ntfy_topic",
            "only stands for the secret",
        ),
        (
            json!({"ntfy_base_url": "https://evil.example"}),
            "ntfy_base_url",
            "give ntfy_topic anew",
        ),
        (json!({"http.nothing": 1}), "http.nothing", "unknown key"),
        (json!({"../x": 1}), "../x", "unknown key"),
    ] {
        let answer = patch(&server, &changes);
        assert_eq!(answer.status, 422, "{changes}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["key"], key, "{problem}");
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().contains(said),
            "{problem}"
        );
        assert!(!answer.text().contains("not-to-be-guessed"));
    }
    assert_eq!(patch(&server, &json!([1])).status, 422);
    assert_eq!(settings_text(&server), before);
    assert!(
        !server
            .get("/api/v1/settings")
            .text()
            .contains("not-to-be-guessed")
    );
    assert_eq!(setting(&server, "ntfy_topic")["value"], "…");
}

#[test]
fn a_variable_that_wins_over_the_file_is_named() {
    let server = Server::new(&[]).with_admin_key();
    let mut command = server.root.command(&["run"]);
    command.env("VIDEO_COMPRESSOR_CORES", "1");
    server.start_as(command);
    assert_eq!(
        setting(&server, "cores")["overridden_by"],
        "$VIDEO_COMPRESSOR_CORES"
    );
    let changed = patch(&server, &json!({"cores": 2, "max_jobs": 1})).json();
    assert_eq!(changed["overridden"], json!(["cores"]));
    assert!(settings_text(&server).contains("cores = 2\n"));
    assert_eq!(setting(&server, "cores")["value"], 1);
}

#[test]
fn a_result_is_downloaded_whole_in_parts_and_only_as_long_as_it_is_that_result() {
    let server = started(&[]);
    let id = compressed(&server);
    let path = format!("/api/v1/tasks/{id}/output");
    let file = server.root.output("720/a.mp4");
    let content = fs::read(&file).unwrap();
    let whole = server.get(&path);
    assert_eq!((whole.status, whole.body == content), (200, true));
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"a.mp4\""
    );
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let tag = whole.header("etag");

    let part = server.request("GET", &path, &[("Range", "bytes=10-19"), ("If-Range", tag)], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &content[10..20]));
    assert_eq!(
        part.header("content-range"),
        format!("bytes 10-19/{}", content.len())
    );
    let several = server.request("GET", &path, &[("Range", "bytes=0-1,5-6")], b"");
    assert_eq!(
        (several.status, several.header("content-range")),
        (416, format!("bytes */{}", content.len()).as_str())
    );
    let known = server.request("GET", &path, &[("If-None-Match", tag)], b"");
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = server.request("HEAD", &path, &[], b"");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, content.len().to_string().as_str())
    );

    // Another file of that name, or a link to one, is not the result.
    let aside = server.root.path("aside.mp4");
    fs::rename(&file, &aside).unwrap();
    assert_eq!(server.get(&path).status, 404);
    fs::write(&file, "something else").unwrap();
    assert_eq!(server.get(&path).status, 404);
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&aside, &file).unwrap();
    assert_eq!(server.get(&path).status, 404);
    fs::remove_file(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    assert_eq!(server.get(&path).status, 200);
    for stranger in [
        "nothing",
        "..",
        "%2e%2e%2f%2e%2e%2fconf%2fusers.json",
        "..%2f720%2fa.mp4",
        "%00",
        "%ff",
    ] {
        let answer = server.get(&format!("/api/v1/tasks/{stranger}/output"));
        assert_eq!(answer.status, 404, "{stranger}: {}", answer.text());
    }
}

/// The picture in a JPEG as 16 × 12 greys.
fn greys(jpeg: &[u8], folder: &Path) -> Vec<u8> {
    let file = folder.join("picture.jpg");
    fs::write(&file, jpeg).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&file)
        .args(["-vf", "scale=16:12,format=gray", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert_eq!(output.stdout.len(), 16 * 12, "{output:?}");
    output.stdout
}

fn difference(one: &[u8], other: &[u8]) -> u32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| u32::from(one.abs_diff(*other)))
        .sum()
}

#[test]
fn pictures_of_source_and_result_show_the_same_moment() {
    let server = started(&[]);
    let id = compressed(&server);
    let folder = server.root.path("");
    let frame = |side: &str, at: &str| {
        let answer = server.get(&format!(
            "/api/v1/tasks/{id}/frames?side={side}&at_seconds={at}&width=160"
        ));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "image/jpeg");
        greys(&answer.body, &folder)
    };
    // Each with a moment of the picture beside it.
    for (at, beside) in [("0", "0.1"), ("0.1", "0.05"), ("1.23", "1.35"), ("3.9", "3.85")] {
        let output = frame("output", at);
        let same = difference(&frame("source", at), &output);
        let other = difference(&frame("source", beside), &output);
        assert!(same < 16 * 12 * 6 && same * 2 < other, "{at}: {same} {other}");
    }
    let thumbnail = server.get(&format!("/api/v1/tasks/{id}/thumbnail?width=64"));
    assert_eq!(thumbnail.status, 200);
    let again = server.request(
        "GET",
        &format!("/api/v1/tasks/{id}/thumbnail?width=64"),
        &[("If-None-Match", thumbnail.header("etag"))],
        b"",
    );
    assert_eq!(again.status, 304);
    for (query, status) in [
        ("side=source&at_seconds=100", 404),
        ("side=source&at_seconds=-1", 400),
        ("side=source&at_seconds=nan", 400),
        ("side=source", 400),
        ("side=conf&at_seconds=1", 400),
        ("side=output&at_seconds=1&width=1000000", 400),
    ] {
        let answer = server.get(&format!("/api/v1/tasks/{id}/frames?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    fs::remove_file(server.root.input("720/a.mp4")).unwrap();
    let gone = server.get(&format!("/api/v1/tasks/{id}/frames?side=source&at_seconds=1.5"));
    assert_eq!(gone.status, 404);
    for (query, status) in [
        ("frames?side=source&at_seconds=1.5&missing=empty", 204),
        ("frames?side=output&at_seconds=100&missing=empty", 204),
        ("frames?side=output&at_seconds=1.5&missing=empty", 200),
        ("thumbnail?missing=empty", 200),
        ("thumbnail?missing=nothing", 400),
    ] {
        let answer = server.get(&format!("/api/v1/tasks/{id}/{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    fs::remove_file(server.root.output("720/a.mp4")).unwrap();
    for (query, status) in [("thumbnail", 404), ("thumbnail?missing=empty", 204)] {
        let answer = server.get(&format!("/api/v1/tasks/{id}/{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    let unknown = server.get("/api/v1/tasks/unknown/thumbnail?missing=empty");
    assert_eq!(unknown.status, 404);
}

#[test]
fn the_machine_s_load_has_each_ffmpeg_while_it_runs() {
    let server = Server::new(&[]);
    let gated = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &gated)]);
    server.start();
    server.root.put(&clips::small(1), "720/a.mp4");
    let id = server.root.until_status("720/a.mp4", "processing")["id"].clone();
    let encode = server.root.until("the load has the encode", || {
        let load = server.get("/api/v1/system").json();
        let encode = load["encodes"][0].clone();
        encode["ffmpeg"][0]["pid"].is_u64().then_some(encode)
    });
    assert_eq!(encode["task"], id);
    assert!(encode["ffmpeg"][0]["rss_bytes"].as_u64().unwrap() > 0);
    let load = server.get("/api/v1/system").json();
    assert_eq!(load["service"]["pid"], server.root.pid());
    assert!(load["memory"]["total_bytes"].as_u64() > load["memory"]["used_bytes"].as_u64());
    assert!(
        load["cpu"]["core_percent"]
            .as_array()
            .is_some_and(|cores| !cores.is_empty())
    );
    let folders: Vec<&Value> = load["disks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|disk| &disk["folder"])
        .collect();
    assert_eq!(folders, ["input", "output", "conf", "logs"]);
    let numbers = server.get("/metrics");
    assert!(
        numbers
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let numbers = numbers.text();
    for line in [
        "video_compressor_tasks{status=\"processing\"} 1",
        "video_compressor_tasks{status=\"queued\"} 0",
        "video_compressor_encodes 1",
        "video_compressor_paused 0",
        "video_compressor_disk_free_bytes{folder=\"output\"}",
        &format!("video_compressor_encode_resident_memory_bytes{{task={id}}} "),
        "# EOF",
    ] {
        assert!(numbers.contains(line), "{line} is not in\n{numbers}");
    }
    assert!(!numbers.contains("a.mp4"), "{numbers}");
    let unknown = server.request("GET", "/metrics", &[("Authorization", "Bearer vck_wrong")], b"");
    assert_eq!(unknown.status, 401);
    server.root.open_gate();
    server.root.until_status("720/a.mp4", "processed");
}

#[test]
fn the_report_is_that_of_the_command_line() {
    let server = started(&[]);
    compressed(&server);
    let answered = server.get("/api/v1/report").json();
    assert_eq!(answered["total"]["files"], 1);
    assert_eq!(answered, server.root.ok(&["report", "--json"]).json());
}

#[test]
fn the_log_is_read_from_its_end_and_tells_no_secret() {
    let server = started(&[
        ("ntfy_topic", "\"not-to-be-guessed\""),
        ("ntfy_base_url", "\"http://127.0.0.1:9\""),
    ]);
    compressed(&server);
    let logs = server.root.until("the result is in the log", || {
        let logs = server.get("/api/v1/logs?lines=50&level=info").json();
        logs["entries"]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["message"].as_str().unwrap().contains("720/a.mp4: done"))
            .then_some(logs)
    });
    let times: Vec<&str> = logs["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["time"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let found = server.get("/api/v1/logs?q=WATCHING&lines=1").json();
    assert!(
        found["entries"][0]["message"]
            .as_str()
            .unwrap()
            .contains("watching"),
        "{found}"
    );
    // Pages do not overlap.
    let first = server.get("/api/v1/logs?lines=1").json();
    let second = server
        .get(&format!(
            "/api/v1/logs?lines=1&before={}",
            first["next"].as_str().unwrap()
        ))
        .json();
    assert_ne!(first["entries"], second["entries"]);
    assert!(
        !server
            .get("/api/v1/logs?lines=1000")
            .text()
            .contains("not-to-be-guessed")
    );
    for (bad, status) in [
        ("lines=0", 400),
        ("lines=9999", 400),
        ("lines=x", 400),
        ("level=loud", 400),
        ("before=../x:1", 422),
        ("before=2026-11-22", 422),
    ] {
        assert_eq!(server.get(&format!("/api/v1/logs?{bad}")).status, status, "{bad}");
    }
}

#[test]
fn a_client_of_simple_servers_uploads_converts_looks_and_downloads() {
    let server = started(&[]);
    let film = fs::read(clips::small(3)).unwrap();
    let field = |name: &str, text: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let mut body = format!(
        "{}{}--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\\\films\\\\b.mp4\"\r\nContent-Type: video/mp4\r\n\r\n",
        field("resolution", "480"),
        field("priority", "4"),
    )
    .into_bytes();
    body.extend_from_slice(&film);
    body.extend_from_slice(b"\r\n--XX--\r\n");
    let form = [("Content-Type", "multipart/form-data; boundary=XX")];
    let sent = server.request("POST", "/api/v1/jobs/upload", &form, &body);
    assert_eq!(sent.status, 201, "{}", sent.text());
    let sent = sent.json();
    assert_eq!(
        (&sent["path"], &sent["resolution"]),
        (&json!("480/b.mp4"), &json!(480))
    );
    let id = sent["id"].as_str().unwrap();
    assert_eq!(fs::read(server.root.input("480/b.mp4")).unwrap(), film);
    let done = |id: &str| {
        server.root.until("the job is done", || {
            let job = server.get(&format!("/api/v1/jobs/{id}/status")).json();
            (job["status"] == "processed").then_some(job)
        })
    };
    let job = done(id);
    assert_eq!(job["progress_percent"], 100.0);
    assert_eq!(server.root.task("480/b.mp4").unwrap()["priority"], 4);
    let result = server.get(job["download"].as_str().unwrap());
    assert_eq!(
        (result.status, result.body),
        (200, fs::read(server.root.output("480/b.mp4")).unwrap())
    );

    // Once more, with another profile; then in another resolution, which is another job.
    let convert = format!("/api/v1/jobs/{id}/convert");
    let again = server.post(&convert, &json!({"profile": "fast"}));
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(again.json()["id"], id);
    done(id);
    let moved = server.post(&convert, &json!({"resolution": 720}));
    assert_eq!(moved.status, 200, "{}", moved.text());
    let moved = moved.json();
    assert_ne!(moved["id"], id);
    done(moved["id"].as_str().unwrap());
    assert!(server.root.output("720/b.mp4").exists());
    assert_eq!(server.post(&convert, &json!({"resolution": 721})).status, 409);
    let jobs = server.get("/api/v1/jobs").json();
    assert_eq!(jobs[0]["id"], moved["id"]);

    // The body alone.
    let raw = server.request(
        "POST",
        "/api/v1/jobs/upload?filename=c.mp4&resolution=1080",
        &[],
        &film,
    );
    assert_eq!((raw.status, &raw.json()["path"]), (201, &json!("1080/c.mp4")));
    for (query, status) in [
        ("", 422),
        ("?filename=..%2f..%2fconf%2fx.mp4", 422),
        ("?filename=d.txt", 422),
        ("?filename=d.mp4&resolution=7", 422),
    ] {
        let refused = server.request("POST", &format!("/api/v1/jobs/upload{query}"), &[], &film);
        assert_eq!(refused.status, status, "{query}: {}", refused.text());
    }
    let load = server.get("/api/v1/system/load").json();
    assert!(load["memory_percent"].as_f64().unwrap() > 0.0, "{load}");
    let put = |body: &Value| {
        let headers = [("Content-Type", "application/json")];
        server.request(
            "PUT",
            "/api/v1/jobs/settings",
            &headers,
            body.to_string().as_bytes(),
        )
    };
    assert_eq!(put(&json!({"max_jobs": 1})).json()["max_jobs"], 1);
    assert_eq!(put(&json!({"after_success": "burn"})).status, 422);
    assert_eq!(
        server.get("/api/v1/jobs/settings").json()["after_success"],
        "keep"
    );
}

#[test]
fn what_only_administrators_may_see_is_not_for_operators() {
    let server = Server::new(&[]);
    server.start();
    for (method, path, status) in [
        ("GET", "/api/v1/settings", 403),
        ("PATCH", "/api/v1/settings", 403),
        ("GET", "/api/v1/logs", 403),
        ("GET", "/api/v1/jobs/settings", 403),
        ("PUT", "/api/v1/jobs/settings", 403),
        ("GET", "/api/v1/system", 200),
        ("GET", "/api/v1/report", 200),
        ("GET", "/metrics", 200),
    ] {
        let headers = [("Content-Type", "application/json")];
        let answer = server.request(method, path, &headers, b"{}");
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
}

/// docs/api.md
const DOCUMENTATION: &str = include_str!("../docs/api.md");

#[test]
fn every_endpoint_is_in_the_documentation() {
    let described = serde_json::to_value(video_compressor::http::description()).unwrap();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        for method in methods.as_object().unwrap().keys() {
            let named = format!("`{} {path}`", method.to_uppercase());
            assert!(DOCUMENTATION.contains(&named), "{named}");
        }
    }
}

/// The commands of the documentation's blocks, each on one line.
fn examples() -> Vec<String> {
    let blocks = DOCUMENTATION.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
    blocks
        .flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_example_of_the_documentation_is_true() {
    if which::which("curl").is_err() {
        common::skip("every_example_of_the_documentation_is_true", "curl");
        return;
    }
    let server = Server::new(&[]);
    let operator = server.key.clone();
    let server = server.with_admin_key();
    server.start();
    let task = compressed(&server);
    let folder = server.root.path("client");
    fs::create_dir(&folder).unwrap();
    fs::copy(clips::small(5), folder.join("film.mp4")).unwrap();
    let examples = examples();
    assert!(examples.len() > 15);
    for example in examples {
        // A task that was just queued again has no result until it is done.
        server.root.until_status("720/a.mp4", "processed");
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "curl() {{ command curl -sS --fail-with-body \"$@\"; }}\n{example}"
            ))
            .current_dir(&folder)
            .env("API", format!("http://{}", server.address))
            .env("KEY", &operator)
            .env("ADMIN", &server.key)
            .env("TASK", &task)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{example}\n{output:?}\n{}",
            server.root.log()
        );
    }
    let fetched = fs::read(folder.join("result.mp4")).unwrap();
    assert!(!fetched.is_empty());
    for picture in ["source.jpg", "output.jpg"] {
        assert!(
            fs::read(folder.join(picture)).unwrap().starts_with(&[0xff, 0xd8]),
            "{picture}"
        );
    }
}

#[test]
fn the_user_s_file_keeps_its_permissions_and_stays_a_link_where_it_is_one() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::new(&[]).with_admin_key();
    let link = server.root.path("conf/video-compressor.toml");
    let file = server.root.path("dotfiles.toml");
    fs::rename(&link, &file).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    server.start();
    assert_eq!(patch(&server, &json!({"cores": 1})).status, 200);
    assert!(link.is_symlink());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(fs::read_to_string(&file).unwrap().contains("cores = 1\n"));
}

#[test]
fn a_settings_file_that_was_broken_by_hand_is_told_and_left_alone() {
    let server = started(&[]);
    let broken = format!("sweep_seconds = soon\n{}", settings_text(&server));
    server.root.write_settings(&broken);
    let told = server.get("/api/v1/settings").json();
    assert!(
        told["problems"][0].as_str().unwrap().contains("not valid TOML"),
        "{told}"
    );
    assert_eq!(setting(&server, "sweep_seconds")["value"], 1);
    let refused = patch(&server, &json!({"cores": 1}));
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(settings_text(&server), broken);
}

#[cfg(target_os = "linux")]
#[test]
fn a_download_of_any_size_takes_the_same_memory() {
    use std::os::unix::fs::MetadataExt;
    const BIG_BYTES: u64 = 400 << 20;
    let server = started(&[]);
    let id = compressed(&server);
    // A result of that size would take hours; what the queue knows of it is what counts.
    server.root.stop();
    let file = server.root.output("720/a.mp4");
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(BIG_BYTES)
        .unwrap();
    let found = file.metadata().unwrap();
    let mut tasks = server.root.tasks();
    tasks[0]["output_file"] = json!({
        "device": found.dev(), "inode": found.ino(), "size": found.size(),
        "mtime_ns": found.mtime() * 1_000_000_000 + found.mtime_nsec(),
        "ctime_ns": found.ctime() * 1_000_000_000 + found.ctime_nsec(),
    });
    fs::write(server.root.path("conf/tasks.json"), json!(tasks).to_string()).unwrap();
    server.start();
    let path = format!("/api/v1/tasks/{id}/output");
    assert_eq!(server.request("HEAD", &path, &[], b"").status, 200);
    let before = server.peak_kib();
    let whole = server.get(&path);
    assert_eq!((whole.status, whole.body.len() as u64), (200, BIG_BYTES));
    let more = server.peak_kib() - before;
    assert!(more < 16 << 10, "{more} KiB more than before");
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_takes_for_ever_holds_up_nobody_and_ends_with_who_asked() {
    let server = Server::new(&[]);
    let pid = server.root.path("pid");
    let hangs = server.root.script(&format!(
        "case \"$*\" in *image2pipe*) echo $$ > '{}'; exec sleep 1000;; esac\nexec ffmpeg \"$@\"\n",
        pid.display()
    ));
    server.configure(&[("ffmpeg_path", &hangs)]);
    server.start();
    let id = compressed(&server);
    let mut asked = server.connect().unwrap();
    let head = server.head("GET", &format!("/api/v1/tasks/{id}/thumbnail"), &[]);
    asked.write_all(head.as_bytes()).unwrap();
    let child = server.root.until("ffmpeg works for the picture", || {
        let text = fs::read_to_string(&pid).ok()?;
        text.trim().parse::<u32>().ok()
    });
    let is_there = || Path::new(&format!("/proc/{child}")).exists();
    assert!(is_there());
    assert_eq!(server.get("/api/v1/tasks").status, 200);
    drop(asked);
    server.root.until("it has ended", || (!is_there()).then_some(()));
}
