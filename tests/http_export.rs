//! Tasks as a file, and what was saved by day and week; the real service.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
};

use common::{clips, http::Server};
use serde_json::{Value, json};

/// A row of an archive.
fn row(number: usize, path: &str, ended: &str) -> Value {
    json!({
        "id": format!("old{number:06}"), "path": path, "resolution": "720", "status": "processed", "priority": -5,
        "added_time": ended, "start_time": ended, "end_time": ended, "file_size_before": 1000, "file_size_after": 400,
        "time_taken_seconds": 2.5, "summary": "=1+1, \"smaller\"", "attempts": 1,
    })
}

fn archive(server: &Server, stamp: &str, rows: &[Value]) {
    let file = server.root.path(format!("conf/tasks.json.{stamp}"));
    fs::write(file, json!(rows).to_string()).unwrap();
}

/// The records of CSV, by RFC 4180.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let record = records.last_mut().unwrap();
        let field = record.last_mut().unwrap();
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(String::new()),
            '\r' if !is_quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                records.push(vec![String::new()]);
            }
            letter => field.push(letter),
        }
    }
    assert_eq!(
        records.pop(),
        Some(vec![String::new()]),
        "the last line has an end"
    );
    records
}

#[test]
fn what_is_exported_is_the_list_and_no_name_becomes_a_formula_or_another_row() {
    let server = Server::new(&[]);
    let names = [
        "720/plain.mkv",
        "=HYPERLINK(\"evil.example\",\"x\").mkv",
        "+1.mkv",
        "-1.mkv",
        "@SUM(A1).mkv",
        "\t=1.mkv",
        "\r=1.mkv",
        "720/a,b \"c\"\r\nid,path,=1.mkv",
        "720/<script>alert(1)</script>.mkv",
    ];
    let rows: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(number, name)| row(number, name, "2026-11-02T10:00:00Z"))
        .collect();
    archive(&server, "20261102-110000", &rows);
    server.start();
    server.root.put(&clips::small(1), "480/new.mp4");
    server.root.until_status("480/new.mp4", "processed");

    let csv = server.get("/api/v1/tasks/export?archived=true");
    assert_eq!(csv.status, 200, "{}", csv.text());
    assert_eq!(
        csv.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    let disposition = csv.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"tasks-20") && disposition.ends_with(".csv\""),
        "{disposition}"
    );
    let records = records(&csv.text());
    let (head, rows) = records.split_first().unwrap();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    assert_eq!(rows.len(), names.len() + 1);
    assert!(rows.iter().all(|row| row.len() == head.len()));
    for (row, name) in rows.iter().zip(names) {
        let guard = if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            "'"
        } else {
            ""
        };
        assert_eq!(row[column("path")], format!("{guard}{name}"));
        assert_eq!(row[column("summary")], "'=1+1, \"smaller\"");
        // A number is one.
        assert_eq!(row[column("priority")], "-5");
        assert_eq!(row[column("archived")], "true");
    }
    let newest = rows.last().unwrap();
    assert_eq!(
        (
            newest[column("path")].as_str(),
            newest[column("archived")].as_str()
        ),
        ("480/new.mp4", "false")
    );

    let exported = server.get("/api/v1/tasks/export?format=json&archived=true");
    assert_eq!(exported.header("content-type"), "application/json");
    let by_id = |tasks: &Value| {
        let mut tasks = tasks.as_array().unwrap().clone();
        tasks.sort_by_key(|task| task["id"].as_str().unwrap().to_owned());
        tasks
    };
    let listed = server.get("/api/v1/tasks?archived=true&limit=500").json();
    assert_eq!(by_id(&exported.json()), by_id(&listed["tasks"]));

    for (filter, count) in [
        ("archived=true&resolution=480", 1),
        ("archived=true&q=SCRIPT", 1),
        ("archived=true&status=processed", names.len() + 1),
        ("archived=true&status=failed", 0),
        ("archived=false", 1),
        ("", 1),
    ] {
        let json = server
            .get(&format!("/api/v1/tasks/export?format=json&{filter}"))
            .json();
        assert_eq!(json.as_array().map(Vec::len), Some(count), "{filter}");
        let csv = server
            .get(&format!("/api/v1/tasks/export?format=csv&{filter}"))
            .text();
        assert_eq!(records_of(&csv), count, "{filter}");
    }
    for bad in ["format=xml", "sort=path", "status"] {
        let status = server.get(&format!("/api/v1/tasks/export?{bad}")).status;
        assert_eq!(status, if bad == "status" { 200 } else { 400 }, "{bad}");
    }
}

