//! What the API has for a page: a queue that is put in order by hand, lists that are entered anywhere, what is wrong in
//! words, an encode's pieces, and events about uploads and settings.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{
    clips,
    events::Events,
    http::{Answer, Server},
};
use serde_json::{Value, json};

const FILES: [&str; 5] = ["720/a.mkv", "720/b.mkv", "720/c.mkv", "720/d.mkv", "720/e.mkv"];

fn ok(answer: &Answer) -> Value {
    assert!(
        (200..300).contains(&answer.status),
        "{answer:?} {}",
        answer.text()
    );
    answer.json()
}

fn detail(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()["detail"].as_str().unwrap().to_owned()
}

/// The letters of the tasks of a list.
fn letters(list: &Value) -> String {
    let tasks = list["tasks"].as_array().unwrap();
    let letter = |task: &Value| task["path"].as_str().unwrap().chars().nth(4).unwrap();
    tasks.iter().map(letter).collect()
}

/// A service that is paused, with [`FILES`] waiting in this order, and their tasks' ids.
fn paused() -> (Server, Vec<String>) {
    let server = Server::new(&[]);
    server.root.ok(&["pause"]);
    server.start();
    let ids = (0..).zip(FILES).map(|(seed, file)| {
        server.root.put(&clips::small(seed), file);
        let task = server.root.until_status(file, "queued");
        task["id"].as_str().unwrap().to_owned()
    });
    let ids = ids.collect();
    (server, ids)
}

fn in_turn(server: &Server, query: &str) -> Value {
    ok(&server.get(&format!("/api/v1/tasks?sort=turn&status=queued{query}")))
}

#[test]
fn tasks_are_begun_in_the_order_into_which_they_were_put_also_after_a_restart() {
    let (server, ids) = paused();
    let place = |id: &str, before: Value| {
        server.post(&format!("/api/v1/tasks/{id}/place"), &json!({ "before": before }))
    };
    let order = |chosen: &[usize], before: Value| {
        let chosen: Vec<&String> = chosen.iter().map(|number| &ids[*number]).collect();
        server.post("/api/v1/queue/order", &json!({ "ids": chosen, "before": before }))
    };
    assert_eq!(letters(&in_turn(&server, "")), "abcde");
    let mut events = Events::open(&server, None);
    let moved = ok(&place(&ids[4], json!(ids[1])));
    let answered = Instant::now();
    assert_eq!(moved["tasks"][0]["id"], json!(ids[4]));
    assert_eq!(letters(&in_turn(&server, "")), "aebcd");
    events.until(|event| event.name == "task" && event.data["id"] == json!(ids[4]));
    println!("told {:?} after the answer", answered.elapsed());
    ok(&place(&ids[0], Value::Null));
    assert_eq!(letters(&in_turn(&server, "")), "ebcda");
    let moved = ok(&order(&[3, 0], json!(ids[1])));
    assert_eq!(letters(&moved), "da");
    assert_eq!(letters(&in_turn(&server, "")), "edabc");
    // It takes the priority of where it lands.
    server.root.ok(&["set", "720/c.mkv", "--priority", "3"]);
    server.root.until("the priority is taken", || {
        (letters(&in_turn(&server, "")) == "cedab").then_some(())
    });
    ok(&place(&ids[1], json!(ids[2])));
    let list = in_turn(&server, "");
    assert_eq!(letters(&list), "bceda");
    assert_eq!(list["tasks"][0]["priority"], 3);

    for (refused, reason) in [
        (order(&[0, 0], Value::Null), "named twice"),
        (order(&[0, 1], json!(ids[1])), "named twice"),
        (place("nobody", Value::Null), "no task"),
        (place(&ids[0], json!("nobody")), "no task"),
    ] {
        let status = if reason == "no task" { 404 } else { 409 };
        let detail = detail(&refused, status);
        assert!(detail.contains(reason), "{detail}");
    }
    assert_eq!(
        letters(&in_turn(&server, "")),
        "bceda",
        "what is refused changes nothing"
    );

    server.root.stop();
    server.configure(&[("max_jobs", "1")]);
    server.start();
    assert_eq!(letters(&in_turn(&server, "")), "bceda");
    ok(&server.post("/api/v1/queue/resume", &json!({})));
    let begun = |file: &str| {
        server.root.until_status(file, "processed")["start_time"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut by_start: Vec<(String, &str)> = FILES.iter().map(|file| (begun(file), *file)).collect();
    by_start.sort();
    let order: Vec<&str> = by_start.iter().map(|(_, file)| *file).collect();
    assert_eq!(
        order,
        ["720/b.mkv", "720/c.mkv", "720/e.mkv", "720/d.mkv", "720/a.mkv"]
    );
    let done = server.root.task("720/b.mkv").unwrap();
    assert_eq!(done.get("turn"), None, "what is over has no turn");
    let over = place(&ids[0], Value::Null);
    assert!(detail(&over, 409).contains("only what waits"));
}

#[test]
fn a_turn_that_is_written_into_the_file_by_hand_is_taken() {
    let (server, _) = paused();
    let file = server.root.path("conf/tasks.json");
    let text = fs::read_to_string(&file).unwrap();
    let row = text.lines().find(|line| line.contains("720/d.mkv")).unwrap();
    let edited = row.replace(
        "\"priority\":0",
        "\"priority\":0,\"turn\":\"2020-01-01T00:00:00Z\"",
    );
    fs::write(&file, text.replace(row, &edited)).unwrap();
    server.root.until("the edit is taken", || {
        (letters(&in_turn(&server, "")) == "dabce").then_some(())
    });
    server.root.until("it is written down as all times are", || {
        let row = server.root.task("720/d.mkv")?;
        (row["turn"] == "2020-01-01T00:00:00.000Z").then_some(())
    });
}

#[test]
fn a_list_is_entered_anywhere_and_says_how_long_it_is() {
    let (server, _) = paused();
    for (query, expected) in [
        ("&limit=2", "ab"),
        ("&limit=2&offset=2", "cd"),
        ("&limit=2&offset=4", "e"),
        ("&offset=5", ""),
        ("&offset=4294967295", ""),
    ] {
        let list = in_turn(&server, query);
        assert_eq!(letters(&list), expected, "{query}");
        assert_eq!(list["total"], 5, "{query}");
    }
    let first = in_turn(&server, "&limit=2");
    let cursor = first["next"].as_str().unwrap();
    assert_eq!(letters(&in_turn(&server, &format!("&cursor={cursor}"))), "cde");
    assert_eq!(
        in_turn(&server, "")["number"],
        first["number"],
        "nothing has changed"
    );
    let both = server.get(&format!("/api/v1/tasks?sort=turn&offset=1&cursor={cursor}"));
    assert!(detail(&both, 400).contains("not both"));
    for offset in ["-1", "x", "4294967296"] {
        assert_eq!(
            server.get(&format!("/api/v1/tasks?offset={offset}")).status,
            400,
            "{offset}"
        );
    }
}

#[test]
fn what_is_wrong_is_said_with_the_way_out_until_it_is_mended() {
    let server = Server::new(&[("http.allow_plain", "true")]);
    server.start();
    let problems = || {
        let queue = ok(&server.get("/api/v1/queue"));
        let problems = queue["problems"].as_array().unwrap().clone();
        let kinds = problems
            .iter()
            .map(|problem| problem["kind"].as_str().unwrap().to_owned());
        (kinds.collect::<Vec<_>>(), problems)
    };
    server
        .root
        .until("nothing is wrong", || problems().0.is_empty().then_some(()));
    let mut events = Events::open(&server, None);
    let settings = server.root.path("conf/video-compressor.toml");
    let good = fs::read_to_string(&settings).unwrap();
    let bad = good.replace("sweep_seconds = 1\n", "sweep_seconds = \"often\"\n");
    assert_ne!(bad, good);
    fs::write(&settings, bad).unwrap();
    let (told, _) = events.until(|event| event.name == "queue" && !event.data["problems"][0].is_null());
    let (kinds, listed) = problems();
    assert_eq!(kinds, ["settings_mistake"]);
    assert_eq!(told.data["problems"], json!(listed));
    let problem = &listed[0];
    assert!(
        problem["message"].as_str().unwrap().contains("sweep_seconds"),
        "{problem}"
    );
    assert!(
        problem["way_out"].as_str().unwrap().contains("settings file"),
        "{problem}"
    );
    assert!(problem["since"].is_string(), "{problem}");
    fs::write(&settings, good).unwrap();
    events.until(|event| event.name == "queue" && event.data["problems"] == json!([]));
}

#[test]
fn what_was_saved_is_known_also_of_archived_tasks_and_after_a_restart() {
    let server = Server::new(&[]);
    server.start();
    server.root.put(&clips::small(1), "720/a.mp4");
    let task = server.root.until_status("720/a.mp4", "processed");
    let size = |key: &str| task[key].as_i64().unwrap();
    let saved = (
        json!(1),
        json!(size("file_size_before") - size("file_size_after")),
    );
    let told = || {
        let queue = ok(&server.get("/api/v1/queue"));
        (queue["saved_files"].clone(), queue["saved_bytes"].clone())
    };
    let is_told = || (told() == saved).then_some(());
    server.root.until("it is counted", is_told);
    let report = ok(&server.get("/api/v1/report"));
    assert_eq!(report["total"]["saved_bytes"], saved.1, "as the report has it");
    ok(&server.post("/api/v1/queue/clear", &json!({ "which": "finished" })));
    assert_eq!(told(), saved);
    server.root.stop();
    server.start();
    server.root.until("it is known from the archive", is_told);
}

#[test]
fn an_encode_tells_its_pieces_in_the_films_order_and_its_crf() {
    let server = Server::new(&[
        ("chunk_min_seconds", "20"),
        ("chunk_seconds", "10"),
        ("profile", "\"fast\""),
    ]);
    let gated = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &gated)]);
    server.start();
    let film = clips::clip(
        "-f lavfi -i testsrc2=size=192x144:rate=10:duration=45 -c:v libx264 -preset ultrafast -crf 10 -g 20",
        "mkv",
    );
    server.root.put(&film, "720/a.mkv");
    let progress = |is_meant: &dyn Fn(&Value) -> bool| {
        server.root.until("an encode in pieces", || {
            let list = ok(&server.get("/api/v1/tasks?status=processing"));
            let progress = list["tasks"][0]["progress"].clone();
            is_meant(&progress).then_some(progress)
        })
    };
    let progress = progress(&|progress| {
        progress["pieces"]
            .as_str()
            .is_some_and(|pieces| pieces.contains('r'))
    });
    let pieces = progress["pieces"].as_str().unwrap();
    assert!(
        pieces.len() >= 3 && pieces.chars().all(|piece| "rw".contains(piece)),
        "{pieces}"
    );
    assert!(
        progress["crf"].as_f64().is_some_and(|crf| crf > 10.0),
        "{progress}"
    );
    assert_eq!(progress["frame_seconds"], Value::Null);
    server.root.open_gate();
    server.root.until_status("720/a.mkv", "processed");
}