fn records_of(csv: &str) -> usize {
    records(csv).len() - 1
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_of_100_000_tasks_takes_no_more_memory_than_one_archive() {
    const ARCHIVES: usize = 50;
    const ROWS: usize = 2000;
    let server = Server::new(&[]);
    for number in 0..ARCHIVES {
        let rows: Vec<Value> = (number * ROWS..(number + 1) * ROWS)
            .map(|number| {
                row(
                    number,
                    &format!("720/Series/Episode {number:06}.mkv"),
                    "2026-11-02T10:00:00Z",
                )
            })
            .collect();
        archive(
            &server,
            &format!("20261102-11{:02}{:02}", number / 60, number % 60),
            &rows,
        );
    }
    server.start();
    // The peak of the start is forgotten.
    fs::write(format!("/proc/{}/clear_refs", server.root.pid()), "5").unwrap();
    let before = server.peak_kib();
    let mut stream = server.connect().unwrap();
    let head = server.head("GET", "/api/v1/tasks/export?format=json&archived=true", &[]);
    stream.write_all(head.as_bytes()).unwrap();
    let tasks = BufReader::new(stream)
        .lines()
        .filter(|line| line.as_ref().unwrap().starts_with("{\"id\":\"old"))
        .count();
    assert_eq!(tasks, ARCHIVES * ROWS);
    let more = server.peak_kib().saturating_sub(before);
    assert!(more < 24 << 10, "{more} KiB more than before");
}

#[test]
fn what_was_saved_is_told_by_day_and_week_and_anew_when_something_has_changed() {
    let server = Server::new(&[]);
    let rows = [
        row(1, "720/a.mkv", "2026-11-02T10:00:00Z"),
        row(2, "720/b.mkv", "2026-11-08T10:00:00Z"),
        row(3, "720/c.mkv", "2026-11-09T10:00:00Z"),
        row(4, "720/d.mkv", "2001-01-01T10:00:00Z"),
    ];
    archive(&server, "20261109-110000", &rows);
    server.start();
    let report = || server.get("/api/v1/report").json();
    let first = report();
    assert_eq!(first["total"]["files"], 4);
    let saved = |key: &str, name: &str| -> Vec<(String, i64)> {
        let rows = first[key].as_array().unwrap().iter();
        rows.map(|row| {
            (
                row[name].as_str().unwrap().to_owned(),
                row["saved_bytes"].as_i64().unwrap(),
            )
        })
        .collect()
    };
    let weeks = saved("by_week", "week");
    assert_eq!(weeks[0].0, "2001-W01");
    assert!(weeks.contains(&("2026-W45".to_owned(), 1200)), "{weeks:?}");
    assert!(weeks.contains(&("2026-W46".to_owned(), 600)), "{weeks:?}");
    assert!(
        saved("by_day", "day")
            .iter()
            .all(|(day, _)| !day.starts_with("2001"))
    );
    assert_eq!(report(), first);

    server.root.put(&clips::small(1), "480/new.mp4");
    server.root.until_status("480/new.mp4", "processed");
    server.root.until("the new file is counted", || {
        (report()["total"]["files"] == 5).then_some(())
    });
    let rows = [row(5, "720/e.mkv", "2026-11-10T10:00:00Z")];
    archive(&server, "20261110-110000", &rows);
    assert_eq!(report()["total"]["files"], 6);
}