#[test]
fn the_log_of_a_task_is_what_was_said_about_it() {
    let server = Server::new(&[]);
    server.start();
    for (seed, file) in (1..).zip(["720/a.mp4", "720/a.mp4.mp4"]) {
        server.root.put(&clips::small(seed), file);
    }
    server.root.until_status("720/a.mp4.mp4", "processed");
    let task = server.root.until_status("720/a.mp4", "processed");
    let at = format!("/api/v1/tasks/{}/log", task["id"].as_str().unwrap());
    // The log is written by a thread of its own.
    let log = server.root.until("its end is in the log", || {
        let log = ok(&server.get(&at));
        let newest = log["entries"][0]["message"].as_str()?;
        newest.starts_with("720/a.mp4: done").then_some(log)
    });
    let entries = log["entries"].as_array().unwrap();
    assert!(entries.len() >= 2, "{log}");
    for entry in entries {
        assert!(
            entry["message"].as_str().unwrap().starts_with("720/a.mp4: "),
            "{entry}"
        );
        assert!(entry["time"].is_string() && entry["level"].is_string(), "{entry}");
    }
    assert_eq!(log["next"], Value::Null);
    assert!(log["commands"][0].as_str().unwrap().contains("libx265"), "{log}");
    assert!(log["complaints"].is_array(), "{log}");
    let first = ok(&server.get(&format!("{at}?lines=1")));
    assert_eq!(first["entries"], json!([entries[0]]));
    let next = first["next"].as_str().unwrap();
    let second = ok(&server.get(&format!("{at}?lines=1&before={next}")));
    assert_eq!(second["entries"], json!([entries[1]]));
    for query in ["lines=0", "lines=1001", "lines=x", "other=1"] {
        assert_eq!(server.get(&format!("{at}?{query}")).status, 400, "{query}");
    }
    assert_eq!(server.get("/api/v1/tasks/nobody/log").status, 404);
}

#[test]
fn uploads_and_settings_are_told_to_those_who_listen() {
    let server = Server::new(&[]).with_admin_key();
    server.start();
    let mut events = Events::open(&server, None);
    let metadata = format!(
        "filename {},resolution {}",
        STANDARD.encode("a.mkv"),
        STANDARD.encode("720")
    );
    let tus = ("Tus-Resumable", "1.0.0");
    let answer = server.request(
        "POST",
        "/api/v1/uploads",
        &[tus, ("Upload-Length", "10"), ("Upload-Metadata", &metadata)],
        b"",
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    let address = answer.header("location").to_owned();
    let id = address.rsplit('/').next().unwrap().to_owned();
    let of_upload = |events: &mut Events, is_meant: &dyn Fn(&Value) -> bool| {
        let is_it = |data: &Value| data["id"] == json!(id) && is_meant(&data["upload"]);
        events
            .until(|event| event.name == "uploads" && is_it(&event.data))
            .0
            .data
    };
    let begun = of_upload(&mut events, &|upload| upload["offset_bytes"] == 0);
    assert_eq!(
        (&begun["upload"]["name"], &begun["upload"]["length_bytes"]),
        (&json!("a.mkv"), &json!(10))
    );
    let kind = ("Content-Type", "application/offset+octet-stream");
    let answer = server.request("PATCH", &address, &[tus, kind, ("Upload-Offset", "0")], b"hello");
    assert_eq!(answer.status, 204, "{}", answer.text());
    let further = of_upload(&mut events, &|upload| {
        upload["offset_bytes"] == 5 && upload["state"] == "waiting"
    });
    let listed = ok(&server.get(&address));
    assert_eq!(further["upload"], listed, "as the list has it");
    assert_eq!(server.request("DELETE", &address, &[tus], b"").status, 204);
    of_upload(&mut events, &Value::is_null);

    let headers = [("Content-Type", "application/json")];
    let change = br#"{"sweep_seconds": 7}"#;
    let answer = server.request("PATCH", "/api/v1/settings", &headers, change);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (told, _) = events.until(|event| event.name == "settings");
    assert_eq!(told.data, json!({}));
}
